// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Crypto
import Documents
import Foundation
import TestSupport
import Testing

/// `bulwark image` and `bulwark sbom` as processes, on images that are made here.
@Suite struct ImageScanTests {
    /// A folder with an image, its upgrade, advisories and a cache.
    struct World {
        let folder: ScratchFolder
        let token =
            "ghp_"
            + (0..<36).map { _ in String("abcdefghijklmnopqrstuvwxyz0123456789".randomElement() ?? "a") }.joined()
        var image: String { folder.path + "/image.tar" }
        var database: [String] { ["--database", folder.path + "/db", "--no-cache"] }

        init() async throws {
            folder = try ScratchFolder()
            let records: [(String, String)] = [
                (
                    "PYSEC-1",
                    #"{"id":"PYSEC-1","modified":"2026-01-01T00:00:00Z","aliases":["CVE-2099-0001"],"summary":"Templates run code","severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],"affected":[{"package":{"ecosystem":"PyPI","name":"jinja2"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2.11.3"}]}]}]}"#
                ),
                (
                    "PYSEC-2",
                    #"{"id":"PYSEC-2","modified":"2026-01-01T00:00:00Z","aliases":["CVE-2099-0002"],"affected":[{"package":{"ecosystem":"PyPI","name":"jinja2"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"2.10"}]}]}]}"#
                ),
            ]
            for (name, text) in records { try folder.write(text, to: "pypi/\(name).json") }
            try folder.write(
                #"{"id":"DSA-1","modified":"2026-01-01T00:00:00Z","upstream":["CVE-2099-0003"],"affected":[{"package":{"ecosystem":"Debian:12","name":"expat"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2.5.0-1+deb12u2"}]}]}]}"#,
                to: "debian/DSA-1.json")
            for (name, ecosystem) in [("pypi", "PyPI"), ("debian", "Debian")] {
                let run = try await CommandRun.bulwark([
                    "advisories", "import", folder.path + "/" + name, "--ecosystem", ecosystem, "--database",
                    folder.path + "/db",
                ])
                try #require(run.status == 0, "\(run.errors)")
            }
            try pack("image.tar", jinja: "2.10")
        }

        /// An image of two layers in the form of `docker save`.
        func pack(_ name: String, jinja: String, breakLayer: Bool = false) throws {
            let status =
                "Package: libexpat1\nStatus: install ok installed\nArchitecture: amd64\nSource: expat\nVersion: 2.5.0-1\n\n"
            let layers = [
                """
                mkdir -p etc var/lib/dpkg app/tmp
                printf 'ID=debian\\nVERSION_ID="12"\\nPRETTY_NAME="Debian GNU/Linux 12"\\n' > etc/os-release
                printf '\(status)' > var/lib/dpkg/status
                printf 'GITHUB_TOKEN=\(token)\\n' > app/tmp/env
                """,
                """
                mkdir -p app/Jinja2-\(jinja).dist-info app/tmp
                printf 'Metadata-Version: 2.1\\nName: Jinja2\\nVersion: \(jinja)\\n' > app/Jinja2-\(jinja).dist-info/METADATA
                touch app/tmp/.wh.env
                """,
            ]
            var digests: [String] = []
            let root = folder.path + "/" + name + ".d"
            for (index, script) in layers.enumerated() {
                try Self.shell(
                    "mkdir -p l\(index) out; cd l\(index); \(script); cd ..; tar -C l\(index) -cf out/\(index).tar .",
                    in: root)
                let bytes = try Data(contentsOf: URL(filePath: "\(root)/out/\(index).tar"))
                digests.append("sha256:" + SHA256.hash(data: bytes).map { String(format: "%02x", $0) }.joined())
            }
            if breakLayer { digests[1] = "sha256:" + String(repeating: "0", count: 64) }
            let configuration =
                #"{"architecture":"amd64","os":"linux","config":{"User":"1000"},"rootfs":{"type":"layers","diff_ids":["\#(digests.joined(separator: "\",\""))"]},"history":[{"created_by":"ADD base"},{"created_by":"pip install"}]}"#
            try configuration.write(toFile: root + "/out/config.json", atomically: true, encoding: .utf8)
            try #"[{"Config":"config.json","RepoTags":["shop/web:1"],"Layers":["0.tar","1.tar"]}]"#
                .write(toFile: root + "/out/manifest.json", atomically: true, encoding: .utf8)
            try Self.shell("tar -C out -cf ../\(name) manifest.json config.json 0.tar 1.tar", in: root)
        }

        static func shell(_ script: String, in folder: String) throws {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let process = Process()
            process.executableURL = URL(filePath: "/bin/bash")
            process.arguments = ["-euc", script]
            process.currentDirectoryURL = URL(filePath: folder)
            try process.run()
            process.waitUntilExit()
            try #require(process.terminationStatus == 0)
        }

        func scan(_ arguments: [String]) async throws -> CommandRun {
            try await CommandRun.bulwark(["image", "scan"] + database + arguments)
        }

        func report(_ arguments: [String] = [], status: Int32 = 0) async throws -> Node {
            let run = try await scan([image, "--output", "json"] + arguments)
            #expect(run.status == status, "\(run.errors)")
            return try JSONReader.read(Array(run.output.utf8), source: "report").root
        }
    }

    private func ids(_ report: Node) -> [String] {
        report["vulnerabilities"]?.elements.filter { $0["exception"] == nil }.compactMap { $0["id"]?.string } ?? []
    }

    @Test func policiesJudgeAnImageBeforeItIsDeployed() async throws {
        let world = try await World()
        func file(_ name: String, _ spec: String) throws -> String {
            try world.folder.write(
                #"{"apiVersion":"policy.bulwark.dev/v1","kind":"ImagePolicy","metadata":{"name":"\#(name)"},"spec":\#(spec)}"#,
                to: name + ".yaml")
            return world.folder.path + "/\(name).yaml"
        }
        let strict = try file(
            "strict", #"{"rules":{"vulnerabilities":[{"severity":"high","onlyFixable":true}],"secrets":true}}"#)
        let lenient = try file("lenient", #"{"mode":"warn","rules":{"registries":["registry.example.com"]}}"#)
        let other = try file("other", #"{"namespaces":{"names":["pay"]},"rules":{"secrets":true}}"#)
        func judge(_ words: String...) async throws -> CommandRun {
            try await CommandRun.bulwark(
                ["image", "judge", world.image, "--as", "registry.example.com/shop/web:1"] + world.database + words)
        }
        let refused = try await judge("-f", strict, "-f", lenient, "-f", other, "--namespace", "shop", "--fail")
        #expect(refused.status == 1, "\(refused.errors)")
        #expect(
            refused.output.contains("strict (enforce): refused: has 1 critical vulnerability, mended by an upgrade"))
        #expect(refused.output.contains("to pass, upgrade Jinja2 2.10 to 2.11.3 (CVE-2099-0001)"), "\(refused.output)")
        #expect(refused.output.contains("strict (enforce): refused: holds 1 credential"), "\(refused.output)")
        #expect(refused.output.contains("lenient (warn): accepted"), "\(refused.output)")
        #expect(refused.output.contains("other (enforce): does not count for it"), "\(refused.output)")
        #expect(!(refused.output + refused.errors).contains(world.token))
        let told = try await judge("-f", strict, "-o", "json")
        let root = try JSONReader.read(Array(told.output.utf8), source: "output").root
        #expect(told.status == 0 && root["schemaVersion"]?.int == 1 && root["phase"]?.string == "Complete")
        #expect(root["policies"]?[0]?["accepted"]?.bool == false && root["policies"]?[0]?["objections"]?.count == 2)
        // What cannot be read as a policy allows nothing.
        let broken = try file("broken", #"{"rules":{"secret":true}}"#)
        let unread = try await judge("-f", strict, "-f", broken)
        #expect(
            unread.status == 2 && unread.errors.contains("spec.rules has an unknown field secret"), "\(unread.errors)")
        let none = try await judge("-f", world.folder.path + "/pypi")
        #expect(none.status == 2 && none.errors.contains("there is no ImagePolicy in it"), "\(none.errors)")
        try world.pack("broken.tar", jinja: "2.10", breakLayer: true)
        let partly = try await CommandRun.bulwark(
            ["image", "judge", world.folder.path + "/broken.tar", "-f", strict, "--fail"] + world.database)
        #expect(partly.status != 0 && !partly.output.contains("accepted"), "\(partly.output) \(partly.errors)")
    }

    @Test func findsWhatTheLayersShowTogether() async throws {
        let world = try await World()
        let report = try await world.report()
        #expect(ids(report) == ["CVE-2099-0001", "CVE-2099-0003", "CVE-2099-0002"])
        let first = report["vulnerabilities"]?[0]
        #expect(first?["severity"]?.string == "critical" && first?["severitySource"]?.string == "CVSS 3.1")
        #expect(first?["score"]?.double == 9.8)
        #expect(first?["fixedVersions"]?.elements.compactMap(\.string) == ["2.11.3"])
        #expect(first?["package"]?["layer"]?.int == 1)
        #expect(report["summary"]?["complete"]?.bool == true)
        #expect(report["image"]?["distribution"]?["ecosystem"]?.string == "Debian:12")
        let secret = report["secrets"]?[0]
        #expect(report["secrets"]?.count == 1)
        #expect(secret?["path"]?.string == "app/tmp/env" && secret?["state"]?.string == "deleted")
        #expect(secret?["layer"]?.int == 0)
    }

    @Test func choosesWhatCounts() async throws {
        let world = try await World()
        #expect(try await world.scan([world.image, "--fail-on", "high"]).status == 1)
        let only = ["--scanners", "vulnerabilities"]
        try world.folder.write("# why\nCVE-2099-0001 exp:2199-01-01\nCVE-2099-0003 exp:2001-01-01\n", to: "ignore")
        let ignored = try await world.report(
            only + ["--ignore-file", world.folder.path + "/ignore", "--fail-on", "high"])
        #expect(ids(ignored) == ["CVE-2099-0003", "CVE-2099-0002"])
        try world.folder.write(
            #"{"@context":"https://openvex.dev/ns/v0.2.0","statements":[{"vulnerability":{"name":"CVE-2099-0001"},"products":[{"@id":"pkg:pypi/jinja2@2.10"}],"status":"not_affected","justification":"vulnerable_code_not_in_execute_path"}]}"#,
            to: "vex.json")
        let stated = try await world.report(only + ["--vex", world.folder.path + "/vex.json"])
        #expect(ids(stated) == ["CVE-2099-0003", "CVE-2099-0002"])
        let reason = stated["vulnerabilities"]?.elements.compactMap { $0["exception"]?["reason"]?.string }.first
        #expect(reason == "not_affected: vulnerable_code_not_in_execute_path")
        try world.folder.write(
            "exemptions: [{owner: jo, reason: behind a wall, checks: [CVE-2099-0003], name: '*shop/web:1'}]",
            to: "ok.yaml")
        #expect(
            try await ids(world.report(only + ["--exemptions", world.folder.path + "/ok.yaml"])) == [
                "CVE-2099-0001", "CVE-2099-0002",
            ])
        #expect(try await ids(world.report(only + ["--only-fixed"])) == ["CVE-2099-0001", "CVE-2099-0003"])
        try world.folder.write("CVE-1 exp:soon\n", to: "ignore")
        let wrong = try await world.scan([world.image, "--ignore-file", world.folder.path + "/ignore"])
        #expect(wrong.status == 2 && wrong.errors.contains("ignore:1: "))
    }

    /// What could not be read is said, and what could still counts.
    @Test func aLayerThatLiesIsNoCleanBill() async throws {
        let world = try await World()
        try world.pack("image.tar", jinja: "2.10", breakLayer: true)
        let report = try await world.report(["--scanners", "vulnerabilities"], status: 3)
        #expect(ids(report).contains("CVE-2099-0001") && ids(report).contains("CVE-2099-0003"))
        #expect(report["summary"]?["complete"]?.bool == false)
        #expect(report["problems"]?[0]?["layer"]?.int == 1)
        let run = try await world.scan([world.image])
        #expect(run.output.contains("not complete") && run.output.contains("Could not be read"))
    }

    @Test func whatCannotBeJudgedIsNoPass() async throws {
        let world = try await World()
        let none = try await CommandRun.bulwark([
            "image", "scan", world.image, "--database", world.folder.path + "/nothing", "--no-cache",
        ])
        #expect(none.status == 3 && none.errors.contains("advisories"), "\(none.errors)")
        #expect(try await world.scan([world.folder.path + "/missing.tar"]).status == 2)
        // An ecosystem without advisories is named, not passed over.
        try world.folder.write(#"{"name":"left","version":"1.0.0"}"#, to: "tree/node_modules/left/package.json")
        let tree = try await world.scan([world.folder.path + "/tree", "--scanners", "vulnerabilities"])
        #expect(tree.status == 3 && tree.output.contains("npm"), "\(tree.output)")
    }

    @Test func noOutputShowsASecret() async throws {
        let world = try await World()
        for format in ["table", "json", "sarif", "html", "junit", "policyreport", "cyclonedx", "spdx"] {
            let run = try await world.scan([world.image, "--output", format, "--all"])
            #expect(run.status == 0 && !run.output.isEmpty, "\(format): \(run.errors)")
            #expect(!run.output.contains(world.token) && !run.errors.contains(world.token), "\(format)")
            if format == "sarif" { #expect(run.output.contains("CVE-2099-0001")) }
        }
    }

    @Test func billsOfMaterialsSayTheSame() async throws {
        let world = try await World()
        for format in ["cyclonedx", "spdx"] {
            let bill = try await CommandRun.bulwark(["image", "sbom", world.image, "--no-cache", "--output", format])
            #expect(bill.status == 0, "\(bill.errors)")
            try world.folder.write(bill.output, to: "bill.json")
            let run = try await CommandRun.bulwark([
                "sbom", "scan", world.folder.path + "/bill.json", "--output", "json", "--database",
                world.folder.path + "/db",
            ])
            #expect(run.status == 0, "\(run.errors)")
            let report = try JSONReader.read(Array(run.output.utf8), source: "report").root
            #expect(ids(report) == ["CVE-2099-0001", "CVE-2099-0003", "CVE-2099-0002"], "\(format)")
        }
    }

    @Test func saysWhatAnUpgradeMends() async throws {
        let world = try await World()
        try world.pack("next.tar", jinja: "3.1.0")
        let run = try await CommandRun.bulwark(
            ["image", "diff", world.image, world.folder.path + "/next.tar", "--output", "json"] + world.database)
        #expect(run.status == 0, "\(run.errors)")
        let report = try JSONReader.read(Array(run.output.utf8), source: "report").root
        func ids(_ key: String) -> [String] { report[dynamic: key]?.elements.compactMap { $0["id"]?.string } ?? [] }
        #expect(ids("solved") == ["CVE-2099-0001"])
        #expect(ids("added") == [])
        #expect(ids("kept") == ["CVE-2099-0003", "CVE-2099-0002"])
        #expect(report["packages"]?[0]?["before"]?[0]?.string == "2.10")
    }
}

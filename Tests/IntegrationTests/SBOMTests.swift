// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import Glibc
import TestSupport
import Testing

/// `bulwark image scan`, what it writes as a bill of materials, and `bulwark sbom scan` on that and on the peers' bills.
@Suite(.serialized) struct SBOMTests {
    private static func json(_ run: CommandRun) throws -> Node {
        try JSONReader.read(Array(run.output.utf8), source: "report").root
    }

    private static func texts(_ report: Node, _ key: StaticString) -> [String] {
        report[key]?.elements.map { $0.json() } ?? []
    }

    @Test func bringsExceptionsBack() async throws {
        let world = try await ImageScanTests.World()
        let folder = world.folder
        try folder.write("CVE-2099-0002\n", to: "ignore")
        try folder.write(
            #"{"statements":[{"vulnerability":"CVE-2099-0003","products":[{"@id":"pkg:deb/debian/libexpat1"}],"status":"not_affected","justification":"component_not_present"}]}"#,
            to: "vex.json")
        let scan = [
            world.image, "--scanners", "vulnerabilities", "--ignore-file", folder.path + "/ignore", "--vex",
            folder.path + "/vex.json",
        ]
        let image = try Self.json(try await world.scan(scan + ["--output", "json", "--all"]))
        #expect(image["vulnerabilities"]?.elements.count { $0["exception"] != nil } == 2)
        for format in ["cyclonedx", "spdx"] {
            let bill = try await world.scan(scan + ["--output", format])
            #expect(bill.status == 0, "\(bill.errors)")
            let file = try folder.write(bill.output, to: format + ".json")
            let extra = format == "spdx" ? Array(scan[3...]) : []
            let back = try Self.json(
                try await CommandRun.bulwark(
                    ["sbom", "scan", file, "--database", folder.path + "/db", "--output", "json", "--all"] + extra))
            #expect(Self.texts(back, "vulnerabilities") == Self.texts(image, "vulnerabilities"), "\(format)")
            #expect(Self.texts(back, "packages") == Self.texts(image, "packages"), "\(format)")
            for (one, two) in zip(back["layers"]?.elements.map { $0 } ?? [], image["layers"]?.elements.map { $0 } ?? [])
            {
                for key in ["digest", "diffID", "createdBy"] {
                    #expect(one[dynamic: key]?.string == two[dynamic: key]?.string)
                }
                #expect(one["packages"]?.int == two["packages"]?.int)
            }
            #expect(back["layers"]?.count == 2)
        }
        // What a later statement says of the same counts more than the bill.
        try folder.write(
            #"{"timestamp":"2199-01-01T00:00:00Z","statements":[{"vulnerability":"CVE-2099-0003","products":[{"@id":"pkg:deb/debian/libexpat1"}],"status":"affected"}]}"#,
            to: "later.json")
        let later = try Self.json(
            try await CommandRun.bulwark([
                "sbom", "scan", folder.path + "/cyclonedx.json", "--database", folder.path + "/db", "--output", "json",
                "--vex", folder.path + "/later.json",
            ]))
        #expect(later["summary"]?["excepted"]?.int == 1)
    }

    /// A vendor's bill: its analyses count, and what it alone knows of is told of and not taken over.
    @Test func readsWhatAForeignBillSays() async throws {
        let world = try await ImageScanTests.World()
        let folder = world.folder
        let names = ["CVE-2099-0002", "CVE-2099-0003", "CVE-1999-0001", "CVE-1999-0002", "CVE-1999-0003"]
        let states = ["not_affected", "", "exploitable", "resolved", ""]
        let url = "pkg:deb/debian/libexpat1@2.5.0-1?arch=amd64&amp;upstream=expat"
        let places = ["j", "e", "e", "e", "e"]
        let listed = zip(zip(names, places), states).map { name, state in
            "<vulnerability><id>\(name.0)</id>"
                + (state.isEmpty ? "" : "<analysis><state>\(state)</state></analysis>")
                + "<affects><target><ref>\(name.1)</ref></target></affects></vulnerability>"
        }
        let xml = try folder.write(
            """
            <bom xmlns="http://cyclonedx.org/schema/bom/1.5"><components>
            <component type="operating-system"><name>debian</name><version>12</version></component>
            <component type="library" bom-ref="e"><name>libexpat1</name><version>2.5.0-1</version><purl>\(url)</purl></component>
            <component type="library" bom-ref="j"><name>jinja2</name><purl>pkg:pypi/jinja2@2.10</purl></component>
            </components><vulnerabilities>\(listed.joined())</vulnerabilities></bom>
            """, to: "vendor.xml")
        let plain = try folder.write(
            try String(contentsOfFile: xml, encoding: .utf8).replacing(
                /<vulnerabilities>.*<\/vulnerabilities>/, with: ""),
            to: "plain.xml")
        func scan(_ file: String, _ more: [String] = []) async throws -> CommandRun {
            try await CommandRun.bulwark(
                ["sbom", "scan", file, "--database", folder.path + "/db", "--output", "json"] + more)
        }
        let without = try await scan(plain)
        let found = try Self.json(without)["vulnerabilities"]?.elements.compactMap { $0["id"]?.string } ?? []
        #expect(Set(found).isSuperset(of: ["CVE-2099-0002", "CVE-2099-0003"]) && without.errors.isEmpty, "\(found)")
        for more in [[], ["--severity", "critical"]] {
            let run = try await scan(xml, more)
            #expect(
                run.errors.contains("2 vulnerabilities that the advisories do not find")
                    && run.errors.contains("CVE-1999-0001, CVE-1999-0003"), "\(run.errors)")
        }
        let report = try Self.json(try await scan(xml))
        let all = report["vulnerabilities"]?.elements.map { $0 } ?? []
        #expect(all.first { $0["id"]?.string == "CVE-2099-0002" }?["exception"] != nil)
        #expect(all.first { $0["id"]?.string == "CVE-2099-0003" }?["exception"] == nil)
        #expect(all.count == found.count)
        // The same document beside a bill that says nothing.
        let beside = try Self.json(try await scan(plain, ["--vex", xml]))
        #expect(beside["summary"]?["excepted"]?.int == 1)
    }

    @Test func endsInTime() async throws {
        // A registry that takes the connection and never says a word.
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && getsockname(listener, $0, &length) == 0 && listen(listener, 8) == 0
            }
        }
        try #require(isBound)
        let world = try await ImageScanTests.World()
        let name = "registry:127.0.0.1:\(UInt16(bigEndian: address.sin_port))/a:1"
        let run = try await world.scan([name, "--timeout", "2s"])
        #expect(run.status == 3 && run.seconds < 30, "\(run.seconds)")
        #expect(run.errors.contains("the time limit of 2s for the image is over"), "\(run.errors)")
        for text in ["0", "x", "5d", "-1s", "1h1"] {
            let wrong = try await world.scan([world.image, "--timeout", text])
            #expect((wrong.status == 2) == (text != "1h1"), "\(text)")
        }
    }

    @Test func prunesTheCache() async throws {
        let world = try await ImageScanTests.World()
        let environment = ["XDG_CACHE_HOME": world.folder.path + "/cache"]
        func cache(_ arguments: [String]) async throws -> String {
            let run = try await CommandRun.bulwark(["image", "cache"] + arguments, environment: environment)
            #expect(run.status == 0, "\(run.errors)")
            return run.output
        }
        #expect(try await cache(["status"]).hasPrefix("0 layers"))
        let scan = try await CommandRun.bulwark(
            ["image", "inventory", world.image], environment: environment)
        #expect(scan.status == 0)
        #expect(try await cache(["status"]).hasPrefix("2 layers"))
        #expect(try await cache(["prune"]).hasPrefix("0 layers"))
        #expect(try await cache(["prune", "--max-size", "0"]).hasPrefix("2 layers"))
    }

    // MARK: The real image

    private struct Real {
        static let cache =
            (ProcessInfo.processInfo.environment["HOME"] ?? "") + "/.cache/bulwark"
        static let image = cache + "/images/app.tar"
        static let database = cache + "/advisories"
        static let isThere: Bool = {
            let isThere = [image, database].allSatisfy { FileManager.default.fileExists(atPath: $0) }
            if !isThere { print("SKIPPED: bills of the real image; run scripts/bench image once to make it") }
            return isThere
        }()
        static let hasPeers: Bool = {
            let hasPeers = isThere && FileManager.default.isExecutableFile(atPath: cache + "/peers/syft")
            if !hasPeers { print("SKIPPED: bills of syft and Trivy; run scripts/scan-peers to fetch them") }
            return hasPeers
        }()

        static func scan(_ arguments: [String]) async throws -> CommandRun {
            let run = try await CommandRun.bulwark(
                arguments + ["--database", database, "--scanners", "vulnerabilities"], limit: .seconds(900),
                dataMB: 4096)
            // Some of its ecosystems have no advisories: 3 says so.
            try #require(run.status == 0 || run.status == 3, "\(run.errors)")
            return run
        }

        /// `kind id package version` of each finding.
        static func findings(_ report: Node) -> Set<String> {
            Set(
                report["vulnerabilities"]?.elements.map { item in
                    let package = item["package"]
                    return [
                        package?["kind"]?.string, item["id"]?.string, package?["name"]?.string?.lowercased(),
                        package?["version"]?.string,
                    ].compactMap { $0 }.joined(separator: " ")
                } ?? [])
        }
    }

    @Test(.enabled(if: Real.isThere, "no real image")) func tellsAllOfTheRealImage() async throws {
        let folder = try ScratchFolder()
        let image = try SBOMTests.json(
            try await Real.scan(["image", "scan", Real.image, "--output", "json", "--all"]))
        #expect(image["vulnerabilities"]?.count ?? 0 > 100)
        for format in ["cyclonedx", "spdx"] {
            let bill = try await Real.scan(["image", "scan", Real.image, "--output", format])
            let file = try folder.write(bill.output, to: format + ".json")
            let back = try SBOMTests.json(
                try await Real.scan(["sbom", "scan", file, "--output", "json", "--all"]))
            #expect(Self.texts(back, "vulnerabilities") == Self.texts(image, "vulnerabilities"), "\(format)")
            #expect(Self.texts(back, "packages") == Self.texts(image, "packages"), "\(format)")
            #expect(back["image"]?["digest"]?.string == image["image"]?["id"]?.string)
            #expect(back["image"]?["distribution"]?.json() == image["image"]?["distribution"]?.json())
        }
    }
}

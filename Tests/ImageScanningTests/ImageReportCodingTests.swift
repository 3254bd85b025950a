// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Inventory
import Malware
import OCI
import Secrets
import Testing

@testable import ImageScanning

/// A report as it is kept to be judged again.
struct ImageReportCodingTests {
    private func report() throws -> ImageReport {
        var record = LayerRecord()
        (record.diffID, record.files, record.bytes) = ("sha256:d1", 3, 1_000)
        var bash = FoundPackage(.deb, name: "bash", version: "5.2", path: "var/lib/dpkg/status")
        (bash.architecture, bash.source, bash.sourceVersion, bash.licenses) = ("amd64", "bash", "5.2-1", ["GPL", ""])
        var jar = FoundPackage(.maven, name: "org.a:b", version: "1", path: "app.war")
        (jar.innerPath, jar.sha1, jar.owner, jar.isDevelopment) = ("WEB-INF/b.jar", "00ff", "deb:app", true)
        record.packages = [bash, jar]
        record.kept = [
            LayerRecord.KeptFile(
                path: "etc/os-release",
                bytes: Array("ID=rocky\nID_LIKE=\"rhel centos\"\nVERSION_ID=9\nCPE_NAME=cpe:/o:rocky\n".utf8))
        ]
        record.secrets = [
            SecretMatch(
                rule: "aws", title: "AWS key", severity: .critical, path: "a\nb", line: 3, column: 9,
                excerpt: "key = (40 bytes, 9f3a61c2)", identity: "aws 40", unlisted: 2)
        ]
        record.malware = [
            MalwareMatch(
                path: "x", rule: "miner", namespace: "bulwark", title: "Miner", severity: .high,
                description: "It mines.",
                evidence: [.init(identifier: "$pool", offset: .max, excerpt: "stratum")], source: .yara)
        ]
        var report = ImageReport(name: "cart", inventory: ImageInventory([record]))
        report.inventory.packages[1].owner = "deb:app"
        report.inventory.problems = ScanProblems([ScanProblem("broken", path: "a.jar", layer: 0)], count: 1_700)
        (report.reference, report.digest, report.imageID) = ("r.example.com/cart:1", "sha256:aa", "sha256:bb")
        (report.platform, report.created) = ("linux/amd64", "2026-01-01T00:00:00Z")
        var configuration = ImageConfiguration()
        configuration.user = "root"
        report.judge(configuration, secrets: try SecretScanner.standard())
        return report
    }

    @Test func whatIsReadBackIsTheSame() throws {
        let report = try report()
        let back = try #require(ImageReport(encoded: report.encoded))
        #expect(back.inventory.packages == report.inventory.packages)
        #expect(back.inventory.packages.contains { $0.sha1 == "00ff" && $0.owner == "deb:app" && $0.layer == 0 })
        #expect(back.inventory.secrets == report.inventory.secrets && back.inventory.secrets.count == 1)
        #expect(back.inventory.malware == report.inventory.malware && back.inventory.malware.count == 1)
        #expect(back.inventory.misconfigurations == report.inventory.misconfigurations)
        #expect(back.inventory.misconfigurations.contains { $0.match.check.id == "BW-IMG-101" })
        #expect(back.inventory.distribution == report.inventory.distribution)
        #expect(back.inventory.distribution?.idLike == ["rhel", "centos"])
        #expect(back.inventory.layers == report.inventory.layers && back.inventory.layers.count == 1)
        #expect(back.inventory.problems == report.inventory.problems && back.inventory.problems.count == 1_700)
        #expect(
            [back.name, back.reference, back.digest, back.imageID, back.platform, back.created] == [
                "cart", "r.example.com/cart:1", "sha256:aa", "sha256:bb", "linux/amd64", "2026-01-01T00:00:00Z",
            ])
        let empty = try #require(
            ImageReport(encoded: ImageReport(name: "", inventory: ImageInventory()).encoded))
        #expect(empty.inventory.distribution == nil && empty.inventory.packages.isEmpty)
    }

    /// One of everything, with nothing left as it is when nobody sets it.
    private func full() -> ImageReport {
        var package = FoundPackage(.deb, name: "libssl3", version: "1:3.0", path: "var/lib/dpkg/status")
        (package.architecture, package.source, package.sourceVersion) = ("amd64", "openssl", "1:3.0-1")
        (package.module, package.licenses, package.innerPath) = ("nodejs:18", ["MIT", "GPL"], "a/b.jar")
        (package.sha1, package.isDevelopment, package.owner, package.layer) = ("00ff", true, "deb:a", 3)
        var distribution = Distribution()
        (distribution.id, distribution.versionID, distribution.codename) = ("debian", "12", "bookworm")
        (distribution.name, distribution.prettyName, distribution.version) = ("Debian", "Debian 12", "12 (bookworm)")
        (distribution.cpe, distribution.path, distribution.idLike) = ("cpe:/o:debian:12", "etc/os-release", ["a", "b"])
        var inventory = ImageInventory()
        (inventory.packages, inventory.distribution) = ([package], distribution)
        inventory.secrets = [
            FileFinding(
                match: SecretMatch(
                    rule: "aws", title: "AWS key", severity: .critical, path: "a", line: 3, column: 9, excerpt: "key =",
                    identity: "aws 40", unlisted: 2), layer: 2, fate: .replaced)
        ]
        inventory.malware = [
            FileFinding(
                match: MalwareMatch(
                    path: "x", rule: "miner", namespace: "bulwark", title: "Miner", severity: .high,
                    description: "It mines.",
                    evidence: [.init(identifier: "$pool", offset: 7, excerpt: "stratum")], source: .hash), layer: 1,
                fate: .deleted)
        ]
        var summary = ImageInventory.LayerSummary()
        (summary.digest, summary.diffID, summary.createdBy) = ("sha256:d", "sha256:e", "RUN true")
        (summary.files, summary.bytes, summary.packages) = (4, 5, 6)
        inventory.layers = [summary]
        inventory.problems = ScanProblems([ScanProblem("broken", path: "a.jar", layer: 1)], count: 9)
        var report = ImageReport(name: "cart", inventory: inventory)
        (report.reference, report.digest, report.imageID) = ("r.example.com/cart:1", "sha256:aa", "sha256:bb")
        (report.platform, report.created) = ("linux/amd64", "2026-01-01T00:00:00Z")
        return report
    }

    /// Every property that is stored, by its path; whoever adds one to a report sees here that it must be kept, too.
    private func properties(_ value: Any, _ path: String, _ found: inout [String: String]) {
        let mirror = Mirror(reflecting: value)
        guard !mirror.children.isEmpty, mirror.displayStyle != .enum else {
            // Not told apart from nothing else by `description` alone.
            found[path] = mirror.displayStyle == .optional ? "nil" : "\(type(of: value)) \(value)"
            return
        }
        for (index, child) in mirror.children.enumerated() {
            properties(child.value, "\(path).\(child.label ?? "\(index)")", &found)
        }
    }

    @Test func nothingIsLost() throws {
        let report = full()
        var (before, after) = ([String: String](), [String: String]())
        properties(report, "report", &before)
        properties(try #require(ImageReport(encoded: report.encoded)), "report", &after)
        #expect(before == after)
        // Else a property that is not kept would come back as it is when nobody sets it.
        let unset = before.filter { ["nil", "String ", "Int 0", "Bool false", "Int64 0"].contains($0.value) }.keys
        // What advisories tell is not kept but told anew; and what has its own test above.
        let told: Set<String> = ["report.advisories"]
        #expect(Set(unset).subtracting(told).isEmpty, "\(unset)")
        let empty = before.filter { $0.value.hasPrefix("Array<") || $0.value.hasSuffix("[]") }.keys
        #expect(
            Set(empty) == ["report.inventory.misconfigurations", "report.vulnerabilities"], "\(empty): \(before.count)")
        #expect(before.count > 60, "\(before.count)")
    }

    @Test func whatIsDamagedIsNothing() throws {
        let bytes = try report().encoded
        for length in stride(from: 0, to: bytes.count, by: 7) {
            #expect(ImageReport(encoded: Array(bytes.prefix(length))) == nil)
        }
        for index in stride(from: 0, to: bytes.count, by: 11) {
            var damaged = bytes
            damaged[index] ^= 0x40
            #expect(ImageReport(encoded: damaged) == nil, "byte \(index)")
        }
    }
}

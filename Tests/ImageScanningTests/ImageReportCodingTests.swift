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

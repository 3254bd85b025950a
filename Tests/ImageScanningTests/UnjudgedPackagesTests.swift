// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Advisories
import Foundation
import Inventory
import Reporting
import Testing

@testable import ImageScanning

/// Kinds of packages that nobody publishes advisories for are told and counted; nothing failed because of them.
struct UnjudgedPackagesTests {
    private func report(_ packages: [FoundPackage]) -> ImageReport {
        var inventory = ImageInventory()
        inventory.packages = packages
        return ImageReport(name: "cart", inventory: inventory)
    }

    private func package(_ kind: PackageKind, _ name: String, owner: String = "") -> FoundPackage {
        var package = FoundPackage(kind, name: name, version: "1.0.0", path: "x")
        package.owner = owner
        return package
    }

    /// Advisories of npm alone.
    private func database(in folder: URL) throws -> AdvisoryDatabase {
        let source = folder.appending(path: "source")
        try FileManager.default.createDirectory(at: source, withIntermediateDirectories: true)
        let record = """
            {"id": "A-1", "modified": "2026-01-02T03:04:05Z", "affected": [{"package": {"ecosystem": "npm", "name": "bad"},
             "versions": ["1.0.0"]}]}
            """
        try Data(record.utf8).write(to: source.appending(path: "1.json"))
        let path = folder.appending(path: "database").path
        _ = try AdvisoryImporter(database: path).load(source.path, ecosystems: ["npm"])
        return try AdvisoryDatabase(path: path)
    }

    @Test func theyAreNoProblem() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "unjudged-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let matcher = VulnerabilityMatcher(try database(in: folder))
        var report = report([
            package(.otp, "ssl"), package(.conda, "zlib"), package(.conda, "curl"), package(.cocoapods, "Pod"),
            package(.otp, "kernel", owner: "deb:erlang-base"), package(.npm, "bad"),
        ])
        matcher.judge(&report)
        #expect(report.unjudged.isEmpty, "nothing was looked up yet")
        report.advisories = .init(updated: 1, records: 1)
        #expect(report.vulnerabilities.map(\.id) == ["A-1"])
        #expect(!report.isIncomplete && report.inventory.problems.isEmpty)
        #expect(report.unjudged.map { "\($0.kind.rawValue) \($0.count)" } == ["cocoapods 1", "conda 2", "otp 1"])

        var text = OutputBuffer()
        ImageTable(width: 120, colour: false, showAll: false).write(report, to: &text)
        #expect(text.text.contains("2 packages of conda were not judged: nobody publishes advisories for them"))
        #expect(text.text.contains("; 4 packages not judged") && !text.text.contains("not complete"))

        // Advisories that there are, and that are not here, are another matter.
        report.inventory.packages.append(package(.pypi, "flask"))
        matcher.judge(&report)
        #expect(report.isIncomplete)
        #expect(
            report.inventory.problems.list.map(\.message) == [
                "there are no advisories for PyPI: 1 package was not judged"
            ])
    }
}

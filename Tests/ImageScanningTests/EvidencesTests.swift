// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import ImageScanning
import Inventory
import TestSupport
import Testing

/// Files that only count where others say nothing.
@Suite struct EvidencesTests {
    private func found(_ files: [(path: String, text: String)], _ evidence: Evidence) throws -> [String] {
        let folder = try ScratchFolder()
        for (path, text) in files {
            let url = URL(filePath: "\(folder.path)/\(path)")
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: url)
        }
        var scanner = FolderScanner()
        scanner.evidence = evidence
        let inventory = ImageInventory(folder: try scanner.scan(folder.path))
        #expect(inventory.problems.isEmpty, "\(inventory.problems.list)")
        return inventory.packages.map { "\($0.path): \($0.name) \($0.version)" }.sorted()
    }

    @Test func sumsOfModulesCountWithOldOnesOnly() throws {
        let sum = "b v0.9.0 h1:x=\nb v0.9.0/go.mod h1:x=\nc v1.0.0 h1:x=\n"
        let files = [
            ("new/go.mod", "module a\n\ngo 1.20\n\nrequire b v1.0.0\n"), ("new/go.sum", sum),
            ("old/go.mod", "module a\n\ngo 1.16\n\nrequire b v1.0.0\n"), ("old/go.sum", sum), ("lone/go.sum", sum),
        ]
        #expect(
            try found(files, .declared) == [
                "lone/go.sum: b v0.9.0", "lone/go.sum: c v1.0.0", "new/go.mod: b v1.0.0", "old/go.mod: b v1.0.0",
                "old/go.sum: b v0.9.0", "old/go.sum: c v1.0.0",
            ])
    }

    @Test func billsOfMaterialsOnlyAdd() throws {
        let bill =
            #"{"bomFormat":"CycloneDX","components":[{"purl":"pkg:npm/left@1.0.0"},{"purl":"pkg:npm/right@2.0.0"}]}"#
        let files = [
            ("app/node_modules/left/package.json", #"{"name":"left","version":"1.0.0"}"#), ("app/a.cdx.json", bill),
            ("app/b.cdx.json", bill), ("app/broken.cdx.json", "{"),
        ]
        let found = try found(files, .installed)
        #expect(found.count == 2 && found.contains("app/node_modules/left/package.json: left 1.0.0"))
        #expect(found.contains { $0.hasSuffix(".cdx.json: right 2.0.0") })
    }

    @Test func locksOfInstalledPackagesDoNotCount() throws {
        let lock = #"{"lockfileVersion": 3, "packages": {"node_modules/dev": {"version": "9.0.0"}}}"#
        let files = [
            ("package-lock.json", lock), ("node_modules/left/package-lock.json", lock),
            ("node_modules/left/package.json", #"{"name":"left","version":"1.0.0"}"#),
            ("node_modules/left/test/broken/package.json", "{"),
        ]
        #expect(
            try found(files, .declared)
                == ["node_modules/left/package.json: left 1.0.0", "package-lock.json: dev 9.0.0"])
        #expect(try found(files, .installed) == ["node_modules/left/package.json: left 1.0.0"])
    }

    @Test func projectsTakeVersionsFromTheirParent() throws {
        let root =
            "<project><groupId>g</groupId><artifactId>root</artifactId><version>1</version><properties><v>1.9</v></properties><dependencies><dependency><groupId>a</groupId><artifactId>b</artifactId><version>${v}</version></dependency></dependencies></project>"
        let leaf =
            "<project><parent><groupId>g</groupId><artifactId>root</artifactId><version>1</version></parent><artifactId>leaf</artifactId><dependencies><dependency><groupId>c</groupId><artifactId>d</artifactId><version>${v}</version></dependency></dependencies></project>"
        let files = [("pom.xml", root), ("leaf/pom.xml", leaf)]
        #expect(try found(files, .declared) == ["leaf/pom.xml: c:d 1.9", "pom.xml: a:b 1.9"])
        #expect(try found(files, .installed).isEmpty)
    }
}

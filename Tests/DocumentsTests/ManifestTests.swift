// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import Testing

/// The real manifests of the conformance data.
enum Manifests {
    static let folder: URL = {
        let data = ProcessInfo.processInfo.environment["BULWARK_DATA"].map { URL(fileURLWithPath: $0) }
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return (data ?? root.deletingLastPathComponent().appendingPathComponent("shared/data"))
            .appendingPathComponent("policy/manifests")
    }()

    static let isThere: Bool = {
        let there = FileManager.default.fileExists(atPath: folder.path)
        if !there { print("SKIPPED: no manifests at \(folder.path); set BULWARK_DATA") }
        return there
    }()

    /// Paths below `folder`, sorted.
    static func paths() throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: folder.path)
            .filter { path in [".yaml", ".yml", ".json"].contains { path.hasSuffix($0) } }
            .sorted()
    }

    static func bytes(_ path: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: folder.appendingPathComponent(path)))
    }
}

@Suite(.enabled(if: Manifests.isThere)) struct ManifestTests {
    @Test func allParse() throws {
        let paths = try Manifests.paths()
        #expect(paths.count == 320)
        var failed: [String] = []
        var documents = 0
        for path in paths {
            for result in DocumentReader.documents(in: try Manifests.bytes(path), source: path) {
                switch result {
                case .success(let document):
                    documents += 1
                    #expect(document.root.kind == .object, "\(path)")
                    #expect(document.root.line >= 1)
                case .failure(let error):
                    failed.append(path)
                    #expect(error.code == .duplicateKey, "\(error)")
                    #expect(error.line > 0 && error.column > 0)
                }
            }
        }
        #expect(documents > 600)
        #expect(failed.count == 3)
        #expect(failed.allSatisfy { $0.hasPrefix("examples/_archived/openshift-origin/") })
    }

    /// Any file cut anywhere is an error or fewer documents, never more.
    @Test func cutFiles() throws {
        var dice = Dice(state: 3)
        for path in try Manifests.paths() {
            let bytes = try Manifests.bytes(path)
            let whole = readYAML(bytes).count
            for _ in 0..<2 {
                let cut = Array(bytes[..<Int.random(in: 0..<bytes.count, using: &dice)])
                #expect(readYAML(cut).count <= whole)
            }
        }
    }
}

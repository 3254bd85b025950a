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

    /// Edits of every object that has a spec: the new text reads as the old tree with that change, by another reader's
    /// word, every line that is not touched stays, and patch makes the same of the diff.
    @Test func edits() throws {
        var edited = 0
        for path in try Manifests.paths() {
            let bytes = try Manifests.bytes(path)
            let documents = DocumentReader.documents(in: bytes, source: path)
            var editor = DocumentEditor(bytes, source: path)
            var expected: [Int: Any] = [:]
            for (number, result) in documents.enumerated() {
                guard case .success(let document) = result, document.root["spec"]?.kind == .object else { continue }
                try editor.set(["spec", "x"], to: ["y": [1, "two", ["z": false]]], document: number)
                try editor.set(["metadata", "annotations", "example.com/a b"], to: "1", document: number)
                var object = try Self.foundation(document)
                object = Self.changed(object, ["spec", "x"]) { _ in ["y": [1, "two", ["z": false]]] as [String: Any] }
                object = Self.changed(object, ["metadata", "annotations", "example.com/a b"]) { _ in "1" }
                let container: [PathComponent] = ["spec", "template", "spec", "containers", 0]
                if edited % 4 == 0, let image = document.root.at(container + ["image"]) {
                    try editor.remove(container + ["image"], document: number)
                    try editor.set(container + ["image"], to: .string(image.string ?? ""), document: number)
                    try editor.append(container + ["command"], "last", document: number)
                    object = Self.changed(object, container + ["command"]) { ($0 as? [Any] ?? []) + ["last"] }
                }
                expected[number] = object
                edited += 1
            }
            guard !expected.isEmpty else { continue }
            let after = DocumentReader.documents(in: editor.bytes, source: path)
            #expect(after.count == documents.count)
            for (number, object) in expected {
                let read = try Self.foundation(after[number].get())
                #expect(read as? NSDictionary == object as? NSDictionary, "\(path) \(number)")
            }
            let old = String(decoding: bytes, as: UTF8.self)
            let diff = UnifiedDiff.diff(old: old, new: editor.text, path: path, context: 0)
            let removed = diff.split(separator: "\n").dropFirst(2).filter { $0.hasPrefix("-") }
            #expect(removed.count <= 4 * expected.count, "\(diff)")
            if edited % 4 == 0, let tool = UnifiedDiffTests.patch {
                let diff = UnifiedDiff.diff(old: old, new: editor.text, path: "f")
                #expect(try UnifiedDiffTests.applied(diff, to: old, name: "f", by: tool) == editor.text)
            }
        }
        #expect(edited > 400)
    }

    private static func foundation(_ document: Document) throws -> Any {
        try JSONSerialization.jsonObject(with: Data(document.root.json().utf8))
    }

    private static func changed(
        _ value: Any?, _ path: [PathComponent], _ change: (Any?) -> Any
    ) -> Any {
        switch path.first {
        case .key(let key):
            var object = value as? [String: Any] ?? [:]
            object[key] = changed(object[key], Array(path.dropFirst()), change)
            return object
        case .index(let index):
            var array = value as? [Any] ?? []
            array[index] = changed(array[index], Array(path.dropFirst()), change)
            return array
        case nil: return change(value)
        }
    }
}

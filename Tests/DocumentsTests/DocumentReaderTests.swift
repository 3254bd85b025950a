// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import Testing

private func describe(_ results: [Result<Document, DocumentError>]) -> [String] {
    results.map { result in
        switch result {
        case .success(let document): "\(document.root.line) \(document.root.json())"
        case .failure(let error): "\(error.code) \(error)"
        }
    }
}

struct DocumentReaderTests {
    @Test(arguments: [
        (#"{"a":yes}"#, [#"1 {"a":true}"#]), (#"{"a":"yes"}"#, [#"1 {"a":"yes"}"#]), ("  [1, 2]\n", ["1 [1,2]"]),
        ("\u{FEFF}{\"a\":1}", [#"1 {"a":1}"#]), ("{a: 1}\n---\n{b: 2}\n", [#"1 {"a":1}"#, #"3 {"b":2}"#]),
        ("{\"a\":1}\n---\n{\"b\":2}\n", [#"1 {"a":1}"#, #"3 {"b":2}"#]),
        ("{\"a\":1}\n{\"b\":2}{\"c\":3}", [#"1 {"a":1}"#, #"2 {"b":2}"#, #"2 {"c":3}"#]),
        ("{\"a\":1}\n{\"b\":}", [#"1 {"a":1}"#, "syntax t:2:6: expected a value, found '}'"]),
        ("a: 1", [#"1 {"a":1}"#]), ("", []), ("[a, b]", [#"1 ["a","b"]"#]), ("{\"a\":1,}", [#"1 {"a":1}"#]),
        ("{\"a\":1,\"a\":2}", ["duplicateKey t:1:8: key \"a\" is already set in this object at line 1"]),
        ("{\n\"a\": 1,\n\"b\": @x\n}", ["syntax t:3:6: expected a value, found '@'"]),
        ("{\n\"a\": 1,\n\"b\": [1\n}", ["syntax t:4:1: expected ',' or ']', found '}'"]),
        ("{\"a\": \"\u{0}\"}", ["syntax t:1:8: a control character in a string must be escaped"]),
    ])
    func choosesTheLanguage(text: String, expected: [String]) {
        #expect(describe(DocumentReader.documents(in: Array(text.utf8), source: "t")) == expected)
    }

    @Test func files() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("documents-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func read(_ name: String, _ content: [UInt8]?, limits: DocumentLimits = .standard) throws -> [String] {
            let path = folder.appendingPathComponent(name).path
            if let content { try Data(content).write(to: URL(fileURLWithPath: path)) }
            var results: [Result<Document, DocumentError>] = []
            DocumentReader.read(file: path, source: name, limits: limits) { result, _ in results.append(result) }
            return describe(results)
        }
        #expect(try read("a.yaml", Array("a: 1\n---\nb: 2\n".utf8)) == [#"1 {"a":1}"#, #"3 {"b":2}"#])
        #expect(try read("empty.yaml", []) == [])
        #expect(try read("none.yaml", nil) == ["unreadable none.yaml: cannot be read: No such file or directory"])
        let small = DocumentLimits(maxBytes: 3 << 20)
        let large = String(repeating: "# comment\n", count: 400_000)
        #expect(try read("big.yaml", Array((large + "a: 1").utf8), limits: small).first?.hasPrefix("tooLarge ") == true)
        let member = String(repeating: "x", count: 2 << 20)
        #expect(try read("big.json", Array("{\"a\":\"\(member)\"}".utf8), limits: small) == ["1 {\"a\":\"\(member)\"}"])
        #expect(try read("items.json", Array("{\"items\":{\"a\":\"\(member)\"}}".utf8), limits: small).count == 1)
        let cut = "{\"items\":[{\"a\":\"\(member)\"},{"
        #expect(try read("cut.json", Array(cut.utf8), limits: small).last?.hasPrefix("syntax cut.json:1:") == true)
        var results: [String] = []
        DocumentReader.read(file: folder.path, source: "folder") { result, _ in results = describe([result]) }
        #expect(results == ["unreadable folder: cannot be read: Is a directory"])
        DocumentReader.read(file: "/dev/zero", source: "zero", limits: DocumentLimits(maxBytes: 1 << 20)) { result, _ in
            results = describe([result])
        }
        #expect(results == ["tooLarge zero: more than the limit of 1048576 bytes"])
    }
}

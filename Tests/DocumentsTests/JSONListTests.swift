// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import Testing

/// Each element as JSON (or error) and the list's kind at that time; read in pieces of `piece` bytes, or at once.
private func readList(
    _ text: String, piece: Int?, limits: DocumentLimits = .standard
) -> (items: [String], lines: [Int], end: String) {
    let bytes = Array(text.utf8)
    var items: [String] = []
    var lines: [Int] = []
    func take(_ result: Result<Document, DocumentError>, _ list: ListHeader) {
        switch result {
        case .success(let document):
            items.append(document.root.json())
            lines.append(document.root.line)
        case .failure(let error): items.append("\(error.code) \(error)")
        }
    }
    do throws(DocumentError) {
        let header: ListHeader
        if let piece {
            var rest = bytes[...]
            header = try JSONReader.readList(
                source: "l.json", limits: limits,
                fill: { buffer in
                    let count = min(piece, rest.count, buffer.count)
                    buffer.copyBytes(from: rest.prefix(count))
                    rest = rest.dropFirst(count)
                    return count
                }, take)
        } else {
            let result = bytes.withUnsafeBytes { buffer in
                Result { () throws(DocumentError) in
                    try JSONReader.readList(buffer, source: "l.json", limits: limits, take)
                }
            }
            header = try result.get()
        }
        return (items, lines, "\(header.apiVersion ?? "-") \(header.kind ?? "-")")
    } catch {
        return (items, lines, "\(error.code) \(error)")
    }
}

struct JSONListTests {
    static let list = """
        {
          "kind": "PodList", "apiVersion": "v1",
          "metadata": {"resourceVersion": "7", "x": "}]\\""},
          "items": [
            {"metadata": {"name": "a"}}, {"metadata":
             {"name": "b\\\\", "n": [1, "]", {}]}},
            "text", 12, null, []
          ]
        }

        """

    @Test(arguments: [nil, 1, 7, 64, 100_000])
    func streams(piece: Int?) {
        let read = readList(Self.list, piece: piece)
        #expect(read.end == "v1 PodList")
        #expect(
            read.items == [
                #"{"metadata":{"name":"a"}}"#, #"{"metadata":{"name":"b\\","n":[1,"]",{}]}}"#, #""text""#, "12", "null",
                "[]",
            ])
        #expect(read.lines == [5, 5, 7, 7, 7, 7])
    }

    @Test(arguments: [
        ("{\"items\":[],\"kind\":\"List\"}", "- List"), ("{\"items\":null}", "- -"), ("{\"items\":[]}", "- -"),
        ("[]", "syntax l.json:1:1: expected an object"), ("", "syntax l.json:1:1: expected an object"),
        ("{}", "syntax l.json:1:3: this object has no items"), ("{\"items\":{}}", "syntax l.json:1:10: items must be"),
        ("{\"items\":[1,]}", "syntax l.json:1:13: a comma must not"),
        ("{\"items\":[1 2]}", "syntax l.json:1:13: expected ','"),
        ("{\"items\":[,1]}", "syntax l.json:1:11: expected a value"),
        ("{\"items\":[1", "syntax l.json:1:12: expected ','"),
        ("{\"items\":[1,", "syntax l.json:1:13: the text ends"), ("{\"items\":[1]", "syntax l.json:1:13: expected ','"),
        ("{\"items\":[1],}", "syntax l.json:1:14: expected a key"),
        ("{\"items\":[]} x", "syntax l.json:1:14: expected nothing"),
        ("{\"items\":[],\n\"items\":[]}", "duplicateKey l.json:2:1: key \"items\""),
        ("{\"a\":1,\"a\":2,\"items\":[]}", "duplicateKey l.json:1:8: key \"a\""),
        ("{\"kind\" 1}", "syntax l.json:1:9: expected ':'"),
        ("{\"metadata\":{\"a\":},\"items\":[]}", "syntax l.json:1:18: "),
    ])
    func ends(text: String, expected: String) {
        for piece in [nil, 1] {
            let end = readList(text, piece: piece).end
            #expect(end.hasPrefix(expected), "\(end)")
        }
    }

    @Test(arguments: [nil, 3])
    func anElementsErrorIsItsOwn(piece: Int?) {
        let text = """
            {"items":[{"a":1},
              {"a":1,"a":2}, {"b":01}, {"c":1 2}, {"d":"\(String(repeating: "x", count: 100))"},
             {"e":2}]}
            """
        let read = readList(text, piece: piece, limits: DocumentLimits(maxBytes: 90))
        #expect(read.end == "- -")
        #expect(
            read.items == [
                #"{"a":1}"#, "duplicateKey l.json:2:10: key \"a\" is already set in this object at line 2",
                "syntax l.json:2:23: this is no valid number", "syntax l.json:2:35: expected ',' or '}', found '2'",
                "tooLarge l.json:2:39: an element of more bytes than the limit of 90", #"{"e":2}"#,
            ])
    }

    @Test func largeFileInBoundedMemory() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("list-\(UUID()).json").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let pod = #"{"metadata":{"name":"pod"},"spec":{"containers":[{"name":"c","image":"i:1"}]}}"#
        let count = 40_000
        let text =
            #"{"kind":"PodList","apiVersion":"v1","items":["#
            + [String](repeating: pod, count: count).joined(separator: ",\n") + "]}"
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        var names = 0
        var last: (line: Int, list: ListHeader?) = (0, nil)
        DocumentReader.read(file: path, limits: DocumentLimits(maxBytes: 1 << 20)) { result, list in
            guard case .success(let document) = result else {
                Issue.record("\(result)")
                return
            }
            names += document.root["metadata"]?["name"]?.equals("pod") == true ? 1 : 0
            last = (document.root.line, list)
        }
        #expect(names == count)
        #expect(last.line == count)
        #expect(last.list == ListHeader(apiVersion: "v1", kind: "PodList"))
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import TestSupport
import Testing

/// A small generator with a fixed seed, so that a failure comes back.
struct Dice: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Changes a few bytes: flips, inserts, removes, repeats.
    mutating func mutate(_ bytes: [UInt8], alphabet: [UInt8]) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...6, using: &self) {
            let at = bytes.isEmpty ? 0 : Int.random(in: 0..<bytes.count, using: &self)
            let new = alphabet.randomElement(using: &self) ?? 0
            switch Int.random(in: 0..<6, using: &self) {
            case 0 where !bytes.isEmpty: bytes[at] = new
            case 1: bytes.insert(new, at: at)
            case 2 where !bytes.isEmpty: bytes.remove(at: at)
            case 3 where !bytes.isEmpty:
                let end = min(bytes.count, at + Int.random(in: 1...40, using: &self))
                bytes.insert(contentsOf: bytes[at..<end], at: Int.random(in: 0...bytes.count, using: &self))
            case 4 where !bytes.isEmpty:
                bytes.removeSubrange(at..<min(bytes.count, at + Int.random(in: 1...20, using: &self)))
            default: bytes.insert(UInt8.random(in: 0...255, using: &self), at: at)
            }
        }
        return bytes
    }
}

struct FuzzTests {
    static let limits = DocumentLimits(maxBytes: 1 << 20, maxDepth: 40, maxNodes: 2000)

    /// Walks a whole tree and checks that it hangs together. Returns the number of values.
    static func walk(_ node: Node, depth: Int = 1) -> Int {
        var count = 1
        #expect(depth <= limits.maxDepth + 1)
        #expect(node.line >= 1)
        var children = 0
        for element in node.elements {
            count += walk(element, depth: depth + 1)
            children += 1
        }
        var keys: Set<String> = []
        for (key, value) in node.members {
            #expect(keys.insert(key.string).inserted)
            #expect(node[dynamic: key.string] != nil)
            count += walk(value, depth: depth + 1)
            children += 1
        }
        #expect(children == node.count)
        return count
    }

    static func check(_ document: Document) throws {
        let count = walk(document.root)
        #expect(count == document.nodeCount)
        #expect(count <= limits.maxNodes)
        let text = document.root.json()
        let again = try parseJSON(text, limits: DocumentLimits(maxDepth: limits.maxDepth + 1))
        #expect(again.root.json() == text)
    }

    static let jsonSeeds = [
        JSONListTests.list, #"{"a":[1,-2.5e+3,true,false,null,"x\u00e9\ud83d\ude00\\"],"b":{"c":{"d":[[],{}]}},"":""}"#,
        #"[{"kind":"Pod","spec":{"containers":[{"name":"c","image":"i:1","securityContext":{"privileged":true}}]}}]"#,
    ]

    @Test func json() throws {
        var dice = Dice(state: 7)
        let alphabet = Array("{}[]:,\"\\0123456789eE+-.tfnu \n\t\u{1}é".utf8)
        var good = 0
        for round in 0..<6000 {
            let seed = Self.jsonSeeds[round % Self.jsonSeeds.count]
            let bytes = dice.mutate(Array(seed.utf8), alphabet: alphabet)
            // Foundation's reader is looser (trailing commas), so what it refuses must be refused here.
            let foundation = try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
            do throws(DocumentError) {
                let document = try JSONReader.read(bytes, source: "f", limits: Self.limits, duplicateKeys: .last)
                good += 1
                try? Self.check(document)
                #expect(foundation != nil, "\(String(decoding: bytes, as: UTF8.self))")
            } catch {
                #expect(error.line >= 1 && error.column >= 1 && error.offset ?? -1 <= bytes.count)
            }
            _ = DocumentReader.documents(in: bytes, source: "f", limits: Self.limits)
        }
        #expect(good > 300)
    }

    static let yamlSeeds = [
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  labels: {app: x, \"b\": 'c'}\nspec:\n  containers:\n  - name: c\n    args: [a, \"b\\n\"]\n    command:\n      - |\n        set -e\n        run\n  - >-\n    fold\n    ed\n---\na: 1\n---\nb: 2\n",
        "a: &a {x: 1, y: [1, 2]}\nb: &b\n  <<: *a\n  z: *a\nc: [*a, *b, &d d, *d]\n? e\n: !!str 1\n? *d\n: !!binary aGk=\n<<: [*a, *b]\n",
        "%YAML 1.1\n%TAG ! tag:x,2000:\n---\n- ! a\n- !x b\n- !!int '5'\n- # c\n  - - 1\n    - 2\n...\n--- |\n text\n--- {a: [b, {c: d}]}\n",
    ]

    @Test func yaml() throws {
        var dice = Dice(state: 11)
        let alphabet = Array("{}[]:,\"'\\&*!|>-? #%@`<\n\n  \t0a~é".utf8)
        var good = 0
        for round in 0..<6000 {
            let seed = Self.yamlSeeds[round % Self.yamlSeeds.count]
            let bytes = dice.mutate(Array(seed.utf8), alphabet: alphabet)
            let results = readYAML(bytes, limits: Self.limits)
            #expect(results.count < 40)
            for result in results {
                switch result {
                case .success(let document):
                    good += 1
                    try Self.check(document)
                case .failure(let error):
                    #expect(error.line >= 1 && error.column >= 1, "\(error)")
                }
            }
        }
        #expect(good > 3000)
    }

    @Test func truncated() throws {
        for seed in Self.jsonSeeds {
            let bytes = Array(seed.utf8)
            let end = (bytes.lastIndex { $0 > 0x20 } ?? 0)
            for length in 0..<end {
                #expect(throws: DocumentError.self) {
                    try JSONReader.read(Array(bytes[..<length]), source: "f", limits: Self.limits)
                }
            }
        }
        for seed in Self.yamlSeeds {
            let bytes = Array(seed.utf8)
            for length in 0..<bytes.count {
                for case .success(let document) in readYAML(Array(bytes[..<length]), limits: Self.limits) {
                    try Self.check(document)
                }
            }
        }
    }

    /// What could make the parser's work grow with the square of the text must not.
    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            "[", "{", "- ", "? ", "a: ", "{a: [", "[[],", "'", "\"\\", "&a ", "*a ", "!!", "- - [", "--- {\n",
            "---\n[\n", "a: b: c\n---\n",
            "x: &x [*x]\n---\n", "k: v\n", "\"k\": {\n", "|\n ", "# c\n", "a\n", "%T\n", "a: \u{1}\n---\n", "---\na\n",
            "\u{7f}", "<<: {", "?\n",
            "--- |\n a\n...\n%", "\u{2028}", "[a,", "{a,", "a:\n ",
        ])
    func repetition(piece: String) {
        let text = String(repeating: piece, count: 200_000 / piece.utf8.count)
        let results = readYAML(Array(text.utf8))
        let broken = results.filter { if case .failure(let error) = $0 { error.code == .syntax } else { false } }
        #expect(broken.count <= YAMLReader.maxErrors + 1)
        _ = DocumentReader.documents(in: Array(text.utf8), source: "f")
    }
}

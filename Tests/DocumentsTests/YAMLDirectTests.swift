// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import Testing

/// What is read without libyaml is what libyaml would have given: trees, lines and errors.
struct YAMLDirectTests {
    private static func results(_ bytes: [UInt8], directly: Bool, _ limits: DocumentLimits) -> [Result<
        Document, DocumentError
    >] {
        bytes.withUnsafeBytes { bytes in
            var reader = YAMLReader(bytes, source: "t.yaml", limits: limits, readsDirectly: directly)
            var results: [Result<Document, DocumentError>] = []
            while let result = reader.next() { results.append(result) }
            return results
        }
    }

    private static func hasSameLines(_ one: Node, _ two: Node) -> Bool {
        guard one.line == two.line else { return false }
        return zip(one.elements, two.elements).allSatisfy { hasSameLines($0, $1) }
            && zip(one.members, two.members).allSatisfy { hasSameLines($0.value, $1.value) }
    }

    /// What differs, in words; nil when nothing does.
    static func difference(_ bytes: [UInt8], limits: DocumentLimits = .standard) -> String? {
        let direct = results(bytes, directly: true, limits)
        let slow = results(bytes, directly: false, limits)
        if direct.count != slow.count { return "\(direct.count) documents, not \(slow.count)" }
        for (one, two) in zip(direct, slow) {
            switch (one, two) {
            case (.success(let one), .success(let two)):
                guard one.hasSameContent(as: two) else { return "\(one.root.json()) is not \(two.root.json())" }
                if !hasSameLines(one.root, two.root) { return "other lines in \(one.root.json())" }
            case (.failure(let one), .failure(let two)):
                if one != two { return "\(one) is not \(two)" }
            case (.success(let one), .failure(let two)): return "\(one.root.json()) is not the error \(two)"
            case (.failure(let one), .success(let two)): return "the error \(one) is not \(two.root.json())"
            }
        }
        return nil
    }

    static let seeds = [
        """
        apiVersion: v1
        kind: Pod
        metadata:
          name: a
          labels: {app: x, "b": 'c'}
        spec:
          containers:
          - name: c
            args: [a, "b\\n", --x=y, 'it''s']
            command:
              - |
                set -e

                  run
              - >-
                fold
                ed

                  more
                end

          - "q": "long
              line \\
              goes

              on"
            'r': plain text
              that goes

              on # comment
            n: 0644
            f: 1.50
          - - 1
            - - 2
          -
            a:
            b: ~
            c: yes
        ---
        # c
        b: 2
        d:
        - x
        - y:
          - z
        --- # d
        - a
        -   b: 1
            c: |+
              keep

        ---
        "x": {}
        'y z': []

        """,
        """
        a: "x \\U0001F510 \\u00e9 \\x41 \\\\ \\" \\n \\t end  \n  next \\  \n   more\\\n   y"
        b: 'one  \n  two ''q'' \\n

          three'
        c:
        - "k": 1
        ...
        # c
        ---
        x: [ "a",
          b, {c: d, "e": 'f'} ]
        y: {}
        ...
        ---
        - 0x1F
        - 1_000
        - 1e3
        - .5
        - -.inf
        - on
        - y
        - 012
        - "012"
        """,
        FuzzTests.yamlSeeds[0], FuzzTests.yamlSeeds[1], FuzzTests.yamlSeeds[2],
    ]

    /// Pieces that a change of single bytes seldom makes.
    private static let pieces = [
        "\n", "\n  ", ": ", "- ", " #", "|\n", ">-\n  ", "\n---\n", "'", "\"", "''", "\\\n", "{", "}", "[", "]", ", ",
        "~", "yes", "0x1f", "1e3", "  ", "\n\n", "\n- ", "\n...\n", "\\x41", "\\u00e9", "\r", "\u{85}", "\u{2028}",
        "\u{FEFF}", "&a", "*a", "!!str ", "? ", "<<: ", "\t", "%YAML 1.1\n", "\u{1}",
    ].map { Array($0.utf8) }

    private static let alphabet = Array("{}[]:,\"'\\&*!|>-? #%@`<\n\n  \t0a~é".utf8)

    /// A text with pieces put in and bytes changed.
    private static func mutated(_ text: [UInt8], _ dice: inout Dice) -> [UInt8] {
        var text = text
        for _ in 0..<Int.random(in: 1...3, using: &dice) {
            let at = Int.random(in: 0...text.count, using: &dice)
            text.insert(contentsOf: pieces.randomElement(using: &dice) ?? [], at: at)
        }
        return Bool.random(using: &dice) ? text : dice.mutate(text, alphabet: alphabet)
    }

    @Test func seedsAndTheirChanges() {
        var dice = Dice(state: 23)
        for seed in Self.seeds {
            let bytes = Array(seed.utf8)
            #expect(Self.difference(bytes) == nil)
            for _ in 0..<400 {
                let changed = Self.mutated(bytes, &dice)
                let difference = Self.difference(changed)
                #expect(difference == nil, "\(String(decoding: changed, as: UTF8.self).debugDescription)")
            }
            for length in stride(from: 0, to: bytes.count, by: 3) {
                #expect(Self.difference(Array(bytes[..<length])) == nil, "\(length)")
            }
        }
    }

    @Test func limits() {
        let bytes = Array(Self.seeds[0].utf8)
        for number in 1...30 {
            #expect(Self.difference(bytes, limits: DocumentLimits(maxNodes: number)) == nil)
            #expect(Self.difference(bytes, limits: DocumentLimits(maxDepth: number)) == nil)
        }
        let deep = String(repeating: "[", count: 300) + String(repeating: "]", count: 300)
        for text in [deep, String(repeating: "- ", count: 300), "\(String(repeating: "k", count: 2000)): v"] {
            #expect(Self.difference(Array(text.utf8)) == nil)
        }
    }

    /// Keys that stand twice are told of, among few and among many.
    @Test(arguments: [2, 23, 24, 25, 200]) func equalKeys(count: Int) {
        for twin in [0, (count - 1) / 2, count - 2] {
            var keys = (0..<count).map { "key\($0)" }
            keys[count - 1] = keys[twin]
            let text = keys.map { "\($0): v\n" }.joined()
            #expect(yamlText(text).count == 1 && yamlText(text)[0].hasPrefix("duplicateKey"))
            #expect(Self.difference(Array(text.utf8)) == nil)
        }
    }

    @Test(.enabled(if: Manifests.isThere)) func manifestsAndTheirChanges() throws {
        var dice = Dice(state: 29)
        for path in try Manifests.paths() where !path.hasSuffix(".json") {
            let bytes = try Manifests.bytes(path)
            let difference = Self.difference(bytes)
            #expect(difference == nil, "\(path)")
            // A piece of lines is enough to change.
            let start = bytes.count < 4000 ? 0 : Int.random(in: 0..<(bytes.count - 4000), using: &dice)
            let lines = Array(bytes[start..<min(start + 4000, bytes.count)])
            for round in 0..<2 {
                let difference = Self.difference(Self.mutated(lines, &dice))
                #expect(difference == nil, "\(path) \(round)")
            }
        }
    }
}

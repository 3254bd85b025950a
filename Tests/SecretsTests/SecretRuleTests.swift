// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Foundation
import Testing

@testable import Secrets

@Suite struct SecretRuleTests {
    private static let good = """
        rules:
          - id: house-token
            title: Token of the house
            severity: high
            keywords: [house_]
            pattern: '\\b(house_[a-z0-9]{12})\\b'
            entropy: 2
            paths: ['\\.txt$']
            allow: ['^house_0']
        """

    @Test func ourPatternsCompile() throws {
        // Without the short cut of the standard scanner.
        _ = try SecretScanner(rules: SecretRule.embedded())
    }

    @Test func ownRulesAreRead() throws {
        let rules = try SecretRule.read(Array(Self.good.utf8), file: "own.yaml")
        let scanner = try SecretScanner(rules: rules)
        func count(_ text: String, _ path: String) -> Int {
            var matches: [SecretMatch] = []
            Array(text.utf8).withUnsafeBytes { scanner.scan($0, path: path, into: &matches) }
            return matches.count
        }
        #expect(count("x house_k2j9d8s7q1w4", "a.txt") == 1)
        #expect(count("x HOUSE_k2j9d8s7q1w4", "a.txt") == 0)
        #expect(count("x house_k2j9d8s7q1w4", "a.log") == 0)
        #expect(count("x house_0kj9d8s7q1w4", "a.txt") == 0)
        #expect(count("x house_aaaaaaaaaaaa", "a.txt") == 0)
    }

    @Test(arguments: [
        ("id: house-token", "name: house-token", "own.yaml:2: a rule: unknown field name"),
        ("severity: high", "severity: huge", "own.yaml:2: house-token: unknown severity"),
        ("    title: Token of the house\n", "", "own.yaml:2: house-token: title is missing"),
        ("entropy: 2", "entropy: 9", "own.yaml:2: house-token: entropy is a number of bits from 0 to 8"),
        ("[house_]", "house_", "own.yaml:2: house-token: keywords is a list"),
        ("[house_]", "[]", "house-token: needs keywords of at least 4 bytes"),
        ("[house_]", "[ho]", "house-token: needs keywords of at least 4 bytes"),
        ("'\\.txt$'", "'('", "house-token: ("),
        ("rules:", "rule:", "own.yaml:1: holds no list called rules"),
    ]) func aRuleThatIsWrongIsNamed(_ old: String, _ new: String, _ message: String) throws {
        let text = Self.good.replacingOccurrences(of: old, with: new)
        let error = #expect(throws: SecretError.self) {
            try SecretScanner(rules: SecretRule.read(Array(text.utf8), file: "own.yaml"))
        }
        #expect(error?.message == message)
    }

    @Test(arguments: [
        ("app/.env", "A=b", 1_000, true), ("app/main.py", "x", 100, true), ("logo.PNG", "x", 100, false),
        ("a/lib.so", "x", 100, false), ("a/lib.so.6", "\u{7F}ELF\0", 100, false), (".git/config", "x", 100, true),
        ("x/.git/objects/ab/cdef", "x", 100, false), ("a.js.map", "{}", 100, true), ("big.sql", "x", 40 << 20, false),
        ("a", "", 0, false), ("etc/png", "x", 100, true), ("x.pyc", "x", 100, false), ("a.d/png/conf", "x", 100, true),
    ]) func textIsWanted(_ path: String, _ start: String, _ size: Int, _ isWanted: Bool) {
        let wants = Array(start.utf8).withUnsafeBytes {
            SecretScanner.wants(path: path, start: $0, size: Int64(size))
        }
        #expect(wants == isWanted)
    }

    @Test func keywordsAreFoundInAnyCaseAtEveryPlace() {
        let filter = KeywordFilter([("AKIA", [0]), ("secret_key", [1]), ("key_", [2])])
        func places(_ text: String) -> [String] {
            var found: [String] = []
            Array(text.utf8).withUnsafeBytes { bytes in
                filter.scan(bytes) { place, keyword in found.append("\(place):\(filter.entries[keyword].rules[0])") }
            }
            return found.sorted()
        }
        #expect(places("akia") == ["0:0"] && places("aki") == [] && places("") == [])
        #expect(places("xxSECRET_KEY_") == ["2:1", "9:2"])
        #expect(places("secret_ke") == [])
    }

    @Test func entropyIsBitsPerByte() {
        func entropy(_ text: String) -> Double {
            Array(text.utf8).withUnsafeBufferPointer { SecretValue.entropy($0) }
        }
        #expect(entropy("") == 0 && entropy("aaaa") == 0 && entropy("abab") == 1)
        #expect(abs(entropy("0123456789abcdef") - 4) < 1e-9)
    }
}

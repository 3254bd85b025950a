// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import RegularExpressions
import Testing

@Suite struct PatternTests {
    @Test func findsGroupsByBytes() throws {
        let pattern = try Pattern("(?P<key>[a-zé]+)=(x)?(.*)")
        var text = "  clé=v"
        let match = try #require(text.withUTF8 { pattern.firstMatch(in: $0) })
        #expect(match == [2..<8, 2..<6, nil, 7..<8])
        #expect(pattern.groupName(1) == "key")
        #expect(pattern.groupName(2) == nil)
    }

    @Test func findsAllAsGoDoes() throws {
        var text = "baaac é"
        let spans = try text.withUTF8 { bytes in
            try Pattern("a*").allMatches(in: bytes).compactMap { $0[0] }
        }
        #expect(spans == [0..<0, 1..<4, 5..<5, 6..<6, 8..<8])
    }

    @Test func namesWhatIsWrong() {
        let error = #expect(throws: PatternError.self) { try Pattern("a(") }
        #expect(error?.description == "error parsing regexp: missing ): a(")
    }

    @Test func refusesWhatGrows() {
        #expect(throws: PatternError.self) { try Pattern("((a{100}){100}){100}") }
    }

    @Test func takesLinearTime() throws {
        let pattern = try Pattern("(a*)*b")
        let started = ContinuousClock.now
        #expect(!pattern.matches(String(repeating: "a", count: 1_000_000)))
        #expect(ContinuousClock.now - started < .seconds(5))
    }

    @Test func theCacheForgetsTheOldest() throws {
        let cache = PatternCache(capacity: 2)
        let first = try cache.pattern("a")
        #expect(try cache.pattern("a") === first)
        _ = try cache.pattern("b")
        _ = try cache.pattern("c")
        #expect(try cache.pattern("a") !== first)
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Testing

@testable import Reporting

@Suite struct TableTests {
    @Test(arguments: [10, 40, 41, 55, 80, 100, 137, 200, 1000])
    func fitsTheTerminal(width: Int) {
        let text = Samples.encode(.table, EncodingOptions(width: width, showAll: true))
        for line in text.split(separator: "\n") {
            #expect(DisplayText.width(String(line)) <= min(max(width, 40), 200), "\(line)")
        }
        #expect(Samples.controls(text).isEmpty)
    }

    @Test func coloursOnlyWhenAsked() {
        let plain = Samples.encode(.table, EncodingOptions(width: 100))
        let coloured = Samples.encode(.table, EncodingOptions(width: 100, colour: true))
        #expect(!plain.contains("\u{1b}") && coloured.contains("\u{1b}[1;31m"))
        var stripped = coloured
        for ink in ["", "1", "2", "1;31", "31", "33", "36", "32", "1;35", "0"] {
            stripped = stripped.split(separator: "\u{1b}[\(ink)m", omittingEmptySubsequences: false).joined()
        }
        #expect(stripped == plain, "colour changes nothing but colour")
    }

    @Test func namesEverythingOfAFailure() {
        let text = Samples.encode(.table)
        for part in [
            "Deployment shop/cart", "./examples/shop/cart.yaml:17", "line 21: spec", "critical", "BW-PRIV-003",
            "Container app runs privileged",
            "[app]", "spec.template.spec.containers[0].securityContext.privileged = true", "Container is privileged",
            "A privileged container owns the node.", "Set securityContext.privileged to false.", "score",
            "1 failure exempted", "bulwark checks show", "--all",
        ] {
            #expect(text.contains(part), "\(part)")
        }
        #expect(!text.contains("All labels are there") && !text.contains("exempted by"))
        let all = Samples.encode(.table, EncodingOptions(showAll: true))
        #expect(all.contains("All labels are there") && all.contains("exempted by payments"))
    }

    @Test func worstFirstWithinASubject() throws {
        let text = Samples.encode(.table)
        let critical = try #require(text.firstRange(of: "BW-PRIV-003"))
        let low = try #require(text.firstRange(of: "BW-REL-001"))
        #expect(critical.lowerBound < low.lowerBound)
    }

    @Test func nothingFound() {
        let clean = Samples.encode(.table, results: [], summary: Samples.summary)
        #expect(clean.contains("No problems found."))
        let nothing = Samples.encode(.table, results: [], summary: Summary())
        #expect(nothing.contains("Nothing to judge was found in examples/shop."))
    }

    @Test(arguments: [
        ("abc", 3), ("é", 1), ("e\u{301}", 1), ("日本", 4), ("🚀", 2), ("👩‍👩‍👧", 2), ("❤️", 2), ("ﬀ", 1), ("한글", 4), ("", 0),
    ])
    func widths(text: String, width: Int) {
        #expect(DisplayText.width(text) == width)
    }

    @Test(arguments: [
        ("abcdef", 6, "abcdef", "abcdef"), ("abcdef", 5, "abcd…", "…cdef"), ("日本語", 5, "日本…", "…本語"),
        ("日本語", 4, "日…", "…語"), ("abc", 1, "…", "…"), ("abc", 0, "", ""),
    ])
    func cuts(text: String, columns: Int, end: String, start: String) {
        #expect(DisplayText.cut(text, to: columns) == end)
        #expect(DisplayText.cutStart(text, to: columns) == start)
    }

    @Test(arguments: [
        ("a bc def", 4, ["a bc", "def"]), ("abcdefgh ij", 4, ["abcd", "efgh", "ij"]), ("", 10, [""]),
        ("日本語です", 4, ["日本", "語で", "す"]),
        ("one two", 20, ["one two"]),
    ])
    func wraps(text: String, columns: Int, lines: [String]) {
        #expect(DisplayText.wrap(text, to: columns) == lines)
    }

    @Test(arguments: [
        ("plain", "plain"), ("\u{1b}]0;x\u{7}", "\\x1b]0;x\\x07"), ("a\r\n\tb", "a\\r\\n\\tb"), ("\u{9b}2J", "\\x9b2J"),
        ("\u{202e}abc", "\\u{202e}abc"), ("\u{200b}", "\\u{200b}"), ("\u{2028}", "\\u{2028}"),
        ("\u{e0041}", "\\u{e0041}"),
        ("名 é 🚀", "名 é 🚀"), ("\u{ffff}", "\\u{ffff}"), ("\0", "\\x00"),
    ])
    func hostileTextIsShown(text: String, shown: String) {
        #expect(DisplayText.safe(text) == shown)
    }
}

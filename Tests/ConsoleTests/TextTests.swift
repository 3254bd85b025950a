// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Foundation
import Mustache
import Testing

@testable import Console

struct TextTests {
    @Test(arguments: [
        ("a=1&b=2", ["a=1", "b=2"]), ("a=%41+b", ["a=A b"]), ("a", ["a="]), ("", []), ("&&a=1&&", ["a=1"]),
        ("a=%", ["a=%"]), ("a=%4", ["a=%4"]), ("a=%zz%41", ["a=%zzA"]), ("a=%%41", ["a=%A"]),
        ("a=%c3%a4", ["a=ä"]), ("a=%ff", ["a=\u{fffd}"]), ("a=b=c", ["a=b=c"]),
    ])
    func readsFields(text: String, expected: [String]) {
        #expect(Fields(encoded: text).pairs.map { "\($0.name)=\($0.value)" } == expected)
    }

    @Test func writesWhatItReads() {
        var fields = Fields()
        fields.add("a b", "&=%+ä\u{0}\n/?#")
        fields.add("", "x")
        #expect(Fields(encoded: fields.encoded) == fields)
        #expect(Fields(encoded: String(repeating: "a=1&", count: 10_000)).pairs.count == Fields.maxFields)
    }

    @Test(arguments: [
        ("/findings?a=b", "/findings?a=b"), ("//evil.example", "/"), ("https://evil.example", "/"), (nil, "/"),
        ("/\\evil.example", "/"), ("/login?next=/", "/"), ("/a b", "/"), ("/a\r\nSet-Cookie: x=1", "/"), ("", "/"),
    ])
    func leadsNowhereElse(path: String?, expected: String) { #expect(LoginPage.safePath(path) == expected) }

    @Test(arguments: [
        ("2026-12-31", 1_798_761_599 as Int64?), ("1970-01-01", 86_399), ("2024-02-29", 1_709_251_199),
        ("2026-02-29", nil), ("2026-13-01", nil), ("2026-1-1", nil), ("", nil), ("abcd-ef-gh", nil),
        ("9999-12-31", 253_402_300_799),
    ])
    func readsDays(text: String, expected: Int64?) { #expect(ExemptionsPage.endOfDay(text) == expected) }

    @Test(arguments: [
        ("2026-12-31T23:59:59Z", 1_798_761_599 as Int64?), ("1970-01-01T00:00:00Z", 0), ("2026-12-31", 1_798_761_599),
        ("2026-12-31T24:00:00Z", nil), ("2026-12-31 23:59:59Z", nil), ("2026-12-31T23:59:59+01", nil),
    ])
    func readsTimes(text: String, expected: Int64?) { #expect(JSONBody.time(text) == expected) }

    @Test(arguments: [(0, "0"), (999, "999"), (1000, "1\u{202f}000"), (1_234_567, "1\u{202f}234\u{202f}567")])
    func groupsDigits(number: Int, text: String) { #expect(Words.grouped(number) == text) }

    @Test(arguments: [(1, 4), (4, 4), (5, 8), (9, 12), (13, 20), (21, 40), (41, 80), (401, 800), (4001, 8000)])
    func roundsScalesUp(value: Int, scale: Int) { #expect(TrendChart.ceiling(value) == scale) }

    @Test func passwordsAreLongAndDiffer() {
        let passwords = Set((0..<200).map { _ in Secrets.password() })
        #expect(passwords.count == 200)
        #expect(passwords.allSatisfy { $0.count == 23 && $0.allSatisfy { $0 == "-" || $0.isLowercase || $0.isNumber } })
    }

    @Test func comparesWhole() {
        #expect(Secrets.equal("abc", "abc"))
        for other in ["", "ab", "abcd", "abd", "bbc"] { #expect(!Secrets.equal("abc", other)) }
    }

    // MARK: Markup

    private func render(_ text: String) throws -> String {
        let template = try MustacheTemplate(string: "<p title=\"{{x}}\">{{x}}</p>")
        return template.render(PageValue.map(["x": .text(text)]).rendered)
    }

    /// What stands between the tags has no character that could end them.
    private func isHarmless(_ html: String) -> Bool {
        let scalars = Array(html.unicodeScalars.dropFirst("<p title=\"".count).dropLast("</p>".count))
        let marks = scalars.filter { "<>\"'".unicodeScalars.contains($0) }
        return marks == ["\"", ">"]
    }

    @Test(arguments: [
        "plain", "<script>alert(1)</script>", "\" onfocus=\"x", "'", "&amp;", "\"\u{301} onfocus=alert(1)",
        "\u{600}\" x", "<\u{200d}b>\u{fe0f}", "\"\u{301}\u{302}'\u{303}", "\u{600}\u{600}\"\u{301}", "\r\n<\r\n",
        "e\u{301}\"", "🇩🇪\"\u{20e3}", "{{x}}", "\0<\0", "\u{2028}\"",
    ])
    func hostileTextStaysText(text: String) throws {
        let html = try render(text)
        #expect(isHarmless(html), "\(html.debugDescription)")
        if text.utf8.allSatisfy({ $0 < 0x80 && $0 != 0x0d }) {
            let escaped = Markup.escape(text)
            #expect(html == "<p title=\"\(escaped)\">\(escaped)</p>")
        }
    }

    @Test func noTextBreaksOut() throws {
        var generator = Numbers(state: 42)
        let pool: [Unicode.Scalar] = [
            "\"", "<", ">", "'", "&", "a", " ", "\u{301}", "\u{20e3}", "\u{200d}", "\u{600}", "\u{fe0f}", "\u{1f1e6}",
            "\u{0}", "\r", "\n", "\u{1100}", "\u{1161}", "\u{93f}", "\u{110bd}",
        ]
        for _ in 0..<20_000 {
            var text = ""
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                text.unicodeScalars.append(pool[Int.random(in: 0..<pool.count, using: &generator)])
            }
            let html = try render(text)
            #expect(isHarmless(html), "\(Array(text.unicodeScalars).map(\.value)) \(html.debugDescription)")
        }
    }

    private struct Numbers: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ (state >> 31)
        }
    }

    // MARK: Templates

    @Test func templatesAreStrict() {
        let templates = EmbeddedPages.files.filter { $0.path.hasSuffix(".mustache") }
        #expect(templates.count >= 20)
        for (path, text) in templates {
            for part in text.components(separatedBy: "{{{").dropFirst() {
                let name = part.prefix { $0 != "}" }
                #expect(["ring", "bar", "trend", "chart"].contains(name), "\(path) shows \(name) without escaping it")
            }
            #expect(!text.contains("{{&"), "\(path)")
            for forbidden in [" style=", " onclick", " onload", "javascript:", "<style", "http:", "https:"] {
                #expect(!text.lowercased().contains(forbidden), "\(path) has \(forbidden)")
            }
            for form in text.components(separatedBy: "<form").dropFirst() where form.prefix(80).contains("post") {
                let inside = form.components(separatedBy: "</form>")[0]
                #expect(inside.contains("name=\"csrf\" value=\"{{csrf}}\""), "\(path) has a form without its token")
            }
        }
    }
}

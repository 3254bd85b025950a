// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Testing

@testable import Reporting

@Suite struct TextTests {
    @Test func tableFitsAndAligns() {
        var table = TextTable([
            TextTable.Column("NAME", least: 6), TextTable.Column("COUNT", right: true),
            TextTable.Column("NOTE", least: 8, optional: true),
        ])
        table.add(["alpha", "7", "first"])
        table.add(["a-much-longer-name", "1234", "日本語の説明文です"])
        table.add(["\u{1b}[2Jx"])
        let wide = text { table.write(to: &$0, width: 80) }
        #expect(
            wide == """
                NAME                COUNT  NOTE
                alpha                   7  first
                a-much-longer-name   1234  日本語の説明文です
                \\x1b[2Jx

                """)
        #expect(
            text { table.write(to: &$0, width: 30) } == """
                NAME        COUNT  NOTE
                alpha           7  first
                a-much-lo…   1234  日本語の説…
                \\x1b[2Jx

                """)
        for width in 20...60 {
            for line in text({ table.write(to: &$0, width: width) }).split(separator: "\n") {
                #expect(DisplayText.width(String(line)) <= width)
            }
        }
        #expect(!text { table.write(to: &$0, width: 20) }.contains("NOTE"), "the optional column goes first")
    }

    @Test func checkInFull() {
        let shown = text { CheckText.write(Samples.hostNetwork, to: &$0, width: 60) }
        for part in [
            "BW-HOST-001 Pod shares the host's network", "Severity  high", "Why it matters", "How to fix it",
            "Remove `hostNetwork: true`", "CIS: 5.2.5", "checkov: CKV_K8S_19", "pod-security-standards/",
        ] {
            #expect(shown.contains(part), "\(part)")
        }
        #expect(shown.split(separator: "\n").allSatisfy { $0.count <= 60 || $0.hasPrefix("  https://") })
        let bare = text { CheckText.write(Samples.labels, to: &$0, width: 60) }
        #expect(!bare.contains("Why it matters") && !bare.contains("Controls"))
        let list = text { CheckText.writeList(Samples.checks, to: &$0, width: 50) }
        #expect(list.split(separator: "\n").count == 6 && list.contains("BW-WL-007    info"))
    }

    @Test func comparison() throws {
        let (first, second) = (Samples.results[0], Samples.results[1])
        var milder = second
        milder.outcome = .warn
        var unknown = first
        unknown.outcome = .error
        let fresh = Samples.result(Samples.labels, .fail, number: 77)
        let exempted = Samples.results[2]

        var compared = ReportComparison(before: [first, second, exempted], after: [unknown, milder, fresh])
        #expect(compared.better.map(\.checkID) == ["BW-PRIV-003"])
        #expect(compared.better[0].before == .fail && compared.better[0].after == .warn)
        #expect(compared.worse.map(\.checkID) == ["BW-WL-007"] && compared.worse[0].before == nil)
        #expect(compared.unchanged.map(\.after) == [.error], "an error is no improvement on a failure")

        compared = ReportComparison(before: [first, second], after: [])
        #expect(compared.better.map(\.checkID) == ["BW-PRIV-003", "BW-REL-001"] && compared.worse.isEmpty)
        var buffer = OutputBuffer()
        JSONEncoding.write(into: &buffer) { $0.comparison(compared) }
        let read = try JSON.object(buffer.text)
        #expect((read["better"] as? [[String: Any]])?.first?["before"] as? String == "fail")
        let shown = text { ComparisonText.write(compared, to: &$0, width: 80) }
        #expect(shown.hasPrefix("Better: 2\n") && shown.hasSuffix("2 better, 0 worse, 0 unchanged\n"))
    }

    @Test(arguments: [
        ("plain text", true), ("BW-HOST-001", true), ("", false), ("yes", false), ("No", false), ("null", false),
        ("1", false),
        ("a: b", false), ("a #b", false), ("- a", false), ("~", false), ("a ", false), ("é", false), ("x\ny", false),
        ("2026-03-01", false),
        ("apps/v1", true), (".inf", false), ("True", false), ("e1", true), ("<<", false), ("=", false), ("N", false),
    ])
    func plainYAML(text: String, isPlain: Bool) {
        #expect(TreeWriter.isPlain(text) == isPlain)
    }

    @Test func yamlLayout() {
        var writer = TreeWriter(.yaml)
        writer.object { writer in
            writer.field("text", "a: b")
            writer.key("none")
            writer.array { _ in }
            writer.key("list")
            writer.array { writer in
                writer.string("x")
                writer.object { writer in
                    writer.field("a", 1)
                    writer.key("inner")
                    writer.array { $0.boolean(true) }
                    writer.key("empty")
                    writer.object { _ in }
                }
                writer.array { writer in
                    writer.null()
                    writer.array { $0.integer(2) }
                }
                writer.object { _ in }
            }
            writer.key("map")
            writer.object { $0.field("k", "v") }
        }
        writer.finish()
        #expect(
            writer.output.text == """
                text: "a: b"
                none: []
                list:
                - x
                - a: 1
                  inner:
                  - true
                  empty: {}
                - - null
                  - - 2
                - {}
                map:
                  k: v

                """)
    }

    private func text(_ body: (inout OutputBuffer) -> Void) -> String {
        var buffer = OutputBuffer()
        body(&buffer)
        return buffer.text
    }
}

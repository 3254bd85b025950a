// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Reporting

extension [PolicyTestOutcome] {
    private var failures: Int { count { !$0.isPassed && !$0.isError } }
    private var errors: Int { count(where: \.isError) }

    func writeTable(to text: inout OutputBuffer, width: Int, colour: Bool) {
        var table = TextTable([
            .init("RESULT"), .init("CASE", least: 20), .init("OBJECT", least: 16, optional: true),
            .init("WHAT IS WRONG", least: 30),
        ])
        for outcome in self {
            let result: TextTable.Cell =
                outcome.isPassed
                ? .init("passed", ink: .pass)
                : outcome.isError ? .init("error", ink: .error) : .init("failed", ink: .high)
            table.add([result, .init(outcome.name), .init(outcome.object), .init(outcome.problem)])
        }
        if !isEmpty { table.write(to: &text, width: width, colour: colour) }
        for outcome in self where !outcome.isPassed {
            text.append("\n")
            text.append(DisplayText.safe("\(outcome.file):\(outcome.line): \(outcome.name): \(outcome.problem)"))
            text.append("\n")
            for reason in outcome.reasons.prefix(20) { text.append("  \(DisplayText.safe(reason))\n") }
        }
        text.append("\(count - failures - errors) passed, \(failures) failed, \(errors) could not be judged\n")
    }

    func writeJSON(to text: OutputBuffer) {
        var tree = TreeWriter(.json, output: text)
        tree.beginObject()
        tree.field("schemaVersion", "1")
        tree.key("cases")
        tree.array { tree in
            for outcome in self {
                tree.breakLine()
                tree.object {
                    $0.field("file", outcome.file)
                    $0.field("line", outcome.line)
                    $0.field("name", outcome.name)
                    $0.field("object", outcome.object)
                    $0.field("expected", outcome.expected.rawValue)
                    $0.field("got", outcome.got?.rawValue ?? "error")
                    $0.field("passed", outcome.isPassed)
                    $0.field("problem", outcome.problem)
                    $0.field("reasons", outcome.reasons)
                }
            }
        }
        tree.breakLine()
        tree.key("summary")
        tree.object {
            $0.field("passed", count - failures - errors)
            $0.field("failed", failures)
            $0.field("errors", errors)
        }
        tree.endObject()
        tree.finish()
    }

    func writeJUnit(to text: inout OutputBuffer) {
        text.append("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"bulwark policy test\">\n")
        var rest = self[...]
        while let first = rest.first {
            let suite = [PolicyTestOutcome](rest.prefix { $0.file == first.file })
            rest = rest.dropFirst(suite.count)
            text.append(
                "  <testsuite name=\"\(Markup.escaped(first.file, isAttribute: true))\" tests=\"\(suite.count)\"")
            text.append(" failures=\"\(suite.failures)\" errors=\"\(suite.errors)\">\n")
            for outcome in suite { Self.writeCase(outcome, to: &text) }
            text.append("  </testsuite>\n")
        }
        text.append("</testsuites>\n")
    }

    private static func writeCase(_ outcome: PolicyTestOutcome, to text: inout OutputBuffer) {
        let name = outcome.object.isEmpty ? outcome.name : "\(outcome.name) [\(outcome.object)]"
        text.append(
            "    <testcase name=\"\(Markup.escaped(name, isAttribute: true))\" classname=\"\(Markup.escaped(outcome.file, isAttribute: true))\""
        )
        if outcome.isPassed { return text.append("/>\n") }
        let element = outcome.isError ? "error" : "failure"
        let reasons = outcome.reasons.prefix(20).joined(separator: "\n")
        text.append(">\n      <\(element) message=\"\(Markup.escaped(outcome.problem, isAttribute: true))\">")
        text.append("\(Markup.escaped(reasons))</\(element)>\n    </testcase>\n")
    }
}

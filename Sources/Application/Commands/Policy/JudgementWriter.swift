// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import PodPolicies
import Reporting

/// Writes judgements as they come: JSON and YAML at once, the table when all are known.
struct JudgementWriter {
    private let format: PolicyJudge.Format
    private let width: Int
    private let colour: Bool
    private var tree: TreeWriter
    private var table = TextTable([
        .init("RESULT"), .init("OBJECT", least: 20), .init("POLICY"), .init("CONTAINER", least: 8, optional: true),
        .init("FIELD", least: 30), .init("WHY", least: 30),
    ])
    private var allowed = 0
    private var refused = 0
    private var errors = 0

    init(_ format: PolicyJudge.Format, width: Int, colour: Bool, sink: @escaping OutputBuffer.Sink) {
        self.format = format
        self.width = width
        self.colour = colour
        tree = TreeWriter(format == .yaml ? .yaml : .json, output: OutputBuffer(sink: sink))
        guard format != .table else { return }
        tree.beginObject()
        tree.field("schemaVersion", "1")
        tree.key("results")
        tree.beginArray()
    }

    mutating func add(_ judgement: Judgement) {
        switch judgement.isAllowed {
        case true?: allowed += 1
        case false?: refused += 1
        case nil: errors += 1
        }
        if format == .table { addRows(judgement) } else { addResult(judgement) }
    }

    mutating func finish() {
        if format == .table {
            if allowed + refused + errors > 0 { table.write(to: &tree.output, width: width, colour: colour) }
            tree.output.append("\(allowed) allowed, \(refused) refused, \(errors) could not be judged\n")
        } else {
            tree.endArray()
            tree.breakLine()
            tree.key("summary")
            tree.object {
                $0.field("allowed", allowed)
                $0.field("refused", refused)
                $0.field("errors", errors)
            }
            tree.endObject()
            tree.finish()
        }
        tree.output.flush()
    }

    private mutating func addResult(_ judgement: Judgement) {
        tree.breakLine()
        tree.object { tree in
            tree.key("subject")
            tree.subject(judgement.subject)
            tree.key("source")
            tree.object {
                $0.field("file", judgement.source.file)
                $0.field("line", judgement.source.line)
            }
            tree.field("policy", judgement.policy)
            tree.key("allowed")
            if let isAllowed = judgement.isAllowed { tree.boolean(isAllowed) } else { tree.null() }
            tree.key("violations")
            tree.array { tree in
                for violation in judgement.violations { tree.violation(violation) }
            }
            tree.field("error", judgement.error)
        }
    }

    private mutating func addRows(_ judgement: Judgement) {
        func row(_ result: TextTable.Cell, _ container: String, _ field: String, _ why: String) {
            table.add([
                result, .init(judgement.subject.display), .init(judgement.policy), .init(container), .init(field),
                .init(why),
            ])
        }
        if !judgement.error.isEmpty { return row(.init("error", ink: .error), "", "", judgement.error) }
        if judgement.violations.isEmpty { return row(.init("allowed", ink: .pass), "", "", "") }
        for violation in judgement.violations {
            row(
                .init("refused", ink: .high), violation.container,
                violation.value.isEmpty ? violation.path : "\(violation.path) = \(violation.value)",
                "\(violation.message): \(violation.remedy)")
        }
    }
}

extension TreeWriter {
    /// `{control, container, path, value, message, remedy}`; `value` is JSON text.
    mutating func violation(_ violation: Violation) {
        object {
            $0.field("control", violation.control)
            $0.field("container", violation.container)
            $0.field("path", violation.path)
            $0.field("value", violation.value)
            $0.field("message", violation.message)
            $0.field("remedy", violation.remedy)
        }
    }
}

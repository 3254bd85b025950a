// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import PodPolicies
import Reporting

/// Writes judgements as they come.
struct JudgementWriter {
    private let format: PolicyJudge.Format
    private let style: TerminalStyle
    private var tree: TreeWriter
    private var allowed = 0
    private var refused = 0
    private var errors = 0

    init(_ format: PolicyJudge.Format, colour: Bool, sink: @escaping OutputBuffer.Sink) {
        self.format = format
        style = TerminalStyle(isOn: colour)
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
        if format == .table { addText(judgement) } else { addResult(judgement) }
    }

    mutating func finish() {
        if format == .table {
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

    /// A line for the object, two for each violation: paths and remedies are too long for columns.
    private mutating func addText(_ judgement: Judgement) {
        let (word, ink): (String, TerminalStyle.Ink) =
            switch judgement.isAllowed {
            case true?: ("allowed", .pass)
            case false?: ("refused", .high)
            case nil: ("error  ", .error)
            }
        line("\(style.apply(ink, word))  ", "\(judgement.subject.display)  \(judgement.policy)")
        if !judgement.error.isEmpty { line("  ", judgement.error) }
        for violation in judgement.violations {
            let container = violation.container.isEmpty ? "" : "[\(violation.container)] "
            let value = violation.value.isEmpty ? "" : " = \(violation.value)"
            line("  ", "\(container)\(violation.path)\(value)")
            line("    ", "\(violation.message): \(violation.remedy)")
        }
    }

    private mutating func line(_ start: String, _ text: String) {
        tree.output.append(start)
        tree.output.append(DisplayText.safe(text))
        tree.output.append("\n")
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

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AccessControl
import Findings
import Reporting

/// Writes what policies say about objects as it comes.
struct CELJudgementWriter {
    private let format: CELJudge.Format
    private let style: TerminalStyle
    private var tree: TreeWriter
    private var counts = (allowed: 0, refused: 0, errors: 0)

    init(_ format: CELJudge.Format, colour: Bool, sink: @escaping OutputBuffer.Sink) {
        self.format = format
        style = TerminalStyle(isOn: colour)
        tree = TreeWriter(format == .yaml ? .yaml : .json, output: OutputBuffer(sink: sink))
        guard format != .table else { return }
        tree.beginObject()
        tree.field("schemaVersion", "1")
        tree.key("results")
        tree.beginArray()
    }

    mutating func add(_ judged: JudgedManifest) {
        if !judged.error.isEmpty {
            counts.errors += 1
        } else if judged.isRefused {
            counts.refused += 1
        } else {
            counts.allowed += 1
        }
        if format == .table { addText(judged) } else { addResult(judged) }
    }

    mutating func finish() {
        if format == .table {
            tree.output.append(
                "\(counts.allowed) allowed, \(counts.refused) refused, \(counts.errors) could not be judged\n")
        } else {
            tree.endArray()
            tree.breakLine()
            tree.key("summary")
            tree.object {
                $0.field("allowed", counts.allowed)
                $0.field("refused", counts.refused)
                $0.field("errors", counts.errors)
            }
            tree.endObject()
            tree.finish()
        }
        tree.output.flush()
    }

    private mutating func addResult(_ judged: JudgedManifest) {
        tree.breakLine()
        tree.object { tree in
            tree.key("subject")
            tree.subject(judged.subject)
            tree.key("source")
            tree.object {
                $0.field("file", judged.source.file)
                $0.field("line", judged.source.line)
            }
            tree.key("allowed")
            if judged.error.isEmpty { tree.boolean(!judged.isRefused) } else { tree.null() }
            tree.key("policies")
            tree.array { tree in for name in judged.judgement.judged { tree.string(name) } }
            tree.key("violations")
            tree.array { tree in for violation in judged.judgement.violations { tree.violation(violation) } }
            tree.key("ignored")
            tree.array { tree in for violation in judged.judgement.ignored { tree.violation(violation) } }
            tree.key("auditAnnotations")
            tree.object { tree in
                for (key, values) in judged.judgement.annotations.sorted(by: { $0.key < $1.key }) {
                    tree.key(dynamic: key)
                    tree.string(values.joined(separator: ", "))
                }
            }
            tree.field("error", judged.error)
        }
    }

    private mutating func addText(_ judged: JudgedManifest) {
        let (word, ink): (String, TerminalStyle.Ink) =
            !judged.error.isEmpty ? ("error  ", .error) : judged.isRefused ? ("refused", .high) : ("allowed", .pass)
        line("\(style.apply(ink, word))  ", judged.subject.display)
        if !judged.error.isEmpty { line("  ", judged.error) }
        for violation in judged.judgement.violations {
            line("  ", violation.actions.contains(.deny) ? violation.refusal : violation.warning)
        }
        for violation in judged.judgement.ignored {
            line("  ", "\(violation.policy) could not be judged: \(violation.message)")
        }
    }

    private mutating func line(_ start: String, _ text: String) {
        tree.output.append(start)
        tree.output.append(DisplayText.safe(text))
        tree.output.append("\n")
    }
}

extension TreeWriter {
    /// `{policy, binding, index, message, reason, actions, isError}`; `index` is the validation's, -1 for none.
    mutating func violation(_ violation: AdmissionPolicySet.Violation) {
        object {
            $0.field("policy", violation.policy)
            $0.field("binding", violation.binding)
            $0.field("index", violation.index ?? -1)
            $0.field("message", violation.message)
            $0.field("reason", violation.reason.rawValue)
            $0.key("actions")
            $0.array { tree in for action in violation.actions { tree.string(action.rawValue) } }
            $0.key("isError")
            $0.boolean(violation.isError)
        }
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings
import PodPolicies
import Reporting

/// Writes what a policy would do.
struct PreviewWriter {
    let policy: String
    /// Whether it was tried on everything, for it is bound to nobody.
    var isAlone = false
    /// Whether it counts who makes a pod, which nobody recorded for a running one.
    var asksForUsers = true
    let format: PolicyPreviewCommand.Format
    let width: Int
    let colour: Bool
    let sink: OutputBuffer.Sink

    func write(_ preview: PreviewEntries) {
        if format == .table { writeTable(preview) } else { writeTree(preview) }
    }

    private func writeTable(_ preview: PreviewEntries) {
        var output = OutputBuffer(sink: sink)
        var table = TextTable([
            .init("WOULD BE"), .init("OBJECT", least: 20), .init("CONTAINER", least: 8, optional: true),
            .init("FIELD", least: 30), .init("WHY", least: 30),
        ])
        var isEmpty = true
        for entry in preview.results where entry.outcome != .unchanged {
            isEmpty = false
            let name = entry.subject.display + (entry.count > 1 ? " and \(entry.count - 1) more" : "")
            func row(_ container: String, _ field: String, _ why: String) {
                table.add([
                    .init(entry.outcome.rawValue, ink: entry.outcome.ink), .init(name), .init(container), .init(field),
                    .init(why),
                ])
            }
            if entry.outcome == .error { row("", "", entry.message) }
            for refusal in entry.refusals {
                for violation in refusal.violations {
                    row(
                        violation.container,
                        violation.value.isEmpty ? violation.path : "\(violation.path) = \(violation.value)",
                        "\(refusal.policy): \(violation.message): \(violation.remedy)")
                }
            }
            for change in entry.changes {
                row(change.container, change.path, "\(entry.policy) sets it to \(change.new.json)")
            }
        }
        if !isEmpty { table.write(to: &output, width: width, colour: colour) }
        let counts = PolicyPreview.Outcome.allCases.compactMap { outcome in
            preview.counts[outcome].map { "\($0) \(outcome.rawValue)" }
        }
        output.append(
            "\(preview.judged) judged: " + (counts + ["\(preview.untouched) not bound"]).joined(separator: ", "))
        output.append(
            isAlone
                ? "; \(policy) is bound to nobody, so it was tried on everything\n" : "\n")
        if asksForUsers, preview.results.contains(where: { $0.subject.kind == "Pod" }) {
            output.append(
                "Pods without a controller were judged for their service account: who made them is not recorded.\n")
        }
        output.flush()
    }

    private func writeTree(_ preview: PreviewEntries) {
        var tree = TreeWriter(format == .yaml ? .yaml : .json, output: OutputBuffer(sink: sink))
        tree.object { tree in
            tree.field("schemaVersion", "1")
            tree.field("policy", policy)
            tree.field("scope", isAlone ? "everything" : "bound")
            tree.key("results")
            tree.array { tree in
                for entry in preview.results {
                    tree.breakLine()
                    write(entry, &tree)
                }
            }
            tree.breakLine()
            tree.key("summary")
            tree.object { tree in
                tree.field("judged", preview.judged)
                tree.field("notBound", preview.untouched)
                for outcome in PolicyPreview.Outcome.allCases {
                    tree.key(dynamic: outcome.rawValue)
                    tree.integer(preview.counts[outcome] ?? 0)
                }
            }
        }
        tree.finish()
        tree.output.flush()
    }

    private func write(_ entry: PolicyPreview.Entry, _ tree: inout TreeWriter) {
        tree.object { tree in
            tree.key("subject")
            tree.subject(entry.subject)
            tree.field("count", entry.count)
            tree.field("serviceAccount", entry.serviceAccount)
            tree.field("outcome", entry.outcome.rawValue)
            tree.field("isNew", entry.isNew)
            tree.field("policy", entry.policy)
            tree.key("refusals")
            tree.array { tree in
                for refusal in entry.refusals {
                    tree.object { tree in
                        tree.field("policy", refusal.policy)
                        tree.key("violations")
                        tree.array { tree in for violation in refusal.violations { tree.violation(violation) } }
                    }
                }
            }
            tree.key("changes")
            tree.array { tree in
                for change in entry.changes {
                    tree.object {
                        $0.field("container", change.container)
                        $0.field("path", change.path)
                        $0.field("old", change.old?.json ?? "")
                        $0.field("new", change.new.json)
                    }
                }
            }
            tree.field("error", entry.message)
        }
    }
}

extension PolicyPreview.Outcome {
    fileprivate var ink: TerminalStyle.Ink {
        switch self {
        case .refused: .high
        case .warned, .changed: .medium
        case .audited: .low
        case .unchanged: .pass
        case .error: .error
        }
    }
}

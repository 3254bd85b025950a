// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings
import PodPolicies
import Reporting

/// A preview as people and programs read it.
enum PreviewText {
    private static let maxLines = 20

    /// A line for each workload, and under it what is refused or changed, container by container and field by field.
    static func lines(_ preview: PolicyPreview) -> [String] {
        var lines: [String] = []
        for entry in preview.results where entry.outcome != .unchanged {
            let more = entry.count > 1 ? " and \(entry.count - 1) more like it" : ""
            let policy = entry.policy.isEmpty ? "" : "  by \(entry.policy)"
            let already = entry.isNew ? "" : "  (as it is now)"
            lines.append("\(word(entry.outcome))  \(entry.subject.display)\(more)\(policy)\(already)")
            var details = entry.message.isEmpty ? [] : [entry.message]
            for refusal in entry.refusals {
                let start = entry.refusals.count > 1 ? "\(refusal.policy): " : ""
                details += refusal.violations.map { start + RefusalText.line($0) }
            }
            details += entry.changes.map(change)
            lines += details.prefix(maxLines).map { "    " + $0 }
            if details.count > maxLines { lines.append("    and \(details.count - maxLines) more") }
        }
        return lines.map { DisplayText.safe($0) }
    }

    private static func word(_ outcome: PolicyPreview.Outcome) -> String {
        let width = PolicyPreview.Outcome.allCases.map(\.rawValue.count).max() ?? 0
        return outcome.rawValue + String(repeating: " ", count: width - outcome.rawValue.count)
    }

    private static func change(_ change: PodChange) -> String {
        let place = change.container.isEmpty ? "" : "container \"\(change.container)\": "
        return "\(place)\(change.path): \(change.old?.json ?? "nothing") would become \(change.new.json)"
    }

    /// `2 refused, 1 changed, 4 unchanged; 3 not reached by the policy p`
    static func summary(_ preview: PolicyPreview) -> String {
        let counts = PolicyPreview.Outcome.allCases.compactMap { outcome in
            preview.counts[outcome].map { "\($0) \(outcome.rawValue)" }
        }
        let reached =
            preview.scope == .alone
            ? "nothing binds the policy \(preview.policy.name), so it was tried on everything"
            : "\(preview.untouched) not reached by the policy \(preview.policy.name)"
        return "\(counts.isEmpty ? "nothing runs that it reaches" : counts.joined(separator: ", ")); \(reached)"
    }

    static func json(_ preview: PolicyPreview) -> String {
        let counts = PolicyPreview.Outcome.allCases.map { ($0.rawValue, number(preview.counts[$0] ?? 0)) }
        let value: EditValue = [
            "schemaVersion": .number("1"), "policy": .string(preview.policy.name),
            "mode": .string(preview.policy.mode.rawValue),
            "scope": .string(preview.scope == .alone ? "everything" : "bound"), "judged": number(preview.judged),
            "notReached": number(preview.untouched), "counts": .object(counts),
            "workloads": .array(preview.results.map(workload)),
        ]
        return value.json
    }

    private static func number(_ value: Int) -> EditValue { .number(String(value)) }

    private static func workload(_ entry: PolicyPreview.Entry) -> EditValue {
        let reasons = entry.refusals.flatMap { refusal in
            refusal.violations.map { violation -> EditValue in
                [
                    "policy": .string(refusal.policy), "control": .string(violation.control),
                    "container": .string(violation.container), "path": .string(violation.path),
                    "value": .string(violation.value), "message": .string(violation.message),
                    "remedy": .string(violation.remedy),
                ]
            }
        }
        let changes = entry.changes.map { change -> EditValue in
            [
                "container": .string(change.container), "path": .string(change.path),
                "before": change.old ?? .null, "after": change.new,
            ]
        }
        return [
            "apiVersion": .string(entry.subject.apiVersion), "kind": .string(entry.subject.kind),
            "namespace": .string(entry.subject.namespace), "name": .string(entry.subject.name),
            "serviceAccount": .string(entry.serviceAccount), "outcome": .string(entry.outcome.rawValue),
            "isNew": .bool(entry.isNew), "count": number(entry.count), "policy": .string(entry.policy),
            "message": .string(entry.message), "reasons": .array(reasons), "changes": .array(changes),
        ]
    }
}

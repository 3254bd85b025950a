// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// What people are told about a pod that no policy accepts: which field of which container, which policy, and what
/// would make it pass. Bounded, however much is wrong.
enum RefusalText {
    static let maxReasons = 10
    static let maxPolicies = 10

    /// The whole refusal, a reason a line.
    static func message(_ refusals: [PolicyChoice.Refusal], of subject: String) -> String {
        let names = list(refusals.map(\.policy))
        let head =
            refusals.count == 1
            ? "\(subject) is not accepted by the pod policy \(names):"
            : "\(subject) is accepted by none of the \(refusals.count) pod policies that count for it (\(names)):"
        return ([head] + lines(refusals).map { "  " + $0 }).joined(separator: "\n")
    }

    /// One line for a warning: kubectl prints each by itself, and servers cut long ones.
    static func warning(_ refusals: [PolicyChoice.Refusal], start: String) -> String {
        "\(start) the pod polic\(refusals.count == 1 ? "y" : "ies") \(list(refusals.map(\.policy))): "
            + lines(refusals, most: 4).joined(separator: "; ")
    }

    static func reasons(_ refusals: [PolicyChoice.Refusal]) -> [AdmissionDecision.Reason] {
        chosen(refusals, most: maxReasons).flatMap { refusal in
            refusal.violations.map {
                AdmissionDecision.Reason(
                    policy: refusal.policy, container: $0.container, path: $0.path, value: $0.value,
                    message: $0.message, remedy: $0.remedy)
            }
        }
    }

    static func lines(_ refusals: [PolicyChoice.Refusal], most: Int = maxReasons) -> [String] {
        var lines: [String] = []
        let shown = chosen(refusals, most: most)
        for refusal in shown {
            for violation in refusal.violations {
                lines.append((refusals.count > 1 ? "\(refusal.policy): " : "") + line(violation))
            }
        }
        let total = refusals.reduce(0) { $0 + $1.violations.count }
        let count = shown.reduce(0) { $0 + $1.violations.count }
        if total > count { lines.append("and \(total - count) more of \(total) reasons") }
        return lines
    }

    /// `container "app": spec.containers[0].securityContext.privileged is true: …; to pass, set it to false`
    static func line(_ violation: Violation) -> String {
        let place = violation.container.isEmpty ? "" : "container \"\(violation.container.prefix(63))\": "
        let value = violation.value.isEmpty ? "" : " is \(violation.value.prefix(100))"
        let remedy = violation.remedy.isEmpty ? "" : "; to pass, \(violation.remedy)"
        return "\(place)\(violation.path)\(value): \(violation.message)\(remedy)"
    }

    /// Some reasons of every policy rather than all of the first.
    private static func chosen(_ refusals: [PolicyChoice.Refusal], most: Int) -> [PolicyChoice.Refusal] {
        let shown = refusals.prefix(min(maxPolicies, most))
        guard !shown.isEmpty else { return [] }
        let each = max(1, most / shown.count)
        return shown.map { .init(policy: $0.policy, violations: Array($0.violations.prefix(each))) }
    }

    private static func list(_ names: [String]) -> String {
        names.prefix(maxPolicies).joined(separator: ", ")
            + (names.count > maxPolicies ? " and \(names.count - maxPolicies) more" : "")
    }
}

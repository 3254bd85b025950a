// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// Which of the policies that count for a request accepts the pod, chosen as PodSecurityPolicy's admission chose: one
/// that would change nothing before any other, else the first by name that accepts what it has filled in.
package enum PolicyChoice: Sendable, Equatable {
    /// `pod` is the given pod with the policy's defaults and the seccomp fields that its annotations ask for.
    case accepted(policy: String, pod: Pod)
    /// Every candidate with its reasons, by name. Empty without candidates.
    case refused([Refusal])

    package struct Refusal: Sendable, Equatable {
        package var policy: String
        package var violations: [Violation]

        package init(policy: String, violations: [Violation]) {
            self.policy = policy
            self.violations = violations
        }
    }

    /// Chooses among `policies`, in any order, all of which count for the request.
    ///
    /// `mayChange` is true for CREATE in the mutating phase. Elsewhere a policy that would have to fill something in
    /// refuses the pod, and `hint` (the policy that was chosen before: its annotation) is asked first.
    package static func among(
        _ policies: [PodPolicy], for pod: Pod, mayChange: Bool, hint: String? = nil
    ) -> PolicyChoice {
        var changing: (policy: String, pod: Pod)?
        var refusals: [Refusal] = []
        for policy in ordered(policies, hint: mayChange ? nil : hint) {
            var violations: [Violation]
            switch policy.rules {
            case .standard(let standard):
                // A standard never changes a pod.
                violations = standard.violations(in: pod)
                if violations.isEmpty { return .accepted(policy: policy.name, pod: pod) }
            case .fields(let rules):
                // An API server of PodSecurityPolicy's time had repeated the field in the annotation by the time it
                // validated.
                let given = mayChange ? pod : pod.withSeccompAnnotation()
                let filled = rules.filled(given)
                violations = rules.violations(in: filled)
                guard violations.isEmpty else { break }
                if filled == given {
                    return .accepted(policy: policy.name, pod: mayChange ? pod.withSeccompFields() : pod)
                }
                if mayChange {
                    if changing == nil { changing = (policy.name, filled.withSeccompFields()) }
                } else {
                    violations = given.changes(to: filled).map(\.asViolation)
                }
            }
            refusals.append(Refusal(policy: policy.name, violations: violations))
        }
        if let changing { return .accepted(policy: changing.policy, pod: changing.pod) }
        return .refused(refusals.sorted { $0.policy.utf8.lexicographicallyPrecedes($1.policy.utf8) })
    }

    private static func ordered(_ policies: [PodPolicy], hint: String?) -> [PodPolicy] {
        policies.sorted { one, other in
            if let hint, (one.name == hint) != (other.name == hint) { return one.name == hint }
            return one.name.utf8.lexicographicallyPrecedes(other.name.utf8)
        }
    }
}

extension PodChange {
    /// Why a policy refuses a pod that it would have to change where nothing may be changed.
    var asViolation: Violation {
        Violation(
            control, container: container, path: path, value: old.map { $0.json.cut(to: 200) } ?? "",
            message: "the policy sets this when a pod is created, and nothing can be set now",
            remedy: "set it to \(new.json.cut(to: 200))")
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation

/// The status of a PodPolicy or PodPolicyBinding, as it is written into the object.
struct PolicyStatus: Equatable {
    struct Condition: Equatable {
        var isTrue: Bool
        var reason: String
        var message: String
        /// RFC 3339; empty when it is not known.
        var since = ""
    }

    var generation: Int?
    var ready: Condition
    /// Further members of the status, in order.
    var rest: [(key: String, value: EditValue)] = []

    static func == (one: PolicyStatus, other: PolicyStatus) -> Bool {
        one.generation == other.generation && one.ready == other.ready
            && EditValue.object(one.rest) == EditValue.object(other.rest)
    }

    private static let listed = 20

    /// Of a policy that can be read.
    init(of policy: PodPolicy, in set: PolicySet, refused: (lastHour: Int, recent: [PolicyRefusals.Recent])) {
        generation = policy.generation
        let bindings = set.bindings(of: policy.name)
        ready =
            policy.isEnabled
            ? Condition(isTrue: true, reason: "Counts", message: "the policy can be read and counts")
            : Condition(isTrue: false, reason: "SwitchedOff", message: "the policy is switched off and bound to nobody")
        let rules: String =
            switch policy.rules {
            case .standard(let standard): standard.text
            case .fields: "fields"
            }
        var bound = bindings.flatMap { binding in
            binding.subjects.map {
                $0.display + (binding.namespaces.map { " in \($0.display)" } ?? "") + " (\(binding.name))"
            }
        }
        let count = bound.count
        if policy.isDefault { bound.insert("by default, whomever no binding matches", at: 0) }
        rest = [
            ("rules", .string(rules)), ("bound", .number(String(policy.isEnabled ? count : 0))),
            ("boundTo", .array(policy.isEnabled ? bound.prefix(Self.listed).map(EditValue.string) : [])),
            (
                "refusals",
                .object([
                    ("lastHour", .number(String(refused.lastHour))),
                    (
                        "recent",
                        .array(
                            refused.recent.map {
                                .object([
                                    ("time", .string(RFC3339.text($0.time))), ("object", .string($0.object)),
                                    ("user", .string($0.user)), ("message", .string($0.message)),
                                ])
                            })
                    ),
                ])
            ),
        ]
    }

    init(of binding: PodPolicyBinding, in set: PolicySet) {
        switch set.policy(binding.policy) {
        case nil:
            ready = Condition(
                isTrue: false, reason: "NoSuchPolicy",
                message: "there is no PodPolicy \(binding.policy): this binding binds nobody")
        case let policy? where !policy.isEnabled:
            ready = Condition(
                isTrue: false, reason: "SwitchedOff", message: "the PodPolicy \(binding.policy) is switched off")
        default: ready = Condition(isTrue: true, reason: "Binds", message: "the policy exists and is bound")
        }
    }

    /// Of an object that cannot be read.
    init(of problem: PolicyIndex.Problem) {
        ready = Condition(
            isTrue: false, reason: "Unreadable",
            message: String(problem.message.prefix(1000))
                + (problem.keepsLast ? "; the version before it still counts" : "; it counts for nothing"))
    }

    /// A merge patch of the whole object.
    var patch: String {
        var condition: [(key: String, value: EditValue)] = [
            ("type", "Ready"), ("status", ready.isTrue ? "True" : "False"), ("reason", .string(ready.reason)),
            ("message", .string(ready.message)), ("lastTransitionTime", .string(ready.since)),
        ]
        var members = rest
        if let generation {
            condition.append(("observedGeneration", .number(String(generation))))
            members.insert(("observedGeneration", .number(String(generation))), at: 0)
        }
        members.append(("conditions", .array([.object(condition)])))
        return EditValue.object([("status", .object(members))]).json
    }
}

extension RFC3339 {
    /// `2027-01-31T00:00:00Z`
    static func text(_ seconds: Int64) -> String {
        Date(timeIntervalSince1970: TimeInterval(seconds)).formatted(.iso8601)
    }
}

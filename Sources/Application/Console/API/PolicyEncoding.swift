// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Reporting
import Store

/// What the API says about pod policies and decisions.
extension JSONValue {
    static func policy(_ policy: PolicyDetail, _ bindings: [BindingDetail]) -> JSONValue {
        [
            "name": .string(policy.name), "mode": .string(policy.mode), "kind": .string(policy.kind),
            "enabled": .bool(policy.isEnabled), "default": .bool(policy.isDefault),
            "problem": .string(policy.problem),
            "rules": .array(
                policy.rules.map {
                    ["title": .string($0.title), "value": .string($0.value), "restricting": .bool($0.isRestricting)]
                }),
            "exemptions": .array(
                policy.exemptions.map {
                    [
                        "owner": .string($0.owner), "reason": .string($0.reason), "expiry": .time($0.expiry),
                        "users": .strings($0.users), "namespaces": .strings($0.namespaces),
                        "runtimeClasses": .strings($0.runtimeClasses),
                    ]
                }),
            "bindings": .strings(bindings.filter { $0.policy == policy.name }.map(\.name)),
        ]
    }

    static func binding(_ binding: BindingDetail) -> JSONValue {
        [
            "name": .string(binding.name), "policy": .string(binding.policy),
            "subjects": .strings(binding.subjects.map(\.text)), "namespaces": .strings(binding.namespaces),
            "selector": .string(binding.selector), "problem": .string(binding.problem),
        ]
    }

    static func preview(_ preview: BindingPreview) -> JSONValue {
        [
            "counts": .object(
                BindingPreview.Workload.Verdict.allCases.map {
                    .init(name: $0.rawValue, value: .count(preview.counts[$0] ?? 0))
                }),
            "workloads": .array(
                preview.workloads.map { workload in
                    [
                        "subject": .subject(workload.subject), "serviceAccount": .string(workload.serviceAccount),
                        "verdict": .string(workload.verdict.rawValue), "policy": .string(workload.policy),
                        "reasons": .array(workload.reasons.map { .reason($0) }),
                        "changes": .array(
                            workload.changes.map {
                                [
                                    "container": .string($0.container), "path": .string($0.path),
                                    "before": .string($0.before), "after": .string($0.after),
                                ]
                            }),
                    ]
                }),
        ]
    }

    static func reason(_ reason: AdmissionDecision.Reason) -> JSONValue {
        [
            "policy": .string(reason.policy), "container": .string(reason.container), "path": .string(reason.path),
            "value": .string(reason.value), "message": .string(reason.message), "remedy": .string(reason.remedy),
        ]
    }

    static func decision(_ decision: AdmissionDecision) -> JSONValue {
        [
            "uid": .string(decision.uid), "time": .time(decision.time / 1000),
            "reviewer": .string(decision.reviewer), "action": .string(decision.action.rawValue),
            "allowed": .bool(decision.allowed), "operation": .string(decision.operation),
            "subject": .subject(decision.subject), "workload": .string(decision.workload),
            "user": .string(decision.user), "serviceAccount": .string(decision.serviceAccount),
            "policy": .string(decision.policy), "dryRun": .bool(decision.dryRun),
            "changed": .bool(decision.changed), "microseconds": .count(decision.microseconds),
            "reasons": .array(decision.reasons.map { .reason($0) }),
        ]
    }

    static func rate(_ counts: AdmissionRates.Counts) -> JSONValue {
        .object(
            AdmissionDecision.Action.allCases.map { .init(name: $0.rawValue, value: .count(counts[$0])) } + [
                .init(name: "changed", value: .count(counts.changed)),
                .init(name: "meanMicroseconds", value: counts.mean.map { .count($0) } ?? .null),
            ])
    }
}

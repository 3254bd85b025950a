// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// The shapes of what the API says about pod policies and decisions.
extension Schemas {
    static let action = choice(AdmissionDecision.Action.allCases.map(\.rawValue))

    static let policies: KeyValuePairs<String, JSONValue> = [
        "Admission": object(["on": flag, "state": maybe("AdmissionState")]),
        "AdmissionState": object([
            "enabled": flag, "ready": flag, "waitsFor": maybeText, "failurePolicy": choice(["Fail", "Ignore"]),
            "disabledNamespaces": texts, "excludedNamespaces": texts, "dropped": number,
        ]),
        "Switch": object(["enabled": flag]),
        "Policy": object([
            "name": text, "mode": choice(["enforce", "warn", "audit"]), "kind": text, "enabled": flag, "default": flag,
            "problem": text, "rules": list(named("PolicyRule")), "exemptions": list(named("PolicyExemption")),
            "bindings": texts,
        ]),
        "PolicyList": object(["items": list(named("Policy")), "total": number]),
        "PolicyRule": object(["title": text, "value": text, "restricting": flag]),
        "PolicyExemption": object([
            "owner": text, "reason": text, "expiry": maybeTime, "users": texts, "namespaces": texts,
            "runtimeClasses": texts,
        ]),
        "Binding": object([
            "name": text, "policy": text, "subjects": texts, "namespaces": texts, "selector": text, "problem": text,
        ]),
        "BindingList": object(["items": list(named("Binding")), "total": number]),
        "BindingDraft": object(
            ["name": text, "policy": text, "subjects": texts, "namespaces": texts], optional: ["namespaces"]),
        "BindingPreview": object(["counts": counts, "workloads": list(named("PreviewedWorkload"))]),
        "PreviewedWorkload": object([
            "subject": named("Subject"), "serviceAccount": text,
            "verdict": choice(BindingPreview.Workload.Verdict.allCases.map(\.rawValue)), "policy": text,
            "reasons": list(named("Reason")), "changes": list(named("FieldChange")),
        ]),
        "FieldChange": object(["container": text, "path": text, "before": text, "after": text]),
        "Reason": object([
            "policy": text, "container": text, "path": text, "value": text, "message": text, "remedy": text,
        ]),
        "Decision": object([
            "uid": text, "time": time, "reviewer": text, "action": action, "allowed": flag, "operation": text,
            "subject": named("Subject"), "workload": text, "user": text, "serviceAccount": text, "policy": text,
            "dryRun": flag, "changed": flag, "microseconds": number, "reasons": list(named("Reason")),
        ]),
        "DecisionPage": object(["items": list(named("Decision")), "next": maybeText]),
        "RateCounts": object([
            "allow": number, "warn": number, "audit": number, "deny": number, "error": number, "changed": number,
            "meanMicroseconds": maybeNumber,
        ]),
        "Rates": object([
            "stepSeconds": number, "total": named("RateCounts"), "steps": list(named("RateStep")),
            "byPolicy": ["type": "object", "additionalProperties": named("RateCounts")],
        ]),
        "RateStep": object(["start": time, "counts": named("RateCounts")]),
    ]
}

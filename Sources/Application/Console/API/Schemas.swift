// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// The shapes of the API's bodies, as the OpenAPI document gives them. A test holds the answers against them.
enum Schemas {
    static let text: JSONValue = ["type": "string"]
    static let number: JSONValue = ["type": "integer"]
    static let flag: JSONValue = ["type": "boolean"]
    static let time: JSONValue = ["type": "string", "format": "date-time"]
    static let maybeText: JSONValue = ["type": ["string", "null"]]
    static let maybeNumber: JSONValue = ["type": ["integer", "null"]]
    static let maybeDecimal: JSONValue = ["type": ["number", "integer", "null"]]
    static let maybeTime: JSONValue = ["type": ["string", "null"], "format": "date-time"]
    static let texts: JSONValue = list(text)
    static let severity = choice(Severity.allCases.reversed().map(\.description))
    static let role = choice(Role.allCases.map(\.rawValue))
    static let status = choice(Finding.Status.allCases.map(\.rawValue))
    /// Names to counts.
    static let counts: JSONValue = ["type": "object", "additionalProperties": ["type": "integer"]]

    static func list(_ item: JSONValue) -> JSONValue { ["type": "array", "items": item] }
    static func named(_ name: String) -> JSONValue { ["$ref": .string("#/components/schemas/\(name)")] }
    static func maybe(_ name: String) -> JSONValue { ["anyOf": [named(name), ["type": "null"]]] }
    static func choice(_ values: [String]) -> JSONValue { ["type": "string", "enum": .strings(values)] }

    /// An object with these members; all of them are there unless `optional` names them.
    static func object(
        _ properties: KeyValuePairs<String, JSONValue>, optional: Set<String> = []
    ) -> JSONValue {
        .object([
            .init(name: "type", value: "object"),
            .init(
                name: "properties", value: .object(properties.map { .init(name: $0.key, value: $0.value) })),
            .init(name: "required", value: .strings(properties.map(\.key).filter { !optional.contains($0) })),
            .init(name: "additionalProperties", value: false),
        ])
    }

    /// Those of every part.
    static var everything: [(key: String, value: JSONValue)] {
        Array(all) + Array(policies) + Array(constraints) + Array(images)
    }

    static func page(_ item: String) -> JSONValue {
        object(["items": list(named(item)), "total": number, "page": number, "limit": number])
    }

    static let all: KeyValuePairs<String, JSONValue> = [
        "Problem": object(["code": choice(ConsoleError.Code.allCases.map(\.rawValue)), "message": text]),
        "Subject": object([
            "cluster": text, "apiVersion": text, "kind": text, "namespace": text, "name": text,
        ]),
        "Finding": object([
            "fingerprint": text, "check": text, "title": text, "severity": severity,
            "outcome": choice(Outcome.allCases.filter(\.isProblem).map(\.rawValue)), "subject": named("Subject"),
            "container": text, "message": text, "path": text, "value": text, "status": status, "firstSeen": time,
            "lastSeen": time, "resolvedAt": maybeTime, "reopened": number, "exemption": maybeText,
        ]),
        "FindingPage": page("Finding"),
        "FindingChange": object(["status": choice(["new", "inProgress"])]),
        "Workload": object([
            "subject": named("Subject"), "total": number, "weight": number, "bySeverity": counts,
        ]),
        "WorkloadPage": page("Workload"),
        "WorkloadDetail": object([
            "subject": named("Subject"), "findings": list(named("Finding")), "suggestedPatch": maybeText,
            "images": list(named("ContainerImage")),
        ]),
        "Check": object([
            "id": text, "slug": text, "area": text, "title": text, "severity": severity, "why": text,
            "remediation": text, "fixable": flag, "sensitive": flag, "references": texts,
            "aliases": ["type": "object", "additionalProperties": texts],
            "controls": ["type": "object", "additionalProperties": texts], "open": number,
        ]),
        "CheckList": object(["items": list(named("Check")), "total": number]),
        "Report": object([
            "id": number, "cluster": text, "trigger": choice(["schedule", "demand", "start"]),
            "state": choice(["running", "complete", "failed"]), "started": time, "finished": maybeTime,
            "message": text, "score": maybeNumber, "objects": number, "subjects": number,
            "results": ["type": "object", "additionalProperties": counts],
        ]),
        "ReportPage": page("Report"),
        "ReportedProblem": object([
            "fingerprint": text, "check": text, "severity": severity, "subject": named("Subject"), "container": text,
            "statusNow": status,
        ]),
        "ReportedProblemPage": page("ReportedProblem"),
        "Change": object([
            "change": choice(["fixed", "suppressed", "eased", "appeared", "worsened"]),
            "problem": named("ReportedProblem"),
        ]),
        "Comparison": object([
            "before": named("Report"), "after": named("Report"), "scoreDifference": number, "betterCount": number,
            "worseCount": number, "unchanged": number, "better": list(named("Change")),
            "worse": list(named("Change")),
        ]),
        "Exemption": object([
            "id": text, "owner": text, "reason": text, "expiry": maybeTime, "checks": texts, "cluster": text,
            "namespace": text, "kind": text, "name": text, "container": text, "expired": flag, "suppresses": number,
        ]),
        "ExemptionList": object(["items": list(named("Exemption")), "total": number]),
        "ExemptionDraft": object(
            [
                "owner": text, "reason": text, "expiry": text, "checks": texts, "cluster": text, "namespace": text,
                "kind": text, "name": text, "container": text,
            ], optional: ["checks", "cluster", "namespace", "kind", "name", "container"]),
        "Schedule": object(["schedule": text, "next": list(time)]),
        "ScheduleDraft": object(["schedule": text]),
        "Inspection": object([
            "phase": choice(InspectionProgress.Phase.allCases.map(\.rawValue)), "running": flag, "done": number,
            "total": number, "started": maybeTime, "finished": maybeTime, "report": maybeNumber, "message": text,
            "words": text,
        ]),
        "Summary": object([
            "scope": text, "score": maybeNumber, "lastReport": maybe("Report"), "nextInspection": maybeTime,
            "open": number, "openBySeverity": counts, "byStatus": counts, "trend": list(named("Report")),
            "worstNamespaces": list(named("NamespaceRisk")),
        ]),
        "NamespaceRisk": object([
            "cluster": text, "namespace": text, "weight": number, "total": number, "bySeverity": counts,
        ]),
        "Account": object(["id": number, "name": text, "role": role, "created": time, "lastLogin": maybeTime]),
        "AccountList": object(["items": list(named("Account")), "total": number]),
        "AccountDraft": object(["name": text, "role": role, "password": text]),
        "AccountChange": object(["role": role, "password": text], optional: ["role", "password"]),
        "Token": object([
            "id": number, "name": text, "role": role, "owner": text, "created": time, "expires": time,
            "lastUsed": maybeTime, "revoked": maybeTime,
        ]),
        "TokenList": object(["items": list(named("Token")), "total": number]),
        "TokenDraft": object(["name": text, "role": role, "days": number]),
        "NewToken": object(["token": named("Token"), "secret": text]),
        "Document": ["type": "object"],
    ]
}

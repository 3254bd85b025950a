// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Hummingbird
import Store

enum ConstraintsAPI {
    private static let tag = "Constraints"

    static let routes = [
        Route(
            .get, "/api/v1/constraints", .viewer,
            Operation(
                id: "listConstraints", summary: "All constraints of the cluster", tag: tag, answer: "ConstraintList")
        ) { _, parts in
            let control = try ConstraintsPage.control(parts)
            let counts = try await parts.store.ledger.counts(.open).byCheck
            return Reply.json(.list(await control.constraints().map { encode($0, counts[$0.check] ?? 0) }))
        },
        Route(
            .get, "/api/v1/constraints/{kind}/{name}", .viewer,
            Operation(
                id: "getConstraint", summary: "One constraint; its violations are the findings of its check", tag: tag,
                answer: "Constraint")
        ) { call, parts in
            let constraint = try await ConstraintsPage.detail(call, try ConstraintsPage.control(parts))
            let counts = try await parts.store.ledger.counts(.open).byCheck
            return Reply.json(encode(constraint, counts[constraint.check] ?? 0))
        },
        Route(
            .get, "/api/v1/constrainttemplates", .viewer,
            Operation(
                id: "listConstraintTemplates", summary: "All templates of constraints", tag: tag,
                answer: "ConstraintTemplateList")
        ) { _, parts in
            let control = try ConstraintsPage.control(parts)
            return Reply.json(
                .list(
                    await control.templates().map { template in
                        [
                            "name": .string(template.name), "kind": .string(template.kind),
                            "engine": .string(template.engine), "problem": .string(template.problem),
                        ]
                    }))
        },
        Route(
            .get, "/api/v1/constraintaudit", .viewer,
            Operation(id: "getConstraintAudit", summary: "How the last audit went", tag: tag, answer: "ConstraintAudit")
        ) { _, parts in
            let state = await (try ConstraintsPage.control(parts)).state()
            return Reply.json([
                "ready": .bool(state.waitsFor == nil), "waitsFor": state.waitsFor.map { .string($0) } ?? .null,
                "failurePolicy": .string(state.failurePolicy), "finished": .time(state.auditTime),
                "milliseconds": .count(state.auditMilliseconds), "objects": .count(state.auditObjects),
                "missing": .strings(state.missing), "mutators": .strings(state.mutators),
            ])
        },
    ]

    private static func encode(_ constraint: ConstraintDetail, _ violations: Int) -> JSONValue {
        [
            "kind": .string(constraint.kind), "name": .string(constraint.name), "action": .string(constraint.action),
            "check": .string(constraint.check), "match": .string(constraint.match),
            "parameters": .string(constraint.parameters), "problem": .string(constraint.problem),
            "violations": .count(violations),
        ]
    }
}

extension Schemas {
    static let constraints: KeyValuePairs<String, JSONValue> = [
        "Constraint": object([
            "kind": text, "name": text, "action": text, "check": text, "match": text, "parameters": text,
            "problem": text, "violations": number,
        ]),
        "ConstraintList": object(["items": list(named("Constraint")), "total": number]),
        "ConstraintTemplate": object(["name": text, "kind": text, "engine": text, "problem": text]),
        "ConstraintTemplateList": object(["items": list(named("ConstraintTemplate")), "total": number]),
        "ConstraintAudit": object([
            "ready": flag, "waitsFor": maybeText, "failurePolicy": choice(["Fail", "Ignore"]), "finished": maybeTime,
            "milliseconds": number, "objects": number, "missing": texts, "mutators": texts,
        ]),
    ]
}

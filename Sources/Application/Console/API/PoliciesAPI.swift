// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Hummingbird
import Store

enum PoliciesAPI {
    private static let tag = "Pod policies"

    static let routes = [
        Route(
            .get, "/api/v1/admission", .viewer,
            Operation(id: "getAdmission", summary: "How admission is", tag: tag, answer: "Admission")
        ) { _, parts in Reply.json(await state(parts)) },
        Route(
            .put, "/api/v1/admission", .administrator,
            Operation(
                id: "switchAdmission", summary: "Switch the whole control off or on", tag: tag, body: "Switch",
                answer: "Admission")
        ) { call, parts in
            let isEnabled = try flag(call)
            try await PoliciesPage.control(parts).setControl(isEnabled: isEnabled, by: try call.person.label)
            parts.log("Switched admission", call, ["on": "\(isEnabled)"])
            return Reply.json(await state(parts))
        },
        Route(
            .put, "/api/v1/admission/namespaces/{name}", .administrator,
            Operation(
                id: "switchNamespace", summary: "Switch admission of a namespace's pods off or on", tag: tag,
                body: "Switch", answer: "Admission")
        ) { call, parts in
            let isEnabled = try flag(call)
            let name = try PoliciesPage.namespace(try call.parameter("name"))
            try await PoliciesPage.control(parts).setNamespace(
                name, isEnabled: isEnabled, by: try call.person.label)
            parts.log("Switched admission of a namespace", call, ["namespace": "\(name)", "on": "\(isEnabled)"])
            return Reply.json(await state(parts))
        },
        Route(
            .get, "/api/v1/policies", .viewer,
            Operation(id: "listPolicies", summary: "All pod policies", tag: tag, answer: "PolicyList")
        ) { _, parts in
            let control = try PoliciesPage.control(parts)
            let bindings = await control.bindings()
            return Reply.json(.list(await control.policies().map { .policy($0, bindings) }))
        },
        Route(
            .get, "/api/v1/policies/{name}", .viewer,
            Operation(id: "getPolicy", summary: "One pod policy", tag: tag, answer: "Policy")
        ) { call, parts in try await policy(call, parts) },
        Route(
            .patch, "/api/v1/policies/{name}", .administrator,
            Operation(
                id: "switchPolicy", summary: "Switch a pod policy off or on", tag: tag, body: "Switch",
                answer: "Policy")
        ) { call, parts in
            let (name, isEnabled) = (try call.parameter("name"), try flag(call))
            let control = try PoliciesPage.control(parts)
            _ = try await PoliciesPage.detail(name, control)
            try await control.setPolicy(name, isEnabled: isEnabled, by: try call.person.label)
            parts.log("Switched a pod policy", call, ["policy": "\(name)", "on": "\(isEnabled)"])
            return try await policy(call, parts)
        },
        Route(
            .get, "/api/v1/bindings", .viewer,
            Operation(id: "listBindings", summary: "All bindings of pod policies", tag: tag, answer: "BindingList")
        ) { _, parts in
            Reply.json(.list(await (try PoliciesPage.control(parts)).bindings().map { .binding($0) }))
        },
        Route(
            .get, "/api/v1/bindings/preview", .viewer,
            Operation(
                id: "previewBinding", summary: "What a binding would refuse or change of what runs now", tag: tag,
                query: [
                    .init(name: "policy", meaning: "A pod policy.", schema: Schemas.text, isRequired: true),
                    .init(
                        name: "subject",
                        meaning: "serviceaccount:NAMESPACE/NAME, user:NAME or group:NAME; may be repeated.",
                        schema: Schemas.text, isRequired: true),
                    .init(name: "namespace", meaning: "A namespace; may be repeated.", schema: Schemas.text),
                ], answer: "BindingPreview")
        ) { call, parts in
            let draft = try BindPage.draft(
                name: "preview", policy: call.query["policy"] ?? "", subjects: call.query.all("subject"),
                namespaces: call.query.all("namespace"))
            let control = try PoliciesPage.control(parts)
            _ = try await PoliciesPage.detail(draft.policy, control)
            return Reply.json(.preview(try await control.preview(draft)))
        },
        Route(
            .post, "/api/v1/bindings", .administrator,
            Operation(
                id: "bindPolicy", summary: "Bind a pod policy", tag: tag, body: "BindingDraft", status: 201,
                answer: "Binding")
        ) { call, parts in
            let body = try JSONBody(call, allowed: ["name", "policy", "subjects", "namespaces"])
            let draft = try BindPage.draft(
                name: try body.requiredText("name"), policy: try body.requiredText("policy"),
                subjects: try body.texts("subjects"), namespaces: try body.texts("namespaces"))
            try await BindPage.bind(draft, call, parts)
            let made = BindingDetail(
                name: draft.name, policy: draft.policy, subjects: draft.subjects, namespaces: draft.namespaces)
            return Reply.json(.binding(made), status: .created)
        },
        Route(
            .delete, "/api/v1/bindings/{name}", .administrator,
            Operation(id: "unbindPolicy", summary: "Remove a binding", tag: tag, status: 204)
        ) { call, parts in
            try await BindPage.unbind(try call.parameter("name"), call, parts)
            return Reply.empty
        },
    ]

    private static func flag(_ call: Call) throws -> Bool {
        let body = try JSONBody(call, allowed: ["enabled"])
        return try body.flag("enabled")
    }

    private static func state(_ parts: ConsoleParts) async -> JSONValue {
        guard let state = await parts.policies?.state() else {
            return ["on": false, "state": .null]
        }
        return [
            "on": true,
            "state": [
                "enabled": .bool(state.isEnabled), "ready": .bool(state.waitsFor == nil),
                "waitsFor": .optional(state.waitsFor), "failurePolicy": .string(state.failurePolicy),
                "disabledNamespaces": .strings(state.disabledNamespaces),
                "excludedNamespaces": .strings(state.excludedNamespaces), "dropped": .count(state.dropped),
            ],
        ]
    }

    private static func policy(_ call: Call, _ parts: ConsoleParts) async throws -> Response {
        let control = try PoliciesPage.control(parts)
        let policy = try await PoliciesPage.detail(try call.parameter("name"), control)
        return Reply.json(.policy(policy, await control.bindings()))
    }
}

enum DecisionsAPI {
    private static let tag = "Decisions"
    private static let policy = Operation.Parameter(name: "policy", meaning: "A pod policy.", schema: Schemas.text)

    static let routes = [
        Route(
            .get, "/api/v1/decisions", .viewer,
            Operation(
                id: "listDecisions", summary: "What admission decided, the newest first", tag: tag,
                query: [
                    .init(name: "namespace", meaning: "A namespace.", schema: Schemas.text),
                    .init(name: "action", meaning: "An action; may be repeated.", schema: Schemas.action), policy,
                    .init(name: "user", meaning: "Who asked, exactly.", schema: Schemas.text),
                    .init(
                        name: "serviceAccount", meaning: "The pod's service account as NAMESPACE/NAME.",
                        schema: Schemas.text),
                    .init(name: "workload", meaning: "The workload's name, exactly.", schema: Schemas.text),
                    .init(name: "text", meaning: "Part of the record.", schema: Schemas.text),
                    .init(
                        name: "since", meaning: "A span that ends now.",
                        schema: Schemas.choice(DecisionsQuery.spans.map(\.value) + ["all"])),
                    .init(name: "from", meaning: "A time or a day: this and later.", schema: Schemas.text),
                    .init(name: "until", meaning: "A time (before it) or a day (with it).", schema: Schemas.text),
                    .init(name: "before", meaning: "The `next` of an earlier page.", schema: Schemas.text),
                    .init(name: "limit", meaning: "Items on a page, 1 to 200.", schema: Schemas.number),
                ], answer: "DecisionPage")
        ) { call, parts in
            let page = try await DecisionsQuery(call.query, now: call.now).page(parts.store.logs)
            return Reply.json([
                "items": .array(page.decisions.map { .decision($0) }), "next": .optional(page.next),
            ])
        },
        Route(
            .get, "/api/v1/decisions/rates", .viewer,
            Operation(
                id: "getDecisionRates", summary: "How many decisions there were, step by step", tag: tag,
                query: [
                    .init(
                        name: "since", meaning: "A span that ends now; the last hour without it.",
                        schema: Schemas.choice(DecisionsQuery.spans.map(\.value))), policy,
                ], answer: "Rates")
        ) { call, parts in
            let span = try DecisionsQuery.span(call.query["since"]) ?? 3600
            let rates = try await parts.store.admission.rates(
                from: call.now - span + 60, until: call.now + 60, policy: call.query["policy"])
            return Reply.json([
                "stepSeconds": .int(rates.step), "total": .rate(rates.total),
                "steps": .array(rates.steps.map { ["start": .time($0.start), "counts": .rate($0.counts)] }),
                "byPolicy": .object(
                    rates.byPolicy.sorted { $0.key < $1.key }.map { .init(name: $0.key, value: .rate($0.value)) }),
            ])
        },
    ]
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Hummingbird
import Store

enum ExemptionsAPI {
    static let routes = [
        Route(
            .get, "/api/v1/exemptions", .viewer,
            Operation(
                id: "listExemptions", summary: "All exemptions, expired ones too", tag: "Exemptions",
                answer: "ExemptionList")
        ) { call, parts in
            let ledger = parts.store.ledger
            let (exemptions, covered) = (try await ledger.allExemptions(), try await ledger.suppressedCounts())
            return Reply.json(
                .list(exemptions.map { .exemption($0, suppresses: covered[$0.id] ?? 0, now: call.now) }))
        },
        Route(
            .post, "/api/v1/exemptions", .administrator,
            Operation(
                id: "addExemption", summary: "Add an exemption", tag: "Exemptions", body: "ExemptionDraft",
                status: 201, answer: "Exemption")
        ) { call, parts in
            let added = try await parts.store.ledger.addExemption(
                try exemption(call, parts), by: try call.person.label)
            parts.log("Added an exemption", call, ["exemption": "\(added.id)"])
            return try await answer(added.id, call, parts, status: .created)
        },
        Route(
            .get, "/api/v1/exemptions/{id}", .viewer,
            Operation(id: "getExemption", summary: "One exemption", tag: "Exemptions", answer: "Exemption")
        ) { call, parts in try await answer(try call.parameter("id"), call, parts) },
        Route(
            .put, "/api/v1/exemptions/{id}", .administrator,
            Operation(
                id: "changeExemption", summary: "Replace an exemption", tag: "Exemptions", body: "ExemptionDraft",
                answer: "Exemption")
        ) { call, parts in
            var changed = try exemption(call, parts)
            changed.id = try call.parameter("id")
            try await parts.store.ledger.updateExemption(changed, by: try call.person.label)
            parts.log("Changed an exemption", call, ["exemption": "\(changed.id)"])
            return try await answer(changed.id, call, parts)
        },
        Route(
            .delete, "/api/v1/exemptions/{id}", .administrator,
            Operation(
                id: "removeExemption", summary: "Remove an exemption", tag: "Exemptions", status: 204)
        ) { call, parts in
            let id = try call.parameter("id")
            try await parts.store.ledger.removeExemption(id, by: try call.person.label)
            parts.log("Removed an exemption", call, ["exemption": "\(id)"])
            return Reply.empty
        },
    ]

    private static func answer(
        _ id: String, _ call: Call, _ parts: ConsoleParts, status: HTTPResponse.Status = .ok
    ) async throws -> Response {
        guard let exemption = try await parts.store.ledger.exemption(id) else {
            throw ConsoleError(.notFound, "There is no exemption \(id).")
        }
        let covered = try await parts.store.ledger.suppressedCounts()[id] ?? 0
        return Reply.json(.exemption(exemption, suppresses: covered, now: call.now), status: status)
    }

    private static func exemption(_ call: Call, _ parts: ConsoleParts) throws -> Exemption {
        let body = try JSONBody(
            call,
            allowed: ["owner", "reason", "expiry", "checks", "cluster", "namespace", "kind", "name", "container"])
        return try ExemptionsPage.checked(
            Exemption(
                owner: try body.requiredText("owner"), reason: try body.requiredText("reason"),
                expiry: try body.time("expiry"), checks: try body.texts("checks"), cluster: try body.text("cluster"),
                namespace: try body.text("namespace"), kind: try body.text("kind"), name: try body.text("name"),
                container: try body.text("container")), parts)
    }
}

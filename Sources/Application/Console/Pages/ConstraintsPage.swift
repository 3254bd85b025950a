// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Hummingbird
import Store

/// Gatekeeper's constraints and what violates them.
enum ConstraintsPage {
    static let routes = [
        Route(.get, "/constraints", .viewer) { call, parts in try await list(call, parts) },
        Route(.get, "/constraints/{kind}/{name}", .viewer) { call, parts in try await one(call, parts) },
    ]

    static func control(_ parts: ConsoleParts) throws -> any ConstraintControl {
        guard let control = parts.constraints else {
            throw ConsoleError(.unavailable, "Constraints are off: start the server with --admission --gatekeeper.")
        }
        return control
    }

    static func detail(_ call: Call, _ control: any ConstraintControl) async throws -> ConstraintDetail {
        let (kind, name) = (try call.parameter("kind"), try call.parameter("name"))
        guard let found = await control.constraints().first(where: { $0.kind == kind && $0.name == name }) else {
            throw ConsoleError(.notFound, "There is no constraint \(kind)/\(name).")
        }
        return found
    }

    private static func list(_ call: Call, _ parts: ConsoleParts) async throws -> Response {
        guard let control = parts.constraints else {
            return parts.pages.page("constraints-off", title: "Constraints", call, parts, [:])
        }
        let (state, constraints) = (await control.state(), await control.constraints())
        let templates = await control.templates()
        let counts = try await parts.store.ledger.counts(.open).byCheck
        let rows = constraints.map { ($0, counts[$0.check] ?? 0) }.sorted { left, right in
            (right.1, left.0.check) < (left.1, right.0.check)
        }
        return parts.pages.page(
            "constraints", title: "Constraints", call, parts,
            [
                "count": .text(Words.plural(constraints.count, "constraint")),
                "violations": .text(Words.plural(rows.reduce(0) { $0 + $1.1 }, "open violation")),
                "works": .flag(state.waitsFor == nil), "waits": .text(state.waitsFor ?? ""),
                "failure": .text(state.failurePolicy),
                "audited": Words.time(state.auditTime, now: call.now),
                "auditObjects": .text(Words.plural(state.auditObjects, "object")),
                "auditTook": .text("\(state.auditMilliseconds) ms"),
                "missing": .list(state.missing.map { ["line": .text($0)] }),
                "any": .flag(!rows.isEmpty),
                "constraints": .list(rows.map { row($0.0, $0.1) }),
                "anyTemplates": .flag(!templates.isEmpty),
                "templates": .list(
                    templates.map { template in
                        [
                            "template": .text(template.name), "kind": .text(template.kind),
                            "engine": .text(template.engine), "problem": .text(template.problem),
                            "used": .text(
                                Words.plural(constraints.count { $0.kind == template.kind }, "constraint")),
                        ]
                    }),
                "anyMutators": .flag(!state.mutators.isEmpty),
                "mutators": .list(state.mutators.map { ["mutator": .text($0)] }),
            ])
    }

    private static func row(_ constraint: ConstraintDetail, _ violations: Int) -> PageValue {
        [
            "name": .text(constraint.name), "kind": .text(constraint.kind), "link": .text(link(constraint)),
            "action": .text(constraint.action), "mark": .text(mark(constraint.action)),
            "problem": .text(constraint.problem), "violations": .text(Words.grouped(violations)),
            "violated": .flag(violations > 0),
        ]
    }

    private static func link(_ constraint: ConstraintDetail) -> String {
        "/constraints/\(Fields.encode(constraint.kind))/\(Fields.encode(constraint.name))"
    }

    /// The colours that pod policies' modes have.
    private static func mark(_ action: String) -> String {
        switch action {
        case "deny": "enforce"
        case "warn": "warn"
        default: "audit"
        }
    }

    private static func one(_ call: Call, _ parts: ConsoleParts) async throws -> Response {
        let control = try control(parts)
        let constraint = try await detail(call, control)
        let state = await control.state()
        var fields = Fields()
        fields.add("check", constraint.check)
        fields.add("sort", "subject")
        let (page, size) = try FindingsQuery.paging(call.query)
        var filter = FindingFilter.open
        filter.checks = [constraint.check]
        let found = try await parts.store.ledger.findings(
            filter, sort: .subject, limit: size, offset: (page - 1) * size)
        return parts.pages.page(
            "constraint", title: constraint.name, call, parts,
            [
                "name": .text(constraint.name), "kind": .text(constraint.kind), "action": .text(constraint.action),
                "mark": .text(mark(constraint.action)), "means": .text(meaning(constraint.action)),
                "problem": .text(constraint.problem), "match": .text(constraint.match),
                "parameters": .text(constraint.parameters),
                "audited": Words.time(state.auditTime, now: call.now),
                "total": .text(Words.plural(found.total, "open violation")), "any": .flag(found.total > 0),
                "findings": .list(found.findings.map { FindingsPage.row($0, parts, now: call.now) }),
                "pager": FindingsPage.pager(call, page: page, size: size, total: found.total),
                "all": .text("/findings?\(fields.encoded)"),
            ])
    }

    private static func meaning(_ action: String) -> String {
        switch action {
        case "deny": "What violates it is refused when it is created or changed; the audit shows what was there before."
        case "warn": "Everything is admitted; whoever asks is warned."
        case "dryrun": "Everything is admitted; only the audit and the decisions show what violates it."
        case "scoped": "What follows depends on who asks: admission or the audit."
        default: "It is not in force."
        }
    }
}

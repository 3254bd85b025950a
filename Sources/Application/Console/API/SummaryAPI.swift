// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Hummingbird
import Store

enum SummaryAPI {
    static let routes = [
        Route(
            .get, "/api/v1/summary", .viewer,
            Operation(id: "getSummary", summary: "Where things stand", tag: "Summary", answer: "Summary")
        ) { call, parts in
            let ledger = parts.store.ledger
            let trend = try await ledger.trend()
            let open = try await ledger.counts(.open)
            let all = try await ledger.counts()
            let worst = try await ledger.worstNamespaces()
            let statuses = Finding.Status.allCases.map { status in
                JSONValue.Member(name: status.rawValue, value: .count(all.byStatus[status] ?? 0))
            }
            return Reply.json([
                "scope": .string(parts.control.scope), "score": trend.last.map { .count($0.summary.score) } ?? .null,
                "lastReport": trend.last.map { .report($0) } ?? .null,
                "nextInspection": .time(await parts.control.schedule().next.first),
                "open": .count(open.total), "openBySeverity": .counts(open.bySeverity),
                "byStatus": .object(statuses), "trend": .array(trend.map { .report($0) }),
                "worstNamespaces": .array(worst.map { .risk($0) }),
            ])
        }
    ]
}

enum ChecksAPI {
    static let routes = [
        Route(
            .get, "/api/v1/checks", .viewer,
            Operation(
                id: "listChecks", summary: "The catalogue of checks", tag: "Checks",
                query: [
                    .init(name: "area", meaning: "An area.", schema: Schemas.text),
                    .init(name: "severity", meaning: "A severity.", schema: Schemas.severity),
                    .init(
                        name: "text", meaning: "Part of the title, the id or the slug, or an alias.",
                        schema: Schemas.text),
                ], answer: "CheckList")
        ) { call, parts in
            let checks = try ChecksPage.selected(call.query, parts)
            let open = try await parts.store.ledger.counts(.open).byCheck
            return Reply.json(.list(checks.map { .check($0, open: open[$0.id] ?? 0) }))
        },
        Route(
            .get, "/api/v1/checks/{id}", .viewer,
            Operation(
                id: "getCheck", summary: "One check, by its id, slug or alias", tag: "Checks", answer: "Check")
        ) { call, parts in
            guard let check = parts.checks.find(try call.parameter("id")) else {
                throw ConsoleError(.notFound, "There is no such check.")
            }
            let open = try await parts.store.ledger.counts(.open).byCheck[check.id] ?? 0
            return Reply.json(.check(check, open: open))
        },
    ]
}

enum InspectionsAPI {
    static let routes = [
        Route(
            .get, "/api/v1/inspections", .viewer,
            Operation(
                id: "getInspection", summary: "The inspection that runs, or the last one", tag: "Inspections",
                answer: "Inspection")
        ) { _, parts in Reply.json(.progress(await parts.control.progress())) },
        Route(
            .post, "/api/v1/inspections", .administrator,
            Operation(
                id: "startInspection", summary: "Begin a full inspection", tag: "Inspections", status: 202,
                answer: "Inspection")
        ) { call, parts in
            guard try await parts.control.start(by: try call.person.label) else {
                throw ConsoleError(.conflict, "An inspection is running already.")
            }
            parts.log("Began an inspection", call)
            return Reply.json(.progress(await parts.control.progress()), status: .accepted)
        },
        Route(
            .get, "/api/v1/schedule", .viewer,
            Operation(
                id: "getSchedule", summary: "When inspections begin by themselves", tag: "Inspections",
                answer: "Schedule")
        ) { _, parts in Reply.json(schedule(await parts.control.schedule())) },
        Route(
            .put, "/api/v1/schedule", .administrator,
            Operation(
                id: "setSchedule", summary: "Set the schedule: cron text of five fields in UTC, or empty for none",
                tag: "Inspections", body: "ScheduleDraft", answer: "Schedule")
        ) { call, parts in
            let body = try JSONBody(call, allowed: ["schedule"])
            guard body.has("schedule") else { throw ConsoleError(.invalid, "schedule is missing.") }
            let text = try body.text("schedule")
            do { _ = try parts.control.preview(schedule: text, now: call.now) } catch {
                throw ConsoleError(.invalid, (error as? ConsoleError)?.message ?? "\(error)", cause: error)
            }
            try await parts.control.setSchedule(text, by: try call.person.label)
            parts.log("Changed the schedule", call, ["schedule": "\(text)"])
            return Reply.json(schedule(await parts.control.schedule()))
        },
    ]

    private static func schedule(_ schedule: InspectionSchedule) -> JSONValue {
        ["schedule": .string(schedule.text), "next": .array(schedule.next.map { .time($0) })]
    }
}

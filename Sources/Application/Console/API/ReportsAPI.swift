// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Hummingbird
import Store

enum ReportsAPI {
    static let routes = [
        Route(
            .get, "/api/v1/reports", .viewer,
            Operation(
                id: "listReports", summary: "Reports of full inspections, newest first", tag: "Reports",
                query: APIParameters.paging, answer: "ReportPage")
        ) { call, parts in
            let (page, size) = try FindingsQuery.paging(call.query)
            let reports = try await parts.store.ledger.reports(limit: size, offset: (page - 1) * size)
            let total = try await parts.store.ledger.reportCount()
            return Reply.json(.page(reports.map { .report($0) }, total: total, page: page, limit: size))
        },
        Route(
            .get, "/api/v1/reports/compare", .viewer,
            Operation(
                id: "compareReports", summary: "What got better and what worse between two complete reports",
                tag: "Reports",
                query: [
                    .init(name: "before", meaning: "A report.", schema: Schemas.number, isRequired: true),
                    .init(name: "after", meaning: "Another report.", schema: Schemas.number, isRequired: true),
                ] + APIParameters.paging, answer: "Comparison")
        ) { call, parts in
            let (before, after) = try ReportsPage.pair(call.query)
            let (page, size) = try FindingsQuery.paging(call.query)
            let comparison = try await parts.store.ledger.compare(
                before, after, limit: size, offset: (page - 1) * size)
            return Reply.json([
                "before": .report(comparison.before), "after": .report(comparison.after),
                "scoreDifference": .count(comparison.after.summary.score - comparison.before.summary.score),
                "betterCount": .count(comparison.betterCount), "worseCount": .count(comparison.worseCount),
                "unchanged": .count(comparison.unchanged), "better": .array(comparison.better.map(change)),
                "worse": .array(comparison.worse.map(change)),
            ])
        },
        Route(
            .get, "/api/v1/reports/{id}", .viewer,
            Operation(id: "getReport", summary: "One report", tag: "Reports", answer: "Report")
        ) { call, parts in
            guard let report = try await parts.store.ledger.report(try call.number("id")) else {
                throw ConsoleError(.notFound, "There is no such report.")
            }
            return Reply.json(.report(report))
        },
        Route(
            .get, "/api/v1/reports/{id}/problems", .viewer,
            Operation(
                id: "listReportProblems", summary: "The problems that a complete report showed, worst first",
                tag: "Reports", query: APIParameters.paging, answer: "ReportedProblemPage")
        ) { call, parts in
            let (page, size) = try FindingsQuery.paging(call.query)
            let id = try call.number("id")
            let problems = try await parts.store.ledger.problems(in: id, limit: size, offset: (page - 1) * size)
            let summary = try await parts.store.ledger.report(id)?.summary ?? Summary()
            let total = Outcome.allCases.filter(\.isProblem).reduce(0) { $0 + summary.count($1) }
            return Reply.json(.page(problems.map { .problem($0) }, total: total, page: page, limit: size))
        },
    ]

    private static func change(_ change: Comparison.Change) -> JSONValue {
        ["change": .string(change.kind.rawValue), "problem": .problem(change.problem)]
    }
}

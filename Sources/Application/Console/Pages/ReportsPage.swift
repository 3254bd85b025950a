// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Hummingbird
import Store

/// Reports of full inspections, one of them, and what changed between two.
enum ReportsPage {
    private static let shown = 200

    static let routes = [
        Route(.get, "/reports", .viewer) { call, parts in try await list(call, parts) },
        Route(.get, "/reports/compare", .viewer) { call, parts in try await compare(call, parts) },
        Route(.get, "/reports/{id}", .viewer) { call, parts in try await show(call, parts) },
    ]

    private static func list(_ call: Call, _ parts: ConsoleParts) async throws -> Response {
        let (number, size) = try FindingsQuery.paging(call.query)
        let ledger = parts.store.ledger
        let reports = try await ledger.reports(limit: size, offset: (number - 1) * size)
        let total = try await ledger.reportCount()
        let complete = reports.filter { $0.state == .complete }
        return parts.pages.page(
            "reports", title: "Reports", call, parts,
            [
                "reports": .list(
                    reports.map { report in
                        var row = summary(report, now: call.now)
                        row["after"] = .flag(report.id == complete.first?.id)
                        row["before"] = .flag(complete.count > 1 && report.id == complete[1].id)
                        return .map(row)
                    }),
                "any": .flag(!reports.isEmpty), "comparable": .flag(complete.count > 1),
                "total": .text(Words.plural(total, "report")),
                "pager": FindingsPage.pager(call, page: number, size: size, total: total),
            ])
    }

    static func summary(_ report: Report, now: Int64) -> [String: PageValue] {
        let summary = report.summary
        var problems: [Severity: Int] = [:]
        for severity in Severity.allCases {
            problems[severity] = summary.count(.fail, severity) + summary.count(.warn, severity)
        }
        let isWhole = report.state == .complete
        return [
            "id": .number(report.id), "cluster": .text(report.cluster),
            "time": Words.time(report.finished ?? report.started, now: now),
            "started": Words.time(report.started, now: now),
            "took": report.finished.map { .text(Words.duration($0 - report.started)) } ?? .none,
            "trigger": .text(Words.trigger(report.trigger)), "state": .text(Words.state(report.state)),
            "whole": .flag(isWhole), "message": .text(report.message),
            "score": isWhole ? .number(summary.score) : .none,
            "objects": .text(Words.grouped(summary.objects)), "subjects": .text(Words.grouped(summary.subjects)),
            "passes": .text(Words.grouped(summary.count(.pass))),
            "problems": .text(Words.grouped(summary.count(.fail) + summary.count(.warn))),
            "errors": .text(Words.grouped(summary.count(.error))),
            "skips": .text(Words.grouped(summary.count(.skip))),
            "counts": WorkloadPage.counts(problems),
        ]
    }

    private static func show(_ call: Call, _ parts: ConsoleParts) async throws -> Response {
        let id = try call.number("id")
        let ledger = parts.store.ledger
        guard let report = try await ledger.report(id) else {
            throw ConsoleError(.notFound, "There is no report \(id).")
        }
        var model = summary(report, now: call.now)
        if report.state == .complete {
            let (number, size) = try FindingsQuery.paging(call.query)
            let problems = try await ledger.problems(in: id, limit: size, offset: (number - 1) * size)
            let earlier = try await ledger.reports(cluster: report.cluster, states: [.complete], limit: 1000)
                .first { $0.id < id }
            let count = Outcome.allCases.filter(\.isProblem).reduce(0) { $0 + report.summary.count($1) }
            model["ring"] = .markup(ScoreRing.draw(report.summary.score))
            model["earlier"] = earlier.map { .text(String($0.id)) } ?? PageValue.none
            model["list"] = .list(problems.map { row($0, parts) })
            model["any"] = .flag(!problems.isEmpty)
            model["pager"] = FindingsPage.pager(call, page: number, size: size, total: count)
        }
        return parts.pages.page("report", title: "Report \(id)", call, parts, model)
    }

    private static func row(_ problem: ReportedProblem, _ parts: ConsoleParts) -> PageValue {
        [
            "severity": Words.severity(problem.severity), "check": .text(problem.checkID),
            "title": .text(parts.checks[problem.checkID]?.title ?? problem.checkID),
            "kind": .text(problem.subject.kind), "namespace": .text(problem.subject.namespace),
            "name": .text(problem.subject.name), "container": .text(problem.container),
            "status": .text(Words.status(problem.status)),
            "link": .text("/workload?\(problem.subject.query)#\(problem.fingerprint)"),
        ]
    }

    /// The two reports that a query names.
    static func pair(_ query: Fields) throws -> (Int64, Int64) {
        guard let before = query["before"].flatMap({ Int64($0) }), let after = query["after"].flatMap({ Int64($0) })
        else { throw ConsoleError(.invalid, "Name the two reports as before=NUMBER and after=NUMBER.") }
        guard before != after else { throw ConsoleError(.invalid, "Choose two different reports.") }
        return (before, after)
    }

    private static func compare(_ call: Call, _ parts: ConsoleParts) async throws -> Response {
        let (before, after) = try pair(call.query)
        let comparison = try await parts.store.ledger.compare(before, after, limit: shown)
        let difference = comparison.after.summary.score - comparison.before.summary.score
        return parts.pages.page(
            "compare", title: "Reports \(comparison.before.id) and \(comparison.after.id)", call, parts,
            [
                "before": .map(summary(comparison.before, now: call.now)),
                "after": .map(summary(comparison.after, now: call.now)),
                "difference": .text(difference > 0 ? "+\(difference)" : String(difference)),
                "up": .flag(difference > 0), "down": .flag(difference < 0),
                "betterCount": .text(Words.grouped(comparison.betterCount)),
                "worseCount": .text(Words.grouped(comparison.worseCount)),
                "unchanged": .text(Words.grouped(comparison.unchanged)),
                "anyBetter": .flag(comparison.betterCount > 0), "anyWorse": .flag(comparison.worseCount > 0),
                "moreBetter": rest(comparison.betterCount, comparison.better.count),
                "moreWorse": rest(comparison.worseCount, comparison.worse.count),
                "better": .list(comparison.better.map { change($0, parts) }),
                "worse": .list(comparison.worse.map { change($0, parts) }),
            ])
    }

    private static func rest(_ all: Int, _ shown: Int) -> PageValue {
        all > shown ? .text(Words.grouped(all - shown)) : .none
    }

    private static func change(_ change: Comparison.Change, _ parts: ConsoleParts) -> PageValue {
        guard case .map(var members) = row(change.problem, parts) else { return .none }
        let word =
            switch change.kind {
            case .fixed: "fixed"
            case .suppressed: "exempted"
            case .eased: "less severe"
            case .appeared: "new"
            case .worsened: "more severe"
            }
        members["change"] = .text(word)
        members["better"] = .flag(change.kind.isBetter)
        return .map(members)
    }
}

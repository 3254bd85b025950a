// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Hummingbird
import Store

/// Where things stand: score, findings by severity, how that changed, where it is worst, and the next run.
enum OverviewPage {
    private static let trendLength = 30

    static let routes = [
        Route(.get, "/", .viewer) { call, parts in try await overview(call, parts) },
        Route(.post, "/inspections", .administrator) { call, parts in
            let began = try await parts.control.start(by: try call.person.label)
            if began { parts.log("Began an inspection", call) }
            return Reply.redirect("/?done=\(began ? "inspecting" : "busy")")
        },
    ]

    private static func overview(_ call: Call, _ parts: ConsoleParts) async throws -> Response {
        let ledger = parts.store.ledger
        let runs = try await ledger.trend(limit: trendLength)
        let open = try await ledger.counts(.open)
        let all = try await ledger.counts()
        let worst = try await ledger.worstNamespaces(limit: 8)
        let progress = await parts.control.progress()
        let schedule = await parts.control.schedule()
        let last = runs.last
        let admission = try await admission(call, parts)
        return parts.pages.page(
            "overview", title: "Overview", call, parts,
            [
                "any": .flag(last != nil), "admission": admission, "imageTile": try await images(call, parts),
                "ring": last.map { .markup(ScoreRing.draw($0.summary.score)) } ?? .none,
                "change": change(runs), "objects": .text(Words.grouped(last?.summary.objects ?? 0)),
                "subjects": .text(Words.grouped(last?.summary.subjects ?? 0)),
                "passes": .text(Words.grouped(last?.summary.count(.pass) ?? 0)),
                "open": .text(Words.grouped(open.total)),
                "fresh": .text(Words.grouped(open.byStatus[.new] ?? 0)),
                "claimed": .text(Words.grouped(open.byStatus[.inProgress] ?? 0)),
                "suppressed": .text(Words.grouped(all.byStatus[.suppressed] ?? 0)),
                "resolved": .text(Words.grouped(all.byStatus[.resolved] ?? 0)),
                "errors": (open.byOutcome[.error] ?? 0) > 0
                    ? .text(Words.plural(open.byOutcome[.error] ?? 0, "question")) : .none,
                "severities": severities(open),
                "trend": runs.isEmpty ? .none : .markup(TrendChart.draw(runs.map(run))),
                "worst": worstRows(worst),
                "worstChecks": checkRows(open, parts),
                "last": last.map { lastRun($0, now: call.now) } ?? .none,
                "next": schedule.next.first.map { Words.time($0, now: call.now) } ?? .none,
                "running": .flag(progress.phase.isRunning), "progress": words(progress),
                "failed": progress.phase == .failed ? .text(progress.message) : .none,
            ])
    }

    /// How admission went in the last hour, when it is on.
    private static func admission(_ call: Call, _ parts: ConsoleParts) async throws -> PageValue {
        guard let policies = parts.policies else { return .none }
        let state = await policies.state()
        guard state.isInstalled else { return .none }
        let rates = try await parts.store.admission.rates(from: call.now - 3540, until: call.now + 60)
        var filter = FindingFilter.open
        filter.checks = Set(AdmissionChecks.all.map(\.id))
        let open = try await parts.store.ledger.counts(filter).total
        return [
            "works": .flag(state.isEnabled && state.waitsFor == nil), "switchedOff": .flag(!state.isEnabled),
            "waits": .text(state.waitsFor ?? ""), "rates": DecisionsPage.rates(rates, span: 3600),
            "findings": open > 0 ? .text(Words.plural(open, "finding")) : .none,
        ]
    }

    /// What the images that run have, when they are scanned.
    private static func images(_ call: Call, _ parts: ConsoleParts) async throws -> PageValue {
        guard let control = parts.images else { return .none }
        let (state, trend) = (await control.state(), try await control.trend(days: 1))
        return [
            "running": .text(Words.plural(state.images, "image")), "scanned": .text(Words.grouped(state.scanned)),
            "now": trend.last.map(ImagesPage.figures) ?? .none,
            "waiting": state.waiting + state.running.count > 0
                ? .text(Words.grouped(state.waiting + state.running.count)) : .none,
            "failed": state.failures.isEmpty ? .none : .text(Words.plural(state.failures.count, "image")),
            "advisories": ImagesPage.advisories(state, now: call.now),
        ]
    }

    /// What the bar and its words show; the same that the API tells the page's script.
    static func words(_ progress: InspectionProgress) -> PageValue {
        [
            "words": .text(text(progress)), "done": .number(progress.done),
            "total": progress.total > 0 ? .number(progress.total) : .none,
        ]
    }

    static func text(_ progress: InspectionProgress) -> String {
        switch progress.phase {
        case .idle: "No inspection has run since the start."
        case .reading:
            progress.total > 0
                ? "Reading: \(Words.grouped(progress.done)) of \(Words.grouped(progress.total)) objects"
                : "Reading objects: \(Words.grouped(progress.done)) so far"
        case .judging: "Judging: \(Words.grouped(progress.done)) of \(Words.grouped(progress.total)) objects"
        case .storing: "Storing the results"
        case .finished: "The inspection is done: \(Words.plural(progress.done, "object"))."
        case .failed: "The inspection failed: \(progress.message)"
        }
    }

    private static func run(_ report: Report) -> TrendChart.Run {
        TrendChart.Run(
            id: report.id, time: report.finished ?? report.started, score: report.summary.score,
            counts: Severity.allCases.reversed().map { severity in
                (severity, report.summary.count(.fail, severity) + report.summary.count(.warn, severity))
            })
    }

    /// How the score moved since the run before.
    private static func change(_ runs: [Report]) -> PageValue {
        guard runs.count > 1 else { return .none }
        let difference = runs[runs.count - 1].summary.score - runs[runs.count - 2].summary.score
        return [
            "text": .text(
                difference == 0
                    ? "as in the run before" : "\(Words.plural(abs(difference), "point")) since the run before"),
            "up": .flag(difference > 0), "down": .flag(difference < 0),
        ]
    }

    private static func severities(_ open: FindingCounts) -> PageValue {
        let most = open.bySeverity.values.max() ?? 0
        return .list(
            Severity.allCases.reversed().filter { $0 != .unknown || (open.bySeverity[$0] ?? 0) > 0 }.map { severity in
                let count = open.bySeverity[severity] ?? 0
                return [
                    "severity": Words.severity(severity), "count": .text(Words.grouped(count)),
                    "bar": .markup(ShareBar.draw([(severity, count)], of: max(most, 1))),
                ]
            })
    }

    private static func worstRows(_ risks: [NamespaceRisk]) -> PageValue {
        let most = risks.map(\.total).max() ?? 0
        return .list(
            risks.map { risk in
                let parts = Severity.allCases.reversed().map { ($0, risk.bySeverity[$0] ?? 0) }
                var fields = Fields()
                fields.add("namespace", risk.namespace.isEmpty ? FindingsQuery.noNamespace : risk.namespace)
                if !risk.cluster.isEmpty { fields.add("cluster", risk.cluster) }
                return [
                    "name": .text(risk.namespace.isEmpty ? "(cluster-wide)" : risk.namespace),
                    "link": .text("/findings?\(fields.encoded)"),
                    "total": .text(Words.grouped(risk.total)), "bar": .markup(ShareBar.draw(parts, of: most)),
                ]
            })
    }

    /// The checks with the most open findings, weighed by their severity.
    private static func checkRows(_ open: FindingCounts, _ parts: ConsoleParts) -> PageValue {
        let rows = open.byCheck.compactMap { id, count in parts.checks[id].map { (check: $0, count: count) } }
            .sorted {
                let (left, right) = ($0.count << $0.check.severity.rawValue, $1.count << $1.check.severity.rawValue)
                return (right, $0.check.id) < (left, $1.check.id)
            }
        return .list(
            rows.prefix(6).map { row in
                [
                    "check": .text(row.check.id), "title": .text(row.check.title),
                    "severity": Words.severity(row.check.severity), "count": .text(Words.grouped(row.count)),
                ]
            })
    }

    private static func lastRun(_ report: Report, now: Int64) -> PageValue {
        [
            "id": .number(report.id), "time": Words.time(report.finished ?? report.started, now: now),
            "trigger": .text(Words.trigger(report.trigger)),
            "took": .text(Words.duration((report.finished ?? report.started) - report.started)),
        ]
    }
}

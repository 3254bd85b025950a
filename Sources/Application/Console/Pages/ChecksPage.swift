// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Hummingbird
import Store

/// The catalogue of checks, and everything about one of them.
enum ChecksPage {
    static let routes = [
        Route(.get, "/checks", .viewer) { call, parts in try await list(call, parts) },
        Route(.get, "/checks/{id}", .viewer) { call, parts in try await show(call, parts) },
    ]

    /// The checks that a query asks for: `area`, `severity`, `text`.
    static func selected(_ query: Fields, _ parts: ConsoleParts) throws -> [Check] {
        var severity: Severity?
        if let name = query["severity"] {
            guard let known = Severity(name: name) else {
                throw ConsoleError(.invalid, "There is no severity \(name).")
            }
            severity = known
        }
        let words = query["text"]?.lowercased()
        return parts.checks.all.filter { check in
            (query["area"].map { $0 == check.area } ?? true) && (severity.map { $0 == check.severity } ?? true)
                && (words.map { words in
                    check.title.lowercased().contains(words) || check.slug.contains(words) || check.answers(to: words)
                        || check.id.lowercased().contains(words)
                } ?? true)
        }
    }

    private static func list(_ call: Call, _ parts: ConsoleParts) async throws -> Response {
        let checks = try selected(call.query, parts)
        let open = try await parts.store.ledger.counts(.open)
        let areas = Set(parts.checks.all.map(\.area)).sorted()
        return parts.pages.page(
            "checks", title: "Checks", call, parts,
            [
                "total": .text(Words.plural(checks.count, "check")), "any": .flag(!checks.isEmpty),
                "areas": Words.options(areas.map { ($0, $0) }, chosen: call.query["area"]),
                "severities": Words.options(
                    Severity.allCases.dropFirst().reversed().map { ($0.description, $0.description) },
                    chosen: call.query["severity"].flatMap { Severity(name: $0)?.description }),
                "text": .text(call.query["text"] ?? ""),
                "groups": .list(
                    areas.compactMap { area in
                        let inArea = checks.filter { $0.area == area }
                            .sorted { ($1.severity.rawValue, $0.id) < ($0.severity.rawValue, $1.id) }
                        guard !inArea.isEmpty else { return nil }
                        return [
                            "area": .text(area),
                            "checks": .list(inArea.map { row($0, open: open.byCheck[$0.id] ?? 0) }),
                        ]
                    }),
            ])
    }

    private static func row(_ check: Check, open: Int) -> PageValue {
        [
            "id": .text(check.id), "title": .text(check.title), "severity": Words.severity(check.severity),
            "fixable": .flag(check.fixable), "open": open > 0 ? .text(Words.grouped(open)) : .none,
        ]
    }

    private static func show(_ call: Call, _ parts: ConsoleParts) async throws -> Response {
        let name = try call.parameter("id")
        guard let check = parts.checks.find(name) else {
            throw ConsoleError(.notFound, "There is no check \(name).")
        }
        if name != check.id { return Reply.redirect("/checks/\(Fields.encode(check.id))") }
        var filter = FindingFilter()
        filter.checks = [check.id]
        let counts = try await parts.store.ledger.counts(filter)
        filter.statuses = FindingFilter.open.statuses
        let some = try await parts.store.ledger.findings(filter, sort: .newest, limit: 10)
        return parts.pages.page(
            "check", title: check.title, call, parts,
            [
                "id": .text(check.id), "slug": .text(check.slug), "area": .text(check.area),
                "severity": Words.severity(check.severity), "why": Words.prose(check.why),
                "remedy": Words.prose(check.remediation), "fixable": .flag(check.fixable),
                "sensitive": .flag(check.sensitive),
                "aliases": .list(
                    check.aliases.map { ["tool": .text($0.tool), "ids": .text($0.ids.joined(separator: ", "))] }),
                "controls": .list(
                    check.controls.map {
                        ["benchmark": .text($0.benchmark), "ids": .text($0.ids.joined(separator: ", "))]
                    }),
                "references": .list(check.references.filter { $0.hasPrefix("https://") }.map { .text($0) }),
                "open": .text(Words.plural(some.total, "open finding")), "any": .flag(some.total > 0),
                "more": .flag(some.total > some.findings.count),
                "suppressed": .text(Words.grouped(counts.byStatus[.suppressed] ?? 0)),
                "resolved": .text(Words.grouped(counts.byStatus[.resolved] ?? 0)),
                "findings": .list(some.findings.map { FindingsPage.row($0, parts, now: call.now) }),
            ])
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Hummingbird
import Store

/// The list of findings with its filters, all of which stand in the address.
enum FindingsPage {
    static let routes = [
        Route(.get, "/findings", .viewer) { call, parts in try await list(call, parts) },
        Route(.post, "/findings/{fingerprint}/status", .administrator) { call, parts in
            let fingerprint = try fingerprint(call)
            guard let status = Finding.Status(rawValue: call.form["status"] ?? "") else {
                throw ConsoleError(.invalid, "A finding is set to new or inProgress.")
            }
            let finding = try await parts.store.ledger.setStatus(
                fingerprint, status, by: try call.person.label)
            return Reply.redirect("/workload?\(finding.subject.query)&done=status#\(fingerprint)")
        },
    ]

    static func fingerprint(_ call: Call) throws -> Fingerprint {
        guard let fingerprint = Fingerprint(try call.parameter("fingerprint")) else {
            throw ConsoleError(.notFound, "There is no such finding.")
        }
        return fingerprint
    }

    private static func list(_ call: Call, _ parts: ConsoleParts) async throws -> Response {
        let query = try FindingsQuery(call.query)
        let ledger = parts.store.ledger
        let page = try await ledger.findings(
            query.filter, sort: query.sort, limit: query.pageSize, offset: (query.page - 1) * query.pageSize)
        let all = try await ledger.counts()
        return parts.pages.page(
            "findings", title: "Findings", call, parts,
            [
                "findings": .list(page.findings.map { row($0, parts, now: call.now) }),
                "total": .text(Words.plural(page.total, "finding")),
                "any": .flag(!page.findings.isEmpty),
                "never": .flag(all.total == 0),
                "filters": filters(call.query, all, parts),
                "filtered": .flag(call.query.pairs.contains { !["page", "limit", "done"].contains($0.name) }),
                "pager": pager(call, page: query.page, size: query.pageSize, total: page.total),
            ])
    }

    static func row(_ finding: Finding, _ parts: ConsoleParts, now: Int64) -> PageValue {
        [
            "severity": Words.severity(finding.severity), "check": .text(finding.checkID),
            "title": .text(parts.checks[finding.checkID]?.title ?? finding.checkID),
            "kind": .text(finding.subject.kind), "namespace": .text(finding.subject.namespace),
            "name": .text(finding.subject.name), "container": .text(finding.container),
            "message": .text(finding.message), "status": .text(Words.status(finding.status)),
            "error": .flag(finding.outcome == .error), "warn": .flag(finding.outcome == .warn),
            "fresh": .flag(finding.status == .new && now - finding.firstSeen < 86_400),
            "first": Words.time(finding.firstSeen, now: now), "last": Words.time(finding.lastSeen, now: now),
            "link": .text("/workload?\(finding.subject.query)#\(finding.fingerprint)"),
        ]
    }

    private static func filters(_ query: Fields, _ all: FindingCounts, _ parts: ConsoleParts) -> PageValue {
        let severities = Severity.allCases.reversed().map { severity in
            (severity.description, "\(severity.description) (\(all.bySeverity[severity] ?? 0))")
        }
        let namespaces = all.byNamespace.keys.sorted().map { name in
            (name.isEmpty ? FindingsQuery.noNamespace : name, name.isEmpty ? "(cluster-wide)" : name)
        }
        let checks = all.byCheck.keys.sorted().map { id in (id, "\(id) \(parts.checks[id]?.title ?? "")") }
        // A check is also found by its slug; the drop-down must then show it.
        let check = query["check"].map { parts.checks.find($0)?.id ?? $0 }
        let states = [
            ("open", "open"), ("new", "new"), ("inProgress", "in progress"), ("suppressed", "suppressed"),
            ("resolved", "resolved"), ("all", "all"),
        ]
        return [
            "namespaces": options(namespaces, query["namespace"]),
            "kinds": options(all.byKind.keys.sorted().map { ($0, $0) }, query["kind"]),
            "severities": options(severities, query["severity"]), "checks": options(checks, check),
            "states": Words.options(states, chosen: query["state"] ?? "open"),
            "sorts": Words.options(
                [("severity", "severity"), ("newest", "newest"), ("oldest", "oldest"), ("subject", "workload")],
                chosen: query["sort"] ?? "severity"),
            "text": .text(query["text"] ?? ""),
        ]
    }

    /// A choice that is not in the list any more is shown as what it is, not as "all".
    private static func options(_ choices: [(String, String)], _ chosen: String?) -> PageValue {
        var choices = choices
        if let chosen, !choices.contains(where: { $0.0 == chosen }) { choices.append((chosen, chosen)) }
        return Words.options(choices.map { (value: $0.0, title: $0.1) }, chosen: chosen)
    }

    /// Links to the pages before and after, keeping the filters.
    static func pager(_ call: Call, page: Int, size: Int, total: Int) -> PageValue {
        let pages = max(1, (total + size - 1) / size)
        func link(_ number: Int) -> PageValue {
            guard (1...pages).contains(number), number != page else { return .none }
            var fields = Fields()
            for pair in call.query.pairs where pair.name != "page" && pair.name != "done" {
                fields.add(pair.name, pair.value)
            }
            if number > 1 { fields.add("page", String(number)) }
            let path = call.target.prefix { $0 != "?" }
            return .text(fields.pairs.isEmpty ? String(path) : "\(path)?\(fields.encoded)")
        }
        return [
            "many": .flag(pages > 1), "here": .text("Page \(Words.grouped(page)) of \(Words.grouped(pages))"),
            "before": link(page - 1), "after": link(page + 1),
        ]
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Hummingbird
import Reporting
import Store

/// Approved exceptions: who answers for them, why, and until when.
enum ExemptionsPage {
    static let routes = [
        Route(.get, "/exemptions", .viewer) { call, parts in try await list(call, parts) },
        Route(.post, "/exemptions", .administrator) { call, parts in
            let added: Exemption
            do {
                added = try await parts.store.ledger.addExemption(
                    try exemption(call.form, parts, now: call.now), by: try call.person.label)
            } catch {
                let problem = Frame.problem(error)
                guard problem.code == .invalid else { throw error }
                return try await list(call, parts, problem: problem)
            }
            parts.log("Added an exemption", call, ["exemption": "\(added.id)"])
            // Back to where the form stood, when it says so.
            if let back = call.form["back"], back.hasPrefix("/workload?") {
                return Reply.redirect("\(LoginPage.safePath(back))&done=exempted")
            }
            return Reply.redirect("/exemptions?done=exempted")
        },
        Route(.post, "/exemptions/{id}/remove", .administrator) { call, parts in
            let id = try call.parameter("id")
            try await parts.store.ledger.removeExemption(id, by: try call.person.label)
            parts.log("Removed an exemption", call, ["exemption": "\(id)"])
            return Reply.redirect("/exemptions?done=unexempted")
        },
    ]

    private static func exemption(_ form: Fields, _ parts: ConsoleParts, now: Int64) throws -> Exemption {
        guard let text = form["expiry"], let expiry = endOfDay(text) else {
            throw ConsoleError(.invalid, "Say until which day it is good, as 2026-12-31.")
        }
        let checks = form.all("checks").flatMap { $0.split { $0 == "," || $0.isWhitespace }.map(String.init) }
        return try checked(
            Exemption(
                owner: form["owner"] ?? "", reason: form["reason"] ?? "", expiry: expiry, checks: checks,
                cluster: form["cluster"] ?? "", namespace: form["namespace"] ?? "", kind: form["kind"] ?? "",
                name: form["name"] ?? "", container: form["container"] ?? ""), parts)
    }

    /// Refuses what the store would accept but nobody can mean: a check that does not exist, or everything at once.
    static func checked(_ exemption: Exemption, _ parts: ConsoleParts) throws -> Exemption {
        for name in exemption.checks where parts.checks.find(name) == nil {
            throw ConsoleError(.invalid, "There is no check \(name).")
        }
        let selectors = [exemption.cluster, exemption.namespace, exemption.kind, exemption.name, exemption.container]
        guard !exemption.checks.isEmpty || selectors.contains(where: { !$0.isEmpty && $0 != "*" }) else {
            throw ConsoleError(
                .invalid, "Name at least a check, a namespace or a workload: this would exempt everything.")
        }
        return exemption
    }

    private static func list(_ call: Call, _ parts: ConsoleParts, problem: ConsoleError? = nil) async throws
        -> Response
    {
        let ledger = parts.store.ledger
        let (exemptions, covered) = (try await ledger.allExemptions(), try await ledger.suppressedCounts())
        let form = call.form
        return parts.pages.page(
            "exemptions", title: "Exemptions", call, parts,
            status: problem.map { Reply.status($0.code) } ?? .ok,
            [
                "problem": .text(problem?.message ?? ""), "any": .flag(!exemptions.isEmpty),
                "exemptions": .list(exemptions.map { row($0, covered[$0.id] ?? 0, now: call.now) }),
                "owner": .text(form["owner"] ?? call.identity?.account.name ?? ""),
                "reason": .text(form["reason"] ?? ""), "checks": .text(form["checks"] ?? ""),
                "namespace": .text(form["namespace"] ?? ""), "kind": .text(form["kind"] ?? ""),
                "name": .text(form["name"] ?? ""), "container": .text(form["container"] ?? ""),
                "cluster": .text(form["cluster"] ?? ""),
                "expiry": .text(form["expiry"] ?? standardExpiry(now: call.now)), "today": .text(date(call.now)),
                "catalogue": .list(parts.checks.all.map { ["id": .text($0.id), "title": .text($0.title)] }),
            ])
    }

    private static func row(_ exemption: Exemption, _ covered: Int, now: Int64) -> PageValue {
        let isExpired = exemption.expiry.map { $0 <= now } ?? false
        let scope = [
            ("cluster", exemption.cluster), ("namespace", exemption.namespace), ("kind", exemption.kind),
            ("name", exemption.name), ("container", exemption.container),
        ].filter { !$0.1.isEmpty }
        return [
            "id": .text(exemption.id), "owner": .text(exemption.owner), "reason": .text(exemption.reason),
            "checks": .list(exemption.checks.map { .text($0) }), "everyCheck": .flag(exemption.checks.isEmpty),
            "scope": .list(scope.map { ["field": .text($0.0), "value": .text($0.1)] }),
            "everywhere": .flag(scope.isEmpty), "expired": .flag(isExpired),
            "expires": Words.time(exemption.expiry, now: now), "covered": .text(Words.grouped(covered)),
        ]
    }

    /// In three months.
    static func standardExpiry(now: Int64) -> String { date(now + 90 * 86_400) }

    static func date(_ seconds: Int64) -> String { String(Timestamp.iso8601(seconds).prefix(10)) }

    /// The last second of a day given as `2026-12-31`, in UTC.
    static func endOfDay(_ text: String) -> Int64? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].count == 4, parts[1].count == 2, parts[2].count == 2,
            let year = Int64(parts[0]), let month = Int64(parts[1]), let day = Int64(parts[2]),
            (1970...9999).contains(year), (1...12).contains(month), (1...31).contains(day)
        else { return nil }
        // Days since 1970 of a date in the Gregorian calendar, its year taken to begin in March.
        let (y, m) = month > 2 ? (year, month - 3) : (year - 1, month + 9)
        let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468
        let end = days * 86_400 + 86_399
        // 2026-02-31 is no day.
        return date(end) == text ? end : nil
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import Findings
import Store

/// The decisions that a query asks for: the same fields on the page and in the API.
struct DecisionsQuery: Sendable {
    var query = LogQuery()

    /// `since` is a span that ends now; `from` and `until` are times, which count before it.
    init(_ fields: Fields, now: Int64) throws {
        query.namespace = fields["namespace"]
        query.text = String((fields["text"] ?? "").prefix(200))
        query.events = Set(
            try fields.all("action").map { text in
                guard AdmissionDecision.Action(rawValue: text) != nil else {
                    let names = AdmissionDecision.Action.allCases.map(\.rawValue).joined(separator: ", ")
                    throw ConsoleError(.invalid, "action is one of \(names).")
                }
                return text
            })
        if let policy = fields["policy"] { query.fragments.append(AdmissionDecision.fragment("policy", policy)) }
        if let user = fields["user"] { query.fragments.append(AdmissionDecision.fragment("user", user)) }
        if let account = fields["serviceAccount"] {
            query.fragments.append(AdmissionDecision.fragment("serviceAccount", account))
        }
        if let workload = fields["workload"] {
            query.fragments.append(AdmissionDecision.fragment("workload", workload))
        }
        if let since = fields["since"], since != "all" {
            guard let span = Self.spans.first(where: { $0.value == since }) else {
                let names = Self.spans.map(\.value).joined(separator: ", ")
                throw ConsoleError(.invalid, "since is one of \(names), all.")
            }
            query.from = now - span.seconds
        }
        if let from = try Self.time(fields["from"], "from", isEnd: false) { query.from = from }
        if let until = try Self.time(fields["until"], "until", isEnd: true) { query.until = until }
        query.limit = try FindingsQuery.paging(fields).size
        if let text = fields["before"] {
            let parts = text.split(separator: ".")
            guard parts.count == 2, let time = Int64(parts[0]), let id = Int64(parts[1]) else {
                throw ConsoleError(.invalid, "before is what an earlier page gave as next.")
            }
            query.after = LogPage.Cursor(time: time, id: id)
        }
    }

    static let spans: [(value: String, title: String, seconds: Int64)] = [
        ("1h", "the last hour", 3600), ("24h", "the last 24 hours", 86_400), ("7d", "the last 7 days", 7 * 86_400),
    ]

    static func span(_ text: String?) throws -> Int64? {
        guard let text else { return nil }
        guard let span = spans.first(where: { $0.value == text }) else {
            throw ConsoleError(.invalid, "since is one of \(spans.map(\.value).joined(separator: ", ")).")
        }
        return span.seconds
    }

    /// `2026-12-31T12:00:00Z`, what a browser sends (`2026-12-31T12:00`), or a day.
    private static func time(_ text: String?, _ name: String, isEnd: Bool) throws -> Int64? {
        guard let text else { return nil }
        if text.utf8.count == 10, let end = ExemptionsPage.endOfDay(text) { return isEnd ? end + 1 : end - 86_399 }
        guard let time = JSONBody.time(text.utf8.count == 16 ? text + ":00Z" : text) else {
            throw ConsoleError(.invalid, "\(name) is a time as 2026-12-31T12:00:00Z, or a day as 2026-12-31.")
        }
        return time
    }

    func page(_ log: LogStore) async throws -> (decisions: [AdmissionDecision], next: String?) {
        let page = try await log.query(AdmissionLog.stream, query)
        return (page.records.map(Self.decision), page.next.map { "\($0.time).\($0.id)" })
    }

    /// A record that cannot be read is shown as what its columns say, never left out.
    private static func decision(_ record: LogRecord) -> AdmissionDecision {
        RecordReading.decision(json: record.raw)
            ?? AdmissionDecision(
                uid: "", time: record.time * 1000, reviewer: "",
                action: AdmissionDecision.Action(rawValue: record.event) ?? .error, allowed: false, operation: "",
                subject: record.subject, user: "",
                reasons: [.init(policy: "", message: "The record of this decision cannot be read.")])
    }
}

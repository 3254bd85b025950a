// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import GRDB

/// Which records of a log stream are asked for. Empty sets and nil match everything.
package struct LogQuery: Sendable {
    /// Seconds since 1970: from this time on, and before that.
    package var from: Int64?
    package var until: Int64?
    package var events: Set<String> = []
    package var severities: Set<Severity> = []
    package var outcomes: Set<Outcome> = []
    package var checks: Set<String> = []
    package var cluster: String?
    package var kind: String?
    package var namespace: String?
    package var name: String?
    /// Part of the raw record, in any case (ASCII).
    package var text = ""
    /// More of the same, all of which must be there: members as they stand in the record, as `"user":"alice"`.
    package var fragments: [String] = []
    package var newestFirst = true
    /// At most 10,000.
    package var limit = 100
    /// Where the last page ended.
    package var after: LogPage.Cursor?

    package init() {}
}

package struct LogPage: Sendable {
    package struct Cursor: Sendable, Equatable {
        package var time: Int64
        package var id: Int64

        package init(time: Int64, id: Int64) {
            self.time = time
            self.id = id
        }
    }

    package var records: [LogRecord]
    /// For the next page; nil after the last one.
    package var next: Cursor?
}

extension LogStore {
    /// A page of a stream, by time and then order of arrival. A stream that was never written is empty.
    package func query(_ stream: String, _ query: LogQuery = LogQuery()) async throws -> LogPage {
        let limit = max(1, min(query.limit, 10_000))
        var sql = Conditions("stream = (SELECT id FROM stream WHERE name = ?)", stream)
        if let from = query.from { sql.add("time >= ?", from) }
        if let until = query.until { sql.add("time < ?", until) }
        sql.add("event", in: query.events.sorted())
        sql.add("severity", in: query.severities.map(\.rawValue).sorted())
        sql.add("outcome", in: query.outcomes.map { Code.outcome($0) }.sorted())
        sql.add("chk", in: query.checks.sorted())
        if let cluster = query.cluster { sql.add("cluster = ?", cluster) }
        if let kind = query.kind { sql.add("kind = ?", kind) }
        if let namespace = query.namespace { sql.add("namespace = ?", namespace) }
        if let name = query.name { sql.add("name = ?", name) }
        if !query.text.isEmpty { sql.add("raw LIKE ? ESCAPE '\\'", Conditions.containing(query.text)) }
        for fragment in query.fragments { sql.add("raw LIKE ? ESCAPE '\\'", Conditions.containing(fragment)) }
        if let after = query.after {
            sql.add("(time, id) \(query.newestFirst ? "<" : ">") (?, ?)", after.time, after.id)
        }
        let order = query.newestFirst ? "time DESC, id DESC" : "time, id"
        let conditions = sql
        let records = try await connection.read { db in
            let rows = try Row.fetchCursor(
                db, sql: "SELECT * FROM log WHERE \(conditions.text) ORDER BY \(order) LIMIT ?",
                arguments: conditions.arguments + [limit + 1])
            return try Array(rows.map(LogRecord.init(row:)))
        }
        guard records.count > limit, let last = records.dropLast().last else { return LogPage(records: records) }
        return LogPage(
            records: Array(records.dropLast()), next: LogPage.Cursor(time: last.time, id: last.id))
    }
}

extension LogRecord {
    init(row: Row) {
        let severity: Int64? = row["severity"]
        let outcome: Int64? = row["outcome"]
        self.init(
            time: row["time"], event: row["event"],
            subject: Subject(
                cluster: row["cluster"], apiVersion: row["api"], kind: row["kind"], namespace: row["namespace"],
                name: row["name"]),
            severity: severity.map { Code.severity($0) }, outcome: outcome.map { Code.outcome($0) },
            check: row["chk"], raw: row["raw"])
        id = row["id"]
    }
}

/// The conditions of a query, joined by AND, with their values.
struct Conditions: Sendable {
    private(set) var text: String
    private(set) var values: [DatabaseValue]

    init(_ text: String, _ values: (any DatabaseValueConvertible)...) {
        self.text = text
        self.values = values.map(\.databaseValue)
    }

    var arguments: StatementArguments { StatementArguments(values) }

    mutating func add(_ condition: String, _ values: (any DatabaseValueConvertible)...) {
        text += " AND \(condition)"
        self.values += values.map(\.databaseValue)
    }

    mutating func add(_ condition: String, values: [String]) {
        text += " AND \(condition)"
        self.values += values.map(\.databaseValue)
    }

    /// Column is one of; no condition for an empty list.
    mutating func add(_ column: String, in list: [some DatabaseValueConvertible]) {
        guard !list.isEmpty else { return }
        text += " AND \(column) IN (\(Array(repeating: "?", count: list.count).joined(separator: ",")))"
        values += list.map(\.databaseValue)
    }

    /// A LIKE pattern (escape `\`) for texts that hold `text`.
    static func containing(_ text: String) -> String {
        var pattern = "%"
        for character in text.unicodeScalars {
            if "%_\\".unicodeScalars.contains(character) { pattern.unicodeScalars.append("\\") }
            pattern.unicodeScalars.append(character)
        }
        return pattern + "%"
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import GRDB

/// One record of a log stream: typed columns to filter by, and the record itself.
package struct LogRecord: Sendable, Equatable {
    /// Given by the store: grows with every append.
    package var id: Int64 = 0
    /// Seconds since 1970.
    package var time: Int64
    /// What happened, in the stream's own words, e.g. `new`, `resolved`.
    package var event: String
    /// The object it is about; empty texts without one.
    package var subject: Subject
    package var severity: Severity?
    package var outcome: Outcome?
    package var check: String
    /// The whole record as JSON text.
    package var raw: String

    package init(
        time: Int64, event: String = "", subject: Subject = Subject(apiVersion: "", kind: "", name: ""),
        severity: Severity? = nil, outcome: Outcome? = nil, check: String = "", raw: String
    ) {
        self.time = time
        self.event = event
        self.subject = subject
        self.severity = severity
        self.outcome = outcome
        self.check = check
        self.raw = raw
    }
}

/// A stream's name, limits and extent. A limit of 0 is the store's own.
package struct LogStream: Sendable, Equatable {
    package var name: String
    package var days: Int
    package var rows: Int
    package var records: Int
    /// Times of the first and last record, seconds since 1970; nil when it is empty.
    package var first: Int64?
    package var last: Int64?
}

/// Append-only streams of records, each with a name and its own retention.
package final class LogStore: Sendable {
    /// The longest raw record, in bytes.
    package static let recordLimit = 1 << 20
    static let insert = """
        INSERT INTO log (stream, time, event, severity, outcome, chk, cluster, api, kind, namespace, name, raw)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
        """

    let connection: Connection

    init(_ connection: Connection) { self.connection = connection }

    /// A stream's name: 1 to 63 lower-case letters, digits, `-`, `_` or `.`.
    static func check(stream: String) throws(StoreError) {
        let allowed = stream.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
            default: "-_.".utf8.contains(byte)
            }
        }
        guard allowed, (1...63).contains(stream.utf8.count) else {
            throw StoreError(
                .invalid,
                "\"\(Code.clip(stream, 80))\" is no name for a log stream: 1 to 63 of a-z, 0-9, '-', '_' and '.'")
        }
    }

    static func intern(_ db: Database, stream: String) throws -> Int64 {
        try db.execute(sql: "INSERT OR IGNORE INTO stream (name, days, rows) VALUES (?, 0, 0)", arguments: [stream])
        return try Int64.fetchOne(db, sql: "SELECT id FROM stream WHERE name = ?", arguments: [stream]) ?? 0
    }

    /// Appends records, all or none. They are on the disk when it returns.
    package func append(_ records: [LogRecord], to stream: String) async throws {
        try Self.check(stream: stream)
        for record in records where record.raw.utf8.count > Self.recordLimit {
            throw StoreError(
                .invalid, "a log record of \(record.raw.utf8.count) bytes: at most \(Self.recordLimit) are kept")
        }
        guard !records.isEmpty else { return }
        try await connection.write { db in
            let key = try Self.intern(db, stream: stream)
            let statement = try Prepared(db, Self.insert)
            for record in records {
                statement.bind(1, key)
                statement.bind(2, record.time)
                statement.bind(3, record.event)
                statement.bind(4, record.severity.map { Int64($0.rawValue) })
                statement.bind(5, record.outcome.map { Code.outcome($0) })
                statement.bind(6, record.check)
                statement.bind(7, record.subject.cluster)
                statement.bind(8, record.subject.apiVersion)
                statement.bind(9, record.subject.kind)
                statement.bind(10, record.subject.namespace)
                statement.bind(11, record.subject.name)
                statement.bind(12, record.raw)
                try statement.run()
            }
        }
    }

    /// The streams by name.
    package func streams() async throws -> [LogStream] {
        try await connection.read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT name, days, rows, (SELECT count(*) FROM log WHERE stream = stream.id) AS records,
                        (SELECT min(time) FROM log WHERE stream = stream.id) AS first,
                        (SELECT max(time) FROM log WHERE stream = stream.id) AS last
                    FROM stream ORDER BY name
                    """)
            return rows.map {
                LogStream(
                    name: $0["name"], days: $0["days"], rows: $0["rows"], records: $0["records"], first: $0["first"],
                    last: $0["last"])
            }
        }
    }

    /// Limits a stream by age and by number of records; 0 takes the store's own limit.
    package func setRetention(_ stream: String, days: Int, rows: Int) async throws {
        try Self.check(stream: stream)
        guard days >= 0, rows >= 0 else { throw StoreError(.invalid, "a retention is not negative") }
        try await connection.write { db in
            let key = try Self.intern(db, stream: stream)
            try db.execute(
                sql: "UPDATE stream SET days = ?, rows = ? WHERE id = ?", arguments: [days, rows, key])
        }
    }

    /// Drops the records that are too old or too many, a bounded number a transaction.
    package func prune() async throws {
        let now = connection.now()
        let retention = connection.retention
        for stream in try await streams() {
            let days = stream.days > 0 ? stream.days : retention.logDays
            let rows = stream.rows > 0 ? stream.rows : retention.logRows
            try await drop(
                stream.name, "time < ?2 ORDER BY time, id LIMIT 20000", now - Int64(days) * 86_400)
            // The oldest that may stay, counted from the newest.
            let name = stream.name
            let last = try await connection.read { db in
                try Row.fetchOne(
                    db,
                    sql: """
                        SELECT time, id FROM log WHERE stream = (SELECT id FROM stream WHERE name = ?)
                        ORDER BY time DESC, id DESC LIMIT 1 OFFSET ?
                        """, arguments: [name, rows]
                ).map { (time: $0["time"] as Int64, id: $0["id"] as Int64) }
            }
            if let last {
                try await drop(
                    stream.name, "(time, id) <= (?2, ?3) ORDER BY time, id LIMIT 20000", last.time, last.id)
            }
        }
    }

    private func drop(_ stream: String, _ which: String, _ values: Int64...) async throws {
        var deleted = 1
        while deleted > 0 {
            try Task.checkCancellation()
            deleted = try await connection.write { db in
                let statement = try db.cachedStatement(
                    sql: """
                        DELETE FROM log WHERE id IN (
                            SELECT id FROM log WHERE stream = (SELECT id FROM stream WHERE name = ?1) AND \(which))
                        """)
                try statement.execute(arguments: StatementArguments([stream]) + StatementArguments(values))
                return db.changesCount
            }
        }
    }
}

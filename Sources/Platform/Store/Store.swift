// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import GRDB
import Logging
import Synchronization

/// How long what is over is kept.
package struct Retention: Sendable {
    /// Newest reports kept, of each cluster.
    package var reports = 100
    /// Days that a resolved finding stays listed.
    package var resolvedDays = 90
    /// Days and rows that a log stream keeps unless it has its own limits.
    package var logDays = 90
    package var logRows = 1_000_000

    package init() {}
}

/// The one file that Bulwark remembers in: findings, reports, exemptions, log streams, settings, and the tables that
/// other modules add. One process at a time owns it. An awaited write is on the disk when it returns.
package final class Store: Sendable {
    /// Findings, reports and exemptions.
    package let ledger: FindingLedger
    /// Append-only streams of records.
    package let logs: LogStore
    /// What admission decided.
    package let admission: AdmissionLog
    let connection: Connection

    /// Opens or makes the file, brings its tables up to date, and marks reports that a crash cut off as failed.
    /// Blocks the thread; meant for the start of a program. `now` gives seconds since 1970.
    package static func open(
        path: String, retention: Retention = Retention(), admission: AdmissionLog.Limits = AdmissionLog.Limits(),
        logger: Logger = Logger(label: "bulwark.store"),
        now: @escaping @Sendable () -> Int64 = { Store.wallClock() }
    ) throws -> Store {
        let connection = try Connection(path: path, retention: retention, logger: logger, now: now)
        try connection.migrate(module: "store", Schema.steps)
        try connection.migrate(module: AdmissionSchema.module, AdmissionSchema.steps)
        let store = Store(connection, admission)
        try store.ledger.recover()
        return store
    }

    private init(_ connection: Connection, _ limits: AdmissionLog.Limits) {
        self.connection = connection
        ledger = FindingLedger(connection)
        logs = LogStore(connection)
        admission = AdmissionLog(connection, limits: limits)
    }

    /// Ends every use of the file and gives up its lock. Later calls fail with `closed`.
    package func close() throws { try connection.close() }

    package var path: String { connection.path }

    /// Grows with every change of findings, reports or exemptions: a page that shows them compares it to refresh.
    package var ledgerVersion: UInt64 { connection.version.load(ordering: .acquiring) }

    /// Makes or updates another module's own tables in this file. Steps run once each, in order, all or none; released
    /// ones are never changed, new ones are added at the end. Name the tables after the module (`account_session`).
    package func migrate(module: String, _ steps: [@Sendable (Database) throws -> Void]) throws {
        try connection.migrate(module: module, steps)
    }

    /// Reads another module's tables, in one consistent view.
    package func read<Value: Sendable>(_ body: @Sendable (Database) throws -> Value) async throws -> Value {
        try await connection.read(body)
    }

    /// Changes another module's tables, all or nothing.
    package func write<Value: Sendable>(_ body: @Sendable (Database) throws -> Value) async throws -> Value {
        try await connection.write(body)
    }

    /// Drops what is older than the retention: reports, resolved findings, log records; and lets expired exemptions
    /// lapse. For a timer; the ledger does its own part after each report too.
    package func prune() async throws {
        try await ledger.prune()
        try await logs.prune()
        try await admission.prune()
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB
import Logging
import Synchronization

extension Store {
    package static func wallClock() -> Int64 { Int64(Date().timeIntervalSince1970) }
}

/// The database connections (one writer, a few readers), and what all parts of the store share.
final class Connection: Sendable {
    /// `PRAGMA application_id` of our files: "BWLK".
    static let application: Int64 = 0x4257_4C4B

    let path: String
    let retention: Retention
    let logger: Logger
    let now: @Sendable () -> Int64
    let version: Atomic<UInt64>
    /// What ledger writes look up over and over. Taken out while a write runs, and lost when it fails.
    let memo = Mutex(Memo())
    private let pool: DatabasePool
    private let file: Mutex<StoreFile?>

    init(path: String, retention: Retention, logger: Logger, now: @escaping @Sendable () -> Int64) throws {
        self.path = path
        self.retention = retention
        self.logger = logger
        self.now = now
        // Not from zero, or a page that was open over a restart might see an old number again.
        version = Atomic(UInt64(max(0, now())) << 20)
        file = Mutex(try StoreFile(path: path))
        do {
            try Self.inspect(path)
            try StoreFile.makePrivate(path)
            var configuration = Configuration()
            configuration.label = "bulwark.store"
            configuration.maximumReaderCount = 4
            configuration.busyMode = .timeout(5)
            configuration.prepareDatabase { db in
                // 16 MiB of pages a connection at most.
                try db.execute(sql: "PRAGMA cache_size = -16384")
            }
            pool = try DatabasePool(path: path, configuration: configuration)
            try pool.writeWithoutTransaction { db in
                // The pool chooses NORMAL for itself, which may lose acknowledged commits when the power fails.
                try db.execute(
                    sql: """
                        PRAGMA synchronous = FULL;
                        PRAGMA wal_autocheckpoint = 16000;
                        PRAGMA journal_size_limit = 67108864;
                        PRAGMA cache_size = -32768;
                        """)
            }
            try pool.write(Self.claim)
        } catch {
            throw StoreError.wrap(error, path: path)
        }
    }

    /// Refuses another program's database, and that of a newer Bulwark, before anything is changed in it.
    private static func inspect(_ path: String) throws {
        var configuration = Configuration()
        configuration.readonly = true
        let queue = try DatabaseQueue(path: path, configuration: configuration)
        defer { try? queue.close() }
        try queue.read { db in
            let owner = try Int64.fetchOne(db, sql: "PRAGMA application_id") ?? 0
            if owner == application {
                let version = try Int.fetchOne(db, sql: "SELECT version FROM module WHERE name = 'store'") ?? 0
                return try check(version, of: "store", steps: Schema.steps.count, path: path)
            }
            let tables = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema") ?? 0
            guard owner == 0, tables == 0 else {
                throw StoreError(.notAStore, "\(path) is not a Bulwark store: it is the database of another program")
            }
        }
    }

    /// Makes an empty database ours.
    private static func claim(_ db: Database) throws {
        guard try Int64.fetchOne(db, sql: "PRAGMA application_id") != application else { return }
        try db.execute(
            sql: """
                PRAGMA application_id = \(application);
                CREATE TABLE module (name TEXT PRIMARY KEY NOT NULL, version INTEGER NOT NULL)
                    WITHOUT ROWID;
                """)
    }

    private static func check(_ version: Int, of module: String, steps: Int, path: String) throws(StoreError) {
        guard version > steps else { return }
        throw StoreError(
            .newerSchema,
            "\(path) was written by a newer Bulwark (tables of \(module): version \(version), this one knows "
                + "\(steps)): use that one, or another file")
    }

    func migrate(module: String, _ steps: [@Sendable (Database) throws -> Void]) throws {
        do {
            try pool.write { db in
                let found = try Int.fetchOne(db, sql: "SELECT version FROM module WHERE name = ?", arguments: [module])
                let version = found ?? 0
                try Self.check(version, of: module, steps: steps.count, path: path)
                if version == steps.count, found != nil { return }
                for step in steps[version...] { try step(db) }
                try db.execute(
                    sql: "INSERT INTO module VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET version = ?2",
                    arguments: [module, steps.count])
            }
        } catch {
            throw StoreError.wrap(error, path: path)
        }
    }

    func read<Value: Sendable>(_ body: @Sendable (Database) throws -> Value) async throws -> Value {
        do {
            return try await pool.read(body)
        } catch {
            throw StoreError.wrap(error, path: path)
        }
    }

    func write<Value: Sendable>(_ body: @Sendable (Database) throws -> Value) async throws -> Value {
        do {
            return try await pool.write(body)
        } catch {
            throw StoreError.wrap(error, path: path)
        }
    }

    /// A change of the ledger, all or nothing.
    func change<Value: Sendable>(_ body: @Sendable (LedgerWrite) throws -> Value) async throws -> Value {
        let (value, changed) = try await write { try self.ledgerWrite($0, body) }
        if changed { version.add(1, ordering: .acquiringAndReleasing) }
        return value
    }

    /// The same at the start, before there are tasks.
    func changeBlocking<Value>(_ body: (LedgerWrite) throws -> Value) throws -> Value {
        do {
            return try pool.write { try self.ledgerWrite($0, body).value }
        } catch {
            throw StoreError.wrap(error, path: path)
        }
    }

    private func ledgerWrite<Value>(
        _ db: Database, _ body: (LedgerWrite) throws -> Value
    ) throws -> (value: Value, changed: Bool) {
        let memo = memo.withLock { kept in
            defer { kept = Memo() }
            return kept
        }
        let write = try LedgerWrite(db, memo: memo, now: now())
        let value = try body(write)
        try write.finish()
        self.memo.withLock { $0 = write.memo }
        return (value, write.changed)
    }

    func close() throws {
        do {
            try pool.close()
            file.withLock { $0 = nil }
        } catch {
            throw StoreError.wrap(error, path: path)
        }
    }
}

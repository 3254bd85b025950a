// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import GRDB

/// One change of the ledger: the open transaction, the interned names, the tallies to settle, the changes to log.
/// Lives inside one write closure.
final class LedgerWrite {
    let db: Database
    let now: Int64
    var memo: Memo
    /// Something that pages show is another now.
    var changed = false
    private var tallies: [TallyKey: Int64] = [:]
    private let log: InspectionLog
    private var statements = [Prepared?](repeating: nil, count: Hot.allCases.count)

    /// Statements that run once an object or once a result.
    enum Hot: Int, CaseIterable {
        case findSubject
        case insertSubject
        case seeSubject
        case findings
        case elsewhere
        case insertFinding
        case updateState
        case updateWords
        case leave
        case log
    }

    private struct TallyKey: Hashable {
        var scope: Int64
        var check: Int64
        var severity: Int64
        var status: Int64
        var outcome: Int64
    }

    init(_ db: Database, memo: Memo, now: Int64) throws {
        self.db = db
        self.now = now
        self.memo = memo
        log = InspectionLog(now: now)
    }

    /// A statement of this transaction, looked up once.
    func prepared(_ hot: Hot, _ sql: @autoclosure () -> String) throws -> Prepared {
        if let known = statements[hot.rawValue] { return known }
        let statement = try Prepared(db, sql())
        statements[hot.rawValue] = statement
        return statement
    }

    /// Settles the tallies. The transaction commits after it.
    func finish() throws {
        guard !tallies.isEmpty else { return }
        let add = try Prepared(
            db,
            """
            INSERT INTO tally VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            ON CONFLICT (scope, chk, severity, status, outcome) DO UPDATE SET count = count + ?6
            """)
        let clear = try Prepared(
            db,
            """
            DELETE FROM tally
            WHERE scope = ?1 AND chk = ?2 AND severity = ?3 AND status = ?4 AND outcome = ?5 AND count = 0
            """)
        for (key, change) in tallies where change != 0 {
            for statement in change < 0 ? [add, clear] : [add] {
                statement.bind(1, key.scope)
                statement.bind(2, key.check)
                statement.bind(3, key.severity)
                statement.bind(4, key.status)
                statement.bind(5, key.outcome)
                if statement.parameters == 6 { statement.bind(6, change) }
                try statement.run()
            }
        }
    }

    /// Counts a finding out of one sort and into another; nil where it did not or does not exist.
    func count(from old: FindingRow?, _ oldScope: Int64, to new: FindingRow?, _ newScope: Int64) {
        if let old, let new, oldScope == newScope, old.check == new.check, old.severity == new.severity,
            old.status == new.status, old.outcome == new.outcome
        {
            return
        }
        if let old { count(old, oldScope, -1) }
        if let new { count(new, newScope, 1) }
    }

    private func count(_ row: FindingRow, _ scope: Int64, _ step: Int64) {
        if row.status == Code.archived { return }
        let key = TallyKey(
            scope: scope, check: row.check, severity: row.severity, status: row.status, outcome: row.outcome)
        tallies[key, default: 0] += step
    }

    /// Appends one record to the ledger's log stream.
    func log(_ event: InspectionEvent) throws {
        let stream: Int64
        if let known = memo.stream {
            stream = known
        } else {
            let name = try Store.value(db, "log.stream") ?? Settings.standardStream
            stream = try LogStore.intern(db, stream: name)
            memo.stream = stream
        }
        changed = true
        try log.append(try prepared(.log, LogStore.insert), stream: stream, event)
    }
}

// MARK: - Interned names

extension LedgerWrite {
    func cluster(_ name: String) throws -> Int64 {
        if let known = memo.clusters[name] { return known }
        try db.execute(sql: "INSERT OR IGNORE INTO cluster (name) VALUES (?)", arguments: [name])
        let key = try Int64.fetchOne(db, sql: "SELECT id FROM cluster WHERE name = ?", arguments: [name]) ?? 0
        memo.clusters[name] = key
        return key
    }

    func scope(of subject: Subject, cluster: Int64) throws -> Int64 {
        let key = Memo.ScopeKey(
            cluster: cluster, group: subject.group, kind: subject.kind, namespace: subject.namespace)
        if let known = memo.scopes[key] { return known }
        let find = try Prepared(
            db, "SELECT id FROM scope WHERE cluster = ?1 AND namespace = ?2 AND kind = ?3 AND grp = ?4")
        let add = try Prepared(db, "INSERT INTO scope (cluster, namespace, kind, grp) VALUES (?1, ?2, ?3, ?4)")
        for statement in [find, add] {
            statement.bind(1, cluster)
            statement.bind(2, subject.namespace)
            statement.bind(3, subject.kind)
            statement.bind(4, subject.group)
        }
        var id = db.lastInsertedRowID
        if try find.step() {
            id = find.int(0)
            find.reset()
        } else {
            try add.run()
            id = db.lastInsertedRowID
        }
        if memo.scopes.count >= Memo.scopeLimit { memo.scopes.removeAll(keepingCapacity: true) }
        memo.scopes[key] = id
        return id
    }

    /// The key of a check; its names are kept up to date, since exemptions and filters may use any of them.
    func check(_ check: Check) throws -> Int64 {
        if let known = memo.checkKeys[ObjectIdentifier(check)] { return known }
        let aliases = check.aliases.flatMap(\.ids).joined(separator: "\n")
        try db.execute(
            sql: """
                INSERT INTO chk (code, slug, title, aliases) VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT (code) DO UPDATE SET slug = ?2, title = ?3, aliases = ?4
                """, arguments: [check.id, check.slug, check.title, aliases])
        let id = try Int64.fetchOne(db, sql: "SELECT id FROM chk WHERE code = ?", arguments: [check.id]) ?? 0
        if memo.checks.count >= Memo.checkLimit {
            memo.checks.removeAll()
            memo.checkKeys.removeAll()
        }
        memo.checks.append(check)
        memo.checkKeys[ObjectIdentifier(check)] = id
        return id
    }

    /// The report that is running over a cluster, 0 without one.
    func running(_ cluster: Int64) throws -> Int64 {
        if let known = memo.running[cluster] { return known }
        let id = try Int64.fetchOne(
            db, sql: "SELECT id FROM report WHERE cluster = ? AND state = 'running'", arguments: [cluster])
        memo.running[cluster] = id ?? 0
        return id ?? 0
    }
}

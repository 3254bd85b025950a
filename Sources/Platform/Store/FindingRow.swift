// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import GRDB

/// A row of `finding` without its words.
struct FindingRow {
    var id: Int64
    var subject: Int64
    var cluster: Int64
    var fingerprint: Fingerprint
    var check: Int64
    var severity: Int64
    /// What the check said before any exemption.
    var outcome: Int64
    var status: Int64
    /// A user said that it is being worked on: what its status returns to when an exemption ends.
    var claimed: Bool
    var exemption: Int64?
    var since: Int64?
    var reopened: Int64
    var firstSeen: Int64
    var lastSeen: Int64
    var resolvedAt: Int64?
    var digest: Int64

    static let columns = """
        f.id, f.subject, f.cluster, f.high, f.low, f.chk, f.severity, f.outcome, f.status, f.claimed, f.exemption, \
        f.since, f.reopened, f.first_seen, f.last_seen, f.resolved_at, f.digest
        """
    static let width: Int32 = 17

    var isOpen: Bool { status < Code.status(.resolved) }
    var isExempt: Bool { status == Code.status(.suppressed) }

    /// Sets the status that an open finding has by its exemption and claim.
    mutating func settle() {
        status =
            exemption != nil
            ? Code.status(.suppressed) : claimed ? Code.status(.inProgress) : Code.status(.new)
    }

    /// Whether a report shows it just as it shows `other`.
    func looksLike(_ other: FindingRow) -> Bool {
        severity == other.severity && outcome == other.outcome && isExempt == other.isExempt
    }
}

extension FindingRow {
    init(_ row: Prepared) {
        id = row.int(0)
        subject = row.int(1)
        cluster = row.int(2)
        fingerprint = Fingerprint(
            high: UInt64(bitPattern: row.int(3)), low: UInt64(bitPattern: row.int(4)))
        check = row.int(5)
        severity = row.int(6)
        outcome = row.int(7)
        status = row.int(8)
        claimed = row.int(9) != 0
        exemption = row.optional(10)
        since = row.optional(11)
        reopened = row.int(12)
        firstSeen = row.int(13)
        lastSeen = row.int(14)
        resolvedAt = row.optional(15)
        digest = row.int(16)
    }

    /// Binds what may change to parameters 1 to 13, and the id to 14.
    private func bindState(_ statement: Prepared) {
        statement.bind(1, subject)
        statement.bind(2, cluster)
        statement.bind(3, check)
        statement.bind(4, severity)
        statement.bind(5, outcome)
        statement.bind(6, status)
        statement.bind(7, Int64(claimed ? 1 : 0))
        statement.bind(8, exemption)
        statement.bind(9, since)
        statement.bind(10, reopened)
        statement.bind(11, lastSeen)
        statement.bind(12, resolvedAt)
        statement.bind(13, digest)
        statement.bind(14, id)
    }

    private static let state = """
        subject = ?1, cluster = ?2, chk = ?3, severity = ?4, outcome = ?5, status = ?6, claimed = ?7, exemption = ?8, \
        since = ?9, reopened = ?10, last_seen = ?11, resolved_at = ?12, digest = ?13
        """

    /// Writes it over its row, with the words of `result` when they changed.
    func update(_ write: LedgerWrite, words: Words?) throws {
        guard let words else {
            let statement = try write.prepared(.updateState, "UPDATE finding SET \(Self.state) WHERE id = ?14")
            bindState(statement)
            return try statement.run()
        }
        let statement = try write.prepared(
            .updateWords,
            "UPDATE finding SET \(Self.state), container = ?15, message = ?16, path = ?17, value = ?18 WHERE id = ?14")
        bindState(statement)
        words.bind(statement, from: 15)
        write.changed = true
        try statement.run()
    }

    /// Adds it as a new row, and takes that row's id.
    mutating func insert(_ write: LedgerWrite, words: Words) throws {
        let statement = try write.prepared(
            .insertFinding,
            """
            INSERT INTO finding (
                subject, cluster, chk, severity, outcome, status, claimed, exemption, since, reopened, last_seen,
                resolved_at, digest, container, message, path, value, high, low, first_seen)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?15, ?16, ?17, ?18, ?19, ?20, ?21)
            """)
        bindState(statement)
        words.bind(statement, from: 15)
        statement.bind(19, Int64(bitPattern: fingerprint.high))
        statement.bind(20, Int64(bitPattern: fingerprint.low))
        statement.bind(21, firstSeen)
        try statement.run()
        id = write.db.lastInsertedRowID
    }
}

/// The words of a finding, as kept: bounded, whatever a manifest holds.
struct Words {
    let container: String
    let message: String
    let path: String
    let value: String

    init(_ result: CheckResult) {
        container = Code.clip(result.container, 256)
        message = Code.clip(result.message, 2_000)
        path = Code.clip(result.path, 1_000)
        value = Code.clip(result.value, 1_000)
    }

    var digest: Int64 { Code.digest(container, message, path, value) }

    func bind(_ statement: Prepared, from index: Int32) {
        statement.bind(index, container)
        statement.bind(index + 1, message)
        statement.bind(index + 2, path)
        statement.bind(index + 3, value)
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import GRDB

/// Exemptions that users make. Every change reaches the findings at once.
extension FindingLedger {
    /// All that users made and did not remove, expired ones too, oldest first.
    package func allExemptions() async throws -> [Exemption] {
        try await connection.read { db in
            let rows = try Row.fetchAll(
                db, sql: "SELECT * FROM exemption WHERE foreign_ = 0 AND state < 2 ORDER BY id")
            return rows.map { Exemption(row: $0) }
        }
    }

    /// One by its id, also an expired or removed one, or one of a file: whatever a finding's `exemptionID` names.
    package func exemption(_ id: String) async throws -> Exemption? {
        try await connection.read { db in
            try Row.fetchOne(db, sql: "SELECT * FROM exemption WHERE code = ?", arguments: [id]).map {
                Exemption(row: $0)
            }
        }
    }

    /// How many findings each exemption suppresses, by id.
    package func suppressedCounts() async throws -> [String: Int] {
        try await connection.read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT e.code, count(*) AS n FROM finding f JOIN exemption e ON e.id = f.exemption
                    WHERE f.exemption IS NOT NULL AND f.status = 2 GROUP BY f.exemption
                    """)
            return Dictionary(rows.map { ($0["code"], $0["n"]) }, uniquingKeysWith: { $0 + $1 })
        }
    }

    /// Adds an exemption and gives it back with its id (`EX-<n>`; the caller's own id is ignored). `by` is the account.
    package func addExemption(_ exemption: Exemption, by: String) async throws -> Exemption {
        let now = connection.now()
        try Self.check(exemption, now: now)
        return try await connection.change { write in
            let last = try Int64.fetchOne(write.db, sql: "SELECT seq FROM sqlite_sequence WHERE name = 'exemption'")
            var added = Self.trimmed(exemption)
            added.id = "EX-\((last ?? 0) + 1)"
            let key = try write.write(added, foreign: false)
            write.forgetExemptions()
            try write.lapse()
            try write.apply(added, key: key)
            try write.log(InspectionEvent(name: .exemptionAdded, message: added.reason, by: by, exemption: added.id))
            return added
        }
    }

    /// Overwrites the exemption with the same id; an expired one is in force again.
    package func updateExemption(_ exemption: Exemption, by: String) async throws {
        try Self.check(exemption, now: connection.now())
        try await connection.change { write in
            let key = try Self.key(write.db, exemption.id)
            let changed = Self.trimmed(exemption)
            _ = try write.write(changed, foreign: false)
            write.forgetExemptions()
            try write.lapse()
            try write.release(key)
            try write.apply(changed, key: key)
            try write.log(
                InspectionEvent(name: .exemptionChanged, message: changed.reason, by: by, exemption: changed.id))
        }
    }

    /// Removes an exemption: what it suppressed is open again.
    package func removeExemption(_ id: String, by: String) async throws {
        try await connection.change { write in
            let key = try Self.key(write.db, id)
            try write.db.execute(
                sql: "UPDATE exemption SET state = ? WHERE id = ?", arguments: [LedgerWrite.removedState, key])
            write.forgetExemptions()
            try write.lapse()
            try write.release(key)
            try write.log(InspectionEvent(name: .exemptionRemoved, by: by, exemption: id))
        }
    }

    private static func key(_ db: Database, _ id: String) throws -> Int64 {
        let key = try Int64.fetchOne(
            db, sql: "SELECT id FROM exemption WHERE code = ? AND foreign_ = 0 AND state < 2", arguments: [id])
        guard let key else { throw StoreError(.notFound, "there is no exemption \(Code.clip(id, 80))") }
        return key
    }

    private static func trimmed(_ exemption: Exemption) -> Exemption {
        var exemption = exemption
        exemption.checks = exemption.checks.filter { !$0.isEmpty }
        return exemption
    }

    /// An approved exception names who answers for it, why, and until when.
    private static func check(_ exemption: Exemption, now: Int64) throws(StoreError) {
        for (name, text) in [("owner", exemption.owner), ("reason", exemption.reason)] {
            guard text.unicodeScalars.contains(where: { !$0.properties.isWhitespace }) else {
                throw StoreError(.invalid, "an exemption needs \(name == "owner" ? "an owner" : "a reason")")
            }
        }
        guard let expiry = exemption.expiry else { throw StoreError(.invalid, "an exemption needs an expiry") }
        guard expiry > now else { throw StoreError(.invalid, "the expiry of an exemption lies in the future") }
        let texts = [
            exemption.owner, exemption.reason, exemption.cluster, exemption.namespace, exemption.kind, exemption.name,
            exemption.container,
        ]
        guard texts.allSatisfy({ $0.utf8.count <= 2_000 }) else {
            throw StoreError(.invalid, "a field of an exemption has at most 2000 characters")
        }
        guard exemption.checks.count <= 200,
            exemption.checks.allSatisfy({ $0.utf8.count <= 200 && !$0.utf8.contains(UInt8(ascii: "\n")) })
        else {
            throw StoreError(.invalid, "an exemption names at most 200 checks, each by an id, slug or alias")
        }
    }
}

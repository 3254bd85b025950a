// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import GRDB

extension FindingLedger {
    /// Lets expired exemptions lapse, and drops what is older than the retention: reports beyond the newest, what only
    /// they showed, findings resolved long ago. Many short transactions, so that recording goes on in between.
    package func prune() async throws {
        try await connection.change { try $0.lapse() }
        let keep = max(1, connection.retention.reports)
        let clusters = try await connection.read { try Int64.fetchAll($0, sql: "SELECT id FROM cluster") }
        for cluster in clusters {
            let oldest = try await connection.write { try Self.dropReports($0, of: cluster, keep: keep) }
            var dropped = 1
            while dropped > 0 {
                try Task.checkCancellation()
                dropped = try await connection.write { db in
                    try db.execute(
                        sql: """
                            DELETE FROM presence WHERE (finding, first) IN (
                                SELECT finding, first FROM presence WHERE cluster = ? AND last < ? LIMIT 20000)
                            """, arguments: [cluster, oldest])
                    return db.changesCount
                }
            }
        }
        let cutoff = connection.now() - Int64(connection.retention.resolvedDays) * 86_400
        var place: (time: Int64, id: Int64)? = (Int64.min, 0)
        while let from = place {
            try Task.checkCancellation()
            place = try await connection.change { try $0.dropResolved(before: cutoff, from: from) }
        }
        var subject: Int64? = 0
        while let from = subject {
            try Task.checkCancellation()
            subject = try await connection.write { try Self.dropSubjects($0, from: from) }
        }
    }

    /// Keeps the newest complete reports, and the failed ones that are as new, as far as they are as many. Gives the
    /// oldest complete one that is left.
    private static func dropReports(_ db: Database, of cluster: Int64, keep: Int) throws -> Int64 {
        let newest = "SELECT id FROM report WHERE cluster = ?1 AND state = ?3 ORDER BY id DESC LIMIT ?2"
        for state in ["complete", "failed"] {
            try db.execute(
                sql: "DELETE FROM report WHERE cluster = ?1 AND state = ?3 AND id NOT IN (\(newest))",
                arguments: [cluster, keep, state])
        }
        let oldest = try Int64.fetchOne(
            db, sql: "SELECT min(id) FROM report WHERE cluster = ? AND state = 'complete'", arguments: [cluster])
        return oldest ?? 0
    }

    /// Drops a batch of subjects that have no findings at all; gives where to go on.
    private static func dropSubjects(_ db: Database, from: Int64) throws -> Int64? {
        let last = try Int64.fetchOne(
            db, sql: "SELECT max(id) FROM (SELECT id FROM subject WHERE id > ? ORDER BY id LIMIT 20000)",
            arguments: [from])
        guard let last else { return nil }
        try db.execute(
            sql: """
                DELETE FROM subject WHERE id > ? AND id <= ?
                    AND NOT EXISTS (SELECT 1 FROM finding WHERE finding.subject = subject.id)
                """, arguments: [from, last])
        return last
    }
}

extension LedgerWrite {
    /// Drops a batch of findings that were resolved before a time; those that a kept report shows stay out of sight.
    func dropResolved(before cutoff: Int64, from: (time: Int64, id: Int64)) throws -> (time: Int64, id: Int64)? {
        let query = try Prepared(
            db,
            """
            SELECT \(FindingRow.columns), s.scope, EXISTS (SELECT 1 FROM presence p WHERE p.finding = f.id)
            FROM finding f JOIN subject s ON s.id = f.subject
            WHERE f.resolved_at < ?1 AND (f.resolved_at, f.id) > (?2, ?3) ORDER BY f.resolved_at, f.id LIMIT 5000
            """)
        query.bind(1, cutoff)
        query.bind(2, from.time)
        query.bind(3, from.id)
        var batch: [(finding: FindingRow, scope: Int64, shown: Bool)] = []
        while try query.step() {
            let end = FindingRow.width
            batch.append((FindingRow(query), query.int(end), query.int(end + 1) != 0))
        }
        let delete = try Prepared(db, "DELETE FROM finding WHERE id = ?1")
        for (finding, scope, shown) in batch where !finding.isOpen {
            if shown {
                guard finding.status != Code.archived else { continue }
                var hidden = finding
                hidden.status = Code.archived
                try hidden.update(self, words: nil)
                count(from: finding, scope, to: hidden, scope)
            } else {
                delete.bind(1, finding.id)
                try delete.run()
                count(from: finding, scope, to: nil, scope)
            }
        }
        return batch.last.map { ($0.finding.resolvedAt ?? 0, $0.finding.id) }
    }
}

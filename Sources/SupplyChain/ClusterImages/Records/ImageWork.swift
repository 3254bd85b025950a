// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import GRDB
import ImageScanning
import Store

/// What is to be done, and what is over.
extension ImageRecords {
    /// Images that want a scan or another judgement now, the most urgent first: what somebody asked for, what was never
    /// scanned, then the newest.
    ///
    /// An image is due when it runs, or was asked about, and was not scanned; when its last failure is over; when somebody
    /// wants another scan; and when it was judged by other advisories than those that `generation` names (nil to ask for
    /// scans alone; a number of its own for having none).
    package func due(generation: Int64?, limit: Int = 1_000) async throws -> [DueImage] {
        let time = now()
        let asked = time - Int64(limits.days) * 86_400
        return try await store.read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT r.*, coalesce(c.length, 0) AS length,
                        r.wanted = 1 OR r.coding IS NULL OR r.coding <> ?1 AS unread
                    FROM image_record r LEFT JOIN image_content c ON c.image = r.id
                    WHERE (r.workloads > 0 OR r.asked > ?4 OR r.wanted = 1) AND (r.attempts = 0 OR r.next <= ?3)
                        AND (unread OR ?2 IS NOT NULL AND (r.generation IS NULL OR r.generation <> ?2))
                    ORDER BY r.wanted DESC, r.coding IS NOT NULL, r.first_seen DESC, r.containers DESC, r.id LIMIT ?5
                    """,
                arguments: [ImageReport.codingVersion, generation, time, asked, max(0, limit)])
            return rows.map { row in
                let isUnread: Bool = row["unread"]
                return DueImage(
                    digest: row["digest"], references: KeptText.split(row["refs"]),
                    need: isUnread || (row["length"] as Int64) == 0 ? .scan : .judgement, attempts: row["attempts"],
                    firstSeen: row["first_seen"], containers: row["containers"], isWanted: row["wanted"])
            }
        }
    }

    /// Somebody wants an image to be scanned now. False when it is not known or waits for that already.
    package func want(_ digest: String) async throws -> Bool {
        try await change { change in
            try change.db.execute(
                sql: """
                    UPDATE image_record SET wanted = 1, attempts = 0, next = NULL, failure = ''
                    WHERE digest = ? AND (attempts > 0 OR wanted = 0 AND coding IS NOT NULL)
                    """, arguments: [digest])
            return change.db.changesCount > 0
        }
    }

    /// Keeps the trend, resolves findings on images that nobody runs any more, and drops what is older than the limits.
    /// For a timer of some minutes.
    package func prune() async throws {
        try await change { try $0.keepTrend() }
        // Short transactions, so that recording goes on in between.
        for step in [{ try $0.rest() }, { try $0.drop() }] as [@Sendable (ImageChange) throws -> Bool] {
            var isMore = true
            while isMore {
                try Task.checkCancellation()
                isMore = try await change(step)
            }
        }
    }
}

extension ImageChange {
    func keepTrend() throws {
        let totals = try ImageTotals(db)
        let counts = Severity.allCases.map { totals.tally.vulnerabilities[$0] ?? 0 }
        let fixable = totals.tally.fixable.values.reduce(0, +)
        try db.execute(
            sql: "INSERT OR REPLACE INTO image_trend VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            arguments: [
                now / 86_400, now, totals.images, counts[0], counts[1], counts[2], counts[3], counts[4], counts[5],
                fixable,
            ])
        try db.execute(
            sql: "DELETE FROM image_trend WHERE day < ?", arguments: [now / 86_400 - Int64(limits.trendDays)])
    }

    private static var batch: Int { 10 }

    /// Resolves findings on a batch of images that have not run for a while; whether there may be more.
    fileprivate func rest() throws -> Bool {
        let resting = try Int64.fetchAll(
            db, sql: "SELECT id FROM image_record WHERE workloads = 0 AND shown <> '' AND used < ? LIMIT ?",
            arguments: [now - limits.rest, Self.batch])
        for image in resting { try hideImage(image) }
        return resting.count == Self.batch
    }

    /// Drops a batch of what nobody has run or asked about for long; whether there may be more.
    fileprivate func drop() throws -> Bool {
        let limit = now - Int64(limits.days) * 86_400
        let over = try Int64.fetchAll(
            db,
            sql: """
                SELECT id FROM image_record WHERE workloads = 0 AND max(used, coalesce(asked, 0)) < ? LIMIT ?
                """, arguments: [limit, Self.batch])
        for image in over {
            try hideImage(image)
            for table in ["image_occurrence", "image_content"] {
                try db.execute(sql: "DELETE FROM \(table) WHERE image = ?", arguments: [image])
            }
            try db.execute(sql: "DELETE FROM image_record WHERE id = ?", arguments: [image])
        }
        if over.count == Self.batch { return true }
        // Vulnerabilities that no image has any more.
        for (table, key) in [("image_vulnerability_text", "vulnerability"), ("image_vulnerability", "id")] {
            try db.execute(
                sql: """
                    DELETE FROM \(table) WHERE NOT EXISTS (
                        SELECT 1 FROM image_occurrence o WHERE o.vulnerability = \(table).\(key))
                    """)
        }
        return false
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import GRDB

/// What changed between two complete reports of one cluster.
package struct Comparison: Sendable {
    package enum Kind: String, Sendable {
        /// Better: the problem is gone, or an exemption covers it now, or it is less severe.
        case fixed
        case suppressed
        case eased
        /// Worse: the problem is new (or its exemption ended), or it is more severe.
        case appeared
        case worsened

        package var isBetter: Bool { self == .fixed || self == .suppressed || self == .eased }
    }

    package struct Change: Sendable {
        package var kind: Kind
        /// With the severity that it has in the later report, or had in the earlier one when it is gone.
        package var problem: ReportedProblem
    }

    package var before: Report
    package var after: Report
    /// Worst first, as many as were asked for; the counts tell how many there are.
    package var better: [Change]
    package var worse: [Change]
    package var betterCount: Int
    package var worseCount: Int
    package var unchanged: Int
}

extension FindingLedger {
    /// Compares two complete reports of one cluster, in either order: the one that ran first is `before`. Both lists
    /// are paged by `limit` and `offset`.
    package func compare(_ a: Int64, _ b: Int64, limit: Int = 500, offset: Int = 0) async throws -> Comparison {
        try await connection.read { db in
            let before = try Self.complete(db, min(a, b))
            let after = try Self.complete(db, max(a, b))
            guard before.cluster == after.cluster else {
                throw StoreError(
                    .invalid,
                    "report \(a) and report \(b) are of different clusters (\(before.cluster), \(after.cluster))")
            }
            let cluster = try Self.cluster(db, of: before.id)
            let page: [Int] = [max(0, min(limit, Self.pageLimit)), max(0, offset)]
            let ids: StatementArguments = [cluster, before.id, after.id]
            let counts = try Row.fetchOne(
                db,
                sql: """
                    \(Self.changes) SELECT coalesce(sum(\(Self.isBetter)), 0), coalesce(sum(\(Self.isWorse)), 0),
                        coalesce(sum(a = b AND a >= 0), 0)
                    FROM change
                    """, arguments: ids)
            let constant = try Int.fetchOne(
                db, sql: "SELECT count(*) FROM finding WHERE cluster = ? AND since <= ? AND status <> 2",
                arguments: [cluster, before.id])
            func list(_ which: String, severity: String) throws -> [Change] {
                try Row.fetchAll(
                    db,
                    sql: """
                        \(Self.changes),
                        w AS (SELECT * FROM change WHERE \(which) ORDER BY \(severity) DESC, finding LIMIT ?4 OFFSET ?5)
                        SELECT w.a, w.b, \(ReportedProblem.columns)
                        FROM w \(ReportedProblem.joins) ORDER BY w.\(severity) DESC, w.finding
                        """, arguments: ids + StatementArguments(page)
                ).map { Change(row: $0) }
            }
            return Comparison(
                before: before, after: after, better: try list(Self.isBetter, severity: "a"),
                worse: try list(Self.isWorse, severity: "b"), betterCount: counts?[0] ?? 0, worseCount: counts?[1] ?? 0,
                unchanged: (constant ?? 0) + (counts?[2] ?? 0))
        }
    }

    private typealias Change = Comparison.Change

    /// What findings were in report ?2 (a) and in report ?3 (b) of cluster ?1: their severity, -1 when an exemption
    /// covered them, NULL when they were not there. Findings that look the same since ?2 or before are left out.
    private static let changes = """
        WITH part (finding, a, b) AS (
            SELECT finding, CASE WHEN first <= ?2 THEN iif(exempt, -1, severity) END,
                CASE WHEN first <= ?3 AND last >= ?3 THEN iif(exempt, -1, severity) END
            FROM presence WHERE cluster = ?1 AND last >= ?2 AND first <= ?3
            UNION ALL
            SELECT id, NULL, iif(status = 2, -1, severity) FROM finding
            WHERE cluster = ?1 AND since > ?2 AND since <= ?3),
        change (finding, a, b) AS (SELECT finding, max(a), max(b) FROM part GROUP BY finding)
        """
    private static let isBetter = "(a >= 0 AND (b IS NULL OR b < a))"
    private static let isWorse = "(b >= 0 AND (a IS NULL OR a < b))"
}

extension Comparison.Change {
    /// From a row with `a`, `b` (see `changes`) and the problem's columns.
    fileprivate init(row: Row) {
        let before: Int64? = row["a"]
        let after: Int64? = row["b"]
        switch (before, after) {
        case (let before?, nil):
            self.init(kind: .fixed, problem: ReportedProblem(row: row, severity: before))
        case (let before?, let after?) where after < 0:
            self.init(kind: .suppressed, problem: ReportedProblem(row: row, severity: before))
        case (let before?, let after?) where before >= 0:
            self.init(kind: after < before ? .eased : .worsened, problem: ReportedProblem(row: row, severity: after))
        case (_, let after):
            self.init(kind: .appeared, problem: ReportedProblem(row: row, severity: after ?? 0))
        }
    }
}

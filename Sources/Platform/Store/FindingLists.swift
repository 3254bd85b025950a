// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import GRDB

/// One page of objects with findings.
package struct WorkloadPage: Sendable {
    package var workloads: [WorkloadRisk]
    /// All objects with a finding that matches, on every page.
    package var total: Int
}

extension FindingLedger {
    /// The objects with findings that match, the heaviest first. Only failures and warnings weigh, but every finding
    /// that matches is counted.
    package func workloads(
        _ filter: FindingFilter = .open, limit: Int = 50, offset: Int = 0
    ) async throws -> WorkloadPage {
        let page = [max(1, min(limit, Self.pageLimit)), max(0, offset)]
        return try await connection.read { db in
            guard let query = try FindingSelection(db, filter) else { return WorkloadPage(workloads: [], total: 0) }
            let (source, conditions) = query.everything()
            let sums = Severity.allCases.map { "sum(f.severity = \($0.rawValue))" }.joined(separator: ", ")
            let weights = Severity.allCases.map { "WHEN \($0.rawValue) THEN \($0.weight)" }.joined(separator: " ")
            let grouped = """
                SELECT f.subject AS subject, sum(iif(f.outcome IN (1, 2), CASE f.severity \(weights) END, 0)) AS weight, \
                \(sums) FROM \(source) WHERE \(conditions.text) GROUP BY f.subject
                """
            let rows = try Row.fetchAll(
                db, sql: "SELECT *, count(*) OVER () FROM (\(grouped)) ORDER BY weight DESC, subject LIMIT ? OFFSET ?",
                arguments: conditions.arguments + StatementArguments(page))
            var total = 0
            let workloads = try rows.compactMap { row -> WorkloadRisk? in
                total = row[8]
                guard let subject = try Self.subject(db, row[0]) else { return nil }
                var counts: [Severity: Int] = [:]
                for severity in Severity.allCases {
                    let count: Int = row[2 + severity.rawValue]
                    if count > 0 { counts[severity] = count }
                }
                return WorkloadRisk(subject: subject, weight: row[1], bySeverity: counts)
            }
            return WorkloadPage(workloads: workloads, total: total)
        }
    }

    /// Hands over every finding that matches, in batches of at most 1,000, the findings of one object one after the
    /// other. Each batch is a view of its own: what changes meanwhile may be seen or not, but nothing is seen twice.
    package func forEachBatch(
        _ filter: FindingFilter = FindingFilter(), _ body: ([Finding]) async throws -> Void
    ) async throws {
        var place: (subject: Int64, id: Int64)? = (0, 0)
        while let from = place {
            try Task.checkCancellation()
            let (findings, next) = try await connection.read { db -> ([Finding], (subject: Int64, id: Int64)?) in
                guard let query = try FindingSelection(db, filter) else { return ([], nil) }
                let (source, conditions) = query.everything()
                let rows = try Row.fetchAll(
                    db,
                    sql: """
                        SELECT f.subject, f.id FROM \(source)
                        WHERE \(conditions.text) AND (f.subject, f.id) > (?, ?) ORDER BY f.subject, f.id LIMIT 1000
                        """, arguments: conditions.arguments + [from.subject, from.id])
                let next = rows.last.map { (subject: $0[0] as Int64, id: $0[1] as Int64) }
                return (try FindingSelection.findings(db, rows.map { $0[1] }), next)
            }
            if !findings.isEmpty { try await body(findings) }
            place = next
        }
    }

    private static func subject(_ db: Database, _ key: Int64) throws -> Subject? {
        let query = try Prepared(
            db,
            """
            SELECT s.id, s.scope, s.seen, s.report, s.live, s.name, s.api, c.name, k.kind, k.namespace
            FROM subject s JOIN scope k ON k.id = s.scope JOIN cluster c ON c.id = k.cluster WHERE s.id = ?1
            """)
        query.bind(1, key)
        guard try query.step() else { return nil }
        defer { query.reset() }
        return SubjectRow(query, cluster: 0).subject
    }
}

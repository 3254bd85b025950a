// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import GRDB

extension FindingLedger {
    /// Reports, newest first. Running and failed ones have empty summaries and are shown as what they are.
    package func reports(
        cluster: String? = nil, states: Set<Report.State> = [], limit: Int = 50, offset: Int = 0
    ) async throws -> [Report] {
        try await connection.read { db in
            var sql = Conditions("1")
            if let cluster { sql.add("c.name = ?", cluster) }
            sql.add("r.state", in: states.map(\.rawValue).sorted())
            let rows = try Row.fetchAll(
                db, sql: "\(Report.select) WHERE \(sql.text) ORDER BY r.id DESC LIMIT ? OFFSET ?",
                arguments: sql.arguments + [max(0, min(limit, Self.pageLimit)), max(0, offset)])
            return rows.map { Report(row: $0) }
        }
    }

    package func reportCount(cluster: String? = nil, states: Set<Report.State> = []) async throws -> Int {
        try await connection.read { db in
            var sql = Conditions("1")
            if let cluster { sql.add("c.name = ?", cluster) }
            sql.add("r.state", in: states.map(\.rawValue).sorted())
            return try Int.fetchOne(
                db,
                sql: "SELECT count(*) FROM report r JOIN cluster c ON c.id = r.cluster WHERE \(sql.text)",
                arguments: sql.arguments) ?? 0
        }
    }

    package func report(_ id: Int64) async throws -> Report? {
        try await connection.read { try Self.report($0, id) }
    }

    /// The last complete reports, oldest first: what a trend is drawn from.
    package func trend(cluster: String? = nil, limit: Int = 30) async throws -> [Report] {
        try await reports(cluster: cluster, states: [.complete], limit: limit).reversed()
    }

    /// The problems that a complete report showed, worst first. A problem that an exemption covered is none.
    package func problems(in id: Int64, limit: Int = 100, offset: Int = 0) async throws -> [ReportedProblem] {
        try await connection.read { db in
            let report = try Self.complete(db, id)
            let cluster = try Self.cluster(db, of: id)
            let rows = try Row.fetchAll(
                db,
                sql: """
                    WITH shown (finding, severity) AS (
                        SELECT finding, severity FROM presence
                        WHERE cluster = ?1 AND last >= ?2 AND first <= ?2 AND exempt = 0
                        UNION ALL
                        SELECT id, severity FROM finding WHERE cluster = ?1 AND since <= ?2 AND status <> 2),
                    w AS (SELECT * FROM shown ORDER BY severity DESC, finding LIMIT ?3 OFFSET ?4)
                    SELECT w.severity AS was, \(ReportedProblem.columns)
                    FROM w \(ReportedProblem.joins) ORDER BY w.severity DESC, w.finding
                    """,
                arguments: [cluster, report.id, max(0, min(limit, Self.pageLimit)), max(0, offset)])
            return rows.map { ReportedProblem(row: $0, severity: $0["was"]) }
        }
    }

    static func report(_ db: Database, _ id: Int64) throws -> Report? {
        try Row.fetchOne(db, sql: "\(Report.select) WHERE r.id = ?", arguments: [id]).map { Report(row: $0) }
    }

    /// A report that may be shown as a whole.
    static func complete(_ db: Database, _ id: Int64) throws -> Report {
        guard let report = try report(db, id) else { throw StoreError(.notFound, "there is no report \(id)") }
        guard report.state == .complete else {
            throw StoreError(.incomplete, "report \(id) is \(report.state.rawValue): it shows only a part")
        }
        return report
    }

    static func cluster(_ db: Database, of report: Int64) throws -> Int64 {
        try Int64.fetchOne(db, sql: "SELECT cluster FROM report WHERE id = ?", arguments: [report]) ?? 0
    }
}

/// A problem as a report showed it.
package struct ReportedProblem: Sendable {
    package var fingerprint: Fingerprint
    package var checkID: String
    /// As it was in the report.
    package var severity: Severity
    package var subject: Subject
    package var container: String
    /// As it is now.
    package var status: Finding.Status

    static let columns = """
        f.high, f.low, f.status, f.container, x.code, s.name, s.api, k.kind, k.namespace, c.name AS cluster
        """
    static let joins = """
        JOIN finding f ON f.id = w.finding JOIN subject s ON s.id = f.subject JOIN scope k ON k.id = s.scope \
        JOIN cluster c ON c.id = k.cluster JOIN chk x ON x.id = f.chk
        """

    init(row: Row, severity: Int64) {
        fingerprint = Fingerprint(
            high: UInt64(bitPattern: row["high"] as Int64), low: UInt64(bitPattern: row["low"] as Int64))
        checkID = row["code"]
        self.severity = Code.severity(severity)
        subject = Subject(
            cluster: row["cluster"], apiVersion: row["api"], kind: row["kind"], namespace: row["namespace"],
            name: row["name"])
        container = row["container"]
        status = Code.status(row["status"])
    }
}

extension Report {
    static let select = "SELECT r.*, c.name AS cluster_name FROM report r JOIN cluster c ON c.id = r.cluster"

    init(row: Row) {
        self.init(
            id: row["id"], cluster: row["cluster_name"], trigger: Trigger(rawValue: row["trigger"]) ?? .demand,
            state: State(rawValue: row["state"]) ?? .failed, started: row["started"], finished: row["finished"],
            summary: Code.summary(objects: row["objects"], subjects: row["subjects"], counts: row["counts"]),
            message: row["message"])
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import GRDB
import Logging

/// Remembers findings over time: one for each fingerprint, however often and by whatever run it is seen.
///
/// A finding is `new`, `inProgress` when a user says so, `suppressed` while an exemption covers it, `resolved` when its
/// object shows it no longer; one that returns is `new` again, counted in `reopened`. First and last seen survive
/// everything but the retention. `Store.md` tells how reports are kept.
package final class FindingLedger: InspectionRecorder {
    let connection: Connection

    init(_ connection: Connection) { self.connection = connection }

    /// Fails the reports that the last process left running.
    func recover() throws {
        try connection.changeBlocking { write in
            let left = try Row.fetchAll(
                write.db,
                sql: """
                    SELECT report.id, cluster.name FROM report JOIN cluster ON cluster.id = report.cluster
                    WHERE state = 'running'
                    """)
            for row in left {
                try write.close(report: row["id"], .failed, message: "interrupted")
                try write.log(
                    InspectionEvent(
                        name: .reportFailed, report: row["id"], cluster: row["name"], message: "interrupted"))
            }
        }
    }

    package func beginReport(cluster: String, trigger: Report.Trigger) async throws -> Int64 {
        try await connection.change { write in
            let key = try write.cluster(cluster)
            let running = try write.running(key)
            guard running == 0 else {
                let place = cluster.isEmpty ? "" : " of \(cluster)"
                throw StoreError(.busy, "an inspection\(place) is running already (report \(running))")
            }
            try write.db.execute(
                sql: """
                    INSERT INTO report (cluster, trigger, state, started, objects, subjects, counts, message)
                    VALUES (?, ?, 'running', ?, 0, 0, '', '')
                    """, arguments: [key, trigger.rawValue, write.now])
            let id = write.db.lastInsertedRowID
            write.memo.running[key] = id
            try write.log(
                InspectionEvent(name: .reportStarted, report: id, cluster: cluster, message: trigger.rawValue))
            return id
        }
    }

    package func record(_ objects: [InspectedObject], report: Int64?) async throws {
        guard !objects.isEmpty || report != nil else { return }
        try await connection.change { try $0.record(objects, report: report) }
    }

    package func forget(_ subjects: [Subject]) async throws {
        guard !subjects.isEmpty else { return }
        try await connection.change { write in
            try write.lapse()
            for subject in subjects { try write.forget(subject) }
        }
    }

    /// At the end of an audit by constraints: resolves what they found on objects of a cluster that have not been recorded
    /// since `time`, in seconds since 1970.
    package func settleConstraints(cluster: String, before time: Int64) async throws {
        try await connection.change { write in
            try write.lapse()
            let key = try write.cluster(cluster)
            let query = try Prepared(
                write.db,
                """
                SELECT s.id, s.scope, s.seen, s.report, s.live, s.name, s.api, c.name, k.kind, k.namespace
                FROM scope k JOIN subject s ON s.scope = k.id JOIN cluster c ON c.id = k.cluster
                WHERE k.cluster = ?1 AND k.grp LIKE ?2 AND s.seen < ?3
                    AND EXISTS (SELECT 1 FROM finding f WHERE f.subject = s.id AND f.status < ?4)
                """)
            query.bind(1, key)
            query.bind(2, "%" + Subject.constraintsGroup)
            query.bind(3, time)
            query.bind(4, Code.status(.resolved))
            var rows: [SubjectRow] = []
            while try query.step() { rows.append(SubjectRow(query, cluster: key)) }
            for row in rows {
                for finding in try write.findings(of: row.id) where finding.isOpen {
                    try write.resolve(finding, of: row, report: nil)
                }
            }
        }
    }

    package func finishReport(_ id: Int64, summary: Summary) async throws {
        try await connection.change { write in
            let cluster = try write.runningCluster(of: id)
            try write.lapse()
            try write.resolveUnseen(report: id, cluster: cluster.key)
            try write.close(report: id, .complete, summary: summary)
            try write.log(
                InspectionEvent(
                    name: .reportFinished, report: id, cluster: cluster.name, message: "score \(summary.score)"))
        }
        do {
            try await prune()
        } catch let error as StoreError {
            // The report is stored; what is too old goes the next time.
            connection.logger.warning("old findings and reports could not be dropped: \(error)")
        }
    }

    package func failReport(_ id: Int64, message: String) async throws {
        try await connection.change { write in
            let cluster = try write.runningCluster(of: id)
            let message = Code.clip(message, 2_000)
            try write.close(report: id, .failed, message: message)
            try write.log(
                InspectionEvent(name: .reportFailed, report: id, cluster: cluster.name, message: message))
        }
    }

    package func exemptions() async throws -> [Exemption] {
        let now = connection.now()
        return try await allExemptions().filter { $0.expiry.map { $0 > now } ?? true }
    }
}

extension LedgerWrite {
    func runningCluster(of report: Int64) throws -> (key: Int64, name: String) {
        let row = try Row.fetchOne(
            db,
            sql: """
                SELECT cluster.id, cluster.name, state FROM report JOIN cluster ON cluster.id = report.cluster
                WHERE report.id = ?
                """, arguments: [report])
        guard let row, row["state"] == Report.State.running.rawValue else {
            let state: String = row?["state"] ?? "unknown"
            throw StoreError(.notRunning, "report \(report) is not running (\(state))")
        }
        return (row["id"], row["name"])
    }

    func close(report: Int64, _ state: Report.State, summary: Summary = Summary(), message: String = "") throws {
        try db.execute(
            sql: """
                UPDATE report SET state = ?, finished = ?, objects = ?, subjects = ?, counts = ?, message = ?
                WHERE id = ?
                """,
            arguments: [
                state.rawValue, now, summary.objects, summary.subjects, Code.counts(summary), message, report,
            ])
        memo.running.removeAll()
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Crypto
import Findings
import GRDB

extension AdmissionLog {
    /// Keeps a batch: the log, the counts, the findings and the sender's number in one transaction, so that they agree
    /// after any crash and a batch that comes twice is kept once.
    package func keep(_ batch: AdmissionBatch) async throws {
        guard batch.sender.utf8.count <= 128, batch.first >= 0 else {
            throw StoreError(.invalid, "a sender's name has at most 128 bytes, and its numbers are not negative")
        }
        try await connection.change { write in
            var records = batch.records[...]
            if !batch.sender.isEmpty {
                let known = try Int64.fetchOne(
                    write.db, sql: "SELECT number FROM admission_sender WHERE name = ?", arguments: [batch.sender])
                if let known, known >= batch.first {
                    records = records.dropFirst(Int(clamping: known - batch.first + 1))
                }
                let last = batch.first + Int64(batch.records.count) - 1
                try write.db.execute(
                    sql: """
                        INSERT INTO admission_sender VALUES (?1, ?2, ?3)
                        ON CONFLICT (name) DO UPDATE SET number = max(number, ?2), seen = ?3
                        """, arguments: [batch.sender, last, write.now])
            }
            try write.keep(records)
        }
    }

    /// Resolves the findings of workloads that were not refused again for long.
    package func rest() async throws {
        try await connection.change { write in
            let before = write.now - self.limits.quiet
            let query = try Prepared(
                write.db,
                """
                SELECT s.id, s.scope, s.seen, s.report, s.live, s.name, s.api, c.name, k.kind, k.namespace, k.cluster
                FROM scope k JOIN subject s ON s.scope = k.id JOIN cluster c ON c.id = k.cluster
                WHERE k.grp = ?1 AND s.seen <= ?2
                    AND EXISTS (SELECT 1 FROM finding f WHERE f.subject = s.id AND f.status < ?3)
                """)
            query.bind(1, AdmissionDecision.group)
            query.bind(2, before)
            query.bind(3, Code.status(.resolved))
            var rows: [SubjectRow] = []
            while try query.step() { rows.append(SubjectRow(query, cluster: query.int(10))) }
            for row in rows {
                for finding in try write.findings(of: row.id) where finding.isOpen {
                    try write.resolve(finding, of: row, report: nil)
                }
            }
        }
    }

    func prune() async throws {
        let now = connection.now()
        try await connection.write { db in
            try db.execute(
                sql: "DELETE FROM admission_rate WHERE minute < ?", arguments: [now - self.limits.rateDays * 86_400])
            // A spool that was silent for so long is gone with its replica.
            try db.execute(sql: "DELETE FROM admission_sender WHERE seen < ?", arguments: [now - 30 * 86_400])
        }
    }
}

extension LedgerWrite {
    fileprivate func keep(_ records: ArraySlice<AdmissionRecord>) throws {
        let stream = try LogStore.intern(db, stream: AdmissionLog.stream)
        for record in records {
            switch record {
            case .decision(let decision):
                let decision = decision.bounded
                try append(decision, stream: stream)
                if !decision.dryRun { try show(decision) }
            case .clean(let workload, _):
                try self.record([InspectedObject(subject: workload, results: [])], report: nil)
            case .tally(let tally): try add(tally)
            }
        }
    }

    private func append(_ decision: AdmissionDecision, stream: Int64) throws {
        let insert = try Prepared(db, LogStore.insert)
        insert.bind(1, stream)
        insert.bind(2, decision.time / 1000)
        insert.bind(3, decision.action.rawValue)
        insert.bind(4, decision.check.map { Int64($0.severity.rawValue) })
        insert.bind(5, Code.outcome(decision.outcome))
        insert.bind(6, decision.check?.id ?? "")
        insert.bind(7, decision.subject.cluster)
        insert.bind(8, decision.subject.apiVersion)
        insert.bind(9, decision.subject.kind)
        insert.bind(10, decision.subject.namespace)
        insert.bind(11, decision.subject.name)
        insert.bind(12, bytes: decision.json)
        try insert.run()
    }

    /// What the workload shows at admission now: the last judgement counts.
    private func show(_ decision: AdmissionDecision) throws {
        let subject = decision.admission
        var results: [CheckResult] = []
        if let check = decision.check {
            let none = AdmissionDecision.Reason(policy: decision.policy, message: check.title)
            for reason in decision.reasons.isEmpty ? [none] : decision.reasons {
                let by = reason.policy.isEmpty ? "" : " (policy \(reason.policy))"
                results.append(
                    CheckResult(
                        check: check, outcome: decision.outcome, subject: subject, container: reason.container,
                        message: reason.message + by, path: reason.path, value: reason.value,
                        fingerprint: Fingerprint(admission: subject, reason)))
            }
        }
        try record([InspectedObject(subject: subject, results: results)], report: nil)
    }

    private func add(_ tally: AdmissionTally) throws {
        guard tally.count > 0 else { return }
        let add = try Prepared(
            db,
            """
            INSERT INTO admission_rate VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            ON CONFLICT (minute, policy, action) DO UPDATE SET
                count = count + ?4, changed = changed + ?5, microseconds = microseconds + ?6
            """)
        add.bind(1, tally.minute)
        add.bind(2, Code.clip(tally.policy, 253))
        add.bind(3, tally.action.rawValue)
        add.bind(4, Int64(tally.count))
        add.bind(5, Int64(tally.changed))
        add.bind(6, Int64(tally.microseconds))
        try add.run()
    }
}

extension AdmissionDecision {
    /// The check that it is a problem of; nil when it is none.
    fileprivate var check: Check? {
        switch action {
        case .deny: AdmissionChecks.refused
        case .warn, .audit: AdmissionChecks.below
        case .error: AdmissionChecks.unjudged
        // An allowed request with reasons, as after an exemption, is a record and no problem.
        case .allow: nil
        }
    }

    fileprivate var outcome: Outcome {
        switch action {
        case .deny: .fail
        case .warn, .audit: .warn
        case .error: .error
        case .allow: .pass
        }
    }
}

extension Fingerprint {
    /// Of a finding of admission: the workload, the policy, the container and the field.
    fileprivate init(admission subject: Subject, _ reason: AdmissionDecision.Reason) {
        var hash = SHA256()
        // A byte that no UTF-8 text holds keeps the parts apart.
        for part in [
            subject.cluster, String(subject.group), subject.kind, subject.namespace, subject.name, reason.policy,
            reason.container, reason.path,
        ] {
            hash.update(data: Array(part.utf8) + [.max])
        }
        self = hash.finalize().withUnsafeBytes { digest in
            Fingerprint(
                high: UInt64(bigEndian: digest.loadUnaligned(fromByteOffset: 0, as: UInt64.self)),
                low: UInt64(bigEndian: digest.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
        }
    }
}

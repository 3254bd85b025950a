// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import GRDB

/// A subject's row, with what is needed to move and count its findings.
struct SubjectRow {
    var id: Int64
    var scope: Int64
    var cluster: Int64
    var seen: Int64
    var report: Int64
    var live: Int64
    var subject: Subject
}

extension LedgerWrite {
    /// Replaces what the objects showed. See `InspectionRecorder`.
    func record(_ objects: [InspectedObject], report: Int64?) throws {
        try lapse()
        var cluster: (key: Int64, name: String)?
        if let report { cluster = try runningCluster(of: report) }
        for object in objects {
            if let cluster, cluster.name != object.subject.cluster {
                throw StoreError(
                    .invalid,
                    "\(object.subject.display) of cluster \"\(object.subject.cluster)\" cannot be recorded in a report "
                        + "of cluster \"\(cluster.name)\"")
            }
            try record(object, report: report)
        }
    }

    private func record(_ object: InspectedObject, report: Int64?) throws {
        let problems = object.results.filter { $0.outcome.isProblem || ($0.outcome == .skip && $0.exemption != nil) }
        let cluster = try cluster(object.subject.cluster)
        let scope = try scope(of: object.subject, cluster: cluster)
        var row: SubjectRow
        var known: [FindingRow] = []
        if let found = try find(object.subject, scope: scope, cluster: cluster) {
            row = found
            known = try findings(of: row.id)
            if let report, row.report == report { try retract(known, from: report) }
        } else {
            if problems.isEmpty { return }
            row = try insert(object.subject, scope: scope, cluster: cluster)
        }
        var place = [Fingerprint: Int](minimumCapacity: known.count + problems.count)
        for (index, finding) in known.enumerated() { place[finding.fingerprint] = index }
        var shown = [Bool](repeating: false, count: known.count)
        let covering = try inForce(over: object.subject)
        for result in problems {
            if let index = place[result.fingerprint] {
                // Twice in one object: the first counts.
                if index < 0 || shown[index] { continue }
                shown[index] = true
                try show(result, as: known[index], on: row, from: row, report: report, covering)
            } else {
                place[result.fingerprint] = -1
                if let (finding, home) = try elsewhere(result.fingerprint, than: row.id) {
                    try show(result, as: finding, on: row, from: home, report: report, covering)
                } else {
                    try add(result, on: row, report: report, covering)
                }
            }
        }
        for (index, finding) in known.enumerated() where !shown[index] && finding.isOpen {
            try resolve(finding, of: row, report: report)
        }
        try see(row, api: object.subject.apiVersion, report: report)
    }

    /// Takes findings that are not shown any more out of a report which sees their object again.
    private func retract(_ findings: [FindingRow], from report: Int64) throws {
        let statements = [
            try Prepared(db, "DELETE FROM presence WHERE finding = ?1 AND last = ?2 AND first = ?2"),
            try Prepared(db, "UPDATE presence SET last = ?2 - 1 WHERE finding = ?1 AND last = ?2"),
        ]
        for finding in findings where finding.since == nil {
            for statement in statements {
                statement.bind(1, finding.id)
                statement.bind(2, report)
                try statement.run()
            }
        }
    }

    /// Resolves everything that an object showed.
    func forget(_ subject: Subject) throws {
        let cluster = try cluster(subject.cluster)
        let scope = try scope(of: subject, cluster: cluster)
        guard let row = try find(subject, scope: scope, cluster: cluster) else { return }
        for finding in try findings(of: row.id) where finding.isOpen {
            try resolve(finding, of: row, report: nil)
        }
    }

    /// At the end of a report: resolves what objects showed that neither the report nor anything since its start saw;
    /// and takes objects that were only seen outside of the report out of its list. What admission refused, what
    /// constraints say and what images hold is no business of a report.
    func resolveUnseen(report: Int64, cluster: Int64) throws {
        let query = try Prepared(
            db,
            """
            SELECT s.id, s.scope, s.seen, s.report, s.live, s.name, s.api, c.name, k.kind, k.namespace
            FROM scope k JOIN subject s ON s.scope = k.id JOIN cluster c ON c.id = k.cluster
            WHERE k.cluster = ?1 AND s.report <> ?2 AND k.grp <> ?3 AND k.grp NOT LIKE ?4 AND k.grp NOT LIKE ?5
            """)
        query.bind(1, cluster)
        query.bind(2, report)
        query.bind(3, AdmissionDecision.group)
        query.bind(4, "%" + Subject.constraintsGroup)
        query.bind(5, "%" + Subject.imagesGroup)
        var rows: [SubjectRow] = []
        while try query.step() { rows.append(SubjectRow(query, cluster: cluster)) }
        for row in rows {
            for finding in try findings(of: row.id) where finding.isOpen {
                if row.live != report {
                    try resolve(finding, of: row, report: nil)
                } else if finding.since != nil {
                    var hidden = finding
                    try leave(&hidden, last: row.report)
                    try hidden.update(self, words: nil)
                }
            }
        }
    }
}

// MARK: - Subjects

extension SubjectRow {
    /// From columns id, scope, seen, report, live, name, api, cluster's name, kind, namespace.
    init(_ row: Prepared, cluster: Int64, from start: Int32 = 0) {
        self.init(
            id: row.int(start), scope: row.int(start + 1), cluster: cluster, seen: row.int(start + 2),
            report: row.int(start + 3), live: row.int(start + 4),
            subject: Subject(
                cluster: row.text(start + 7), apiVersion: row.text(start + 6), kind: row.text(start + 8),
                namespace: row.text(start + 9), name: row.text(start + 5)))
    }
}

extension LedgerWrite {
    func find(_ subject: Subject, scope: Int64, cluster: Int64) throws -> SubjectRow? {
        let query = try prepared(
            .findSubject, "SELECT id, seen, report, live, api FROM subject WHERE scope = ?1 AND name = ?2")
        query.bind(1, scope)
        query.bind(2, subject.name)
        guard try query.step() else { return nil }
        defer { query.reset() }
        var kept = subject
        kept.apiVersion = query.text(4)
        return SubjectRow(
            id: query.int(0), scope: scope, cluster: cluster, seen: query.int(1), report: query.int(2),
            live: query.int(3), subject: kept)
    }

    private func insert(_ subject: Subject, scope: Int64, cluster: Int64) throws -> SubjectRow {
        let add = try prepared(
            .insertSubject, "INSERT INTO subject (scope, seen, report, live, name, api) VALUES (?1, ?2, 0, 0, ?3, ?4)")
        add.bind(1, scope)
        add.bind(2, now)
        add.bind(3, subject.name)
        add.bind(4, subject.apiVersion)
        try add.run()
        return SubjectRow(
            id: db.lastInsertedRowID, scope: scope, cluster: cluster, seen: now, report: 0, live: 0, subject: subject)
    }

    /// Notes that it was recorded now.
    private func see(_ row: SubjectRow, api: String, report: Int64?) throws {
        var seen = row
        seen.seen = now
        if let report { seen.report = report } else { seen.live = try running(row.cluster) }
        if seen.seen == row.seen, seen.report == row.report, seen.live == row.live, row.subject.apiVersion == api {
            return
        }
        let update = try prepared(
            .seeSubject, "UPDATE subject SET seen = ?1, report = ?2, live = ?3, api = ?4 WHERE id = ?5")
        update.bind(1, seen.seen)
        update.bind(2, seen.report)
        update.bind(3, seen.live)
        update.bind(4, api)
        update.bind(5, seen.id)
        try update.run()
    }

    func findings(of subject: Int64) throws -> [FindingRow] {
        let query = try prepared(
            .findings, "SELECT \(FindingRow.columns) FROM finding f WHERE f.subject = ?1 ORDER BY f.id")
        query.bind(1, subject)
        var rows: [FindingRow] = []
        while try query.step() { rows.append(FindingRow(query)) }
        return rows
    }

    /// A finding that another subject showed last: an object may change its kind's group or be renamed under an
    /// identity that stays.
    private func elsewhere(_ fingerprint: Fingerprint, than subject: Int64) throws -> (FindingRow, SubjectRow)? {
        let query = try prepared(
            .elsewhere,
            """
            SELECT \(FindingRow.columns), s.id, s.scope, s.seen, s.report, s.live, s.name, s.api
            FROM finding f JOIN subject s ON s.id = f.subject WHERE f.high = ?1 AND f.low = ?2
            """)
        query.bind(1, Int64(bitPattern: fingerprint.high))
        query.bind(2, Int64(bitPattern: fingerprint.low))
        guard try query.step() else { return nil }
        defer { query.reset() }
        let row = FindingRow(query)
        let start = FindingRow.width
        let home = SubjectRow(
            id: query.int(start), scope: query.int(start + 1), cluster: row.cluster, seen: query.int(start + 2),
            report: query.int(start + 3), live: query.int(start + 4),
            subject: Subject(apiVersion: query.text(start + 6), kind: "", name: query.text(start + 5)))
        return (row, home)
    }
}

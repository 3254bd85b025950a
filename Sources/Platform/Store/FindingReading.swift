// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import GRDB

extension FindingLedger {
    /// The most rows that one page holds.
    package static let pageLimit = 1_000

    /// One page of the findings that match, and how many match in all.
    package func findings(
        _ filter: FindingFilter = FindingFilter(), sort: FindingSort = .severity, limit: Int = 50, offset: Int = 0
    ) async throws -> FindingPage {
        let limit = max(0, min(limit, Self.pageLimit))
        let offset = max(0, offset)
        return try await connection.read { db in
            guard let query = try FindingSelection(db, filter) else { return FindingPage(findings: [], total: 0) }
            let groups = try query.groups(db)
            let total = groups.reduce(0) { $0 + $1.count }
            guard limit > 0, offset < total else { return FindingPage(findings: [], total: total) }
            let rows = try query.page(db, sort, limit: limit, offset: offset, groups: groups)
            return FindingPage(findings: rows, total: total)
        }
    }

    package func finding(_ fingerprint: Fingerprint) async throws -> Finding? {
        try await connection.read { try Self.finding($0, fingerprint) }
    }

    static func finding(_ db: Database, _ fingerprint: Fingerprint) throws -> Finding? {
        let row = try Row.fetchOne(
            db, sql: "\(FindingSelection.select) WHERE f.high = ? AND f.low = ? AND f.status < \(Code.archived)",
            arguments: [Int64(bitPattern: fingerprint.high), Int64(bitPattern: fingerprint.low)])
        return row.map { Finding(row: $0) }
    }

    /// Everything known about one object, open findings first and the worst first, at most 10,000. The API version does
    /// not matter, only its group; an empty `apiVersion` means any group.
    package func workload(_ subject: Subject) async throws -> [Finding] {
        try await connection.read { db in
            var sql = Conditions(
                "c.name = ? AND k.namespace = ? AND k.kind = ? AND s.name = ? AND f.status < \(Code.archived)",
                Code.withoutZero(subject.cluster), Code.withoutZero(subject.namespace), Code.withoutZero(subject.kind),
                Code.withoutZero(subject.name))
            if !subject.apiVersion.isEmpty { sql.add("k.grp = ?", String(subject.group)) }
            let rows = try Row.fetchAll(
                db,
                sql: """
                    \(FindingSelection.select) WHERE \(sql.text)
                    ORDER BY f.status = 3, f.severity DESC, f.chk, f.container, f.id LIMIT 10000
                    """, arguments: sql.arguments)
            return rows.map { Finding(row: $0) }
        }
    }

    /// How many findings match, by their properties.
    package func counts(_ filter: FindingFilter = FindingFilter()) async throws -> FindingCounts {
        try await connection.read { db in
            var counts = FindingCounts()
            guard let query = try FindingSelection(db, filter) else { return counts }
            let names = try Names(db)
            for group in try query.groups(db) {
                counts.total += group.count
                counts.bySeverity[Code.severity(group.severity), default: 0] += group.count
                counts.byStatus[Code.status(group.status), default: 0] += group.count
                counts.byOutcome[Code.outcome(group.outcome), default: 0] += group.count
                counts.byCheck[names.checks[group.check] ?? "", default: 0] += group.count
                guard let scope = names.scopes[group.scope] else { continue }
                counts.byNamespace[scope.namespace, default: 0] += group.count
                counts.byKind[scope.kind, default: 0] += group.count
                counts.byCluster[scope.cluster, default: 0] += group.count
            }
            return counts
        }
    }

    /// The namespaces with the heaviest open failures and warnings, heaviest first.
    package func worstNamespaces(limit: Int = 10, cluster: String? = nil) async throws -> [NamespaceRisk] {
        struct Place: Hashable {
            var cluster: String
            var namespace: String
        }
        return try await connection.read { db in
            var filter = FindingFilter.open
            filter.outcomes = [.fail, .warn]
            filter.cluster = cluster
            guard let query = try FindingSelection(db, filter) else { return [] }
            let names = try Names(db)
            var risks: [Place: NamespaceRisk] = [:]
            for group in try query.groups(db) {
                guard let scope = names.scopes[group.scope] else { continue }
                let place = Place(cluster: scope.cluster, namespace: scope.namespace)
                let severity = Code.severity(group.severity)
                var risk =
                    risks[place]
                    ?? NamespaceRisk(cluster: place.cluster, namespace: place.namespace, weight: 0, bySeverity: [:])
                risk.weight += severity.weight * group.count
                risk.bySeverity[severity, default: 0] += group.count
                risks[place] = risk
            }
            let sorted = risks.values.sorted {
                ($1.weight, $0.cluster, $0.namespace) < ($0.weight, $1.cluster, $1.namespace)
            }
            return Array(sorted.prefix(max(0, limit)))
        }
    }

    /// A user says that a finding is being worked on, or takes that back. A finding that is suppressed or resolved has
    /// no such choice.
    @discardableResult
    package func setStatus(_ fingerprint: Fingerprint, _ status: Finding.Status, by: String) async throws -> Finding {
        guard status == .new || status == .inProgress else {
            throw StoreError(.invalid, "a user sets a finding to new or inProgress, not to \(status.rawValue)")
        }
        return try await connection.change { write in
            let query = try Prepared(
                write.db, "SELECT \(FindingRow.columns) FROM finding f WHERE f.high = ?1 AND f.low = ?2")
            query.bind(1, Int64(bitPattern: fingerprint.high))
            query.bind(2, Int64(bitPattern: fingerprint.low))
            guard try query.step() else { throw StoreError(.notFound, "there is no finding \(fingerprint)") }
            let old = FindingRow(query)
            query.reset()
            guard old.isOpen, !old.isExempt, let before = try Self.finding(write.db, fingerprint) else {
                throw StoreError(
                    .invalid,
                    "finding \(fingerprint) is \(Code.status(old.status).rawValue): its status follows from what is "
                        + "seen and from exemptions")
            }
            var finding = old
            finding.claimed = status == .inProgress
            finding.settle()
            guard finding.status != old.status else { return before }
            try finding.update(write, words: nil)
            let scope = try Int64.fetchOne(
                write.db, sql: "SELECT scope FROM subject WHERE id = ?", arguments: [old.subject])
            write.count(from: old, scope ?? 0, to: finding, scope ?? 0)
            try write.log(.status, finding, before.subject, check: before.checkID, by: by)
            var after = before
            after.status = status
            return after
        }
    }
}

extension Severity {
    /// As `Summary.score` weighs it.
    var weight: Int { self == .unknown ? 1 : 1 << (rawValue - 1) }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import GRDB

/// How exemptions meet findings.
extension LedgerWrite {
    private static let inForceState: Int64 = 0
    private static let lapsedState: Int64 = 1
    static let removedState: Int64 = 2

    /// Ours that are in force, loaded once and kept while nothing changes.
    private func ours() throws -> [Memo.InForce] {
        if let known = memo.inForce { return known }
        let rows = try Row.fetchAll(db, sql: "SELECT * FROM exemption WHERE state = 0 AND foreign_ = 0 ORDER BY id")
        let list = rows.map { Memo.InForce(key: $0["id"], exemption: Exemption(row: $0)) }
        memo.inForce = list
        memo.nextExpiry = try Int64.fetchOne(db, sql: "SELECT min(expiry) FROM exemption WHERE state = 0")
        return list
    }

    /// Those of ours whose names fit a subject; their checks and containers are not looked at yet.
    func inForce(over subject: Subject) throws -> [Memo.InForce] {
        try ours().filter { $0.exemption.fits(subject) }
    }

    /// The exemption that covers a result: the one that the judge found, unless it was removed or has expired, or one
    /// of ours that the judge did not know yet.
    func exemption(of result: CheckResult, _ covering: [Memo.InForce]) throws -> Int64? {
        if result.outcome == .skip, let found = result.exemption, let key = try key(of: found) { return key }
        // An unanswered question stays in sight.
        guard result.outcome != .error else { return nil }
        return covering.first {
            $0.exemption.covers(
                check: result.check, subject: result.subject, container: result.container, now: now)
        }?.key
    }

    /// The key of an exemption that the judge used: ours by its id, or one of the caller's own, which is noted.
    private func key(of exemption: Exemption) throws -> Int64? {
        if let expiry = exemption.expiry, expiry <= now { return nil }
        if let known = memo.foreign[exemption] { return known }
        var noted = exemption
        if noted.id.isEmpty {
            noted.id = "x-" + String(UInt64(bitPattern: exemption.contentDigest), radix: 16)
        }
        let row = try Row.fetchOne(
            db, sql: "SELECT id, state, foreign_ FROM exemption WHERE code = ?", arguments: [noted.id])
        if let row, row["foreign_"] == 0 { return row["state"] == Self.inForceState ? row["id"] : nil }
        let key: Int64 = try write(noted, foreign: true)
        if memo.foreign.count >= Memo.foreignLimit { memo.foreign.removeAll() }
        memo.foreign[exemption] = key
        if let expiry = exemption.expiry { memo.nextExpiry = min(memo.nextExpiry ?? expiry, expiry) }
        return key
    }

    /// Adds or overwrites an exemption by its id.
    func write(_ exemption: Exemption, foreign: Bool) throws -> Int64 {
        try db.execute(
            sql: """
                INSERT INTO exemption (
                    code, state, foreign_, owner, reason, expiry, checks, cluster, namespace, kind, name, container)
                VALUES (?1, 0, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
                ON CONFLICT (code) DO UPDATE SET state = 0, owner = ?3, reason = ?4, expiry = ?5, checks = ?6,
                    cluster = ?7, namespace = ?8, kind = ?9, name = ?10, container = ?11
                """,
            arguments: [
                exemption.id, foreign, exemption.owner, exemption.reason, exemption.expiry,
                exemption.checks.joined(separator: "\n"), exemption.cluster, exemption.namespace, exemption.kind,
                exemption.name, exemption.container,
            ])
        return try Int64.fetchOne(db, sql: "SELECT id FROM exemption WHERE code = ?", arguments: [exemption.id]) ?? 0
    }

    /// Lets exemptions that have expired lapse: what they suppressed is open again, or under another one.
    func lapse() throws {
        _ = try ours()
        guard let next = memo.nextExpiry, next <= now else { return }
        let expired = try Row.fetchAll(
            db, sql: "SELECT id, code FROM exemption WHERE state = 0 AND expiry <= ?", arguments: [now])
        try db.execute(
            sql: "UPDATE exemption SET state = ? WHERE state = 0 AND expiry <= ?",
            arguments: [Self.lapsedState, now])
        forgetExemptions()
        for row in expired {
            try log(InspectionEvent(name: .exemptionExpired, exemption: row["code"]))
            try release(row["id"])
        }
    }

    /// After exemptions changed.
    func forgetExemptions() {
        memo.inForce = nil
        memo.foreign.removeAll()
    }

    /// Looks again at all that an exemption suppresses.
    func release(_ key: Int64) throws {
        let ids = try Int64.fetchAll(
            db, sql: "SELECT id FROM finding WHERE exemption = ? ORDER BY id", arguments: [key])
        try visit(ids) { finding, row, container in
            let covering = finding.outcome == Code.outcome(.error) ? [] : try inForce(over: row.subject)
            let check = try names(of: finding.check)
            let other = covering.first {
                $0.exemption.covers(check: check, subject: row.subject, container: container, now: now)
            }
            try exempt(finding, other?.key, of: row)
        }
    }

    /// Suppresses the open findings that an exemption of ours covers.
    func apply(_ exemption: Exemption, key: Int64) throws {
        let wanted = "f.status IN (0, 1) AND f.outcome IN (1, 2)"
        let ids: [Int64]
        if exemption.namespace.isEmpty, !exemption.checks.isEmpty {
            let checks = try Int64.fetchAll(db, sql: "SELECT id FROM chk").filter { key in
                let check = try names(of: key)
                return exemption.checks.contains { check.answers(to: $0) }
            }
            ids = try checks.flatMap { check in
                try Int64.fetchAll(
                    db,
                    sql: """
                        SELECT f.id FROM finding f INDEXED BY finding_order
                        WHERE f.severity IN (0, 1, 2, 3, 4, 5) AND f.chk = ? AND \(wanted)
                        """, arguments: [check])
            }.sorted()
        } else {
            var place = exemption
            place.name = ""
            let scopes = try Row.fetchAll(
                db, sql: "SELECT k.id, k.namespace, k.kind, c.name FROM scope k JOIN cluster c ON c.id = k.cluster")
            ids = try scopes.filter { row in
                let (cluster, kind, namespace): (String, String, String) = (row["name"], row["kind"], row["namespace"])
                return place.fits(
                    Subject(cluster: cluster, apiVersion: "", kind: kind, namespace: namespace, name: ""))
            }.flatMap { row in
                try Int64.fetchAll(
                    db,
                    sql: """
                        SELECT f.id FROM subject s CROSS JOIN finding f ON f.subject = s.id
                        WHERE s.scope = ? AND \(wanted)
                        """, arguments: [row["id"] as Int64])
            }.sorted()
        }
        try visit(ids) { finding, row, container in
            guard exemption.fits(row.subject) else { return }
            let check = try names(of: finding.check)
            if exemption.covers(check: check, subject: row.subject, container: container, now: now) {
                try exempt(finding, key, of: row)
            }
        }
    }

    /// Goes through open findings by key, each with its subject and container.
    private func visit(_ ids: [Int64], _ body: (FindingRow, SubjectRow, String) throws -> Void) throws {
        let query = try Prepared(
            db,
            """
            SELECT \(FindingRow.columns), s.id, s.scope, s.seen, s.report, s.live, s.name, s.api, c.name, k.kind,
                k.namespace, f.container
            FROM finding f JOIN subject s ON s.id = f.subject JOIN scope k ON k.id = s.scope
                JOIN cluster c ON c.id = k.cluster
            WHERE f.id = ?1
            """)
        for id in ids {
            query.bind(1, id)
            guard try query.step() else { continue }
            let finding = FindingRow(query)
            let row = SubjectRow(query, cluster: finding.cluster, from: FindingRow.width)
            let container = query.text(FindingRow.width + 10)
            query.reset()
            if finding.isOpen { try body(finding, row, container) }
        }
    }

    /// A check as far as exemptions need it: its id, slug and aliases.
    private func names(of key: Int64) throws -> Check {
        if let known = memo.names[key] { return known }
        let row = try Row.fetchOne(db, sql: "SELECT code, slug, aliases FROM chk WHERE id = ?", arguments: [key])
        let aliases: String = row?["aliases"] ?? ""
        let check = Check(
            id: row?["code"] ?? "", slug: row?["slug"] ?? "", area: "", title: "", severity: .unknown, why: "",
            remediation: "",
            aliases: aliases.isEmpty ? [] : [("", aliases.split(separator: "\n").map(String.init))])
        if memo.names.count >= Memo.checkLimit { memo.names.removeAll() }
        memo.names[key] = check
        return check
    }
}

extension Exemption {
    var contentDigest: Int64 {
        Code.digest(
            owner, reason, String(expiry ?? -1), checks.joined(separator: "\n"), cluster, namespace, kind, name,
            container)
    }

    init(row: Row) {
        let checks: String = row["checks"]
        self.init(
            id: row["code"], owner: row["owner"], reason: row["reason"], expiry: row["expiry"],
            checks: checks.isEmpty ? [] : checks.split(separator: "\n").map(String.init), cluster: row["cluster"],
            namespace: row["namespace"], kind: row["kind"], name: row["name"], container: row["container"])
    }
}

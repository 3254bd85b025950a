// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import GRDB

/// What scopes and checks are called, by key.
struct Names {
    var scopes: [Int64: (cluster: String, namespace: String, kind: String)] = [:]
    var checks: [Int64: String] = [:]

    init(_ db: Database) throws {
        let scopes = try Row.fetchCursor(
            db,
            sql: "SELECT k.id, c.name, k.namespace, k.kind FROM scope k JOIN cluster c ON c.id = k.cluster")
        while let row = try scopes.next() { self.scopes[row[0]] = (row[1], row[2], row[3]) }
        let checks = try Row.fetchCursor(db, sql: "SELECT id, code FROM chk")
        while let row = try checks.next() { self.checks[row[0]] = row[1] }
    }
}

/// A filter turned into SQL. What it says about clusters, namespaces, kinds and checks is first turned into keys; a
/// filter that matches no key at all gives no selection.
///
/// Without a name or text the tallies answer how many there are. A page's ids are found first, along the index of the
/// order or from the subjects of a small scope, and only then their words.
struct FindingSelection {
    static let select = """
        SELECT f.id, f.high, f.low, f.severity, f.outcome, f.status, f.first_seen, f.resolved_at, f.reopened, f.container, \
        f.message, f.path, f.value, s.name, s.api, k.kind, k.namespace, c.name AS cluster, x.code, e.code AS exemption, \
        CASE WHEN f.status < 3 THEN s.seen ELSE f.last_seen END AS last_seen \
        FROM finding f JOIN subject s ON s.id = f.subject JOIN scope k ON k.id = s.scope \
        JOIN cluster c ON c.id = k.cluster JOIN chk x ON x.id = f.chk LEFT JOIN exemption e ON e.id = f.exemption
        """

    struct Group {
        var scope: Int64
        var check: Int64
        var severity: Int64
        var status: Int64
        var outcome: Int64
        var count: Int
    }

    /// Keys of the scopes that match, as a JSON array; nil when all do.
    private var scopes: String?
    private var checks: [Int64]?
    private let filter: FindingFilter
    /// A scope with more findings than this is not gone through subject by subject.
    private static let smallScope = 20_000

    init?(_ db: Database, _ filter: FindingFilter) throws {
        self.filter = filter
        guard filter.namespaces.count + filter.kinds.count + filter.checks.count <= 5_000 else {
            throw StoreError(.invalid, "a filter names at most 5000 namespaces, kinds and checks")
        }
        if filter.cluster != nil || !filter.namespaces.isEmpty || !filter.kinds.isEmpty {
            var sql = Conditions("1")
            if let cluster = filter.cluster { sql.add("c.name = ?", cluster) }
            sql.add("k.namespace", in: filter.namespaces.sorted())
            sql.add("lower(k.kind)", in: filter.kinds.map { $0.lowercased() }.sorted())
            let found = try Int64.fetchAll(
                db, sql: "SELECT k.id FROM scope k JOIN cluster c ON c.id = k.cluster WHERE \(sql.text)",
                arguments: sql.arguments)
            if found.isEmpty { return nil }
            scopes = "[\(found.map(String.init).joined(separator: ","))]"
        }
        guard !filter.checks.isEmpty else { return }
        let wanted = Set(filter.checks.map { $0.lowercased() })
        let rows = try Row.fetchAll(db, sql: "SELECT id, code, slug, aliases FROM chk")
        let found: [Int64] = rows.filter { row in
            let aliases: String = row["aliases"]
            return wanted.contains((row["code"] as String).lowercased()) || wanted.contains(row["slug"])
                || aliases.split(separator: "\n").contains { wanted.contains($0.lowercased()) }
        }.map { $0["id"] }
        if found.isEmpty { return nil }
        checks = found
    }

    /// How many match, by scope, check, severity, status and outcome.
    func groups(_ db: Database) throws -> [Group] {
        let sql: String
        var conditions = Conditions("f.status < \(Code.archived)")
        add(to: &conditions)
        if isPlain {
            if let scopes { conditions.add("f.scope IN (SELECT value FROM json_each(?))", scopes) }
            sql = "SELECT scope, chk, severity, status, outcome, count FROM tally f WHERE \(conditions.text)"
        } else {
            if let scopes { conditions.add("s.scope IN (SELECT value FROM json_each(?))", scopes) }
            conditions = worded(conditions)
            sql = """
                SELECT s.scope, f.chk, f.severity, f.status, f.outcome, count(*)
                FROM \(bySubject) WHERE \(conditions.text) GROUP BY s.scope, f.chk, f.severity, f.status, f.outcome
                """
        }
        let rows = try Row.fetchCursor(db, sql: sql, arguments: conditions.arguments)
        var groups: [Group] = []
        while let row = try rows.next() {
            groups.append(
                Group(scope: row[0], check: row[1], severity: row[2], status: row[3], outcome: row[4], count: row[5]))
        }
        return groups
    }

    /// All that match, object by object: the tables and the conditions.
    func everything() -> (source: String, conditions: Conditions) {
        var conditions = Conditions("f.status < \(Code.archived)")
        add(to: &conditions)
        guard scopes != nil || !isPlain else { return ("finding f INDEXED BY finding_subject", conditions) }
        if let scopes { conditions.add("s.scope IN (SELECT value FROM json_each(?))", scopes) }
        let source = """
            finding f INDEXED BY finding_subject CROSS JOIN subject s ON s.id = f.subject \
            CROSS JOIN scope k ON k.id = s.scope CROSS JOIN chk x ON x.id = f.chk
            """
        return (source, worded(conditions))
    }

    /// One page of what `groups` counted.
    func page(_ db: Database, _ sort: FindingSort, limit: Int, offset: Int, groups: [Group]) throws -> [Finding] {
        var conditions = Conditions("f.status < \(Code.archived)")
        add(to: &conditions)
        if let scopes { conditions.add("s.scope IN (SELECT value FROM json_each(?))", scopes) }
        conditions = worded(conditions)
        // What a filter for a check or namespace leaves is often of one severity: then the index goes straight there.
        let severities = Set(groups.map(\.severity))
        if severities.count == 1, let only = severities.first { conditions.add("f.severity = ?", only) }
        let order =
            switch sort {
            case .severity: "f.severity DESC, f.chk, f.status, f.id"
            // The order of ids is the order of first sight.
            case .newest: "f.id DESC"
            case .oldest: "f.id"
            case .subject: "k.cluster, k.namespace, k.kind, k.grp, s.name, f.severity DESC, f.id"
            }
        let small = groups.reduce(0) { $0 + $1.count } <= Self.smallScope
        let source: String
        if sort == .subject || !filter.name.isEmpty || (scopes != nil && small) {
            source = bySubject
        } else {
            let index = sort == .severity ? "INDEXED BY finding_order" : "NOT INDEXED"
            let more =
                scopes == nil && isPlain
                ? ""
                : """
                CROSS JOIN subject s ON s.id = f.subject CROSS JOIN scope k ON k.id = s.scope \
                CROSS JOIN chk x ON x.id = f.chk
                """
            source = "finding f \(index) \(more)"
        }
        let ids = try Int64.fetchAll(
            db, sql: "SELECT f.id FROM \(source) WHERE \(conditions.text) ORDER BY \(order) LIMIT ? OFFSET ?",
            arguments: conditions.arguments + [limit, offset])
        return try Self.findings(db, ids)
    }

    /// The findings with these keys, in their order.
    static func findings(_ db: Database, _ ids: [Int64]) throws -> [Finding] {
        let list = "[\(ids.map(String.init).joined(separator: ","))]"
        let rows = try Row.fetchCursor(
            db, sql: "\(select) WHERE f.id IN (SELECT value FROM json_each(?))", arguments: [list])
        var found: [Int64: Finding] = [:]
        while let row = try rows.next() { found[row["id"]] = Finding(row: row) }
        return ids.compactMap { found[$0] }
    }

    /// Subject by subject, along their names.
    private var bySubject: String {
        """
        scope k CROSS JOIN subject s ON s.scope = k.id CROSS JOIN finding f INDEXED BY finding_subject \
        ON f.subject = s.id CROSS JOIN chk x ON x.id = f.chk
        """
    }

    /// Whether the tallies can answer.
    private var isPlain: Bool { filter.name.isEmpty && filter.text.isEmpty }

    private func add(to conditions: inout Conditions) {
        if let checks { conditions.add("f.chk", in: checks) }
        conditions.add("f.severity", in: filter.severities.map(\.rawValue).sorted())
        conditions.add("f.status", in: filter.statuses.map { Code.status($0) }.sorted())
        conditions.add("f.outcome", in: filter.outcomes.map { Code.outcome($0) }.sorted())
    }

    private func worded(_ conditions: Conditions) -> Conditions {
        var conditions = conditions
        if filter.name.contains("*") {
            conditions.add("s.name GLOB ?", Self.glob(filter.name))
        } else if !filter.name.isEmpty {
            conditions.add("s.name = ?", filter.name)
        }
        guard !filter.text.isEmpty else { return conditions }
        let pattern = Conditions.containing(Code.clip(filter.text, 200))
        let columns = ["f.message", "f.path", "s.name", "k.namespace", "f.container", "x.code", "x.title"]
        let tests = columns.map { "\($0) LIKE ? ESCAPE '\\'" }.joined(separator: " OR ")
        conditions.add("(\(tests))", values: columns.map { _ in pattern })
        return conditions
    }

    /// Only `*` is special to us; SQLite's GLOB knows `?` and `[` too. Runs of stars are one star, so that hostile
    /// patterns stay cheap.
    private static func glob(_ pattern: String) -> String {
        var glob = ""
        for character in Code.clip(pattern, 300) {
            switch character {
            case "*": if glob.last != "*" { glob.append("*") }
            case "?": glob += "[?]"
            case "[": glob += "[[]"
            default: glob.append(character)
            }
        }
        return glob
    }
}

extension Finding {
    /// From a row of `FindingSelection.select`.
    init(row: Row) {
        self.init(
            fingerprint: Fingerprint(
                high: UInt64(bitPattern: row["high"] as Int64), low: UInt64(bitPattern: row["low"] as Int64)),
            checkID: row["code"], severity: Code.severity(row["severity"]), outcome: Code.outcome(row["outcome"]),
            subject: Subject(
                cluster: row["cluster"], apiVersion: row["api"], kind: row["kind"], namespace: row["namespace"],
                name: row["name"]),
            container: row["container"], message: row["message"], path: row["path"], value: row["value"],
            status: Code.status(row["status"]), firstSeen: row["first_seen"], lastSeen: row["last_seen"],
            resolvedAt: row["resolved_at"], reopened: row["reopened"], exemptionID: row["exemption"] ?? "")
    }
}

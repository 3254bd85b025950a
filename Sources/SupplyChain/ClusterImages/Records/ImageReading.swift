// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Foundation
import GRDB
import ImagePolicies
import ImageScanning
import Store

extension ImageRecords {
    /// The most rows that one page holds.
    package static let pageLimit = 1_000

    /// A page of the images that match, and how many match in all.
    package func images(
        _ filter: ImageFilter = ImageFilter(), limit: Int = 50, offset: Int = 0
    ) async throws -> (images: [RecordedImage], total: Int) {
        try await store.read { db in
            let (condition, arguments) = filter.condition
            let total =
                try Int.fetchOne(
                    db, sql: "SELECT count(*) FROM image_record r WHERE \(condition)", arguments: arguments) ?? 0
            let rows = try Row.fetchAll(
                db,
                sql: "SELECT * FROM image_record r WHERE \(condition) ORDER BY \(filter.order) LIMIT ? OFFSET ?",
                arguments: arguments + [max(0, min(limit, Self.pageLimit)), max(0, offset)])
            return (rows.map { RecordedImage($0) }, total)
        }
    }

    /// Nil for a digest that is not known.
    package func image(_ digest: String) async throws -> RecordedImage? {
        try await store.read { db in
            try Row.fetchOne(db, sql: "SELECT * FROM image_record WHERE digest = ?", arguments: [digest]).map {
                RecordedImage($0)
            }
        }
    }

    /// All that is known of an image; nil for a digest that is not known.
    package func detail(_ digest: String) async throws -> RecordedImageDetail? {
        try await store.read { db in
            let row = try Row.fetchOne(db, sql: "SELECT * FROM image_record WHERE digest = ?", arguments: [digest])
            guard let row else { return nil }
            let id: Int64 = row["id"]
            let vulnerabilities = try Row.fetchAll(
                db,
                sql: """
                    SELECT o.*, v.code, v.title, v.probability, v.exploited FROM image_occurrence o
                    JOIN image_vulnerability v ON v.id = o.vulnerability
                    WHERE o.image = ? ORDER BY o.severity DESC, o.fixed = '', o.package, v.code, o.path, o.version
                    """, arguments: [id])
            let problems = try Data.fetchOne(
                db, sql: "SELECT problems FROM image_content WHERE image = ?", arguments: [id])
            return RecordedImageDetail(
                image: RecordedImage(row), content: try StoredContent.read(db, of: digest),
                vulnerabilities: vulnerabilities.map { RecordedVulnerability($0) },
                uses: try Self.uses(db, of: [id], limit: 1_000)[id] ?? [],
                problems: ImageChange.problems(problems ?? Data()))
        }
    }

    /// What a workload's containers run, with the image where it is known.
    package func uses(of workload: Subject) async throws -> [(use: ImageUse, image: RecordedImage?)] {
        try await store.read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT u.container, u.reference, u.pods, u.image FROM image_workload w
                    JOIN image_use u ON u.workload = w.id
                    WHERE w.cluster = ? AND w.namespace = ? AND w.kind = ? AND w.name = ? AND w.grp = ?
                    ORDER BY u.container, u.reference, u.image
                    """,
                arguments: [
                    workload.cluster, workload.namespace, workload.kind, workload.name, String(workload.group),
                ])
            return try rows.map { row in
                let image = try Row.fetchOne(
                    db, sql: "SELECT * FROM image_record WHERE id = ?", arguments: [row["image"] as Int64]
                ).map { RecordedImage($0) }
                let use = ImageUse(
                    workload: workload, container: row["container"], reference: row["reference"],
                    digest: image?.digest ?? "", pods: row["pods"])
                return (use, image)
            }
        }
    }

    /// What runs, in numbers.
    package func totals() async throws -> ImageTotals { try await store.read { try ImageTotals($0) } }

    /// Images whose last scan failed, the next to be tried first.
    package func failures(limit: Int = 100) async throws -> [RecordedImage] {
        try await store.read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT * FROM image_record WHERE attempts > 0 AND (workloads > 0 OR wanted = 1 OR asked IS NOT NULL)
                    ORDER BY next IS NULL, next, id LIMIT ?
                    """, arguments: [max(0, min(limit, Self.pageLimit))])
            return rows.map { RecordedImage($0) }
        }
    }

    /// A point a day, oldest first; the last one is of now.
    package func trend(days: Int) async throws -> [ImageTrend] {
        let time = now()
        return try await store.read { db in
            let today = time / 86_400
            let rows = try Row.fetchAll(
                db, sql: "SELECT * FROM image_trend WHERE day > ? AND day < ? ORDER BY day",
                arguments: [today - Int64(max(1, min(days, 4_000))), today])
            var points = rows.map { row in
                ImageTrend(
                    time: row["time"], images: row["images"], vulnerabilities: Severity.counts(row, "c"),
                    fixable: row["fixable"])
            }
            let totals = try ImageTotals(db)
            points.append(
                ImageTrend(
                    time: time, images: totals.images, vulnerabilities: totals.tally.vulnerabilities,
                    fixable: totals.tally.fixable.values.reduce(0, +)))
            return points
        }
    }

    /// What admission is told of an image under a reference; nil for a digest that is not known.
    package func verdict(of digest: String, reference: String) async throws -> ImageVerdict? {
        let known = try await store.read { db -> (image: RecordedImage, worst: [ImageVerdict.Vulnerability])? in
            let row = try Row.fetchOne(db, sql: "SELECT * FROM image_record WHERE digest = ?", arguments: [digest])
            guard let row else { return nil }
            let worst = try Row.fetchAll(
                db,
                sql: """
                    SELECT v.code, o.severity, o.package, o.version, o.fixed FROM image_occurrence o
                    JOIN image_vulnerability v ON v.id = o.vulnerability
                    WHERE o.image = ? AND o.counts = 1
                    ORDER BY o.severity DESC, o.fixed = '', o.package, v.code LIMIT ?
                    """, arguments: [row["id"] as Int64, ImageVerdict.maxWorst])
            return (RecordedImage(row), worst.map { ImageVerdict.Vulnerability($0) })
        }
        guard let (image, worst) = known else { return nil }
        // What was found counts until another scan says otherwise, also when that one fails.
        let phase: ImageVerdict.Phase =
            image.judged == nil
            ? image.state == .failed ? .failed : .pending : image.tally.errors > 0 ? .incomplete : .complete
        var verdict = ImageVerdict(reference: reference, phase: phase)
        verdict.digest = digest
        verdict.resolved = now()
        verdict.scanned = image.judged ?? 0
        verdict.advisories = image.advisories ?? 0
        for severity in Severity.allCases {
            let total = image.tally.vulnerabilities[severity] ?? 0
            if total > 0 {
                verdict.vulnerabilities[severity] = .init(total: total, fixable: image.tally.fixable[severity] ?? 0)
            }
        }
        verdict.worst = worst
        verdict.malware = image.tally.malware
        verdict.secrets = image.tally.secrets
        verdict.misconfigurations = image.tally.misconfigurations
        verdict.message = image.failure.isEmpty ? image.problem : image.failure
        return verdict
    }

    /// Who runs images, by the image, those with the most pods first.
    static func uses(_ db: Database, of images: [Int64], limit: Int) throws -> [Int64: [ImageUse]] {
        let query = try db.cachedStatement(
            sql: """
                SELECT u.container, u.reference, u.pods, r.digest, w.* FROM image_use u
                JOIN image_workload w ON w.id = u.workload JOIN image_record r ON r.id = u.image
                WHERE u.image = ?
                ORDER BY u.pods DESC, w.cluster, w.namespace, w.kind, w.name, u.container, u.reference LIMIT ?
                """)
        var uses: [Int64: [ImageUse]] = [:]
        for image in images where uses[image] == nil {
            uses[image] = try Row.fetchAll(query, arguments: [image, limit]).map { row in
                ImageUse(
                    workload: Subject(workload: row), container: row["container"], reference: row["reference"],
                    digest: row["digest"], pods: row["pods"])
            }
        }
        return uses
    }
}

extension ImageFilter {
    /// What a row `r` of `image_record` must fulfil.
    fileprivate var condition: (sql: String, arguments: StatementArguments) {
        var parts: [String] = []
        var arguments = StatementArguments()
        if !includesPast { parts.append("r.workloads > 0") }
        if !text.isEmpty {
            parts.append("(r.refs LIKE ? ESCAPE '\\' OR r.digest LIKE ? ESCAPE '\\')")
            arguments += [KeptText.pattern(text), KeptText.pattern(text)]
        }
        if !namespace.isEmpty {
            parts.append(
                """
                r.id IN (SELECT u.image FROM image_workload w JOIN image_use u ON u.workload = w.id
                    WHERE w.namespace = ?)
                """)
            arguments += [namespace]
        }
        if severity != nil || onlyFixable {
            let column = onlyFixable ? "f" : "c"
            let columns = ((severity ?? .unknown).rawValue...5).map { "r.\(column)\($0)" }
            parts.append("\(columns.joined(separator: " + ")) > 0")
        }
        if onlyMalware { parts.append("r.malware > 0") }
        return (parts.isEmpty ? "1" : parts.joined(separator: " AND "), arguments)
    }

    fileprivate var order: String {
        let worst = "r.c5 DESC, r.c4 DESC, r.c3 DESC, r.c2 DESC, r.c1 DESC, r.c0 DESC"
        switch sort {
        case .worst: return "r.malware > 0 DESC, \(worst), r.secrets DESC, r.containers DESC, r.id"
        case .fixable:
            return "r.f5 DESC, r.f4 DESC, r.f3 DESC, r.f2 DESC, r.f1 DESC, r.f0 DESC, r.containers DESC, r.id"
        case .name: return "r.refs COLLATE NOCASE, r.id"
        case .scanned: return "r.judged DESC, r.id"
        }
    }
}

extension Severity {
    /// From columns like `c0` to `c5`.
    static func counts(_ row: Row, _ column: String) -> [Severity: Int] {
        var counts: [Severity: Int] = [:]
        for severity in allCases {
            let count: Int = row["\(column)\(severity.rawValue)"]
            if count > 0 { counts[severity] = count }
        }
        return counts
    }
}

extension ImageTally {
    /// From the columns of `image_record`, or sums of them.
    init(_ row: Row) {
        vulnerabilities = Severity.counts(row, "c")
        fixable = Severity.counts(row, "f")
        (malware, secrets) = (row["malware"], row["secrets"])
        (misconfigurations, errors) = (row["misconfigurations"], row["errors"])
    }
}

extension ImageTotals {
    init(_ db: Database) throws {
        let columns =
            ((0...5).map { "c\($0)" } + (0...5).map { "f\($0)" })
            + ["malware", "secrets", "misconfigurations", "errors"]
        let sums = columns.map { "coalesce(sum(\($0)), 0) AS \($0)" }.joined(separator: ", ")
        let row = try Row.fetchOne(
            db,
            sql: """
                SELECT count(*) AS images, count(judged) AS scanned, coalesce(sum(attempts > 0), 0) AS failed, \(sums)
                FROM image_record WHERE workloads > 0
                """)
        guard let row else { return }
        (images, scanned, failed) = (row["images"], row["scanned"], row["failed"])
        tally = ImageTally(row)
    }
}

extension RecordedImage {
    init(_ row: Row) {
        let (reported, attempts, wanted): (Int, Int, Bool) = (row["state"], row["attempts"], row["wanted"])
        let state: State =
            attempts > 0 ? .failed : wanted || reported == 0 ? .waiting : reported == 1 ? .complete : .incomplete
        self.init(digest: row["digest"], references: KeptText.split(row["refs"]), state: state)
        tally = ImageTally(row)
        (packages, size) = (row["packages"], row["size"])
        (containers, workloads, firstSeen) = (row["containers"], row["workloads"], row["first_seen"])
        (scanned, judged, advisories) = (row["scanned"], row["judged"], row["advisories"])
        (failure, self.attempts, next) = (row["failure"], attempts, row["next"])
        (platform, distribution, created) = (row["platform"], row["distribution"], row["created"])
        problem = row["problem"]
    }
}

extension ImageVerdict.Vulnerability {
    fileprivate init(_ row: Row) {
        self.init(
            id: row["code"], severity: Severity(rawValue: row["severity"]) ?? .unknown, package: row["package"],
            version: row["version"], fixedVersion: row["fixed"])
    }
}

extension RecordedVulnerability {
    init(_ row: Row) {
        id = row["code"]
        title = row["title"]
        severity = Severity(rawValue: row["severity"]) ?? .unknown
        (severitySource, score) = (row["source"], row["score"])
        (kind, package, version, path) = (row["kind"], row["package"], row["version"], row["path"])
        (fixedVersion, status) = (row["fixed"], StatusCode.status(row["status"]))
        (exploitProbability, isKnownExploited) = (row["probability"], row["exploited"])
        (exception, message) = (row["exception"], row["message"])
    }
}

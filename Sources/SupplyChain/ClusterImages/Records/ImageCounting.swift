// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import GRDB
import ImageScanning
import Inventory

/// What one image adds to the numbers of a vulnerability.
struct VulnerabilityLoad: Equatable {
    /// The worst that it has there.
    var severity: Int
    var isFixable: Bool
}

/// How occurrences of vulnerabilities are replaced, and counted over the images that run.
extension ImageChange {
    /// By vulnerability, what an image adds to it.
    func load(of image: Int64) throws -> [Int64: VulnerabilityLoad] {
        let query = try db.cachedStatement(
            sql: "SELECT vulnerability, severity, status FROM image_occurrence WHERE image = ? AND counts = 1")
        var loads: [Int64: VulnerabilityLoad] = [:]
        let rows = try Row.fetchCursor(query, arguments: [image])
        while let row = try rows.next() {
            let (severity, isFixable): (Int, Bool) = (row[1], row[2] == StatusCode.fixed)
            var load = loads[row[0]] ?? VulnerabilityLoad(severity: severity, isFixable: isFixable)
            load.severity = max(load.severity, severity)
            load.isFixable = load.isFixable || isFixable
            loads[row[0]] = load
        }
        return loads
    }

    /// Moves an image that runs from one number of a vulnerability to another; nil where it had or has none.
    func count(_ vulnerability: Int64, from old: VulnerabilityLoad?, to new: VulnerabilityLoad?) throws {
        var steps: [String] = []
        func step(_ column: String, _ by: Int) { if by != 0 { steps.append("\(column) = \(column) + \(by)") } }
        if old?.severity != new?.severity {
            if let old { step("n\(min(max(old.severity, 0), 5))", -1) }
            if let new { step("n\(min(max(new.severity, 0), 5))", 1) }
        }
        step("images", (new == nil ? 0 : 1) - (old == nil ? 0 : 1))
        step("fixable", (new?.isFixable == true ? 1 : 0) - (old?.isFixable == true ? 1 : 0))
        guard !steps.isEmpty else { return }
        try db.cachedStatement(
            sql: "UPDATE image_vulnerability SET \(steps.joined(separator: ", ")) WHERE id = ?"
        ).execute(arguments: [vulnerability])
        try db.cachedStatement(
            sql: """
                UPDATE image_vulnerability SET severity = CASE WHEN n5 > 0 THEN 5 WHEN n4 > 0 THEN 4 WHEN n3 > 0 THEN 3
                    WHEN n2 > 0 THEN 2 WHEN n1 > 0 THEN 1 ELSE 0 END WHERE id = ?
                """
        ).execute(arguments: [vulnerability])
    }

    private struct Place: Hashable {
        var vulnerability: Int64
        var kind: String
        var package: String
        var version: String
        var architecture: String
        var path: String
    }

    /// Writes what differs from what is there: most of an image is the same each time that it is judged.
    func replaceOccurrences(
        of image: Int64, _ vulnerabilities: [ImageVulnerability], _ ids: [String: Int64]
    ) throws {
        var known: [Place: (id: Int64, facts: OccurrenceFacts)] = [:]
        let rows = try Row.fetchCursor(
            db.cachedStatement(sql: "SELECT * FROM image_occurrence WHERE image = ?"), arguments: [image])
        var surplus: [Int64] = []
        while let row = try rows.next() {
            let place = Place(
                vulnerability: row["vulnerability"], kind: row["kind"], package: row["package"],
                version: row["version"], architecture: row["architecture"], path: row["path"])
            if let twice = known.updateValue((row["id"], OccurrenceFacts(row)), forKey: place) {
                surplus.append(twice.id)
            }
        }
        let insert = try db.cachedStatement(
            sql: """
                INSERT INTO image_occurrence (severity, status, counts, score, fixed, source, exception, message,
                    image, vulnerability, kind, package, version, architecture, path)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                """)
        let update = try db.cachedStatement(
            sql: """
                UPDATE image_occurrence SET severity = ?, status = ?, counts = ?, score = ?, fixed = ?, source = ?,
                    exception = ?, message = ? WHERE id = ?
                """)
        var written: Set<Place> = []
        for item in vulnerabilities {
            guard let id = ids[KeptText.clip(item.id, 200)] else { continue }
            let package = item.package
            let path = package.innerPath.isEmpty ? package.path : "\(package.path)!/\(package.innerPath)"
            let place = Place(
                vulnerability: id, kind: package.kind.rawValue, package: KeptText.clip(package.name, 300),
                version: KeptText.clip(package.version, 200), architecture: KeptText.clip(package.architecture, 100),
                path: KeptText.clip(path, 1_000))
            guard written.insert(place).inserted else { continue }
            let facts = OccurrenceFacts(item)
            guard let old = known.removeValue(forKey: place) else {
                try insert.execute(
                    arguments: facts.arguments + [
                        image, id, place.kind, place.package, place.version, place.architecture, place.path,
                    ])
                continue
            }
            if old.facts != facts { try update.execute(arguments: facts.arguments + [old.id]) }
        }
        let delete = try db.cachedStatement(sql: "DELETE FROM image_occurrence WHERE id = ?")
        for id in surplus + known.values.map(\.id) { try delete.execute(arguments: [id]) }
    }
}

/// What may change about a vulnerability at a place.
private struct OccurrenceFacts: Equatable {
    var severity: Int
    var status: Int
    var counts: Int
    var score: Double?
    var fixed: String
    var source: String
    var exception: String
    var message: String

    init(_ item: ImageVulnerability) {
        severity = item.severity.rawValue
        status = StatusCode.code(item.status)
        counts = item.exception == nil && item.status != .error ? 1 : 0
        score = item.score
        fixed = item.status == .fixed ? KeptText.clip(item.fixedVersions.first ?? "", 200) : ""
        source = KeptText.clip(item.severitySource, 100)
        exception = item.exception.map { KeptText.clip("\($0.source): \($0.reason)", 1_000) } ?? ""
        message = KeptText.clip(item.message, 500)
    }

    init(_ row: Row) {
        (severity, status, counts, score) = (row["severity"], row["status"], row["counts"], row["score"])
        (fixed, source) = (row["fixed"], row["source"])
        (exception, message) = (row["exception"], row["message"])
    }

    var arguments: StatementArguments { [severity, status, counts, score, fixed, source, exception, message] }
}

/// How states of vulnerabilities are stored. Numbers are never reused.
enum StatusCode {
    static let fixed = 1

    static func code(_ status: ImageVulnerability.Status) -> Int {
        switch status {
        case .affected: 0
        case .fixed: fixed
        case .wontFix: 2
        case .error: 3
        }
    }

    static func status(_ code: Int) -> ImageVulnerability.Status {
        switch code {
        case 0: .affected
        case fixed: .fixed
        case 2: .wontFix
        default: .error
        }
    }
}

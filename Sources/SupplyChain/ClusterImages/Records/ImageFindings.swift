// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Crypto
import Findings
import GRDB
import ImageScanning
import Inventory
import Store

/// The findings that follow from what images hold and who runs them.
extension ImageChange {
    /// All that a report found, on the image, in each cluster that runs it.
    func showImage(_ image: Int64, _ report: ImageReport) throws {
        let row = try Row.fetchOne(
            db, sql: "SELECT subject, shown FROM image_record WHERE id = ?", arguments: [image])
        guard let row else { return }
        // The name that it had first: another of its references must not turn every finding into another one.
        let known: String = row["subject"]
        var report = report
        if !known.isEmpty { (report.name, report.reference) = (known, known) }
        let name = KeptText.clip(report.subject.name, 800)
        let clusters = try clusters(of: image)
        let results = clusters.isEmpty ? [] : report.results
        for cluster in clusters {
            let subject = Self.subject(name, cluster)
            let own = results.map { result in
                var result = result
                result.subject = subject
                if !cluster.isEmpty { result.fingerprint = Fingerprint(of: result.fingerprint, in: cluster) }
                return result
            }
            try findings.record([InspectedObject(subject: subject, results: own)])
        }
        for gone in KeptText.split(row["shown"]) where !clusters.contains(String(gone.dropFirst())) {
            try findings.forget([Self.subject(name, String(gone.dropFirst()))])
        }
        try db.execute(
            sql: "UPDATE image_record SET subject = ?, shown = ? WHERE id = ?",
            arguments: [name, KeptText.lines(clusters.map { "=" + $0 }, 60_000), image])
    }

    /// Resolves what was found on an image.
    func hideImage(_ image: Int64) throws {
        let row = try Row.fetchOne(
            db, sql: "SELECT subject, shown FROM image_record WHERE id = ?", arguments: [image])
        guard let row else { return }
        let clusters = KeptText.split(row["shown"]).map { String($0.dropFirst()) }
        try findings.forget(clusters.map { Self.subject(row["subject"], $0) })
        try db.execute(sql: "UPDATE image_record SET shown = '' WHERE id = ?", arguments: [image])
    }

    private static func subject(_ name: String, _ cluster: String) -> Subject {
        Subject(cluster: cluster, apiVersion: Subject.imagesGroup + "/v1", kind: "Image", name: name)
    }

    /// What the workloads that run an image show for it.
    func showRunners(of image: Int64) throws {
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT * FROM image_workload WHERE id IN (SELECT workload FROM image_use WHERE image = ?) ORDER BY id
                """, arguments: [image])
        for row in rows { try show(workload: row["id"], Subject(workload: row)) }
    }

    /// What a workload shows for the images that its containers run.
    func show(workload: Int64, _ subject: Subject) throws {
        let query = try db.cachedStatement(
            sql: """
                SELECT u.container, u.reference AS reference, r.* FROM image_use u JOIN image_record r ON r.id = u.image
                WHERE u.workload = ? AND (r.state > 0 OR r.attempts > 0) ORDER BY u.container, u.reference, r.id
                """)
        let runner = subject.runningImages
        var worst: [String: CheckResult] = [:]
        var order: [String] = []
        for row in try Row.fetchAll(query, arguments: [workload]) {
            for result in Self.results(row, runner) {
                // While one image replaces another, a container runs both: the worse one is told.
                let key = "\(result.check.id) \(result.container)"
                if let other = worst[key] {
                    if other.check.severity >= result.check.severity { continue }
                } else {
                    order.append(key)
                }
                worst[key] = result
            }
        }
        try findings.record([InspectedObject(subject: runner, results: order.compactMap { worst[$0] })])
    }

    private static func results(_ row: Row, _ runner: Subject) -> [CheckResult] {
        let (container, reference, digest): (String, String, String) = (
            row["container"], row["reference"], row["digest"]
        )
        func result(_ checks: WorkloadImageChecks.BySeverity, _ severity: Int, _ outcome: Outcome, _ message: String)
            -> CheckResult
        {
            let check = checks[Severity(rawValue: severity) ?? .unknown]
            return CheckResult(
                check: check, outcome: outcome, subject: runner, container: container,
                message: "\(reference): \(message)", path: reference, value: digest,
                fingerprint: Fingerprint(runner: runner, container, check.id))
        }
        var results: [CheckResult] = []
        let counts = (0...5).map { row["c\($0)"] as Int }
        if let severity = counts.lastIndex(where: { $0 > 0 }) {
            let named = Severity.allCases.reversed().filter { counts[$0.rawValue] > 0 }
                .map { "\(counts[$0.rawValue]) \($0)" }
            let fixable = (0...5).reduce(0) { $0 + (row["f\($1)"] as Int) }
            let advice: String = row["advice"]
            let mended =
                fixable == 0
                ? "no upgrade mends any" : "\(fixable) mended by an upgrade" + (advice.isEmpty ? "" : " of \(advice)")
            results.append(
                result(
                    WorkloadImageChecks.vulnerable, severity, .fail,
                    "known vulnerabilities: \(named.joined(separator: ", ")); \(mended)"))
        }
        let (malware, secrets): (Int, Int) = (row["malware"], row["secrets"])
        if malware > 0 {
            results.append(
                result(
                    WorkloadImageChecks.infected, row["worst_malware"], .fail,
                    malware == 1 ? "one sign of malware" : "\(malware) signs of malware"))
        }
        if secrets > 0 {
            results.append(
                result(
                    WorkloadImageChecks.credentials, row["worst_secret"], .fail,
                    secrets == 1 ? "one credential" : "\(secrets) credentials"))
        }
        let (attempts, errors): (Int, Int) = (row["attempts"], row["errors"])
        if attempts > 0 {
            results.append(
                result(
                    WorkloadImageChecks.unread, Severity.medium.rawValue, .error,
                    "the scan failed: \(row["failure"] as String)"))
        } else if errors > 0 {
            let parts = errors == 1 ? "a part was" : "\(errors) parts were"
            results.append(
                result(
                    WorkloadImageChecks.unread, Severity.low.rawValue, .error,
                    "\(parts) not read or judged: \(row["problem"] as String)"))
        }
        return results
    }
}

/// The packages whose upgrade mends the worst, in words: `openssl, libxml2, zlib1g and 3 others`.
struct UpgradeAdvice {
    let text: String

    /// - Parameter vulnerabilities: worst first.
    init(_ vulnerabilities: [ImageVulnerability]) {
        var seen: Set<String> = []
        var named: [String] = []
        for item in vulnerabilities where item.exception == nil && item.status == .fixed {
            guard seen.insert(item.package.name).inserted else { continue }
            if named.count < 3 { named.append(KeptText.clip(item.package.name, 100)) }
        }
        let others = seen.count - named.count
        let list = named.joined(separator: ", ")
        text = others == 0 ? list : "\(list) and \(others) other\(others == 1 ? "" : "s")"
    }
}

extension Fingerprint {
    /// Of a finding of a workload about the images of a container.
    fileprivate init(runner: Subject, _ container: String, _ check: String) {
        self.init(parts: [
            "runner", runner.cluster, String(runner.group), runner.kind, runner.namespace, runner.name, container,
            check,
        ])
    }

    /// The same problem of the same image in one of several clusters.
    fileprivate init(of other: Fingerprint, in cluster: String) {
        self.init(parts: ["image in cluster", other.description, cluster])
    }

    private init(parts: [String]) {
        var hash = SHA256()
        // A byte that no UTF-8 text holds keeps the parts apart.
        for part in parts { hash.update(data: Array(part.utf8) + [.max]) }
        let words = hash.finalize().withUnsafeBytes { bytes in
            (bytes.loadUnaligned(as: UInt64.self), bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }
        self.init(high: UInt64(bigEndian: words.0), low: UInt64(bigEndian: words.1))
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ClusterImages
import Findings
import Foundation
import GRDB
import ImageScanning
import Inventory
import Secrets
import Store
import Synchronization
import Testing

/// Records in a store of their own, with a clock that the test moves.
final class RecordsFixture: Sendable {
    let folder: String
    private let seconds = Mutex<Int64>(1_700_000_000)

    init() { folder = NSTemporaryDirectory() + "bulwark-images-\(UUID().uuidString)" }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    var path: String { folder + "/bulwark.db" }
    var now: Int64 { seconds.withLock { $0 } }

    func advance(_ by: Int64) { seconds.withLock { $0 += by } }

    func open(_ limits: ImageRecords.Limits = ImageRecords.Limits()) throws -> (store: Store, records: ImageRecords) {
        // The store keeps the fixture, and so its folder, as long as it lives.
        let store = try Store.open(path: path, now: { self.now })
        return (store, try ImageRecords(store, limits: limits, now: { self.now }))
    }
}

/// Short ways to say images, reports and who runs them.
enum Made {
    static func digest(_ number: Int) -> String {
        let digits = String(number, radix: 16)
        return "sha256:" + String(repeating: "0", count: 64 - digits.utf8.count) + digits
    }

    static func workload(
        _ name: String, namespace: String = "shop", kind: String = "Deployment", cluster: String = "main"
    ) -> Subject {
        Subject(cluster: cluster, apiVersion: "apps/v1", kind: kind, namespace: namespace, name: name)
    }

    static func use(
        _ workload: Subject, _ image: Int, container: String = "app", pods: Int = 2, tag: String = "1"
    ) -> ImageUse {
        ImageUse(
            workload: workload, container: container, reference: reference(image, tag: tag),
            digest: image == 0 ? "" : digest(image), pods: pods)
    }

    static func reference(_ image: Int, tag: String = "1") -> String {
        "registry.example.com/shop/image-\(image):\(tag)"
    }

    static func vulnerability(
        _ id: String, _ package: String = "openssl", _ severity: Severity = .high, fixed: String = "3.0.17",
        status: ImageVulnerability.Status? = nil, exception: String = "", path: String = "var/lib/dpkg/status"
    ) -> ImageVulnerability {
        var item = ImageVulnerability(
            id: id, advisory: "DSA-\(id)", package: FoundPackage(.deb, name: package, version: "3.0.1", path: path),
            ecosystem: "Debian:12")
        item.severity = severity
        item.severitySource = "Debian"
        item.title = "\(package) can be had by \(id)"
        item.details = "Somebody who sends much."
        item.fixedVersions = fixed.isEmpty ? [] : [fixed]
        item.status = status ?? (fixed.isEmpty ? .affected : .fixed)
        item.references = ["https://example.com/\(id)"]
        item.aliases = ["GHSA-\(id)"]
        item.modified = 1_690_000_000
        item.published = 1_680_000_000
        if !exception.isEmpty { item.exception = .init(source: "vex.json", reason: exception) }
        return item
    }

    /// What reading an image told, before it was judged.
    static func scan(_ image: Int, packages: [String] = ["openssl", "zlib1g"], problem: String = "") -> ImageReport {
        var inventory = ImageInventory()
        inventory.distribution = Distribution(
            osRelease: Array("ID=debian\nVERSION_ID=12\nPRETTY_NAME=\"Debian GNU/Linux 12\"\n".utf8),
            path: "etc/os-release")
        inventory.packages = packages.map {
            var package = FoundPackage(.deb, name: $0, version: "3.0.1", path: "var/lib/dpkg/status")
            package.layer = 0
            package.licenses = ["MIT"]
            return package
        }
        var layer = ImageInventory.LayerSummary()
        (layer.digest, layer.createdBy, layer.packages) = (digest(9_000 + image), "COPY . /", packages.count)
        inventory.layers = [layer]
        if !problem.isEmpty { inventory.problems.add(ScanProblem(problem, path: "a.jar", layer: 0)) }
        var report = ImageReport(name: reference(image), inventory: inventory)
        report.reference = reference(image)
        report.digest = digest(image)
        report.platform = "linux/amd64"
        report.created = "2026-01-01T00:00:00Z"
        return report
    }

    static func secret(_ path: String = "root/.aws/credentials") -> FileFinding<SecretMatch> {
        FileFinding(
            match: SecretMatch(
                rule: "aws-secret-key", title: "AWS key", severity: .critical, path: path, line: 3, column: 1,
                excerpt: "key = (40 bytes, 9f3a61c2)", identity: "aws-secret-key 40 9f3a61c2"),
            layer: 0, fate: .deleted)
    }

    static func judged(_ scan: ImageReport, _ vulnerabilities: [ImageVulnerability]) -> ImageReport {
        var report = scan
        report.vulnerabilities = vulnerabilities.sorted(by: ImageVulnerability.isBefore)
        report.advisories = .init(updated: 1_699_000_000, records: 1_000)
        return report
    }
}

extension ImageRecords {
    /// Records an image as just read.
    func scanned(_ image: Int, _ vulnerabilities: [ImageVulnerability], generation: Int64 = 1) async throws {
        let scan = Made.scan(image)
        try await record(
            Made.judged(scan, vulnerabilities), scan: scan, of: Made.digest(image), size: 1_000, generation: generation)
    }
}

extension Store {
    /// Open findings of a subject: check ids and severities, in order.
    func open(_ subject: Subject) async throws -> [String] {
        try await ledger.workload(subject).filter { $0.status != .resolved }
            .map { "\($0.checkID) \($0.severity) \($0.container)" }.sorted()
    }

    /// What kept numbers say against what rows say; empty when they agree.
    func contradictions() async throws -> [String] {
        try await read { db in
            var found: [String] = []
            func expect(_ name: String, _ sql: String) throws {
                let rows = try Row.fetchAll(db, sql: sql)
                if let row = rows.first { found.append("\(name): \(rows.count) rows, first \(row)") }
            }
            let runs = "SELECT id FROM image_record WHERE workloads > 0"
            try expect(
                "users of an image",
                """
                SELECT r.id, r.workloads, r.containers FROM image_record r
                WHERE r.workloads <> (SELECT count(DISTINCT workload) FROM image_use u WHERE u.image = r.id)
                    OR r.containers <> (SELECT coalesce(sum(pods), 0) FROM image_use u WHERE u.image = r.id)
                """)
            try expect(
                "images of a vulnerability",
                """
                SELECT v.code, v.images FROM image_vulnerability v WHERE v.images <> (
                    SELECT count(DISTINCT image) FROM image_occurrence o
                    WHERE o.vulnerability = v.id AND counts = 1 AND image IN (\(runs)))
                """)
            try expect(
                "fixable",
                """
                SELECT v.code, v.fixable FROM image_vulnerability v WHERE v.fixable <> (
                    SELECT count(DISTINCT image) FROM image_occurrence o
                    WHERE o.vulnerability = v.id AND counts = 1 AND status = 1 AND image IN (\(runs)))
                """)
            try expect(
                "severity",
                """
                SELECT v.code, v.severity, v.n0, v.n1, v.n2, v.n3, v.n4, v.n5 FROM image_vulnerability v
                WHERE v.images <> v.n0 + v.n1 + v.n2 + v.n3 + v.n4 + v.n5 OR v.severity <> coalesce((
                    SELECT max(o.severity) FROM image_occurrence o
                    WHERE o.vulnerability = v.id AND counts = 1 AND image IN (\(runs))), 0)
                """)
            try expect(
                "counts of an image",
                """
                SELECT r.digest, r.c4, r.f4 FROM image_record r
                WHERE r.c4 <> (SELECT count(*) FROM image_occurrence o
                        WHERE o.image = r.id AND counts = 1 AND severity = 4)
                    OR r.f4 <> (SELECT count(*) FROM image_occurrence o
                        WHERE o.image = r.id AND counts = 1 AND severity = 4 AND status = 1)
                """)
            try expect(
                "uses of nobody",
                "SELECT * FROM image_use WHERE workload NOT IN (SELECT id FROM image_workload)")
            try expect(
                "workloads without use",
                "SELECT * FROM image_workload WHERE id NOT IN (SELECT workload FROM image_use)")
            try expect(
                "rows of no image",
                """
                SELECT image FROM image_occurrence WHERE image NOT IN (SELECT id FROM image_record)
                UNION ALL SELECT image FROM image_content WHERE image NOT IN (SELECT id FROM image_record)
                """)
            // The finding that a workload has or has not for the vulnerabilities of what it runs.
            try expect(
                "finding of a workload",
                """
                SELECT w.name, w.vulnerable, f.open FROM (
                    SELECT w.name AS name, w.namespace AS namespace, max(r.c0 + r.c1 + r.c2 + r.c3 + r.c4 + r.c5 > 0)
                        AS vulnerable
                    FROM image_workload w JOIN image_use u ON u.workload = w.id
                    LEFT JOIN image_record r ON r.id = u.image AND r.state > 0 GROUP BY w.id) w
                LEFT JOIN (
                    SELECT s.name AS name, k.namespace AS namespace, sum(f.status < 3) AS open FROM finding f
                    JOIN subject s ON s.id = f.subject JOIN scope k ON k.id = s.scope JOIN chk c ON c.id = f.chk
                    WHERE c.code = 'BW-IMG-201' GROUP BY s.id) f ON f.name = w.name AND f.namespace = w.namespace
                WHERE coalesce(w.vulnerable, 0) <> (coalesce(f.open, 0) > 0)
                """)
            try expect(
                "finding of no workload",
                """
                SELECT s.name FROM finding f JOIN subject s ON s.id = f.subject JOIN scope k ON k.id = s.scope
                JOIN chk c ON c.id = f.chk
                WHERE c.code = 'BW-IMG-201' AND f.status < 3 AND s.name NOT IN (SELECT name FROM image_workload)
                """)
            return found
        }
    }
}

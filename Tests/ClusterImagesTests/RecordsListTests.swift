// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ClusterImages
import Findings
import Foundation
import GRDB
import ImageScanning
import Inventory
import Store
import Testing

/// What pages ask: filters, orders, hostile texts, and how long it takes.
struct RecordsListTests {
    private let fixture = RecordsFixture()

    private func filled() async throws -> (Store, ImageRecords) {
        let (store, records) = try fixture.open()
        let found: [[ImageVulnerability]] = [
            [Made.vulnerability("CVE-2026-1", "openssl", .critical, fixed: "")],
            [
                Made.vulnerability("CVE-2026-2", "zlib1g", .high), Made.vulnerability("CVE-2026-3", "bash", .high),
                Made.vulnerability("CVE-2026-4", "bash", .low, fixed: ""),
            ],
            [Made.vulnerability("CVE-2026-3", "bash", .medium)],
            [],
        ]
        for (index, list) in found.enumerated() {
            let number = index + 1
            let workload = Made.workload("app-\(number)", namespace: number == 3 ? "bank" : "shop")
            try await records.setUses([Made.use(workload, number, pods: number)], of: workload)
            let scan = Made.scan(number)
            var judged = Made.judged(scan, list)
            for at in judged.vulnerabilities.indices {
                judged.vulnerabilities[at].isKnownExploited = judged.vulnerabilities[at].id == "CVE-2026-3"
            }
            try await records.record(judged, scan: scan, of: Made.digest(number), size: 1, generation: 1)
            fixture.advance(10)
        }
        return (store, records)
    }

    private struct ImageCase: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var images: [Int]
        var set: @Sendable (inout ImageFilter) -> Void

        init(_ name: String, _ images: [Int], _ set: @escaping @Sendable (inout ImageFilter) -> Void) {
            (testDescription, self.images, self.set) = (name, images, set)
        }
    }

    @Test func imagesAreFilteredAndSorted() async throws {
        let (_, records) = try await filled()
        let cases: [ImageCase] = [
            ImageCase("worst first", [1, 2, 3, 4]) { _ in },
            ImageCase("fixable first", [2, 3, 4, 1]) { $0.sort = .fixable },
            ImageCase("by name", [1, 2, 3, 4]) { $0.sort = .name },
            ImageCase("last judged first", [4, 3, 2, 1]) { $0.sort = .scanned },
            ImageCase("a namespace", [3]) { $0.namespace = "bank" },
            ImageCase("no such namespace", []) { $0.namespace = "ban" },
            ImageCase("high or worse", [1, 2]) { $0.severity = .high },
            ImageCase("any vulnerability", [1, 2, 3]) { $0.severity = .unknown },
            ImageCase("fixable", [2, 3]) { $0.onlyFixable = true },
            ImageCase("fixable and high", [2]) {
                $0.onlyFixable = true
                $0.severity = .high
            },
            ImageCase("malware", []) { $0.onlyMalware = true },
            ImageCase("part of a name, any case", [3]) { $0.text = "IMAGE-3" },
            ImageCase("part of a digest", [2]) { $0.text = "00002" },
            ImageCase("wildcards are letters", []) { $0.text = "image_3" },
            ImageCase("percent is a letter", []) { $0.text = "%" },
        ]
        for one in cases {
            var filter = ImageFilter()
            one.set(&filter)
            let page = try await records.images(filter)
            #expect(page.images.map(\.digest) == one.images.map(Made.digest), "\(one.testDescription)")
            #expect(page.total == one.images.count, "\(one.testDescription)")
        }
        let page = try await records.images(limit: 2, offset: 2)
        #expect(page.images.map(\.digest) == [Made.digest(3), Made.digest(4)])
        #expect(page.total == 4)
        #expect(try await records.images(limit: -1, offset: -5).images.isEmpty)
        let totals = try await records.totals()
        #expect(totals.images == 4 && totals.scanned == 4 && totals.failed == 0)
        #expect(totals.tally.vulnerabilities == [.critical: 1, .high: 2, .medium: 1, .low: 1])
        #expect(totals.tally.fixable == [.high: 2, .medium: 1])
    }

    @Test func vulnerabilitiesAreFiltered() async throws {
        let (_, records) = try await filled()
        let all = ["CVE-2026-1", "CVE-2026-3", "CVE-2026-2", "CVE-2026-4"]
        let cases: [(String, [String], @Sendable (inout VulnerabilityFilter) -> Void)] = [
            ("worst first, then by images", all, { _ in }),
            ("severity", ["CVE-2026-1"], { $0.severity = .critical }),
            ("fixable", ["CVE-2026-3", "CVE-2026-2"], { $0.onlyFixable = true }),
            ("exploited", ["CVE-2026-3"], { $0.onlyExploited = true }),
            ("an id", ["CVE-2026-2"], { $0.text = "cve-2026-2" }),
            ("an alias", ["CVE-2026-4"], { $0.text = "GHSA-CVE-2026-4" }),
            ("a package", ["CVE-2026-3", "CVE-2026-4"], { $0.text = "BASH" }),
            ("a title", ["CVE-2026-1"], { $0.text = "openssl can be had" }),
            ("nothing", [], { $0.text = "CVE_2026" }),
        ]
        for (name, ids, set) in cases {
            var filter = VulnerabilityFilter()
            set(&filter)
            let page = try await records.vulnerabilities(filter)
            #expect(page.vulnerabilities.map(\.id) == ids, "\(name)")
            #expect(page.total == ids.count, "\(name)")
        }
        let three = try #require(try await records.vulnerability("CVE-2026-3"))
        // The image that most pods run is mended first.
        #expect(three.places.map(\.digest) == [Made.digest(3), Made.digest(2)])
        #expect(three.overview.severity == .high && three.overview.images == 2 && three.overview.workloads == 2)
        #expect(three.aliases == ["GHSA-CVE-2026-3"] && three.details == "Somebody who sends much.")
        #expect(three.references == ["https://example.com/CVE-2026-3"] && three.places[0].fixedVersion == "3.0.17")
        #expect(try await records.vulnerability("CVE-0") == nil)
    }

    /// Names that whoever builds images chooses are kept as texts, within bounds.
    @Test func hostileTextsAreKeptAsTexts() async throws {
        let (store, records) = try fixture.open()
        let workload = Made.workload("a'b\0c")
        let long = String(repeating: "ä", count: 100_000)
        let evil = "'; DROP TABLE image_record; --\0\n%_\\<script>"
        try await records.setUses(
            [
                ImageUse(
                    workload: workload, container: evil, reference: evil + long, digest: Made.digest(1), pods: .max),
                ImageUse(
                    workload: workload, container: evil, reference: evil + long, digest: Made.digest(1), pods: -5),
                ImageUse(workload: workload, container: "b", reference: "x", digest: "sha256:../../etc", pods: 1),
            ], of: workload)
        var scan = Made.scan(1, packages: [evil])
        scan.inventory.problems.add(ScanProblem(evil, path: evil))
        var item = Made.vulnerability(evil, evil, .critical, fixed: evil, exception: "", path: evil)
        item.title = evil + long
        item.aliases = [evil, long]
        item.references = [long, evil]
        item.message = evil
        var twin = item
        twin.package.architecture = "arm64"
        let judged = Made.judged(scan, [item, twin, Made.vulnerability(long)])
        for _ in 0..<2 {
            try await records.record(judged, scan: scan, of: Made.digest(1), size: .max, generation: .max)
        }
        let detail = try #require(try await records.detail(Made.digest(1)))
        #expect(detail.vulnerabilities.count == 3 && detail.uses.count == 1)
        #expect(detail.vulnerabilities.allSatisfy { $0.title.utf8.count <= 500 && $0.id.utf8.count <= 200 })
        #expect(detail.problems.count == 1 && detail.problems[0].path.contains("DROP TABLE"))
        #expect(detail.content?.inventory.packages.map(\.name) == [evil])
        var filter = VulnerabilityFilter()
        filter.text = evil
        _ = try await records.vulnerabilities(filter)
        #expect(try await records.vulnerabilities().total == 2)
        try await records.removeUses(of: [workload])
        #expect(try await store.ledger.counts(.open).byCheck["BW-IMG-201"] == nil)
    }

    @Test func manyVulnerabilitiesOfOneImageAreBounded() async throws {
        var limits = ImageRecords.Limits()
        limits.vulnerabilities = 10
        let (_, records) = try fixture.open(limits)
        try await records.setUses([Made.use(Made.workload("a"), 1)], of: Made.workload("a"))
        try await records.scanned(
            1, (0..<30).map { Made.vulnerability("CVE-\($0)", "p", $0 < 5 ? .critical : .low) })
        let detail = try #require(try await records.detail(Made.digest(1)))
        #expect(detail.vulnerabilities.count == 10 && detail.image.tally.vulnerabilities == [.critical: 5, .low: 25])
        #expect(detail.vulnerabilities.filter { $0.severity == .critical }.count == 5)
        #expect(
            detail.problems.map(\.message) == [
                "20 vulnerabilities more, none of them worse, are counted and not listed"
            ])
    }

    /// Two thousand images with two hundred vulnerabilities each: the fifty of a base image that nearly all have, and
    /// others of eight thousand; in eight thousand containers. The rows are written by hand: reading them must be fast.
    @Test func pagesAreFastOnALargeFleet() async throws {
        let (store, records) = try fixture.open()
        try await store.write { try Self.fill($0) }
        #expect(try await store.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM image_occurrence") } == 400_000)
        // No findings were written.
        #expect(try await store.contradictions().filter { !$0.hasPrefix("finding") } == [])
        var severe = ImageFilter()
        (severe.severity, severe.onlyFixable, severe.namespace, severe.text) = (.high, true, "ns-3", "image")
        var named = VulnerabilityFilter()
        named.text = "package-7"
        let (filter, search) = (severe, named)
        let clock = ContinuousClock()
        let pages: [(String, @Sendable () async throws -> Int)] = [
            ("images", { try await records.images(limit: 50).images.count }),
            ("images, last page", { try await records.images(limit: 50, offset: 1_950).images.count }),
            ("images, filtered", { try await records.images(filter, limit: 50).images.count }),
            ("one image", { try await records.detail(Made.digest(17))?.vulnerabilities.count ?? 0 }),
            ("vulnerabilities, first", { try await records.vulnerabilities().vulnerabilities.count }),
            ("vulnerabilities", { try await records.vulnerabilities().vulnerabilities.count }),
            ("vulnerabilities, searched", { try await records.vulnerabilities(search).vulnerabilities.count }),
            ("one vulnerability", { try await records.vulnerability("CVE-2026-0")?.places.count ?? 0 }),
            ("totals", { try await records.totals().images }),
            ("due", { try await records.due(generation: 2, limit: 100).count }),
            ("trend", { try await records.trend(days: 30).count }),
        ]
        for (name, page) in pages {
            var best = Duration.seconds(1_000)
            var rows = 0
            for _ in 0..<(name.hasSuffix("first") ? 1 : 3) {
                best = min(best, try await clock.measure { rows = try await page() })
            }
            print("2,000 images, 400,000 rows: \(name): \(best), \(rows) rows")
            #expect(rows > 0, "\(name)")
            // 50 ms on a quiet machine; tests run without optimization beside others.
            #expect(best < .seconds(1), "\(name)")
        }
    }

    /// A fleet is judged anew in one go when advisories change: an image must cost little, and next to nothing where
    /// nothing changed.
    @Test func judgingAgainCostsLittle() async throws {
        let (store, records) = try fixture.open()
        let found = (0..<200).map {
            Made.vulnerability("CVE-2026-\($0)", "package-\($0 % 40)", Severity(rawValue: 1 + $0 % 5) ?? .low)
        }
        for number in 1...20 {
            let workload = Made.workload("app-\(number)")
            try await records.setUses([Made.use(workload, number)], of: workload)
        }
        let clock = ContinuousClock()
        for (name, generation, list) in [("new", 1, found), ("unchanged", 2, found), ("one more", 3, found)] {
            var list = list
            if generation == 3 { list.append(Made.vulnerability("CVE-2027-1", "bash", .critical)) }
            let judged = list
            let time = try await clock.measure {
                for number in 1...20 { try await records.scanned(number, judged, generation: Int64(generation)) }
            }
            print("an image with 200 vulnerabilities, \(name): \(time / 20)")
            #expect(time / 20 < .seconds(2), "\(name)")
        }
        #expect(try await store.ledger.counts(.open).total == 20 * 202)
        #expect(try await store.contradictions() == [])
    }

    private static func fill(_ db: Database) throws {
        try db.execute(
            sql: """
                WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
                INSERT INTO image_record (id, digest, refs, state, first_seen, used, scanned, judged, generation,
                    coding, platform, packages)
                SELECT i, 'sha256:' || printf('%064x', i), 'registry.example.com/shop/image-' || i || ':1', 1,
                    1700000000 - i, 1700000000, 1700000000, 1700000000, 1, \(ImageReport.codingVersion), 'linux/amd64', 300
                FROM n;
                INSERT INTO image_content SELECT id, 10, x'00', x'' FROM image_record;

                WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 7999)
                INSERT INTO image_vulnerability (id, code, title, aliases, packages, exploited, published, modified)
                SELECT i + 1, 'CVE-2026-' || i, 'A long enough title of what package-' || (i % 500) || ' does wrong', '',
                    'package-' || (i % 500), i % 100 = 0, 0, 0 FROM n;
                INSERT INTO image_vulnerability_text
                SELECT id, 'CVSS:3.1/AV:N', 'https://example.com', printf('%.*c', 2000, 'x') FROM image_vulnerability;

                WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 399999)
                INSERT INTO image_occurrence (image, vulnerability, severity, status, counts, kind, package, version,
                    architecture, path, fixed, source, exception, message)
                SELECT i / 200 + 1, v.id, CASE WHEN v.id <= 50 THEN 5 ELSE 1 + v.id % 4 END, v.id % 2, 1, 'deb',
                    v.packages, '1.2.3-4+deb12u' || (i % 9), 'amd64', 'var/lib/dpkg/status',
                    CASE v.id % 2 WHEN 1 THEN '1.2.4' ELSE '' END, 'Debian', '', ''
                FROM n JOIN image_vulnerability v ON v.id = CASE WHEN i % 200 < 50 AND i / 200 < 1990 THEN i % 200 + 1
                    ELSE (i / 200 * 37 + i % 200 * 39) % 7950 + 51 END;

                WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
                INSERT INTO image_workload (id, cluster, namespace, kind, name, grp, api)
                SELECT i, 'main', 'ns-' || (i % 50), 'Deployment', 'app-' || i, 'apps', 'apps/v1' FROM n;
                INSERT INTO image_use SELECT w.id, 'c-' || k.i, 'registry.example.com/shop/image:1',
                    (w.id * 7 + k.i * 911) % 2000 + 1, 3 FROM image_workload w JOIN (SELECT 0 AS i UNION SELECT 1) k;
                INSERT INTO image_use SELECT id, 'own', refs, id, 2 FROM image_record;

                UPDATE image_record SET
                    workloads = (SELECT count(DISTINCT workload) FROM image_use WHERE image = image_record.id),
                    containers = (SELECT sum(pods) FROM image_use WHERE image = image_record.id);
                """)
        try db.execute(
            sql: """
                CREATE TEMP TABLE part AS SELECT image, severity, status, count(*) AS n FROM image_occurrence
                    GROUP BY image, severity, status;
                CREATE INDEX temp.part_image ON part (image);
                CREATE TEMP TABLE one AS SELECT vulnerability AS id, count(*) AS n FROM image_occurrence GROUP BY 1;
                CREATE UNIQUE INDEX temp.one_id ON one (id);
                UPDATE image_vulnerability SET images = coalesce((SELECT n FROM one WHERE id = image_vulnerability.id), 0);
                UPDATE image_vulnerability SET fixable = images * (id % 2),
                    severity = CASE WHEN images = 0 THEN 0 WHEN id <= 50 THEN 5 ELSE 1 + id % 4 END;
                """)
        for severity in 1...5 {
            try db.execute(
                sql: """
                    UPDATE image_record SET
                        c\(severity) = (SELECT coalesce(sum(n), 0) FROM part
                            WHERE image = image_record.id AND severity = \(severity)),
                        f\(severity) = (SELECT coalesce(sum(n), 0) FROM part
                            WHERE image = image_record.id AND severity = \(severity) AND status = 1);
                    UPDATE image_vulnerability SET n\(severity) = images WHERE severity = \(severity);
                    """)
        }
    }
}

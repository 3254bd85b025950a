// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ClusterImages
import Findings
import ImagePolicies
import ImageScanning
import Inventory
import Store
import Testing

struct RecordsTests {
    private let fixture = RecordsFixture()
    private let cart = Made.workload("cart")
    private let shop = Made.workload("front")

    /// The subject of findings on an image.
    private func image(_ number: Int, cluster: String = "main") -> Subject {
        Subject(
            cluster: cluster, apiVersion: "images.bulwark.dev/v1", kind: "Image",
            name: "\(Made.reference(number))@\(Made.digest(number))")
    }

    @Test func anImageFromFirstSightToItsReport() async throws {
        let (store, records) = try fixture.open()
        try await records.setUses([Made.use(cart, 1), Made.use(cart, 0, container: "new")], of: cart)
        var seen = try #require(try await records.image(Made.digest(1)))
        #expect(seen.state == .waiting && seen.containers == 2 && seen.workloads == 1)
        #expect(seen.references == [Made.reference(1)] && seen.firstSeen == fixture.now)
        #expect(try await records.due(generation: 1).map(\.need) == [.scan])
        #expect(try await records.content(of: Made.digest(1)) == nil)
        #expect(try await store.open(cart.runningImages) == [])

        fixture.advance(60)
        var scan = Made.scan(1, problem: "broken archive")
        scan.inventory.secrets = [Made.secret()]
        var judged = Made.judged(
            scan,
            [
                Made.vulnerability("CVE-1", "openssl", .critical), Made.vulnerability("CVE-1", "libssl3", .critical),
                Made.vulnerability("CVE-2", "zlib1g", .low, fixed: ""),
                Made.vulnerability("CVE-3", "zlib1g", .critical, exception: "not reachable"),
                Made.vulnerability("CVE-4", "bash", .high, status: .error),
            ])
        judged.inventory.problems.add(ScanProblem("there are no advisories for PyPI: 3 packages were not judged"))
        try await records.record(judged, scan: scan, of: Made.digest(1), size: 5_000, generation: 7)

        seen = try #require(try await records.image(Made.digest(1)))
        #expect(seen.state == .incomplete && seen.scanned == fixture.now && seen.advisories == 1_699_000_000)
        #expect(seen.tally.vulnerabilities == [.critical: 2, .low: 1] && seen.tally.fixable == [.critical: 2])
        #expect(seen.tally.secrets == 1 && seen.tally.errors == 3 && seen.size == 5_000 && seen.packages == 2)
        #expect(seen.distribution == "Debian GNU/Linux 12" && seen.platform == "linux/amd64")
        #expect(try await records.due(generation: 7).isEmpty)

        let detail = try #require(try await records.detail(Made.digest(1)))
        #expect(detail.vulnerabilities.map(\.id) == ["CVE-1", "CVE-1", "CVE-3", "CVE-4", "CVE-2"])
        #expect(detail.vulnerabilities[0].package == "libssl3" && detail.vulnerabilities[0].fixedVersion == "3.0.17")
        #expect(detail.vulnerabilities[2].exception == "vex.json: not reachable")
        #expect(detail.problems.map(\.message).count == 2 && detail.problems[0].path == "a.jar")
        #expect(detail.uses == [Made.use(cart, 1)])
        // What is kept is what was read, so that problems of judging do not add up.
        let content = try #require(detail.content)
        #expect(content.vulnerabilities.isEmpty && content.inventory.problems.count == 1)
        #expect(content.inventory.packages == scan.inventory.packages && content.inventory.secrets.count == 1)
        #expect(content.inventory.distribution == scan.inventory.distribution)

        #expect(
            try await store.open(cart.runningImages) == [
                "BW-IMG-201 critical app", "BW-IMG-203 critical app", "BW-IMG-204 low app",
            ])
        // The excepted one is suppressed, the rest is open.
        let own = try await store.ledger.workload(image(1))
        #expect(own.count == 6 && own.filter { $0.status == .suppressed }.map(\.checkID) == ["CVE-3"])
        let message = try await store.ledger.workload(cart.runningImages).first { $0.checkID == "BW-IMG-201" }?.message
        #expect(
            message == Made.reference(1)
                + ": known vulnerabilities: 2 critical, 1 low; 2 mended by an upgrade of libssl3, openssl")
        // Admission is told what counts, and the worst of it by name.
        let verdict = try #require(try await records.verdict(of: Made.digest(1), reference: "r"))
        #expect(verdict.phase == .incomplete && verdict.reference == "r" && verdict.scanned == fixture.now)
        #expect(verdict.vulnerabilities == [.critical: .init(total: 2, fixable: 2), .low: .init(total: 1)])
        #expect(
            verdict.worst.map { "\($0.id) \($0.package) \($0.version) \($0.fixedVersion)" } == [
                "CVE-1 libssl3 3.0.1 3.0.17", "CVE-1 openssl 3.0.1 3.0.17", "CVE-2 zlib1g 3.0.1 ",
            ])
        #expect(verdict.secrets == 1 && verdict.advisories == 1_699_000_000 && !verdict.message.isEmpty)
        #expect(try await records.verdict(of: Made.digest(2), reference: "r") == nil)
        #expect(try await store.contradictions() == [])
    }

    @Test func otherAdvisoriesAreJudgedWithoutReadingAgain() async throws {
        let (store, records) = try fixture.open()
        try await records.setUses([Made.use(cart, 1)], of: cart)
        try await records.scanned(1, [Made.vulnerability("CVE-1"), Made.vulnerability("CVE-2", "zlib1g", .medium)])
        #expect(try await records.due(generation: 1).isEmpty)
        #expect(try await records.due(generation: nil).isEmpty)
        let due = try await records.due(generation: 2)
        #expect(due.map(\.need) == [.judgement] && due.first?.digest == Made.digest(1))

        fixture.advance(3_600)
        var content = try #require(try await records.content(of: Made.digest(1)))
        content.vulnerabilities = [
            Made.vulnerability("CVE-2", "zlib1g", .critical), Made.vulnerability("CVE-9", "bash", .low, fixed: ""),
        ]
        try await records.record(content, scan: nil, of: Made.digest(1), generation: 2)
        let seen = try #require(try await records.image(Made.digest(1)))
        #expect(seen.state == .complete && seen.judged == fixture.now && seen.scanned == fixture.now - 3_600)
        #expect(seen.size == 1_000 && seen.packages == 2 && seen.tally.vulnerabilities == [.critical: 1, .low: 1])
        #expect(try await records.due(generation: 2).isEmpty)
        #expect(try await records.content(of: Made.digest(1)) != nil)
        let findings = try await store.ledger.workload(image(1))
        #expect(findings.filter { $0.status == .resolved }.map(\.checkID) == ["CVE-1"])
        #expect(try await store.open(cart.runningImages) == ["BW-IMG-201 critical app"])
        let listed = try await records.vulnerabilities()
        #expect(listed.total == 2 && listed.vulnerabilities.map(\.id) == ["CVE-2", "CVE-9"])
        #expect(try await store.contradictions() == [])
    }

    @Test func findingsFollowWhoRunsWhat() async throws {
        let (store, records) = try fixture.open()
        try await records.scanned(1, [Made.vulnerability("CVE-1", "openssl", .critical)])
        try await records.scanned(2, [Made.vulnerability("CVE-1", "openssl", .low)])
        // Nobody runs them: nothing is said of them, and they are none of what runs.
        #expect(try await store.ledger.counts().total == 0)
        #expect(try await records.vulnerabilities().total == 0)
        #expect(try await records.images().total == 0)

        try await records.setUses([Made.use(cart, 1)], of: cart)
        try await records.setUses([Made.use(shop, 2)], of: shop)
        #expect(try await store.open(cart.runningImages) == ["BW-IMG-201 critical app"])
        // Its own findings come with its next judgement.
        #expect(try await records.due(generation: 1).map(\.need) == [.judgement, .judgement])
        for number in [1, 2] {
            let content = try #require(try await records.content(of: Made.digest(number)))
            try await records.record(
                Made.judged(content, [Made.vulnerability("CVE-1", "openssl", number == 1 ? .critical : .low)]),
                scan: nil,
                of: Made.digest(number), generation: 1)
        }
        #expect(try await store.open(image(1)) == ["CVE-1 critical "])
        var one = try #require(try await records.vulnerability("CVE-1"))
        #expect(one.overview.severity == .critical && one.overview.images == 2 && one.overview.workloads == 2)

        // It runs both while one replaces the other: the worse is told. Then only the better one is left.
        try await records.setUses([Made.use(cart, 1), Made.use(cart, 2)], of: cart)
        #expect(try await store.open(cart.runningImages) == ["BW-IMG-201 critical app"])
        try await records.setUses([Made.use(cart, 2)], of: cart)
        #expect(try await store.open(cart.runningImages) == ["BW-IMG-201 low app"])
        one = try #require(try await records.vulnerability("CVE-1"))
        #expect(one.overview.severity == .low && one.overview.images == 1 && one.overview.workloads == 2)
        #expect(one.places.map(\.digest) == [Made.digest(2)] && one.places[0].uses.count == 2)
        #expect(try await store.contradictions() == [])

        try await records.removeUses(of: [cart, shop])
        #expect(try await store.open(cart.runningImages) == [])
        #expect(try await records.vulnerabilities().total == 0)
        var filter = ImageFilter()
        #expect(try await records.images(filter).total == 0)
        filter.includesPast = true
        #expect(try await records.images(filter).total == 2)
        #expect(try await records.image(Made.digest(2))?.references == [Made.reference(2)])
        #expect(try await store.contradictions() == [])
    }

    @Test func whatNobodyRunsRestsAndGoes() async throws {
        let (store, records) = try fixture.open()
        try await records.setUses([Made.use(cart, 1)], of: cart)
        try await records.scanned(1, [Made.vulnerability("CVE-1")])
        try await records.setUses([], of: cart)
        fixture.advance(3_600)
        try await records.prune()
        // A job may be back tomorrow.
        #expect(try await store.open(image(1)) == ["CVE-1 high "])
        fixture.advance(86_400)
        try await records.prune()
        #expect(try await store.open(image(1)) == [])
        #expect(try await records.due(generation: 1).isEmpty)
        // It is back: judged again from what is kept.
        try await records.setUses([Made.use(cart, 1)], of: cart)
        #expect(try await records.due(generation: 1).map(\.need) == [.judgement])
        try await records.setUses([], of: cart)
        fixture.advance(31 * 86_400)
        try await records.prune()
        #expect(try await records.image(Made.digest(1)) == nil)
        #expect(try await records.vulnerability("CVE-1") == nil)
        #expect(try await store.contradictions() == [])
        // What somebody asks about is kept and scanned, though nobody runs it.
        try await records.ask(about: Made.reference(3), digest: Made.digest(3))
        #expect(try await records.due(generation: 1).map(\.references) == [[Made.reference(3)]])
        fixture.advance(29 * 86_400)
        try await records.prune()
        #expect(try await records.image(Made.digest(3)) != nil)
        fixture.advance(2 * 86_400)
        try await records.prune()
        #expect(try await records.image(Made.digest(3)) == nil)
    }

    @Test func failuresAreToldAndTriedAgain() async throws {
        let (store, records) = try fixture.open()
        try await records.setUses([Made.use(cart, 1)], of: cart)
        for attempt in 1...2 {
            try await records.recordFailure(
                of: Made.digest(1), reference: Made.reference(1), message: "unauthorized", next: fixture.now + 300)
            let seen = try #require(try await records.image(Made.digest(1)))
            #expect(seen.state == .failed && seen.attempts == attempt && seen.failure == "unauthorized")
            #expect(try await records.due(generation: 1).isEmpty)
            fixture.advance(301)
            #expect(try await records.due(generation: 1).map(\.attempts) == [attempt])
        }
        #expect(try await store.open(cart.runningImages) == ["BW-IMG-204 medium app"])
        #expect(try await records.failures().map(\.digest) == [Made.digest(1)])
        #expect(try await records.verdict(of: Made.digest(1), reference: "a")?.phase == .failed)
        // Never again, unless somebody asks.
        try await records.recordFailure(of: Made.digest(1), reference: "", message: "gone", next: nil)
        fixture.advance(1_000_000)
        #expect(try await records.due(generation: 1).isEmpty)
        #expect(try await records.want(Made.digest(1)))
        #expect(try await records.due(generation: 1).map(\.need) == [.scan])
        #expect(try await !records.want(Made.digest(1)))
        #expect(try await !records.want(Made.digest(2)))
        try await records.scanned(1, [])
        #expect(try await store.open(cart.runningImages) == [])
        #expect(try await records.image(Made.digest(1))?.state == .complete)
        #expect(try await records.failures().isEmpty)

        // A wish for another scan stands until its layers were read, and the old report with it.
        #expect(try await records.want(Made.digest(1)))
        #expect(try await records.image(Made.digest(1))?.state == .waiting)
        #expect(try await records.verdict(of: Made.digest(1), reference: "a")?.phase == .complete)
        let content = try #require(try await records.content(of: Made.digest(1)))
        try await records.record(content, scan: nil, of: Made.digest(1), generation: 2)
        #expect(try await records.due(generation: 2).map(\.isWanted) == [true])
        try await records.scanned(1, [], generation: 2)
        #expect(try await records.due(generation: 2).isEmpty)
    }

    @Test func aWatchThatBeginsAgainKnowsWhatIsGone() async throws {
        do {
            let (store, records) = try fixture.open()
            try await records.replaceUses(cluster: "main", [Made.use(cart, 1), Made.use(shop, 2)])
            try await records.setUses(
                [Made.use(Made.workload("cart", cluster: "other"), 1)],
                of: Made.workload("cart", cluster: "other"))
            for number in [1, 2] { try await records.scanned(number, [Made.vulnerability("CVE-\(number)")]) }
            try store.close()
        }
        let (store, records) = try fixture.open()
        #expect(try await records.images().total == 2)
        #expect(try await store.open(image(1)) == ["CVE-1 high "])
        #expect(try await store.open(image(1, cluster: "other")) == ["CVE-1 high "])
        try await records.replaceUses(cluster: "main", [Made.use(shop, 2), Made.use(Made.workload("new"), 1)])
        #expect(try await store.open(cart.runningImages) == [])
        #expect(try await store.open(shop.runningImages) == ["BW-IMG-201 high app"])
        #expect(try await store.open(Made.workload("new").runningImages) == ["BW-IMG-201 high app"])
        #expect(try await store.open(Made.workload("cart", cluster: "other").runningImages) == ["BW-IMG-201 high app"])
        #expect(try await records.due(generation: 1).isEmpty)
        #expect(try await records.uses(of: shop).map(\.image?.digest) == [Made.digest(2)])
    }

    @Test func inspectionsLeaveFindingsOfImagesAlone() async throws {
        let (store, records) = try fixture.open()
        try await records.setUses([Made.use(cart, 1)], of: cart)
        try await records.scanned(1, [Made.vulnerability("CVE-1")])
        let report = try await store.ledger.beginReport(cluster: "main", trigger: .demand)
        try await store.ledger.record([InspectedObject(subject: cart, results: [])], report: report)
        try await store.ledger.finishReport(report, summary: Summary())
        #expect(try await store.open(cart.runningImages) == ["BW-IMG-201 high app"])
        #expect(try await store.open(image(1)) == ["CVE-1 high "])
    }

    @Test func exemptionsCoverFindingsOfImages() async throws {
        let (store, records) = try fixture.open()
        try await records.setUses([Made.use(cart, 1)], of: cart)
        try await records.scanned(1, [Made.vulnerability("CVE-1"), Made.vulnerability("CVE-2")])
        for check in ["CVE-1", "runs-vulnerable-image"] {
            _ = try await store.ledger.addExemption(
                Exemption(owner: "alice", reason: "agreed", expiry: fixture.now + 1_000, checks: [check]), by: "alice")
        }
        // Also when the image is judged again.
        try await records.scanned(1, [Made.vulnerability("CVE-1"), Made.vulnerability("CVE-2")], generation: 2)
        var filter = FindingFilter()
        filter.statuses = [.suppressed]
        #expect(try await store.ledger.findings(filter).findings.map(\.checkID).sorted() == ["BW-IMG-201", "CVE-1"])
    }

    /// It names the workload, not the subject that stands for its images.
    @Test(arguments: [[], ["BW-IMG-201"]]) func exemptionsOfAWorkloadCoverItsImages(checks: [String]) async throws {
        let (store, records) = try fixture.open()
        let till = Made.workload("till")
        for workload in [cart, till] { try await records.setUses([Made.use(workload, 1)], of: workload) }
        _ = try await store.ledger.addExemption(
            Exemption(
                owner: "alice", reason: "agreed", expiry: fixture.now + 1_000, checks: checks, namespace: "shop",
                kind: "Deployment", name: cart.name), by: "alice")
        try await records.scanned(1, [Made.vulnerability("CVE-1")])
        func statuses(_ subject: Subject) async throws -> [Finding.Status] {
            try await store.ledger.workload(subject).map(\.status)
        }
        #expect(try await statuses(cart.runningImages) == [.suppressed])
        #expect(try await statuses(till.runningImages) == [.new])
        // The image itself is another subject.
        #expect(try await statuses(image(1)) == [.new])
    }

    @Test func aTrendHasAPointADay() async throws {
        let (_, records) = try fixture.open()
        try await records.setUses([Made.use(cart, 1)], of: cart)
        for day in 0..<3 {
            try await records.scanned(1, (0...day).map { Made.vulnerability("CVE-\($0)", fixed: $0 == 0 ? "2" : "") })
            for _ in 0..<3 {
                try await records.prune()
                fixture.advance(600)
            }
            fixture.advance(86_400 - 1_800)
        }
        let points = try await records.trend(days: 30)
        #expect(points.map { $0.vulnerabilities[.high] } == [1, 2, 3, 3] && points.map(\.fixable) == [1, 1, 1, 1])
        #expect(points.map(\.time) == points.map(\.time).sorted() && points.allSatisfy { $0.images == 1 })
        #expect(try await records.trend(days: 2).count == 2)
    }
}

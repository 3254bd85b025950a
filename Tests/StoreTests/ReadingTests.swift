// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Store
import Testing

/// Filters, orders and pages, against the same done by hand over all findings.
@Suite struct ReadingTests {
    /// About 300 findings over two clusters, in every state.
    private static func filled() async throws -> (Store, [Finding]) {
        let fixture = Fixture()
        let store = try fixture.open()
        var random = Seeded(7)
        for cluster in ["main", "edge"] {
            var objects: [InspectedObject] = []
            for number in 0..<40 {
                let subject = Sample.subject(
                    "app-\(number)", namespace: ["shop", "bank", ""][number % 3],
                    kind: ["Deployment", "Pod", "StatefulSet"][number % 7 % 3], cluster: cluster)
                let results = (1...8).filter { _ in random.chance(50) }.map { check in
                    Sample.result(
                        check, subject, random.pick([.fail, .fail, .warn, .error]),
                        container: random.chance(30) ? "side_car%" : "")
                }
                objects.append(InspectedObject(subject: subject, results: results))
            }
            try await store.ledger.run(objects, cluster: cluster)
            fixture.clock.advance(60)
            // A third of the problems go, some return later.
            let later = objects.map { object in
                InspectedObject(subject: object.subject, results: object.results.filter { _ in random.chance(66) })
            }
            try await store.ledger.run(later, cluster: cluster)
        }
        let exempt = Sample.exemption(["check-2"], namespace: "bank")
        _ = try await store.ledger.addExemption(exempt, by: "ann")
        for finding in try await store.ledger.findings(.open, limit: 1_000).findings where random.chance(20) {
            try await store.ledger.setStatus(finding.fingerprint, .inProgress, by: "ann")
        }
        let all = try await store.ledger.findings(sort: .oldest, limit: 1_000)
        #expect(all.findings.count == all.total && all.total > 250)
        #expect(Set(all.findings.map(\.status)) == Set(Finding.Status.allCases))
        return (store, all.findings)
    }

    private static func filter(_ change: (inout FindingFilter) -> Void) -> FindingFilter {
        var filter = FindingFilter()
        change(&filter)
        return filter
    }

    private static let cases: [(name: String, filter: FindingFilter, matches: @Sendable (Finding) -> Bool)] = [
        ("all", FindingFilter(), { _ in true }),
        ("open", .open, { $0.status == .new || $0.status == .inProgress }),
        ("a cluster", filter { $0.cluster = "edge" }, { $0.subject.cluster == "edge" }),
        ("an unknown cluster", filter { $0.cluster = "none" }, { _ in false }),
        ("a namespace", filter { $0.namespaces = ["bank"] }, { $0.subject.namespace == "bank" }),
        ("no namespace", filter { $0.namespaces = [""] }, { $0.subject.namespace.isEmpty }),
        ("two namespaces", filter { $0.namespaces = ["bank", "shop"] }, { !$0.subject.namespace.isEmpty }),
        ("a kind in another case", filter { $0.kinds = ["pod"] }, { $0.subject.kind == "Pod" }),
        ("a name", filter { $0.name = "app-3" }, { $0.subject.name == "app-3" }),
        ("a pattern", filter { $0.name = "*-3*" }, { $0.subject.name.contains("-3") }),
        ("a pattern with signs", filter { $0.name = "app-[0-9]*?" }, { _ in false }),
        ("severities", filter { $0.severities = FindingFilter.atLeast(.high) }, { $0.severity >= .high }),
        ("a check by slug", filter { $0.checks = ["check-4"] }, { $0.checkID == "BW-POD-004" }),
        (
            "checks by id and alias", filter { $0.checks = ["bw-pod-001", "CKV_K8S_5"] },
            { $0.checkID == "BW-POD-001" || $0.checkID == "BW-POD-005" }
        ),
        ("an unknown check", filter { $0.checks = ["CKV_NONE"] }, { _ in false }),
        ("outcomes", filter { $0.outcomes = [.error, .warn] }, { $0.outcome != .fail }),
        ("suppressed", filter { $0.statuses = [.suppressed] }, { $0.status == .suppressed }),
        ("text of a title", filter { $0.text = "NUMBER 7" }, { $0.checkID == "BW-POD-007" }),
        ("text of a path", filter { $0.text = "field3" }, { $0.path == "spec.field3" }),
        ("text with signs", filter { $0.text = "side_car%" }, { $0.container == "side_car%" }),
        ("signs are plain", filter { $0.text = "side%car" }, { _ in false }),
        (
            "much at once",
            filter {
                $0.cluster = "main"
                $0.namespaces = ["shop"]
                $0.severities = [.low, .medium, .high]
                $0.statuses = [.new]
                $0.text = "fails"
            },
            {
                $0.subject.cluster == "main" && $0.subject.namespace == "shop" && $0.status == .new
                    && [.low, .medium, .high].contains($0.severity)
            }
        ),
    ]

    @Test func filtersEqualThoseByHand() async throws {
        let (store, all) = try await Self.filled()
        for (name, filter, matches) in Self.cases {
            let expected = all.filter(matches)
            if expected.isEmpty { #expect(filter.name.contains("[") || filter != FindingFilter(), "\(name)") }
            for sort in FindingSort.allCases {
                var found: [Finding] = []
                var total = 0
                repeat {
                    let page = try await store.ledger.findings(filter, sort: sort, limit: 90, offset: found.count)
                    total = page.total
                    if page.findings.isEmpty { break }
                    found += page.findings
                } while found.count < total
                #expect(total == expected.count, "\(name) by \(sort)")
                #expect(
                    Set(found.map(\.fingerprint)) == Set(expected.map(\.fingerprint)), "\(name) by \(sort)")
                #expect(found.count == total, "\(name) by \(sort): pages overlap")
                #expect(Self.isSorted(found, sort), "\(name) by \(sort)")
            }
            var batches: [Finding] = []
            try await store.ledger.forEachBatch(filter) { batches += $0 }
            #expect(batches.map(\.fingerprint).sorted() == expected.map(\.fingerprint).sorted(), "\(name)")
            let runs = zip(batches, batches.dropFirst()).count { $0.subject != $1.subject } + (batches.isEmpty ? 0 : 1)
            #expect(runs == Set(batches.map(\.subject)).count, "\(name): an object in two places")

            let objects = Dictionary(grouping: expected, by: \.subject)
            let workloads = try await store.ledger.workloads(filter, limit: 1_000)
            #expect(workloads.total == objects.count && workloads.workloads.count == objects.count, "\(name)")
            #expect(workloads.workloads.map(\.weight) == workloads.workloads.map(\.weight).sorted(by: >), "\(name)")
            for workload in workloads.workloads {
                let its = objects[workload.subject] ?? []
                #expect(workload.bySeverity == Self.count(its.map(\.severity)), "\(name)")
                let heavy = its.filter { $0.outcome != .error }
                #expect(workload.weight == heavy.reduce(0) { $0 + Self.weight($1) }, "\(name)")
            }

            let counts = try await store.ledger.counts(filter)
            #expect(counts.total == expected.count, "\(name)")
            #expect(counts.byStatus == Self.count(expected.map(\.status)), "\(name)")
            #expect(counts.bySeverity == Self.count(expected.map(\.severity)), "\(name)")
            #expect(counts.byNamespace == Self.count(expected.map(\.subject.namespace)), "\(name)")
            #expect(counts.byCluster == Self.count(expected.map(\.subject.cluster)), "\(name)")
            #expect(counts.byCheck == Self.count(expected.map(\.checkID)), "\(name)")
        }
    }

    private static func isSorted(_ findings: [Finding], _ sort: FindingSort) -> Bool {
        zip(findings, findings.dropFirst()).allSatisfy { left, right in
            switch sort {
            case .severity: left.severity >= right.severity
            case .newest: left.firstSeen >= right.firstSeen
            case .oldest: left.firstSeen <= right.firstSeen
            case .subject:
                left.subject.cluster != right.subject.cluster
                    || (left.subject.namespace, left.subject.kind, left.subject.name)
                        <= (right.subject.namespace, right.subject.kind, right.subject.name)
            }
        }
    }

    private static func weight(_ finding: Finding) -> Int { [1, 1, 2, 4, 8, 16][finding.severity.rawValue] }

    private static func count<Key: Hashable>(_ keys: [Key]) -> [Key: Int] {
        Dictionary(grouping: keys, by: { $0 }).mapValues(\.count)
    }

    @Test func worstNamespacesWeighAsTheScoreDoes() async throws {
        let (store, all) = try await Self.filled()
        for cluster in [nil, "main", "edge"] as [String?] {
            var weights: [String: Int] = [:]
            for finding in all where finding.status == .new || finding.status == .inProgress {
                guard finding.outcome != .error, cluster == nil || finding.subject.cluster == cluster else { continue }
                let place = "\(finding.subject.cluster)/\(finding.subject.namespace)"
                weights[place, default: 0] += Self.weight(finding)
            }
            let risks = try await store.ledger.worstNamespaces(limit: 100, cluster: cluster)
            let found = Dictionary(uniqueKeysWithValues: risks.map { ("\($0.cluster)/\($0.namespace)", $0.weight) })
            #expect(found == weights)
            #expect(risks.map(\.weight) == risks.map(\.weight).sorted(by: >))
            let first = try await store.ledger.worstNamespaces(limit: 1, cluster: cluster)
            #expect(first == Array(risks.prefix(1)))
        }
    }

    @Test func oneObjectAndOneFinding() async throws {
        let (store, all) = try await Self.filled()
        let some = try #require(all.first { $0.subject.kind == "Deployment" })
        let same = all.filter { $0.subject == some.subject }
        let found = try await store.ledger.workload(some.subject)
        #expect(Set(found.map(\.fingerprint)) == Set(same.map(\.fingerprint)))
        var other = some.subject
        other.apiVersion = "apps/v2"
        #expect(try await store.ledger.workload(other).count == same.count)
        other.apiVersion = ""
        #expect(try await store.ledger.workload(other).count == same.count)
        other.apiVersion = "batch/v1"
        #expect(try await store.ledger.workload(other).isEmpty)
        let one = try await store.ledger.finding(some.fingerprint)
        #expect(one.map(Model.line) == Model.line(some))
        #expect(try await store.ledger.finding(Fingerprint(high: 1, low: 2)) == nil)
    }

    /// An object of another API version is the same object, and a finding that moves to another object stays one.
    @Test func identitySurvivesVersionsAndMoves() async throws {
        let store = try Fixture().open()
        let old = Subject(
            cluster: "main", apiVersion: "apps/v1beta1", kind: "Deployment", namespace: "shop", name: "cart")
        var new = old
        new.apiVersion = "apps/v1"
        try await store.ledger.record([Sample.object(old, [1])], report: nil)
        try await store.ledger.record([Sample.object(new, [1])], report: nil)
        var findings = try await store.ledger.findings().findings
        #expect(findings.map(\.subject.apiVersion) == ["apps/v1"])

        // The same fingerprint on another object: the finding goes there.
        var moved = Sample.result(1, new)
        moved.subject = Sample.subject("basket", kind: "StatefulSet")
        try await store.ledger.record([InspectedObject(subject: moved.subject, results: [moved])], report: nil)
        findings = try await store.ledger.findings().findings
        #expect(findings.map(\.subject.name) == ["basket"])
        #expect(findings.map(\.status) == [.new] && findings.map(\.reopened) == [0])
        #expect(try await store.ledger.counts().byKind == ["StatefulSet": 1])
        // What the first object shows now does not touch it.
        try await store.ledger.record([Sample.object(new, [])], report: nil)
        #expect(try await store.ledger.findings().findings.map(\.status) == [.new])
    }

    @Test func hostileWordsAreBounded() async throws {
        let store = try Fixture().open()
        let subject = Sample.subject("nul\u{0}l", namespace: "'; DROP TABLE finding; --")
        var result = Sample.result(1, subject, message: String(repeating: "é", count: 5_000))
        result.path = String(repeating: "a", count: 100_000)
        result.value = "\u{0}\"\\\n\u{1F6A2}"
        try await store.ledger.record([InspectedObject(subject: subject, results: [result, result])], report: nil)
        let found = try #require(try await store.ledger.workload(subject).first)
        #expect(found.message == String(repeating: "é", count: 1_000))
        #expect(found.path.utf8.count == 1_000 && found.value == "\u{FFFD}\"\\\n\u{1F6A2}")
        #expect(found.subject.name == "nul\u{FFFD}l" && found.subject.namespace == subject.namespace)
        #expect(try await store.ledger.findings().total == 1)
        // Seen again, the cut words are no change.
        let version = store.ledgerVersion
        try await store.ledger.record([InspectedObject(subject: subject, results: [result])], report: nil)
        #expect(store.ledgerVersion == version)
    }
}

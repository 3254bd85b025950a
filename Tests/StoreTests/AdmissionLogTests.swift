// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import GRDB
import Store
import Testing

/// Short ways to say decisions.
enum Decided {
    static func reason(_ field: String, policy: String = "restricted", container: String = "app")
        -> AdmissionDecision.Reason
    {
        AdmissionDecision.Reason(
            policy: policy, container: container, path: "spec.containers[0].\(field)", value: "true",
            message: "\(field) is not allowed", remedy: "remove it")
    }

    static func decision(
        _ action: AdmissionDecision.Action, _ fields: [String] = [], workload: String = "cart", at time: Int64,
        namespace: String = "shop", dryRun: Bool = false, uid: String = "u-1", user: String = "alice"
    ) -> AdmissionDecision {
        AdmissionDecision(
            uid: uid, time: time * 1000, reviewer: "pod-policies", action: action, allowed: action != .deny,
            operation: "CREATE",
            subject: Subject(
                cluster: "main", apiVersion: "v1", kind: "Pod", namespace: namespace, name: "\(workload)-x7"),
            workload: workload, user: user, serviceAccount: "\(namespace)/default", policy: "restricted",
            reasons: fields.map { reason($0) }, dryRun: dryRun, microseconds: 800)
    }
}

struct AdmissionLogTests {
    private let fixture = Fixture()

    private func findings(_ store: Store, _ statuses: Set<Finding.Status> = []) async throws -> [Finding] {
        var filter = FindingFilter()
        filter.statuses = statuses
        filter.kinds = ["Pod admission"]
        return try await store.ledger.findings(filter, sort: .oldest).findings
    }

    @Test func eachActionIsRememberedInItsOwnWay() async throws {
        let store = try fixture.open()
        let now = fixture.clock.now
        for (action, fields) in [
            (AdmissionDecision.Action.allow, []), (.allow, []), (.warn, ["hostPID"]), (.audit, ["hostIPC"]),
            (.deny, ["privileged", "hostNetwork"]), (.error, []),
        ] as [(AdmissionDecision.Action, [String])] {
            store.admission.record(
                Decided.decision(action, fields, workload: "\(action.rawValue)", at: now, uid: "\(action)"))
        }
        try await store.admission.flush()
        let records = try await store.logs.query(AdmissionLog.stream).records
        // Plain allows are counted and not kept.
        #expect(records.map(\.event) == ["error", "deny", "audit", "warn"])
        #expect(records.map(\.check) == ["BW-ADM-003", "BW-ADM-001", "BW-ADM-002", "BW-ADM-002"])
        let rates = try await store.admission.rates(from: now - 60, until: now + 60)
        #expect(rates.total.total == 6 && rates.total[.allow] == 2 && rates.total.mean == 800)
        #expect(rates.byPolicy["restricted"]?[.deny] == 1)
        let all = try await findings(store)
        #expect(all.count == 5)
        #expect(
            Set(all.map { "\($0.subject.name) \($0.checkID) \($0.outcome)" }) == [
                "warn BW-ADM-002 warn", "audit BW-ADM-002 warn", "deny BW-ADM-001 fail", "error BW-ADM-003 error",
            ])
        #expect(all.first { $0.subject.name == "deny" }?.severity == .high)
        #expect(store.admission.counts.taken == 6 && store.admission.counts.dropped == 0)
    }

    @Test func aFindingLivesWhileItsWorkloadIsRefused() async throws {
        let store = try fixture.open()
        let log = store.admission
        func say(_ decision: AdmissionDecision) async throws {
            log.record(decision)
            try await log.flush()
        }
        let began = fixture.clock.now
        try await say(Decided.decision(.deny, ["privileged", "hostPID"], at: began))
        fixture.clock.advance(600)
        // Again, one of the two mended: one finding goes on, the other is resolved.
        try await say(Decided.decision(.deny, ["privileged"], at: fixture.clock.now))
        var all = try await findings(store)
        #expect(all.count == 2)
        let open = try #require(all.first { $0.status == .new })
        #expect(open.path.hasSuffix("privileged") && open.firstSeen == began && open.lastSeen == began + 600)
        // A dry run says nothing about what runs.
        try await say(Decided.decision(.allow, at: fixture.clock.now, dryRun: true))
        try await say(Decided.decision(.deny, ["hostIPC"], at: fixture.clock.now, dryRun: true))
        #expect(try await findings(store, [.new]).map(\.path) == [open.path])
        // Another workload's success is not this one's.
        try await say(Decided.decision(.allow, workload: "other", at: fixture.clock.now))
        #expect(try await findings(store, [.new]).count == 1)
        try await say(Decided.decision(.allow, at: fixture.clock.now))
        #expect(try await findings(store, [.new]).isEmpty)
        try await say(Decided.decision(.deny, ["privileged"], at: fixture.clock.now))
        all = try await findings(store, [.new])
        #expect(all.map(\.reopened) == [1] && all.first?.fingerprint == open.fingerprint)
        // Clean and refused within one flush: the last counts.
        log.record(Decided.decision(.allow, at: fixture.clock.now))
        try await say(Decided.decision(.deny, ["privileged"], at: fixture.clock.now))
        #expect(try await findings(store, [.new]).count == 1)
        fixture.clock.advance(86_399)
        try await log.rest()
        #expect(try await findings(store, [.new]).count == 1)
        fixture.clock.advance(1)
        try await log.rest()
        #expect(try await findings(store, [.new]).isEmpty)
    }

    /// Neither resolves what the other found, whatever the names.
    @Test func inspectionAndAdmissionLeaveEachOtherAlone() async throws {
        let store = try fixture.open()
        let pod = Subject(cluster: "main", apiVersion: "v1", kind: "Pod", namespace: "shop", name: "cart")
        try await store.ledger.run([Sample.object(pod, [1])])
        store.admission.record(Decided.decision(.deny, ["privileged"], at: fixture.clock.now))
        try await store.admission.flush()
        #expect(try await findings(store, [.new]).count == 1)
        // Reports that see the pod, and that do not, leave the refusal; so does the object's end.
        try await store.ledger.run([Sample.object(pod, [1])])
        #expect(try await findings(store, [.new]).count == 1)
        try await store.ledger.record([InspectedObject(subject: pod, results: [])], report: nil)
        try await store.ledger.record([Sample.object(pod, [1])], report: nil)
        try await store.ledger.run([])
        #expect(try await findings(store, [.new]).count == 1)
        #expect(try await store.ledger.statuses(pod) == ["1": .resolved])
        try await store.ledger.run([Sample.object(pod, [1])])
        // Refusing and admitting leave what inspection found, also during a report.
        let report = try await store.ledger.beginReport(cluster: "main", trigger: .demand)
        try await store.ledger.record([Sample.object(pod, [1])], report: report)
        store.admission.record(Decided.decision(.allow, at: fixture.clock.now))
        try await store.admission.flush()
        try await store.ledger.finishReport(report, summary: Summary())
        #expect(try await findings(store, [.new]).isEmpty)
        #expect(try await store.ledger.statuses(pod) == ["1": .new])
        // A report shows inspection's findings alone.
        #expect(try await store.ledger.problems(in: report, limit: 10).map(\.checkID) == ["BW-POD-001"])
    }

    @Test func whatOverflowsIsCountedAndNeverWaits() async throws {
        let store = try Store.open(
            path: fixture.path,
            admission: {
                var limits = AdmissionLog.Limits(); limits.queue = 100; return limits
            }(),
            now: { [fixture] in fixture.clock.now })
        for number in 0..<250 {
            store.admission.record(
                Decided.decision(.deny, ["privileged"], workload: "w\(number)", at: fixture.clock.now))
        }
        #expect(store.admission.counts.dropped == 150)
        try await store.admission.flush()
        #expect(
            try await store.logs.query(
                AdmissionLog.stream,
                {
                    var q = LogQuery(); q.limit = 1000; return q
                }()
            ).records.count == 100)
        // Every one of them is in the counts.
        let now = fixture.clock.now
        #expect(try await store.admission.rates(from: now - 60, until: now + 60).total[.deny] == 250)
    }

    @Test func aBatchThatComesTwiceIsKeptOnce() async throws {
        let store = try fixture.open()
        let now = fixture.clock.now
        func records(_ numbers: ClosedRange<Int64>) -> [AdmissionRecord] {
            numbers.flatMap { number in
                [
                    .decision(Decided.decision(.warn, ["f\(number)"], at: now, uid: "u-\(number)")),
                    .tally(AdmissionTally(minute: now / 60 * 60, policy: "p", action: .warn, count: 1)),
                ]
            }
        }
        for (sender, first, numbers) in [
            ("a", 1, 1...3), ("a", 1, 1...3), ("a", 3, 2...5), ("b", 1, 1...1), ("a", 11, 6...6), ("a", 1, 1...3),
        ] as [(String, Int64, ClosedRange<Int64>)] {
            try await store.admission.keep(
                AdmissionBatch(sender: sender, first: first, records: records(numbers)))
        }
        let kept = try await store.logs.query(
            AdmissionLog.stream,
            {
                var q = LogQuery(); q.newestFirst = false; return q
            }())
        #expect(kept.records.count == 7)
        #expect(try await store.admission.rates(from: now - 60, until: now + 60).total[.warn] == 7)
        try store.close()
        // The memory of senders outlives the process.
        let again = try fixture.open()
        try await again.admission.keep(AdmissionBatch(sender: "a", first: 11, records: records(6...6)))
        #expect(try await again.logs.query(AdmissionLog.stream).records.count == 7)
    }

    @Test func ratesFillTheirGaps() async throws {
        let store = try fixture.open()
        let start: Int64 = 1_700_000_040
        for (minute, action, count) in [
            (0, AdmissionDecision.Action.allow, 5), (3, .deny, 2), (3, .allow, 1), (9, .error, 1), (10, .deny, 99),
        ] {
            try await store.admission.keep(
                AdmissionBatch(records: [
                    .tally(
                        AdmissionTally(minute: start + Int64(minute) * 60, policy: "p", action: action, count: count))
                ]))
        }
        let fine = try await store.admission.rates(from: start, until: start + 600)
        #expect(fine.step == 60 && fine.steps.map(\.counts.total) == [5, 0, 0, 3, 0, 0, 0, 0, 0, 1])
        let coarse = try await store.admission.rates(from: start, until: start + 600, steps: 4)
        #expect(coarse.step == 180 && coarse.steps.map(\.counts.total) == [5, 3, 0, 1])
        #expect(try await store.admission.rates(from: start, until: start + 600, policy: "q").total.total == 0)
        fixture.clock.advance(20 * 86_400)
        try await store.prune()
        #expect(try await store.admission.rates(from: start, until: start + 600).total.total == 0)
    }

    /// Records are found by members as they stand in the text, whatever the text holds.
    @Test func membersAreFoundExactly() async throws {
        let store = try fixture.open()
        let hostile = #"a"lice_%\"#
        for (index, user) in ["alice", "malice", hostile].enumerated() {
            store.admission.record(
                Decided.decision(.deny, ["f"], at: fixture.clock.now, uid: "u\(index)", user: user))
        }
        try await store.admission.flush()
        for user in ["alice", "malice", hostile, "nobody", "%"] {
            var query = LogQuery()
            query.fragments = [AdmissionDecision.fragment("user", user)]
            let found = try await store.logs.query(AdmissionLog.stream, query).records.count
            #expect(found == (["nobody", "%"].contains(user) ? 0 : 1), "\(user)")
        }
    }
}

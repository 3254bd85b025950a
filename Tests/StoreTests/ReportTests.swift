// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import GRDB
import Store
import Testing

@Suite struct ReportTests {
    private static func code(_ body: () async throws -> Void) async -> StoreError.Code? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? StoreError)?.code
        }
    }

    private static func summary() -> Summary {
        var summary = Summary()
        summary.objects = 70
        summary.subjects = 60
        summary.add(.pass, .high, count: 400)
        summary.add(.fail, .critical, count: 3)
        summary.add(.warn, .low, count: 12)
        summary.add(.error, .medium)
        summary.add(.skip, .unknown, count: 2)
        return summary
    }

    @Test func aReportKeepsItsSummary() async throws {
        let fixture = Fixture()
        var store = try fixture.open()
        let id = try await store.ledger.beginReport(cluster: "main", trigger: .schedule)
        let running = try #require(try await store.ledger.report(id))
        #expect(running.state == .running && running.finished == nil && running.trigger == .schedule)
        fixture.clock.advance(30)
        try await store.ledger.finishReport(id, summary: Self.summary())
        try store.close()
        store = try fixture.open()
        let report = try #require(try await store.ledger.report(id))
        #expect(report.state == .complete && report.summary == Self.summary() && report.cluster == "main")
        #expect(report.finished == report.started + 30)
        #expect(report.summary.score == Self.summary().score)
        #expect(try await store.ledger.trend().map(\.id) == [id])
    }

    @Test func oneAtATimeInACluster() async throws {
        let store = try Fixture().open()
        let ledger = store.ledger
        let first = try await ledger.beginReport(cluster: "main", trigger: .demand)
        #expect(await Self.code { _ = try await ledger.beginReport(cluster: "main", trigger: .demand) } == .busy)
        let other = try await ledger.beginReport(cluster: "edge", trigger: .demand)
        try await ledger.failReport(first, message: "no route to host")
        let second = try await ledger.beginReport(cluster: "main", trigger: .demand)
        #expect(await Self.code { try await ledger.finishReport(first, summary: Summary()) } == .notRunning)
        #expect(await Self.code { try await ledger.failReport(99, message: "") } == .notRunning)
        #expect(await Self.code { try await ledger.record([], report: first) } == .notRunning)
        let stranger = Sample.object(Sample.subject("a", cluster: "edge"), [1])
        #expect(await Self.code { try await ledger.record([stranger], report: second) } == .invalid)
        #expect(try await ledger.findings().total == 0)
        try await ledger.finishReport(second, summary: Summary())
        try await ledger.finishReport(other, summary: Summary())
        let states = try await ledger.reports().map(\.state)
        #expect(states == [.complete, .complete, .failed])
        #expect(try await ledger.report(first)?.message == "no route to host")
        #expect(try await ledger.reportCount(cluster: "main") == 2)
        #expect(try await ledger.reportCount(states: [.failed]) == 1)
    }

    @Test func whatIsNotWholeIsNotCompared() async throws {
        let fixture = Fixture()
        var store = try fixture.open()
        let whole = try await store.ledger.run([Sample.object(Sample.subject("a"), [1, 2])])
        let cut = try await store.ledger.beginReport(cluster: "main", trigger: .demand)
        try await store.ledger.record([Sample.object(Sample.subject("a"), [1])], report: cut)
        let ledger = store.ledger
        #expect(await Self.code { _ = try await ledger.compare(whole, cut) } == .incomplete)
        #expect(await Self.code { _ = try await ledger.problems(in: cut) } == .incomplete)
        #expect(await Self.code { _ = try await ledger.compare(whole, 77) } == .notFound)
        try store.close()
        store = try fixture.open()
        let report = try #require(try await store.ledger.report(cut))
        #expect(report.state == .failed && report.message == "interrupted" && report.finished != nil)
        // What was recorded before the cut stays recorded, and another report can begin.
        #expect(try await store.ledger.statuses(Sample.subject("a")) == ["1": .new, "2": .resolved])
        let next = try await store.ledger.run([Sample.object(Sample.subject("a"), [1, 3])])
        let comparison = try await store.ledger.compare(next, whole)
        #expect(comparison.before.id == whole && comparison.after.id == next)
        #expect(comparison.better.map(\.problem.checkID) == ["BW-POD-002"])
        #expect(comparison.worse.map(\.problem.checkID) == ["BW-POD-003"])
        #expect(comparison.unchanged == 1)
        let elsewhere = try await store.ledger.run([], cluster: "edge")
        let again = store.ledger
        #expect(await Self.code { _ = try await again.compare(whole, elsewhere) } == .invalid)
    }

    @Test func clustersDoNotTouchEachOther() async throws {
        let store = try Fixture().open()
        let (main, edge) = (Sample.subject("a"), Sample.subject("a", cluster: "edge"))
        try await store.ledger.run([Sample.object(main, [1])])
        try await store.ledger.run([Sample.object(edge, [1])], cluster: "edge")
        try await store.ledger.run([], cluster: "edge")
        #expect(try await store.ledger.statuses(main) == ["1": .new])
        #expect(try await store.ledger.statuses(edge) == ["1": .resolved])
    }

    @Test func oldReportsAndFindingsGo() async throws {
        var retention = Retention()
        retention.reports = 3
        retention.resolvedDays = 10
        let fixture = Fixture(retention)
        let store = try fixture.open()
        let ledger = store.ledger
        let (a, b) = (Sample.subject("a"), Sample.subject("b"))
        let first = try await ledger.run([Sample.object(a, [1, 2]), Sample.object(b, [1])])
        let second = try await ledger.run([Sample.object(a, [1])])
        fixture.clock.advance(11 * 86_400)
        // The two findings that went are too old to be listed, but a kept report shows them.
        let third = try await ledger.run([Sample.object(a, [1])])
        #expect(try await ledger.findings().findings.map(\.checkID) == ["BW-POD-001"])
        #expect(try await ledger.counts().total == 1)
        #expect(try await ledger.workload(b).isEmpty)
        #expect(try await ledger.finding(Sample.fingerprint("BW-POD-001", b)) == nil)
        let comparison = try await ledger.compare(first, third)
        #expect(comparison.betterCount == 2 && comparison.better.count == 2)
        // One that returns is remembered as long as that.
        try await ledger.record([Sample.object(b, [1])], report: nil)
        #expect(try await ledger.workload(b).map(\.reopened) == [1])
        try await ledger.record([Sample.object(b, [])], report: nil)
        // Two more reports push the first ones out, and with them the last that showed the findings.
        let fourth = try await ledger.run([Sample.object(a, [1])])
        fixture.clock.advance(11 * 86_400)
        let fifth = try await ledger.run([Sample.object(a, [1])])
        #expect(try await ledger.reports().map(\.id) == [fifth, fourth, third])
        #expect(try await ledger.report(second) == nil)
        let rows = try await store.read { db in
            try ["finding", "subject", "presence"].map { try Int.fetchOne(db, sql: "SELECT count(*) FROM \($0)") ?? -1 }
        }
        #expect(rows == [1, 1, 0])
        try await ledger.record([Sample.object(b, [1])], report: nil)
        #expect(try await ledger.workload(b).map(\.reopened) == [0])
    }

    /// Many failed runs (a cluster out of reach) do not push the good reports out.
    @Test func failedRunsDoNotPushOutCompleteOnes() async throws {
        var retention = Retention()
        retention.reports = 2
        let store = try Fixture(retention).open()
        let good = try await store.ledger.run([])
        for _ in 0..<5 {
            let id = try await store.ledger.beginReport(cluster: "main", trigger: .schedule)
            try await store.ledger.failReport(id, message: "unreachable")
        }
        try await store.prune()
        let reports = try await store.ledger.reports()
        #expect(reports.map(\.state) == [.failed, .failed, .complete])
        #expect(reports.last?.id == good)
    }

    /// A record that is given up leaves the ledger as it was or as it should be, and working.
    @Test func aCancelledRecordIsAllOrNothing() async throws {
        let store = try Fixture().open()
        let objects = (0..<400).map { Sample.object(Sample.subject("app-\($0)"), [1, 2, 3, 4, 5, 6, 7, 8]) }
        for wait in [0, 1, 3, 10, 30, 100] {
            let before = try await store.ledger.findings(limit: 0).total
            let task = Task { try await store.ledger.record(objects, report: nil) }
            try await Task.sleep(for: .milliseconds(wait))
            task.cancel()
            let result = await task.result
            let after = try await store.ledger.findings(limit: 0).total
            switch result {
            case .success: #expect(after == 3_200)
            case .failure(let error):
                #expect(error is CancellationError, "\(error)")
                #expect(after == before)
            }
            let rows = try await store.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM finding") }
            #expect(rows == after)
        }
        try await store.ledger.record(objects, report: nil)
        #expect(try await store.ledger.findings(limit: 0).total == 3_200)
    }

    @Test func aFullDiskLosesNothingThatWasStored() async throws {
        let store = try Fixture().open()
        try await store.ledger.record([Sample.object(Sample.subject("a"), [1, 2])], report: nil)
        try await store.write { db in
            let pages = try Int.fetchOne(db, sql: "PRAGMA page_count") ?? 0
            try db.execute(sql: "PRAGMA max_page_count = \(pages + 20)")
        }
        let many = (0..<500).map { Sample.object(Sample.subject("app-\($0)"), [1, 2, 3, 4]) }
        let ledger = store.ledger
        #expect(await Self.code { try await ledger.record(many, report: nil) } == .full)
        #expect(try await ledger.findings().total == 2)
        try await store.write { try $0.execute(sql: "PRAGMA max_page_count = 100000") }
        try await ledger.record(many, report: nil)
        #expect(try await ledger.findings(limit: 0).total == 2_002)
        #expect(try await ledger.counts().total == 2_002)
    }
}

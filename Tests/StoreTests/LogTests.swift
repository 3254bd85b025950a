// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Foundation
import Store
import Testing

@Suite struct LogTests {
    private static func filled(_ store: Store) async throws -> [LogRecord] {
        var random = Seeded(3)
        let records = (0..<200).map { number in
            LogRecord(
                time: 1_000 + Int64(random.next() % 60), event: random.pick(["new", "resolved"]),
                subject: Sample.subject("app-\(number % 9)", namespace: random.pick(["shop", "bank"])),
                severity: random.chance(80) ? random.pick(Severity.allCases) : nil,
                outcome: random.chance(80) ? random.pick(Outcome.allCases) : nil,
                check: random.pick(["BW-POD-001", "BW-POD-002"]), raw: "{\"n\":\(number),\"sign\":\"100%_\"}")
        }
        for start in stride(from: 0, to: 200, by: 37) {
            try await store.logs.append(Array(records[start..<min(start + 37, 200)]), to: "audit")
        }
        return records
    }

    private static func query(_ change: (inout LogQuery) -> Void) -> LogQuery {
        var query = LogQuery()
        change(&query)
        return query
    }

    private static let cases: [(name: String, query: LogQuery, matches: @Sendable (LogRecord) -> Bool)] = [
        ("all", LogQuery(), { _ in true }),
        ("a time range", query { ($0.from, $0.until) = (1_010, 1_030) }, { (1_010..<1_030).contains($0.time) }),
        ("events", query { $0.events = ["new"] }, { $0.event == "new" }),
        ("severities", query { $0.severities = [.high, .critical] }, { $0.severity.map { $0 >= .high } ?? false }),
        ("outcomes", query { $0.outcomes = [.fail] }, { $0.outcome == .fail }),
        ("checks", query { $0.checks = ["BW-POD-002"] }, { $0.check == "BW-POD-002" }),
        (
            "a place", query { ($0.namespace, $0.name) = ("bank", "app-3") },
            { $0.subject.namespace == "bank" && $0.subject.name == "app-3" }
        ),
        ("a kind", query { $0.kind = "Pod" }, { _ in false }),
        ("text", query { $0.text = "\"n\":17" }, { $0.raw.contains("\"n\":17") }),
        ("text with signs", query { $0.text = "100%_" }, { _ in true }),
        ("signs are plain", query { $0.text = "1%0" }, { _ in false }),
    ]

    @Test func queriesEqualThoseByHand() async throws {
        let store = try Fixture().open()
        let all = try await Self.filled(store)
        for (name, query, matches) in Self.cases {
            for newestFirst in [true, false] {
                var query = query
                query.newestFirst = newestFirst
                query.limit = 17
                var found: [LogRecord] = []
                repeat {
                    let page = try await store.logs.query("audit", query)
                    found += page.records
                    query.after = page.next
                    #expect(page.records.count == 17 || page.next == nil, "\(name)")
                } while query.after != nil
                // The order of arrival within a second.
                var expected = all.enumerated().filter { matches($0.element) }
                expected.sort { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }
                if newestFirst { expected.reverse() }
                #expect(found.map(\.raw) == expected.map(\.element.raw), "\(name)")
                for (record, wanted) in zip(found, expected) {
                    var same = record
                    same.id = 0
                    #expect(same == wanted.element, "\(name)")
                }
            }
        }
        #expect(try await store.logs.query("never-written").records.isEmpty)
    }

    @Test func badAppendsAreRefused() async throws {
        let store = try Fixture().open()
        for name in ["", "Upper", "a/b", "a b", String(repeating: "a", count: 64), "é"] {
            let error = await #expect(throws: StoreError.self, "\(name)") {
                try await store.logs.append([LogRecord(time: 0, raw: "{}")], to: name)
            }
            #expect(error?.code == .invalid)
        }
        let large = LogRecord(time: 0, raw: String(repeating: "x", count: LogStore.recordLimit + 1))
        let error = await #expect(throws: StoreError.self) {
            try await store.logs.append([LogRecord(time: 0, raw: "{}"), large], to: "audit")
        }
        #expect(error?.code == .invalid)
        #expect(try await store.logs.query("audit").records.isEmpty)
    }

    @Test func retentionByAgeAndByRows() async throws {
        let fixture = Fixture()
        let store = try fixture.open()
        let day: Int64 = 86_400
        let now = fixture.clock.now
        let records = (0..<100).map { LogRecord(time: now - Int64($0) * day - 1, raw: "{\"age\":\($0)}") }
        for stream in ["aged", "counted", "usual"] { try await store.logs.append(records, to: stream) }
        try await store.logs.setRetention("aged", days: 10, rows: 0)
        try await store.logs.setRetention("counted", days: 0, rows: 7)
        try await store.prune()
        let streams = try await store.logs.streams()
        #expect(streams.map(\.name) == ["aged", "counted", "usual"])
        #expect(streams.map(\.records) == [10, 7, 90])
        #expect(streams[1].last == now - 1 && streams[1].first == now - 6 * day - 1)
        let kept = try await store.logs.query("counted")
        #expect(kept.records.map(\.raw) == (0..<7).map { "{\"age\":\($0)}" })
    }

    /// The ledger writes down what changed, once, and nothing that did not.
    @Test func theLedgerLogsItsChanges() async throws {
        let fixture = Fixture()
        let store = try fixture.open()
        let cart = Sample.subject("cart")
        func step(_ body: () async throws -> Void) async throws {
            fixture.clock.advance(1)
            try await body()
        }
        try await step { try await store.ledger.run([Sample.object(cart, [1, 2])]) }
        try await step { try await store.ledger.run([Sample.object(cart, [1, 2])]) }
        try await step {
            try await store.ledger.setStatus(Sample.fingerprint("BW-POD-001", cart), .inProgress, by: "ann")
        }
        var id = ""
        try await step { id = try await store.ledger.addExemption(Sample.exemption(["check-2"]), by: "ann").id }
        try await step { try await store.ledger.record([Sample.object(cart, [2])], report: nil) }
        try await step { try await store.ledger.removeExemption(id, by: "bob") }
        try await step { try await store.ledger.forget([cart]) }
        try await step { try await store.ledger.record([Sample.object(cart, [1])], report: nil) }
        var query = LogQuery()
        query.newestFirst = false
        let records = try await store.logs.query("inspection", query).records
        #expect(
            records.map { "\($0.event) \($0.check.suffix(1))" } == [
                "reportStarted ", "new 1", "new 2", "reportFinished ",
                "reportStarted ", "reportFinished ",
                "status 1",
                "suppressed 2", "exemptionAdded ",
                "resolved 1",
                "unsuppressed 2", "exemptionRemoved ",
                "resolved 2",
                "reopened 1",
            ])
        let new = try #require(records.first { $0.event == "new" })
        #expect(new.severity == .informational && new.outcome == .fail && new.subject == cart)
        let raw = try #require(
            try JSONSerialization.jsonObject(with: Data(new.raw.utf8)) as? [String: Any])
        #expect(raw["fingerprint"] as? String == Sample.fingerprint("BW-POD-001", cart).description)
        #expect(raw["path"] as? String == "spec.field1" && raw["status"] as? String == "new")
        #expect(records.filter { $0.raw.contains("\"by\":\"ann\"") }.map(\.event) == ["status", "exemptionAdded"])

        var settings = try await store.settings()
        settings.logStream = "elsewhere"
        try await store.update(settings)
        try await store.ledger.record([Sample.object(cart, [])], report: nil)
        #expect(try await store.logs.query("elsewhere").records.map(\.event) == ["resolved"])
    }

    /// Whatever a manifest holds, a record is one valid JSON object.
    @Test func recordsAreJSON() async throws {
        let store = try Fixture().open()
        let odd = "\u{0}\u{1}\u{8}\t\n\r\u{1f}\u{7f}\"\\/\u{2028}é\u{1F6A2}"
        let subject = Sample.subject(odd, namespace: odd)
        let result = Sample.result(1, subject, container: odd, message: odd)
        try await store.ledger.record([InspectedObject(subject: subject, results: [result])], report: nil)
        let record = try #require(try await store.logs.query("inspection").records.first)
        let raw = try #require(try JSONSerialization.jsonObject(with: Data(record.raw.utf8)) as? [String: Any])
        for key in ["namespace", "name", "container", "message"] { #expect(raw[key] as? String == odd, "\(key)") }
    }
}

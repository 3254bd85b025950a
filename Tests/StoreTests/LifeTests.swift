// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Store
import Testing

/// What one step of a scenario does to `cart`.
private enum Step {
    /// A whole report that shows these checks failing.
    case report([Int])
    /// A whole report that does not see the object at all.
    case reportWithout
    case live([Int])
    /// A result that an exemption of a file turned into a skip.
    case skipped([Int])
    case forget
    case begin
    case recordInReport([Int])
    case finish
    case fail
    case claim(Int)
    case unclaim(Int)
    case exempt(String)
    case unexempt
    case wait(Int64)
    case restart
}

private struct Scenario: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var steps: [Step]
    var expected: [String: Finding.Status]
    var reopened: [String: Int] = [:]

    init(_ name: String, _ steps: [Step], _ expected: [String: Finding.Status], reopened: [String: Int] = [:]) {
        testDescription = name
        self.steps = steps
        self.expected = expected
        self.reopened = reopened
    }
}

extension Step: Sendable {}

private let scenarios: [Scenario] = [
    Scenario("a problem is new", [.report([1])], ["1": .new]),
    Scenario("a second report changes nothing", [.report([1]), .report([1])], ["1": .new]),
    Scenario(
        "a problem that a report no longer shows is resolved", [.report([1, 2]), .report([2])],
        ["1": .resolved, "2": .new]),
    Scenario("an object that a report does not see is resolved", [.report([1]), .reportWithout], ["1": .resolved]),
    Scenario("a live change resolves at once", [.report([1, 2]), .live([2])], ["1": .resolved, "2": .new]),
    Scenario(
        "a problem that returns is new again", [.report([1]), .report([]), .report([1])], ["1": .new],
        reopened: ["1": 1]),
    Scenario(
        "it returns twice", [.report([1]), .live([]), .live([1]), .live([]), .report([1])], ["1": .new],
        reopened: ["1": 2]),
    Scenario("a deleted object's findings are resolved", [.live([1, 2]), .forget], ["1": .resolved, "2": .resolved]),
    Scenario("a user takes it on", [.report([1]), .claim(1), .report([1])], ["1": .inProgress]),
    Scenario("and gives it back", [.report([1]), .claim(1), .unclaim(1), .report([1])], ["1": .new]),
    Scenario(
        "one that returns is not in progress", [.report([1]), .claim(1), .report([]), .report([1])], ["1": .new],
        reopened: ["1": 1]),
    Scenario(
        "an exemption suppresses at once", [.report([1, 2]), .exempt("check-1")],
        ["1": .suppressed, "2": .new]),
    Scenario("by another tool's id", [.report([1, 2]), .exempt("ckv_k8s_2")], ["1": .new, "2": .suppressed]),
    Scenario(
        "it stays suppressed when it is seen again", [.report([1]), .exempt("check-1"), .report([1]), .live([1])],
        ["1": .suppressed]),
    Scenario("a removed exemption opens at once", [.report([1]), .exempt("check-1"), .unexempt], ["1": .new]),
    Scenario(
        "and what was in progress is so again",
        [.report([1]), .claim(1), .exempt("check-1"), .unexempt], ["1": .inProgress]),
    Scenario("an exemption covers what comes later", [.exempt("check-1"), .report([1])], ["1": .suppressed]),
    Scenario(
        "an expired one lapses at the next report",
        [.exempt("check-1"), .report([1]), .wait(100_000), .report([1])], ["1": .new]),
    Scenario("the judge's skip suppresses", [.report([1]), .skipped([1])], ["1": .suppressed]),
    Scenario("and its end opens", [.skipped([1]), .live([1])], ["1": .new]),
    Scenario(
        "a suppressed problem that goes is resolved", [.exempt("check-1"), .report([1]), .report([])],
        ["1": .resolved]),
    Scenario("what is seen live during a report outlives it", [.begin, .live([1]), .finish], ["1": .new]),
    Scenario("what was seen live before does not", [.live([1]), .begin, .finish], ["1": .resolved]),
    Scenario("a report that fails resolves nothing", [.live([1]), .begin, .fail], ["1": .new]),
    Scenario(
        "twice in one report: the last counts",
        [.begin, .recordInReport([1, 2]), .recordInReport([2]), .finish], ["1": .resolved, "2": .new]),
    Scenario("a restart cuts a report off and resolves nothing", [.live([1]), .begin, .restart], ["1": .new]),
    Scenario(
        "life goes on after a restart",
        [.report([1, 2, 3]), .claim(2), .exempt("check-3"), .restart, .report([1, 2, 3])],
        ["1": .new, "2": .inProgress, "3": .suppressed]),
]

@Suite struct LifeTests {
    @Test(arguments: scenarios)
    private func life(_ scenario: Scenario) async throws {
        let fixture = Fixture()
        var store = try fixture.open()
        let cart = Sample.subject("cart")
        var running: Int64 = 0
        var exemption = ""
        for step in scenario.steps {
            fixture.clock.advance(10)
            switch step {
            case .report(let failing): try await store.ledger.run([Sample.object(cart, failing)])
            case .reportWithout: try await store.ledger.run([])
            case .live(let failing): try await store.ledger.record([Sample.object(cart, failing)], report: nil)
            case .skipped(let failing):
                let ours = Sample.exemption()
                let results = failing.map { Sample.result($0, cart, .skip, exemption: ours) }
                try await store.ledger.record([InspectedObject(subject: cart, results: results)], report: nil)
            case .forget: try await store.ledger.forget([cart])
            case .begin: running = try await store.ledger.beginReport(cluster: "main", trigger: .schedule)
            case .recordInReport(let failing):
                try await store.ledger.record([Sample.object(cart, failing)], report: running)
            case .finish: try await store.ledger.finishReport(running, summary: Summary())
            case .fail: try await store.ledger.failReport(running, message: "the network is gone")
            case .claim(let number):
                try await store.ledger.setStatus(
                    Sample.fingerprint(Sample.checks[number - 1].id, cart), .inProgress, by: "ann")
            case .unclaim(let number):
                try await store.ledger.setStatus(
                    Sample.fingerprint(Sample.checks[number - 1].id, cart), .new, by: "ann")
            case .exempt(let check):
                let made = Sample.exemption([check], expiry: fixture.clock.now + 90_000)
                exemption = try await store.ledger.addExemption(made, by: "ann").id
            case .unexempt: try await store.ledger.removeExemption(exemption, by: "ann")
            case .wait(let seconds): fixture.clock.advance(seconds)
            case .restart:
                try store.close()
                store = try fixture.open()
            }
        }
        #expect(try await store.ledger.statuses(cart) == scenario.expected)
        for (check, times) in scenario.reopened {
            let finding = try await store.ledger.workload(cart).first { $0.checkID.hasSuffix(check) }
            #expect(finding?.reopened == times)
        }
        let counts = try await store.ledger.counts()
        #expect(counts.total == scenario.expected.count)
        #expect(counts.byStatus == Dictionary(grouping: scenario.expected.values, by: { $0 }).mapValues(\.count))
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Store
import Testing

/// Random operations on a real ledger and on the model, compared again and again.
@Suite struct ModelTests {
    /// The same checks, some with another severity: what a new catalogue may bring.
    private static let reweighed = Sample.checks.map {
        Check(
            id: $0.id, slug: $0.slug, area: $0.area, title: $0.title,
            severity: Severity(rawValue: ($0.severity.rawValue + 2) % 6) ?? .low, why: "", remediation: "")
    }
    private static let subjects = (0..<12).map {
        Sample.subject("app-\($0)", namespace: "ns-\($0 % 3)", kind: $0 % 4 == 0 ? "Pod" : "Deployment")
    }

    private static func object(_ random: inout Seeded) -> InspectedObject {
        let subject = random.pick(subjects)
        var results: [CheckResult] = []
        for number in 1...8 where random.chance(35) {
            let outcome = random.pick([Outcome.fail, .fail, .fail, .warn, .error, .pass, .skip])
            let check = random.chance(10) ? reweighed[number - 1] : Sample.checks[number - 1]
            results.append(
                Sample.result(
                    number, subject, outcome, container: random.chance(30) ? "side" : "",
                    message: random.chance(10) ? "other words" : "", check: check))
        }
        return InspectedObject(subject: subject, results: results)
    }

    private static let seeds = (1...16).map { UInt64($0) }

    @Test(arguments: seeds)
    func equalsTheModel(seed: UInt64) async throws {
        var random = Seeded(seed)
        let fixture = Fixture()
        var store = try fixture.open()
        var model = Model()
        var done: [String] = []
        for step in 0..<160 {
            fixture.clock.advance(Int64(random.next() % 50))
            model.now = fixture.clock.now
            let ledger = store.ledger
            switch random.next() % 100 {
            case 0..<35:
                let objects = (0..<Int(random.next() % 5)).map { _ in Self.object(&random) }
                let inReport = model.running != nil && random.chance(70)
                done.append("record \(objects.map(\.subject.name)) inReport \(inReport)")
                try await ledger.record(objects, report: inReport ? model.running?.id : nil)
                if !objects.isEmpty { model.record(objects, inReport: inReport) } else if inReport { model.lapse() }
            case 35..<42:
                let subject = random.pick(Self.subjects)
                done.append("forget \(subject.name)")
                try await ledger.forget([subject])
                model.forget(subject)
            case 42..<68:
                if model.running == nil {
                    let id = try await ledger.beginReport(cluster: "main", trigger: .demand)
                    model.running = (id, [:], [])
                    done.append("begin \(id)")
                } else if random.chance(85) {
                    done.append("finish")
                    try await ledger.finishReport(model.running?.id ?? 0, summary: Summary())
                    model.finish()
                } else {
                    done.append("fail")
                    try await ledger.failReport(model.running?.id ?? 0, message: "no")
                    model.running = nil
                }
            case 68..<80:
                guard let entry = model.entries.values.sorted(by: Self.order).randomElement(using: &random),
                    entry.open, entry.exemption == nil
                else { continue }
                let status = random.pick([Finding.Status.new, .inProgress])
                done.append("set \(entry.result.check.id) of \(entry.result.subject.name) \(status)")
                try await ledger.setStatus(entry.result.fingerprint, status, by: "ann")
                model.entries[entry.result.fingerprint]?.claimed = status == .inProgress
            case 80..<88:
                var exemption = Sample.exemption(
                    random.chance(60) ? ["check-\(random.next() % 8 + 1)"] : [],
                    namespace: random.pick(["", "ns-1", "ns-*"]), name: random.pick(["", "app-1*", "app-4"]),
                    expiry: model.now + 1 + Int64(random.next() % 400))
                exemption.container = random.pick(["", "", "side"])
                let added = try await ledger.addExemption(exemption, by: "ann")
                done.append("exempt \(added)")
                model.add(added)
            case 88..<94:
                // One that has expired can still be removed.
                guard let id = try await ledger.allExemptions().randomElement(using: &random)?.id else { continue }
                done.append("unexempt \(id)")
                try await ledger.removeExemption(id, by: "ann")
                model.remove(id)
            case 94..<97:
                done.append("prune")
                try await store.prune()
                model.lapse()
            default:
                done.append("restart")
                try store.close()
                store = try fixture.open()
                model.running = nil
            }
            let page = try await store.ledger.findings(limit: 1_000)
            let lines = page.findings.map(Model.line).sorted()
            try #require(lines == model.lines, "seed \(seed), step \(step): \(done.suffix(12))")
            try #require(page.total == lines.count)
            if step % 10 == 9 { try await Self.compare(store, model, "seed \(seed), step \(step)") }
        }
    }

    private static func order(_ left: Model.Entry, _ right: Model.Entry) -> Bool {
        left.result.fingerprint < right.result.fingerprint
    }

    /// Counts and comparisons of reports.
    private static func compare(_ store: Store, _ model: Model, _ place: Comment) async throws {
        let counts = try await store.ledger.counts()
        let entries = Array(model.entries.values)
        #expect(counts.byStatus == count(entries.map(\.status)), place)
        #expect(counts.bySeverity == count(entries.map(\.result.check.severity)), place)
        #expect(counts.byOutcome == count(entries.map(\.outcome)), place)
        #expect(counts.byCheck == count(entries.map(\.result.check.id)), place)
        #expect(counts.byNamespace == count(entries.map(\.result.subject.namespace)), place)
        #expect(counts.byKind == count(entries.map(\.result.subject.kind)), place)

        let reports = try await store.ledger.reports(states: [.complete], limit: 1_000).map(\.id)
        #expect(reports.sorted() == model.reports.keys.sorted(), place)
        for before in reports.prefix(5) {
            for after in reports.prefix(5) where before < after {
                let found = try await store.ledger.compare(before, after, limit: 1_000)
                let expected = model.compare(before, after)
                let line = { (change: Comparison.Change) in
                    "\(change.problem.fingerprint) \(change.kind) \(change.problem.severity)"
                }
                #expect(found.better.map(line).sorted() == expected.better, "\(place), \(before) and \(after)")
                #expect(found.worse.map(line).sorted() == expected.worse, "\(place), \(before) and \(after)")
                #expect(found.unchanged == expected.unchanged, "\(place), \(before) and \(after)")
                #expect(found.betterCount == expected.better.count && found.worseCount == expected.worse.count, place)
            }
            let shown = try await store.ledger.problems(in: before, limit: 1_000)
            let content = (model.reports[before] ?? [:]).values.flatMap { $0 }.filter { !$0.value.exempt }
            #expect(
                shown.map { "\($0.fingerprint) \($0.severity)" }.sorted()
                    == content.map { "\($0.key) \($0.value.severity)" }.sorted(), place)
        }
    }

    private static func count<Key: Hashable>(_ keys: [Key]) -> [Key: Int] {
        Dictionary(grouping: keys, by: { $0 }).mapValues(\.count)
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Store
import Testing

@Suite struct ExemptionTests {
    private static func code(_ body: () async throws -> Void) async -> StoreError.Code? {
        do {
            try await body()
            return nil
        } catch {
            return (error as? StoreError)?.code
        }
    }

    private static let wrong: [(name: String, change: @Sendable (inout Exemption) -> Void)] = [
        ("no owner", { $0.owner = "" }),
        ("a blank owner", { $0.owner = " \t" }),
        ("no reason", { $0.reason = "\n" }),
        ("no expiry", { $0.expiry = nil }),
        ("an expiry that has passed", { $0.expiry = 1_000 }),
        ("a long reason", { $0.reason = String(repeating: "x", count: 3_000) }),
        ("a long check", { $0.checks = [String(repeating: "x", count: 300)] }),
        ("many checks", { $0.checks = Array(repeating: "check-1", count: 300) }),
        ("a check of two lines", { $0.checks = ["a\nb"] }),
    ]

    @Test func anExemptionIsWhole() async throws {
        let store = try Fixture().open()
        for (name, change) in Self.wrong {
            var exemption = Sample.exemption()
            change(&exemption)
            let tried = exemption
            #expect(
                await Self.code { _ = try await store.ledger.addExemption(tried, by: "ann") } == .invalid, "\(name)")
        }
        #expect(try await store.ledger.allExemptions().isEmpty)
    }

    @Test func anExemptionIsKept() async throws {
        let fixture = Fixture()
        var store = try fixture.open()
        var wanted = Sample.exemption(["check-1", "CKV_K8S_2"], namespace: "shop-*", name: "cart")
        wanted.cluster = "main"
        wanted.kind = "Pod"
        wanted.container = "side*"
        let first = try await store.ledger.addExemption(wanted, by: "ann")
        let second = try await store.ledger.addExemption(Sample.exemption(expiry: fixture.clock.now + 100), by: "ann")
        #expect(first.id == "EX-1" && second.id == "EX-2")
        wanted.id = first.id
        #expect(first == wanted)
        try store.close()
        store = try fixture.open()
        #expect(try await store.ledger.exemptions() == [first, second])
        fixture.clock.advance(200)
        #expect(try await store.ledger.exemptions() == [first])
        #expect(try await store.ledger.allExemptions() == [first, second])
        try await store.ledger.removeExemption(first.id, by: "bob")
        #expect(try await store.ledger.allExemptions() == [second])
        #expect(try await store.ledger.exemption(first.id) == first)
        let ledger = store.ledger
        #expect(await Self.code { try await ledger.removeExemption(first.id, by: "bob") } == .notFound)
        #expect(await Self.code { try await ledger.updateExemption(first, by: "bob") } == .notFound)
        // Ids are not used again.
        #expect(try await store.ledger.addExemption(wanted, by: "ann").id == "EX-3")
    }

    @Test func aChangeReachesTheFindingsAtOnce() async throws {
        let fixture = Fixture()
        let store = try fixture.open()
        let (cart, till) = (Sample.subject("cart"), Sample.subject("till"))
        try await store.ledger.run([Sample.object(cart, [1, 2]), Sample.object(till, [1, 2])])
        var exemption = try await store.ledger.addExemption(Sample.exemption(["check-1"], name: "c*"), by: "ann")
        #expect(try await store.ledger.statuses(cart) == ["1": .suppressed, "2": .new])
        #expect(try await store.ledger.statuses(till) == ["1": .new, "2": .new])
        #expect(try await store.ledger.suppressedCounts() == [exemption.id: 1])
        #expect(try await store.ledger.workload(cart).first { $0.status == .suppressed }?.exemptionID == exemption.id)
        exemption.name = "till"
        exemption.checks = []
        try await store.ledger.updateExemption(exemption, by: "ann")
        #expect(try await store.ledger.statuses(cart) == ["1": .new, "2": .new])
        #expect(try await store.ledger.statuses(till) == ["1": .suppressed, "2": .suppressed])
        // Another one takes over what the first leaves.
        let second = try await store.ledger.addExemption(Sample.exemption(["check-2"]), by: "ann")
        try await store.ledger.removeExemption(exemption.id, by: "ann")
        #expect(try await store.ledger.statuses(till) == ["1": .new, "2": .suppressed])
        #expect(try await store.ledger.suppressedCounts() == [second.id: 2])
        // An expired one that is given more time is in force again.
        var longer = second
        longer.expiry = fixture.clock.now + 10
        try await store.ledger.updateExemption(longer, by: "ann")
        fixture.clock.advance(20)
        try await store.prune()
        #expect(try await store.ledger.statuses(till) == ["1": .new, "2": .new])
        longer.expiry = fixture.clock.now + 10
        try await store.ledger.updateExemption(longer, by: "ann")
        #expect(try await store.ledger.statuses(till) == ["1": .new, "2": .suppressed])
    }

    /// Whoever exempts a Deployment means also what it has by its images and under constraints, before they are found and
    /// after.
    @Test func anExemptionOfAWorkloadCoversItsImagesAndConstraints() async throws {
        let fixture = Fixture()
        let store = try fixture.open()
        let (cart, till) = (Sample.subject("cart"), Sample.subject("till"))
        let parts = [cart, cart.runningImages, cart.underConstraints]
        let others = [till.runningImages, till.underConstraints]
        try await store.ledger.run((parts + others).map { Sample.object($0, [1, 2]) })
        var exemption = Sample.exemption(["check-1"], namespace: "shop", name: "cart")
        exemption.kind = "Deployment"
        exemption = try await store.ledger.addExemption(exemption, by: "ann")
        for part in parts {
            #expect(try await store.ledger.statuses(part) == ["1": .suppressed, "2": .new], "\(part.kind)")
        }
        exemption.checks = []
        try await store.ledger.updateExemption(exemption, by: "ann")
        try await store.ledger.run((parts + others).map { Sample.object($0, [1, 2, 3]) })
        for part in parts {
            let found = try await store.ledger.statuses(part)
            #expect(found == ["1": .suppressed, "2": .suppressed, "3": .suppressed], "\(part.kind)")
        }
        for other in others {
            #expect(try await store.ledger.statuses(other) == ["1": .new, "2": .new, "3": .new], "\(other.kind)")
        }
        try await store.ledger.removeExemption(exemption.id, by: "ann")
        for part in parts { #expect(try await store.ledger.statuses(part)["1"] == .new, "\(part.kind)") }
    }

    /// The judge works with the exemptions that it read at its start: what changed since is put right here.
    @Test func theJudgeMayBeBehind() async throws {
        let fixture = Fixture()
        let store = try fixture.open()
        let cart = Sample.subject("cart")
        let ours = try await store.ledger.addExemption(Sample.exemption(["check-1"]), by: "ann")
        let skipped = InspectedObject(subject: cart, results: [Sample.result(1, cart, .skip, exemption: ours)])
        try await store.ledger.record([skipped], report: nil)
        #expect(try await store.ledger.statuses(cart) == ["1": .suppressed])
        try await store.ledger.removeExemption(ours.id, by: "ann")
        try await store.ledger.record([skipped], report: nil)
        let finding = try #require(try await store.ledger.workload(cart).first)
        #expect(finding.status == .new && finding.outcome == .fail && finding.exemptionID.isEmpty)

        // One of a file: kept under its own id, or one made from what it says.
        for id in ["file-1", ""] {
            var foreign = Sample.exemption(expiry: fixture.clock.now + 100)
            foreign.id = id
            let results = [Sample.result(2, cart, .skip, exemption: foreign)]
            try await store.ledger.record([InspectedObject(subject: cart, results: results)], report: nil)
            let name = try #require(
                try await store.ledger.workload(cart).first { $0.status == .suppressed }?.exemptionID)
            #expect(id.isEmpty ? name.hasPrefix("x-") : name == id)
            #expect(try await store.ledger.exemption(name)?.owner == "team-a")
            #expect(try await store.ledger.allExemptions().isEmpty)
            fixture.clock.advance(200)
            try await store.prune()
            #expect(try await store.ledger.workload(cart).first { $0.checkID.hasSuffix("2") }?.status == .new)
        }
    }

    /// An error is an unanswered question: no exemption of ours hides it.
    @Test func anErrorIsNotExempt() async throws {
        let store = try Fixture().open()
        let cart = Sample.subject("cart")
        let object = InspectedObject(
            subject: cart, results: [Sample.result(1, cart, .error), Sample.result(2, cart, .warn)])
        try await store.ledger.record([object], report: nil)
        _ = try await store.ledger.addExemption(Sample.exemption(), by: "ann")
        #expect(try await store.ledger.statuses(cart) == ["1": .new, "2": .suppressed])
        try await store.ledger.record([object], report: nil)
        #expect(try await store.ledger.statuses(cart) == ["1": .new, "2": .suppressed])
    }

    @Test func whatAUserMayNotSet() async throws {
        let store = try Fixture().open()
        let cart = Sample.subject("cart")
        try await store.ledger.record([Sample.object(cart, [1, 2])], report: nil)
        try await store.ledger.record([Sample.object(cart, [1])], report: nil)
        let (one, two) = (Sample.fingerprint("BW-POD-001", cart), Sample.fingerprint("BW-POD-002", cart))
        let ledger = store.ledger
        #expect(await Self.code { try await ledger.setStatus(one, .resolved, by: "ann") } == .invalid)
        #expect(await Self.code { try await ledger.setStatus(two, .inProgress, by: "ann") } == .invalid)
        #expect(
            await Self.code { try await ledger.setStatus(Fingerprint(high: 0, low: 0), .new, by: "ann") } == .notFound)
        let before = store.ledgerVersion
        #expect(try await store.ledger.setStatus(one, .inProgress, by: "ann").status == .inProgress)
        #expect(store.ledgerVersion > before)
        _ = try await store.ledger.addExemption(Sample.exemption(), by: "ann")
        #expect(await Self.code { try await ledger.setStatus(one, .new, by: "ann") } == .invalid)
    }
}

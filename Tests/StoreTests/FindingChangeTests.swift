// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import GRDB
import Store
import Testing

/// Findings that change inside another module's transaction.
struct FindingChangeTests {
    private let fixture = Fixture()
    private let image = Subject(cluster: "main", apiVersion: "images.bulwark.dev/v1", kind: "Image", name: "a@sha256:1")
    private let runner = Sample.subject("cart").runningImages

    private func open() throws -> Store {
        let store = try fixture.open()
        try store.migrate(module: "sample", [{ try $0.execute(sql: "CREATE TABLE sample (name TEXT)") }])
        return store
    }

    @Test func tablesAndFindingsChangeTogether() async throws {
        let store = try open()
        let version = store.ledgerVersion
        let name = try await store.change { db, findings in
            try db.execute(sql: "INSERT INTO sample VALUES ('one')")
            try findings.record([Sample.object(image, [1, 2])])
            return try String.fetchOne(db, sql: "SELECT name FROM sample")
        }
        #expect(name == "one")
        #expect(store.ledgerVersion > version)
        #expect(try await store.ledger.statuses(image) == ["1": .new, "2": .new])
        try await store.change { db, findings in
            try findings.record([Sample.object(image, [2])])
            try findings.forget([Sample.subject("never seen")])
        }
        #expect(try await store.ledger.statuses(image) == ["1": .resolved, "2": .new])
        try await store.change { _, findings in try findings.forget([image]) }
        #expect(try await store.ledger.statuses(image) == ["1": .resolved, "2": .resolved])
        let counts = try await store.ledger.counts()
        #expect(counts.byStatus == [.resolved: 2])
    }

    @Test func aChangeThatFailsChangesNothing() async throws {
        struct Stop: Error {}
        let store = try open()
        try await store.change { _, findings in try findings.record([Sample.object(image, [1])]) }
        await #expect(throws: StoreError.self) {
            try await store.change { db, findings in
                try db.execute(sql: "INSERT INTO sample VALUES ('one')")
                try findings.record([Sample.object(image, [2, 3])])
                throw Stop()
            }
        }
        #expect(try await store.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM sample") } == 0)
        #expect(try await store.ledger.statuses(image) == ["1": .new])
        #expect(try await store.ledger.counts().total == 1)
        // What the ledger had looked up before is not left over from the transaction that failed.
        try await store.change { _, findings in try findings.record([Sample.object(image, [1, 2])]) }
        #expect(try await store.ledger.statuses(image) == ["1": .new, "2": .new])
    }

    @Test func inspectionsDoNotResolveWhatImagesShow() async throws {
        let store = try open()
        try await store.change { _, findings in
            try findings.record([Sample.object(image, [1]), Sample.object(runner, [2])])
        }
        try await store.ledger.record([Sample.object(Sample.subject("gone"), [1])], report: nil)
        try await store.ledger.run([Sample.object(Sample.subject("cart"), [3])])
        #expect(try await store.ledger.statuses(image) == ["1": .new])
        #expect(try await store.ledger.statuses(runner) == ["2": .new])
        #expect(try await store.ledger.statuses(Sample.subject("cart")) == ["3": .new])
        #expect(try await store.ledger.statuses(Sample.subject("gone")) == ["1": .resolved])
        // Nor does an audit by constraints.
        fixture.clock.advance(60)
        try await store.ledger.settleConstraints(cluster: "main", before: fixture.clock.now)
        #expect(try await store.ledger.statuses(runner) == ["2": .new])
    }
}

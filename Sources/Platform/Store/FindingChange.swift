// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import GRDB

/// A change of findings inside another module's transaction. Valid within the closure that it was given to.
package struct FindingChange {
    private let write: LedgerWrite

    init(_ write: LedgerWrite) { self.write = write }

    /// What objects show now, replacing what they showed, outside of any report. See `InspectionRecorder`.
    package func record(_ objects: [InspectedObject]) throws {
        guard !objects.isEmpty else { return }
        try write.record(objects, report: nil)
    }

    /// Objects that are gone: their findings are resolved.
    package func forget(_ subjects: [Subject]) throws {
        guard !subjects.isEmpty else { return }
        try write.lapse()
        for subject in subjects { try write.forget(subject) }
    }
}

extension Store {
    /// Changes another module's tables together with findings, all or nothing.
    package func change<Value: Sendable>(
        _ body: @Sendable (Database, FindingChange) throws -> Value
    ) async throws -> Value {
        try await connection.change { try body($0.db, FindingChange($0)) }
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import GRDB
import ImageScanning
import Store
import Synchronization

/// Remembers the images of clusters by their digest: who runs them, what scans found in them, and what is to be scanned.
///
/// Each change is one transaction together with the findings that follow from it, so that a process may end at any moment.
/// Times are seconds since 1970. Throws `StoreError`.
package final class ImageRecords: Sendable {
    package struct Limits: Sendable {
        /// Days that an image is kept which nobody runs or asks about.
        package var days = 30
        /// Seconds after which findings on an image that nobody runs are resolved: jobs come back before that.
        package var rest: Int64 = 86_400
        /// Vulnerabilities kept of one image, the worst; all are counted.
        package var vulnerabilities = 20_000
        /// Days of the trend.
        package var trendDays = 400

        package init() {}
    }

    let store: Store
    let limits: Limits
    let now: @Sendable () -> Int64
    /// Workloads by image, read when first asked for after a change.
    let runners = Mutex<(version: UInt64, known: ImageRunners?)>((0, nil))

    /// Makes or updates the tables. Blocks the thread; meant for the start of a program.
    package init(
        _ store: Store, limits: Limits = Limits(), now: @escaping @Sendable () -> Int64 = { Store.wallClock() }
    ) throws {
        try store.migrate(module: ImageSchema.module, ImageSchema.steps)
        self.store = store
        self.limits = limits
        self.now = now
    }

    /// A change of the tables and of the findings that follow.
    func change<Value: Sendable>(_ body: @Sendable (ImageChange) throws -> Value) async throws -> Value {
        try await store.change { db, findings in
            try body(ImageChange(db: db, findings: findings, limits: self.limits, now: self.now()))
        }
    }

    /// A change of who runs what.
    func changeUses(_ body: @Sendable (ImageChange, inout TouchedImages) throws -> Void) async throws {
        try await change { change in
            var touched = TouchedImages()
            try body(change, &touched)
            try change.settle(touched)
        }
        runners.withLock { $0 = ($0.version &+ 1, nil) }
    }
}

/// One transaction over the tables of images.
struct ImageChange {
    let db: Database
    let findings: FindingChange
    let limits: ImageRecords.Limits
    let now: Int64
}

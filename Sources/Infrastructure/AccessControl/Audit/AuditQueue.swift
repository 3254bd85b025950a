// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Logging

/// Where an audit hands what it found; the server's is the store. What it takes is durable when it returns.
package protocol ConstraintAuditRecorder: Sendable {
    /// What objects show now, replacing what they showed before.
    func record(_ objects: [InspectedObject]) async throws
    /// Objects that are gone.
    func forget(_ subjects: [Subject]) async throws
    /// Objects that were not recorded since `time`, in seconds since 1970, show nothing any more.
    func settle(cluster: String, before time: Int64) async throws
    /// The open violations of a constraint, by its check's id: how many, and the first of them in order.
    func violations(of check: String, limit: Int) async throws -> (total: Int, first: [Finding])
}

/// Gathers what is judged, so that it is written in batches, in its order.
actor AuditQueue {
    private enum Step {
        case record([InspectedObject])
        case forget([Subject])
    }

    private static let batch = 500
    private let recorder: any ConstraintAuditRecorder
    private var steps: [Step] = []
    private var count = 0
    private var isWriting = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    private let logger: Logger

    init(_ recorder: any ConstraintAuditRecorder, logger: Logger) {
        self.recorder = recorder
        self.logger = logger
    }

    /// Waits while what was added before cannot be written: nothing is lost, and memory is bounded.
    /// - Throws: `CancellationError`.
    func add(_ object: InspectedObject) async throws {
        if case .record(var objects) = steps.last {
            steps.removeLast()
            objects.append(object)
            steps.append(.record(objects))
        } else {
            steps.append(.record([object]))
        }
        count += 1
        while count >= Self.batch {
            do { return try await flush() } catch {
                logger.error("What an audit found could not be stored, and waits", metadata: ["reason": "\(error)"])
                try await Task.sleep(for: .seconds(1))
            }
        }
    }

    func forget(_ subject: Subject) {
        steps.append(.forget([subject]))
        count += 1
    }

    /// Everything that was added is written when it returns.
    func flush() async throws {
        // One writer, so that nothing older is written after something newer.
        while isWriting { await withCheckedContinuation { waiting.append($0) } }
        isWriting = true
        defer {
            isWriting = false
            let next = waiting
            waiting = []
            for continuation in next { continuation.resume() }
        }
        while !steps.isEmpty {
            let step = steps.removeFirst()
            do {
                switch step {
                case .record(let objects):
                    try await recorder.record(objects)
                    count -= objects.count
                case .forget(let subjects):
                    try await recorder.forget(subjects)
                    count -= subjects.count
                }
            } catch {
                steps.insert(step, at: 0)
                throw error
            }
        }
    }
}

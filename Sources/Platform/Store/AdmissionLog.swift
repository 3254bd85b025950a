// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import GRDB
import Logging
import Synchronization

/// Remembers what admission decided: a record in the log stream `admission` for each decision that has something to
/// say, counts by minute and policy for all of them, and findings for what was refused, warned of, or not judged.
package final class AdmissionLog: DecisionRecorder, AdmissionKeeper {
    package static let stream = "admission"

    package struct Limits: Sendable {
        /// Seconds after which a finding whose workload nobody asks for any more is resolved.
        package var quiet: Int64 = 86_400
        /// Days for which counts by minute are kept.
        package var rateDays: Int64 = 14
        /// Decisions that wait to be written, at most.
        package var queue = 4_096

        package init() {}
    }

    let connection: Connection
    let limits: Limits
    private let queue: AdmissionQueue
    /// Taken out of the queue and not on the disk yet.
    private let waiting = Mutex<[AdmissionRecord]>([])

    init(_ connection: Connection, limits: Limits) {
        self.connection = connection
        self.limits = limits
        queue = AdmissionQueue(limit: limits.queue)
    }

    /// Decisions taken and dropped in this process since its start.
    package var counts: AdmissionQueue.Counts { queue.counts }

    /// Takes a decision of this process. `run` writes it soon.
    package func record(_ decision: AdmissionDecision) { queue.record(decision) }

    /// Writes what was taken, four times a second, and lets findings rest that were quiet for long, until it is
    /// cancelled. `flush` after it writes the rest.
    package func run() async {
        var rested = connection.now()
        while !Task.isCancelled {
            do {
                try await Task.sleep(for: .milliseconds(250))
                try await flush()
                guard connection.now() - rested >= 60 else { continue }
                rested = connection.now()
                try await rest()
            } catch is CancellationError {
                return
            } catch {
                connection.logger.warning("what admission decided could not be stored, and waits: \(error)")
            }
        }
    }

    /// Writes all that was taken so far; it is on the disk when it returns. One caller at a time.
    package func flush() async throws {
        let records = waiting.withLock { waiting in
            // While the last could not be written nothing more is taken out of the queue, whose bound holds.
            if waiting.isEmpty { waiting = queue.take() }
            return waiting
        }
        guard !records.isEmpty else { return }
        try await keep(AdmissionBatch(records: records))
        waiting.withLock { $0.removeAll() }
    }
}

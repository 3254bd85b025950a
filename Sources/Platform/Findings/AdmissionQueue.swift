// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Takes decisions without ever waiting, and holds them until they are written. Every decision is counted; only those
/// with something to say are held whole, and no more of them than the bound.
package final class AdmissionQueue: DecisionRecorder {
    /// What happened since the start.
    package struct Counts: Sendable, Equatable {
        package var taken = 0
        /// Decisions that got no record because the queue was full. They are in the tallies all the same.
        package var dropped = 0

        package init() {}
    }

    private struct Sort: Hashable {
        var minute: Int64
        var policy: String
        var action: AdmissionDecision.Action
    }

    private struct State {
        var decisions: [AdmissionDecision] = []
        var tallies: [Sort: AdmissionTally] = [:]
        /// By workload: when it was last admitted clean.
        var clean: [Subject: Int64] = [:]
        var counts = Counts()
    }

    private static let maxSorts = 1_000
    private let limit: Int
    private let state = Mutex(State())

    /// - Parameter limit: decisions held at most, and workloads.
    package init(limit: Int = 4_096) { self.limit = max(1, limit) }

    package var counts: Counts { state.withLock { $0.counts } }

    package func record(_ decision: AdmissionDecision) {
        // A dry run changes nothing, so that it says nothing about what runs.
        let cleans = decision.isPlain && !decision.dryRun
        let workload = cleans ? decision.admission : nil
        let kept = decision.isPlain ? nil : decision.bounded
        state.withLock { state in
            state.counts.taken += 1
            count(decision, &state)
            if let workload {
                if state.clean.count < limit || state.clean[workload] != nil { state.clean[workload] = decision.time }
            } else if let kept {
                if state.decisions.count < limit { state.decisions.append(kept) } else { state.counts.dropped += 1 }
                // Whatever was clean before this is not any more.
                state.clean[kept.admission] = nil
            }
        }
    }

    private func count(_ decision: AdmissionDecision, _ state: inout State) {
        let minute = decision.time / 60_000 * 60
        var sort = Sort(minute: minute, policy: decision.policy, action: decision.action)
        if state.tallies.count >= Self.maxSorts, state.tallies[sort] == nil { sort.policy = "(others)" }
        var tally =
            state.tallies[sort]
            ?? AdmissionTally(minute: minute, policy: sort.policy, action: sort.action, count: 0)
        tally.count += 1
        if decision.changed { tally.changed += 1 }
        tally.microseconds &+= decision.microseconds
        state.tallies[sort] = tally
    }

    /// All that is held, which is then held no more: decisions in their order, then what was clean after them, then
    /// the tallies.
    package func take() -> [AdmissionRecord] {
        let (decisions, clean, tallies) = state.withLock { state in
            defer {
                state.decisions.removeAll(keepingCapacity: true)
                state.clean.removeAll(keepingCapacity: true)
                state.tallies.removeAll(keepingCapacity: true)
            }
            return (state.decisions, state.clean, state.tallies)
        }
        return decisions.map { .decision($0) } + clean.map { .clean(workload: $0.key, time: $0.value) }
            + tallies.values.map { .tally($0) }
    }
}

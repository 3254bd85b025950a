// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Synchronization

/// Counts what each policy refused within the last hour and keeps its latest refusals. Its memory is bounded: a few
/// kilobytes a policy, for at most a thousand policies.
package final class PolicyRefusals: DecisionRecorder {
    package struct Recent: Sendable, Equatable {
        /// Seconds since 1970.
        package var time: Int64
        /// `Pod shop/cart-7d`
        package var object: String
        package var user: String
        package var message: String
    }

    private struct Counts {
        /// Refusals by minute since 1970, modulo 60; a slot counts for the minute beside it.
        var minutes = [(minute: Int64, count: Int)](repeating: (-1, 0), count: 60)
        var recent: [Recent] = []
    }

    private static let maxPolicies = 1000
    private static let kept = 5
    private let reviewer: String
    private let state = Mutex<[String: Counts]>([:])

    /// - Parameter reviewer: whose decisions count; policies of other reviewers may have the same names.
    package init(of reviewer: String = "pod-policies") { self.reviewer = reviewer }

    package func record(_ decision: AdmissionDecision) {
        guard decision.reviewer == reviewer, decision.action == .deny, !decision.dryRun else { return }
        let (seconds, minute) = (decision.time / 1000, decision.time / 60_000)
        state.withLock { state in
            for (policy, reason) in Self.first(of: decision) {
                guard state[policy] != nil || state.count < Self.maxPolicies else { continue }
                let slot = Int(((minute % 60) + 60) % 60)
                var counts = state[policy] ?? Counts()
                // A clock that jumps starts the slot anew.
                if counts.minutes[slot].minute != minute { counts.minutes[slot] = (minute, 0) }
                counts.minutes[slot].count += 1
                counts.recent.insert(
                    Recent(
                        time: seconds, object: String(decision.subject.display.prefix(300)),
                        user: String(decision.user.prefix(200)), message: reason), at: 0)
                if counts.recent.count > Self.kept { counts.recent.removeLast() }
                state[policy] = counts
            }
        }
    }

    /// - Parameter now: seconds since 1970.
    package func counts(of policy: String, now: Int64) -> (lastHour: Int, recent: [Recent]) {
        state.withLock { state in
            guard let counts = state[policy] else { return (0, []) }
            let minute = now / 60
            let lastHour = counts.minutes.reduce(0) { $0 + ((minute - 59...minute).contains($1.minute) ? $1.count : 0) }
            return (lastHour, counts.recent)
        }
    }

    package func forget(allBut policies: Set<String>) {
        state.withLock { $0 = $0.filter { policies.contains($0.key) } }
    }

    /// Every policy that refused, with its first reason.
    private static func first(of decision: AdmissionDecision) -> [(String, String)] {
        var seen: Set<String> = []
        var found: [(String, String)] = []
        for reason in decision.reasons where seen.insert(reason.policy).inserted {
            found.append((reason.policy, String("\(reason.path): \(reason.message)".prefix(300))))
        }
        return found
    }
}

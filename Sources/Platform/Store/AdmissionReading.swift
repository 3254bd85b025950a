// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import GRDB

/// How admission went within a span of time.
package struct AdmissionRates: Sendable, Equatable {
    /// Counts by action.
    package struct Counts: Sendable, Equatable {
        package var actions: [AdmissionDecision.Action: Int] = [:]
        package var changed = 0
        package var microseconds = 0

        package init() {}

        package var total: Int { actions.values.reduce(0, +) }
        package subscript(action: AdmissionDecision.Action) -> Int { actions[action] ?? 0 }
        /// Microseconds a decision; nil without any.
        package var mean: Int? { total == 0 ? nil : microseconds / total }
    }

    /// Without gaps, from the oldest to the newest: the start in seconds since 1970, and what fell into it.
    package var steps: [(start: Int64, counts: Counts)] = []
    /// Seconds of one step.
    package var step: Int64 = 60
    package var total = Counts()
    package var byPolicy: [String: Counts] = [:]

    package static func == (left: AdmissionRates, right: AdmissionRates) -> Bool {
        left.step == right.step && left.total == right.total && left.byPolicy == right.byPolicy
            && left.steps.elementsEqual(right.steps) { $0.start == $1.start && $0.counts == $1.counts }
    }
}

extension AdmissionLog {
    /// Counts from a time to another (seconds since 1970), in at most `steps` steps of whole minutes.
    /// - Parameter policy: only this one's; nil for all.
    package func rates(from: Int64, until: Int64, steps: Int = 60, policy: String? = nil) async throws -> AdmissionRates
    {
        let first = from / 60 * 60
        let minutes = max(1, (max(until, first + 1) - first + 59) / 60)
        let step = (minutes + Int64(max(1, steps)) - 1) / Int64(max(1, steps)) * 60
        let rows = try await connection.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT (minute - ?1) / ?3 AS place, policy, action, sum(count) AS count, sum(changed) AS changed,
                        sum(microseconds) AS microseconds
                    FROM admission_rate WHERE minute >= ?1 AND minute < ?2 AND (?4 IS NULL OR policy = ?4)
                    GROUP BY place, policy, action
                    """, arguments: [first, until, step, policy]
            ).map {
                (
                    place: $0["place"] as Int, policy: $0["policy"] as String, action: $0["action"] as String,
                    count: $0["count"] as Int, changed: $0["changed"] as Int, microseconds: $0["microseconds"] as Int
                )
            }
        }
        var rates = AdmissionRates()
        rates.step = step
        rates.steps = (0..<Int((minutes * 60 + step - 1) / step)).map { (first + Int64($0) * step, .init()) }
        for row in rows {
            guard let action = AdmissionDecision.Action(rawValue: row.action), rates.steps.indices.contains(row.place)
            else { continue }
            func add(_ counts: inout AdmissionRates.Counts) {
                counts.actions[action, default: 0] += row.count
                counts.changed += row.changed
                counts.microseconds += row.microseconds
            }
            add(&rates.steps[row.place].counts)
            add(&rates.total)
            add(&rates.byPolicy[row.policy, default: .init()])
        }
        return rates
    }
}

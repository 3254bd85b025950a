// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission

/// Counts the requests that were held for a scan.
package struct ImageHolds: Sendable, Equatable {
    package enum Outcome: String, Sendable, CaseIterable {
        /// The scan came, and the image policies accepted the pod, or refused it.
        case admitted
        case refused
        /// The scan did not come in time, or nobody waits for the answer any more.
        case gaveUp = "gave_up"
    }

    package struct Tally: Sendable, Equatable {
        package var count = 0
        package var seconds = 0.0
    }

    /// Held at the moment.
    package internal(set) var now = 0
    /// Those that ended since the start of the process.
    package private(set) var ended: [Outcome: Tally] = [:]

    mutating func end(_ outcome: Outcome, after time: Duration) {
        ended[outcome, default: Tally()].count += 1
        ended[outcome, default: Tally()].seconds += time / .seconds(1)
    }

    package func write(to text: inout MetricLines) {
        text.family("bulwark_admission_image_held", "gauge", "Requests that are held for a scan.")
        text.sample([], now)
        text.family("bulwark_admission_image_holds_total", "counter", "Requests that were held for a scan, by outcome.")
        for outcome in Outcome.allCases { text.sample([("outcome", outcome.rawValue)], ended[outcome]?.count ?? 0) }
        text.family(
            "bulwark_admission_image_hold_seconds_total", "counter", "Time of these holds together, by outcome.")
        for outcome in Outcome.allCases { text.sample([("outcome", outcome.rawValue)], ended[outcome]?.seconds ?? 0) }
    }
}

/// How long one request was held.
struct ImageHold: Equatable {
    var time: Duration
    /// Whether the scan did not come.
    var hasGivenUp: Bool
}

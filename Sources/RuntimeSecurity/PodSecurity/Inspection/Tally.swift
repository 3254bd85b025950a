// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// Counts of results, cheap enough to keep for each of millions of passes.
package struct Tally: Sendable {
    package var objects = 0
    package var subjects = 0
    /// Eight places for the severities of each outcome, without a piece of memory of their own.
    private var counts = InlineArray<40, Int>(repeating: 0)

    package init() {}

    @inline(__always)
    mutating func add(_ outcome: Outcome, _ severity: Severity) {
        counts[outcome.index << 3 | severity.rawValue & 7] += 1
    }

    package var summary: Summary {
        var summary = Summary()
        summary.objects = objects
        summary.subjects = subjects
        for outcome in Outcome.allCases {
            for severity in Severity.allCases {
                let count = counts[outcome.index << 3 | severity.rawValue & 7]
                if count > 0 { summary.add(outcome, severity, count: count) }
            }
        }
        return summary
    }
}

extension Outcome {
    fileprivate var index: Int {
        switch self {
        case .pass: 0
        case .fail: 1
        case .warn: 2
        case .error: 3
        case .skip: 4
        }
    }
}

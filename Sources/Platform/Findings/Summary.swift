// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Counts of one run, and a score made of them.
package struct Summary: Sendable, Equatable {
    /// Objects read, of any kind.
    package var objects = 0
    /// Objects that at least one check judged.
    package var subjects = 0
    /// Indexed by severity's raw value: results by outcome.
    package private(set) var counts: [Outcome: [Int]] = [:]

    package init() {}

    package mutating func add(_ outcome: Outcome, _ severity: Severity, count: Int = 1) {
        counts[outcome, default: Array(repeating: 0, count: Severity.allCases.count)][severity.rawValue] += count
    }

    package func count(_ outcome: Outcome) -> Int { counts[outcome]?.reduce(0, +) ?? 0 }

    package func count(_ outcome: Outcome, _ severity: Severity) -> Int { counts[outcome]?[severity.rawValue] ?? 0 }

    /// 0 to 100: the share of passes among passes, failures and warnings, each weighted by its severity
    /// (informational 1, low 2, medium 4, high 8, critical 16). 100 when nothing was judged. Errors and skips do not count.
    package var score: Int {
        var (passed, total) = (0, 0)
        for severity in Severity.allCases {
            let weight = severity == .unknown ? 1 : 1 << (severity.rawValue - 1)
            passed += weight * count(.pass, severity)
            total += weight * (count(.pass, severity) + count(.fail, severity) + count(.warn, severity))
        }
        return total == 0 ? 100 : passed * 100 / total
    }

    /// The worst severity among failures and warnings, nil without any.
    package var worst: Severity? {
        Severity.allCases.reversed().first { count(.fail, $0) + count(.warn, $0) > 0 }
    }
}

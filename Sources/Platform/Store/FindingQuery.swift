// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// Which findings are asked for. Empty sets, empty texts and nil match everything.
package struct FindingFilter: Sendable, Equatable {
    package var cluster: String?
    package var namespaces: Set<String> = []
    package var kinds: Set<String> = []
    /// An object's name, where `*` stands for any run of characters.
    package var name = ""
    package var severities: Set<Severity> = []
    /// Check ids, slugs or other tools' ids, in any case.
    package var checks: Set<String> = []
    package var statuses: Set<Finding.Status> = []
    package var outcomes: Set<Outcome> = []
    /// Part of a message, path, namespace, object's name, container, check id or check title, in any case (ASCII).
    package var text = ""

    package init() {}

    /// New and in progress: what still wants work.
    package static let open: FindingFilter = {
        var filter = FindingFilter()
        filter.statuses = [.new, .inProgress]
        return filter
    }()

    /// This severity and worse.
    package static func atLeast(_ severity: Severity) -> Set<Severity> {
        Set(Severity.allCases.filter { $0 >= severity })
    }
}

/// How findings are listed. Every order is total, so that pages never overlap.
package enum FindingSort: String, Sendable, CaseIterable {
    /// Worst first, then by check.
    case severity
    /// First seen last, first.
    case newest
    case oldest
    /// By cluster (in order of first sight), namespace, kind and name.
    case subject
}

package struct FindingPage: Sendable {
    package var findings: [Finding]
    /// All that match, on every page.
    package var total: Int
}

/// How many findings match a filter.
package struct FindingCounts: Sendable, Equatable {
    package var total = 0
    package var bySeverity: [Severity: Int] = [:]
    package var byStatus: [Finding.Status: Int] = [:]
    package var byOutcome: [Outcome: Int] = [:]
    /// By check id.
    package var byCheck: [String: Int] = [:]
    package var byNamespace: [String: Int] = [:]
    package var byKind: [String: Int] = [:]
    package var byCluster: [String: Int] = [:]

    package init() {}
}

/// A namespace and the weight of its open failures and warnings: each counts as in `Summary.score` (informational 1,
/// low 2, medium 4, high 8, critical 16).
package struct NamespaceRisk: Sendable, Equatable {
    package var cluster: String
    /// Empty for objects outside of namespaces.
    package var namespace: String
    package var weight: Int
    package var bySeverity: [Severity: Int]

    /// Open failures and warnings.
    package var total: Int { bySeverity.values.reduce(0, +) }
}

/// An object with open findings.
package struct WorkloadRisk: Sendable, Equatable {
    package var subject: Subject
    package var weight: Int
    package var bySeverity: [Severity: Int]

    package var total: Int { bySeverity.values.reduce(0, +) }
}

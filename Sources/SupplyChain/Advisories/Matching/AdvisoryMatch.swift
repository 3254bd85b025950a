// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// A vulnerability that a package has, by all records that speak of it.
package struct AdvisoryMatch: Sendable {
    package enum Status: Sendable, Hashable {
        case affected, fixed, willNotFix
        /// It could not be told whether the package is affected: why.
        case error(String)
    }

    /// `CVE-…` where there is one, else the record's own id.
    package var id: String
    /// The records that say so, the distribution's own first: `DSA-5532-1`.
    package var records: [String]
    /// Its names in other databases.
    package var aliases: [String]
    package var ecosystem: String
    /// As the advisory writes it; of distributions the source package.
    package var package: String
    /// The version that was compared.
    package var version: String
    /// The lowest version above the installed one that has the fix; empty where there is none.
    package var fixedVersion: String
    /// All that have it, of all branches.
    package var fixedVersions: [String]
    package var status: Status
    package var severity: AdvisorySeverity
    package var summary: String
    package var references: [String]
    /// Seconds since 1970; 0 where unknown.
    package var published: Int64
    package var modified: Int64
    /// Probability of exploitation within 30 days, and how many have a lower one (EPSS); nil where unknown.
    package var exploitProbability: Double?
    package var exploitPercentile: Double?
    /// Known to be exploited (CISA's KEV).
    package var isExploited = false
    /// The record that `details` come from.
    var origin: Origin

    struct Origin: Sendable {
        var file: AdvisoryFile
        var record: Int
    }

    package var isError: Bool { if case .error = status { true } else { false } }

    /// The long description of the first record, as Markdown.
    package func details() throws(AdvisoryError) -> String {
        try origin.file.string(try origin.file.record(origin.record, AdvisoryFormat.Record.details))
    }
}

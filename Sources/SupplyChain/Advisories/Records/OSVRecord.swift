// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// An advisory as OSV writes it (ossf.github.io/osv-schema 1.7), reduced to what a scan needs.
package struct OSVRecord: Sendable {
    package var id = ""
    package var aliases: [String] = []
    package var upstream: [String] = []
    package var related: [String] = []
    package var isWithdrawn = false
    /// Seconds since 1970; 0 where the record does not say.
    package var published: Int64 = 0
    package var modified: Int64 = 0
    package var summary = ""
    /// Cut to `Limits.details` bytes.
    package var details = ""
    package var references: [String] = []
    package var severity = Scores()
    package var affected: [Affected] = []

    /// What a record, or its entry for a package, says about how bad it is.
    package struct Scores: Sendable, Hashable {
        /// Vectors as written.
        package var cvss2 = "", cvss3 = "", cvss4 = ""
        /// In the publisher's own words: `Important`, `not yet assigned`.
        package var rating = ""
    }

    package struct Affected: Sendable {
        package var ecosystem: AdvisoryEcosystem
        package var name: String
        package var ranges: [Range] = []
        package var versions: [String] = []
        package var severity = Scores()
        /// The publisher says that there will be no fix.
        package var isWontFix = false
    }

    package struct Range: Sendable {
        package var isSemantic: Bool
        package var events: [Event]
    }

    package struct Event: Sendable {
        package enum Kind: UInt32, Sendable { case introduced = 1, fixed, lastAffected, limit }
        package var kind: Kind
        package var version: String
    }

    /// What one record may hold. More of it is an error, but for texts, which are cut.
    package enum Limits {
        package static let bytes = 32 << 20
        package static let details = 4096
        package static let summary = 1024
        package static let affected = 200_000
        package static let events = 100_000
        package static let versions = 500_000
        package static let names = 10_000
        package static let references = 64
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// How bad a vulnerability is and who says so.
package struct AdvisorySeverity: Sendable, Hashable {
    /// The publisher's own rating where it is given, else by the score.
    package private(set) var severity: Severity
    /// Who rated: `Debian`, `AlmaLinux`, `GitHub`, or `CVSS 3.1`; empty for nobody.
    package private(set) var source: String
    /// The base score of the newest version of CVSS that is given, 0.0 to 10.0; nil for none.
    package private(set) var score: Double?
    /// The vectors as written, the newest first.
    package private(set) var vectors: [String]

    package init(cvss2: String, cvss3: String, cvss4: String, rating: String, record: String) {
        vectors = [cvss4, cvss3, cvss2].filter { !$0.isEmpty }
        severity = .unknown
        source = ""
        for vector in vectors {
            guard let read = CVSSVector(vector) else { continue }
            score = read.score
            severity = read.rating
            source = "CVSS \(read.version.rawValue)"
            break
        }
        if let own = Self.severity(rating) {
            severity = own
            source = Self.publisher(record)
        }
    }

    /// Takes another record's word where this one has none.
    mutating func merge(_ other: AdvisorySeverity) {
        let hasOwn = !source.isEmpty && !source.hasPrefix("CVSS")
        let otherHasOwn = !other.source.isEmpty && !other.source.hasPrefix("CVSS")
        if (otherHasOwn && !hasOwn) || source.isEmpty || (hasOwn == otherHasOwn && other.severity > severity) {
            severity = other.severity
            source = other.source
        }
        if score == nil || (other.score ?? 0) > (score ?? 0) { score = other.score ?? score }
        for vector in other.vectors where !vectors.contains(vector) { vectors.append(vector) }
    }

    /// The words of Debian, Ubuntu, Red Hat and its relatives, SUSE, Alpine, GitHub, RustSec and Bitnami.
    private static func severity(_ word: String) -> Severity? {
        switch word.lowercased() {
        case "critical": .critical
        case "high", "important": .high
        case "medium", "moderate": .medium
        case "low", "minor": .low
        case "negligible", "unimportant", "informational", "none", "notice", "unmaintained": .informational
        default: nil
        }
    }

    /// Whose word a record's rating is.
    private static func publisher(_ record: String) -> String {
        let known: [(String, String)] = [
            ("GHSA-", "GitHub"), ("PYSEC-", "PyPA"), ("RUSTSEC-", "RustSec"), ("DSA-", "Debian"), ("DLA-", "Debian"),
            ("DEBIAN-", "Debian"), ("UBUNTU-", "Ubuntu"), ("USN-", "Ubuntu"), ("ALPINE-", "Alpine"),
            ("ALSA-", "AlmaLinux"),
            ("ALBA-", "AlmaLinux"), ("RLSA-", "Rocky Linux"), ("RHSA-", "Red Hat"), ("SUSE-", "SUSE"),
            ("openSUSE-", "openSUSE"), ("MGASA-", "Mageia"), ("AZL-", "Azure Linux"), ("BIT-", "Bitnami"),
            ("CGA-", "Chainguard"),
            ("MAL-", "OpenSSF"), ("GO-", "Go"),
        ]
        for (prefix, name) in known where record.hasPrefix(prefix) { return name }
        return String(record.prefix { $0 != "-" })
    }
}

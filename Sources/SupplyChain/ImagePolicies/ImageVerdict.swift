// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// What the last scan said of an image that pods name: the content of an `ImageScan` object, in which it comes from the
/// server that scans to whoever judges pods. Times are seconds since 1970.
package struct ImageVerdict: Sendable, Equatable {
    /// Only `complete` and `incomplete` tell a result. An image that is scanned again keeps its phase and result until the
    /// new one is there, so that pods are judged meanwhile.
    package enum Phase: String, Sendable, CaseIterable {
        /// Asked for, not begun.
        case pending = "Pending"
        case scanning = "Scanning"
        case complete = "Complete"
        /// Scanned, but a part could not be read or judged: what is not listed may still be there.
        case incomplete = "Incomplete"
        /// There is no result.
        case failed = "Failed"
    }

    package struct Count: Sendable, Equatable {
        package var total = 0
        /// Those that an upgrade mends.
        package var fixable = 0

        package init(total: Int = 0, fixable: Int = 0) { (self.total, self.fixable) = (total, fixable) }
    }

    /// One of the worst, to be named in a refusal.
    package struct Vulnerability: Sendable, Equatable {
        package var id: String
        package var severity: Severity
        package var package: String
        package var version: String
        /// Empty where there is none.
        package var fixedVersion: String

        package init(id: String, severity: Severity, package: String, version: String, fixedVersion: String = "") {
            (self.id, self.severity, self.package) = (id, severity, package)
            (self.version, self.fixedVersion) = (version, fixedVersion)
        }
    }

    /// How many of the worst an object holds; more are left out.
    package static let maxWorst = 10

    /// As pods write it, made whole by `ImageScan.reference`: `registry.example.com/shop/cart:1.2`,
    /// `registry.example.com/shop/cart@sha256:…`.
    package var reference: String
    package var phase: Phase
    /// What the registry says that the reference means (an index or a manifest); empty until known.
    package var digest = ""
    /// When it was last seen to mean that. For a tag this counts for `maxScanAge` as much as `scanned`.
    package var resolved: Int64 = 0
    /// When it was last judged, and by advisories of when. 0 before the first time.
    package var scanned: Int64 = 0
    package var advisories: Int64 = 0
    /// Without those that are excepted.
    package var vulnerabilities: [Severity: Count] = [:]
    /// Worst first, those that an upgrade mends before the others of their severity; at most `maxWorst`.
    package var worst: [Vulnerability] = []
    package var malware = 0
    package var secrets = 0
    package var misconfigurations = 0
    /// Why it failed or is incomplete.
    package var message = ""

    package init(reference: String, phase: Phase) { (self.reference, self.phase) = (reference, phase) }

    /// Whether there is something to judge by.
    package var hasResult: Bool { phase == .complete || phase == .incomplete }
}

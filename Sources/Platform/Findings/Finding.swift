// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// A problem with an identity and a life. Times are seconds since 1970.
package struct Finding: Sendable {
    package enum Status: String, Sendable, CaseIterable {
        case new
        case inProgress
        case suppressed
        case resolved
    }

    package var fingerprint: Fingerprint
    package var checkID: String
    package var severity: Severity
    package var outcome: Outcome
    package var subject: Subject
    package var container: String
    package var message: String
    package var path: String
    /// Masked when the check is sensitive.
    package var value: String
    package var status: Status
    package var firstSeen: Int64
    package var lastSeen: Int64
    package var resolvedAt: Int64?
    /// How often it came back after it was resolved.
    package var reopened: Int
    /// The exemption that suppresses it; empty without one.
    package var exemptionID: String

    package init(
        fingerprint: Fingerprint, checkID: String, severity: Severity, outcome: Outcome, subject: Subject,
        container: String, message: String, path: String, value: String, status: Status, firstSeen: Int64,
        lastSeen: Int64, resolvedAt: Int64? = nil, reopened: Int = 0, exemptionID: String = ""
    ) {
        self.fingerprint = fingerprint
        self.checkID = checkID
        self.severity = severity
        self.outcome = outcome
        self.subject = subject
        self.container = container
        self.message = message
        self.path = path
        self.value = value
        self.status = status
        self.firstSeen = firstSeen
        self.lastSeen = lastSeen
        self.resolvedAt = resolvedAt
        self.reopened = reopened
        self.exemptionID = exemptionID
    }
}

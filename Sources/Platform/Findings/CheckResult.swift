// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// One check on one subject, or on one container of it.
package struct CheckResult: Sendable {
    package var check: Check
    package var outcome: Outcome
    package var subject: Subject
    /// The container's name; empty when the check is about the whole object.
    package var container: String
    /// One sentence that names what was seen, without the value of a sensitive check.
    package var message: String
    /// Where the evidence stands, in two parts: results of a container share the first, so that none has to join them
    /// before somebody reads it.
    package private(set) var place: String
    package private(set) var field: String
    /// What stands there, as JSON text, at most 200 characters, masked when the check is sensitive; empty when nothing does.
    package var value: String
    package var source: SourceLocation?
    package var fingerprint: Fingerprint
    /// Apart from the rest: it is large, and most results have none.
    private var exempting: Exempting?

    /// Where the evidence stands, e.g. `spec.template.spec.containers[0].securityContext.privileged`.
    package var path: String {
        get { place.isEmpty ? field : place + field }
        set { (place, field) = ("", newValue) }
    }

    private final class Exempting: Sendable {
        let exemption: Exemption

        init(_ exemption: Exemption) { self.exemption = exemption }
    }

    /// The exemption that turned a failure into a skip.
    package var exemption: Exemption? {
        get { exempting?.exemption }
        set { exempting = newValue.map(Exempting.init) }
    }

    package var isExempt: Bool { exempting != nil }

    package init(
        check: Check, outcome: Outcome, subject: Subject, container: String = "", message: String, path: String = "",
        value: String = "", source: SourceLocation? = nil, fingerprint: Fingerprint, exemption: Exemption? = nil
    ) {
        self.init(
            check: check, outcome: outcome, subject: subject, container: container, message: message, place: "",
            field: path, value: value, source: source, fingerprint: fingerprint)
        if let exemption { self.exemption = exemption }
    }

    /// `place` and `field` together are the path.
    package init(
        check: Check, outcome: Outcome, subject: Subject, container: String, message: String, place: String,
        field: String, value: String, source: SourceLocation?, fingerprint: Fingerprint
    ) {
        self.check = check
        self.outcome = outcome
        self.subject = subject
        self.container = container
        self.message = message
        self.place = place
        self.field = field
        self.value = value
        self.source = source
        self.fingerprint = fingerprint
        exempting = nil
    }
}

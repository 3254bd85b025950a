// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// One check on one subject, or on one container of it.
///
/// A handle: it is carried through several hands, and copies share one piece of memory until one of them changes. What shows
/// one result after the other lets a value take the next one on (`show`), which costs no memory unless somebody kept it.
public struct CheckResult: Sendable {
    struct Parts {
        var check: Check
        var outcome: Outcome
        var subject: Subject
        var container: String
        var message: String
        var place: String
        var field: String
        var value: String
        var source: SourceLocation?
        var fingerprint: Fingerprint
        var exempting: Exempting?
    }

    /// Through a pointer: the compiler asks of a class's own variables at each use whether somebody else is at them.
    final class Holder: @unchecked Sendable {
        // @unchecked: only the one handle that holds it writes.
        let parts: UnsafeMutablePointer<Parts>

        init(_ parts: consuming Parts) {
            self.parts = .allocate(capacity: 1)
            self.parts.initialize(to: parts)
        }

        deinit {
            parts.deinitialize(count: 1)
            parts.deallocate()
        }
    }

    /// Apart from the rest: it is large, and most results have none.
    final class Exempting: Sendable {
        let exemption: Exemption

        init(_ exemption: Exemption) { self.exemption = exemption }
    }

    private var holder: Holder

    /// What may be written to: nobody else holds it.
    private var own: UnsafeMutablePointer<Parts> {
        mutating get {
            if !isKnownUniquelyReferenced(&holder) { holder = Holder(holder.parts.pointee) }
            return holder.parts
        }
    }

    /// The check that was asked.
    public var check: Check {
        get { holder.parts.pointee.check }
        set { own.pointee.check = newValue }
    }

    /// What it said.
    public var outcome: Outcome {
        get { holder.parts.pointee.outcome }
        set { own.pointee.outcome = newValue }
    }

    /// The object that was judged.
    public var subject: Subject {
        get { holder.parts.pointee.subject }
        set { own.pointee.subject = newValue }
    }

    /// The container's name; empty when the check is about the whole object.
    public var container: String {
        get { holder.parts.pointee.container }
        set { own.pointee.container = newValue }
    }

    /// One sentence that names what was seen, without the value of a sensitive check.
    public var message: String {
        get { holder.parts.pointee.message }
        set { own.pointee.message = newValue }
    }

    /// Where the evidence stands, in two parts: results of a container share the first, so that none has to join them
    /// before somebody reads it.
    public var place: String { holder.parts.pointee.place }
    /// The second part, from the container or pod on.
    public var field: String { holder.parts.pointee.field }

    /// What stands there, as JSON text, at most 200 characters, masked when the check is sensitive; empty when nothing does.
    public var value: String {
        get { holder.parts.pointee.value }
        set { own.pointee.value = newValue }
    }

    /// Where the evidence was read; nil for a cluster.
    public var source: SourceLocation? {
        get { holder.parts.pointee.source }
        set { own.pointee.source = newValue }
    }

    /// The line of its source, counted from 1; nil without one.
    public var line: Int? { holder.parts.pointee.source?.line }

    /// The identity of the finding.
    public var fingerprint: Fingerprint {
        get { holder.parts.pointee.fingerprint }
        set { own.pointee.fingerprint = newValue }
    }

    /// Where the evidence stands, e.g. `spec.template.spec.containers[0].securityContext.privileged`.
    public var path: String {
        get { place.isEmpty ? field : place + field }
        set {
            own.pointee.place = ""
            own.pointee.field = newValue
        }
    }

    /// The exemption that turned a failure into a skip.
    package var exemption: Exemption? {
        get { holder.parts.pointee.exempting?.exemption }
        set { own.pointee.exempting = newValue.map(Exempting.init) }
    }

    /// Whether an exemption turned it into a skip.
    public var isExempt: Bool { holder.parts.pointee.exempting != nil }

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
    public init(
        check: Check, outcome: Outcome, subject: Subject, container: String, message: String, place: String,
        field: String, value: String, source: SourceLocation?, fingerprint: Fingerprint
    ) {
        holder = Holder(
            Parts(
                check: check, outcome: outcome, subject: subject, container: container, message: message, place: place,
                field: field, value: value, source: source, fingerprint: fingerprint, exempting: nil))
    }

    /// Takes on another result of the same subject, from the same file at `line`.
    public mutating func show(
        check: Check, outcome: Outcome, container: String, message: String, place: String, field: String, value: String,
        line: Int, fingerprint: Fingerprint
    ) {
        guard isKnownUniquelyReferenced(&holder) else {
            let source = self.source.map { SourceLocation(file: $0.file, line: line) }
            self = CheckResult(
                check: check, outcome: outcome, subject: subject, container: container, message: message, place: place,
                field: field, value: value, source: source, fingerprint: fingerprint)
            return
        }
        let parts = holder.parts
        parts.pointee.check = check
        parts.pointee.outcome = outcome
        parts.pointee.container = container
        parts.pointee.message = message
        parts.pointee.place = place
        parts.pointee.field = field
        parts.pointee.value = value
        parts.pointee.source?.line = line
        parts.pointee.fingerprint = fingerprint
        parts.pointee.exempting = nil
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// Which of the webhooks asks.
package enum ReviewPhase: String, Sendable, CaseIterable {
    /// May change the object.
    case mutate
    /// Judges what every mutator left.
    case validate
    /// Only warns; about templates at the time they are written. Its webhook fails open.
    case advise
}

/// Takes part in admission: pod policies today; image signatures, constraints and sandbox routing later.
package protocol Reviewer: Sendable {
    /// `pod-policies`
    var name: String { get }
    /// The webhooks that ask it, by the last part of their path: `/validate/gatekeeper`. Empty for `/validate` itself.
    var webhook: String { get }
    /// What becomes of a request that this could not judge in time.
    var failurePolicy: FailurePolicy { get }
    /// Nil once it can judge; until then what it waits for, in words that anybody may read.
    var waitsFor: String? { get }
    /// Whether it has something to say about such requests.
    func concerns(_ request: AdmissionRequest, in phase: ReviewPhase) -> Bool
    /// Whether judging this request may have to wait for somebody else. One that does not is asked without a timer.
    func mayWait(_ request: AdmissionRequest, in phase: ReviewPhase) -> Bool
    /// Judges. A "no" is a value; an error means that the question could not be answered.
    func review(_ request: AdmissionRequest, in phase: ReviewPhase) async throws -> Review
}

extension Reviewer {
    package var webhook: String { "" }
    package func mayWait(_ request: AdmissionRequest, in phase: ReviewPhase) -> Bool { true }
}

package enum FailurePolicy: String, Sendable {
    /// Refuse what could not be judged.
    case fail = "Fail"
    /// Let it pass, visibly: counted, logged, warned of.
    case ignore = "Ignore"
}

/// What one reviewer says about one request.
package struct Review: Sendable {
    package var allowed: Bool
    /// For a refusal: what the user is told, all of it.
    package var message: String
    /// HTTP status of a refusal: 403, or 400/422 for an invalid policy.
    package var code: Int
    /// Lines that kubectl prints.
    package var warnings: [String]
    /// Written into the API server's audit log under `<webhook>/<key>`.
    package var auditAnnotations: [String: String]
    /// Only in phase `mutate`.
    package var patch: [JSONPatchOperation]
    /// What is remembered of it; nil for nothing worth remembering.
    package var decision: AdmissionDecision?

    package init(
        allowed: Bool = true, message: String = "", code: Int = 403, warnings: [String] = [],
        auditAnnotations: [String: String] = [:], patch: [JSONPatchOperation] = [], decision: AdmissionDecision? = nil
    ) {
        self.allowed = allowed
        self.message = message
        self.code = code
        self.warnings = warnings
        self.auditAnnotations = auditAnnotations
        self.patch = patch
        self.decision = decision
    }

    package static let allow = Review()
}

/// One step of a JSON patch (RFC 6902): add, replace or remove.
package struct JSONPatchOperation: Sendable, Hashable {
    package enum Kind: String, Sendable { case add, replace, remove }

    package var kind: Kind
    /// A JSON pointer with `~` and `/` in names escaped: see `pointer`.
    package var path: String
    /// JSON text; empty for `remove`.
    package var value: String

    package init(_ kind: Kind, _ path: String, _ value: String = "") {
        self.kind = kind
        self.path = path
        self.value = value
    }

    /// `pointer("metadata", "annotations", "a/b")` is `/metadata/annotations/a~1b`.
    package static func pointer(_ segments: String...) -> String {
        segments.map { segment in
            var text = "/"
            for scalar in segment.unicodeScalars {
                switch scalar {
                case "~": text += "~0"
                case "/": text += "~1"
                default: text.unicodeScalars.append(scalar)
                }
            }
            return text
        }.joined()
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Foundation

/// The reviews of one request, as they come in.
struct Merge: Sendable {
    let request: AdmissionRequest
    let phase: ReviewPhase
    private let concerned: [any Reviewer]
    private var asked = 0
    private(set) var answer: ReviewAnswer
    private(set) var decisions: [AdmissionDecision] = []
    /// What each reviewer that was asked made of it.
    private(set) var actions: [(reviewer: String, action: AdmissionDecision.Action)] = []

    init(request: AdmissionRequest, phase: ReviewPhase, concerned: [any Reviewer]) {
        self.request = request
        self.phase = phase
        self.concerned = concerned
        answer = ReviewAnswer(uid: request.uid)
    }

    /// Whether one of them may have to wait for somebody else.
    var mayWait: Bool { concerned.contains { $0.mayWait(request, in: phase) } }

    /// The next reviewer to ask.
    mutating func next() -> (any Reviewer)? {
        guard asked < concerned.count else { return nil }
        asked += 1
        return concerned[asked - 1]
    }

    mutating func take(_ review: Review, of reviewer: any Reviewer) {
        answer.warnings += review.warnings
        for (key, value) in review.auditAnnotations { annotate(key, value) }
        answer.patch += review.patch
        if !review.allowed {
            // `advise` cannot refuse.
            if phase == .advise { answer.warnings.append(review.message) } else { refuse(review.code, review.message) }
        }
        if let decision = review.decision { decisions.append(decision) }
        let action =
            review.decision?.action ?? (review.allowed ? (review.warnings.isEmpty ? .allow : .warn) : .deny)
        actions.append((reviewer.name, action))
    }

    mutating func fail(_ reviewer: any Reviewer, _ kind: ReviewFailure, _ reason: String, _ policy: FailurePolicy) {
        // What went wrong inside is for the log; the user learns whose judgement is missing, and why in a word.
        let detail = kind == .error ? "an error occurred" : reason
        switch policy {
        case .fail:
            refuse(
                kind.code, "\(reviewer.name) could not judge this request (\(detail)) and its failure policy is Fail")
        case .ignore:
            answer.warnings.append("\(reviewer.name) could not judge this request (\(detail)); it passed unjudged")
            annotate("unjudged", "\(reviewer.name): \(kind.rawValue)")
        }
        actions.append((reviewer.name, .error))
        let allowed = policy == .ignore
        decisions.append(
            AdmissionDecision(
                uid: request.uid, time: Int64(Date().timeIntervalSince1970 * 1000), reviewer: reviewer.name,
                action: .error, allowed: allowed, operation: request.operation.rawValue,
                subject: Subject(
                    apiVersion: request.kind.apiVersion, kind: request.kind.name, namespace: request.namespace,
                    name: request.name),
                workload: request.name, user: request.user,
                reasons: [.init(policy: "", message: String(reason.prefix(1000)))], dryRun: request.dryRun))
    }

    private mutating func refuse(_ code: Int, _ message: String) {
        let message = message.isEmpty ? "refused without a reason" : message
        if answer.allowed {
            answer.allowed = false
            answer.code = code
            answer.message = message
        } else {
            // A judged "no" stands before a failure, whatever came first.
            if answer.code >= 500 || answer.code == 429 { answer.code = code }
            answer.message += "\n" + message
        }
    }

    /// Two reviewers that use the same key are both kept.
    private mutating func annotate(_ key: String, _ value: String) {
        answer.auditAnnotations[key] = answer.auditAnnotations[key].map { $0 + "; " + value } ?? value
    }
}

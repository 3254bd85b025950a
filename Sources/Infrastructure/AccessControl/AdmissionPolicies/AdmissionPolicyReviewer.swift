// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import CEL
import Documents
import Findings
import Foundation

/// Takes part in admission: judges by admission policies on clusters that cannot do so themselves, and refuses policies
/// and bindings that could not be used.
package final class AdmissionPolicyReviewer: Reviewer {
    /// Reads a namespace from the cluster: one so new that no watch has told of it.
    package typealias NamespaceReader = @Sendable (_ name: String) async throws -> Node
    /// Answers what expressions ask about the rights of the one who made a request.
    package typealias AuthorizerMaker = @Sendable (_ request: AdmissionRequest) -> CELAuthorizer

    package static let path = "admission-policies"

    package let name = "admission-policies"
    package var webhook: String { Self.path }
    package let failurePolicy: Admission.FailurePolicy
    private let index: AdmissionPolicyIndex
    private let readNamespace: NamespaceReader?
    private let authorizer: AuthorizerMaker?
    private let rights: RightsReader?
    /// Milliseconds since 1970.
    private let now: @Sendable () -> Int64

    package init(
        _ index: AdmissionPolicyIndex, failurePolicy: Admission.FailurePolicy = .fail,
        readNamespace: NamespaceReader? = nil, authorizer: AuthorizerMaker? = nil, rights: RightsReader? = nil,
        now: @escaping @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970 * 1000) }
    ) {
        self.index = index
        self.failurePolicy = failurePolicy
        self.readNamespace = readNamespace
        self.authorizer = authorizer
        self.rights = rights
        self.now = now
    }

    package var waitsFor: String? { index.waitsFor }

    private static func isOwn(_ request: AdmissionRequest) -> Bool {
        AdmissionPolicy.groups.contains(request.kind.group)
            && [AdmissionPolicy.kind, AdmissionPolicyBinding.kind].contains(request.kind.name)
    }

    package func concerns(_ request: AdmissionRequest, in phase: ReviewPhase) -> Bool { phase == .validate }

    package func mayWait(_ request: AdmissionRequest, in phase: ReviewPhase) -> Bool {
        let moment = index.moment(namespace: request.namespace)
        return rights != nil && moment.policies.asksAboutRights
            || readNamespace != nil && !request.namespace.isEmpty && !request.isNamespace && moment.namespace == nil
    }

    package func review(_ request: AdmissionRequest, in phase: ReviewPhase) async throws -> Review {
        guard concerns(request, in: phase) else { return .allow }
        let moment = index.moment(namespace: request.namespace)
        // Policies do not judge policies: a mistake in one must not stand in the way of its own repair.
        if Self.isOwn(request) { return reviewOwn(request, moment) }
        guard !moment.policies.isEmpty else { return .allow }
        var namespace = moment.namespace
        if namespace == nil, !request.namespace.isEmpty, !request.isNamespace, let readNamespace {
            namespace = try await readNamespace(request.namespace)
        }
        guard let rights, moment.policies.asksAboutRights else {
            let input = PolicyInput(request, namespace: namespace, authorizer: authorizer?(request))
            return answer(moment.policies.judge(input), request)
        }
        let answers = RightsAnswers()
        let input = PolicyInput(request, namespace: namespace, authorizer: answers.authorizer)
        for _ in 0..<RightsAnswers.maxRounds {
            let judgement = moment.policies.judge(input)
            let missing = answers.takeMissing()
            if missing.isEmpty { return answer(judgement, request) }
            for question in missing {
                try Task.checkCancellation()
                answers.set(question, await rights.answer(question, request))
            }
        }
        throw GatekeeperError(.evaluation, "policies ask about rights more than \(RightsAnswers.maxRounds) times")
    }

    private func answer(_ judgement: AdmissionPolicySet.Judgement, _ request: AdmissionRequest) -> Review {
        func all(_ action: AdmissionPolicyBinding.Action) -> [AdmissionPolicySet.Violation] {
            judgement.violations.filter { $0.actions.contains(action) }
        }
        let denied = all(.deny)
        var review = Review(
            allowed: denied.isEmpty, message: denied.map(\.refusal).joined(separator: "\n"),
            code: denied.first?.reason.code ?? 403, warnings: all(.warn).map(\.warning))
        review.warnings += judgement.ignored.map { "\($0.policy) could not be judged: \($0.message)" }
        for (key, values) in judgement.annotations { review.auditAnnotations[key] = values.joined(separator: ", ") }
        let audited = all(.audit)
        if !audited.isEmpty { review.auditAnnotations["validation_failure"] = Self.json(audited) }
        guard !judgement.violations.isEmpty else { return review }
        let action: AdmissionDecision.Action = denied.isEmpty ? (review.warnings.isEmpty ? .audit : .warn) : .deny
        review.decision = AdmissionDecision(
            uid: request.uid, time: now(), reviewer: name, action: action, allowed: review.allowed,
            operation: request.operation.rawValue,
            subject: Subject(
                apiVersion: request.kind.apiVersion, kind: request.kind.name, namespace: request.namespace,
                name: request.name),
            workload: request.name, user: request.user, policy: judgement.violations.first?.policy ?? "",
            reasons: judgement.violations.map { .init(policy: "\($0.policy)/\($0.binding)", message: $0.message) },
            dryRun: request.dryRun)
        return review
    }

    /// What Kubernetes writes into its audit log of validations with action Audit.
    private static func json(_ violations: [AdmissionPolicySet.Violation]) -> String {
        func quoted(_ text: String) -> String { EditValue.string(text).json }
        let entries = violations.map { violation in
            let actions = violation.actions.map { quoted($0.rawValue) }.joined(separator: ",")
            return "{\"message\":\(quoted(violation.message)),\"policy\":\(quoted(violation.policy)),"
                + "\"binding\":\(quoted(violation.binding)),\"expressionIndex\":\(violation.index ?? 0),"
                + "\"validationActions\":[\(actions)]}"
        }
        return "[\(entries.joined(separator: ","))]"
    }

    /// Judges policies and bindings themselves: what could not be used later is refused with its field.
    private func reviewOwn(_ request: AdmissionRequest, _ moment: AdmissionPolicyIndex.Moment) -> Review {
        guard request.operation == .create || request.operation == .update, let object = request.object else {
            return .allow
        }
        // Finalizers and labels may always change, even those of an object that slipped in unread.
        if request.operation == .update, let old = request.oldObject, old["spec"]?.json() == object["spec"]?.json() {
            return .allow
        }
        var review = Review.allow
        do throws(GatekeeperError) {
            if request.kind.name == AdmissionPolicyBinding.kind {
                let binding = try AdmissionPolicyBinding(object)
                if !moment.policies.hasPolicy(group: binding.group, name: binding.policyName) {
                    review.warnings = ["there is no policy \(binding.policyName) that can be used yet"]
                }
            } else {
                _ = try AdmissionPolicy(object)
            }
        } catch {
            return Review(
                allowed: false, message: "\(request.kind.name) \(request.name) is not valid: \(error)", code: 422)
        }
        return review
    }
}

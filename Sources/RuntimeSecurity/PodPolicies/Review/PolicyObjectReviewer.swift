// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import Documents
import Kubernetes

/// Judges policies, bindings and switches themselves before they are stored: what could not be read later is refused
/// with its field, and whoever binds a policy must be allowed to use it.
package final class PolicyObjectReviewer: Reviewer {
    /// Whether a user has the verb `use` on a PodPolicy.
    package typealias MayUse = @Sendable (_ policy: String, _ user: String, _ groups: [String]) async throws -> Bool

    package let name = "policy-objects"
    package let failurePolicy: FailurePolicy
    private let index: PolicyIndex
    private let mayUse: MayUse

    package init(_ index: PolicyIndex, failurePolicy: FailurePolicy = .fail, mayUse: @escaping MayUse) {
        self.index = index
        self.failurePolicy = failurePolicy
        self.mayUse = mayUse
    }

    /// It can judge an object without knowing any other.
    package var waitsFor: String? { nil }

    package func concerns(_ request: AdmissionRequest, in phase: ReviewPhase) -> Bool {
        phase == .validate && request.resource.group == PolicyResources.group && request.subresource.isEmpty
            && (request.operation == .create || request.operation == .update)
    }

    package func review(_ request: AdmissionRequest, in phase: ReviewPhase) async throws -> Review {
        guard concerns(request, in: phase) else { return .allow }
        guard let object = request.object else {
            throw PodPolicyError(
                .unreadableObject, "\(request.operation.rawValue) of \(request.resource) came without an object")
        }
        // Finalizers and labels may always change, even those of an object that slipped in unread.
        if request.operation == .update, let old = request.oldObject, old["spec"]?.json() == object["spec"]?.json() {
            return .allow
        }
        let parsed: PodPolicyBinding?
        do throws(PodFieldError) {
            parsed = try Self.parse(object, request.resource.name)
        } catch {
            return Review(
                allowed: false, message: "\(request.kind.name) \(request.name) is not valid: \(error)", code: 422)
        }
        guard let binding = parsed else { return .allow }
        guard try await mayUse(binding.policy, request.user, request.groups) else {
            let user = request.user.isEmpty ? "an unnamed user" : request.user
            return Review(
                allowed: false,
                message: "\(user) may not bind the PodPolicy \(binding.policy): that takes the verb use on "
                    + "podpolicies.\(PolicyResources.group) \(binding.policy)")
        }
        var review = Review.allow
        if index.set.policy(binding.policy) == nil {
            review.warnings = [
                "there is no PodPolicy \(binding.policy) yet: this binding binds nobody until there is one"
            ]
        }
        return review
    }

    /// The binding, if it is one; nil for the other kinds, which need nobody's leave.
    private static func parse(_ object: Node, _ resource: String) throws(PodFieldError) -> PodPolicyBinding? {
        switch resource {
        case PolicyResources.policies.plural: _ = try PodPolicy(object)
        case PolicyResources.controls.plural: _ = try AdmissionControl(object)
        case PolicyResources.bindings.plural: return try PodPolicyBinding(object)
        default: break
        }
        return nil
    }
}

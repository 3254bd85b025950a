// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AccessControl
import Admission
import CEL
import Documents
import Findings
import Testing

@Suite struct AdmissionPolicyReviewerTests {
    private func index(_ texts: [String]) throws -> AdmissionPolicyIndex {
        let index = AdmissionPolicyIndex()
        for text in texts { index.put(try yaml(text)) }
        index.put(namespace: "shop", try yaml("{kind: Namespace, metadata: {name: shop}}"))
        index.wait(for: nil)
        return index
    }

    private func request(_ text: String, _ operation: AdmissionRequest.Operation = .create, old: String? = nil) throws
        -> AdmissionRequest
    {
        var request = try AdmissionRequest(creating: try yaml(text), user: "jane")
        request.operation = operation
        request.oldObject = try old.map { try yaml($0) }
        return request
    }

    @Test(arguments: [
        (
            "[Deny]", false,
            "ValidatingAdmissionPolicy 'replicas' with binding 'everywhere' denied request: 4 replicas, at most 3",
            [String](), 422, AdmissionDecision.Action.deny, false
        ),
        (
            "[Warn]", true, "",
            [
                "Validation failed for ValidatingAdmissionPolicy 'replicas' with binding 'everywhere': 4 replicas, at most 3"
            ], 403, .warn, false
        ),
        ("[Audit]", true, "", [], 403, .audit, true),
    ])
    func actionsDecide(
        actions: String, allowed: Bool, message: String, warnings: [String], code: Int,
        decision: AdmissionDecision.Action,
        isAudited: Bool
    ) async throws {
        let reviewer = AdmissionPolicyReviewer(try index([PolicyTexts.policy, PolicyTexts.binding(actions)]))
        let review = try await reviewer.review(try request(PolicyTexts.deployment("4")), in: .validate)
        #expect(review.allowed == allowed)
        #expect(review.message == message)
        #expect(review.warnings == warnings)
        #expect(review.code == code)
        #expect(review.decision?.action == decision)
        #expect(review.auditAnnotations["replicas.count"] == "many")
        let failure =
            #"[{"message":"4 replicas, at most 3","policy":"replicas","binding":"everywhere","expressionIndex":0,"validationActions":["Audit"]}]"#
        #expect(review.auditAnnotations["validation_failure"] == (isAudited ? failure : nil))
    }

    /// As Kubernetes has it: an annotation that cannot be made refuses, whatever the binding does with a "no".
    @Test func anAnnotationThatCannotBeMadeRefuses() async throws {
        let policy = PolicyTexts.policy.replacing("variables.count > 2 ? 'many' : ''", with: "object.spec.missing")
        let reviewer = AdmissionPolicyReviewer(try index([policy, PolicyTexts.binding("[Warn]")]))
        let review = try await reviewer.review(try request(PolicyTexts.deployment("3")), in: .validate)
        #expect(!review.allowed)
        #expect(review.message.contains("auditAnnotation 'count' resulted in error: no such key: missing"))
    }

    @Test func reasonsGiveTheirStatus() async throws {
        let reviewer = AdmissionPolicyReviewer(try index([PolicyTexts.policy, PolicyTexts.binding()]))
        #expect(try await reviewer.review(try request(PolicyTexts.deployment("0")), in: .validate).code == 403)
    }

    @Test func withoutABindingNothingIsJudged() async throws {
        let reviewer = AdmissionPolicyReviewer(try index([PolicyTexts.policy]))
        #expect(try await reviewer.review(try request(PolicyTexts.deployment("9")), in: .validate).allowed)
        #expect(reviewer.webhook == "admission-policies" && reviewer.name == "admission-policies")
        #expect(!reviewer.concerns(try request(PolicyTexts.deployment("9")), in: .mutate))
    }

    @Test func aBrokenVersionLeavesTheLastOneInForce() async throws {
        let index = try index([PolicyTexts.policy, PolicyTexts.binding()])
        let revision = index.revision
        index.put(try yaml(PolicyTexts.policy.replacing("variables.count > 0", with: "variables.count >")))
        index.put(try yaml(PolicyTexts.binding("[Shout]")))
        #expect(
            index.problems.keys.sorted() == [
                "ValidatingAdmissionPolicy/replicas", "ValidatingAdmissionPolicyBinding/everywhere",
            ])
        #expect(index.revision == revision + 2)
        let reviewer = AdmissionPolicyReviewer(index)
        #expect(try await reviewer.review(try request(PolicyTexts.deployment("4")), in: .validate).allowed == false)
        index.put(try yaml(PolicyTexts.policy))
        index.put(try yaml(PolicyTexts.binding()))
        #expect(index.problems.isEmpty)
        index.remove(
            group: AdmissionPolicy.kubernetesGroup, kind: AdmissionPolicyBinding.kind, name: "everywhere")
        #expect(try await reviewer.review(try request(PolicyTexts.deployment("4")), in: .validate).allowed)
        #expect(index.objects.map(\.id) == ["ValidatingAdmissionPolicy/replicas"])
    }

    @Test func parametersFollowTheCluster() async throws {
        let reference = ", paramRef: {name: limits, parameterNotFoundAction: Allow}"
        let index = try index([PolicyTexts.policy, PolicyTexts.binding("[Deny]", reference)])
        #expect(index.paramKinds == [AdmissionPolicy.ParamKind(apiVersion: "v1", kind: "ConfigMap")])
        let reviewer = AdmissionPolicyReviewer(index)
        let asked = try request(PolicyTexts.deployment("4"))
        #expect(try await reviewer.review(asked, in: .validate).allowed)
        try index.put(param: try yaml(PolicyTexts.params(2)))
        #expect(try await reviewer.review(asked, in: .validate).allowed == false)
        try index.put(param: try yaml(PolicyTexts.params(5)))
        #expect(try await reviewer.review(asked, in: .validate).allowed)
        try index.put(param: try yaml(PolicyTexts.params(1)))
        index.remove(param: "v1", kind: "ConfigMap", namespace: "shop", name: "limits")
        #expect(try await reviewer.review(asked, in: .validate).allowed)
        #expect(throws: GatekeeperError.self) { try index.put(param: try yaml("{kind: ConfigMap}")) }
    }

    @Test func anUnknownNamespaceIsAskedFor() async throws {
        let index = try index([
            PolicyTexts.policy,
            PolicyTexts.binding("[Deny]", ", matchResources: {namespaceSelector: {matchLabels: {a: b}}}"),
        ])
        index.put(namespace: "shop", nil)
        let asking = AdmissionPolicyReviewer(
            index, readNamespace: { _ in try yaml("{kind: Namespace, metadata: {name: shop, labels: {a: b}}}") })
        let asked = try request(PolicyTexts.deployment("4"))
        #expect(asking.mayWait(asked, in: .validate))
        #expect(try await asking.review(asked, in: .validate).allowed == false)
        // Nobody to ask: what cannot be known does not pass.
        let alone = try await AdmissionPolicyReviewer(index).review(asked, in: .validate)
        #expect(alone.message.contains("the namespace shop is not known"))
        #expect(!AdmissionPolicyReviewer(index).mayWait(asked, in: .validate))
    }

    @Test func rightsAreAskedOfWhoeverIsGiven() async throws {
        let policy = PolicyTexts.policy.replacing(
            "variables.count > 0,", with: "\"authorizer.requestResource.check('scale').allowed()\",")
        let index = try index([policy, PolicyTexts.binding()])
        let asked = try request(PolicyTexts.deployment("1"))
        let answering = AdmissionPolicyReviewer(
            index,
            authorizer: { request in
                CELAuthorizer { question in
                    CELAuthorizationAnswer(
                        isAllowed: request.user == "jane" && question.verb == "scale"
                            && question.resource == "deployments" && question.namespace == "shop")
                }
            })
        #expect(try await answering.review(asked, in: .validate).allowed)
        let review = try await AdmissionPolicyReviewer(index).review(asked, in: .validate)
        #expect(review.message.contains("nobody can be asked about rights here"))
    }

    @Test(arguments: [
        (
            PolicyTexts.policy.replacing("variables.count > 0", with: "variables.missing > 0"),
            "spec.validations[1].expression"
        ),
        (PolicyTexts.binding("[Deny, Warn]"), "spec.validationActions"),
    ])
    func whatCouldNotBeUsedIsRefused(text: String, wanted: String) async throws {
        let reviewer = AdmissionPolicyReviewer(try index([PolicyTexts.policy, PolicyTexts.binding()]))
        let review = try await reviewer.review(try request(text), in: .validate)
        #expect(!review.allowed)
        #expect(review.code == 422)
        #expect(review.message.contains(wanted), "\(review.message)")
        // Labels and finalizers of what slipped in may change.
        #expect(try await reviewer.review(try request(text, .update, old: text), in: .validate).allowed)
    }

    @Test func aBindingWithoutItsPolicyIsWarnedOf() async throws {
        let reviewer = AdmissionPolicyReviewer(AdmissionPolicyIndex())
        let review = try await reviewer.review(try request(PolicyTexts.binding()), in: .validate)
        #expect(review.allowed)
        #expect(review.warnings == ["there is no policy replicas that can be used yet"])
        #expect(reviewer.waitsFor != nil)
    }
}

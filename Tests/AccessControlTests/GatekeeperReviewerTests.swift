// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AccessControl
import Admission
import Documents
import Findings
import Rego
import Testing

@Suite struct GatekeeperReviewerTests {
    private static let template = """
        apiVersion: templates.gatekeeper.sh/v1
        kind: ConstraintTemplate
        metadata: {name: nohost}
        spec:
          crd:
            spec:
              names: {kind: NoHost}
              validation: {openAPIV3Schema: {type: object, properties: {word: {type: string}}}}
          targets:
          - target: admission.k8s.gatekeeper.sh
            rego: |
              package nohost
              violation[{"msg": msg}] {
                input.review.object.spec.hostNetwork
                msg := sprintf("%v by %v", [input.parameters.word, input.review.userInfo.username])
              }
        """
    private static let mutator = """
        {apiVersion: mutations.gatekeeper.sh/v1, kind: Assign, metadata: {name: m}, spec: {applyTo: [{groups: [''],
        versions: [v1], kinds: [Pod]}], location: 'spec.containers[name: *].tty', parameters: {assign: {value: false}}}}
        """
    private static let config = """
        {apiVersion: config.gatekeeper.sh/v1alpha1, kind: Config, metadata: {name: config},
        spec: {match: [{excludedNamespaces: ['kube-*'], processes: [webhook]}]}}
        """
    private static let pod = """
        {apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop}, spec: {hostNetwork: true,
        containers: [{name: a}, {name: b, tty: false}]}}
        """

    private static func constraint(_ action: String = "deny", name: String = "c", more: String = "") -> String {
        """
        {apiVersion: constraints.gatekeeper.sh/v1beta1, kind: NoHost, metadata: {name: \(name)},
        spec: {enforcementAction: \(action), parameters: {word: stop}\(more)}}
        """
    }

    private func index(_ texts: [String]) throws -> GatekeeperIndex {
        let index = GatekeeperIndex()
        for text in texts { index.put(try yaml(text)) }
        index.wait(for: nil)
        return index
    }

    private func request(
        _ text: String = pod, _ operation: AdmissionRequest.Operation = .create, namespace: String = "shop",
        subresource: String = "", old: String? = nil
    ) throws -> AdmissionRequest {
        let node = try yaml(text)
        let parts = (node["apiVersion"]?.string ?? "").split(separator: "/").map(String.init)
        let name = GroupVersionName(
            group: parts.count == 2 ? parts[0] : "", version: parts.last ?? "", name: node["kind"]?.string ?? "")
        return AdmissionRequest(
            uid: "u", operation: operation, kind: name, resource: name, subresource: subresource, namespace: namespace,
            name: node["metadata"]?["name"]?.string ?? "", user: "jane", object: operation == .delete ? nil : node,
            oldObject: operation == .delete ? node : try old.map { try yaml($0) })
    }

    @Test(arguments: [
        ("deny", false, "[c] stop by jane", [String](), AdmissionDecision.Action.deny),
        ("warn", true, "", ["[c] stop by jane"], .warn), ("dryrun", true, "", [], .audit),
    ])
    func actionsDecide(
        action: String, allowed: Bool, message: String, warnings: [String], decision: AdmissionDecision.Action
    ) async throws {
        let reviewer = GatekeeperReviewer(try index([Self.template, Self.constraint(action)]))
        let review = try await reviewer.review(try request(), in: .validate)
        #expect(review.allowed == allowed)
        #expect(review.message == message)
        #expect(review.warnings == warnings)
        #expect(review.decision?.action == decision)
        #expect(review.decision?.reasons.map(\.policy) == ["NoHost/c"])
    }

    /// A constraint that means every kind must not keep its own kind, or that of another, from being repaired.
    @Test(arguments: [("nohost.constraints.gatekeeper.sh", true), ("widgets.example.org", false)])
    func kindsOfConstraintsAreLeftOut(name: String, allowed: Bool) async throws {
        let definition = """
            {apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: \(name)},
            spec: {hostNetwork: true}}
            """
        let reviewer = GatekeeperReviewer(try index([Self.template, Self.constraint()]))
        #expect(
            try await reviewer.review(try request(definition, namespace: ""), in: .validate).allowed == allowed)
    }

    @Test(arguments: [("kube-system", true), ("shop", false)])
    func namespacesAreLeftOut(namespace: String, allowed: Bool) async throws {
        let reviewer = GatekeeperReviewer(try index([Self.template, Self.constraint(), Self.config]))
        #expect(
            try await reviewer.review(try request(namespace: namespace), in: .validate).allowed == allowed)
    }

    @Test func deletionsAreJudgedByWhatIsDeleted() async throws {
        let reviewer = GatekeeperReviewer(try index([Self.template, Self.constraint()]))
        #expect(try await reviewer.review(try request(Self.pod, .delete), in: .validate).allowed == false)
    }

    @Test func mutatorsGiveOnlyWhatDiffers() async throws {
        let reviewer = GatekeeperReviewer(try index([Self.mutator]))
        let review = try await reviewer.review(try request(), in: .mutate)
        #expect(review.patch == [JSONPatchOperation(.add, "/spec/containers/0/tty", "false")])
        #expect(review.auditAnnotations == ["mutators": "Assign/m"])
    }

    @Test(arguments: [("deny", true), ("dryrun", false)])
    func whatCouldHaveDeniedIsAnErrorWhenItCannotBeJudged(action: String, isError: Bool) async throws {
        let reviewer = GatekeeperReviewer(
            try index([Self.template, Self.constraint(action)]), limits: EvaluationLimits(steps: 1))
        let request = try request()
        do {
            let review = try await reviewer.review(request, in: .validate)
            #expect(!isError)
            #expect(review.warnings.first?.contains("NoHost/c] could not be judged") == true)
        } catch let error as GatekeeperError {
            #expect(isError)
            #expect(error.code == .evaluation)
        }
    }

    @Test func anUnknownNamespaceIsAskedFor() async throws {
        let more = ", match: {namespaceSelector: {matchLabels: {a: b}}}"
        let index = try index([Self.template, Self.constraint(more: more)])
        let asking = GatekeeperReviewer(
            index,
            readNamespace: { _ in try yaml("{apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {a: b}}}")
            })
        let request = try request()
        #expect(asking.mayWait(request, in: .validate))
        #expect(try await asking.review(request, in: .validate).allowed == false)
        await #expect(throws: GatekeeperError.self) {
            try await GatekeeperReviewer(index).review(request, in: .validate)
        }
        index.put(namespace: "shop", try yaml("{kind: Namespace, metadata: {name: shop}}"))
        #expect(!asking.mayWait(request, in: .validate))
        #expect(try await asking.review(request, in: .validate).allowed)
    }

    @Test(arguments: [
        (template.replacing("violation[", with: "violations["), "no rule violation"),
        (constraint().replacing("word: stop", with: "word: 5"), "spec.parameters.word must be string"),
        (constraint().replacing("deny", with: "shout"), "spec.enforcementAction"),
        (mutator.replacing("tty", with: "name"), "cannot be changed"),
        (
            mutator.replacing("{name: m}", with: "{name: other}").replacing("[name: *].tty", with: ".x"),
            "contradict each"
        ),
        (config.replacing("processes: [webhook]", with: "processes: [x]"), "spec.match[0].processes"),
    ])
    func whatCouldNotBeUsedIsRefused(text: String, wanted: String) async throws {
        let reviewer = GatekeeperReviewer(try index([Self.template, Self.constraint(), Self.mutator]))
        let review = try await reviewer.review(try request(text), in: .validate)
        #expect(!review.allowed)
        #expect(review.code == 422)
        #expect(review.message.contains(wanted), "\(review.message)")
        // Labels and finalizers of what slipped in may change.
        let update = try request(text, .update, old: text)
        #expect(try await reviewer.review(update, in: .validate).allowed)
    }

    @Test func aBrokenVersionLeavesTheLastOneInForce() async throws {
        let index = try index([Self.template, Self.constraint()])
        index.put(try yaml(Self.template.replacing("hostNetwork", with: "(")))
        index.put(try yaml(Self.constraint().replacing("word: stop", with: "word: 5")))
        #expect(index.problems.keys.sorted() == ["ConstraintTemplate/nohost", "NoHost/c"])
        let review = try await GatekeeperReviewer(index).review(try request(), in: .validate)
        #expect(review.message == "[c] stop by jane")
        index.put(try yaml(Self.template))
        index.put(try yaml(Self.constraint()))
        #expect(index.problems.isEmpty)
    }

    @Test func constraintsWaitForTheirTemplate() async throws {
        let index = try index([Self.constraint()])
        #expect(index.problems.keys.sorted() == ["NoHost/c"])
        let reviewer = GatekeeperReviewer(index)
        #expect(try await reviewer.review(try request(), in: .validate).allowed)
        index.put(try yaml(Self.template))
        #expect(index.problems.isEmpty)
        #expect(try await reviewer.review(try request(), in: .validate).allowed == false)
        index.remove(group: "templates.gatekeeper.sh", kind: "ConstraintTemplate", name: "nohost")
        #expect(index.problems.keys.sorted() == ["NoHost/c"])
        #expect(try await reviewer.review(try request(), in: .validate).allowed)
        index.remove(group: "constraints.gatekeeper.sh", kind: "NoHost", name: "c")
        index.put(try yaml(Self.template))
        #expect(try await reviewer.review(try request(), in: .validate).allowed)
    }

    @Test(arguments: [("status", false), ("scale", false), ("", true), ("ephemeralcontainers", true)])
    func statusesAreNotJudged(subresource: String, wanted: Bool) throws {
        let reviewer = GatekeeperReviewer(GatekeeperIndex())
        #expect(reviewer.concerns(try request(subresource: subresource), in: .validate) == wanted)
        #expect(reviewer.waitsFor != nil)
    }

    @Test func theInventoryFollowsTheCluster() throws {
        let index = GatekeeperIndex()
        let pod = try yaml(Self.pod)
        try index.put(inventory: pod)
        let found = index.moment(namespace: "").inventory.members?["namespace"]?.members?["shop"]?.members?["v1"]
        #expect(found?.members?["Pod"]?.members?["web"] != nil)
        index.remove(inventory: "v1", kind: "Pod", namespace: "shop", name: "web")
        #expect(index.moment(namespace: "").inventory.members?.isEmpty == true)
        #expect(throws: GatekeeperError.self) { try index.put(inventory: try yaml("{kind: Pod}")) }
    }
}

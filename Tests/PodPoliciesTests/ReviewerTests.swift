// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import Documents
import Findings
import PodPolicies
import Testing

@Suite struct ReviewerTests {
    private static let baseline = #""standard":{"level":"baseline"}"#
    private static let everyone = #""subjects":[{"kind":"Group","name":"system:authenticated"}]"#

    private static func all(_ policies: [(String, String)], control: String? = nil) throws -> PolicyIndex {
        try index(
            policies: policies, bindings: policies.map { ("b-\($0.0)", #"{"policy":"\#($0.0)",\#(everyone)}"#) },
            control: control)
    }

    private func review(
        _ index: PolicyIndex, _ request: AdmissionRequest, _ phase: ReviewPhase = .validate,
        now: Int64 = 1_800_000_000_000
    ) async throws -> Review {
        try await PodPolicyReviewer(index, now: { now }).review(request, in: phase)
    }

    /// Every mix of the modes, for a pod that baseline refuses.
    @Test(arguments: [
        [], ["enforce"], ["warn"], ["audit"], ["enforce", "warn"], ["enforce", "audit"], ["warn", "audit"],
        ["enforce", "warn", "audit"],
    ])
    func modesAreSetsOfTheirOwn(modes: [String]) async throws {
        let index = try Self.all(modes.map { ($0, #"{"mode":"\#($0)",\#(Self.baseline)}"#) })
        let answer = try await review(index, request(podText(container: privileged)))
        #expect(answer.allowed == !modes.contains("enforce"))
        #expect(answer.warnings.isEmpty == !modes.contains("warn"))
        #expect((answer.auditAnnotations["audit-violations"] != nil) == modes.contains("audit"))
        let action: AdmissionDecision.Action? =
            modes.contains("enforce") ? .deny : modes.contains("warn") ? .warn : modes.contains("audit") ? .audit : nil
        #expect(answer.decision?.action == action)
    }

    @Test func aRefusalNamesFieldContainerPolicyAndRemedy() async throws {
        let index = try Self.all([("strict", "{\(Self.baseline)}")])
        let answer = try await review(index, request(podText(container: privileged)))
        for part in ["strict", "\"app\"", "spec.containers[0].securityContext.privileged", "true", "to pass"] {
            #expect(answer.message.contains(part), "\(answer.message)")
        }
        #expect(answer.code == 403 && answer.decision?.reasons.first?.container == "app")
    }

    @Test func aRefusalIsBounded() async throws {
        let index = try Self.all((0..<30).map { ("p\($0)", #"{"standard":{"level":"restricted"}}"#) })
        let containers = (0..<500).map { #"{"name":"c\#($0)","image":"a"\#(privileged)}"# }.joined(separator: ",")
        let text = #"{"metadata":{"name":"p"},"spec":{"containers":[\#(containers)]}}"#
        let answer = try await review(index, request(text))
        #expect(!answer.allowed && answer.message.utf8.count < 6000 && answer.message.contains("more of"))
    }

    /// One of several must accept; which of them is the strict one does not matter.
    @Test func policiesThatContradictAreAlternatives() async throws {
        let index = try Self.all([
            (
                "a-users",
                #"{"fields":\#(fields(#""runAsUser":{"rule":"MustRunAs","ranges":[{"min":5,"max":5}]}"#).replacingUser)}"#
            ),
            (
                "b-users",
                #"{"fields":\#(fields(#""runAsUser":{"rule":"MustRunAs","ranges":[{"min":9,"max":9}]}"#).replacingUser)}"#
            ),
        ])
        for (user, allowed) in [(5, true), (9, true), (7, false)] {
            let pod = podText(container: #","securityContext":{"runAsUser":\#(user),"allowPrivilegeEscalation":true}"#)
            #expect(try await review(index, request(pod)).allowed == allowed, "\(user)")
        }
    }

    @Test func theChosenPolicyFillsInItsDefaultsAndIsRecorded() async throws {
        let index = try Self.all([
            ("fill", #"{"fields":\#(fields(#""requiredDropCapabilities":["NET_RAW"]"#))}"#)
        ])
        let made = try await review(index, request(podText()), .mutate)
        #expect(made.allowed && made.decision?.changed == true)
        #expect(
            made.patch.contains {
                $0.path == "/metadata/annotations/policy.bulwark.dev~1pod-policy" && $0.value == #""fill""#
            })
        #expect(
            made.patch.contains {
                $0.path.hasPrefix("/spec/containers/0/securityContext") && $0.value.contains("NET_RAW")
            })
        // Where nothing may be changed, the same pod is refused, whatever its annotation says.
        let forged = podText(metadata: #","annotations":{"policy.bulwark.dev/pod-policy":"fill"}"#)
        #expect(try await !review(index, request(forged)).allowed)
    }

    @Test func anUnchangedPodIsPreferredThenTheName() async throws {
        let drop = #","securityContext":{"capabilities":{"drop":["NET_RAW"]}}"#
        let index = try Self.all([
            ("a-fills", #"{"fields":\#(fields(#""requiredDropCapabilities":["ALL"]"#))}"#),
            ("b-plain", #"{"fields":\#(fields())}"#), ("c-plain", #"{"fields":\#(fields())}"#),
        ])
        let made = try await review(index, request(podText(container: drop)), .mutate)
        #expect(made.patch.map(\.value).contains { $0.contains("b-plain") })
        #expect(made.decision == nil)
    }

    @Test func anAnnotationOfNobodysChoiceIsTakenOff() async throws {
        let forged = podText(metadata: #","annotations":{"policy.bulwark.dev/pod-policy":"x"}"#)
        let made = try await review(index(), request(forged), .mutate)
        #expect(made.patch == [JSONPatchOperation(.remove, "/metadata/annotations/policy.bulwark.dev~1pod-policy")])
    }

    @Test(arguments: [
        (#""users":["anna"]"#, 1_800_000_000, true), (#""users":["eve"]"#, 1_800_000_000, false),
        (#""namespaces":["shop"]"#, 1_800_000_000, true), (#""namespaces":["bank"]"#, 1_800_000_000, false),
        (#""runtimeClasses":["vm"]"#, 1_800_000_000, true), (#""runtimeClasses":["other"]"#, 1_800_000_000, false),
        (#""users":["anna"],"namespaces":["bank"]"#, 1_800_000_000, false),
        // 2027-01-15T08:00:00Z is 1 800 000 000: it counts until then and no longer.
        (#""users":["anna"],"expires":"2027-01-15T08:00:00Z""#, 1_799_999_999, true),
        (#""users":["anna"],"expires":"2027-01-15T08:00:00Z""#, 1_800_000_000, false),
    ])
    func exemptions(who: String, seconds: Int64, exempt: Bool) async throws {
        let index = try Self.all([
            ("p", #"{\#(Self.baseline),"exemptions":[{\#(who),"owner":"o","reason":"r"}]}"#)
        ])
        let pod = podText(container: privileged, spec: #","runtimeClassName":"vm""#)
        let answer = try await review(index, request(pod), now: seconds * 1000)
        #expect(answer.allowed == exempt)
        #expect((answer.auditAnnotations["exempt"] != nil) == exempt)
    }

    @Test(arguments: [
        (#"{"enabled":false}"#, true), (#"{"disabledNamespaces":["shop"]}"#, true),
        (#"{"disabledNamespaces":["bank"]}"#, false), (#"{}"#, false),
    ])
    func switches(control: String, allowed: Bool) async throws {
        let index = try Self.all([("p", "{\(Self.baseline)}")], control: control)
        #expect(try await review(index, request(podText(container: privileged))).allowed == allowed)
    }

    @Test(arguments: [
        (["enforce": "baseline"], false, 0), (["warn": "baseline"], true, 1), (["audit": "baseline"], true, 0),
        (["enforce": "nonsense"], false, 0), (["warn": "nonsense"], true, 0), (["enforce": "privileged"], true, 0),
    ])
    func namespaceLabelsCountWhenSwitchedOn(labels: [String: String], allowed: Bool, warnings: Int) async throws {
        let index = try index(control: #"{"podSecurityLabels":true}"#)
        index.put(
            namespace: "shop",
            labels: Dictionary(uniqueKeysWithValues: labels.map { ("pod-security.kubernetes.io/\($0.key)", $0.value) }))
        let answer = try await review(index, request(podText(container: privileged)))
        #expect(answer.allowed == allowed && answer.warnings.count == warnings)
        index.put(control: try object(#"{"metadata":{"name":"bulwark"},"spec":{}}"#), name: "bulwark")
        #expect(try await review(index, request(podText(container: privileged))).allowed)
    }

    @Test func anUpdateIsJudgedWhenItTouchesTheSpec() async throws {
        let index = try Self.all([("p", "{\(Self.baseline)}")])
        let old = podText(container: privileged)
        let labelled = podText(container: privileged, metadata: #","labels":{"a":"b"},"finalizers":[]"#)
        #expect(try await review(index, request(labelled, old: old, .update)).allowed)
        let changed = podText(container: privileged, spec: #","tolerations":[]"#)
        #expect(try await !review(index, request(changed, old: old, .update)).allowed)
        let profile = podText(
            container: privileged,
            metadata: #","annotations":{"container.apparmor.security.beta.kubernetes.io/app":"unconfined"}"#)
        #expect(try await !review(index, request(profile, old: old, .update)).allowed)
        let ephemeral = podText(spec: #","ephemeralContainers":[{"name":"d","image":"a"\#(privileged)}]"#)
        let answer = try await review(
            index, request(ephemeral, old: podText(), .update, subresource: "ephemeralcontainers"))
        #expect(!answer.allowed && answer.message.contains("spec.ephemeralContainers[0]"))
    }

    @Test func whatIsNotConcerned() throws {
        let reviewer = PodPolicyReviewer(PolicyIndex())
        #expect(reviewer.waitsFor != nil)
        #expect(try !reviewer.concerns(request(nil, old: podText(), .delete), in: .validate))
        #expect(try !reviewer.concerns(request(podText(), .update, subresource: "status"), in: .validate))
        #expect(try !reviewer.concerns(request(podText(), .update), in: .mutate))
        #expect(try reviewer.concerns(request(podText(), .update, subresource: "resize"), in: .validate))
    }

    @Test func mirrorPodsOnlyFromTheirOwnNode() async throws {
        let index = try Self.all([("p", "{\(Self.baseline)}")])
        func mirror(account: String = "") -> String {
            podText(
                account: account, container: privileged, spec: #","nodeName":"n1""#,
                metadata: #","annotations":{"kubernetes.io/config.mirror":"x"}"#)
        }
        let nodes = ["system:nodes", "system:authenticated"]
        #expect(try await review(index, request(mirror(), user: "system:node:n1", groups: nodes)).allowed)
        #expect(try await !review(index, request(mirror(), user: "system:node:n2", groups: nodes)).allowed)
        #expect(try await !review(index, request(mirror(), user: "system:node:n1")).allowed)
        #expect(
            try await !review(index, request(mirror(account: "root"), user: "system:node:n1", groups: nodes)).allowed)
        #expect(try await !review(index, request(mirror())).allowed)
        // No mirror, no favour.
        let plain = podText(account: "", container: privileged, spec: #","nodeName":"n1""#)
        #expect(try await !review(index, request(plain, user: "system:node:n1", groups: nodes)).allowed)
    }

    @Test func theControlPlanesNamespaceIsNeverLockedOut() async throws {
        let index = try Self.all([("p", "{\(Self.baseline)}")])
        #expect(try await review(index, request(podText(container: privileged), namespace: "kube-system")).allowed)
        // Its controllers make everybody's pods: elsewhere they are judged.
        let controller = "system:serviceaccount:kube-system:replicaset-controller"
        #expect(try await !review(index, request(podText(container: privileged), user: controller)).allowed)
    }

    @Test func whatCannotBeReadIsAnError() async throws {
        let index = try Self.all([("p", "{\(Self.baseline)}")])
        let odd =
            #"{"metadata":{"name":"p"},"spec":{"containers":[{"name":"a","securityContext":{"privileged":"no"}}]}}"#
        await #expect(throws: PodFieldError.self) { try await self.review(index, request(odd)) }
        await #expect(throws: PodPolicyError.self) { try await self.review(index, request(nil)) }
        let kind = GroupVersionName(group: "", version: "v1", name: "EphemeralContainers")
        await #expect(throws: PodPolicyError.self) {
            try await self.review(index, request("{}", .update, subresource: "ephemeralcontainers", kind: kind))
        }
    }

    @Test func aNamespaceThatNobodyKnowsYet() async throws {
        let spec = #"{"policy":"p",\#(Self.everyone),"namespaces":{"selector":{"matchLabels":{"a":"b"}}}}"#
        let index = try index(policies: [("p", "{\(Self.baseline)}")], bindings: [("b", spec)], namespaces: [:])
        let pod = try request(podText(container: privileged))
        await #expect(throws: PodPolicyError.self) { try await self.review(index, pod) }
        let asking = PodPolicyReviewer(index, readLabels: { _ in ["a": "b"] })
        #expect(try await !asking.review(pod, in: .validate).allowed)
    }

    @Test func templatesAreOnlyWarnedOf() async throws {
        let index = try Self.all([("p", "{\(Self.baseline)}")])
        func deployment(_ replicas: Int, _ context: String = privileged) -> String {
            """
            {"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"cart"},"spec":{"replicas":\(replicas),"template":
            {"spec":{"containers":[{"name":"app","image":"a"\(context)}]}}}}
            """
        }
        let kind = GroupVersionName(group: "apps", version: "v1", name: "Deployment")
        func advise(_ object: String, old: String? = nil) async throws -> Review {
            try await review(
                index,
                request(object, old: old, old == nil ? .create : .update, kind: kind, resource: "deployments"), .advise)
        }
        let made = try await advise(deployment(1))
        #expect(made.allowed && made.warnings.count == 1 && made.decision?.action == .warn)
        #expect(made.warnings[0].contains("spec.template.spec.containers[0]"))
        #expect(try await advise(deployment(1, "")).warnings.isEmpty)
        #expect(try await advise(deployment(2), old: deployment(1)).warnings.isEmpty)
    }
}

extension String {
    /// `fields` names runAsUser once already; the later one takes its place.
    fileprivate var replacingUser: String { replacing(#""runAsUser":{"rule":"RunAsAny"},"#, with: "") }
}

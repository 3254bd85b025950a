// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings
import Testing

@testable import PodPolicies

@Suite struct PreviewTests {
    private func object(
        _ name: String, account: String = "cart", container: String = "", spec: String = "", namespace: String = "shop",
        metadata: String = "", status: String = ""
    ) -> String {
        let (rest, more) = (spec.isEmpty ? "" : ", " + spec, metadata.isEmpty ? "" : ", " + metadata)
        return """
            {"metadata": {"name": "\(name)", "namespace": "\(namespace)"\(more)},
             "spec": {"serviceAccountName": "\(account)",
                      "containers": [{"name": "box", "securityContext": {\(container)}}]\(rest)},
             "status": {\(status)}}
            """
    }

    private func deployment(_ pod: String) -> String {
        #"{"metadata": {"name": "web", "namespace": "shop"}, "spec": {"template": \#(pod)}}"#
    }

    private func fields(_ name: String, _ json: String, mode: PodPolicy.Mode = .enforce) throws -> PodPolicy {
        PodPolicy(name: name, mode: mode, rules: .fields(try rules(json)))
    }

    private let cart = PodPolicyBinding.Subject.serviceAccount(namespace: "shop", name: "cart")
    private let privileged = #""privileged": true"#
    private let group = #""fsGroup": {"rule": "MustRunAs", "ranges": [{"min": 7, "max": 9}]}"#

    private func preview(
        _ policy: PodPolicy, _ bindings: [PodPolicyBinding], in set: PolicySet = .empty,
        _ pods: [String], kind: String = "Pod", apiVersion: String = "v1"
    ) throws -> PolicyPreview {
        var preview = PolicyPreview(
            policy, bindings: bindings, in: set, namespaces: ["shop": ["team": "a"]], now: 1000)
        for pod in pods { preview.add(try read(pod), apiVersion: apiVersion, kind: kind) }
        return preview
    }

    @Test func saysWhatWouldBeRefusedAndChanged() throws {
        let pods = [
            object("bad", container: privileged), object("plain"),
            object("done", spec: #""securityContext": {"fsGroup": 8}"#), object("other", account: "till"),
        ]
        let preview = try preview(fields("p", group), [binding("p", cart)], pods)
        #expect(preview.scope == .bound && preview.judged == 4 && preview.untouched == 1)
        #expect(preview.results.map(\.subject.name) == ["bad", "plain", "done"])
        #expect(preview.results.map(\.outcome) == [.refused, .changed, .unchanged])
        let bad = preview.results[0]
        let violation = try #require(bad.refusals.first?.violations.first)
        #expect(violation.container == "box" && violation.path == "spec.containers[0].securityContext.privileged")
        #expect(bad.serviceAccount == "shop/cart" && bad.isNew && bad.changes.isEmpty)
        let plain = preview.results[1]
        #expect(plain.changes.map(\.path) == ["spec.securityContext.fsGroup"])
        #expect(plain.changes.first?.new.json == "7" && plain.policy == "p")
        #expect(preview.counts == [.refused: 1, .changed: 1, .unchanged: 1])
    }

    @Test func withoutABindingItIsTriedOnEverything() throws {
        var policy = standard("p", .baseline, isEnabled: false)
        policy.mode = .enforce
        let pods = [object("a", container: privileged), object("b", account: "till")]
        let preview = try preview(policy, [], pods)
        #expect(preview.scope == .alone && preview.untouched == 0)
        #expect(preview.counts == [.refused: 1, .unchanged: 1])
    }

    /// Another bound policy that accepts keeps the pod; what is refused already is not new.
    @Test func countsTheOtherPolicies() throws {
        let set = PolicySet(policies: [standard("open")], bindings: [binding("open", cart)])
        let kept = try preview(
            standard("p", .baseline), [binding("p", cart)], in: set, [object("a", container: privileged)])
        #expect(kept.results.map(\.outcome) == [.unchanged] && kept.results.map(\.policy) == ["open"])
        let firm = PolicySet(policies: [standard("p", .baseline)], bindings: [binding("p", cart)])
        let same = try preview(
            standard("p", .restricted), [], in: firm, [object("a", container: privileged), object("b")])
        #expect(same.results.map(\.outcome) == [.refused, .refused])
        #expect(same.results.map(\.isNew) == [false, true])
    }

    @Test(arguments: [(PodPolicy.Mode.warn, PolicyPreview.Outcome.warned), (.audit, .audited)])
    func weakerModes(mode: PodPolicy.Mode, outcome: PolicyPreview.Outcome) throws {
        let preview = try preview(
            standard("p", .baseline, mode: mode), [binding("p", cart)], [object("a", container: privileged)])
        #expect(preview.results.map(\.outcome) == [outcome])
    }

    @Test func namespacesBySelector() throws {
        let selected = binding(
            "p", .group("system:serviceaccounts"),
            namespaces: .init(selector: [.init(key: "team", operator: .isIn, values: ["a"])]))
        let pods = [object("in", container: privileged), object("out", container: privileged, namespace: "pay")]
        let preview = try preview(standard("p", .baseline), [selected], pods)
        #expect(preview.results.map(\.subject.name) == ["in"] && preview.untouched == 1)
    }

    @Test func templatesAndTheirPods() throws {
        var preview = try preview(
            standard("p", .baseline), [binding("p", cart)], [deployment(object("x", container: privileged))],
            kind: "Deployment", apiVersion: "apps/v1")
        #expect(preview.results.map(\.subject.display) == ["Deployment shop/web"])
        let owner =
            #""ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-1", "controller": true}]"#
        for name in ["web-1-b", "web-1-a", "web-1-c"] {
            preview.add(try read(object(name, container: privileged, metadata: owner)), apiVersion: "v1", kind: "Pod")
        }
        // Pods of one controller that fare alike are told once; the template of what is owned is its owner's.
        let owned = deployment(object("x", container: privileged)).replacing(
            #""name": "web","#, with: #""name": "web-1", \#(owner),"#)
        preview.add(try read(owned), apiVersion: "apps/v1", kind: "ReplicaSet")
        #expect(preview.results.map(\.subject.display) == ["Deployment shop/web", "Pod shop/web-1-a"])
        #expect(preview.results.map(\.count) == [1, 3] && preview.counts == [.refused: 4])
    }

    @Test func passesOverWhatIsOverOrProtected() throws {
        let pods = [
            object("done", container: privileged, status: #""phase": "Succeeded""#),
            object("failed", container: privileged, status: #""phase": "Failed""#),
            object("dns", container: privileged, namespace: "kube-system"),
            object("static", container: privileged, metadata: #""annotations": {"kubernetes.io/config.mirror": "x"}"#),
        ]
        let preview = try preview(standard("p", .baseline), [], pods)
        #expect(preview.judged == 0 && preview.results.isEmpty)
    }

    @Test func whatCannotBeReadIsToldAsAnError() throws {
        let preview = try preview(
            standard("p", .baseline), [],
            [#"{"metadata": {"name": "a", "namespace": "shop"}, "spec": {"containers": 3}}"#])
        #expect(preview.results.map(\.outcome) == [.error])
        #expect(preview.results.first?.message.contains("spec.containers") == true)
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings
import PodPolicies
import Testing

@Suite struct PreviewTests {
    private func preview(
        _ spec: String, bindings: [PodPolicyBinding] = [], _ objects: [(String, String, String)],
        set: PolicySet = .empty
    ) throws -> PolicyPreview {
        var preview = PolicyPreview(
            try policy("new", spec), bindings: bindings, in: set, namespaces: ["shop": [:]], now: 1_800_000_000)
        for (version, kind, text) in objects { preview.add(try object(text), apiVersion: version, kind: kind) }
        return preview
    }

    private func owned(_ name: String, _ container: String) -> String {
        podText(
            name, container: container,
            metadata:
                #","ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"cart-1","controller":true}]"#)
    }

    @Test func tellsWhatWouldBeRefusedOrChanged() throws {
        let fills = #"{"fields":\#(fields(#""requiredDropCapabilities":["NET_RAW"]"#))}"#
        let template =
            #"{"metadata":{"name":"web","namespace":"shop"},"spec":{"template":{"spec":{"containers":[{"name":"app","image":"a"}]}}}}"#
        let found = try preview(
            fills,
            [
                ("v1", "Pod", owned("cart-1-a", privileged)), ("v1", "Pod", owned("cart-1-b", privileged)),
                ("apps/v1", "Deployment", template),
                ("v1", "Pod", podText("done").replacing(#""spec":"#, with: #""status":{"phase":"Succeeded"},"spec":"#)),
                ("v1", "ConfigMap", #"{"metadata":{"name":"x"}}"#),
            ])
        #expect(found.scope == .alone && found.judged == 3)
        let results = found.results
        #expect(results.map(\.outcome) == [.refused, .changed])
        #expect(results[0].count == 2 && results[0].subject.name == "cart-1-a")
        #expect(results[0].refusals[0].violations[0].path == "spec.containers[0].securityContext.privileged")
        #expect(results[1].changes.map(\.path) == ["spec.template.spec.containers[0].securityContext.capabilities"])
    }

    @Test func aBindingNarrowsItToWhomItBinds() throws {
        let baseline = #"{"standard":{"level":"baseline"}}"#
        let cart = PodPolicyBinding(
            name: "b", policy: "new", subjects: [.serviceAccount(namespace: "shop", name: "cart")])
        let pods = [
            ("v1", "Pod", podText("a", account: "cart", container: privileged)),
            ("v1", "Pod", podText("b", account: "web", container: privileged)),
        ]
        let found = try preview(baseline, bindings: [cart], pods)
        #expect(found.scope == .bound && found.untouched == 1 && found.results.map(\.subject.name) == ["a"])
        #expect(found.results[0].isNew)
        // A second policy that accepts keeps it running.
        let loose = PodPolicy(name: "loose", rules: .standard(PodSecurityStandard(.privileged)))
        let beside = PolicySet(
            policies: [loose],
            bindings: [
                PodPolicyBinding(
                    name: "l", policy: "loose", subjects: [.serviceAccount(namespace: "shop", name: "cart")])
            ])
        #expect(try preview(baseline, bindings: [cart], pods, set: beside).results.map(\.outcome) == [.unchanged])
    }

    @Test func whatCannotBeReadIsAnError() throws {
        let odd = #"{"metadata":{"name":"p","namespace":"shop"},"spec":{"containers":7}}"#
        #expect(
            try preview(#"{"standard":{"level":"baseline"}}"#, [("v1", "Pod", odd)]).results.map(\.outcome) == [.error])
    }
}

@Suite struct SuggestionTests {
    private static let pods = [
        podText(
            container:
                #","ports":[{"hostPort":8080,"containerPort":80},{"hostPort":8081,"containerPort":81}],"securityContext":{"runAsUser":1000,"runAsNonRoot":true,"allowPrivilegeEscalation":false,"readOnlyRootFilesystem":true,"capabilities":{"add":["NET_BIND_SERVICE"],"drop":["ALL","NET_RAW"]}}"#,
            spec: #","volumes":[{"name":"v","configMap":{"name":"c"}},{"name":"h","hostPath":{"path":"/var/log"}}]"#),
        podText(
            container:
                #","securityContext":{"runAsUser":1001,"allowPrivilegeEscalation":false,"readOnlyRootFilesystem":true,"capabilities":{"drop":["ALL"]}}"#,
            spec: #","volumes":[{"name":"v","emptyDir":{}}]"#),
    ]

    private func suggest(_ texts: [String]) throws -> (rules: SecurityRules, remarks: [PolicySuggestion.Remark])? {
        var suggestion = PolicySuggestion()
        for (index, text) in texts.enumerated() {
            suggestion.add(try Pod(object(text)), subject: "Pod \(index)", isTemplate: false)
        }
        return suggestion.rules()
    }

    @Test func isTightAndPassesWhatWasSeen() throws {
        let (rules, _) = try #require(try suggest(Self.pods))
        #expect(!rules.privileged && !rules.hostNetwork && rules.allowPrivilegeEscalation == false)
        #expect(rules.readOnlyRootFilesystem)
        #expect(rules.volumes == ["configMap", "emptyDir", "hostPath"])
        #expect(rules.allowedHostPaths == [.init(pathPrefix: "/var/log", readOnly: true)])
        #expect(rules.hostPorts == [.init(min: 8080, max: 8081)])
        #expect(rules.allowedCapabilities == ["NET_BIND_SERVICE"] && rules.requiredDropCapabilities == ["ALL"])
        #expect(rules.runAsUser == .mustRunAs && rules.runAsUserRanges == [.init(min: 1000, max: 1001)])
        #expect(rules.forbiddenSysctls == ["*"])
        for text in Self.pods {
            let pod = try Pod(object(text))
            #expect(rules.violations(in: pod).isEmpty && rules.changes(filling: pod).isEmpty)
        }
        // It is a policy that would be taken.
        #expect(try policy("s", #"{"fields":\#(rules.fields.json)}"#).rules == .fields(rules))
    }

    @Test func theOrderDoesNotMatter() throws {
        let one = try #require(try suggest(Self.pods))
        let other = try #require(try suggest(Self.pods.reversed()))
        #expect(one.rules == other.rules)
    }

    @Test func widensToWhatRuns() throws {
        let wild = podText(
            container: privileged,
            spec:
                #","hostNetwork":true,"hostPID":true,"securityContext":{"sysctls":[{"name":"kernel.msgmax","value":"1"}]}"#
        )
        let (rules, remarks) = try #require(try suggest(Self.pods + [wild]))
        #expect(rules.privileged && rules.hostNetwork && rules.hostPID && !rules.hostIPC)
        #expect(rules.allowedUnsafeSysctls == ["kernel.msgmax"])
        #expect(remarks.contains { $0.field == "privileged" && $0.reason.contains("Pod 2") })
        let pod = try Pod(object(wild))
        #expect(rules.violations(in: pod).isEmpty && rules.changes(filling: pod).isEmpty)
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Testing

@testable import PodPolicies

@Suite struct PolicyChoiceTests {
    private func policy(_ name: String, _ json: String) throws -> PodPolicy {
        PodPolicy(name: name, rules: .fields(try rules(json)))
    }

    private func name(_ choice: PolicyChoice) -> String? {
        if case .accepted(let name, _) = choice { name } else { nil }
    }

    @Test func prefersWhatChangesNothing() throws {
        let policies = [
            try policy("c-open", ""),
            try policy("b-group", #""fsGroup": {"rule": "MustRunAs", "ranges": [{"min": 1, "max": 1}]}"#),
            try policy("a-strict", #""volumes": []"#),
        ]
        let plain = try pod(#""volumes": [{"name": "v"}]"#)
        #expect(name(.among(policies, for: plain, mayChange: true)) == "c-open")
        // Without the open one the next is the first by name that accepts.
        let changed = PolicyChoice.among(Array(policies.dropFirst()), for: plain, mayChange: true)
        guard case .accepted("b-group", let filled) = changed else {
            Issue.record("\(changed)")
            return
        }
        #expect(filled.security?.fsGroup == 1)
    }

    @Test func changesNothingWhereNothingMayBeChanged() throws {
        let policies = [
            try policy("b", #""fsGroup": {"rule": "MustRunAs", "ranges": [{"min": 1, "max": 1}]}"#),
            try policy("a", #""hostPorts": [], "volumes": []"#),
        ]
        let plain = try pod(#""volumes": [{"name": "v"}]"#)
        guard case .refused(let refusals) = PolicyChoice.among(policies, for: plain, mayChange: false) else {
            Issue.record("accepted")
            return
        }
        #expect(refusals.map(\.policy) == ["a", "b"])
        #expect(refusals.map { $0.violations.map(\.path) } == [["spec.volumes[0]"], ["spec.securityContext.fsGroup"]])
    }

    @Test func asksTheHintFirst() throws {
        let policies = [try policy("a", ""), try policy("b", "")]
        let pod = try pod()
        #expect(name(.among(policies, for: pod, mayChange: false, hint: "b")) == "b")
        #expect(name(.among(policies, for: pod, mayChange: false, hint: "gone")) == "a")
        #expect(name(.among(policies, for: pod, mayChange: true, hint: "b")) == "a")
        #expect(PolicyChoice.among([], for: pod, mayChange: true) == .refused([]))
    }

    @Test func aStandardChangesNothing() throws {
        let policies = [
            PodPolicy(name: "b", rules: .standard(PodSecurityStandard(.baseline))),
            try policy("a", #""defaultAllowPrivilegeEscalation": false"#),
        ]
        #expect(name(.among(policies, for: try pod(), mayChange: true)) == "b")
        let privileged = try pod(container: #""privileged": true"#)
        guard case .refused(let refusals) = PolicyChoice.among(policies, for: privileged, mayChange: true) else {
            Issue.record("accepted")
            return
        }
        #expect(refusals.count == 2 && refusals.allSatisfy { !$0.violations.isEmpty })
    }

    /// A field alone counts as a change while the pod may be changed (the annotation is added), and as none later.
    @Test func aSeccompFieldGetsItsAnnotation() throws {
        let policies = [try policy("a", #""allowedSeccompProfiles": ["*"]"#)]
        let pod = try pod(#""securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}"#)
        guard case .accepted(_, let filled) = PolicyChoice.among(policies, for: pod, mayChange: true) else {
            Issue.record("refused")
            return
        }
        #expect(filled.annotations == ["seccomp.security.alpha.kubernetes.io/pod": "runtime/default"])
        #expect(PolicyChoice.among(policies, for: pod, mayChange: false) == .accepted(policy: "a", pod: pod))
    }
}

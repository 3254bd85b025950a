// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Testing

@testable import PodPolicies

/// Reading PodPolicy, PodPolicyBinding and AdmissionControl objects.
@Suite struct ObjectDecodingTests {
    private func error(_ body: () throws -> Void) -> String {
        do {
            try body()
            return ""
        } catch { return "\(error)" }
    }

    private func object(_ kind: String, _ spec: String, name: String = "x") throws -> String {
        #"{"apiVersion": "policy.bulwark.dev/v1", "kind": "\#(kind)", "metadata": {"name": "\#(name)"}, "spec": \#(spec)}"#
    }

    @Test func readsEverything() throws {
        let policy = try PodPolicy(
            read(
                object(
                    "PodPolicy",
                    """
                    {"mode": "warn", "enabled": false, "appliesByDefault": true,
                     "standard": {"level": "restricted", "version": "v1.24"},
                     "exemptions": [{"users": ["u"], "namespaces": ["n"], "runtimeClasses": ["r"], "owner": "o",
                                     "reason": "why", "expires": "2027-01-31T01:00:00.5+01:00"}]}
                    """)))
        #expect(policy.name == "x" && policy.mode == .warn && !policy.isEnabled && policy.isDefault)
        #expect(policy.rules == .standard(PodSecurityStandard(.restricted, .init("v1.24") ?? .latest)))
        #expect(
            policy.exemptions == [
                PolicyExemption(
                    users: ["u"], namespaces: ["n"], runtimeClasses: ["r"], owner: "o", reason: "why",
                    expiry: 1_801_353_600)
            ])
        let plain = try PodPolicy(read(object("PodPolicy", #"{"standard": {"level": "baseline"}}"#)))
        #expect(plain.mode == .enforce && plain.isEnabled && !plain.isDefault && plain.generation == 1)
        let bound = try PodPolicyBinding(
            read(
                object(
                    "PodPolicyBinding",
                    """
                    {"policy": "p", "subjects": [{"kind": "User", "name": "u"}, {"kind": "Group", "name": "g"},
                      {"kind": "ServiceAccount", "name": "s", "namespace": "n"}],
                     "namespaces": {"names": ["n"], "selector": {"matchLabels": {"a": "b"},
                      "matchExpressions": [{"key": "c", "operator": "Exists"}]}}}
                    """)))
        #expect(bound.subjects == [.user("u"), .group("g"), .serviceAccount(namespace: "n", name: "s")])
        #expect(bound.namespaces?.names == ["n"])
        #expect(
            bound.namespaces?.selector == [
                .init(key: "a", operator: .isIn, values: ["b"]), .init(key: "c", operator: .exists),
            ])
        let control = try AdmissionControl(
            read(
                object(
                    "AdmissionControl",
                    #"{"enabled": true, "disabledNamespaces": ["a"], "podSecurityLabels": true}"#, name: "bulwark")))
        #expect(control.isOn(in: "b") && !control.isOn(in: "a") && control.podSecurityLabels)
        #expect(!AdmissionControl(isEnabled: false).isOn(in: "b"))
    }

    /// What is wrong names its field.
    @Test(arguments: [
        ("{}", "spec"), (#"{"standard": {}}"#, "spec.standard.level"),
        (#"{"standard": {"level": "basic"}}"#, "spec.standard.level"),
        (#"{"standard": {"level": "baseline", "version": "1.2"}}"#, "spec.standard.version"),
        (#"{"standard": {"level": "baseline"}, "fields": {}}"#, "spec"),
        (#"{"standard": {"level": "baseline"}, "mode": "deny"}"#, "spec.mode"),
        (#"{"standard": {"level": "baseline"}, "enabled": "no"}"#, "spec.enabled"),
        (#"{"standard": {"level": "baseline"}, "enable": true}"#, "spec must be an object of"),
        (#"{"fields": {}}"#, "spec.fields"),
        (#"{"standard": {"level": "baseline"}, "exemptions": [{"owner": "o", "reason": "r"}]}"#, "spec.exemptions[0]"),
        (
            #"{"standard": {"level": "baseline"}, "exemptions": [{"users": ["u"], "reason": "r"}]}"#,
            "spec.exemptions[0].owner"
        ),
        (
            #"{"standard": {"level": "baseline"}, "exemptions": [{"users": [""], "owner": "o", "reason": "r"}]}"#,
            "spec.exemptions[0].users[0]"
        ),
        (
            #"{"standard": {"level": "baseline"}, "exemptions": [{"users": ["u"], "owner": "o", "reason": "r", "expires": "2027-02-30T00:00:00Z"}]}"#,
            "spec.exemptions[0].expires"
        ),
    ]) func refusesPolicies(spec: String, field: String) throws {
        let text = try object("PodPolicy", spec)
        let message = error { _ = try PodPolicy(read(text)) }
        #expect(message.hasPrefix(field), "\(message)")
    }

    @Test(arguments: [
        (#"{"subjects": [{"kind": "User", "name": "u"}]}"#, "spec.policy"),
        (#"{"policy": "p", "subjects": []}"#, "spec.subjects"),
        (#"{"policy": "p", "subjects": [{"kind": "Robot", "name": "u"}]}"#, "spec.subjects[0].kind"),
        (
            #"{"policy": "p", "subjects": [{"kind": "User", "name": "u", "namespace": "n"}]}"#,
            "spec.subjects[0].namespace"
        ),
        (#"{"policy": "p", "subjects": [{"kind": "ServiceAccount", "name": "u"}]}"#, "spec.subjects[0].namespace"),
        (
            #"{"policy": "p", "subjects": [{"kind": "ServiceAccount", "name": "b:c", "namespace": "a"}]}"#,
            "spec.subjects[0].name"
        ),
        (#"{"policy": "p", "subjects": [{"kind": "User", "name": "u"}], "namespaces": {}}"#, "spec.namespaces"),
        (
            #"{"policy": "p", "subjects": [{"kind": "User", "name": "u"}], "namespaces": {"selector": {"matchExpressions": [{"key": "a", "operator": "In"}]}}}"#,
            "spec.namespaces.selector.matchExpressions[0].values"
        ),
    ]) func refusesBindings(spec: String, field: String) throws {
        let text = try object("PodPolicyBinding", spec)
        let message = error { _ = try PodPolicyBinding(read(text)) }
        #expect(message.hasPrefix(field), "\(message)")
    }

    @Test func refusesOtherKindsAndNames() throws {
        let policy = #"{"standard": {"level": "baseline"}}"#
        #expect(error { _ = try PodPolicy(read(object("Pod", policy))) }.hasPrefix("kind"))
        let old = try object("PodPolicy", policy).replacing("policy.bulwark.dev/v1", with: "policy.bulwark.dev/v0")
        #expect(error { _ = try PodPolicy(read(old)) }.hasPrefix("apiVersion"))
        #expect(error { _ = try PodPolicy(read(#"{"spec": {}}"#)) }.hasPrefix("metadata"))
        #expect(error { _ = try PodPolicy(read(object("PodPolicy", policy, name: ""))) }.hasPrefix("metadata.name"))
        #expect(error { _ = try AdmissionControl(read(object("AdmissionControl", "{}"))) }.hasPrefix("metadata.name"))
        for text in [
            "[]", "null", #""x""#, #"{"metadata": [], "spec": {}}"#, #"{"metadata": {"name": "x"}, "spec": []}"#,
        ] {
            #expect(error { _ = try PodPolicy(read(text)) } != "", "\(text)")
        }
    }

    @Test(
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("2027-01-31T00:00:00Z", 1_801_353_600), ("2000-02-29T23:59:59Z", 951_868_799),
            ("1969-12-31T23:59:59Z", -1),
        ] as [(String, Int64)]) func readsAndWritesTimes(text: String, seconds: Int64)
    {
        #expect(RFC3339.seconds(text) == seconds)
        #expect(RFC3339.text(seconds) == text)
    }

    @Test(arguments: [
        "", "2027", "2027-01-31", "2027-01-31T00:00:00", "2027-13-01T00:00:00Z", "2027-01-31T24:00:00Z",
        "2027-01-31T00:00:00Zx", "2027-01-31T00:00:00.Z",
    ])
    func refusesOtherTimes(text: String) {
        #expect(RFC3339.seconds(text) == nil)
    }
}

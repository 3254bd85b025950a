// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import PodPolicies
import Testing

@Suite struct ObjectDecodingTests {
    @Test(arguments: [
        (#"{}"#, "spec"),
        (#"{"standard":{"level":"baseline"},"fields":{}}"#, "spec"),
        (#"{"standard":{"level":"strict"}}"#, "spec.standard.level"),
        (#"{"standard":{}}"#, "spec.standard.level"),
        (#"{"standard":{"level":"baseline","version":"v2.1"}}"#, "spec.standard.version"),
        (#"{"standard":{"level":"baseline","version":"v1.007"}}"#, "spec.standard.version"),
        (#"{"standard":{"level":"baseline"},"mode":"deny"}"#, "spec.mode"),
        (#"{"standard":{"level":"baseline"},"mode":7}"#, "spec.mode"),
        (#"{"standard":{"level":"baseline"},"enabled":"yes"}"#, "spec.enabled"),
        (#"{"standard":{"level":"baseline"},"exemptions":[{"owner":"a","reason":"b"}]}"#, "spec.exemptions[0]"),
        (#"{"standard":{"level":"baseline"},"exemptions":[{"owner":"a","users":["x"]}]}"#, "spec.exemptions[0].reason"),
        (
            #"{"standard":{"level":"baseline"},"exemptions":[{"owner":"a","reason":"b","users":[""]}]}"#,
            "spec.exemptions[0].users[0]"
        ),
        (
            #"{"standard":{"level":"baseline"},"exemptions":[{"owner":"a","reason":"b","users":["x"],"expires":"soon"}]}"#,
            "spec.exemptions[0].expires"
        ),
        (
            #"{"standard":{"level":"baseline"},"exemptions":[{"owner":"a","reason":"b","users":["x"],"expires":"2027-02-29T00:00:00Z"}]}"#,
            "spec.exemptions[0].expires"
        ),
        (#"{"fields":{"seLinux":{"rule":"RunAsAny"}}}"#, "spec.fields.runAsUser"),
    ])
    func aWrongPolicyNamesItsField(spec: String, path: String) throws {
        let error = #expect(throws: PodFieldError.self) { try policy("p", spec) }
        #expect(error?.path == path, "\(error?.description ?? "none")")
    }

    @Test(arguments: [
        #"{"standard":{"level":"baseline"},"modes":"warn"}"#,
        #"{"standard":{"level":"baseline","versions":"latest"}}"#,
        #"{"standard":{"level":"baseline"},"exemptions":[{"owner":"a","reason":"b","users":["x"],"until":"x"}]}"#,
    ])
    func unknownFieldsAreNamed(spec: String) throws {
        let error = #expect(throws: PodFieldError.self) { try policy("p", spec) }
        let text = error?.description ?? ""
        #expect(["modes", "versions", "until"].contains { text.contains($0) }, "\(text)")
    }

    @Test func defaultsAreThoseOfTheSchema() throws {
        let read = try policy("p", #"{"standard":{"level":"restricted"}}"#)
        #expect(read == PodPolicy(name: "p", rules: .standard(PodSecurityStandard(.restricted))))
        let full = try policy(
            "p",
            """
            {"standard":{"level":"baseline","version":"v1.30"},"mode":"warn","enabled":false,"appliesByDefault":true,
             "exemptions":[{"users":["u"],"namespaces":["n"],"runtimeClasses":["r"],"owner":"o","reason":"w","expires":"2027-01-31T01:00:00.5+01:00"}]}
            """)
        #expect(!full.isEnabled && full.isDefault && full.mode == .warn)
        #expect(full.exemptions[0].expiry == 1_801_353_600)
    }

    @Test(arguments: [
        (#"{"policy":"p"}"#, "spec.subjects"),
        (#"{"policy":"","subjects":[{"kind":"User","name":"a"}]}"#, "spec.policy"),
        (#"{"policy":"p","subjects":[]}"#, "spec.subjects"),
        (#"{"policy":"p","subjects":[{"kind":"Role","name":"a"}]}"#, "spec.subjects[0].kind"),
        (#"{"policy":"p","subjects":[{"kind":"User","name":"a","namespace":"n"}]}"#, "spec.subjects[0].namespace"),
        (#"{"policy":"p","subjects":[{"kind":"ServiceAccount","name":"a"}]}"#, "spec.subjects[0].namespace"),
        (
            #"{"policy":"p","subjects":[{"kind":"ServiceAccount","name":"b:c","namespace":"a"}]}"#,
            "spec.subjects[0].name"
        ),
        (#"{"policy":"p","subjects":[{"kind":"User","name":"a"}],"namespaces":{}}"#, "spec.namespaces"),
        (#"{"policy":"p","subjects":[{"kind":"User","name":"a"}],"namespaces":{"names":[]}}"#, "spec.namespaces"),
        (
            #"{"policy":"p","subjects":[{"kind":"User","name":"a"}],"namespaces":{"selector":{"matchExpressions":[{"key":"k","operator":"In"}]}}}"#,
            "spec.namespaces.selector.matchExpressions[0].values"
        ),
        (
            #"{"policy":"p","subjects":[{"kind":"User","name":"a"}],"namespaces":{"selector":{"matchExpressions":[{"key":"k","operator":"Exists","values":["x"]}]}}}"#,
            "spec.namespaces.selector.matchExpressions[0].values"
        ),
        (
            #"{"policy":"p","subjects":[{"kind":"User","name":"a"}],"namespaces":{"selector":{"matchLabels":{"k":true}}}}"#,
            "spec.namespaces.selector.matchLabels.k"
        ),
    ])
    func aWrongBindingNamesItsField(spec: String, path: String) throws {
        let error = #expect(throws: PodFieldError.self) { try binding("b", spec) }
        #expect(error?.path == path, "\(error?.description ?? "none")")
    }

    @Test func onlyTheSwitchOfItsNameCounts() throws {
        let error = #expect(throws: PodFieldError.self) {
            try AdmissionControl(object(#"{"metadata":{"name":"other"},"spec":{}}"#))
        }
        #expect(error?.path == "metadata.name")
        let read = try AdmissionControl(
            object(#"{"metadata":{"name":"bulwark"},"spec":{"enabled":true,"disabledNamespaces":["a"]}}"#))
        #expect(read.isOn(in: "b") && !read.isOn(in: "a"))
    }

    @Test func anObjectThatCannotBeReadLeavesTheLastOneStanding() throws {
        let index = try index(policies: [("p", #"{"standard":{"level":"baseline"}}"#)])
        index.put(policy: try object(#"{"metadata":{"name":"p"},"spec":{"standard":{"level":"none"}}}"#), name: "p")
        #expect(index.problems.map(\.keepsLast) == [true])
        #expect(index.set.policy("p")?.rules == .standard(PodSecurityStandard(.baseline)))
        index.put(policy: try object(#"{"metadata":{"name":"q"},"spec":{}}"#), name: "q")
        #expect(index.problems.map(\.keepsLast) == [true, false] && index.set.policy("q") == nil)
        index.remove(policy: "p")
        #expect(index.problems.map(\.name) == ["q"] && index.set.policies.isEmpty)
    }
}

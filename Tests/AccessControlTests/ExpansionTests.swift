// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AccessControl
import Documents
import Rego
import Testing

@Suite struct ExpansionTests {
    private static func template(
        _ name: String = "pods", from: String = "{groups: [apps], versions: [v1], kinds: [Deployment]}",
        to: String = "{version: v1, kind: Pod}", source: String = "spec.template", more: String = ""
    ) -> String {
        """
        {apiVersion: expansion.gatekeeper.sh/v1beta1, kind: ExpansionTemplate, metadata: {name: \(name)},
        spec: {applyTo: [\(from)], templateSource: \(source), generatedGVK: \(to)\(more)}}
        """
    }
    private static let deployment = """
        {apiVersion: apps/v1, kind: Deployment, metadata: {name: Web, namespace: shop},
        spec: {template: {metadata: {labels: {app: web}}, spec: {hostNetwork: true}}}}
        """
    private static let constraintTemplate = """
        apiVersion: templates.gatekeeper.sh/v1
        kind: ConstraintTemplate
        metadata: {name: nohost}
        spec:
          crd: {spec: {names: {kind: NoHost}}}
          targets:
          - target: admission.k8s.gatekeeper.sh
            rego: |
              package nohost
              violation[{"msg": msg}] {
                input.review.object.spec.hostNetwork
                msg := sprintf("%v/%v in %v", [input.review.kind.kind, input.review.name, input.review.namespace])
              }
        """

    private func judge(
        _ template: String, mutators: [String] = [], match: String = "{}"
    ) throws -> ConstraintSet.Judgement {
        var (constraints, expansions, changes) = (ConstraintSet(), ExpansionSet(), MutatorSet())
        try constraints.add(template: try yaml(Self.constraintTemplate))
        try constraints.add(
            constraint: try yaml(
                "{apiVersion: constraints.gatekeeper.sh/v1beta1, kind: NoHost, metadata: {name: c}, spec: {match: \(match)}}"
            ))
        try expansions.add(try yaml(template))
        for mutator in mutators { try changes.add(try yaml(mutator)) }
        return constraints.judge(
            try ReviewInput(try yaml(Self.deployment)) { _ in nil }, inventory: .emptyObject, point: "x",
            expansions: expansions, mutators: changes)
    }

    @Test func whatAnObjectMakesIsJudgedWithIt() throws {
        let judgement = try judge(Self.template())
        #expect(judgement.errors.isEmpty)
        #expect(judgement.violations.map(\.message) == ["[Implied by pods] Pod/web-pod in shop"])
        #expect(judgement.violations.map(\.actions) == [[.deny]])
    }

    @Test(arguments: [("{source: Generated}", 1), ("{source: Original}", 0), ("{kinds: [{kinds: [Deployment]}]}", 0)])
    func constraintsChooseBySource(match: String, wanted: Int) throws {
        #expect(try judge(Self.template(), match: match).violations.count == wanted)
    }

    @Test func theTemplatesActionReplacesTheConstraints() throws {
        let judgement = try judge(Self.template(more: ", enforcementAction: warn"))
        #expect(judgement.violations.map(\.actions) == [[.warn]])
    }

    @Test func mutatorsChangeWhatIsMadeBeforeItIsJudged() throws {
        let mutator = """
            {apiVersion: mutations.gatekeeper.sh/v1, kind: Assign, metadata: {name: m}, spec: {applyTo: [{groups: [''],
            versions: [v1], kinds: [Pod]}], match: {source: Generated}, location: spec.hostNetwork, parameters: {assign: {value: false}}}}
            """
        #expect(try judge(Self.template(), mutators: [mutator]).violations.isEmpty)
    }

    @Test func aMissingSourceIsAnErrorNotAPass() throws {
        let judgement = try judge(Self.template(source: spec("nothing")))
        #expect(judgement.errors.map(\.constraint) == ["expansion"])
        #expect(judgement.errors.first?.error.message.contains("has no spec.nothing") == true)
    }

    private func spec(_ name: String) -> String { "spec.\(name)" }

    @Test func expansionsAreExpanded() throws {
        var set = ExpansionSet()
        try set.add(
            try yaml(
                Self.template(
                    "jobs", from: "{groups: [batch], versions: [v1], kinds: [CronJob]}",
                    to: "{group: batch, version: v1, kind: Job}", source: "spec.jobTemplate")))
        try set.add(try yaml(Self.template("pods", from: "{groups: [batch], versions: [v1], kinds: [Job]}")))
        let object = try yaml(
            "{kind: CronJob, metadata: {name: c}, spec: {jobTemplate: {spec: {template: {spec: {}}}}}}")
        let made = try set.expanded(
            object, group: "batch", version: "v1", kind: "CronJob", namespace: nil, mutators: MutatorSet())
        #expect(made.map(\.template) == ["jobs", "pods"])
        #expect(made.last?.object["metadata"]?["name"]?.string == "c-job-pod")
    }

    @Test func whatMakesItselfIsAnError() throws {
        var set = ExpansionSet()
        let from = "{groups: [''], versions: [v1], kinds: [Pod]}"
        try set.add(try yaml(Self.template("loop", from: from)))
        #expect(set.cycles == ["loop"])
        #expect(throws: GatekeeperError.self) {
            try set.expanded(
                try yaml("{spec: {template: {}}}"), group: "", version: "v1", kind: "Pod", namespace: nil,
                mutators: MutatorSet())
        }
        set.remove(name: "loop")
        #expect(set.cycles.isEmpty)
    }

    @Test(arguments: [
        (template(source: "''"), "spec.templateSource is missing"),
        (template(source: "spec..a"), "spec.templateSource"),
        (template(to: "{version: v1}"), "spec.generatedGVK.kind is missing"),
        (template(more: ", enforcementAction: shout"), "spec.enforcementAction"),
        (template(from: ""), "spec.applyTo is missing"),
    ])
    func whatIsMalformedIsNamed(text: String, wanted: String) throws {
        let error = #expect(throws: GatekeeperError.self) { try ExpansionTemplate(try yaml(text)) }
        #expect(error?.message.contains(wanted) == true, "\(error?.message ?? "")")
    }
}

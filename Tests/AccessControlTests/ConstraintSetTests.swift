// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AccessControl
import Documents
import Rego
import Testing

@Suite struct ConstraintSetTests {
    private static let template = """
        apiVersion: templates.gatekeeper.sh/v1
        kind: ConstraintTemplate
        metadata: {name: needslabel}
        spec:
          crd:
            spec:
              names: {kind: NeedsLabel}
              validation:
                openAPIV3Schema:
                  type: object
                  required: [label]
                  properties:
                    label: {type: string, pattern: '^[a-z]+$'}
                    reason: {type: string, default: everybody needs one}
          targets:
          - target: admission.k8s.gatekeeper.sh
            rego: |
              package needslabel
              import data.lib.labels
              violation[{"msg": msg, "details": {"label": label}}] {
                label := input.parameters.label
                not labels.has(input.review.object, label)
                msg := sprintf("%v has no label %v: %v", [input.review.object.metadata.name, label, input.parameters.reason])
              }
              violation[{"msg": "another of that name"}] {
                other := data.inventory.namespace[_]["v1"]["Pod"][input.review.object.metadata.name]
                other.metadata.namespace != input.review.object.metadata.namespace
              }
            libs:
            - |
              package lib.labels
              has(object, label) { object.metadata.labels[label] }
        """
    private static let constraint = """
        apiVersion: constraints.gatekeeper.sh/v1beta1
        kind: NeedsLabel
        metadata: {name: team}
        spec:
          enforcementAction: warn
          match: {kinds: [{apiGroups: [''], kinds: [Pod]}]}
          parameters: {label: team}
        """

    private func set() throws -> ConstraintSet {
        var set = ConstraintSet()
        try set.add(template: try yaml(Self.template))
        try set.add(constraint: try yaml(Self.constraint))
        return set
    }

    private func review(_ text: String) throws -> ReviewInput { try ReviewInput(try yaml(text)) { _ in nil } }

    @Test func violationsCarryMessageDetailsAndAction() throws {
        let judgement = try set().judge(
            try review("{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: x}}"), inventory: Inventory().value,
            point: "validation.gatekeeper.sh")
        #expect(judgement.errors.isEmpty)
        #expect(judgement.count == 1)
        #expect(judgement.violations.map(\.message) == ["a has no label team: everybody needs one"])
        #expect(judgement.violations.first?.details?.json == #"{"label":"team"}"#)
        #expect(judgement.violations.first?.actions == [.warn])
    }

    @Test func whatIsNotMeantIsNotJudged() throws {
        let judgement = try set().judge(
            try review("{apiVersion: v1, kind: Service, metadata: {name: a}}"), inventory: .emptyObject, point: "x")
        #expect(judgement.count == 0)
        #expect(judgement.violations.isEmpty)
    }

    @Test func templatesSeeTheInventory() throws {
        var inventory = Inventory()
        try inventory.add(try yaml("{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: other}}"))
        let judgement = try set().judge(
            try review("{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: x, labels: {team: t}}}"),
            inventory: inventory.value, point: "x")
        #expect(judgement.violations.map(\.message) == ["another of that name"])
    }

    @Test func deletionsAreJudgedByWhatIsDeleted() throws {
        let text = """
            apiVersion: admission.k8s.io/v1
            kind: AdmissionReview
            request:
              operation: DELETE
              kind: {group: '', version: v1, kind: Pod}
              name: a
              namespace: x
              oldObject: {apiVersion: v1, kind: Pod, metadata: {name: a, namespace: x}}
            """
        let judgement = try set().judge(try review(text), inventory: .emptyObject, point: "x")
        #expect(judgement.violations.count == 1)
    }

    @Test(arguments: [
        ("{}", "spec.parameters.label is missing"), ("{label: 5}", "spec.parameters.label must be string"),
        ("{label: A}", "spec.parameters.label must match"),
    ])
    func parametersFollowTheSchema(parameters: String, wanted: String) throws {
        var set = try set()
        let text = Self.constraint.replacing("{label: team}", with: parameters)
        let error = #expect(throws: GatekeeperError.self) { try set.add(constraint: try yaml(text)) }
        #expect(error?.message.contains(wanted) == true)
    }

    @Test(arguments: [
        ("package needslabel", "package", "rego_parse_error"),
        ("not labels.has", "not labels.hasn't", "rego_parse_error"),
        ("labels.has(input", "labels.had(input", "undefined function"),
        ("violation[", "violations[", "no rule violation"),
        ("package lib.labels", "package other", "must be packages below lib"),
        ("name: needslabel", "name: other", "metadata.name"),
    ])
    func brokenTemplatesSayWhatIsWrong(old: String, new: String, wanted: String) throws {
        var set = ConstraintSet()
        let text = Self.template.replacing(old, with: new)
        let error = #expect(throws: GatekeeperError.self) { try set.add(template: try yaml(text)) }
        #expect(error?.message.contains(wanted) == true)
    }

    @Test func whatCannotBeEvaluatedIsAnErrorNotAPass() throws {
        let review = try review("{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: x}}")
        let judgement = try set().judge(
            review, inventory: .emptyObject, point: "x", limits: EvaluationLimits(steps: 3))
        #expect(judgement.violations.isEmpty)
        #expect(judgement.errors.map(\.constraint) == ["NeedsLabel/team"])
        #expect(judgement.errors.first?.error.message.contains("3 steps") == true)
    }

    @Test func scopedActionsCountWhereTheyAreNamed() throws {
        let text = Self.constraint.replacing(
            "enforcementAction: warn",
            with: """
                enforcementAction: scoped
                  scopedEnforcementActions: [{action: deny, enforcementPoints: [{name: validation.gatekeeper.sh}]}]
                """)
        var set = try set()
        try set.add(constraint: try yaml(text))
        let review = try review("{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: x}}")
        let admission = set.judge(review, inventory: .emptyObject, point: "validation.gatekeeper.sh")
        #expect(admission.violations.first?.actions == [.deny])
        #expect(set.judge(review, inventory: .emptyObject, point: "audit.gatekeeper.sh").count == 0)
    }
}

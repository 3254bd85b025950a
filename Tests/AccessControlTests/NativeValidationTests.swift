// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AccessControl
import Documents
import Rego
import Testing

/// Templates of CEL.
@Suite struct NativeValidationTests {
    private static let template = """
        apiVersion: templates.gatekeeper.sh/v1
        kind: ConstraintTemplate
        metadata: {name: fewreplicas}
        spec:
          crd: {spec: {names: {kind: FewReplicas}}}
          targets:
          - target: admission.k8s.gatekeeper.sh
            code:
            - engine: K8sNativeValidation
              source:
                failurePolicy: POLICY
                matchConditions:
                - {name: no-tests, expression: "!variables.anyObject.metadata.name.startsWith('test-')"}
                variables:
                - {name: most, expression: "has(variables.params.most) ? variables.params.most : 3"}
                - {name: count, expression: variables.anyObject.spec.replicas}
                - {name: loop, expression: variables.loop}
                validations:
                - expression: variables.count <= variables.most
                  messageExpression: "'%s has %d replicas, more than %d'.format([object.metadata.name, variables.count, variables.most])"
                - {expression: "variables.count > 0", message: no replicas}
                - {expression: "EXTRA"}
        """

    private func judge(
        _ object: String, parameters: String = "{}", policy: String = "Fail", extra: String = "true"
    ) throws -> ConstraintSet.Judgement {
        var set = ConstraintSet()
        try set.add(
            template: try yaml(Self.template.replacing("POLICY", with: policy).replacing("EXTRA", with: extra)))
        try set.add(
            constraint: try yaml(
                "{apiVersion: constraints.gatekeeper.sh/v1beta1, kind: FewReplicas, metadata: {name: few}, spec: {parameters: \(parameters)}}"
            ))
        let review = try ReviewInput(try yaml(object)) { _ in nil }
        return set.judge(review, inventory: .emptyObject, point: "x")
    }

    private func deployment(_ replicas: String, name: String = "web") -> String {
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: \(name)}, spec: {replicas: \(replicas)}}"
    }

    @Test(
        arguments: [
            ("3", "{}", []), ("4", "{}", ["web has 4 replicas, more than 3"]), ("4", "{most: 5}", []),
            ("0", "{}", ["no replicas"]),
        ] as [(String, String, [String])])
    func validations(replicas: String, parameters: String, wanted: [String]) throws {
        let judgement = try judge(deployment(replicas), parameters: parameters)
        #expect(judgement.errors.isEmpty)
        #expect(judgement.violations.map(\.message) == wanted)
    }

    @Test func conditionsLeaveOut() throws {
        #expect(try judge(deployment("9", name: "test-a")).violations.isEmpty)
    }

    @Test func whatCannotBeEvaluatedFailsAsDeclared() throws {
        let broken = deployment("many")
        #expect(try judge(broken).errors.count == 1)
        let open = try judge(broken, policy: "Ignore")
        #expect(open.errors.isEmpty && open.violations.isEmpty)
        #expect(
            try judge(deployment("1"), extra: "variables.loop == 1").errors.first?.error.message.contains("itself")
                == true)
    }

    @Test func expressionsThatCannotBeReadAreNamed() throws {
        let error = #expect(throws: GatekeeperError.self) { try judge(deployment("1"), extra: "1 +") }
        #expect(error?.message.contains("validations[2].expression") == true)
    }
}

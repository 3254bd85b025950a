// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Rego
import Testing

@testable import AccessControl

/// What constraints of one template share in a review changes no answer.
@Suite struct KeptVariableTests {
    private static let native = """
        {apiVersion: templates.gatekeeper.sh/v1, kind: ConstraintTemplate, metadata: {name: k8snames}, spec: {
          crd: {spec: {names: {kind: K8sNames}}},
          targets: [{target: admission.k8s.gatekeeper.sh, code: [{engine: K8sNativeValidation, source: {
            variables: [
              {name: mine, expression: "variables.anyObject.spec.containers.map(c, c.name)"},
              {name: wanted, expression: "variables.params.names.map(n, n + variables.params.end)"},
              {name: missing, expression: "variables.wanted.filter(n, !(n in variables.mine))"},
              {name: count, expression: "size(variables.mine) + 0"}],
            validations: [{expression: "size(variables.missing) == 0",
              messageExpression: "variables.missing.join(',') + ' of ' + string(variables.count)"}]}}]}]}}
        """
    private static let rego = """
        {apiVersion: templates.gatekeeper.sh/v1, kind: ConstraintTemplate, metadata: {name: k8snames}, spec: {
          crd: {spec: {names: {kind: K8sNames}}},
          targets: [{target: admission.k8s.gatekeeper.sh, rego: "package names
          \\n\\nviolation[{\\"msg\\": msg}] {
          \\n  found := [n | n := input.parameters.names[_]; not mine[full(n)]]
          \\n  count(found) > 0
          \\n  msg := sprintf(\\"%v of %v\\", [concat(\\",\\", [full(n) | n := found[_]]), count(mine)])\\n}
          \\nmine[name] { name := input.review.object.spec.containers[_].name }
          \\nfull(n) = name { name := concat(\\"\\", [n, input.parameters.end]) }\\n"}]}}
        """

    private static func pod(_ names: [String]) throws -> ReviewInput {
        let containers = names.map { "{name: \($0)}" }.joined(separator: ", ")
        return try ReviewInput(
            yaml("{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [\(containers)]}}")
        ) { _ in nil }
    }

    @Test(arguments: [native, rego])
    func reviews(template: String) throws {
        var set = ConstraintSet()
        try set.add(template: yaml(template))
        for (name, names, end, kind) in [
            ("a", "[x, w]", "1", "Pod"), ("b", "[x]", "2", "Pod"), ("c", "[x, w]", "1", "Pod"),
            ("d", "[]", "1", "Pod"), ("e", "[z]", "1", "Service"),
        ] {
            try set.add(
                constraint: yaml(
                    """
                    {apiVersion: constraints.gatekeeper.sh/v1beta1, kind: K8sNames, metadata: {name: \(name)}, spec: {
                      match: {kinds: [{apiGroups: [''], kinds: [\(kind)]}]}, parameters: {names: \(names), end: '\(end)'}}}
                    """))
        }
        // Twice each: what is kept of a constraint is there the second time.
        for (names, wanted) in [
            (["x1", "w1", "x2"], []), (["x1"], ["a: w1 of 1", "b: x2 of 1", "c: w1 of 1"]),
            (["x2", "q"], ["a: x1,w1 of 2", "c: x1,w1 of 2"]), (["x1"], ["a: w1 of 1", "b: x2 of 1", "c: w1 of 1"]),
            (["x1", "w1", "x2"], []),
        ] {
            let found = set.judge(
                try Self.pod(names), inventory: .emptyObject, point: "validation.gatekeeper.sh")
            #expect(found.errors.isEmpty && found.count == 4)
            #expect(found.violations.map { "\($0.constraint): \($0.message)" } == wanted)
        }
    }
}

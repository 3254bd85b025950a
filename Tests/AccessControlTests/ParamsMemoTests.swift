// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import CEL
import Documents
import Testing

@testable import AccessControl

@Suite struct ParamsMemoTests {
    private static let policy = """
        apiVersion: policy.bulwark.dev/v1
        kind: ValidatingAdmissionPolicy
        metadata: {name: images}
        spec:
          paramKind: {apiVersion: v1, kind: ConfigMap}
          matchConstraints:
            resourceRules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
          variables:
          - {name: allowed, expression: "params.data.images.split(',')"}
          - {name: first, expression: "variables.allowed[0]"}
          - {name: own, expression: "object.metadata.name"}
          validations:
          - {expression: "object.metadata.name in variables.allowed || variables.own == variables.first + '!'"}
        """

    private static func params(_ images: String) -> String {
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: p, namespace: shop}, data: {images: '\(images)'}}"
    }

    private static func judge(_ policy: AdmissionPolicy, _ name: String, _ params: Node) throws -> Bool {
        let pod = try yaml("{apiVersion: v1, kind: Pod, metadata: {name: '\(name)', namespace: shop}}")
        let kind = GroupVersionName(group: "", version: "v1", name: "Pod")
        let request = AdmissionRequest(
            uid: "u", operation: .create, kind: kind,
            resource: GroupVersionName(group: "", version: "v1", name: "pods"), namespace: "shop", name: name,
            object: pod)
        let result = policy.judge(PolicyInput(request, namespace: nil), params: params)
        #expect(result.ignored.isEmpty && result.failures.allSatisfy { !$0.isError }, "\(result)")
        return result.failures.isEmpty
    }

    /// What is kept of parameters is of those alone, and of no object.
    @Test func keptValuesChangeNoAnswer() throws {
        let policy = try AdmissionPolicy(yaml(Self.policy))
        #expect(
            policy.kept.map { kept in policy.variables.first { $0.slot == kept.slot }?.name } == ["allowed", "first"])
        let (one, two) = (try yaml(Self.params("a,b")), try yaml(Self.params("c")))
        for _ in 0..<3 {
            for (name, params, isAllowed) in [
                ("a", one, true), ("c", one, false), ("a!", one, true), ("c", two, true), ("a", two, false),
                ("c!", two, true), ("b", one, true), ("b!", one, false),
            ] {
                #expect(try Self.judge(policy, name, params) == isAllowed, "\(name)")
            }
        }
        #expect(policy.memo.values(for: one)?.count == 2 && policy.memo.values(for: two)?.count == 2)
        // The same text in another document is another object.
        #expect(policy.memo.values(for: try yaml(Self.params("a,b"))) == nil)
    }

    /// A kept value costs what it cost, so that a limit is met at the same place every time.
    @Test func keptValuesCostTheSame() throws {
        var environment = CELEnvironment()
        let slots = (list: environment.declare("list", .dyn), made: environment.declare("variables.made", .dyn))
        let made = try CELProgram("list.map(x, x + 1)", in: environment)
        let ask = try CELProgram("variables.made.size() > 0", in: environment)
        let list = CELValue.list((0..<100).map { .int($0) })
        let first = CELEvaluator(environment)
        first.set(slots.list, list)
        first.define(slots.made, made)
        _ = try first.evaluate(ask)
        let (value, cost) = try #require(first.computed(slots.made))
        let second = CELEvaluator(environment)
        second.define(slots.made, made, gives: value, cost: cost)
        _ = try second.evaluate(ask)
        #expect(second.spent == first.spent && cost > 100)
        // Where it is more than there is, the error is that of computing it.
        let third = CELEvaluator(environment, limits: CELLimits(expression: 50, budget: 50))
        third.set(slots.list, list)
        third.define(slots.made, made, gives: value, cost: cost)
        let error = #expect(throws: CELError.self) { try third.evaluate(ask) }
        #expect(error?.code == .limit)
    }
}

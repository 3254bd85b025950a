// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AccessControl
import Admission
import CEL
import Documents
import Testing

/// A policy about deployments with everything that one may have.
enum PolicyTexts {
    static let policy = """
        apiVersion: admissionregistration.k8s.io/v1
        kind: ValidatingAdmissionPolicy
        metadata: {name: replicas}
        spec:
          failurePolicy: Fail
          paramKind: {apiVersion: v1, kind: ConfigMap}
          matchConstraints:
            resourceRules:
            - {apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments]}
          matchConditions:
          - {name: not-tests, expression: "!object.metadata.name.startsWith('test-')"}
          variables:
          - {name: most, expression: "params == null ? 3 : int(params.data.most)"}
          - {name: count, expression: "object.spec.replicas"}
          validations:
          - expression: variables.count <= variables.most
            messageExpression: "'%d replicas, at most %d'.format([variables.count, variables.most])"
          - {expression: variables.count > 0, message: no replicas, reason: Forbidden}
          auditAnnotations:
          - {key: count, valueExpression: "variables.count > 2 ? 'many' : ''"}
        """

    static func binding(_ actions: String = "[Deny]", _ more: String = "") -> String {
        """
        apiVersion: admissionregistration.k8s.io/v1
        kind: ValidatingAdmissionPolicyBinding
        metadata: {name: everywhere}
        spec: {policyName: replicas, validationActions: \(actions)\(more)}
        """
    }

    static func deployment(_ replicas: String, name: String = "web") -> String {
        """
        {apiVersion: apps/v1, kind: Deployment, metadata: {name: \(name), namespace: shop, labels: {tier: front}},
        spec: {replicas: \(replicas)}}
        """
    }

    static func params(_ most: Int, name: String = "limits", namespace: String = "shop") -> String {
        """
        {apiVersion: v1, kind: ConfigMap, metadata: {name: \(name), namespace: \(namespace), labels: {for: replicas}},
        data: {most: '\(most)'}}
        """
    }
}

@Suite struct AdmissionPolicyTests {
    private func judge(
        _ object: String, policy: String = PolicyTexts.policy, binding: String = PolicyTexts.binding(),
        params: [String] = [], namespace: String? = "{kind: Namespace, metadata: {name: shop, labels: {a: b}}}"
    ) throws -> AdmissionPolicySet.Judgement {
        var set = AdmissionPolicySet()
        try set.add(try yaml(policy))
        try set.add(try yaml(binding))
        for param in params { try set.add(param: try yaml(param)) }
        let request = try AdmissionRequest(creating: try yaml(object), user: "jane", groups: ["people"])
        return set.judge(PolicyInput(request, namespace: try namespace.map { try yaml($0) }))
    }

    @Test(
        arguments: [
            ("3", []), ("4", ["4 replicas, at most 3"]), ("0", ["no replicas"]),
            (
                "'many'",
                ["expression 'variables.count <= variables.most' resulted in error: found no matching overload"]
            ),
        ] as [(String, [String])])
    func validations(replicas: String, wanted: [String]) throws {
        let judgement = try judge(PolicyTexts.deployment(replicas))
        #expect(judgement.violations.count >= wanted.count)
        for (violation, text) in zip(judgement.violations, wanted) {
            #expect(violation.message.hasPrefix(text), "\(violation.message)")
            #expect(
                violation.refusal.hasPrefix(
                    "ValidatingAdmissionPolicy 'replicas' with binding 'everywhere' denied request: \(text)"))
        }
        if wanted.isEmpty { #expect(judgement.violations.isEmpty) }
    }

    @Test func conditionsReasonsAndAnnotations() throws {
        let left = try judge(PolicyTexts.deployment("9", name: "test-a"))
        #expect(left.violations.isEmpty && left.judged.isEmpty)
        let none = try judge(PolicyTexts.deployment("0"))
        #expect(none.violations.map(\.reason) == [.forbidden])
        #expect(none.annotations.isEmpty && none.judged == ["replicas"])
        #expect(try judge(PolicyTexts.deployment("3")).annotations == ["replicas.count": ["many"]])
    }

    @Test(
        arguments: [
            (", paramRef: {name: limits, parameterNotFoundAction: Deny}", [PolicyTexts.params(5)], []),
            (
                ", paramRef: {name: limits, parameterNotFoundAction: Deny}", [],
                ["failed to configure binding: no params found"]
            ),
            (", paramRef: {name: limits, parameterNotFoundAction: Allow}", [], []),
            (
                ", paramRef: {name: limits, namespace: other}", [PolicyTexts.params(5)],
                ["failed to configure binding: no params found"]
            ),
            (
                ", paramRef: {name: limits, namespace: other}", [PolicyTexts.params(2, namespace: "other")],
                ["4 replicas, at most 2"]
            ),
            (
                ", paramRef: {selector: {matchLabels: {for: replicas}}, parameterNotFoundAction: Deny}",
                [PolicyTexts.params(2, name: "b"), PolicyTexts.params(1, name: "a"), PolicyTexts.params(9, name: "c")],
                ["4 replicas, at most 1", "4 replicas, at most 2"]
            ),
        ] as [(String, [String], [String])])
    func parameters(reference: String, params: [String], wanted: [String]) throws {
        let judgement = try judge(
            PolicyTexts.deployment("4"), binding: PolicyTexts.binding("[Deny]", reference), params: params)
        #expect(judgement.violations.count == wanted.count, "\(judgement.violations.map(\.message))")
        for (violation, text) in zip(judgement.violations, wanted) { #expect(violation.message.hasPrefix(text)) }
    }

    @Test func failurePolicyIgnoreIsVisible() throws {
        let open = PolicyTexts.policy.replacing("failurePolicy: Fail", with: "failurePolicy: Ignore")
        let judgement = try judge(PolicyTexts.deployment("'many'"), policy: open)
        #expect(judgement.violations.isEmpty)
        #expect(judgement.ignored.first?.message.contains("resulted in error") == true)
    }

    @Test(
        arguments: [
            ("resourceRules: [{apiGroups: ['*'], apiVersions: ['*'], operations: ['*'], resources: ['*']}]", true),
            (
                "resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [UPDATE], resources: [deployments]}]",
                false
            ),
            (
                "resourceRules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [deployments]}]",
                false
            ),
            (
                "resourceRules: [{apiGroups: [extensions], apiVersions: [v1beta1], operations: [CREATE], resources: [deployments]}]",
                true
            ),
            (
                "matchPolicy: Exact, resourceRules: [{apiGroups: [extensions], apiVersions: [v1beta1], operations: [CREATE], resources: [deployments]}]",
                false
            ),
            (
                "matchPolicy: Exact, resourceRules: [{apiGroups: [apps], apiVersions: [v1beta1], operations: [CREATE], resources: [deployments]}]",
                false
            ),
            (
                "resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: ['deployments/*']}]",
                true
            ),
            ("resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: ['*/*']}]", true),
            (
                "resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments], scope: Cluster}]",
                false
            ),
            (
                "resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments], resourceNames: [other]}]",
                false
            ),
            (
                "excludeResourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}]",
                false
            ),
            ("objectSelector: {matchLabels: {tier: front}}", true),
            ("objectSelector: {matchLabels: {tier: back}}", false),
            ("namespaceSelector: {matchLabels: {a: b}}", true), ("namespaceSelector: {matchLabels: {a: c}}", false),
            ("namespaceSelector: {matchExpressions: [{key: a, operator: NotIn, values: [b]}]}", false),
        ])
    func matching(resources: String, isMeant: Bool) throws {
        let judgement = try judge(
            PolicyTexts.deployment("9"),
            binding: PolicyTexts.binding("[Deny]", ", matchResources: {\(resources)}"))
        // `deployments/*` and `*/*` name subresources beside the resource itself.
        #expect(judgement.violations.isEmpty != isMeant, "\(resources)")
    }

    @Test func anUnknownNamespaceThatDecidesIsAnError() throws {
        let judgement = try judge(
            PolicyTexts.deployment("9"),
            binding: PolicyTexts.binding("[Deny]", ", matchResources: {namespaceSelector: {matchLabels: {a: b}}}"),
            namespace: nil)
        #expect(judgement.violations.first?.message == "failed to configure binding: the namespace shop is not known")
    }

    @Test(arguments: [
        ("request.userInfo.username == 'jane' && 'people' in request.userInfo.groups", true),
        (
            "request.operation == 'CREATE' && request.kind.kind == 'Deployment' && request.resource.resource == 'deployments'",
            true
        ),
        ("namespaceObject.metadata.labels.a == 'b'", true), ("oldObject == null", true), ("request.dryRun", false),
        ("request.name == 'web' && request.namespace == 'shop'", true),
    ])
    func whatExpressionsSee(expression: String, holds: Bool) throws {
        let policy = PolicyTexts.policy.replacing("variables.count > 0,", with: "\"\(expression)\",")
        let judgement = try judge(PolicyTexts.deployment("1"), policy: policy)
        #expect(judgement.violations.map(\.message) == (holds ? [] : ["no replicas"]))
    }

    @Test(arguments: [
        (
            "variables.count <= variables.most", "variables.cout",
            "spec.validations[0].expression: 1:1: undeclared reference to 'variables'"
        ),
        (
            "variables.count <= variables.most", "variables.most",
            "spec.validations[0].expression: must evaluate to bool, but gives int"
        ),
        (
            "'%d replicas, at most %d'.format([variables.count, variables.most])", "variables.most",
            "spec.validations[0].messageExpression: must evaluate to string"
        ),
        (
            "'%d replicas, at most %d'.format([variables.count, variables.most])",
            "authorizer.path('/a').check('get').reason()",
            "spec.validations[0].messageExpression: 1:1: undeclared reference to 'authorizer'"
        ),
        (
            "params == null ? 3 : int(params.data.most)", "variables.count",
            "spec.variables[0].expression: 1:1: undeclared"
        ),
        ("params == null ? 3 : int(params.data.most)", "1 +", "spec.variables[0].expression: 1:4: unexpected end"),
        (
            "paramKind: {apiVersion: v1, kind: ConfigMap}", "paramKind: {apiVersion: v1}",
            "spec.paramKind.kind is missing"
        ),
        ("paramKind: {apiVersion: v1, kind: ConfigMap}", "", "undeclared reference to 'params'"),
        (
            "operations: [CREATE, UPDATE]", "operations: [MAKE]",
            "spec.matchConstraints.resourceRules[0].operations must be"
        ),
        ("resources: [deployments]", "resources: []", "spec.matchConstraints.resourceRules[0].resources is missing"),
        ("reason: Forbidden", "reason: Because", "spec.validations[1].reason must be one of"),
        ("failurePolicy: Fail", "failurePolicy: Maybe", "spec.failurePolicy must be one of"),
        ("name: count,", "name: a-b,", "spec.variables[1].name: a-b is no name"),
        ("name: count,", "name: most,", "spec.variables[1].name: most is there twice"),
        ("'many' : ''", "1 : 2", "spec.auditAnnotations[0].valueExpression: must evaluate to string or null"),
        ("request", "request", ""),
    ])
    func whatIsWrongIsNamed(old: String, new: String, wanted: String) throws {
        if wanted.isEmpty { return _ = try AdmissionPolicy(try yaml(PolicyTexts.policy)) }
        let text = PolicyTexts.policy.replacing(old, with: new)
        #expect(text != PolicyTexts.policy)
        let error = #expect(throws: GatekeeperError.self) { try AdmissionPolicy(try yaml(text)) }
        #expect(error?.message.contains(wanted) == true, "\(error?.message ?? "")")
    }

    @Test(arguments: [
        ("[Deny, Warn]", "", "spec.validationActions: Deny and Warn"),
        ("[Shout]", "", "spec.validationActions[0] must be one of"),
        ("[]", "", "spec.validationActions is missing"), ("[Deny, Deny]", "", "is there twice"),
        ("[Deny]", ", paramRef: {namespace: a}", "spec.paramRef needs either name or selector"),
        ("[Deny]", ", paramRef: {name: a, parameterNotFoundAction: x}", "spec.paramRef.parameterNotFoundAction"),
        ("[Deny]", ", matchResources: {objectSelector: 5}", "spec.matchResources.objectSelector is no object"),
    ])
    func bindingsAreRead(actions: String, more: String, wanted: String) throws {
        let error = #expect(throws: GatekeeperError.self) {
            try AdmissionPolicyBinding(try yaml(PolicyTexts.binding(actions, more)))
        }
        #expect(error?.message.contains(wanted) == true, "\(error?.message ?? "")")
    }

    @Test(arguments: [
        "admissionregistration.k8s.io/v1beta1", "admissionregistration.k8s.io/v1alpha1", "policy.bulwark.dev/v1",
    ])
    func versions(apiVersion: String) throws {
        let version = { (text: String) in text.replacing("admissionregistration.k8s.io/v1", with: apiVersion) }
        let judgement = try judge(
            PolicyTexts.deployment("4"), policy: version(PolicyTexts.policy), binding: version(PolicyTexts.binding()))
        #expect(judgement.violations.count == 1)
    }

    @Test func aPolicyOfAnotherGroupHasNoBinding() throws {
        let own = PolicyTexts.policy.replacing("admissionregistration.k8s.io/v1", with: "policy.bulwark.dev/v1")
        #expect(try judge(PolicyTexts.deployment("4"), policy: own).violations.isEmpty)
    }

    @Test func budgetsEndInErrorsThatNameTheExpression() throws {
        let hungry =
            "[1,2,3,4,5,6,7,8,9].all(a, [1,2,3,4,5,6,7,8,9].all(b, [1,2,3,4,5,6,7,8,9].all(c, [1,2,3,4,5,6,7,8,9].all(d, [1,2,3,4,5,6,7,8,9].all(e, [1,2,3,4,5,6,7,8,9].all(f, a + b + c + d + e + f > 0))))))"
        let policy = PolicyTexts.policy.replacing("variables.count > 0,", with: "\"\(hungry)\",")
        let judgement = try judge(PolicyTexts.deployment("1"), policy: policy)
        #expect(judgement.violations.count == 1)
        #expect(judgement.violations[0].isError)
        #expect(judgement.violations[0].message.contains("cost limit exceeded: more than 1000000 units for: [1,2,3"))
    }

    @Test func controllersAreJudgedByTheirPods() throws {
        let policy = """
            apiVersion: policies.kyverno.io/v1alpha1
            kind: ValidatingPolicy
            metadata: {name: host}
            spec:
              validationActions: [Deny]
              matchConstraints:
                resourceRules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
              validations: [{expression: "!object.spec.?hostNetwork.orValue(false)", message: host}]
            """
        func judged(_ object: String) throws -> [String] {
            var set = AdmissionPolicySet()
            try set.add(try yaml(policy))
            let request = try AdmissionRequest(creating: try yaml(object))
            return set.judge(PolicyInput(request, namespace: nil)).violations.map(\.message)
        }
        let template = "template: {metadata: {labels: {a: b}}, spec: {hostNetwork: true}}"
        #expect(try judged("{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {hostNetwork: true}}") == ["host"])
        #expect(try judged("{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {}}").isEmpty)
        #expect(
            try judged("{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {\(template)}}") == ["host"])
        #expect(
            try judged(
                "{apiVersion: batch/v1, kind: CronJob, metadata: {name: a}, spec: {jobTemplate: {spec: {\(template)}}}}"
            )
                == ["host"])
        #expect(try judged("{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {hostNetwork: true}}").isEmpty)
    }

    @Test(arguments: [
        ("Pod", "pods"), ("Ingress", "ingresses"), ("NetworkPolicy", "networkpolicies"), ("Gateway", "gateways"),
        ("Endpoints", "endpoints"), ("StorageClass", "storageclasses"),
    ])
    func kindsHaveResources(kind: String, wanted: String) throws {
        let object = try yaml("{apiVersion: v1, kind: \(kind), metadata: {name: a}}")
        #expect(try AdmissionRequest(creating: object).resource.name == wanted)
    }
}

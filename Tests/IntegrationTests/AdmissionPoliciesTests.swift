// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import TestSupport
import Testing

/// ValidatingAdmissionPolicy objects on an API server that does not know them.
@Suite(.serialized, .enabled(if: TestCluster.isAvailable)) struct AdmissionPoliciesTests {
    static let policies = "/apis/policy.bulwark.dev/v1/validatingadmissionpolicies"
    static let bindings = "/apis/policy.bulwark.dev/v1/validatingadmissionpolicybindings"

    static func policy(_ name: String, _ spec: String) -> String {
        #"{"apiVersion":"policy.bulwark.dev/v1","kind":"ValidatingAdmissionPolicy","metadata":{"name":"\#(name)"},"spec":\#(spec)}"#
    }

    static func binding(_ name: String, _ spec: String) -> String {
        #"{"apiVersion":"policy.bulwark.dev/v1","kind":"ValidatingAdmissionPolicyBinding","metadata":{"name":"\#(name)"},"spec":\#(spec)}"#
    }

    @Test(.timeLimit(.minutes(5))) func policiesJudgeByExpressionsAndParameters() async throws {
        try await AdmissionWorld.run { world in
            let replica = try await world.replica(["--install", "--admission-policies"])
            defer { replica.end(SIGKILL) }
            world.balancer.set([replica.port])
            try await AdmissionInstallTests.wait {
                try await world.send(
                    "GET", "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/bulwark-admission"
                ).status == 200
            }
            let maps =
                #""matchConstraints":{"resourceRules":[{"apiGroups":[""],"apiVersions":["v1"],"operations":["CREATE","DELETE"],"resources":["configmaps"]}]}"#
            let made = try await world.send(
                "POST", Self.policies,
                Self.policy(
                    "limits",
                    #"""
                    {"failurePolicy":"Fail","paramKind":{"apiVersion":"v1","kind":"ConfigMap"},\#(maps),
                    "matchConditions":[{"name":"no-limits","expression":"object == null || !object.metadata.name.startsWith('limits')"}],
                    "variables":[{"name":"count","expression":"object == null ? 0 : size(object.data)"}],
                    "validations":[{"expression":"request.operation == 'DELETE' || variables.count <= int(params.data.max)",
                    "messageExpression":"'at most ' + params.data.max + ' entries, not ' + string(variables.count)"},
                    {"expression":"request.operation != 'DELETE' || !has(oldObject.metadata.labels)","message":"labelled maps stay"}],
                    "auditAnnotations":[{"key":"count","valueExpression":"string(variables.count)"}]}
                    """#))
            #expect(made.status == 201, "\(made.text)")
            let parameters = try await world.send(
                "POST", "/api/v1/namespaces/shop/configmaps", #"{"metadata":{"name":"limits"},"data":{"max":"1"}}"#)
            #expect(parameters.status == 201, "\(parameters.text)")
            let reference = #""paramRef":{"name":"limits","namespace":"shop","parameterNotFoundAction":"Deny"}"#
            for (name, action) in [("enforced", "Deny"), ("warned", "Warn")] {
                let namespaces = #"{"matchLabels":{"level":"\#(action)"}}"#
                let bound = try await world.send(
                    "POST", Self.bindings,
                    Self.binding(
                        name,
                        #"{"policyName":"limits",\#(reference),"validationActions":["\#(action)"],"matchResources":{"namespaceSelector":\#(namespaces)}}"#
                    ))
                #expect(bound.status == 201, "\(bound.text)")
                let labelled = try await world.send(
                    "POST", "/api/v1/namespaces",
                    #"{"metadata":{"name":"\#(name)","labels":{"level":"\#(action)"}}}"#)
                #expect(labelled.status == 201, "\(labelled.text)")
            }
            func map(_ namespace: String, _ count: Int, query: String = "") async throws -> AdmissionWorld.Answer {
                let data = (0..<count).map { #""k\#($0)":"v""# }.joined(separator: ",")
                return try await world.send(
                    "POST", "/api/v1/namespaces/\(namespace)/configmaps\(query)",
                    #"{"metadata":{"name":"m\#(count)","labels":{"a":"b"}},"data":{\#(data)}}"#)
            }
            try await AdmissionInstallTests.wait {
                try await map("enforced", 2, query: "?dryRun=All").text.contains("at most")
            }
            let refused = try await map("enforced", 2)
            #expect(
                refused.text.contains(
                    "ValidatingAdmissionPolicy 'limits' with binding 'enforced' denied request: at most 1 entries, not 2"
                ),
                "\(refused.status) \(refused.text)")
            #expect(try await map("enforced", 1).status == 201)
            let warned = try await map("warned", 3)
            #expect(warned.status == 201 && warned.warnings.contains("at most 1 entries, not 3"), "\(warned.warnings)")
            #expect(try await map("shop", 3).status == 201)
            let kept = try await world.send("DELETE", "/api/v1/namespaces/enforced/configmaps/m1")
            #expect(kept.status != 200 && kept.text.contains("labelled maps stay"), "\(kept.status) \(kept.text)")
            // A parameter counts as soon as it changes.
            let changed = try await world.send(
                "PATCH", "/api/v1/namespaces/shop/configmaps/limits", #"{"data":{"max":"2"}}"#,
                type: "application/merge-patch+json")
            #expect(changed.status == 200, "\(changed.text)")
            try await AdmissionInstallTests.wait { try await map("enforced", 2, query: "?dryRun=All").status == 201 }

            // Expressions ask about rights of the one who asks, and of others.
            let rights = try await world.send(
                "POST", Self.policies,
                Self.policy(
                    "rights",
                    #"""
                    {"matchConstraints":{"resourceRules":[{"apiGroups":[""],"apiVersions":["v1"],"operations":["CREATE"],"resources":["services"]}]},
                    "validations":[{"expression":"authorizer.group('').resource('secrets').namespace('shop').check('list').allowed() && !authorizer.serviceAccount('shop', 'cart').path('/metrics').check('get').allowed()",
                    "message":"only who may list Secrets makes services"}]}
                    """#))
            #expect(rights.status == 201, "\(rights.text)")
            #expect(
                try await world.send(
                    "POST", Self.bindings,
                    Self.binding("rights", #"{"policyName":"rights","validationActions":["Deny"]}"#)
                ).status == 201)
            let granted = try await world.send(
                "POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles",
                #"{"metadata":{"name":"services"},"rules":[{"apiGroups":[""],"resources":["services"],"verbs":["create"]}]}"#
            )
            #expect(granted.status == 201)
            let given = try await world.send(
                "POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
                #"{"metadata":{"name":"jane"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"services"},"subjects":[{"apiGroup":"rbac.authorization.k8s.io","kind":"User","name":"jane"}]}"#
            )
            #expect(given.status == 201)
            func service(as user: String = "") async throws -> AdmissionWorld.Answer {
                try await world.send(
                    "POST", "/api/v1/namespaces/shop/services?dryRun=All",
                    #"{"metadata":{"name":"s"},"spec":{"ports":[{"port":80}]}}"#, as: user)
            }
            try await AdmissionInstallTests.wait {
                try await service(as: "jane").text.contains("only who may list Secrets makes services")
            }
            #expect(try await service().status == 201)

            // What could not be used is refused with its place, and nothing else is hurt.
            let broken = try await world.send(
                "POST", Self.policies, Self.policy("broken", #"{\#(maps),"validations":[{"expression":"object.x +"}]}"#)
            )
            #expect(broken.status == 422 || broken.status == 403, "\(broken.status)")
            #expect(broken.text.contains("spec.validations[0].expression"), "\(broken.text)")
            let number = try await world.send(
                "POST", Self.policies, Self.policy("number", #"{\#(maps),"validations":[{"expression":"1 + 1"}]}"#))
            #expect(number.text.contains("bool"), "\(number.text)")
            try await AdmissionInstallTests.wait {
                let status = try await world.send("GET", Self.policies + "/limits").json?["status"]
                return status?["observedGeneration"]?.int == 1
            }
            let unbound = try await world.send("DELETE", Self.bindings + "/enforced")
            #expect(unbound.status == 200)
            try await AdmissionInstallTests.wait { try await map("enforced", 5, query: "?dryRun=All").status == 201 }
        }
    }
}

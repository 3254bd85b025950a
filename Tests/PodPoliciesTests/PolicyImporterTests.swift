// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Testing

@testable import PodPolicies

@Suite struct PolicyImporterTests {
    private func imported(_ yaml: String) throws -> (text: String, problems: [String]) {
        var importer = PolicyImporter()
        for result in DocumentReader.documents(in: Array(yaml.utf8), source: "in.yaml") {
            let object = try result.get().root
            importer.add(
                object, apiVersion: object["apiVersion"]?.string ?? "", kind: object["kind"]?.string ?? "",
                source: "in.yaml:\(object.line)")
        }
        let (policies, bindings) = importer.finish()
        let objects = policies.compactMap(\.importedObject) + bindings.map(\.importedObject)
        return (objects.map(\.yaml).joined(separator: "---\n"), importer.problems)
    }

    private static let policy = """
        apiVersion: policy/v1beta1
        kind: PodSecurityPolicy
        metadata:
          name: plain
          annotations:
            seccomp.security.alpha.kubernetes.io/allowedProfileNames: docker/default,runtime/default
            seccomp.security.alpha.kubernetes.io/defaultProfileName: runtime/default
            apparmor.security.beta.kubernetes.io/allowedProfileNames: ""
        spec:
          volumes: [configMap]
          seLinux: {rule: RunAsAny}
          runAsUser: {rule: MustRunAsNonRoot}
          supplementalGroups: {rule: RunAsAny}
          fsGroup: {rule: MustRunAs, ranges: [{min: 1, max: 65535}]}
        ---

        """

    @Test func convertsPoliciesAndGrants() throws {
        let (text, problems) = try imported(
            Self.policy + """
                apiVersion: rbac.authorization.k8s.io/v1
                kind: ClusterRole
                metadata: {name: "psp:plain"}
                rules:
                - {apiGroups: [policy], resources: [podsecuritypolicies], resourceNames: [plain], verbs: [use]}
                - {apiGroups: [""], resources: [pods], verbs: [get]}
                ---
                apiVersion: rbac.authorization.k8s.io/v1
                kind: RoleBinding
                metadata: {name: "psp:plain", namespace: shop}
                roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "psp:plain"}
                subjects:
                - {kind: ServiceAccount, name: cart, namespace: shop}
                - {kind: Group, name: "system:serviceaccounts:shop"}
                ---
                apiVersion: rbac.authorization.k8s.io/v1
                kind: Role
                metadata: {name: all, namespace: shop}
                rules:
                - {apiGroups: [extensions], resources: [podsecuritypolicies], verbs: ["*"]}
                ---
                apiVersion: rbac.authorization.k8s.io/v1
                kind: RoleBinding
                metadata: {name: all, namespace: shop}
                roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: all}
                subjects: [{kind: User, name: ann}]
                ---
                apiVersion: rbac.authorization.k8s.io/v1
                kind: ClusterRoleBinding
                metadata: {name: everywhere}
                roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "psp:plain"}
                subjects: [{kind: User, name: bob}]
                """)
        #expect(problems.isEmpty)
        #expect(
            text == """
                apiVersion: policy.bulwark.dev/v1
                kind: PodPolicy
                metadata:
                  name: plain
                spec:
                  mode: enforce
                  fields:
                    volumes:
                    - configMap
                    seLinux:
                      rule: RunAsAny
                    runAsUser:
                      rule: MustRunAsNonRoot
                    supplementalGroups:
                      rule: RunAsAny
                    fsGroup:
                      rule: MustRunAs
                      ranges:
                      - min: 1
                        max: 65535
                    allowedSeccompProfiles:
                    - docker/default
                    - runtime/default
                    defaultSeccompProfile: runtime/default
                    allowedAppArmorProfiles:
                    - ""
                ---
                apiVersion: policy.bulwark.dev/v1
                kind: PodPolicyBinding
                metadata:
                  name: everywhere-plain
                spec:
                  policy: plain
                  subjects:
                  - kind: User
                    name: bob
                ---
                apiVersion: policy.bulwark.dev/v1
                kind: PodPolicyBinding
                metadata:
                  name: shop-all-plain
                spec:
                  policy: plain
                  subjects:
                  - kind: User
                    name: ann
                  namespaces:
                    names:
                    - shop
                ---
                apiVersion: policy.bulwark.dev/v1
                kind: PodPolicyBinding
                metadata:
                  name: shop-psp-plain-plain
                spec:
                  policy: plain
                  subjects:
                  - kind: ServiceAccount
                    name: cart
                    namespace: shop
                  - kind: Group
                    name: system:serviceaccounts:shop
                  namespaces:
                    names:
                    - shop

                """)
    }

    @Test func saysWhatCannotBeConverted() throws {
        let (text, problems) = try imported(
            Self.policy.replacing("MustRunAsNonRoot", with: "MustRunAs") + """
                apiVersion: policy/v1beta1
                kind: PodSecurityPolicy
                metadata: {name: odd}
                spec: {seccomp: yes}
                ---
                apiVersion: rbac.authorization.k8s.io/v1
                kind: ClusterRole
                metadata: {name: psp}
                rules:
                - {apiGroups: [policy], resources: [podsecuritypolicies], resourceNames: [plain, gone], verbs: [use]}
                ---
                apiVersion: rbac.authorization.k8s.io/v1
                kind: ClusterRoleBinding
                metadata: {name: some}
                roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: psp}
                subjects: [{kind: User, name: ann}]
                ---
                apiVersion: rbac.authorization.k8s.io/v1
                kind: ClusterRoleBinding
                metadata: {name: loose}
                roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: missing}
                subjects: [{kind: User, name: ann}]
                ---
                apiVersion: rbac.authorization.k8s.io/v1
                kind: ClusterRole
                metadata: {name: put-together}
                aggregationRule: {clusterRoleSelectors: [{matchLabels: {a: b}}]}
                rules: []
                ---
                apiVersion: rbac.authorization.k8s.io/v1
                kind: ClusterRoleBinding
                metadata: {name: whole}
                roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: put-together}
                subjects: [{kind: User, name: ann}]
                ---
                apiVersion: rbac.authorization.k8s.io/v1
                kind: ClusterRoleBinding
                metadata: {name: wrong}
                roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: psp}
                subjects: [{kind: Robot, name: ann}]
                """)
        #expect(text.isEmpty)
        let starts = [
            "in.yaml:1: PodSecurityPolicy plain: spec.runAsUser.ranges", "PodSecurityPolicy odd: spec",
            "ClusterRoleBinding wrong: subjects[0].kind", "ClusterRoleBinding some: it grants the policy gone",
            "ClusterRoleBinding some: it grants the policy plain",
            "ClusterRoleBinding loose: the rules of its ClusterRole missing",
            "ClusterRoleBinding whole: the rules of its ClusterRole put-together",
        ]
        #expect(problems.count == starts.count)
        for (problem, start) in zip(problems, starts) { #expect(problem.contains(start)) }
    }

    @Test func namesOfBindingsAreDistinct() throws {
        let binding = { (name: String) in
            """
            ---
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRoleBinding
            metadata: {name: "\(name)"}
            roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: psp}
            subjects: [{kind: User, name: ann}]

            """
        }
        let (text, _) = try imported(
            Self.policy + """
                apiVersion: rbac.authorization.k8s.io/v1
                kind: ClusterRole
                metadata: {name: psp}
                rules: [{apiGroups: ["*"], resources: ["*"], verbs: [use]}]

                """ + binding("a:b") + binding("a-b") + binding("::"))
        for name in ["a-b-plain", "a-b-plain-2", "plain"] { #expect(text.contains("  name: \(name)\n")) }
    }
}

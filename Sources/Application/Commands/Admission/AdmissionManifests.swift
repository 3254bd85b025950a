// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import ImagePolicies
import Kubernetes
import PodPolicies

/// What a cluster needs beside the webhooks: our namespace, and the rights of `bulwark admission serve` in it.
struct AdmissionManifests {
    static let lease = "bulwark-admission"
    static let installLease = "bulwark-admission-webhooks"

    let namespace: String
    /// Whether images are judged too.
    var images = false

    /// The server's names: where API servers find it, and where replicas find the `bulwark serve` that takes their
    /// decisions, which presents the same certificate.
    static func certificateNames(_ endpoint: WebhookEndpoint, namespace: String) -> [String] {
        endpoint.certificateNames + ["bulwark-server.\(namespace).svc"]
    }

    var namespaceObject: ManifestValue {
        [
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": ["name": .string(namespace), "labels": ["app.kubernetes.io/managed-by": "bulwark"]],
        ]
    }

    /// The service account and its rights: what they are for stands with each.
    var access: [ManifestValue] {
        [
            object("v1", "ServiceAccount", isNamespaced: true, [:]),
            object(
                "rbac.authorization.k8s.io/v1", "ClusterRole", isNamespaced: false,
                [
                    "rules": .array(
                        [
                            // Judging: policies, bindings, the switch, and the namespaces' labels.
                            rule(
                                [PolicyResources.group], PolicyResources.all.map(\.plural).sorted(),
                                ["get", "list", "watch"]),
                            rule([""], ["namespaces"], ["get", "list", "watch"]),
                            // May the creator of a binding use its policy?
                            rule(["authorization.k8s.io"], ["subjectaccessreviews"], ["create"]),
                            // Who is bound, and what was refused.
                            rule(
                                [PolicyResources.group], ["podpolicies/status", "podpolicybindings/status"],
                                ["get", "patch", "update"]),
                            // Installing and repairing with --install: names bind all but the making.
                            rule(
                                ["admissionregistration.k8s.io"],
                                ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"],
                                ["get", "patch", "update", "delete"], names: ["bulwark-admission"]),
                            rule(
                                ["admissionregistration.k8s.io"],
                                ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"], ["create"]),
                            rule(
                                ["apiextensions.k8s.io"], ["customresourcedefinitions"], ["get", "patch"],
                                names: PolicyResources.definitions.map(\.name).sorted()),
                            rule(["apiextensions.k8s.io"], ["customresourcedefinitions"], ["create"]),
                            rule([PolicyResources.group], ["podpolicies"], ["create"]),
                            rule([""], ["namespaces"], ["patch"], names: ["kube-system", namespace]),
                        ] + (images ? imageRules : []))
                ]),
            binding("ClusterRole"),
            object(
                "rbac.authorization.k8s.io/v1", "Role", isNamespaced: true,
                [
                    "rules": [
                        rule([""], ["secrets"], ["get", "update"], names: [SecretCertificateStore.name]),
                        rule([""], ["secrets"], ["create"]),
                        rule([""], ["configmaps"], ["get"], names: [AdmissionSwitch.name]),
                        rule(
                            ["coordination.k8s.io"], ["leases"], ["get", "update"],
                            names: [Self.lease, Self.installLease]),
                        rule(["coordination.k8s.io"], ["leases"], ["create"]),
                    ]
                ]),
            binding("Role"),
        ]
    }

    /// Judging images: to read policies and scans, to ask for a scan, and to say what became of a policy. Not to write what
    /// a scan said.
    private var imageRules: [ManifestValue] {
        let (policies, scans) = (ImagePolicyResources.policies, ImagePolicyResources.scans)
        return [
            rule([policies.group], [policies.plural], ["get", "list", "watch"]),
            rule([policies.group], ["\(policies.plural)/status"], ["get", "patch", "update"]),
            rule([scans.group], [scans.plural], ["get", "list", "watch", "create"]),
            rule(
                ["apiextensions.k8s.io"], ["customresourcedefinitions"], ["get", "patch"],
                names: ImagePolicyResources.definitions.map(\.name).sorted()),
        ]
    }

    private func rule(
        _ groups: [String], _ resources: [String], _ verbs: [String], names: [String] = []
    ) -> ManifestValue {
        var rule: ManifestValue = [
            "apiGroups": .strings(groups), "resources": .strings(resources), "verbs": .strings(verbs),
        ]
        if !names.isEmpty { rule["resourceNames"] = .strings(names) }
        return rule
    }

    private func binding(_ role: String) -> ManifestValue {
        object(
            "rbac.authorization.k8s.io/v1", role + "Binding", isNamespaced: role == "Role",
            [
                "roleRef": [
                    "apiGroup": "rbac.authorization.k8s.io", "kind": .string(role), "name": "bulwark-admission",
                ],
                "subjects": [
                    ["kind": "ServiceAccount", "name": "bulwark-admission", "namespace": .string(namespace)]
                ],
            ])
    }

    private func object(
        _ version: String, _ kind: String, isNamespaced: Bool, _ rest: ManifestValue
    ) -> ManifestValue {
        var metadata: ManifestValue = [
            "name": "bulwark-admission", "labels": ["app.kubernetes.io/managed-by": "bulwark"],
        ]
        if isNamespaced { metadata["namespace"] = .string(namespace) }
        var members: [(key: String, value: ManifestValue)] = [
            ("apiVersion", .string(version)), ("kind", .string(kind)), ("metadata", metadata),
        ]
        if case .object(let more) = rest { members += more }
        return .object(members)
    }
}

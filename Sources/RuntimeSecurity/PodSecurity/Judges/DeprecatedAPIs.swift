// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings

/// Group versions that Kubernetes no longer serves, or will not for long.
enum DeprecatedAPIs {
    static let kinds = ObjectKind.allCases.filter {
        $0 != .ciliumNetworkPolicy && $0 != .ciliumClusterwideNetworkPolicy
    }

    /// A group version, the kinds that left it, where they went, and the version of Kubernetes that stopped serving it.
    private static let moved: [(version: String, kinds: [ObjectKind], to: String, gone: String)] = [
        ("extensions/v1beta1", [.deployment, .daemonSet, .replicaSet], "apps/v1", "1.16"),
        ("extensions/v1beta1", [.networkPolicy], "networking.k8s.io/v1", "1.16"),
        ("extensions/v1beta1", [.ingress], "networking.k8s.io/v1", "1.22"),
        ("apps/v1beta1", [.deployment, .statefulSet, .replicaSet], "apps/v1", "1.16"),
        ("apps/v1beta2", [.deployment, .statefulSet, .daemonSet, .replicaSet], "apps/v1", "1.16"),
        ("networking.k8s.io/v1beta1", [.ingress], "networking.k8s.io/v1", "1.22"),
        ("batch/v1beta1", [.cronJob], "batch/v1", "1.25"),
        ("batch/v2alpha1", [.cronJob], "batch/v1", "1.21"),
        ("policy/v1beta1", [.podDisruptionBudget], "policy/v1", "1.25"),
        (
            "rbac.authorization.k8s.io/v1beta1", [.role, .clusterRole, .roleBinding, .clusterRoleBinding],
            "rbac.authorization.k8s.io/v1", "1.22"
        ),
        (
            "rbac.authorization.k8s.io/v1alpha1", [.role, .clusterRole, .roleBinding, .clusterRoleBinding],
            "rbac.authorization.k8s.io/v1", "1.22"
        ),
    ]

    static func removed(_ target: Target, _: InspectionContext) throws(UnreadableField) -> Verdict {
        let version = target.subject.apiVersion
        guard let entry = moved.first(where: { $0.version == version && $0.kinds.contains(target.kind) }) else {
            return .pass
        }
        return .fail(
            "Kubernetes \(entry.gone) stopped serving \(target.subject.apiVersion) for this kind; use \(entry.to).",
            .object("apiVersion"), target.object["apiVersion"])
    }
}

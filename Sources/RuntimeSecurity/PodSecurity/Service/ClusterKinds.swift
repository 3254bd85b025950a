// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Kubernetes

/// The kinds that an inspection of a cluster reads, as its API server serves them.
package struct ClusterKinds: Sendable {
    /// Owners before what they own, so that a pod can be compared with its controller.
    static let order: [ObjectKind] = [
        .deployment, .deploymentConfig, .statefulSet, .daemonSet, .cronJob, .replicationController, .replicaSet, .job,
        .pod, .podTemplate, .service, .ingress, .networkPolicy, .configMap, .serviceAccount, .podDisruptionBudget,
        .role,
        .clusterRole, .roleBinding, .clusterRoleBinding, .ciliumNetworkPolicy, .ciliumClusterwideNetworkPolicy,
    ]
    /// Kinds that every API server has; the others may come with an add-on, or not at all.
    private static let optional: Set<ObjectKind> = [
        .deploymentConfig, .ciliumNetworkPolicy, .ciliumClusterwideNetworkPolicy,
    ]

    /// In the order to judge them in.
    package let all: [(kind: ObjectKind, resource: APIResource)]
    /// Kinds that this user may not list, with what the server said: their objects are missing from every result.
    package let refused: [(kind: ObjectKind, reason: String)]

    /// Asks the server which versions it has. Throws when a kind that every server has is missing: its objects would be
    /// missing from the result, and that must not look like none.
    package static func discover(_ client: APIClient) async throws -> ClusterKinds {
        let served = try await client.discover(groups: Set(order.flatMap(\.servingGroups)))
        var found: [(ObjectKind, APIResource)] = []
        for kind in order {
            if let resource = served.resource(kind: kind.name, groups: kind.servingGroups) {
                found.append((kind, resource))
            } else if !optional.contains(kind) {
                let reason = served.failures.first.map { ": \($0.groupVersion): \($0.error.message)" } ?? ""
                throw KubernetesError(.notFound, "\(client.name) serves no \(kind.name)\(reason)")
            }
        }
        var refused: [(ObjectKind, String)] = []
        var readable: [(ObjectKind, APIResource)] = []
        for (kind, resource) in found {
            do {
                var first = try client.list(resource, limit: 1).makeAsyncIterator()
                _ = try await first.next()
                readable.append((kind, resource))
            } catch let error as KubernetesError where error.code == .forbidden {
                refused.append((kind, error.message))
            }
        }
        guard !readable.isEmpty else {
            throw KubernetesError(.forbidden, refused.first?.1 ?? "\(client.name) lets nothing be listed")
        }
        return ClusterKinds(all: readable, refused: refused)
    }

    package func resource(_ kind: ObjectKind) -> APIResource? { all.first { $0.kind == kind }?.resource }
}

extension ObjectKind {
    /// Where today's and yesterday's API servers serve the kind, best first.
    var servingGroups: [String] {
        switch self {
        case .deployment, .replicaSet, .statefulSet, .daemonSet: ["apps"]
        case .job, .cronJob: ["batch"]
        case .deploymentConfig: ["apps.openshift.io"]
        case .ingress: ["networking.k8s.io", "extensions"]
        case .networkPolicy: ["networking.k8s.io"]
        case .role, .clusterRole, .roleBinding, .clusterRoleBinding: ["rbac.authorization.k8s.io"]
        case .podDisruptionBudget: ["policy"]
        case .ciliumNetworkPolicy, .ciliumClusterwideNetworkPolicy: ["cilium.io"]
        default: [""]
        }
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// The kinds that inspection reads, and where a workload keeps its pod.
package enum ObjectKind: Int, Sendable, CaseIterable {
    case pod, deployment, replicaSet, statefulSet, daemonSet, job, cronJob, replicationController
    case deploymentConfig, podTemplate
    case service, ingress, networkPolicy, configMap, serviceAccount
    case role, clusterRole, roleBinding, clusterRoleBinding, podDisruptionBudget
    case ciliumNetworkPolicy, ciliumClusterwideNetworkPolicy

    /// The kind's name as manifests write it.
    package var name: String {
        switch self {
        case .pod: "Pod"
        case .deployment: "Deployment"
        case .replicaSet: "ReplicaSet"
        case .statefulSet: "StatefulSet"
        case .daemonSet: "DaemonSet"
        case .job: "Job"
        case .cronJob: "CronJob"
        case .replicationController: "ReplicationController"
        case .deploymentConfig: "DeploymentConfig"
        case .podTemplate: "PodTemplate"
        case .service: "Service"
        case .ingress: "Ingress"
        case .networkPolicy: "NetworkPolicy"
        case .configMap: "ConfigMap"
        case .serviceAccount: "ServiceAccount"
        case .role: "Role"
        case .clusterRole: "ClusterRole"
        case .roleBinding: "RoleBinding"
        case .clusterRoleBinding: "ClusterRoleBinding"
        case .podDisruptionBudget: "PodDisruptionBudget"
        case .ciliumNetworkPolicy: "CiliumNetworkPolicy"
        case .ciliumClusterwideNetworkPolicy: "CiliumClusterwideNetworkPolicy"
        }
    }

    /// The API groups that define the kind, today and in the past. The core group is always accepted as well: manifests
    /// written before a kind had its group still say `v1`, and a check must not be passed by that.
    private var groups: [String] {
        switch self {
        case .deployment, .replicaSet, .statefulSet, .daemonSet: ["apps", "extensions"]
        case .job, .cronJob: ["batch"]
        case .deploymentConfig: ["apps.openshift.io"]
        case .ingress: ["networking.k8s.io", "extensions"]
        case .networkPolicy: ["networking.k8s.io", "extensions"]
        case .role, .clusterRole, .roleBinding, .clusterRoleBinding:
            ["rbac.authorization.k8s.io", "authorization.openshift.io"]
        case .podDisruptionBudget: ["policy"]
        case .ciliumNetworkPolicy, .ciliumClusterwideNetworkPolicy: ["cilium.io"]
        default: []
        }
    }

    private static let byName: [String: ObjectKind] = Dictionary(
        uniqueKeysWithValues: allCases.map { ($0.name, $0) })

    /// The kind of an object, nil for one that inspection does not know, e.g. a custom resource that borrows a name.
    package init?(apiVersion: String, kind: String) {
        guard let found = Self.byName[kind] else { return nil }
        if let slash = apiVersion.utf8.firstIndex(of: UInt8(ascii: "/")),
            !found.groups.contains(String(apiVersion[..<slash]))
        {
            return nil
        }
        self = found
    }

    package var isWorkload: Bool { rawValue <= ObjectKind.podTemplate.rawValue }

    package var isClusterScoped: Bool {
        self == .clusterRole || self == .clusterRoleBinding || self == .ciliumClusterwideNetworkPolicy
    }

    /// The path to the pod template, empty where the object is its own.
    var templatePath: String {
        switch self {
        case .pod: ""
        case .cronJob: "spec.jobTemplate.spec.template"
        case .podTemplate: "template"
        default: "spec.template"
        }
    }

    /// The path to the pod spec from the object's root.
    var podSpecPath: String {
        switch self {
        case .pod: "spec"
        case .cronJob: "spec.jobTemplate.spec.template.spec"
        case .podTemplate: "template.spec"
        default: "spec.template.spec"
        }
    }

    /// What stands before a field of the pod template, and of the pod spec.
    var templatePlace: String {
        switch self {
        case .pod: ""
        case .cronJob: "spec.jobTemplate.spec.template."
        case .podTemplate: "template."
        default: "spec.template."
        }
    }

    var podSpecPlace: String {
        switch self {
        case .pod: "spec."
        case .cronJob: "spec.jobTemplate.spec.template.spec."
        case .podTemplate: "template.spec."
        default: "spec.template.spec."
        }
    }

    var templateSteps: [StaticString] {
        switch self {
        case .pod: []
        case .cronJob: Self.cronJobSteps
        case .podTemplate: Self.podTemplateSteps
        default: Self.workloadSteps
        }
    }

    private static let cronJobSteps: [StaticString] = ["spec", "jobTemplate", "spec", "template"]
    private static let podTemplateSteps: [StaticString] = ["template"]
    private static let workloadSteps: [StaticString] = ["spec", "template"]
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import Documents

extension AdmissionRequest {
    /// Kinds of Kubernetes that live in no namespace.
    private static let clusterKinds: Set<String> = [
        "APIService", "CertificateSigningRequest", "ClusterRole", "ClusterRoleBinding", "CSIDriver", "CSINode",
        "CustomResourceDefinition", "FlowSchema", "IngressClass", "MutatingWebhookConfiguration", "Namespace", "Node",
        "PersistentVolume", "PodSecurityPolicy", "PriorityClass", "PriorityLevelConfiguration", "RuntimeClass",
        "StorageClass", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration", "VolumeAttachment", "ClusterTrustBundle", "DeviceClass", "ResourceSlice",
        "IPAddress", "ServiceCIDR",
    ]

    /// Groups of Kubernetes, whose kinds live in a namespace unless they are known not to.
    private static let builtInGroups: Set<String> = [
        "", "apps", "batch", "autoscaling", "policy", "extensions", "networking.k8s.io", "rbac.authorization.k8s.io",
        "discovery.k8s.io", "events.k8s.io", "coordination.k8s.io", "storage.k8s.io",
    ]

    /// What an API server would ask if somebody made the object of a manifest.
    /// - Parameter user: who makes it.
    package init(
        creating object: Node, user: String = "", groups: [String] = []
    ) throws(GatekeeperError) {
        guard let kind = object["kind"]?.string, !kind.isEmpty, let apiVersion = object["apiVersion"]?.string else {
            throw GatekeeperError(.invalid, "the object has no apiVersion and kind")
        }
        let parts = apiVersion.split(separator: "/", maxSplits: 1).map(String.init)
        let (group, version) = (parts.count == 2 ? parts[0] : "", parts.last ?? "")
        var namespace = object["metadata"]?["namespace"]?.string ?? ""
        let name = object["metadata"]?["name"]?.string ?? ""
        if AdmissionRequest.clusterKinds.contains(kind) {
            namespace = kind == "Namespace" ? name : ""
        } else if namespace.isEmpty, AdmissionRequest.builtInGroups.contains(group) {
            namespace = "default"
        }
        self.init(
            uid: "", operation: .create, kind: GroupVersionName(group: group, version: version, name: kind),
            resource: GroupVersionName(group: group, version: version, name: AdmissionRequest.plural(kind)),
            namespace: namespace, name: name, user: user, groups: groups, object: object)
    }

    /// The resource of a kind, as kinds are usually named.
    static func plural(_ kind: String) -> String {
        let name = kind.lowercased()
        if name == "endpoints" { return name }
        for end in ["s", "x", "ch", "sh"] where name.hasSuffix(end) { return name + "es" }
        if name.hasSuffix("y"), let before = name.dropLast().last, !"aeiou".contains(before) {
            return name.dropLast() + "ies"
        }
        return name + "s"
    }
}

/// The pod that a controller's object will make, as a policy about pods sees it.
struct PodTemplateView {
    static let kinds: Set<String> = [
        "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "CronJob",
    ]

    /// The object with its template's metadata and spec in the place of its own; nil where it has no template.
    static func object(_ object: Node, kind: String) -> [(String, Node)]? {
        guard kinds.contains(kind) else { return nil }
        let spec = kind == "CronJob" ? object["spec"]?["jobTemplate"]?["spec"] : object["spec"]
        guard let template = spec?["template"], template.isObject else { return nil }
        var members = object.members.map { ($0.key.string, $0.value) }.filter { $0.0 != "spec" && $0.0 != "metadata" }
        if let metadata = template["metadata"] { members.append(("metadata", metadata)) }
        if let spec = template["spec"] { members.append(("spec", spec)) }
        return members
    }
}

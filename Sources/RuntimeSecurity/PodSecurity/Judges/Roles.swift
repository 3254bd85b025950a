// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings

/// Role and ClusterRole: what a role allows.
enum Roles {
    static let kinds: [ObjectKind] = [.role, .clusterRole]
    private static let read = ["get", "list", "watch"]
    private static let write = ["create", "update", "patch", "delete", "deletecollection"]
    private static let rbac = "rbac.authorization.k8s.io"
    private static let certificates = "certificates.k8s.io"

    /// Roles and bindings that Kubernetes ships; it keeps the prefix `system:` for itself.
    static func isBuiltIn(_ name: String) -> Bool {
        name.hasPrefix("system:")
            || ["cluster-admin", "admin", "edit", "view", "gce:podsecuritypolicy:calico-sa"].contains(name)
    }

    static func exec(_ target: Target, context: InspectionContext) throws(UnreadableField) -> Verdict {
        if kinds.contains(target.kind) {
            return try first(target) {
                $0.allowsExec ? "The role may run commands in containers (pods/exec, pods/attach)." : nil
            }
        }
        if isBuiltIn(target.subject.name) { return .pass }
        guard let role = try Bindings.roleRef(target) else { return .pass }
        guard let granted = context.permissions(kind: role.kind, name: role.name, namespace: target.namespace) else {
            return .warn(
                "The binding gives \(role.name), which is not among the inspected objects: what it allows is unknown.",
                .object("roleRef.name"), role.node)
        }
        if granted.contains(.exec) {
            return .fail(
                "The binding gives \(role.name), which may run commands in containers.", .object("roleRef.name"),
                role.node)
        }
        return .pass
    }

    static func secrets(_ target: Target, context: InspectionContext) throws(UnreadableField) -> Verdict {
        try first(target) { rule in
            // A rule for named secrets is what least privilege looks like; list and watch ignore names.
            if !rule.resourceNames.isEmpty { return nil }
            return rule.allows(read, on: ["secrets"], in: "") ? "The role may read Secrets." : nil
        }
    }

    static func wildcard(_ target: Target, context: InspectionContext) throws(UnreadableField) -> Verdict {
        try first(target) { rule in
            if rule.resources.contains("*") { return "The role covers every resource." }
            if rule.verbs.contains("*") { return "The role allows every verb." }
            if rule.groups.contains("*") { return "The role covers every API group." }
            if rule.resources.contains(where: { $0.contains("*") }) {
                return "The role covers subresources by a wildcard."
            }
            return nil
        }
    }

    static func createPods(_ target: Target, context: InspectionContext) throws(UnreadableField) -> Verdict {
        try first(target) { rule in
            rule.allows(["create"], on: ["pods", "replicationcontrollers"], in: "")
                || rule.allows(
                    ["create"], on: ["deployments", "daemonsets", "statefulsets", "replicasets"], in: "apps")
                || rule.allows(["create"], on: ["jobs", "cronjobs"], in: "batch")
                ? "The role may start pods, and so act as any service account of the namespace." : nil
        }
    }

    static func escalate(_ target: Target, context: InspectionContext) throws(UnreadableField) -> Verdict {
        try first(target) { rule in
            if rule.allows(
                ["bind", "escalate"], on: ["roles", "clusterroles", "rolebindings", "clusterrolebindings"], in: rbac)
            {
                return "The role may give rights that it does not have (bind, escalate)."
            }
            if rule.allows(["create", "update", "patch"], on: ["rolebindings", "clusterrolebindings"], in: rbac),
                rule.verbs.contains("*")
            {
                return "The role may give rights that it does not have."
            }
            if rule.allowsImpersonation {
                return "The role may act as somebody else (impersonate)."
            }
            return nil
        }
    }

    static func webhooks(_ target: Target, context: InspectionContext) throws(UnreadableField) -> Verdict {
        try first(target) { rule in
            rule.allows(
                write,
                on: [
                    "validatingwebhookconfigurations", "mutatingwebhookconfigurations", "validatingadmissionpolicies",
                    "validatingadmissionpolicybindings", "mutatingadmissionpolicies",
                ],
                in: "admissionregistration.k8s.io")
                ? "The role may change what admission checks." : nil
        }
    }

    static func trustAnchors(_ target: Target, context: InspectionContext) throws(UnreadableField) -> Verdict {
        // The API server asks for both: the right to change the request, and the signer's own consent.
        let rules = try target.rules.get()
        let consents = rules.contains { $0.allows(["approve", "sign"], on: ["signers"], in: certificates) }
        return try first(target) { rule in
            if consents,
                rule.allows(
                    ["update", "patch"],
                    on: ["certificatesigningrequests/approval", "certificatesigningrequests/status"],
                    in: certificates)
            {
                return "The role may approve or sign certificate requests."
            }
            if rule.allows(["get", "create"], on: ["nodes/proxy"], in: "") {
                return "The role may call the kubelet on any node (nodes/proxy)."
            }
            if rule.allows(["create"], on: ["serviceaccounts/token"], in: "") {
                return "The role may make tokens for service accounts."
            }
            if rule.allows(["create"], on: ["persistentvolumes"], in: "") {
                return "The role may make volumes out of any path of a node."
            }
            return nil
        }
    }

    /// The first rule that a description is found for.
    private static func first(_ target: Target, _ describe: (PolicyRule) -> String?) throws(UnreadableField) -> Verdict
    {
        if isBuiltIn(target.subject.name) { return .pass }
        for (index, rule) in try target.rules.get().enumerated() {
            if let message = describe(rule) {
                return .fail(message, .object("rules[\(index)]"), target.object["rules"]?[index])
            }
        }
        return .pass
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// What a role allows, as far as checks ask.
struct Permissions: OptionSet, Sendable {
    let rawValue: Int

    /// Every verb on every resource of every group.
    static let everything = Permissions(rawValue: 1 << 0)
    /// Running commands in containers: pods/exec or pods/attach.
    static let exec = Permissions(rawValue: 1 << 1)
    /// Reading what happens in the cluster's pods or nodes, or its Secrets.
    static let sensitive = Permissions(rawValue: 1 << 2)

    /// Every verb that changes or reads; a rule that lists them all is as good as `*`.
    private static let allVerbs: Set<String> = ["get", "list", "watch", "create", "update", "patch", "delete"]

    init(rawValue: Int) { self.rawValue = rawValue }

    init(role: Node) throws(UnreadableField) {
        var found: Permissions = []
        for rule in try PolicyRule.rules(of: role) {
            let everyVerb = rule.verbs.contains("*") || Self.allVerbs.isSubset(of: rule.verbs)
            if rule.groups.contains("*"), rule.resources.contains("*"), everyVerb { found.insert(.everything) }
            if rule.allowsExec { found.insert(.exec) }
            if rule.allows(["get", "list", "watch"], on: Self.sensitiveResources, in: "") || rule.allowsExec {
                found.insert(.sensitive)
            }
            // The specs of workloads show their configuration, credentials in clear text among it.
            if rule.allows(["get", "list", "watch"], on: Self.workloads, in: nil) { found.insert(.sensitive) }
            let isAboutOneself = rule.resources.allSatisfy(Self.aboutOneself.contains)
            if !isAboutOneself, rule.allows(["create", "update", "patch", "delete"], on: nil, in: nil) {
                found.insert(.sensitive)
            }
        }
        self = found
    }

    /// Questions about one's own rights, which everybody may ask.
    private static let aboutOneself: Set<String> = [
        "selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews",
    ]

    private static let sensitiveResources = [
        "secrets", "pods", "nodes", "pods/log", "nodes/proxy", "pods/portforward",
    ]
    private static let workloads = ["deployments", "statefulsets", "daemonsets", "replicasets", "jobs", "cronjobs"]
}

/// One rule of a Role or ClusterRole.
struct PolicyRule {
    let groups: [String]
    let resources: [String]
    let verbs: [String]
    let resourceNames: [String]

    static func rules(of role: Node) throws(UnreadableField) -> [PolicyRule] {
        guard let list = try role.array("rules") else { return [] }
        var rules: [PolicyRule] = []
        for (index, node) in list.elements.enumerated() {
            guard node.kind == .object else {
                throw UnreadableField(message: "a rule should be an object", path: "rules[\(index)]")
            }
            do throws(UnreadableField) {
                rules.append(
                    PolicyRule(
                        groups: try node.strings("apiGroups"), resources: try node.strings("resources"),
                        verbs: try node.strings("verbs"), resourceNames: try node.strings("resourceNames")))
            } catch {
                throw UnreadableField(message: error.message, path: "rules[\(index)].\(error.path)")
            }
        }
        return rules
    }

    /// Whether it grants any of `verbs` on any of `wanted` (any resource when nil) in `group` (any when nil).
    func allows(_ wantedVerbs: [String], on wanted: [String]?, in group: String?) -> Bool {
        if let group, !groups.contains("*"), !groups.contains(group) { return false }
        guard verbs.contains("*") || wantedVerbs.contains(where: { verbs.contains($0) }) else { return false }
        guard let wanted else { return !resources.isEmpty }
        return resources.contains("*") || wanted.contains(where: { covers($0) })
    }

    /// `pods/*` covers every subresource of pods, `*/exec` exec of every resource.
    private func covers(_ resource: String) -> Bool {
        if resources.contains(resource) { return true }
        guard let slash = resource.utf8.firstIndex(of: UInt8(ascii: "/")) else { return false }
        return resources.contains("\(resource[..<slash])/*") || resources.contains("*\(resource[slash...])")
    }

    /// Acting as a user, a group or an account; ids and extra fields have a group of their own.
    var allowsImpersonation: Bool {
        if allows(["impersonate"], on: ["users", "groups", "serviceaccounts"], in: "") { return true }
        guard allows(["impersonate"], on: nil, in: "authentication.k8s.io") else { return false }
        return resources.contains { $0 == "*" || $0 == "uids" || $0.hasPrefix("userextras") }
    }

    /// Exec and attach need `create`; `get` opens the same stream through a websocket.
    var allowsExec: Bool { allows(["create", "get"], on: ["pods/exec", "pods/attach"], in: "") }
}

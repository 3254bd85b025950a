// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// Which PodSecurityPolicies RBAC lets whom use: the roles with verb `use`, and what binds them.
struct UseGrants {
    /// Names of policies, or every one.
    struct Policies {
        var names: Set<String> = []
        var isAll = false

        mutating func add(_ other: Policies) {
            names.formUnion(other.names)
            isAll = isAll || other.isAll
        }
    }

    /// A RoleBinding or ClusterRoleBinding as far as it matters here.
    struct Binding {
        var name: String
        /// Nil for a ClusterRoleBinding.
        var namespace: String?
        /// `Role` or `ClusterRole`, and its name.
        var roleKind: String
        var roleName: String
        var subjects: [PodPolicyBinding.Subject]
        var label: String { namespace.map { "RoleBinding \($0)/\(name)" } ?? "ClusterRoleBinding \(name)" }
    }

    /// By namespace (empty for ClusterRoles) and name.
    private var roles: [String: [String: Policies]] = [:]
    private(set) var bindings: [Binding] = []

    mutating func addRole(_ object: Node, namespace: String, name: String) throws(PodFieldError) {
        var granted = Policies()
        let rules = object["rules"]
        if let rules, !rules.isNull, !rules.isArray {
            throw PodFieldError(path: "rules", expected: "a list", found: "another type")
        }
        for (index, rule) in (rules?.elements.map { $0 } ?? []).enumerated() {
            guard rule.isObject else {
                throw PodFieldError(path: "rules[\(index)]", expected: "an object", found: rule.json(limit: 60))
            }
            let verbs = try Self.texts(rule, "verbs", index)
            let groups = try Self.texts(rule, "apiGroups", index)
            let resources = try Self.texts(rule, "resources", index)
            let names = try Self.texts(rule, "resourceNames", index)
            guard !verbs.isDisjoint(with: ["use", "*"]), !groups.isDisjoint(with: ["policy", "extensions", "*"]),
                !resources.isDisjoint(with: ["podsecuritypolicies", "*"])
            else { continue }
            granted.add(Policies(names: names, isAll: names.isEmpty))
        }
        // The cluster puts such a role together from others; in a file its rules may be missing.
        if object["aggregationRule"]?.isObject == true, rules?.count ?? 0 == 0 { return }
        roles[namespace, default: [:]][name] = granted
    }

    mutating func addBinding(_ object: Node, namespace: String?, name: String) throws(PodFieldError) {
        guard let role = object["roleRef"], let kind = role["kind"]?.string, let roleName = role["name"]?.string else {
            throw PodFieldError(
                path: "roleRef", expected: "a kind and a name", found: object["roleRef"]?.json(limit: 60) ?? "nothing")
        }
        var subjects: [PodPolicyBinding.Subject] = []
        for (index, subject) in (object["subjects"]?.elements.map { $0 } ?? []).enumerated() {
            guard let name = subject["name"]?.string, !name.isEmpty else {
                throw PodFieldError(path: "subjects[\(index)].name", expected: "a name", found: "nothing")
            }
            switch subject["kind"]?.string {
            case "User": subjects.append(.user(name))
            case "Group": subjects.append(.group(name))
            case "ServiceAccount":
                guard let namespace = subject["namespace"]?.string, !namespace.isEmpty else {
                    throw PodFieldError(path: "subjects[\(index)].namespace", expected: "a name", found: "nothing")
                }
                subjects.append(.serviceAccount(namespace: namespace, name: name))
            default:
                throw PodFieldError(
                    path: "subjects[\(index)].kind", expected: "User, Group or ServiceAccount",
                    found: subject["kind"]?.json(limit: 60) ?? "nothing")
            }
        }
        bindings.append(
            Binding(name: name, namespace: namespace, roleKind: kind, roleName: roleName, subjects: subjects))
    }

    /// What a binding's role grants; nil when the role is not among the objects.
    func policies(of binding: Binding) -> Policies? {
        switch binding.roleKind {
        case "ClusterRole": roles[""]?[binding.roleName]
        case "Role": binding.namespace.flatMap { roles[$0]?[binding.roleName] }
        default: nil
        }
    }

    private static func texts(_ rule: Node, _ field: String, _ index: Int) throws(PodFieldError) -> Set<String> {
        guard let list = rule[dynamic: field], !list.isNull else { return [] }
        guard list.isArray else {
            throw PodFieldError(path: "rules[\(index)].\(field)", expected: "a list", found: "another type")
        }
        var texts: Set<String> = []
        for element in list.elements {
            guard let text = element.string else {
                throw PodFieldError(
                    path: "rules[\(index)].\(field)", expected: "a list of strings", found: element.json(limit: 60))
            }
            texts.insert(text)
        }
        return texts
    }
}

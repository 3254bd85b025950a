// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// Turns PodSecurityPolicies and the RBAC grants of their use into PodPolicies and PodPolicyBindings.
package struct PolicyImporter {
    /// By name.
    private var policies: [String: SecurityRules] = [:]
    /// Policies that were there but cannot be converted.
    private var failed: Set<String> = []
    private var grants = UseGrants()
    /// What could not be converted, a sentence each.
    package private(set) var problems: [String] = []

    package init() {}

    /// Takes one object; other kinds than the five are passed over.
    /// - Parameter source: where it stands, for messages: `psp.yaml:3`.
    package mutating func add(_ object: Node, apiVersion: String, kind: String, source: String) {
        let group = apiVersion.split(separator: "/").first.map(String.init) ?? ""
        let isPolicy = kind == "PodSecurityPolicy" && ["policy", "extensions"].contains(group)
        guard isPolicy || (group == "rbac.authorization.k8s.io" && Self.grantKinds.contains(kind)) else { return }
        guard let name = object["metadata"]?["name"]?.string, !name.isEmpty else {
            problems.append("\(source): \(kind): metadata.name is required")
            return
        }
        let namespace = object["metadata"]?["namespace"]?.string ?? "default"
        do {
            switch kind {
            case "Role": try grants.addRole(object, namespace: namespace, name: name)
            case "ClusterRole": try grants.addRole(object, namespace: "", name: name)
            case "RoleBinding": try grants.addBinding(object, namespace: namespace, name: name)
            case "ClusterRoleBinding": try grants.addBinding(object, namespace: nil, name: name)
            default: policies[name] = try SecurityRules(podSecurityPolicy: object)
            }
        } catch {
            if isPolicy { failed.insert(name) }
            problems.append("\(source): \(kind) \(name): \(error)")
        }
    }

    private static let grantKinds: Set<String> = ["Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"]

    /// The policies and bindings, by name. Call once, after the last `add`.
    package mutating func finish() -> (policies: [PodPolicy], bindings: [PodPolicyBinding]) {
        var bindings: [PodPolicyBinding] = []
        var taken: Set<String> = []
        for binding in grants.bindings {
            guard let granted = grants.policies(of: binding) else {
                problems.append(
                    "\(binding.label): the rules of its \(binding.roleKind) \(binding.roleName) are not here")
                continue
            }
            let all = granted.isAll ? Set(policies.keys).union(granted.names) : granted.names
            guard !all.isEmpty, !binding.subjects.isEmpty else { continue }
            for policy in all.sortedByBytes() {
                guard policies[policy] != nil else {
                    problems.append(
                        "\(binding.label): it grants the policy \(policy), which "
                            + (failed.contains(policy) ? "could not be converted" : "is not here"))
                    continue
                }
                bindings.append(
                    PodPolicyBinding(
                        name: Self.name([binding.namespace, binding.name, policy], taken: &taken), policy: policy,
                        subjects: binding.subjects,
                        namespaces: binding.namespace.map { NamespaceSelection(names: [$0]) }))
            }
        }
        let ordered = policies.keys.sortedByBytes()
        return (
            ordered.compactMap { name in policies[name].map { PodPolicy(name: name, rules: .fields($0)) } },
            bindings.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        )
    }

    /// A name that an object may have. RBAC's names may hold any character, objects of other kinds may not.
    private static func name(_ parts: [String?], taken: inout Set<String>) -> String {
        var text = ""
        for scalar in parts.compactMap({ $0 }).joined(separator: "-").lowercased().unicodeScalars {
            let isPlain = ("a"..."z").contains(scalar) || ("0"..."9").contains(scalar)
            text.unicodeScalars.append(isPlain ? scalar : "-")
        }
        let base = text.prefix(240).split(separator: "-").joined(separator: "-")
        var name = base.isEmpty ? "imported" : base
        var number = 2
        while !taken.insert(name).inserted {
            name = "\(base)-\(number)"
            number += 1
        }
        return name
    }
}

extension PodPolicy {
    /// The object, for policies with fields; nil for a standard.
    package var importedObject: EditValue? {
        guard case .fields(let rules) = rules else { return nil }
        return [
            "apiVersion": "policy.bulwark.dev/v1", "kind": "PodPolicy", "metadata": ["name": .string(name)],
            "spec": ["mode": .string(mode.rawValue), "fields": rules.fields],
        ]
    }
}

extension PodPolicyBinding {
    /// The object, for bindings to namespaces by name or to all.
    package var importedObject: EditValue {
        var spec: [(String, EditValue)] = [
            ("policy", .string(policy)), ("subjects", .array(subjects.map(\.edit))),
        ]
        if let namespaces {
            spec.append(("namespaces", ["names": .array(namespaces.names.map(EditValue.string))]))
        }
        return [
            "apiVersion": "policy.bulwark.dev/v1", "kind": "PodPolicyBinding", "metadata": ["name": .string(name)],
            "spec": .object(spec),
        ]
    }
}

extension PodPolicyBinding.Subject {
    fileprivate var edit: EditValue {
        switch self {
        case .user(let name): ["kind": "User", "name": .string(name)]
        case .group(let name): ["kind": "Group", "name": .string(name)]
        case .serviceAccount(let namespace, let name):
            ["kind": "ServiceAccount", "name": .string(name), "namespace": .string(namespace)]
        }
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import Kubernetes
import PodPolicies
import TestSupport

/// An API server with the real PodSecurityPolicy plugin, generated policies, and accounts that may use some of them;
/// and the same policies and grants as `policy import` reads them.
struct PodSecurityPolicyWorld {
    /// Who creates a pod, and where.
    struct Account: Sendable {
        var user: String
        var groups: [String]
        var namespace: String
    }

    let cluster: TestCluster
    let accounts: [Account]
    /// Those that can be converted; the others are never applied by either side.
    let policies: [PodPolicy]
    let bindings: [PodPolicyBinding]
    let problems: [String]
    private let scratch: ScratchFolder

    static let namespaces = ["psp-a", "psp-b"]
    private static let rbac = "rbac.authorization.k8s.io/v1"

    /// - Parameter policies: one account may use each of them alone, others several.
    static func make(policies count: Int, seed: UInt64) async throws -> PodSecurityPolicyWorld {
        let cluster = try await TestCluster.start(flags: [
            "--enable-admission-plugins=PodSecurityPolicy",
            "--feature-gates=ProcMountType=true,GenericEphemeralVolume=true",
        ])
        var maker = PolicyMaker(seed: seed)
        let names = (0..<count).map { "policy-\($0 < 10 ? "0" : "")\($0)" }
        var objects: [EditValue] = namespaces.map {
            ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string($0)]]
        }
        objects += names.map { maker.policy(named: $0) }
        var accounts: [Account] = []
        for (index, name) in names.enumerated() {
            objects += grant(name, [name], to: ["kind": "User", "name": .string("user-\(index)")])
            accounts.append(Account(user: "user-\(index)", groups: [], namespace: namespaces[index % 2]))
        }
        var dice = Dice(seed: seed &+ 1)
        func some(_ counts: ClosedRange<Int>) -> [String] { dice.some(of: names, counts) }
        for index in 0..<6 {
            let user: EditValue = ["kind": "User", "name": .string("many-\(index)")]
            objects += grant("many-\(index)", some(2...7), to: user)
            accounts.append(Account(user: "many-\(index)", groups: [], namespace: namespaces[index % 2]))
        }
        objects += grant("of-group", some(3...6), to: ["kind": "Group", "name": "psp-team"])
        objects += grant("of-group-too", some(1...1), to: ["kind": "User", "name": "member"])
        for namespace in namespaces {
            accounts.append(Account(user: "member", groups: ["psp-team"], namespace: namespace))
        }
        // In one namespace only, and one of its grants by the older API group.
        objects += grant("here", some(4...8), to: ["kind": "User", "name": "local"], in: namespaces[0])
        objects += grant("older", some(1...2), to: ["kind": "User", "name": "local"], group: "extensions")
        for namespace in namespaces { accounts.append(Account(user: "local", groups: [], namespace: namespace)) }
        // Pods that run as these accounts may be what the accounts may use.
        for (account, counts) in [("builder", 2...4), ("runner", 1...3)] {
            let subject: EditValue = [
                "kind": "ServiceAccount", "name": .string(account), "namespace": .string(namespaces[1]),
            ]
            objects += grant("as-\(account)", some(counts), to: subject)
        }
        accounts.append(Account(user: "deployer", groups: [], namespace: namespaces[1]))
        objects += grant("everything", [], to: ["kind": "User", "name": "everything"])
        accounts.append(Account(user: "everything", groups: [], namespace: namespaces[0]))
        accounts.append(Account(user: "nothing", groups: [], namespace: namespaces[0]))
        objects += Self.creators()

        let client = try cluster.client()
        var importer = PolicyImporter()
        for object in objects {
            let document = try JSONReader.read(Array(object.json.utf8), source: "generated")
            let kind = document.root["kind"]?.string ?? ""
            let version = document.root["apiVersion"]?.string ?? ""
            importer.add(document.root, apiVersion: version, kind: kind, source: "generated")
            let namespace = document.root["metadata"]?["namespace"]?.string
            _ = try await client.create(Self.resource(version, kind), namespace: namespace, .json(object.json))
        }
        let (policies, bindings) = importer.finish()
        let world = PodSecurityPolicyWorld(
            cluster: cluster, accounts: accounts, policies: policies, bindings: bindings, problems: importer.problems,
            scratch: try ScratchFolder())
        try await world.untilReady()
        return world
    }

    /// The policies that count for a pod, by the imported bindings.
    func candidates(for account: Account, serviceAccount: String) -> [PodPolicy] {
        let names = bindings.filter { binding in
            guard binding.namespaces?.names.contains(account.namespace) ?? true else { return false }
            return binding.subjects.contains { subject in
                switch subject {
                case .user(let name): name == account.user
                case .group(let name): account.groups.contains(name)
                case .serviceAccount(let namespace, let name):
                    namespace == account.namespace && name == serviceAccount
                }
            }
        }
        return policies.filter { policy in names.contains { $0.policy == policy.name } }
    }

    /// A client that comes as an account.
    func client(as account: Account) throws -> APIClient {
        let groups = (account.groups + ["psp-creators"]).map { "\"\($0)\"" }.joined(separator: ", ")
        let config = try String(contentsOfFile: cluster.kubeconfig, encoding: .utf8).replacing(
            "  user:\n    client-certificate-data",
            with: "  user:\n    as: \"\(account.user)\"\n    as-groups: [\(groups)]\n    client-certificate-data")
        let path = try scratch.write(config, to: "\(account.user)-\(account.namespace)")
        return try APIClient(ClusterConnection.resolve(kubeconfig: path, environment: [:]))
    }

    /// Waits until the plugin has seen the last policy and the last grant.
    private func untilReady() async throws {
        let plain: EditValue = [
            "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "plain"],
            "spec": ["containers": [["name": "box", "image": "example.com/image:1"]]],
        ]
        let client = try client(as: Account(user: "last", groups: [], namespace: Self.namespaces[1]))
        for attempt in 0... {
            do {
                _ = try await client.create(
                    .pods, namespace: Self.namespaces[1], .json(plain.json), options: .init(dryRun: true))
                break
            } catch let error as KubernetesError where error.code == .forbidden && attempt < 100 {
                try await Task.sleep(for: .milliseconds(200))
            }
        }
        // Each kind arrives by a watch of its own.
        try await Task.sleep(for: .seconds(2))
    }

    // MARK: Objects

    /// A role that lets use some policies (all, when none is named), and its binding.
    private static func grant(
        _ name: String, _ policies: [String], to subject: EditValue, in namespace: String? = nil,
        group: String = "policy"
    ) -> [EditValue] {
        var rule: [String: EditValue] = [
            "apiGroups": [.string(group)], "resources": ["podsecuritypolicies"], "verbs": ["use"],
        ]
        if !policies.isEmpty { rule["resourceNames"] = policies.edit }
        var metadata: [String: EditValue] = ["name": .string("psp-" + name)]
        if let namespace { metadata["namespace"] = .string(namespace) }
        let prefix = namespace == nil ? "Cluster" : ""
        return [
            [
                "apiVersion": .string(rbac), "kind": .string(prefix + "Role"), "metadata": metadata.edit,
                "rules": [rule.edit],
            ],
            binding(prefix + "RoleBinding", metadata, role: prefix + "Role", "psp-" + name, subject),
        ]
    }

    private static func binding(
        _ kind: String, _ metadata: [String: EditValue], role: String, _ name: String, _ subject: EditValue
    ) -> EditValue {
        var fields: [String: EditValue] = [:]
        if case .object(let members) = subject { for (key, value) in members { fields[key] = value } }
        if fields["kind"] != "ServiceAccount" { fields["apiGroup"] = "rbac.authorization.k8s.io" }
        return [
            "apiVersion": .string(rbac), "kind": .string(kind), "metadata": metadata.edit,
            "roleRef": [
                "apiGroup": "rbac.authorization.k8s.io", "kind": .string(role), "name": .string(name),
            ],
            "subjects": [fields.edit],
        ]
    }

    /// Runtime classes, the right to create pods, and a policy and grant that come last.
    private static func creators() -> [EditValue] {
        var objects: [EditValue] = Pool.runtimeClasses.map {
            [
                "apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": ["name": .string($0)],
                "handler": .string($0),
            ]
        }
        objects.append([
            "apiVersion": .string(rbac), "kind": "ClusterRole", "metadata": ["name": "psp-creators"],
            "rules": [["apiGroups": [""], "resources": ["pods"], "verbs": ["create"]]],
        ])
        objects.append(
            binding(
                "ClusterRoleBinding", ["name": "psp-creators"], role: "ClusterRole", "psp-creators",
                ["kind": "Group", "name": "psp-creators"]))
        var maker = PolicyMaker(seed: 0)
        objects.append(maker.open(named: "zz-last"))
        return objects + grant("zz-last", ["zz-last"], to: ["kind": "User", "name": "last"])
    }

    private static func resource(_ version: String, _ kind: String) -> APIResource {
        let parts = version.split(separator: "/").map(String.init)
        let plural =
            kind == "PodSecurityPolicy"
            ? "podsecuritypolicies" : kind.lowercased() + (kind.hasSuffix("Class") ? "es" : "s")
        return APIResource(
            group: parts.count == 2 ? parts[0] : "", version: parts.last ?? "", plural: plural, kind: kind,
            namespaced: kind == "Role" || kind == "RoleBinding")
    }
}

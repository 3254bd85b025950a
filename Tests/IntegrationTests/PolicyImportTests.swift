// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import Kubernetes
import PodPolicies
import TestSupport
import Testing

/// `bulwark policy import` as a process.
@Suite struct PolicyImportTests {
    private static func policy(_ name: String, users: String = #"{"rule": "MustRunAsNonRoot"}"#) -> String {
        """
        {"apiVersion": "policy/v1beta1", "kind": "PodSecurityPolicy", "metadata": {"name": "\(name)"},
         "spec": {"volumes": ["*"], "seLinux": {"rule": "RunAsAny"}, "runAsUser": \(users),
                  "supplementalGroups": {"rule": "RunAsAny"}, "fsGroup": {"rule": "RunAsAny"}}}
        """
    }

    /// What it wrote, read as policies again.
    private static func policies(_ yaml: String) throws -> [String: SecurityRules] {
        var found: [String: SecurityRules] = [:]
        for result in DocumentReader.documents(in: Array(yaml.utf8), source: "output") {
            let object = try result.get().root
            guard object["kind"]?.string == "PodPolicy" else { continue }
            let fields = try #require(object["spec"]?["fields"])
            found[object["metadata"]?["name"]?.string ?? ""] = try SecurityRules(reading: fields)
        }
        return found
    }

    @Test func writesWhatAPolicyReads() async throws {
        let run = try await CommandRun.bulwark(["policy", "import", "-"], input: Self.policy("a"))
        #expect(run.status == 0, "\(run.errors)")
        #expect(try Self.policies(run.output)["a"]?.runAsUser == .mustRunAsNonRoot)
        #expect(run.errors.contains("1 policies and 0 bindings; 0 could not be converted"))
    }

    @Test func saysWhatItLeavesOut() async throws {
        let list = """
            {"apiVersion": "policy/v1beta1", "kind": "PodSecurityPolicyList", "items": [
            \(Self.policy("good")), \(Self.policy("never", users: #"{"rule": "MustRunAs"}"#))]}
            """
        let run = try await CommandRun.bulwark(["policy", "import", "-"], input: list)
        #expect(run.status == 3)
        #expect(try Self.policies(run.output).keys.sorted() == ["good"])
        #expect(run.errors.contains("PodSecurityPolicy never: spec.runAsUser.ranges"), "\(run.errors)")
    }

    @Test func refusesWrongUse() async throws {
        #expect(try await CommandRun.bulwark(["policy", "import"]).status == 2)
        #expect(try await CommandRun.bulwark(["policy", "import", "/nowhere.yaml"]).status == 2)
        let broken = try await CommandRun.bulwark(["policy", "import", "-"], input: #"{"kind": "#)
        #expect(broken.status == 2 && broken.output.isEmpty)
    }

    @Test(.enabled(if: TestCluster.isAvailable)) func readsACluster() async throws {
        let cluster = try await TestCluster.shared()
        let client = try cluster.client()
        let name = "import-\(UUID().uuidString.prefix(8).lowercased())"
        let group = "rbac.authorization.k8s.io"
        let objects: [(APIResource, String)] = [
            (
                APIResource(
                    group: "policy", version: "v1beta1", plural: "podsecuritypolicies", kind: "PodSecurityPolicy",
                    namespaced: false), Self.policy(name)
            ),
            (
                APIResource(
                    group: group, version: "v1", plural: "clusterroles", kind: "ClusterRole", namespaced: false),
                """
                {"apiVersion": "\(group)/v1", "kind": "ClusterRole", "metadata": {"name": "\(name)"}, "rules": [
                {"apiGroups": ["policy"], "resources": ["podsecuritypolicies"], "resourceNames": ["\(name)"],
                 "verbs": ["use"]}]}
                """
            ),
            (
                APIResource(
                    group: group, version: "v1", plural: "rolebindings", kind: "RoleBinding", namespaced: true),
                """
                {"apiVersion": "\(group)/v1", "kind": "RoleBinding", "metadata": {"name": "\(name)"},
                 "roleRef": {"apiGroup": "\(group)", "kind": "ClusterRole", "name": "\(name)"},
                 "subjects": [{"kind": "ServiceAccount", "name": "cart", "namespace": "default"}]}
                """
            ),
        ]
        for (resource, text) in objects { _ = try await client.create(resource, namespace: "default", .json(text)) }
        let run = try await CommandRun.bulwark(["policy", "import", "--kubeconfig", cluster.kubeconfig])
        for (resource, _) in objects { try await client.delete(resource, namespace: "default", name: name) }
        #expect(run.status == 0, "\(run.errors)")
        #expect(try Self.policies(run.output)[name]?.runAsUser == .mustRunAsNonRoot)
        #expect(run.output.contains("name: default-\(name)-\(name)\n"))
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import Kubernetes
import Logging
import PodPolicies
import TestSupport
import Testing

/// The policies' kinds in a real API server, and the commands that look at what runs there.
@Suite(.enabled(if: TestCluster.isAvailable), .serialized) struct PolicyObjectsTests {
    private static let definitions = APIResource(
        group: "apiextensions.k8s.io", version: "v1", plural: "customresourcedefinitions",
        kind: "CustomResourceDefinition", namespaced: false)
    private static let deployments = APIResource(
        group: "apps", version: "v1", plural: "deployments", kind: "Deployment", namespaced: true)

    private static func policy(_ name: String, _ spec: String) -> String {
        """
        {"apiVersion": "policy.bulwark.dev/v1", "kind": "PodPolicy", "metadata": {"name": "\(name)"}, "spec": \(spec)}
        """
    }

    private static func binding(_ name: String, _ spec: String) -> String {
        """
        {"apiVersion": "policy.bulwark.dev/v1", "kind": "PodPolicyBinding", "metadata": {"name": "\(name)"},
         "spec": \(spec)}
        """
    }

    /// A cluster of one's own with the kinds in it: they are the whole cluster's.
    static func withKinds(_ body: (TestCluster, APIClient) async throws -> Void) async throws {
        let cluster = try await TestCluster.start()
        let client = try cluster.client()
        for (name, yaml) in PolicyResources.definitions {
            _ = try await client.apply(definitions, namespace: nil, name: name, yaml, options: .init(force: true))
        }
        for resource in PolicyResources.all {
            try await until("\(resource.plural) are served") {
                (try? await client.everything(resource)) != nil
            }
        }
        try await body(cluster, client)
        try await cluster.down()
    }

    static func until(_ what: Comment, _ condition: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(30)
        while try await !condition() {
            try #require(ContinuousClock.now < deadline, what)
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    @Test(.timeLimit(.minutes(5))) func theKindsAreDescribedShownAndHeldToTheirShape() async throws {
        try await Self.withKinds { cluster, client in
            for (name, _) in PolicyResources.definitions {
                let schema = try await client.get(Self.definitions, namespace: nil, name: name)
                    .node["spec"]?["versions"]?[0]?["schema"]?["openAPIV3Schema"]
                #expect(Self.undescribed(try #require(schema), "") == [], "\(name)")
            }
            // What kubectl explain reads.
            // It is published a while after the kind is served.
            try await Self.until("the kind is explained") {
                let document = try await client.send(APIRequest(path: "/openapi/v2"))
                guard let definitions = document.root["definitions"] else { return false }
                let found = definitions.members.first { $0.key.string == "dev.bulwark.policy.v1.PodPolicy" }?.value
                return found?["properties"]?["spec"]?["description"]?.string?.isEmpty == false
            }

            let baseline = #"{"mode": "warn", "standard": {"level": "baseline"}}"#
            _ = try await client.create(PolicyResources.policies, namespace: nil, .json(Self.policy("base", baseline)))
            let subjects = #""subjects": [{"kind": "User", "name": "u"}]"#
            _ = try await client.create(
                PolicyResources.bindings, namespace: nil,
                .json(Self.binding("bind", #"{"policy": "base", \#(subjects)}"#)))
            let policies = try await Self.table(PolicyResources.policies, cluster)
            #expect(policies.columns.contains("Name") && policies.columns.contains("Mode"), "\(policies)")
            #expect(policies.cells.contains("base") && policies.cells.contains("warn"), "\(policies)")
            let bindings = try await Self.table(PolicyResources.bindings, cluster)
            #expect(bindings.columns.contains("Policy") && bindings.columns.contains("Subjects"), "\(bindings)")
            #expect(bindings.cells.contains("bind") && bindings.cells.contains("base"), "\(bindings)")

            let wrong: [(APIResource, String)] = [
                (PolicyResources.policies, Self.policy("x", "{}")),
                (PolicyResources.policies, Self.policy("x", #"{"standard": {"level": "basic"}}"#)),
                (PolicyResources.policies, Self.policy("x", #"{"mode": "deny", "standard": {"level": "baseline"}}"#)),
                (PolicyResources.policies, Self.policy("x", #"{"standard": {"level": "baseline"}, "fields": {}}"#)),
                (
                    PolicyResources.policies,
                    Self.policy(
                        "x", #"{"standard": {"level": "baseline"}, "exemptions": [{"owner": "o", "reason": "r"}]}"#)
                ),
                (PolicyResources.bindings, Self.binding("x", #"{\#(subjects)}"#)),
                (PolicyResources.bindings, Self.binding("x", #"{"policy": "p", "subjects": []}"#)),
                (
                    PolicyResources.bindings,
                    Self.binding("x", #"{"policy": "p", "subjects": [{"kind": "Robot", "name": "r"}]}"#)
                ),
            ]
            for (resource, text) in wrong {
                do {
                    _ = try await client.create(resource, namespace: nil, .json(text))
                    Issue.record("was taken: \(text)")
                } catch let error as KubernetesError { #expect(error.code == .invalid, "\(text): \(error)") }
            }
        }
    }

    /// Fields without a description. The three that every object has need none.
    private static func undescribed(_ schema: Node, _ path: String) -> [String] {
        var paths: [String] = []
        guard let properties = schema["properties"] else { return [] }
        for (key, value) in properties.members {
            let field = "\(path).\(key.string)"
            if [".apiVersion", ".kind", ".metadata"].contains(field) { continue }
            // The parts of a small object speak for themselves when the whole is described.
            if value["description"]?.string?.isEmpty != false, path.isEmpty || path == ".spec" { paths.append(field) }
            paths += undescribed(value, field)
        }
        return paths
    }

    /// The table that kubectl asks for.
    private static func table(
        _ resource: APIResource, _ cluster: TestCluster
    ) async throws -> (columns: [String], cells: [String]) {
        let kubeconfig = try String(contentsOfFile: cluster.kubeconfig, encoding: .utf8)
        func value(_ key: String) throws -> String {
            let line = try #require(kubeconfig.split(separator: "\n").first { $0.contains("\(key): ") })
            return String(line.split(separator: ": ", maxSplits: 1)[1]).trimmingCharacters(in: .whitespaces)
        }
        let folder = try ScratchFolder()
        func file(_ key: String) throws -> String {
            let data = try #require(Data(base64Encoded: value(key)))
            return try folder.write(String(decoding: data, as: UTF8.self), to: key)
        }
        let run = try await CommandRun.run(
            "/usr/bin/curl",
            [
                "-sS", "--cacert", file("certificate-authority-data"), "--cert", file("client-certificate-data"),
                "--key", file("client-key-data"), "-H", "Accept: application/json;as=Table;v=v1;g=meta.k8s.io",
                value("server") + "/apis/policy.bulwark.dev/v1/\(resource.plural)",
            ], limit: .seconds(30))
        let answer = try JSONReader.read(Array(run.output.utf8), source: "table").root
        var (columns, cells): ([String], [String]) = ([], [])
        for column in try #require(answer["columnDefinitions"]).elements {
            columns.append(column["name"]?.string ?? "")
        }
        for row in try #require(answer["rows"]).elements {
            for cell in try #require(row["cells"]).elements { cells.append(cell.string ?? "") }
        }
        return (columns, cells)
    }

    @Test(.timeLimit(.minutes(5))) func anIndexFollowsTheCluster() async throws {
        try await Self.withKinds { _, client in
            let (index, informers) = (PolicyIndex(), InformerSet(client))
            _ = try PolicySync(index, informers, logger: Logger(label: "test"))
            #expect(index.waitsFor != nil)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await informers.run() }
                try await Self.until("everything was read") { index.waitsFor == nil }
                let (policies, bindings) = (PolicyResources.policies, PolicyResources.bindings)
                _ = try await client.create(
                    policies, namespace: nil, .json(Self.policy("a", #"{"standard": {"level": "baseline"}}"#)))
                _ = try await client.create(
                    bindings, namespace: nil,
                    .json(Self.binding("b", #"{"policy": "a", "subjects": [{"kind": "User", "name": "u"}]}"#)))
                _ = try await client.create(
                    PolicyResources.controls, namespace: nil,
                    .json(
                        """
                        {"apiVersion": "policy.bulwark.dev/v1", "kind": "AdmissionControl",
                         "metadata": {"name": "bulwark"}, "spec": {"disabledNamespaces": ["off"]}}
                        """))
                let namespace = try await client.makeNamespace("sync")
                try await Self.until("what was made is there") {
                    index.set.policy("a")?.mode == .enforce && index.set.bindings(of: "a").count == 1
                        && !index.set.control.isOn(in: "off") && index.namespaces[namespace] != nil
                }
                _ = try await client.patch(policies, namespace: nil, name: "a", #"{"spec": {"mode": "audit"}}"#)
                _ = try await client.patch(
                    .namespaces, namespace: nil, name: namespace, #"{"metadata": {"labels": {"team": "x"}}}"#)
                try await Self.until("what changed is there") {
                    index.set.policy("a")?.mode == .audit && index.namespaces[namespace]?["team"] == "x"
                }
                try await client.delete(policies, namespace: nil, name: "a")
                try await client.delete(PolicyResources.controls, namespace: nil, name: "bulwark")
                try await Self.until("what was deleted is gone") {
                    index.set.policies.isEmpty && index.set.control.isOn(in: "off")
                        && index.set.bindingsToNothing.count == 1
                }
                tasks.cancelAll()
                do { try await tasks.waitForAll() } catch is CancellationError {}
            }
        }
    }

    private static func pod(_ name: String, account: String, container: String, spec: String = "") -> String {
        """
        {"metadata": {"name": "\(name)"}, "spec": {"serviceAccountName": "\(account)", \(spec)
         "automountServiceAccountToken": false,
         "containers": [{"name": "box", "image": "a.example/b:1", "securityContext": {\(container)}}]}}
        """
    }

    @Test(.timeLimit(.minutes(5))) func previewsAndSuggests() async throws {
        try await Self.withKinds { cluster, client in
            let namespace = try await client.makeNamespace("preview")
            let accounts = APIResource(
                group: "", version: "v1", plural: "serviceaccounts", kind: "ServiceAccount", namespaced: true)
            for account in ["cart", "till"] {
                _ = try await client.create(
                    accounts, namespace: namespace, .json(#"{"metadata": {"name": "\#(account)"}}"#))
            }
            for text in [
                Self.pod("bad", account: "cart", container: #""privileged": true"#),
                Self.pod("good", account: "cart", container: #""allowPrivilegeEscalation": false"#),
                Self.pod("other", account: "till", container: #""capabilities": {"add": ["NET_ADMIN"]}"#),
            ] { _ = try await client.create(.pods, namespace: namespace, .json(text)) }
            let template = Self.pod("x", account: "till", container: "", spec: #""hostNetwork": true,"#)
                .replacing(#""name": "x""#, with: #""labels": {"app": "x"}"#)
            _ = try await client.create(
                Self.deployments, namespace: namespace,
                .json(
                    #"{"metadata": {"name": "web"}, "spec": {"selector": {"matchLabels": {"app": "x"}}, "template": \#(template)}}"#
                ))
            let folder = try ScratchFolder()
            let file = try folder.write(
                Self.policy("firm", #"{"standard": {"level": "baseline"}}"#) + "\n", to: "policy.json")
            let bound = try folder.write(
                Self.binding(
                    "firm",
                    #"{"policy": "firm", "subjects": [{"kind": "ServiceAccount", "name": "cart", "namespace": "\#(namespace)"}]}"#
                ),
                to: "binding.json")

            let all = try await CommandRun.bulwark([
                "policy", "preview", "-f", file, "--kubeconfig", cluster.kubeconfig,
            ])
            #expect(all.status == 0, "\(all.errors)")
            for text in [
                "refused", "Pod \(namespace)/bad", "Deployment \(namespace)/web", "Pod \(namespace)/other",
                "container \"box\"",
                "spec.containers[0].securityContext.privileged is true", "spec.hostNetwork is true",
            ] { #expect(all.output.contains(text), "\(text) is not in \(all.output)") }
            #expect(!all.output.contains("/good") && all.errors.contains("tried on everything"))

            let few = try await CommandRun.bulwark([
                "policy", "preview", "-f", file, "-f", bound, "--namespace", namespace, "-o", "json", "--fail",
                "--kubeconfig", cluster.kubeconfig,
            ])
            #expect(few.status == 1, "\(few.errors)")
            let json = try JSONReader.read(Array(few.output.utf8), source: "preview").root
            #expect(json["schemaVersion"]?.int == 1 && json["scope"]?.string == "bound")
            #expect(json["counts"]?["refused"]?.int == 1 && json["counts"]?["unchanged"]?.int == 1)
            #expect(json["notReached"]?.int == 2)
            #expect(json["workloads"]?[0]?["name"]?.string == "bad")

            let suggested = try await CommandRun.bulwark([
                "policy", "suggest", "--service-account", "\(namespace)/till", "--kubeconfig", cluster.kubeconfig,
            ])
            #expect(suggested.status == 0, "\(suggested.errors)")
            #expect(suggested.errors.contains("1 pods and 1 templates") && suggested.errors.contains("hostNetwork: "))
            let object = try #require(
                try DocumentReader.documents(in: Array(suggested.output.utf8), source: "out").first?.get().root)
            let policy = try PodPolicy(object)
            guard case .fields(let rules) = policy.rules else {
                Issue.record("no fields: \(suggested.output)")
                return
            }
            #expect(rules.hostNetwork && !rules.privileged && rules.allowedCapabilities == ["NET_ADMIN"])
            // The API server takes it, and nothing that runs would be refused or changed by it.
            _ = try await client.create(PolicyResources.policies, namespace: nil, .json(EditValue(object).json))
            let tight = try folder.write(suggested.output, to: "tight.yaml")
            let account = try folder.write(
                Self.binding(
                    "tight",
                    #"{"policy": "\#(policy.name)", "subjects": [{"kind": "ServiceAccount", "name": "till", "namespace": "\#(namespace)"}]}"#
                ),
                to: "tight-binding.json")
            let again = try await CommandRun.bulwark([
                "policy", "preview", "-f", tight, "-f", account, "-o", "json", "--kubeconfig", cluster.kubeconfig,
            ])
            let counts = try JSONReader.read(Array(again.output.utf8), source: "preview").root["counts"]
            #expect(
                counts?["unchanged"]?.int == 2 && counts?["refused"]?.int == 0 && counts?["changed"]?.int == 0,
                "\(again.output)")

            for (arguments, status) in [
                (["preview", "--kubeconfig", cluster.kubeconfig], 2), (["preview", "-f", file], 2),
                (["preview", "-f", "/nowhere.yaml", "--kubeconfig", cluster.kubeconfig], 2),
                (["suggest", "--service-account", "x", "--kubeconfig", cluster.kubeconfig], 2),
                (["suggest", "--service-account", "\(namespace)/nobody", "--kubeconfig", cluster.kubeconfig], 3),
            ] as [([String], Int32)] {
                #expect(try await CommandRun.bulwark(["policy"] + arguments).status == status, "\(arguments)")
            }
        }
    }
}

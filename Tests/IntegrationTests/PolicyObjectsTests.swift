// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import Kubernetes
import Logging
import PodPolicies
import TestSupport
import Testing

/// Our resources on a real API server. A cluster of its own: the definitions and the switch belong to the whole cluster.
@Suite(.enabled(if: TestCluster.isAvailable), .serialized) struct PolicyObjectsTests {
    private static let common = Task {
        let cluster = try await TestCluster.start()
        let client = try cluster.client()
        for (name, yaml) in PolicyResources.definitions {
            _ = try await client.apply(.customResourceDefinitions, namespace: nil, name: name, yaml)
        }
        for resource in PolicyResources.all {
            try await eventually { await isServed(client, resource) }
        }
        return cluster
    }

    private static func isServed(_ client: APIClient, _ resource: APIResource) async -> Bool {
        do {
            for try await _ in try client.list(resource) {}
            return true
        } catch {
            return false
        }
    }

    private static func eventually(_ holds: () async throws -> Bool) async throws {
        for _ in 0..<300 {
            if try await holds() { return }
            try await Task.sleep(for: .milliseconds(100))
        }
        Issue.record("it did not come about within 30 seconds")
    }

    private static func client() async throws -> APIClient { try await common.value.client() }

    private static func body(_ kind: String, _ name: String, _ spec: String) -> APIBody {
        .json(
            #"{"apiVersion":"policy.bulwark.dev/v1","kind":"\#(kind)","metadata":{"name":"\#(name)"},"spec":\#(spec)}"#)
    }

    @Test func theDefinitionsAreStructuralAndTold() async throws {
        let client = try await Self.client()
        for (name, _) in PolicyResources.definitions {
            let definition = try await client.get(.customResourceDefinitions, namespace: nil, name: name).node
            let conditions = definition["status"]?["conditions"].map { Array($0.elements) } ?? []
            #expect(
                !conditions.contains { $0["type"]?.string == "NonStructuralSchema" && $0["status"]?.string == "True" })
            #expect(conditions.contains { $0["type"]?.string == "Established" && $0["status"]?.string == "True" })
        }
        // What kubectl explain reads.
        try await Self.eventually {
            let openAPI = try await client.send(APIRequest(path: "/openapi/v2")).root
            let kind = openAPI["definitions"]?["dev.bulwark.policy.v1.PodPolicy"]
            let mode = kind?["properties"]?["spec"]?["properties"]?["mode"]
            return mode?["description"]?.string?.contains("enforce refuses") == true
        }
    }

    @Test(arguments: [
        ("PodPolicy", #"{}"#), ("PodPolicy", #"{"standard":{"level":"strict"}}"#),
        ("PodPolicy", #"{"standard":{"level":"baseline","version":"v1.x"}}"#),
        ("PodPolicy", #"{"standard":{"level":"baseline"},"mode":"deny"}"#),
        ("PodPolicy", #"{"standard":{"level":"baseline"},"exemptions":[{"owner":"a","reason":"b"}]}"#),
        ("PodPolicy", #"{"fields":{"seLinux":{"rule":"RunAsAny"}}}"#),
        (
            "PodPolicy",
            #"{"standard":{"level":"baseline"},"fields":{"seLinux":{"rule":"RunAsAny"},"runAsUser":{"rule":"RunAsAny"},"fsGroup":{"rule":"RunAsAny"},"supplementalGroups":{"rule":"RunAsAny"}}}"#
        ),
        ("PodPolicyBinding", #"{"policy":"p","subjects":[]}"#),
        ("PodPolicyBinding", #"{"policy":"p","subjects":[{"kind":"Role","name":"x"}]}"#),
        ("PodPolicyBinding", #"{"policy":"p","subjects":[{"kind":"User","name":"x"}],"namespaces":{}}"#),
        // Of another name than the only one that counts.
        ("AdmissionControl", #"{"enabled":true}"#),
    ])
    func theSchemaRefusesWhatIsWrong(kind: String, spec: String) async throws {
        let client = try await Self.client()
        let resource = try #require(PolicyResources.all.first { $0.kind == kind })
        let error = await #expect(throws: KubernetesError.self) {
            _ = try await client.create(resource, namespace: nil, Self.body(kind, "wrong", spec))
        }
        #expect(error?.code == .invalid, "\(error?.message ?? "none")")
    }

    @Test func columns() async throws {
        let client = try await Self.client()
        _ = try await client.create(
            PolicyResources.policies, namespace: nil,
            Self.body("PodPolicy", "columns", #"{"standard":{"level":"baseline"}}"#))
        let definition = try await client.get(
            .customResourceDefinitions, namespace: nil, name: "podpolicies.policy.bulwark.dev"
        ).node
        let columns = definition["spec"]?["versions"]?[0]?["additionalPrinterColumns"].map { Array($0.elements) } ?? []
        #expect(columns.compactMap { $0["name"]?.string } == ["Mode", "Rules", "Enabled", "Bound", "Refused", "Age"])
        let stored = try await client.get(PolicyResources.policies, namespace: nil, name: "columns").node
        #expect(
            stored["spec"]?["mode"]?.string == "enforce" && stored["spec"]?["standard"]?["version"]?.string == "latest")
        #expect(try PodPolicy(stored).mode == .enforce)
        try await client.delete(PolicyResources.policies, namespace: nil, name: "columns")
    }

    /// From the API server into the index and back into the status.
    @Test func syncAndStatus() async throws {
        let client = try await Self.client()
        let index = PolicyIndex()
        let informers = InformerSet(client)
        let sync = try PolicySync(index, informers, logger: Logger(label: "test"))
        #expect(index.waitsFor != nil)
        let running = Task { try await informers.run() }
        defer { running.cancel() }
        try await Self.eventually { index.waitsFor == nil }
        _ = sync

        let binding = #"{"policy":"sync","subjects":[{"kind":"ServiceAccount","namespace":"shop","name":"cart"}]}"#
        _ = try await client.create(
            PolicyResources.bindings, namespace: nil, Self.body("PodPolicyBinding", "sync", binding))
        try await Self.eventually { index.set.bindingsToNothing.map(\.name) == ["sync"] }
        let refusals = PolicyRefusals()
        let writer = PolicyStatusWriter(client, index, refusals, logger: Logger(label: "test"))
        _ = try await writer.writeRound()
        func ready(_ resource: APIResource) async throws -> (String?, String?) {
            let conditions = try await client.get(resource, namespace: nil, name: "sync").node["status"]?["conditions"]
            return (conditions?[0]?["status"]?.string, conditions?[0]?["reason"]?.string)
        }
        #expect(try await ready(PolicyResources.bindings) == ("False", "NoSuchPolicy"))

        _ = try await client.create(
            PolicyResources.policies, namespace: nil,
            Self.body("PodPolicy", "sync", #"{"standard":{"level":"restricted"}}"#))
        try await Self.eventually { index.set.policy("sync") != nil }
        _ = try await writer.writeRound()
        #expect(try await ready(PolicyResources.bindings) == ("True", "Binds"))
        let status = try await client.get(PolicyResources.policies, namespace: nil, name: "sync").node["status"]
        #expect(status?["bound"]?.int == 1 && status?["rules"]?.string == "restricted@latest")
        #expect(status?["boundTo"]?[0]?.string?.contains("ServiceAccount shop/cart") == true)
        #expect(status?["refusals"]?["lastHour"]?.int == 0)
        // What is written comes back by the watch and changes nothing: there is nothing more to write.
        let version = try await client.get(PolicyResources.policies, namespace: nil, name: "sync").identity
            .resourceVersion
        _ = try await writer.writeRound()
        #expect(
            try await client.get(PolicyResources.policies, namespace: nil, name: "sync").identity.resourceVersion
                == version)

        // Past the schema, but not readable: MustRunAs without options. The last good version counts.
        _ = try await client.patch(
            PolicyResources.policies, namespace: nil, name: "sync",
            #"{"spec":{"standard":null,"fields":{"seLinux":{"rule":"MustRunAs"},"runAsUser":{"rule":"RunAsAny"},"fsGroup":{"rule":"RunAsAny"},"supplementalGroups":{"rule":"RunAsAny"}}}}"#
        )
        try await Self.eventually { index.problem(kind: "PodPolicy", name: "sync")?.keepsLast == true }
        #expect(index.set.policy("sync")?.rules == .standard(PodSecurityStandard(.restricted)))
        _ = try await writer.writeRound()
        #expect(try await ready(PolicyResources.policies) == ("False", "Unreadable"))

        _ = try await client.create(
            PolicyResources.controls, namespace: nil, Self.body("AdmissionControl", "bulwark", #"{"enabled":false}"#))
        try await Self.eventually { !index.set.control.isEnabled }
        try await client.delete(PolicyResources.controls, namespace: nil, name: "bulwark")
        try await client.delete(PolicyResources.policies, namespace: nil, name: "sync")
        try await client.delete(PolicyResources.bindings, namespace: nil, name: "sync")
        try await Self.eventually {
            index.set.control.isEnabled && index.set.policies.isEmpty && index.problems.isEmpty
        }
        #expect(index.moment(namespace: "default").labels != nil)
    }

    @Test func whoMayUseAPolicy() async throws {
        let client = try await Self.client()
        let rbac = "rbac.authorization.k8s.io"
        let roles = APIResource(
            group: rbac, version: "v1", plural: "clusterroles", kind: "ClusterRole", namespaced: false)
        let roleBindings = APIResource(
            group: rbac, version: "v1", plural: "clusterrolebindings", kind: "ClusterRoleBinding", namespaced: false)
        _ = try await client.create(
            roles, namespace: nil,
            .json(
                #"{"apiVersion":"\#(rbac)/v1","kind":"ClusterRole","metadata":{"name":"use-web"},"rules":[{"apiGroups":["policy.bulwark.dev"],"resources":["podpolicies"],"resourceNames":["web"],"verbs":["use"]}]}"#
            ))
        _ = try await client.create(
            roleBindings, namespace: nil,
            .json(
                #"{"apiVersion":"\#(rbac)/v1","kind":"ClusterRoleBinding","metadata":{"name":"use-web"},"roleRef":{"apiGroup":"\#(rbac)","kind":"ClusterRole","name":"use-web"},"subjects":[{"kind":"Group","name":"web-team","apiGroup":"\#(rbac)"}]}"#
            ))
        let access = PolicyAccess(client)
        try await Self.eventually { try await access.mayUse(policy: "web", user: "anna", groups: ["web-team"]) }
        #expect(try await !access.mayUse(policy: "other", user: "anna", groups: ["web-team"]))
        #expect(try await !access.mayUse(policy: "web", user: "anna", groups: []))
        #expect(try await access.mayUse(policy: "other", user: "root", groups: ["system:masters"]))
    }

    /// The two commands' source: what runs in the cluster, and what counts there.
    @Test func previewsWhatRuns() async throws {
        let client = try await Self.client()
        let namespace = "preview-\(UUID().uuidString.prefix(6).lowercased())"
        _ = try await client.create(
            .namespaces, namespace: nil,
            .json(#"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"\#(namespace)"}}"#))
        let deployments = APIResource(
            group: "apps", version: "v1", plural: "deployments", kind: "Deployment", namespaced: true)
        _ = try await client.create(
            deployments, namespace: namespace,
            .json(
                #"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"hostNetwork":true,"containers":[{"name":"app","image":"a","ports":[{"containerPort":80}]}]}}}}"#
            ))
        let workloads = RunningWorkloads(client)
        let index = try await workloads.index()
        var preview = PolicyPreview(
            PodPolicy(name: "p", rules: .standard(PodSecurityStandard(.baseline))), bindings: [], in: index.set,
            namespaces: index.namespaces, now: 0)
        var suggestion = PolicySuggestion()
        try await workloads.each(namespace: namespace) { object in
            preview.add(object.node, apiVersion: object.identity.apiVersion, kind: object.identity.kind)
            if let found = try? PodSource.find(
                in: object.node, apiVersion: object.identity.apiVersion, kind: object.identity.kind)
            {
                suggestion.add(found.pod, subject: object.identity.name, isTemplate: found.isTemplate)
            }
        }
        #expect(preview.results.map(\.outcome) == [.refused])
        let paths = preview.results.flatMap { $0.refusals.flatMap { $0.violations.map(\.path) } }
        #expect(paths.contains { $0.contains("spec.template.spec.hostNetwork") })
        let rules = try #require(suggestion.rules()?.rules)
        #expect(rules.hostNetwork && !rules.privileged && rules.hostPorts == [.init(min: 80, max: 80)])
    }
}

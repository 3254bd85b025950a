// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import Kubernetes
import Synchronization
import TestSupport
import Testing

/// The client against a real API server that others use too: every test keeps to namespaces of its own.
@Suite(.enabled(if: TestCluster.isAvailable)) struct LiveAPITests {
    @Test func discoveryFindsWhatThisServerHas() async throws {
        let cluster = try await TestCluster.shared()
        let client = try cluster.client()
        let found = try await client.discover()
        #expect(found.serverVersion.hasPrefix("v1."))
        // Somebody else's cluster may have add-ons that are down. On ours, other tests make custom resources meanwhile,
        // whose groups are announced a moment before they answer; Kubernetes' own groups have no other dot or end so.
        let failures = found.failures.map(\.groupVersion).filter { groupVersion in
            let group = groupVersion.split(separator: "/")[0]
            return group.hasSuffix(".k8s.io") || !group.contains(".")
        }
        #expect(failures.isEmpty || cluster.directory == nil)
        let pods = try #require(found.resource(kind: "Pod", groups: [""]))
        #expect(pods.apiVersion == "v1" && pods.plural == "pods" && pods.namespaced && pods.verbs.contains("watch"))
        #expect(found.resource(kind: "Deployment", groups: ["apps"])?.apiVersion == "apps/v1")
        let ingress = try #require(found.resource(kind: "Ingress", groups: ["networking.k8s.io", "extensions"]))
        #expect(ingress.apiVersion == "networking.k8s.io/v1")
        // Where they are depends on the server: 1.20 has only betas, 1.25 no longer has these.
        for (kind, group) in [("CronJob", "batch"), ("PodDisruptionBudget", "policy")] {
            let resource = try #require(found.resource(kind: kind, groups: [group]))
            for try await page in try client.list(resource) { #expect(page.isConsistent) }
        }
        let some = try await client.discover(groups: ["apps"])
        #expect(Set(some.all.map(\.group)) == ["apps"])
    }

    @Test func anObjectsLife() async throws {
        let client = try await TestCluster.shared().client()
        let namespace = try await client.makeNamespace("life")
        let made = try await client.create(.configMaps, namespace: namespace, .json(configMap("a", ["k": "1"])))
        #expect(made.identity.namespace == namespace && !made.identity.uid.isEmpty)
        let clash = await #expect(throws: KubernetesError.self) {
            _ = try await client.create(.configMaps, namespace: namespace, .json(configMap("a", [:])))
        }
        #expect(clash?.code == .conflict)

        let patched = try await client.patch(.configMaps, namespace: namespace, name: "a", #"{"data":{"k":"2"}}"#)
        #expect(patched.node["data"]?["k"]?.string == "2")
        let dry = try await client.patch(
            .configMaps, namespace: namespace, name: "a", #"[{"op":"replace","path":"/data/k","value":"3"}]"#,
            as: .json,
            options: .init(dryRun: true))
        #expect(dry.node["data"]?["k"]?.string == "3")
        #expect(try await client.get(.configMaps, namespace: namespace, name: "a").node["data"]?["k"]?.string == "2")

        let theirs = WriteOptions(fieldManager: "someone-else", force: true)
        let applied = Array(configMap("a", ["k": "4"]).utf8)
        _ = try await client.apply(.configMaps, namespace: namespace, name: "a", applied, options: theirs)
        let ours = Array(configMap("a", ["k": "5"]).utf8)
        let conflict = await #expect(throws: KubernetesError.self) {
            _ = try await client.apply(.configMaps, namespace: namespace, name: "a", ours)
        }
        #expect(conflict?.code == .conflict)
        #expect(conflict?.message.contains("someone-else") == true, "\(conflict?.message ?? "")")
        let taken = try await client.apply(
            .configMaps, namespace: namespace, name: "a", ours, options: .init(force: true))
        #expect(taken.node["data"]?["k"]?.string == "5")

        let stale = await #expect(throws: KubernetesError.self) {
            try await client.delete(.configMaps, namespace: namespace, name: "a", uid: "another")
        }
        #expect(stale?.code == .conflict)
        try await client.delete(.configMaps, namespace: namespace, name: "a", uid: made.identity.uid)
        let gone = await #expect(throws: KubernetesError.self) {
            _ = try await client.get(.configMaps, namespace: namespace, name: "a")
        }
        #expect(gone?.code == .notFound)
    }

    @Test func whatTheServerRefusesIsExplained() async throws {
        let cluster = try await TestCluster.shared()
        let client = try cluster.client()
        let invalid = await #expect(throws: KubernetesError.self) {
            _ = try await client.create(.pods, namespace: "default", .json(#"{"metadata":{"name":"NOT VALID"}}"#))
        }
        #expect(invalid?.code == .invalid)
        #expect(invalid?.message.contains("NOT VALID") == true)

        // A token that the server does not know, and nobody at all.
        let text = try String(contentsOfFile: cluster.kubeconfig, encoding: .utf8)
        let users = try #require(text.range(of: "users:"))
        for (user, code) in [("{token: c2VzYW1lLTQ3MTE}", KubernetesError.Code.unauthorized), ("{}", .forbidden)] {
            let folder = try ScratchFolder()
            let file = try folder.write(
                text[..<users.lowerBound] + "users: [{name: admin, user: \(user)}]\n", to: "config")
            let stranger = try APIClient(ClusterConnection.resolve(kubeconfig: file, environment: [:]))
            let error = await #expect(throws: KubernetesError.self) {
                for try await _ in try stranger.list(.pods) {}
            }
            #expect(error?.code == code, "\(error?.message ?? "")")
            #expect(error?.message.contains(code == .forbidden ? "system:anonymous" : "renew it") == true)
            #expect(error?.message.contains("user admin of \(file)") == true)
            #expect(error?.message.contains("c2VzYW1l") == false)
        }
    }
}

extension APIClient {
    /// A namespace for one test. Its name begins with `prefix`.
    func makeNamespace(_ prefix: String) async throws -> String {
        let name = "\(prefix)-\(UUID().uuidString.prefix(8).lowercased())"
        _ = try await create(.namespaces, namespace: nil, .json(#"{"metadata":{"name":"\#(name)"}}"#))
        return name
    }

    /// Every object of a resource now.
    func everything(_ resource: APIResource, _ selection: Selection = .init()) async throws -> [ObjectIdentity] {
        var all: [ObjectIdentity] = []
        for try await page in try list(resource, selection) { all += page.objects.map(\.identity) }
        return all
    }

    /// Makes pods, some at a time.
    func makePods(_ names: [(namespace: String, name: String)]) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, pod) in names.enumerated() {
                if index >= 8 { try await group.next() }
                group.addTask {
                    _ = try await self.create(
                        .pods, namespace: pod.namespace,
                        .json(
                            #"{"metadata":{"name":"\#(pod.name)"},"spec":{"containers":[{"name":"c","image":"a.example/b:1"}]}}"#
                        ))
                }
            }
            try await group.waitForAll()
        }
    }
}

func configMap(_ name: String, _ data: [String: String]) -> String {
    let fields = data.sorted { $0.key < $1.key }.map { #""\#($0.key)":"\#($0.value)""# }
    return
        #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"\#(name)"},"data":{\#(fields.joined(separator: ","))}}"#
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import Kubernetes
import PodSecurity

/// Random numbers that a seed repeats (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }

    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: 0..<elements.count, using: &self)]
    }
}

/// Objects of every inspected kind in a real cluster, made and changed at random. It keeps no account of what exists:
/// whatever is refused because something is there already, or gone, did not happen.
struct LiveWorld: Sendable {
    let client: APIClient
    let kinds: ClusterKinds
    let namespaces: [String]

    private static let apps = ["cart", "shop", "pay", "mail"]
    private static let flags = ["privileged", "allowPrivilegeEscalation", "readOnlyRootFilesystem", "runAsNonRoot"]

    init(_ client: APIClient, namespaces count: Int) async throws {
        self.client = client
        kinds = try await ClusterKinds.discover(client)
        var namespaces: [String] = []
        for number in 0..<count { namespaces.append(try await client.makeNamespace("world-\(number)")) }
        self.namespaces = namespaces
    }

    /// Makes the beginning: `pods` pods, half of them owned, and some of every other kind in each namespace.
    func populate(pods: Int, seed: UInt64) async throws {
        try await inParallel(namespaces.count) { index in
            var random = SeededGenerator(seed: seed &+ UInt64(index))
            for kind in Self.made where kind != .pod {
                if kind.isClusterScoped {
                    if index < 5 { try await make(kind, index, "", &random) }
                } else {
                    for number in 0..<2 { try await make(kind, number, namespaces[index], &random) }
                }
            }
            for number in stride(from: index, to: pods, by: namespaces.count) {
                try await make(.pod, number / namespaces.count, namespaces[index], &random)
            }
        }
    }

    /// Makes, changes and deletes at random.
    func churn(_ operations: Int, seed: UInt64) async throws {
        try await inParallel(8) { worker in
            var random = SeededGenerator(seed: seed &+ UInt64(worker) &* 1000)
            for _ in 0..<operations / 8 { try await operate(&random) }
        }
    }

    private func inParallel(_ count: Int, _ body: @escaping @Sendable (Int) async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<count {
                if index >= 8 { try await group.next() }
                group.addTask { try await body(index) }
            }
            try await group.waitForAll()
        }
    }

    // MARK: One change

    /// Owners before what they own.
    private static let made: [ObjectKind] = [
        .serviceAccount, .deployment, .statefulSet, .cronJob, .job, .replicaSet, .pod, .service, .ingress,
        .networkPolicy, .podDisruptionBudget, .configMap, .role, .clusterRole, .roleBinding, .clusterRoleBinding,
    ]
    /// Pods more often than others, as in life.
    private static let lottery: [ObjectKind] =
        made + Array(repeating: .pod, count: 12) + Array(repeating: .networkPolicy, count: 4)
        + Array(repeating: .replicaSet, count: 3) + Array(repeating: .deployment, count: 3)

    private func operate(_ random: inout SeededGenerator) async throws {
        let kind = random.pick(Self.lottery)
        let namespace = kind.isClusterScoped ? "" : random.pick(namespaces)
        let number = Int.random(in: 0..<(kind == .pod ? 45 : 4), using: &random)
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<4: try await make(kind, number, namespace, &random)
        case 4..<7: try await change(kind, number, namespace, &random)
        case 7..<9: try await delete(kind, number, namespace)
        default:
            // The same name at once again: another object.
            try await delete(kind, number, namespace)
            try await make(kind, number, namespace, &random)
        }
    }

    private func name(_ kind: ObjectKind, _ number: Int) -> String { "\(kind)-\(number)".lowercased() }

    func make(_ kind: ObjectKind, _ number: Int, _ namespace: String, _ random: inout SeededGenerator) async throws {
        guard let resource = kinds.resource(kind) else { return }
        let body = try await body(kind, number, namespace, &random)
        try await tolerantly {
            _ = try await client.create(resource, namespace: namespace.isEmpty ? nil : namespace, .json(body))
        }
    }

    func delete(_ kind: ObjectKind, _ number: Int, _ namespace: String) async throws {
        guard let resource = kinds.resource(kind) else { return }
        try await tolerantly {
            try await client.delete(
                resource, namespace: namespace.isEmpty ? nil : namespace, name: name(kind, number), graceSeconds: 0)
        }
    }

    func patch(_ kind: ObjectKind, _ number: Int, _ namespace: String, _ patch: String) async throws {
        guard let resource = kinds.resource(kind) else { return }
        try await tolerantly {
            // A pod's list of containers is patched by their names: nothing but the image may change.
            _ = try await client.patch(
                resource, namespace: namespace.isEmpty ? nil : namespace, name: name(kind, number), patch,
                as: kind == .pod ? .strategic : .merge)
        }
    }

    private func change(
        _ kind: ObjectKind, _ number: Int, _ namespace: String, _ random: inout SeededGenerator
    ) async throws {
        let text: String
        switch kind {
        case .pod:
            text =
                random.chance(50)
                ? #"{"metadata":{"labels":{"app":"\#(random.pick(Self.apps))"}}}"#
                : #"{"spec":{"containers":[\#(container("main", &random, image: true))]}}"#
        case .deployment, .statefulSet, .replicaSet:
            text = #"{"spec":{"replicas":\#(random.pick([1, 2, 3])),"template":\#(template(&random, nil))}}"#
        case .cronJob: text = #"{"spec":{"jobTemplate":{"spec":{"template":\#(template(&random, "Never"))}}}}"#
        case .job: text = #"{"metadata":{"labels":{"app":"\#(random.pick(Self.apps))"}}}"#
        case .serviceAccount: text = #"{"automountServiceAccountToken":\#(random.chance(50))}"#
        case .service: text = #"{"spec":{"selector":{"app":"\#(random.pick(Self.apps))"}}}"#
        case .networkPolicy: text = #"{"spec":{"podSelector":\#(selector(&random))}}"#
        case .podDisruptionBudget: text = #"{"spec":{"maxUnavailable":\#(random.pick([0, 1])),"minAvailable":null}}"#
        case .ingress: text = #"{"spec":\#(ingress(&random))}"#
        case .configMap: text = #"{"data":{"password":"hunter\#(random.pick([1, 2]))"}}"#
        case .role, .clusterRole: text = #"{"rules":\#(rules(&random))}"#
        default: text = #"{"subjects":\#(subjects(&random))}"#
        }
        try await patch(kind, number, namespace, text)
    }

    /// Whatever the server says of an object that is there or not, or while it restarts, is part of the game.
    private func tolerantly(_ body: () async throws -> Void) async throws {
        do { try await body() } catch let error as KubernetesError {
            switch error.code {
            case .conflict, .notFound: return
            case .connection, .timeout, .emptyAnswer, .server, .throttled, .forbidden:
                try await Task.sleep(for: .milliseconds(200))
            default: throw error
            }
        }
    }

    // MARK: What objects look like

    private func body(
        _ kind: ObjectKind, _ number: Int, _ namespace: String, _ random: inout SeededGenerator
    ) async throws -> String {
        var metadata = #""name":"\#(name(kind, number))","labels":{"app":"\#(random.pick(Self.apps))"}"#
        switch kind {
        case .pod:
            metadata += try await owner(random.pick([.replicaSet, .job, nil]), number % 3, namespace)
            return #"{"metadata":{\#(metadata)},"spec":\#(podSpec(&random))}"#
        case .deployment, .statefulSet, .replicaSet:
            if kind == .replicaSet { metadata += try await owner(.deployment, number % 2, namespace) }
            let replicas = random.pick([1, 2, 3])
            return #"""
                {"metadata":{\#(metadata)},"spec":{"replicas":\#(replicas),"serviceName":"s",
                "selector":{"matchLabels":{"fixed":"yes"}},"template":\#(template(&random, nil))}}
                """#.replacing(#""serviceName":"s","#, with: kind == .statefulSet ? #""serviceName":"s","# : "")
        case .cronJob:
            return #"""
                {"metadata":{\#(metadata)},"spec":{"schedule":"0 * * * *",
                "jobTemplate":{"spec":{"template":\#(template(&random, "Never"))}}}}
                """#
        case .job:
            metadata += try await owner(.cronJob, number % 2, namespace)
            return #"{"metadata":{\#(metadata)},"spec":{"template":\#(template(&random, "Never"))}}"#
        case .serviceAccount:
            return #"{"metadata":{\#(metadata)},"automountServiceAccountToken":\#(random.chance(50))}"#
        case .service:
            return #"""
                {"metadata":{\#(metadata)},"spec":{"type":"\#(random.pick(["ClusterIP", "LoadBalancer"]))",
                "selector":{"app":"\#(random.pick(Self.apps))"},"ports":[{"port":\#(random.pick([80, 5000]))}]}}
                """#
        case .networkPolicy: return #"{"metadata":{\#(metadata)},"spec":{"podSelector":\#(selector(&random))}}"#
        case .podDisruptionBudget:
            return #"{"metadata":{\#(metadata)},"spec":{"maxUnavailable":1,"selector":\#(selector(&random))}}"#
        case .ingress: return #"{"metadata":{\#(metadata)},"spec":\#(ingress(&random))}"#
        case .configMap: return #"{"metadata":{\#(metadata)},"data":{"password":"hunter2","colour":"red"}}"#
        case .role, .clusterRole: return #"{"metadata":{\#(metadata)},"rules":\#(rules(&random))}"#
        default:
            let role: ObjectKind = kind == .clusterRoleBinding || random.chance(50) ? .clusterRole : .role
            return #"""
                {"metadata":{\#(metadata)},"subjects":\#(subjects(&random)),"roleRef":{"apiGroup":
                "rbac.authorization.k8s.io","kind":"\#(role.name)","name":"\#(name(role, number))"}}
                """#
        }
    }

    /// A reference to a controller that exists now.
    private func owner(_ kind: ObjectKind?, _ number: Int, _ namespace: String) async throws -> String {
        guard let kind, let resource = kinds.resource(kind) else { return "" }
        var found: APIObject?
        try await tolerantly {
            found = try await client.get(resource, namespace: namespace, name: name(kind, number))
        }
        guard let identity = found?.identity else { return "" }
        return #"""
            ,"ownerReferences":[{"apiVersion":"\#(identity.apiVersion)","kind":"\#(kind.name)",
            "name":"\#(identity.name)","uid":"\#(identity.uid)","controller":true}]
            """#
    }

    private func template(_ random: inout SeededGenerator, _ restart: String?) -> String {
        let labels = #"{"app":"\#(random.pick(Self.apps))","fixed":"yes"}"#
        return #"{"metadata":{"labels":\#(labels)},"spec":\#(podSpec(&random, restart))}"#
    }

    private func podSpec(_ random: inout SeededGenerator, _ restart: String? = nil) -> String {
        var fields = [#""containers":[\#(container("main", &random))]"#]
        if random.chance(40) { fields.append(#""initContainers":[\#(container("first", &random))]"#) }
        if random.chance(15) { fields.append(#""hostNetwork":true"#) }
        if random.chance(15) { fields.append(#""volumes":[{"name":"v","hostPath":{"path":"/var/run/docker.sock"}}]"#) }
        if random.chance(50) { fields.append(#""serviceAccountName":"serviceaccount-\#(random.pick([0, 1, 2]))""#) }
        if random.chance(30) { fields.append(#""automountServiceAccountToken":\#(random.chance(50))"#) }
        if let restart { fields.append(#""restartPolicy":"\#(restart)""#) }
        return "{\(fields.joined(separator: ","))}"
    }

    private func container(_ name: String, _ random: inout SeededGenerator, image only: Bool = false) -> String {
        let image = random.pick(["registry.example/a:latest", "registry.example/a:1.2", "registry.example/a"])
        if only { return #"{"name":"\#(name)","image":"\#(image)"}"# }
        let flags = Self.flags.compactMap { random.chance(50) ? #""\#($0)":\#(random.chance(50))"# : nil }
        // The API server refuses this pair.
        let isOdd = flags.contains(#""privileged":true"#) && flags.contains(#""allowPrivilegeEscalation":false"#)
        let context = isOdd ? "" : flags.joined(separator: ",")
        return #"""
            {"name":"\#(name)","image":"\#(image)","securityContext":{\#(context)},
            "env":[{"name":"DB_PASSWORD","value":"secret-\#(random.pick([1, 2, 3]))"}]}
            """#
    }

    private func selector(_ random: inout SeededGenerator) -> String {
        if random.chance(25) { return #"{"matchLabels":null}"# }
        return #"{"matchLabels":{"app":"\#(random.pick(Self.apps))"}}"#
    }

    private func ingress(_ random: inout SeededGenerator) -> String {
        let host = "host-\(Int.random(in: 0..<20, using: &random)).example"
        let backend = #"{"service":{"name":"service-0","port":{"number":80}}}"#
        let tls = random.chance(70) ? #"[{"hosts":["\#(host)"],"secretName":"cert"}]"# : "null"
        return #"""
            {"rules":[{"host":"\#(host)","http":{"paths":[{"path":"/","pathType":"Prefix","backend":\#(backend)}]}}],
            "tls":\#(tls)}
            """#
    }

    private func rules(_ random: inout SeededGenerator) -> String {
        let resource = random.pick(["*", "pods", "pods/exec", "secrets", "configmaps"])
        let verb = random.pick(["*", "get", "create", "list"])
        return #"[{"apiGroups":["\#(random.pick(["", "*"]))"],"resources":["\#(resource)"],"verbs":["\#(verb)"]}]"#
    }

    private func subjects(_ random: inout SeededGenerator) -> String {
        let group = random.pick(["system:authenticated", "system:unauthenticated", "system:masters", "developers"])
        let account = #"{"kind":"ServiceAccount","name":"\#(random.pick(["default", "serviceaccount-0"]))","#
        return #"""
            [{"kind":"Group","apiGroup":"rbac.authorization.k8s.io","name":"\#(group)"},
            \#(account)"namespace":"\#(namespaces[0])"}]
            """#
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import Documents
import Findings
import Foundation
import Kubernetes
import Logging
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

/// The webhooks in a real cluster of their own: they stand in everybody's way.
@Suite(.serialized, .enabled(if: TestCluster.isAvailable)) struct AdmissionInstallTests {
    static let namespace = "bulwark-system"

    static let logger: Logger = {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }()

    static let definition = """
        apiVersion: apiextensions.k8s.io/v1
        kind: CustomResourceDefinition
        metadata: {name: gadgets.test.bulwark.dev}
        spec:
          group: test.bulwark.dev
          scope: Cluster
          names: {plural: gadgets, singular: gadget, kind: Gadget}
          versions:
          - name: v1
            served: true
            storage: true
            schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
        """

    static func webhooks(_ policy: FailurePolicy) -> [Webhook] {
        let rule = Webhook.Rule(
            operations: ["CREATE"], groups: [""], versions: ["v1"], resources: ["pods"], scope: "Namespaced")
        return [
            Webhook(name: "mutate.test.bulwark.dev", phase: .mutate, rules: [rule], failurePolicy: policy),
            Webhook(name: "validate.test.bulwark.dev", phase: .validate, rules: [rule], failurePolicy: policy),
        ]
    }

    /// Refuses pods called `bad`, labels all others.
    struct Labeller: Reviewer {
        let name = "labeller"
        let failurePolicy = FailurePolicy.fail
        let waitsFor: String? = nil

        func concerns(_ request: AdmissionRequest, in phase: ReviewPhase) -> Bool { phase != .advise }

        func review(_ request: AdmissionRequest, in phase: ReviewPhase) async throws -> Review {
            if phase == .mutate {
                return Review(patch: [.init(.add, "/metadata/annotations", #"{"seen":"yes"}"#)])
            }
            return Review(
                allowed: request.name != "bad", message: "bad is not a good name", warnings: ["judged"],
                auditAnnotations: ["by": "labeller"])
        }
    }

    struct NoRecorder: DecisionRecorder {
        func record(_ decision: AdmissionDecision) {}
    }

    /// A cluster, a webhook server on loopback and an installer that points at it.
    struct World: Sendable {
        var cluster: TestCluster
        var client: APIClient
        var authority: WebhookAuthority
        var chain: ReviewerChain
        var installer: WebhookInstaller
        var stop: @Sendable () async -> Void

        func pod(_ name: String, in namespace: String = "default", dryRun: Bool = false) async throws -> APIObject {
            try await client.create(
                .pods, namespace: namespace,
                .json(
                    #"{"metadata":{"name":"\#(name)"},"spec":{"containers":[{"name":"c","image":"a.example/b:1"}]}}"#),
                options: .init(dryRun: dryRun))
        }

        func refusal(_ name: String, in namespace: String = "default") async -> String {
            do {
                _ = try await pod(name, in: namespace)
                return ""
            } catch { return "\(error)" }
        }
    }

    static func run(_ body: @Sendable (World) async throws -> Void) async throws {
        let cluster = try await TestCluster.start()
        let client = try cluster.client(.init())
        _ = try await client.create(.namespaces, namespace: nil, .json(#"{"metadata":{"name":"\#(namespace)"}}"#))
        for name in ["default", "kube-system"] {
            _ = try? await client.create(.namespaces, namespace: nil, .json(#"{"metadata":{"name":"\#(name)"}}"#))
            let account = APIResource(
                group: "", version: "v1", plural: "serviceaccounts", kind: "ServiceAccount", namespaced: true)
            _ = try? await client.create(account, namespace: name, .json(#"{"metadata":{"name":"default"}}"#))
        }
        let authority = WebhookAuthority(
            store: SecretCertificateStore(client: client, namespace: namespace),
            options: .init(names: ["127.0.0.1"]), mayWrite: { true }, logger: logger)
        let served = try await authority.ready()
        let chain = ReviewerChain([Labeller()], recorder: NoRecorder(), logger: logger)
        var options = WebhookServer.Options()
        options.address = "127.0.0.1"
        options.port = 0
        options.drain = .zero
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let server = WebhookServer(
            options: options, chain: chain, certificate: served, logger: logger,
            onRunning: { port, _ in continuation.yield(port) })
        let group = ServiceGroup(configuration: ServiceGroupConfiguration(services: [server], logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                defer { continuation.finish() }
                try await group.run()
            }
            let port = try #require(await ports.first { _ in true })
            let installer = WebhookInstaller(
                client: client,
                installation: WebhookInstallation(
                    namespace: namespace, endpoint: .url("https://127.0.0.1:\(port)"), webhooks: webhooks(.fail),
                    excludesByOffLabel: true),
                definitions: [Array(definition.utf8)], logger: logger)
            let world = World(
                cluster: cluster, client: client, authority: authority, chain: chain, installer: installer,
                stop: { await group.triggerGracefulShutdown() })
            let result: Result<Void, any Error>
            do {
                try await body(world)
                result = .success(())
            } catch { result = .failure(error) }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            try await cluster.down()
            try result.get()
        }
    }

    @Test func theLifeOfAnInstallation() async throws {
        try await Self.run { world in
            let (client, installer) = (world.client, world.installer)
            let bundle = try #require(world.authority.current?.bundle)
            #expect(try await !installer.status(bundle: bundle).isInstalled)

            // Put in: kinds, labels, configurations; a second time changes nothing.
            let first = try await installer.repair(bundle: bundle)
            #expect(first.repaired.count == 5, "\(first.repaired)")
            #expect(try await installer.repair(bundle: bundle).repaired.isEmpty)
            let status = try await installer.status(bundle: bundle)
            #expect(status.isInstalled && status.isOn && status.parts.allSatisfy { $0.trustsUs != false })

            // The API server calls us.
            try await Self.wait { await world.refusal("bad").contains("bad is not a good name") }
            let pod = try await world.pod("good")
            #expect(pod.node["metadata"]?["annotations"]?["seen"]?.string == "yes")
            _ = try await world.pod("dry", dryRun: true)
            #expect(world.chain.metrics.lastCall(.validate) != nil)
            // Never about the namespaces that the cluster and we need.
            for excluded in ["kube-system", Self.namespace] {
                #expect(await !world.refusal("bad", in: excluded).contains("good name"))
            }

            // Deleted, emptied, weakened, or trusting somebody else: it comes back.
            let name = installer.installation.name
            try await client.delete(.validatingWebhooks, namespace: nil, name: name)
            try await client.delete(.customResourceDefinitions, namespace: nil, name: "gadgets.test.bulwark.dev")
            try await Self.wait {
                // The kind goes slowly: it is there again once it is really gone.
                _ = try? await installer.repair(bundle: bundle)
                let kind = try? await client.get(
                    .customResourceDefinitions, namespace: nil, name: "gadgets.test.bulwark.dev")
                return try await installer.status(bundle: bundle).isInstalled && kind != nil
                    && kind?.node["metadata"]?["deletionTimestamp"] == nil
            }
            #expect(try await installer.repair(bundle: bundle).repaired.isEmpty)
            for change in [
                #"[{"op":"add","path":"/webhooks/0/namespaceSelector/matchLabels","value":{"never":"there"}}]"#,
                #"[{"op":"add","path":"/webhooks/0/objectSelector","value":{"matchLabels":{"never":"there"}}}]"#,
                #"[{"op":"replace","path":"/webhooks/0/failurePolicy","value":"Ignore"}]"#,
                #"[{"op":"replace","path":"/webhooks/0/clientConfig/url","value":"https://127.0.0.1:1/"}]"#,
                #"[{"op":"remove","path":"/webhooks/0"}]"#,
                #"[{"op":"replace","path":"/webhooks/0/rules/0/operations","value":["DELETE"]}]"#,
            ] {
                for resource in [APIResource.mutatingWebhooks, .validatingWebhooks] {
                    _ = try await client.patch(resource, namespace: nil, name: name, change, as: .json)
                    #expect(try await !installer.status(bundle: bundle).isInstalled, "\(change)")
                    #expect(
                        try await installer.repair(bundle: bundle).repaired == ["\(resource.kind) \(name)"], "\(change)"
                    )
                    #expect(try await installer.status(bundle: bundle).isInstalled)
                }
            }
            _ = try await client.patch(
                .namespaces, namespace: nil, name: "kube-system",
                #"{"metadata":{"labels":{"policy.bulwark.dev/webhooks":null}}}"#)
            #expect(try await installer.repair(bundle: bundle).repaired == ["Namespace kube-system"])
            let crd = try await client.get(
                .customResourceDefinitions, namespace: nil, name: "gadgets.test.bulwark.dev")
            #expect(crd.node["spec"]?["group"]?.string == "test.bulwark.dev")
            // New authorities reach the API server.
            let renewed = bundle + bundle
            #expect(try await installer.repair(bundle: renewed).repaired.count == 2)
            #expect(try await installer.status(bundle: renewed).isInstalled)
            #expect(try await !installer.status(bundle: bundle).isInstalled)

            // Out again.
            try await installer.uninstall(andDefinitions: true, leases: ["bulwark-admission"])
            // Kinds go slowly: their objects go first.
            try await Self.wait {
                try await installer.status(bundle: bundle).parts.allSatisfy { !$0.isPresent }
            }
            try await Self.wait { await world.refusal("bad").isEmpty }
            await #expect(throws: KubernetesError.self) {
                _ = try await client.get(
                    APIResource(group: "", version: "v1", plural: "secrets", kind: "Secret", namespaced: true),
                    namespace: Self.namespace, name: SecretCertificateStore.name)
            }
            try await installer.uninstall(andDefinitions: true, leases: ["bulwark-admission"])
        }
    }

    /// The server is gone, the failure policy is Fail, nothing can be made: a person gets out without us.
    @Test func breakGlass() async throws {
        try await Self.run { world in
            let bundle = try #require(world.authority.current?.bundle)
            _ = try await world.installer.repair(bundle: bundle)
            try await Self.wait { await world.refusal("bad").contains("good name") }
            await world.stop()
            try await Self.wait { await world.refusal("innocent").contains("failed calling webhook") }
            // What the documentation says: the switch first, then the configurations.
            let control = AdmissionSwitch(client: world.client, namespace: Self.namespace)
            try await control.set(false)
            try await world.installer.removeConfigurations()
            try await Self.wait { await world.refusal("innocent").isEmpty }
            // No replica puts them in again.
            #expect(try await world.installer.repair(bundle: bundle).isDisabled)
            #expect(try await world.installer.status(bundle: bundle).parts.filter { $0.isPresent }.count == 1)
            try await control.set(true)
            #expect(try await world.installer.repair(bundle: bundle).repaired.count == 2)
        }
    }

    /// Two try for one Lease. The one that holds it falls silent; the other takes it after its duration, and not before.
    @Test func aLeaseChangesHands() async throws {
        let client = try await TestCluster.shared().client()
        let namespace = try await client.makeNamespace("lease")
        let clock = Clock()
        func lease(_ identity: String) -> Lease {
            Lease(
                client, options: .init(namespace: namespace, name: "test", identity: identity), logger: Self.logger,
                now: { clock.now })
        }
        let (one, two) = (lease("one"), lease("two"))
        try await one.step()
        try await two.step()
        #expect(one.isHeld && !two.isHeld && two.holder == "one")
        // Renewed again and again it stays, however much time goes by.
        for _ in 0..<5 {
            clock.advance(.seconds(8))
            try await one.step()
            try await two.step()
            #expect(one.isHeld && !two.isHeld)
        }
        // Silent: it stands back before anybody may take it.
        clock.advance(.seconds(11))
        #expect(!one.isHeld)
        try await two.step()
        #expect(!two.isHeld)
        clock.advance(.seconds(5))
        try await two.step()
        #expect(two.isHeld && two.holder == "two")
        try await one.step()
        #expect(!one.isHeld && one.holder == "two")
        // Given back, it is free at once.
        await two.release()
        #expect(!two.isHeld)
        try await one.step()
        #expect(one.isHeld)
        let stored = try await client.get(
            APIResource(group: "coordination.k8s.io", version: "v1", plural: "leases", kind: "Lease", namespaced: true),
            namespace: namespace, name: "test")
        #expect(stored.node["spec"]?["holderIdentity"]?.string == "one")
        #expect(stored.node["spec"]?["leaseTransitions"]?.int == 2)
        // Wall clocks that differ by years take it from nobody.
        _ = try await client.patch(
            APIResource(group: "coordination.k8s.io", version: "v1", plural: "leases", kind: "Lease", namespaced: true),
            namespace: namespace, name: "test", #"{"spec":{"renewTime":"2001-01-01T00:00:00.000000Z"}}"#)
        try await two.step()
        #expect(!two.isHeld)
        // Both take it at once: one gets it.
        clock.advance(.seconds(60))
        let three = lease("three")
        try await three.step()
        try await two.step()
        clock.advance(.seconds(60))
        async let second: Void = two.step()
        async let third: Void = three.step()
        _ = try await (second, third)
        #expect(two.isHeld != three.isHeld)
    }

    final class Clock: Sendable {
        private let value = Mutex(ContinuousClock.now)
        var now: ContinuousClock.Instant { value.withLock { $0 } }
        func advance(_ amount: Duration) { value.withLock { $0 = $0 + amount } }
    }

    static func wait(_ condition: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(120)
        while try await !condition() {
            try #require(ContinuousClock.now < deadline)
            try await Task.sleep(for: .milliseconds(50))
        }
    }
}

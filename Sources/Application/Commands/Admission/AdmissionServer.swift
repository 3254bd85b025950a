// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import ArgumentParser
import Findings
import Foundation
import ImagePolicies
import Kubernetes
import Logging
import PodPolicies
import ServiceLifecycle
import Store

/// The webhook server of one process with all that it needs: certificates, policies, reviewers, and for the holder of
/// the Lease the looking after the cluster's webhooks and the policies' status.
struct AdmissionServer: Service {
    struct Configuration: Sendable {
        var server = WebhookServer.Options()
        var namespace = "bulwark-system"
        var endpoint: WebhookEndpoint
        var failurePolicy = FailurePolicy.fail
        /// Where certificates are kept when not in a Secret.
        var stateFolder: String?
        /// Puts the webhooks and kinds into the cluster and repairs them.
        var installs = false
        /// Of the serving certificate, in seconds.
        var certificateLifetime = WebhookCertificates.defaultLifetime
        /// Nil leaves constraints and mutators alone.
        var gatekeeperFailurePolicy: FailurePolicy?
        /// Nil leaves admission policies alone.
        var admissionPoliciesFailurePolicy: FailurePolicy?
        /// Nil leaves images alone.
        var images: ImagePolicyOptions?
        /// Where audits by constraints are kept.
        var store: Store?
    }

    let authority: WebhookAuthority
    let index: PolicyIndex
    private let configuration: Configuration
    private let client: APIClient
    private let chain: ReviewerChain
    let metrics: AdmissionMetrics
    private let refusals: PolicyRefusals
    /// For the certificates and the policies' status.
    private let lease: Lease
    /// For the webhooks: a replica that may not install them must not keep those from it that may.
    private let installLease: Lease
    let informers: InformerSet
    let gatekeeper: GatekeeperParts?
    let admissionPolicies: AdmissionPolicyParts?
    let images: ImagePolicyParts?
    private let installer: WebhookInstaller?
    private let logger: Logger
    private let onRunning: @Sendable (_ port: Int, _ probePort: Int?) async -> Void

    /// - Parameters:
    ///   - installer: needed when the configuration says that this installs.
    ///   - onRunning: is told the ports once connections are taken.
    init(
        _ configuration: Configuration, client: APIClient, recorder: any DecisionRecorder,
        installer: WebhookInstaller?, logger: Logger,
        onRunning: @escaping @Sendable (_ port: Int, _ probePort: Int?) async -> Void
    ) throws {
        self.configuration = configuration
        self.client = client
        self.installer = installer
        self.logger = logger
        self.onRunning = onRunning
        index = PolicyIndex()
        refusals = PolicyRefusals()
        let informers = InformerSet(client)
        self.informers = informers
        _ = try PolicySync(index, informers, logger: logger)
        let access = PolicyAccess(client)
        let metrics = AdmissionMetrics()
        self.metrics = metrics
        let gatekeeper = configuration.gatekeeperFailurePolicy.map { _ in
            GatekeeperParts(client, store: configuration.store, logger: logger)
        }
        self.gatekeeper = gatekeeper
        var others: [any Reviewer] = []
        if let gatekeeper, let policy = configuration.gatekeeperFailurePolicy {
            others.append(gatekeeper.reviewer(client, failurePolicy: policy))
        }
        let admissionPolicies = configuration.admissionPoliciesFailurePolicy.map { _ in
            AdmissionPolicyParts(client, logger: logger)
        }
        self.admissionPolicies = admissionPolicies
        if let admissionPolicies, let policy = configuration.admissionPoliciesFailurePolicy {
            others.append(admissionPolicies.reviewer(client, failurePolicy: policy))
        }
        let images = try configuration.images.map { options in
            try ImagePolicyParts(options, client, informers, logger: logger)
        }
        self.images = images
        var chainOptions = ReviewerChain.Options()
        if let images {
            metrics.add { [index = images.index] text in index.holds.write(to: &text) }
            let index = index
            others.append(
                images.reviewer(
                    protected: ["kube-system", configuration.namespace],
                    isOn: { index.set.control.isOn(in: $0) }, readLabels: { try await access.namespaceLabels($0) }))
            // Each webhook's own timeout counts where it is shorter.
            chainOptions.deadline = max(chainOptions.deadline, images.options.deadline)
        }
        chain = ReviewerChain(
            [
                PodPolicyReviewer(
                    index, failurePolicy: configuration.failurePolicy,
                    protected: ["kube-system", configuration.namespace],
                    readLabels: { try await access.namespaceLabels($0) },
                    readPod: { try await access.pod($0, in: $1) }),
                PolicyObjectReviewer(
                    index, failurePolicy: configuration.failurePolicy,
                    mayUse: { try await access.mayUse(policy: $0, user: $1, groups: $2) }),
            ] + others, recorder: Recorders(all: [recorder, refusals] + (images.map { [$0.refusals] } ?? [])),
            metrics: metrics, options: chainOptions, logger: logger)
        let identity = Self.identity()
        let lease = Lease(
            client,
            options: .init(namespace: configuration.namespace, name: AdmissionManifests.lease, identity: identity),
            logger: logger)
        self.lease = lease
        installLease = Lease(
            client,
            options: .init(
                namespace: configuration.namespace, name: AdmissionManifests.installLease, identity: identity),
            logger: logger)
        let inFolder = configuration.stateFolder != nil
        let store: any WebhookCertificateStore =
            configuration.stateFolder.map { FolderCertificateStore(folder: $0) }
            ?? SecretCertificateStore(client: client, namespace: configuration.namespace)
        authority = WebhookAuthority(
            store: store,
            options: .init(
                names: AdmissionManifests.certificateNames(
                    configuration.endpoint, namespace: configuration.namespace),
                lifetime: configuration.certificateLifetime),
            mayWrite: { inFolder || lease.isHeld }, metrics: metrics, logger: logger)
    }

    func run() async throws {
        let served: ServedCertificate
        do {
            guard let found = try await cancelWhenGracefulShutdown({ try await self.firstCertificate() }) else {
                return
            }
            served = found
        } catch is CancellationError {
            return
        }
        var services: [any Service] = [
            LeaseHolding(lease), authority, Stopping { try await informers.run() },
            Stopping { try await writeStatus() },
        ]
        if let admissionPolicies { services += admissionPolicies.services(mayWrite: { [lease] in lease.isHeld }) }
        if let images { services += images.services(mayWrite: { [lease] in lease.isHeld }) }
        if let gatekeeper { services += gatekeeper.services(mayWrite: { [lease] in lease.isHeld }) }
        if let installer {
            services.append(LeaseHolding(installLease))
            services.append(
                WebhookMaintenance(
                    installer: installer, authority: authority, chain: chain,
                    mayWrite: { [installLease] in installLease.isHeld }, logger: logger))
        }
        // Stopped first, so that what runs is answered while everything else still works.
        services.append(
            WebhookServer(
                options: configuration.server, chain: chain, certificate: served, logger: logger,
                onRunning: onRunning))
        try await ServiceGroup(configuration: ServiceGroupConfiguration(services: services, logger: logger)).run()
    }

    /// Waits until there is a certificate: made here when the Lease is ours, else by whoever holds it.
    private func firstCertificate() async throws -> ServedCertificate? {
        while true {
            do {
                if configuration.installs { try await prepareNamespace() }
                try await lease.step()
                try await authority.refresh()
            } catch {
                try Task.checkCancellation()
                logger.warning("Admission waits for its certificate", metadata: ["reason": "\(error)"])
            }
            if let served = authority.served { return served }
            try await Task.sleep(for: .seconds(1))
        }
    }

    private func prepareNamespace() async throws {
        do { _ = try await client.get(.namespaces, namespace: nil, name: configuration.namespace) } catch let error
            as KubernetesError where error.code == .notFound
        {
            let manifests = AdmissionManifests(namespace: configuration.namespace)
            try await AdmissionSession.apply(
                manifests.namespaceObject, client, namespace: configuration.namespace)
        }
    }

    private func writeStatus() async throws {
        let writer = PolicyStatusWriter(client, index, refusals, logger: logger)
        while true {
            if lease.isHeld { try await writer.writeRound() }
            try await Task.sleep(for: .seconds(10))
        }
    }

    /// Unique among all processes, and of use to whoever reads it.
    private static func identity() -> String {
        "\(ProcessInfo.processInfo.hostName)_\(UUID().uuidString.lowercased())"
    }
}

/// Hands every decision to all.
private struct Recorders: DecisionRecorder {
    let all: [any DecisionRecorder]

    func record(_ decision: AdmissionDecision) {
        for recorder in all { recorder.record(decision) }
    }
}

/// Runs until the process is told to stop.
struct Stopping: Service {
    let body: @Sendable () async throws -> Void

    init(_ body: @escaping @Sendable () async throws -> Void) { self.body = body }

    func run() async throws {
        do { try await cancelWhenGracefulShutdown { try await body() } } catch is CancellationError {
            // The process stops, and this with it.
        }
    }
}

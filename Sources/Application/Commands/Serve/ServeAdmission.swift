// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import ArgumentParser
import Foundation
import Kubernetes
import Logging
import ServiceLifecycle
import Store
import Synchronization

/// `bulwark serve --admission`: the webhook server inside the server, with its store for the decisions.
struct ServeAdmission: ParsableArguments {
    @Flag(
        name: .long,
        help: "Answer the cluster's admission webhooks too. Nothing is installed without --admission-install.")
    var admission = false

    @Flag(name: .long, help: "Install the webhooks and the policies' kinds into the cluster, and repair them.")
    var admissionInstall = false

    @Option(name: .long, help: "The address of the webhooks.")
    var admissionAddress = "0.0.0.0"

    @Option(name: .long, help: "The port of the webhooks.")
    var admissionPort = 9443

    @Option(name: .long, help: "How the API server reaches them outside the cluster: https://HOST:PORT.")
    var admissionURL: String?

    @Option(name: .long, help: "The namespace of Bulwark's own objects.")
    var admissionNamespace = "bulwark-system"

    @Option(name: .long, help: "What becomes of a pod that could not be judged: Fail or Ignore.")
    var admissionFailurePolicy = FailurePolicyArgument.Fail

    @Option(name: .long, help: "A PEM file: only API servers with a client certificate of this authority get in.")
    var admissionClientCA: String?

    @Option(name: .long, help: "Take the decisions of `bulwark admission serve` at this port.")
    var admissionRecordsPort: Int?

    func validate() throws {
        guard admission || !admissionInstall && admissionURL == nil && admissionClientCA == nil else {
            throw ValidationError("the --admission-… options go with --admission")
        }
        _ = try target.endpoint()
    }

    private var target: AdmissionTarget {
        get throws {
            var words = ["--namespace", admissionNamespace, "--failure-policy", admissionFailurePolicy.rawValue]
            if let admissionURL { words += ["--url", admissionURL] }
            return try AdmissionTarget.parse(words)
        }
    }

    /// What runs beside the console, and the console's handle on it.
    func services(
        _ client: APIClient, _ store: Store, logger: Logger
    ) async throws -> (services: [any Service], control: ServerPolicyControl) {
        let target = try target
        var configuration = AdmissionServer.Configuration(endpoint: try target.endpoint())
        configuration.namespace = admissionNamespace
        configuration.failurePolicy = target.failurePolicy.policy
        configuration.installs = admissionInstall
        configuration.server.address = admissionAddress
        configuration.server.port = admissionPort
        configuration.server.clientAuthorities = try admissionClientCA.map(AdmissionServe.readPEM) ?? ""
        let shown = admissionAddress
        let server = try AdmissionServer(
            configuration, client: client, recorder: store.admission,
            installer: admissionInstall ? try await target.installer(client, logger: logger) : nil, logger: logger,
            onRunning: { port, _ in Terminal.say("Bulwark judges at https://\(shown):\(port)") })
        var services: [any Service] = [AdmissionKeeping(log: store.admission, logger: logger), server]
        if let admissionRecordsPort {
            let box = AuthorityBox()
            box.set(server.authority)
            var options = RecordReceiver.Options()
            options.port = admissionRecordsPort
            services.append(
                RecordReceiver(
                    options: options, certificates: { box.serverCertificates }, keeper: store.admission,
                    logger: logger))
        }
        let control = ServerPolicyControl(
            index: server.index, client: client, failurePolicy: configuration.failurePolicy,
            protected: ["kube-system", admissionNamespace], store: store)
        return (services, control)
    }
}

/// Writes decisions into the store until the end, and then the rest.
private struct AdmissionKeeping: Service {
    let log: AdmissionLog
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown { await log.run() }
        do { try await log.flush() } catch {
            logger.error("Decisions could not be stored", metadata: ["error": "\(error)"])
        }
    }
}

/// The certificates of the record channel, as the authority has them at the moment.
final class AuthorityBox: Sendable {
    private let authority = Mutex<WebhookAuthority?>(nil)

    func set(_ authority: WebhookAuthority) { self.authority.withLock { $0 = authority } }

    private var current: WebhookCertificates? { authority.withLock { $0 }?.current }

    /// A replica's.
    var recordCertificates: RecordCertificates? {
        current.map {
            RecordCertificates(authorities: $0.bundle, certificate: $0.client.certificate, key: $0.client.key)
        }
    }

    /// The receiving server's.
    var serverCertificates: RecordCertificates? {
        current.map {
            RecordCertificates(authorities: $0.bundle, certificate: $0.server.certificate, key: $0.server.key)
        }
    }
}

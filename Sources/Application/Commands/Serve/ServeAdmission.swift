// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import ArgumentParser
import Foundation
import Kubernetes
import Logging
import PodPolicies
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

    @Flag(
        name: .long,
        help:
            "Audit by Gatekeeper's templates and constraints; with --admission also judge by them and change by mutators. Not beside Gatekeeper."
    )
    var gatekeeper = false

    @Option(name: .long, help: "What becomes of a request that constraints could not judge: Ignore or Fail.")
    var gatekeeperFailurePolicy = FailurePolicyArgument.Ignore

    @Flag(name: .long, help: "Ask constraints about deletions too: what violates one can then not be deleted.")
    var gatekeeperDeletes = false

    @Flag(
        name: .long,
        help:
            "Judge by ValidatingAdmissionPolicy objects of policy.bulwark.dev, on API servers that cannot do so themselves."
    )
    var admissionPolicies = false

    @Option(
        name: .long, help: "What becomes of a request that no admission policy could be asked about: Ignore or Fail.")
    var admissionPoliciesFailurePolicy = FailurePolicyArgument.Ignore

    @OptionGroup var images: ImagePolicyOptions

    @Option(name: .long, help: "A PEM file: only API servers with a client certificate of this authority get in.")
    var admissionClientCA: String?

    @Option(name: .long, help: "Take the decisions of `bulwark admission serve` at this port, over mutual TLS.")
    var recordsPort: Int?

    @Option(name: .long, help: "The address of the port for decisions.")
    var recordsAddress = "0.0.0.0"

    func validate() throws {
        guard
            admission
                || !admissionInstall && admissionURL == nil && admissionClientCA == nil && !gatekeeperDeletes
                    && !admissionPolicies && !images.isOn
        else {
            throw ValidationError(
                "the --admission-…, --admission-policies and --image-policies options and --gatekeeper-deletes go with --admission"
            )
        }
        if let recordsPort, !(0...65_535).contains(recordsPort) {
            throw ValidationError("--records-port is no port: \(recordsPort)")
        }
        _ = try target.endpoint()
    }

    /// Whether anything here needs the cluster.
    var isAsked: Bool { admission || recordsPort != nil || gatekeeper }

    private var target: AdmissionTarget {
        get throws {
            var words = ["--namespace", admissionNamespace, "--failure-policy", admissionFailurePolicy.rawValue]
            if gatekeeper {
                words += ["--gatekeeper", "--gatekeeper-failure-policy", gatekeeperFailurePolicy.rawValue]
                if gatekeeperDeletes { words.append("--gatekeeper-deletes") }
            }
            if admissionPolicies {
                words += [
                    "--admission-policies", "--admission-policies-failure-policy",
                    admissionPoliciesFailurePolicy.rawValue,
                ]
            }
            words += images.words
            if let admissionURL { words += ["--url", admissionURL] }
            return try AdmissionTarget.parse(words)
        }
    }

    /// What runs beside the console, and the console's handle on the cluster's policies, whoever judges by them.
    struct Parts {
        var services: [any Service] = []
        var policies: ServerPolicyControl?
        var constraints: ServerConstraintControl?
        /// Nil without webhooks.
        var metrics: AdmissionMetrics?
    }

    func parts(_ client: APIClient, _ store: Store, logger: Logger) async throws -> Parts {
        var services: [any Service] = [AdmissionKeeping(log: store.admission, logger: logger)]
        let (index, informers): (PolicyIndex, InformerSet)
        var constraints: ServerConstraintControl?
        var metrics: AdmissionMetrics?
        if admission {
            let server = try await server(client, store, logger: logger)
            services.append(server)
            metrics = server.metrics
            (index, informers) = (server.index, server.informers)
            constraints = server.gatekeeper.map {
                ServerConstraintControl(parts: $0, failurePolicy: gatekeeperFailurePolicy.policy)
            }
        } else {
            let watches = InformerSet(client)
            (index, informers) = (PolicyIndex(), watches)
            _ = try PolicySync(index, informers, logger: logger)
            services.append(Stopping { try await watches.run() })
            if gatekeeper {
                let parts = GatekeeperParts(client, store: store, logger: logger)
                services += parts.services(mayWrite: { true })
                constraints = ServerConstraintControl(parts: parts, failurePolicy: gatekeeperFailurePolicy.policy)
            }
        }
        if let recordsPort { services.append(receiver(at: recordsPort, client, store, logger: logger)) }
        let control = ServerPolicyControl(
            index: index, informers: informers, client: client, failurePolicy: try target.failurePolicy.policy,
            protected: ["kube-system", admissionNamespace], store: store)
        return Parts(services: services, policies: control, constraints: constraints, metrics: metrics)
    }

    private func server(_ client: APIClient, _ store: Store, logger: Logger) async throws -> AdmissionServer {
        let target = try target
        var configuration = AdmissionServer.Configuration(endpoint: try target.endpoint())
        configuration.namespace = admissionNamespace
        configuration.failurePolicy = target.failurePolicy.policy
        configuration.gatekeeperFailurePolicy = gatekeeper ? gatekeeperFailurePolicy.policy : nil
        configuration.admissionPoliciesFailurePolicy =
            admissionPolicies ? admissionPoliciesFailurePolicy.policy : nil
        configuration.images = images.isOn ? images : nil
        configuration.store = store
        configuration.installs = admissionInstall
        configuration.server.address = admissionAddress
        configuration.server.port = admissionPort
        configuration.server.clientAuthorities = try admissionClientCA.map(AdmissionServe.readPEM) ?? ""
        let shown = admissionAddress
        return try AdmissionServer(
            configuration, client: client, recorder: store.admission,
            installer: admissionInstall ? try await target.installer(client, logger: logger) : nil, logger: logger,
            onRunning: { port, _ in Terminal.say("Bulwark judges at https://\(shown):\(port)") })
    }

    /// Its certificates are those that the replicas made and renew: they are read from the Secret that all share.
    private func receiver(at port: Int, _ client: APIClient, _ store: Store, logger: Logger) -> RecordReceiver {
        let secret = SecretCertificateStore(client: client, namespace: admissionNamespace)
        var options = RecordReceiver.Options()
        options.address = recordsAddress
        options.port = port
        let shown = recordsAddress
        return RecordReceiver(
            options: options,
            certificates: {
                do {
                    return try await secret.read().map { RecordCertificates(receiving: $0.certificates) }
                } catch {
                    // Those that are used go on.
                    if !Task.isCancelled {
                        logger.warning(
                            "The certificates for records cannot be read", metadata: ["error": "\(error)"])
                    }
                    return nil
                }
            }, keeper: store.admission, logger: logger,
            onRunning: { Terminal.say("Bulwark takes records at https://\(shown):\($0)") })
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
    var recordCertificates: RecordCertificates? { current.map { RecordCertificates(sending: $0) } }
}

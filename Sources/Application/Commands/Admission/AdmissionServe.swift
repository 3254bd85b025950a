// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import ArgumentParser
import Findings
import Foundation
import Kubernetes
import Logging
import ServiceLifecycle
import UnixSignals

/// `bulwark admission serve`: a replica of the webhook server. It keeps nothing but what it still has to hand over.
struct AdmissionServe: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Answer the webhooks. Stateless: run as many as you like.",
        discussion: """
            Its certificate is kept in a Secret that all replicas share; the holder of a Lease makes and renews it. The
            cluster's webhooks are only changed with --install.
            """)

    @OptionGroup var cluster: ClusterOptions
    @OptionGroup var target: AdmissionTarget

    @Flag(name: .long, help: "Install the webhooks and the policies' kinds once ready, and repair them.")
    var install = false

    @Option(name: .long, help: "The address to listen on.")
    var address = "0.0.0.0"

    @Option(name: .long, help: "The port of the webhooks.")
    var port = 9443

    @Option(name: .long, help: "The port of /healthz, /readyz and /metrics without TLS; 0 lets the system choose.")
    var probePort = 9080

    @Option(name: .long, help: "The address of that port. Default: the one of the webhooks.")
    var probeAddress: String?

    @Option(name: .long, help: "A PEM file: only API servers with a client certificate of this authority get in.")
    var clientCA: String?

    @Option(name: .long, help: "How long the serving certificate is good for, in hours or with a unit: 12h, 30m, 45s.")
    var certificateLifetime: LifetimeArgument = .init(seconds: 90 * 86_400)

    @Option(name: .long, help: "Keep the certificates in this folder instead of a Secret of the cluster.")
    var state: String?

    @Option(name: .long, help: "The server that takes the decisions: https://HOST:PORT of `bulwark serve`.")
    var records: String?

    @Option(name: .long, help: "The folder for decisions that are still to be handed over.")
    var spool: String?

    @Option(name: .long, help: "Seconds that it goes on answering after it was told to stop.")
    var drain = 5

    func validate() throws {
        guard (records == nil) == (spool == nil) else {
            throw ValidationError("give both --records and --spool, or neither")
        }
        if let records, !records.hasPrefix("https://") || records.hasSuffix("/") {
            throw ValidationError("--records is no https://HOST:PORT: \(records)")
        }
        guard (0...300).contains(drain) else { throw ValidationError("--drain should be between 0 and 300 seconds") }
    }

    mutating func run() async throws {
        guard cluster.isAsked else { throw UserError("name the cluster: --context, --kubeconfig or --live") }
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        var logger = Logger(label: "bulwark")
        logger.logLevel = .notice
        let client = try cluster.client(logger: logger)
        var configuration = AdmissionServer.Configuration(endpoint: try target.endpoint())
        configuration.namespace = target.namespace
        configuration.failurePolicy = target.failurePolicy.policy
        configuration.stateFolder = state
        configuration.gatekeeperFailurePolicy = target.gatekeeper ? target.gatekeeperFailurePolicy.policy : nil
        configuration.admissionPoliciesFailurePolicy =
            target.admissionPolicies ? target.admissionPoliciesFailurePolicy.policy : nil
        configuration.images = target.images.isOn ? target.images : nil
        configuration.installs = install
        configuration.certificateLifetime = certificateLifetime.seconds
        configuration.server.address = address
        configuration.server.port = port
        configuration.server.probePort = probePort
        configuration.server.probeAddress = probeAddress ?? address
        configuration.server.drain = .seconds(drain)
        configuration.server.clientAuthorities = try clientCA.map(Self.readPEM) ?? ""
        let box = AuthorityBox()
        let sender = try records.map { url in
            RecordSender(
                spool: try RecordSpool(folder: spool ?? ""), options: .init(url: url),
                certificates: { box.recordCertificates }, logger: logger)
        }
        let (target, shown, probes) = (target, address, probeAddress ?? address)
        try await AdmissionSession.reporting {
            let server = try AdmissionServer(
                configuration, client: client, recorder: sender ?? NoRecorder(),
                installer: install ? try await target.installer(client, logger: logger) : nil, logger: logger,
                onRunning: { port, probe in
                    Terminal.say("Bulwark judges at https://\(shown):\(port), probes at http://\(probes):\(probe ?? 0)")
                })
            box.set(server.authority)
            var services: [ServiceGroupConfiguration.ServiceConfiguration] = []
            if let sender {
                services.append(.init(service: sender))
                let metrics = server.metrics
                let counting = Stopping {
                    while true {
                        metrics.handedOver(await sender.counts())
                        try await Task.sleep(for: .seconds(1))
                    }
                }
                services.append(.init(service: counting))
            }
            services.append(.init(service: server, successTerminationBehavior: .gracefullyShutdownGroup))
            let group = ServiceGroup(
                configuration: ServiceGroupConfiguration(
                    services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
            do { try await group.run() } catch let error as AdmissionError { throw error } catch {
                throw UserError(
                    "the webhook server at \(shown):\(configuration.server.port) ended: \(error)", .unfinished)
            }
        }
    }

    static func readPEM(_ file: String) throws -> String {
        do { return try String(contentsOfFile: file, encoding: .utf8) } catch {
            throw UserError("\(file) cannot be read")
        }
    }
}

/// A span of time on the command line, a few seconds at least and ten years at most.
struct LifetimeArgument: ExpressibleByArgument {
    let seconds: Int64

    init(seconds: Int64) { self.seconds = seconds }

    init?(argument: String) {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        let unit = argument.last.flatMap { units[$0] }
        guard let count = Int64(unit == nil ? argument[...] : argument.dropLast()), count > 0, count < 1 << 32 else {
            return nil
        }
        seconds = count * (unit ?? 3600)
        guard seconds >= 6, seconds <= 3650 * 86_400 else { return nil }
    }

    var defaultValueDescription: String { "90d" }
}

/// For replicas whose decisions nobody wants: they stay in the metrics and the API server's audit log.
private struct NoRecorder: DecisionRecorder {
    func record(_ decision: AdmissionDecision) {}
}

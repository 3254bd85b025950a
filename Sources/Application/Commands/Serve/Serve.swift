// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import ClusterImages
import Console
import Findings
import Foundation
import Kubernetes
import Logging
import PodSecurity
import ServiceLifecycle
import Store
import UnixSignals

/// `bulwark serve`: watches a cluster, remembers what it finds, and shows it.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Watch a cluster (or files), remember what is found, and serve the console.",
        discussion: "A cluster is only touched when one is named: --context, --kubeconfig or --live.")

    @OptionGroup var cluster: ClusterOptions
    @OptionGroup var admission: ServeAdmission
    @OptionGroup var images: ServeImages

    @Option(name: .long, help: "Inspect these files or folders instead of a cluster. Repeatable.")
    var files: [String] = []

    @Option(name: .long, help: "The folder of the database and the certificate.")
    var state = "./var"

    @Option(name: .long, help: "The address to listen on.")
    var address = "127.0.0.1"

    @Option(name: .long, help: "The port to listen on.")
    var port = 8443

    @Option(name: .long, help: "A PEM file with the server's certificate chain; without it one is made.")
    var tlsCertificate: String?

    @Option(name: .long, help: "The PEM file of the certificate's key.")
    var tlsKey: String?

    @Option(
        name: .long,
        help: "When to inspect everything: five cron fields in UTC, or empty for never. Kept for later starts.")
    var schedule: String?

    @Option(name: .long, help: "The log stream that results are appended to. Kept for later starts.")
    var logStream: String?

    @Option(
        name: .long,
        help:
            "Write results into the cluster: policyreport, openreports, events or none. Repeatable; kept for later starts."
    )
    var writeBack: [WriteBackArgument] = []

    mutating func run() async throws {
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        var logger = Logger(label: "bulwark")
        logger.logLevel = .notice
        guard files.isEmpty != !cluster.isAsked else {
            throw UserError("name what to inspect: --files FOLDER, or a cluster by --context, --kubeconfig or --live")
        }
        guard cluster.isAsked || !images.isOn else { throw UserError("--images needs a cluster") }
        let store = try await openStore()
        let (service, imageParts) = try await service(store, logger)
        let settings = try await store.settings()
        service.setSchedule(settings.schedule.isEmpty ? nil : try? CronSchedule(settings.schedule))
        var configuration = ConsoleConfiguration()
        configuration.address = address
        configuration.port = port
        configuration.stateFolder = state
        configuration.certificateFile = tlsCertificate
        configuration.keyFile = tlsKey
        let (address, scope) = (address, service.source.name)
        let admission = admission
        var judging = ServeAdmission.Parts()
        guard cluster.isAsked || !admission.isAsked else {
            throw UserError("--admission, --gatekeeper and --records-port need a cluster")
        }
        if cluster.isAsked {
            let client = try cluster.client(logger: logger)
            try await AdmissionSession.reporting {
                judging = try await admission.parts(client, store, logger: logger)
            }
        }
        let control = ServerControl(
            service: service, store: store, imageMetrics: imageParts?.metrics, admissionMetrics: judging.metrics)
        let imageChecks = images.isOn ? WorkloadImageChecks.all : []
        let console: ConsoleServer
        do {
            console = try await ConsoleServer(
                configuration: configuration, store: store, control: control,
                policies: judging.policies, constraints: judging.constraints, images: imageParts?.control,
                checks: try Catalogue.embedded().checks.map(\.check) + AdmissionChecks.all + imageChecks,
                version: Version.current,
                logger: logger,
                onRunning: { port in Terminal.say("Bulwark inspects \(scope): https://\(address):\(port)") })
        } catch let error as ConsoleError {
            throw UserError("\(error)", .unfinished)
        }
        if let password = console.firstPassword {
            // For the person at the terminal alone; it is stored as a hash and written nowhere else.
            Terminal.say("Log in as admin with the password \(password)  (shown this once)")
        }
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = [
            .init(service: console, successTerminationBehavior: .gracefullyShutdownGroup),
            .init(service: InspectionRunner(service: service)),
        ]
        services += (judging.services + (imageParts?.services ?? [])).map { .init(service: $0) }
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        do {
            try await group.run()
        } catch {
            throw UserError("the server at \(address):\(port) ended: \(error)", .unfinished)
        }
        try store.close()
    }

    private func openStore() async throws -> Store {
        do {
            let store = try Store.open(path: "\(state)/bulwark.sqlite")
            var settings = try await store.settings()
            if let schedule {
                if !schedule.isEmpty {
                    do { _ = try CronSchedule(schedule) } catch { throw UserError("--schedule: \(error)") }
                }
                settings.schedule = schedule
            }
            if let logStream { settings.logStream = logStream }
            if !writeBack.isEmpty {
                settings.writePolicyReports = writeBack.contains(.policyreport)
                settings.writeOpenReports = writeBack.contains(.openreports)
                settings.writeEvents = writeBack.contains(.events)
            }
            try await store.update(settings)
            return store
        } catch let error as StoreError {
            throw UserError("\(error)", .unfinished)
        }
    }

    private func service(_ store: Store, _ logger: Logger) async throws -> (
        InspectionService, ServeImages.Parts?
    ) {
        let catalogue = try Catalogue.embedded()
        let masking = Masking(key: try await maskingKey(store))
        if !files.isEmpty {
            let source = FileSource(
                name: files.joined(separator: " "), paths: files, catalogue: catalogue, masking: masking,
                recorder: store.ledger, now: { Store.wallClock() })
            let service = InspectionService(
                source: source, recorder: store.ledger, logger: logger,
                onFinished: { _, _ in try? await store.prune() })
            return (service, nil)
        }
        var inspector = Inspector(catalogue)
        inspector.masking = masking
        let client = try cluster.client(logger: logger)
        let source = try ClusterSource(
            client: client, kinds: try await cluster.kinds(client), inspector: inspector, recorder: store.ledger,
            logger: logger)
        let parts = images.isOn ? try images.parts(source, client, store, state: state, logger: logger) : nil
        let back = WriteBack(client: client, store: store, checks: catalogue.checks.map(\.check), logger: logger)
        let service = InspectionService(
            source: source, recorder: store.ledger, logger: logger, onStarted: { await back.started(report: $0) },
            onFinished: { report, summary in
                await back.finished(report: report, summary: summary)
                // Old reports, findings and log records go by the store's retention.
                try? await store.prune()
            })
        return (service, parts)
    }

    /// The key that masks credentials, made once for each database, so that a change of a credential shows.
    private func maskingKey(_ store: Store) async throws -> [UInt8] {
        if let kept = try await store.setting("masking-key"), let data = Data(base64Encoded: kept), data.count == 32 {
            return Array(data)
        }
        var generator = SystemRandomNumberGenerator()
        let key = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        try await store.setSetting("masking-key", Data(key).base64EncodedString())
        return key
    }
}

/// What `serve` writes into the cluster.
enum WriteBackArgument: String, ExpressibleByArgument, CaseIterable {
    case policyreport, openreports, events, none
}

/// Runs the inspection service until the process is told to stop.
private struct InspectionRunner: Service {
    let service: InspectionService

    func run() async throws {
        do {
            try await cancelWhenGracefulShutdown { try await service.run() }
        } catch is CancellationError {
            // The server stops, and this with it.
        }
    }
}

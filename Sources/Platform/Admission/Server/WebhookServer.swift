// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Logging
import NIOCore
import NIOSSL
import ServiceLifecycle
import Synchronization

/// The webhooks over HTTPS, until told to stop: then it stops being ready, goes on answering for `drain`, and ends when
/// what runs has been answered.
package struct WebhookServer: Service {
    package struct Options: Sendable {
        package var address = "0.0.0.0"
        /// 0 lets the system choose.
        package var port = 9443
        /// A port for `/healthz`, `/readyz` and `/metrics` without TLS: a kubelet has no client certificate.
        package var probePort: Int?
        package var probeAddress = "0.0.0.0"
        /// PEM. Only clients with a certificate of one of these get in; empty for everybody.
        package var clientAuthorities = ""
        /// One more closes the one that has been idle longest.
        package var maxConnections = 512
        /// How long endpoints may take to learn that this server goes.
        package var drain = Duration.seconds(5)
        var patience = ConnectionGuard.Patience()

        package init() {}
    }

    private let options: Options
    private let chain: ReviewerChain
    private let certificate: ServedCertificate
    private let services: [any Service]
    private let logger: Logger
    private let onRunning: @Sendable (_ port: Int, _ probePort: Int?) async -> Void
    private let isDraining = Flag()

    /// - Parameters:
    ///   - services: what runs and ends with the server, such as the renewal of its certificate.
    ///   - onRunning: is told the ports once connections are taken.
    package init(
        options: Options, chain: ReviewerChain, certificate: ServedCertificate, services: [any Service] = [],
        logger: Logger, onRunning: @escaping @Sendable (_ port: Int, _ probePort: Int?) async -> Void = { _, _ in }
    ) {
        self.options = options
        self.chain = chain
        self.certificate = certificate
        self.services = services
        self.logger = logger
        self.onRunning = onRunning
    }

    package func run() async throws {
        let table = ConnectionTable(limit: options.maxConnections, metrics: chain.metrics)
        let (patience, metrics) = (options.patience, chain.metrics)
        let http = HTTP1Channel.Configuration(
            additionalChannelHandlers: [ConnectionGuard(patience: patience, table: table, metrics: metrics)],
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: 16 * 1024, maxHeaderListSize: 32 * 1024, maxHeaderFieldCount: 100))
        let tls = certificate.tlsConfiguration(clientAuthorities: try clientAuthorities())
        let routes = WebhookRoutes(chain: chain, isDraining: isDraining)
        let ports = Ports(waitsFor: options.probePort == nil ? 1 : 2, onRunning)
        let application = Application(
            router: routes.router(reviews: true),
            server: HTTPServerBuilder { responder in
                try TLSChannel(
                    LoopChannel(HTTP1Channel(responder: responder, configuration: http)), tlsConfiguration: tls)
            },
            configuration: ApplicationConfiguration(
                address: .hostname(options.address, port: options.port), serverName: nil, backlog: 1024),
            onServerRunning: { channel in await ports.set(channel.localAddress?.port ?? 0, isProbe: false) },
            logger: logger)
        var parts = services
        parts.append(application)
        if let probePort = options.probePort {
            let limit = ConnectionTable(limit: 64, metrics: AdmissionMetrics())
            let plain = HTTP1Channel.Configuration(
                additionalChannelHandlers: [
                    ConnectionGuard(patience: patience, table: limit, metrics: AdmissionMetrics())
                ],
                httpDecoderConfiguration: http.httpDecoder)
            parts.append(
                Application(
                    router: routes.router(reviews: false), server: .http1(configuration: plain),
                    configuration: ApplicationConfiguration(
                        address: .hostname(options.probeAddress, port: probePort), serverName: nil),
                    onServerRunning: { channel in await ports.set(channel.localAddress?.port ?? 0, isProbe: true) },
                    logger: logger))
        }
        // The last is told to stop first, and the next when that has ended.
        parts.append(Drain(isDraining: isDraining, duration: options.drain))
        try await ServiceGroup(configuration: ServiceGroupConfiguration(services: parts, logger: logger)).run()
    }

    private func clientAuthorities() throws -> [NIOSSLCertificate] {
        guard !options.clientAuthorities.isEmpty else { return [] }
        do {
            let authorities = try NIOSSLCertificate.fromPEMBytes(Array(options.clientAuthorities.utf8))
            guard !authorities.isEmpty else { throw NIOSSLError.failedToLoadCertificate }
            return authorities
        } catch {
            throw AdmissionError(.certificate, "the clients' authority holds no PEM certificate", cause: error)
        }
    }
}

/// Set once.
final class Flag: Sendable {
    private let value = Atomic<Bool>(false)
    var isSet: Bool { value.load(ordering: .relaxed) }
    func set() { value.store(true, ordering: .relaxed) }
}

/// Tells the ports when all are known.
private actor Ports {
    private var left: Int
    private var port = 0
    private var probe: Int?
    private let body: @Sendable (Int, Int?) async -> Void

    init(waitsFor count: Int, _ body: @escaping @Sendable (Int, Int?) async -> Void) {
        left = count
        self.body = body
    }

    func set(_ value: Int, isProbe: Bool) async {
        if isProbe { probe = value } else { port = value }
        left -= 1
        if left == 0 { await body(port, probe) }
    }
}

/// Holds up the end: readiness goes first.
private struct Drain: Service {
    let isDraining: Flag
    let duration: Duration

    func run() async throws {
        try? await gracefulShutdown()
        isDraining.set()
        try? await Task.sleep(for: duration)
    }
}

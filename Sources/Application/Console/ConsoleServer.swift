// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Logging
import NIOCore
import ServiceLifecycle
import Store

/// The console: pages for people and `/api/v1` for programs over HTTPS, until it is told to stop.
package struct ConsoleServer: Service {
    let parts: ConsoleParts
    private let identity: ServerIdentity
    /// The generated password of the administrator `admin`, when there was no account yet. Show it once; it is not kept.
    package let firstPassword: String?
    private let onRunning: @Sendable (Int) async -> Void

    /// Makes its tables, its certificate, and the first account where they are missing. `checks` is the catalogue,
    /// `policies` is nil while admission is off, `constraints` while those are, `images`
    /// while images are not scanned; `onRunning` is told the port once connections are taken.
    package init(
        configuration: ConsoleConfiguration = ConsoleConfiguration(), store: Store, control: any InspectionControl,
        policies: (any PolicyControl)? = nil, constraints: (any ConstraintControl)? = nil,
        images: (any ImageControl)? = nil, checks: [Check], version: String, logger: Logger,
        now: @escaping @Sendable () -> Int64 = { Store.wallClock() },
        onRunning: @escaping @Sendable (Int) async -> Void = { _ in }
    ) async throws {
        try await self.init(
            configuration: configuration, store: store, control: control, policies: policies,
            constraints: constraints, images: images, checks: checks, version: version, logger: logger, now: now,
            hasher: PasswordHasher(), onRunning: onRunning)
    }

    init(
        configuration: ConsoleConfiguration, store: Store, control: any InspectionControl,
        policies: (any PolicyControl)?, constraints: (any ConstraintControl)?, images: (any ImageControl)?,
        checks: [Check], version: String, logger: Logger, now: @escaping @Sendable () -> Int64, hasher: PasswordHasher,
        onRunning: @escaping @Sendable (Int) async -> Void = { _ in }
    ) async throws {
        try store.migrate(module: AccessSchema.module, AccessSchema.steps)
        parts = ConsoleParts(
            configuration: configuration, store: store, accounts: Accounts(store: store, hasher: hasher),
            sessions: Sessions(
                store: store, idle: configuration.sessionIdle, lifetime: configuration.sessionLifetime),
            tokens: Tokens(store: store), guardian: LoginGuard(), control: control, policies: policies,
            constraints: constraints, images: images, checks: CheckCatalogue(checks), pages: try PageRenderer(),
            metrics: RequestMetrics(), version: version, logger: logger, now: now)
        let source: ServerIdentity.Source
        switch (configuration.certificateFile, configuration.keyFile) {
        case (let certificate?, let key?): source = .files(certificate: certificate, key: key)
        case (nil, nil):
            var names = configuration.hostNames
            if !["0.0.0.0", "::", "127.0.0.1"].contains(configuration.address) { names.append(configuration.address) }
            source = .selfIssued(
                file: configuration.stateFolder + "/tls/console.pem",
                names: SelfIssuedCertificate.machineNames(names))
        default:
            throw ConsoleError(.invalid, "Give both the certificate's file and the key's file, or neither.")
        }
        identity = try ServerIdentity(source: source, logger: logger, now: now())
        firstPassword = try await parts.accounts.makeFirst(now: now())
        self.onRunning = onRunning
    }

    /// SHA-256 of the certificate in hexadecimal digits: what a browser shows for it, to be compared once.
    package var certificateFingerprint: String { identity.fingerprint }

    /// For a command that helps whoever lost every password.
    package var accounts: Accounts { parts.accounts }

    package func run() async throws {
        var application = try application()
        application.addServices(CertificateRenewal(identity: identity, now: parts.now))
        try await application.run()
    }

    /// What answers, also without a connection in tests.
    func application() throws -> Application<RouterResponder<ConsoleContext>> {
        let gate = Gate(parts: parts)
        let routes = RouteTable.all
        let router = Router(context: ConsoleContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: Frame(parts: parts, gate: gate, routes: routes))
        for route in routes {
            router.on(RouterPath(route.path), method: route.method) { request, context in
                try await gate.answer(route, request, context)
            }
        }
        let configuration = parts.configuration
        let server = HTTP1Channel.Configuration(
            idleTimeout: .seconds(configuration.idleSeconds),
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: 16 * 1024, maxHeaderListSize: 32 * 1024, maxHeaderFieldCount: 100))
        let onRunning = onRunning
        return Application(
            router: router,
            server: try .tls(.http1(configuration: server), tlsConfiguration: identity.tlsConfiguration()),
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.address, port: configuration.port), serverName: nil,
                availableConnectionsDelegate: MaximumAvailableConnections(configuration.maxConnections)),
            onServerRunning: { channel in await onRunning(channel.localAddress?.port ?? configuration.port) },
            logger: parts.logger)
    }
}

/// Looks once a minute whether the certificate is to be renewed.
private struct CertificateRenewal: Service {
    static let interval = Duration.seconds(60)

    let identity: ServerIdentity
    let now: @Sendable () -> Int64

    func run() async throws {
        do {
            try await cancelWhenGracefulShutdown {
                while true {
                    try await Task.sleep(for: Self.interval)
                    identity.refresh(now: now())
                }
            }
        } catch is CancellationError {
            // The server stops, and this with it.
        }
    }
}

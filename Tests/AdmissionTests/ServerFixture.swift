// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AsyncHTTPClient
import Documents
import Foundation
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import ServiceLifecycle
import Synchronization
import Testing

@testable import Admission

/// A webhook server on loopback with a certificate of its own, and clients for it.
final class ServerFixture: Sendable {
    let port: Int
    let probePort: Int
    let certificates: WebhookCertificates
    let served: ServedCertificate
    let metrics: AdmissionMetrics
    private let client: HTTPClient

    struct Answer: Sendable {
        var status: Int
        var text: String
        var json: Node?
    }

    /// Runs a server while `body` runs, then stops it.
    static func run(
        _ reviewers: [any Reviewer], options change: (inout WebhookServer.Options) -> Void = { _ in },
        chain chainOptions: ReviewerChain.Options = .init(), now: Int64 = Int64(Date().timeIntervalSince1970),
        clientPair: CertificatePair? = nil,
        onStop: @escaping @Sendable () async -> Void = {},
        _ body: @escaping @Sendable (ServerFixture) async throws -> Void
    ) async throws {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let certificates = try WebhookCertificates.make(names: ["127.0.0.1"], now: now)
        let served = try ServedCertificate(
            chain: certificates.server.certificate, key: certificates.server.key)
        let metrics = AdmissionMetrics()
        let chain = ReviewerChain(
            reviewers, recorder: FakeRecorder(), metrics: metrics, options: chainOptions, logger: logger)
        var options = WebhookServer.Options()
        options.address = "127.0.0.1"
        options.port = 0
        options.probeAddress = "127.0.0.1"
        options.probePort = 0
        options.drain = .zero
        change(&options)
        let (ports, continuation) = AsyncStream.makeStream(of: (Int, Int).self)
        let server = WebhookServer(
            options: options, chain: chain, certificate: served, logger: logger,
            onRunning: { port, probe in continuation.yield((port, probe ?? 0)) })
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(services: [server], logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                defer { continuation.finish() }
                try await group.run()
            }
            guard let found = await ports.first(where: { _ in true }) else {
                try await tasks.waitForAll()
                throw Failure()
            }
            let fixture = try ServerFixture(
                port: found.0, probePort: found.1, certificates: certificates, served: served, metrics: metrics,
                clientPair: clientPair)
            let result: Result<Void, any Error>
            do {
                try await body(fixture)
                result = .success(())
            } catch { result = .failure(error) }
            await onStop()
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            try await fixture.client.shutdown()
            try result.get()
        }
    }

    private init(
        port: Int, probePort: Int, certificates: WebhookCertificates, served: ServedCertificate,
        metrics: AdmissionMetrics, clientPair: CertificatePair?
    ) throws {
        self.port = port
        self.probePort = probePort
        self.certificates = certificates
        self.served = served
        self.metrics = metrics
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: try Self.tls(trusting: certificates, presenting: clientPair))
        configuration.connectionPool.retryConnectionEstablishment = false
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    static func tls(trusting set: WebhookCertificates, presenting pair: CertificatePair? = nil) throws
        -> TLSConfiguration
    {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(set.bundle.utf8)))
        if let pair {
            tls.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(pair.certificate.utf8)).map {
                .certificate($0)
            }
            tls.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(pair.key.utf8), format: .pem))
        }
        return tls
    }

    func send(
        _ path: String, _ body: String? = nil, method: HTTPMethod = .POST, type: String? = "application/json",
        close: Bool = false, over other: HTTPClient? = nil
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: "https://127.0.0.1:\(port)\(path)")
        request.method = method
        if let type { request.headers.add(name: "Content-Type", value: type) }
        if close { request.headers.add(name: "Connection", value: "close") }
        if let body { request.body = .bytes(ByteBuffer(string: body)) }
        return try await Self.answer(try await (other ?? client).execute(request, timeout: .seconds(20)))
    }

    func probe(_ path: String) async throws -> Answer {
        try await Self.answer(
            try await client.execute(
                HTTPClientRequest(url: "http://127.0.0.1:\(probePort)\(path)"), timeout: .seconds(20)))
    }

    private static func answer(_ response: HTTPClientResponse) async throws -> Answer {
        let bytes = Array(try await response.body.collect(upTo: 8 << 20).readableBytesView)
        let isJSON = response.headers.first(name: "content-type") == "application/json"
        return Answer(
            status: Int(response.status.code), text: String(decoding: bytes, as: UTF8.self),
            json: isJSON ? try JSONReader.read(bytes, source: "answer").root : nil)
    }

    /// A connection that sends only what it is told to, over TLS or (with `tls: false`) in silence below it.
    func raw(tls isTLS: Bool = true) async throws -> RawConnection { try await RawConnection(self, tls: isTLS) }
}

/// A client that misbehaves.
final class RawConnection: Sendable {
    private final class Received: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        let bytes: ReceivedBytes
        init(_ bytes: ReceivedBytes) { self.bytes = bytes }
        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let buffer = unwrapInboundIn(data)
            bytes.value.withLock { $0 += String(buffer: buffer) }
        }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    final class ReceivedBytes: Sendable { let value = Mutex("") }

    let channel: any Channel
    private let bytes = ReceivedBytes()

    init(_ fixture: ServerFixture, tls isTLS: Bool) async throws {
        let context = try NIOSSLContext(configuration: ServerFixture.tls(trusting: fixture.certificates))
        let bytes = bytes
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.maxMessagesPerRead, value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if isTLS {
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: context, serverHostname: nil))
                    }
                    try channel.pipeline.syncOperations.addHandler(Received(bytes))
                }
            }
            .connect(host: "127.0.0.1", port: fixture.port).get()
    }

    var received: String { bytes.value.withLock { $0 } }

    func send(_ text: String) { channel.writeAndFlush(ByteBuffer(string: text), promise: nil) }

    /// Whether the server closes within so many seconds.
    func isClosed(within seconds: Double) async -> Bool {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while channel.isActive, ContinuousClock.now < deadline { try? await Task.sleep(for: .milliseconds(5)) }
        return !channel.isActive
    }

    func close() { channel.close(promise: nil) }
}

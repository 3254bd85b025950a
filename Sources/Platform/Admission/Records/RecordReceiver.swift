// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Logging
import NIOCore
import NIOSSL
import ServiceLifecycle
import SwiftASN1
import Synchronization
import X509

/// Takes the records of stateless replicas: `POST /records` over mutual TLS, on a port of its own. The answer is 200
/// only when all of them are on the disk.
package final class RecordReceiver: Service {
    package static let path = "/records"
    static let mediaType = "application/jsonl"
    static let senderHeader = "bulwark-sender"
    static let firstHeader = "bulwark-first"

    package struct Options: Sendable {
        package var address = "0.0.0.0"
        /// 0 lets the system choose.
        package var port = 8444
        /// The URI that a client's certificate must have among its names.
        package var client = "bulwark://admission/records"
        package var maxBytes = 3 << 20
        package var maxRecords = 4_000
        /// Each may hold a body of `maxBytes`.
        package var maxConnections = 64
        /// In which a body must arrive.
        package var bodyTime = Duration.seconds(20)
        /// How often it is looked whether there are new certificates.
        package var renewal = Duration.seconds(30)

        package init() {}
    }

    /// What happened since the start.
    package struct Counts: Sendable, Equatable {
        package var batches = 0
        package var records = 0
        /// Lines that were no records: passed over, for to refuse them would stop what stands behind them.
        package var unreadable = 0
        /// Requests that were refused.
        package var refused = 0

        package init(batches: Int = 0, records: Int = 0, unreadable: Int = 0, refused: Int = 0) {
            self.batches = batches
            self.records = records
            self.unreadable = unreadable
            self.refused = refused
        }
    }

    private let options: Options
    private let certificates: @Sendable () async -> RecordCertificates?
    private let keeper: any AdmissionKeeper
    private let logger: Logger
    private let onRunning: @Sendable (Int) async -> Void
    private let state = Mutex(Counts())

    /// - Parameters:
    ///   - certificates: the server's own, and who signs the replicas'; nil while there are none.
    ///   - onRunning: is told the port whenever connections are taken anew.
    package init(
        options: Options = Options(), certificates: @escaping @Sendable () async -> RecordCertificates?,
        keeper: any AdmissionKeeper, logger: Logger, onRunning: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
        self.options = options
        self.certificates = certificates
        self.keeper = keeper
        self.logger = logger
        self.onRunning = onRunning
    }

    package var counts: Counts { state.withLock { $0 } }

    /// Listens with the certificates that there are. When they change it listens anew with the new ones: senders come
    /// again by themselves.
    package func run() async throws {
        do {
            try await cancelWhenGracefulShutdown { [self] in
                var used: RecordCertificates?
                while true {
                    guard let current = await certificates(), current != used else {
                        try await Task.sleep(for: used == nil ? .seconds(1) : options.renewal)
                        continue
                    }
                    used = current
                    try await listen(current)
                }
            }
        } catch is CancellationError {
            // It ends.
        }
    }

    /// Until the certificates change or the task is cancelled.
    private func listen(_ current: RecordCertificates) async throws {
        let application: Application<RouterResponder<RecordContext>>
        do {
            application = try self.application(current)
        } catch let error as AdmissionError {
            logger.error("Records cannot be received", metadata: ["error": "\(error)"])
            return
        }
        let group = ServiceGroup(configuration: .init(services: [application], logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            tasks.addTask { [self] in
                while await certificates().map({ $0 == current }) ?? true {
                    do { try await Task.sleep(for: options.renewal) } catch { break }
                }
                await group.triggerGracefulShutdown()
            }
            try await tasks.waitForAll()
        }
        try Task.checkCancellation()
    }

    private func application(_ certificates: RecordCertificates) throws -> Application<
        RouterResponder<RecordContext>
    > {
        let router = Router(context: RecordContext.self)
        router.post(RouterPath(Self.path)) { [self] request, context in try await answer(request, context) }
        let server = HTTP1Channel.Configuration(
            idleTimeout: .seconds(120),
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: 8 * 1024, maxHeaderListSize: 16 * 1024, maxHeaderFieldCount: 50))
        let (port, onRunning) = (options.port, onRunning)
        return Application(
            router: router,
            server: try .tls(
                .http1(configuration: server), tlsConfiguration: try certificates.serverConfiguration()),
            configuration: ApplicationConfiguration(
                address: .hostname(options.address, port: options.port), serverName: nil,
                availableConnectionsDelegate: MaximumAvailableConnections(options.maxConnections)),
            onServerRunning: { await onRunning($0.localAddress?.port ?? port) }, logger: logger)
    }

    private func answer(_ request: Request, _ context: RecordContext) async throws -> Response {
        do {
            try await checkClient(context)
            guard request.headers[.contentType] == Self.mediaType else {
                return refuse(415, "send records as \(Self.mediaType)")
            }
            guard let sender = header(request, Self.senderHeader), (1...128).contains(sender.utf8.count),
                let first = header(request, Self.firstHeader).flatMap({ Int64($0) }), first > 0, first < .max / 2
            else { return refuse(400, "the headers \(Self.senderHeader) and \(Self.firstHeader) are missing") }
            let body = try await body(request)
            let (records, unreadable, lines) = parse(body)
            guard lines <= options.maxRecords else {
                return refuse(413, "\(lines) records, at most \(options.maxRecords) are taken at once")
            }
            // Lines that cannot be read keep their numbers as empty counts, so that the others keep theirs.
            try await keeper.keep(AdmissionBatch(sender: sender, first: first, records: records))
            state.withLock {
                $0.batches += 1
                $0.records += records.count - unreadable
                $0.unreadable += unreadable
            }
            if unreadable > 0 {
                logger.warning(
                    "Records could not be read", metadata: ["sender": "\(sender)", "count": "\(unreadable)"])
            }
            return Self.text(200, "kept \(records.count)\n")
        } catch let error as AdmissionError {
            let status =
                switch error.code {
                case .tooLarge: 413
                case .slow: 408
                case .certificate: 403
                default: 400
                }
            return refuse(status, error.message)
        } catch {
            logger.error("Records could not be kept", metadata: ["error": "\(error)"])
            return refuse(503, "the records could not be kept; send them again")
        }
    }

    /// TLS has seen that an authority signed the certificate; here, that it is one for records.
    private func checkClient(_ context: RecordContext) async throws {
        guard let peer = try await context.channel.nioSSL_peerCertificate().get() else {
            throw AdmissionError(.certificate, "the client shows no certificate")
        }
        let names = try? Certificate(derEncoded: try peer.toDERBytes()).extensions.subjectAlternativeNames
        guard names?.contains(.uniformResourceIdentifier(options.client)) ?? false else {
            throw AdmissionError(.certificate, "the client's certificate is not one for records")
        }
    }

    private func header(_ request: Request, _ name: String) -> String? {
        HTTPField.Name(name).flatMap { request.headers[$0] }
    }

    private func body(_ request: Request) async throws -> [UInt8] {
        let (limit, time) = (options.maxBytes, options.bodyTime)
        return try await withThrowingTaskGroup(of: [UInt8].self) { group in
            group.addTask {
                do {
                    return Array(try await request.body.collect(upTo: limit).readableBytesView)
                } catch is NIOTooManyBytesError {
                    throw AdmissionError(.tooLarge, "a body has at most \(limit) bytes")
                }
            }
            group.addTask {
                try await Task.sleep(for: time)
                throw AdmissionError(.slow, "the body took too long to arrive")
            }
            defer { group.cancelAll() }
            return try await group.next() ?? []
        }
    }

    private func parse(_ body: [UInt8]) -> (records: [AdmissionRecord], unreadable: Int, lines: Int) {
        var records: [AdmissionRecord] = []
        var (unreadable, lines) = (0, 0)
        body.withUnsafeBytes { bytes in
            for line in bytes.split(separator: UInt8(ascii: "\n")) {
                lines += 1
                guard lines <= options.maxRecords else { continue }
                if let record = RecordReading.record(UnsafeRawBufferPointer(rebasing: line)) {
                    records.append(record)
                } else {
                    unreadable += 1
                    records.append(.tally(AdmissionTally(minute: 0, policy: "", action: .error, count: 0)))
                }
            }
        }
        return (records, unreadable, lines)
    }

    private func refuse(_ status: Int, _ message: String) -> Response {
        state.withLock { $0.refused += 1 }
        return Self.text(status, message + "\n")
    }

    private static func text(_ status: Int, _ text: String) -> Response {
        Response(
            status: .init(code: status), headers: [.contentType: "text/plain; charset=utf-8"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}

/// Keeps the connection, whose certificate tells who sends.
struct RecordContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
    }
}

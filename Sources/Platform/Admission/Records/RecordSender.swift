// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AsyncHTTPClient
import Findings
import Logging
import NIOCore
import NIOHTTP1
import ServiceLifecycle
import Synchronization

/// Hands the decisions of a stateless replica to `bulwark serve`: into the spool at once, and from there over mutual
/// TLS, as long as it takes. What the server acknowledged is on its disk; what it did not is sent again.
package final class RecordSender: DecisionRecorder, Service {
    package struct Options: Sendable {
        /// `https://bulwark-server.bulwark-system.svc:9444`
        package var url: String
        /// How often the queue is written into the spool: what a killed process may lose.
        package var spoolInterval = Duration.milliseconds(20)
        /// How often the spool is sent.
        package var interval = Duration.milliseconds(250)
        /// Waits after failures grow from the interval up to this.
        package var maxWait = Duration.seconds(30)
        /// How long the end waits for what is still to be sent.
        package var farewell = Duration.seconds(5)
        /// Decisions that wait for the spool, at most.
        package var queue = 4_096

        package init(url: String) { self.url = url }
    }

    /// What happened since the start.
    package struct Counts: Sendable, Equatable {
        package var queue = AdmissionQueue.Counts()
        package var spool = RecordSpool.Counts()
        package var sent = 0
        package var failures = 0
        /// Why the last attempt failed; empty after one that did not.
        package var problem = ""
    }

    private struct State {
        var waiting: [AdmissionRecord] = []
        var sent = 0
        var failures = 0
        var problem = ""
    }

    private let spool: RecordSpool
    private let options: Options
    private let certificates: @Sendable () async -> RecordCertificates?
    private let logger: Logger
    private let queue: AdmissionQueue
    private let state = Mutex(State())

    /// - Parameter certificates: the replica's own and who signs the server's; asked before every attempt, nil while
    ///   there are none.
    package init(
        spool: RecordSpool, options: Options, certificates: @escaping @Sendable () async -> RecordCertificates?,
        logger: Logger
    ) {
        self.spool = spool
        self.options = options
        self.certificates = certificates
        self.logger = logger
        queue = AdmissionQueue(limit: options.queue)
    }

    package func record(_ decision: AdmissionDecision) { queue.record(decision) }

    package func counts() async -> Counts {
        let spool = await spool.counts
        return state.withLock {
            Counts(queue: queue.counts, spool: spool, sent: $0.sent, failures: $0.failures, problem: $0.problem)
        }
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.fill() }
                group.addTask { await self.send() }
            }
        }
        await save()
        guard !Task.isCancelled else { return }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.send(untilEmpty: true) }
            group.addTask { try? await Task.sleep(for: self.options.farewell) }
            await group.next()
            group.cancelAll()
        }
    }

    /// Writes the queue into the spool, again and again.
    private func fill() async {
        while (try? await Task.sleep(for: options.spoolInterval)) != nil { await save() }
    }

    private func save() async {
        let records = state.withLock { state in
            // While the last could not be written nothing more is taken out of the queue, whose bound holds.
            if state.waiting.isEmpty { state.waiting = queue.take() }
            return state.waiting
        }
        guard !records.isEmpty else { return }
        do {
            try await spool.append(records)
            state.withLock { $0.waiting.removeAll() }
        } catch {
            logger.warning("Decisions cannot be spooled, and wait", metadata: ["error": "\(error)"])
        }
    }

    /// Sends what is in the spool, until it is cancelled or has failed, or has nothing left when that is wanted.
    private func send(untilEmpty: Bool = false) async {
        var connection: (certificates: RecordCertificates, client: HTTPClient)?
        var wait = options.interval
        while !Task.isCancelled {
            do {
                if let lines = try await spool.lines() {
                    guard let current = await certificates() else {
                        throw AdmissionError(.handOver, "there are no certificates yet")
                    }
                    if connection?.certificates != current {
                        try? await connection?.client.shutdown()
                        connection = nil
                        connection = (current, try client(current))
                    }
                    if let client = connection?.client { try await post(lines, by: client) }
                    await spool.acknowledge(lines)
                    state.withLock {
                        $0.sent += lines.count
                        $0.problem = ""
                    }
                    wait = options.interval
                    continue
                }
                if untilEmpty { break }
            } catch {
                if Task.isCancelled { break }
                failed(error)
                wait = min(wait * 2, options.maxWait)
            }
            // A fifth more or less, so that replicas do not come at once.
            guard (try? await Task.sleep(for: wait * Double.random(in: 0.8...1.2))) != nil else { break }
        }
        try? await connection?.client.shutdown()
    }

    private func failed(_ error: any Error) {
        let text = "\(error)"
        let isNew = state.withLock { state in
            state.failures += 1
            defer { state.problem = text }
            return state.problem.isEmpty
        }
        // Once until it works again: the counts tell the rest.
        if isNew { logger.warning("Decisions cannot be handed over, and wait", metadata: ["error": "\(text)"]) }
    }

    private func client(_ certificates: RecordCertificates) throws -> HTTPClient {
        var configuration = HTTPClient.Configuration(tlsConfiguration: try certificates.clientConfiguration())
        configuration.redirectConfiguration = .disallow
        configuration.timeout.connect = .seconds(5)
        configuration.httpVersion = .http1Only
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    private func post(_ lines: RecordSpool.Lines, by client: HTTPClient) async throws {
        var request = HTTPClientRequest(url: options.url + RecordReceiver.path)
        request.method = .POST
        request.headers.add(name: "content-type", value: RecordReceiver.mediaType)
        request.headers.add(name: RecordReceiver.senderHeader, value: lines.sender)
        request.headers.add(name: RecordReceiver.firstHeader, value: String(lines.first))
        request.body = .bytes(ByteBuffer(bytes: lines.bytes))
        let response = try await client.execute(request, timeout: .seconds(30))
        let text = try await response.body.collect(upTo: 16 * 1024)
        guard response.status == .ok else {
            let said = String(String(buffer: text).prefix(200))
            throw AdmissionError(.handOver, "the server answered \(response.status.code): \(said)")
        }
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import AsyncHTTPClient
import Findings
import Foundation
import Logging
import NIOCore
import NIOHTTP1
import NIOSSL
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

/// Keeps what it is given, like the store; fails when told to.
private final class MemoryKeeper: AdmissionKeeper {
    struct State {
        var numbers: [String: Int64] = [:]
        var uids: [String] = []
        var tallied = 0
        var batches = 0
        var failures = 0
    }

    let state = Mutex(State())

    func keep(_ batch: AdmissionBatch) async throws {
        try state.withLock { state in
            if state.failures > 0 {
                state.failures -= 1
                throw AdmissionError(.spool, "the disk is full")
            }
            state.batches += 1
            for (index, record) in batch.records.enumerated() {
                let number = batch.first + Int64(index)
                guard number > state.numbers[batch.sender] ?? 0 else { continue }
                state.numbers[batch.sender] = number
                switch record {
                case .decision(let decision): state.uids.append(decision.uid)
                case .tally(let tally): state.tallied += tally.count
                case .clean: break
                }
            }
        }
    }

    var uids: [String] { state.withLock { $0.uids } }
}

@Suite(.timeLimit(.minutes(2))) struct RecordHandOverTests {
    private static let quiet = Logger(label: "records") { _ in SwiftLogNoOpLogHandler() }
    private static let now = Int64(Date().timeIntervalSince1970)

    private static func server(_ all: WebhookCertificates) -> RecordCertificates {
        RecordCertificates(authorities: all.bundle, certificate: all.server.certificate, key: all.server.key)
    }

    private static func client(_ all: WebhookCertificates) -> RecordCertificates {
        RecordCertificates(authorities: all.bundle, certificate: all.client.certificate, key: all.client.key)
    }

    /// Runs a receiver around `body`, which gets its port.
    private func receive(
        _ certificates: WebhookCertificates, _ keeper: MemoryKeeper,
        options change: (inout RecordReceiver.Options) -> Void = { _ in },
        _ body: @Sendable (Int, RecordReceiver) async throws -> Void
    ) async throws {
        let (ports, found) = AsyncStream.makeStream(of: Int.self)
        var options = RecordReceiver.Options()
        (options.address, options.port) = ("127.0.0.1", 0)
        change(&options)
        let receiver = RecordReceiver(
            options: options, certificates: { Self.server(certificates) }, keeper: keeper, logger: Self.quiet,
            onRunning: { found.yield($0) })
        try await run([receiver]) {
            var iterator = ports.makeAsyncIterator()
            try await body(await iterator.next() ?? 0, receiver)
        }
    }

    private func run(_ services: [any Service], _ body: @Sendable () async throws -> Void) async throws {
        let group = ServiceGroup(configuration: .init(services: services, logger: Self.quiet))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            do { try await body() } catch {
                await group.triggerGracefulShutdown()
                throw error
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    private func wait(_ condition: @Sendable () async -> Bool) async throws {
        for _ in 0..<400 {
            if await condition() { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("waited in vain")
    }

    private static func decision(_ number: Int, _ action: AdmissionDecision.Action = .deny) -> AdmissionDecision {
        AdmissionDecision(
            uid: "u\(number)", time: now * 1000, reviewer: "pod-policies", action: action, allowed: action != .deny,
            operation: "CREATE", subject: Subject(apiVersion: "v1", kind: "Pod", namespace: "shop", name: "p"),
            user: "alice", policy: "restricted")
    }

    @Test func decisionsReachTheServerThroughFailuresOfAllKinds() async throws {
        let folder = try ScratchFolder()
        let certificates = try WebhookCertificates.make(names: ["localhost"], now: Self.now)
        let keeper = MemoryKeeper()
        keeper.state.withLock { $0.failures = 2 }
        var spool: RecordSpool? = try RecordSpool(folder: folder.path + "/spool")
        // Before there is a server; the replica ends meanwhile and starts again.
        do {
            var options = RecordSender.Options(url: "https://localhost:1")
            options.farewell = .milliseconds(10)
            let sender = RecordSender(
                spool: try #require(spool), options: options, certificates: { Self.client(certificates) },
                logger: Self.quiet)
            try await run([sender]) {
                for number in 0..<50 { sender.record(Self.decision(number)) }
                for number in 50..<150 { sender.record(Self.decision(number, .allow)) }
                try await wait { await sender.counts().failures > 0 }
            }
            let counts = await sender.counts()
            #expect(counts.spool.waiting >= 52 && counts.sent == 0 && !counts.problem.isEmpty)
        }
        spool = nil
        let again = try RecordSpool(folder: folder.path + "/spool")
        try await receive(certificates, keeper) { port, receiver in
            var options = RecordSender.Options(url: "https://localhost:\(port)")
            options.interval = .milliseconds(20)
            let sender = RecordSender(
                spool: again, options: options, certificates: { Self.client(certificates) }, logger: Self.quiet)
            try await run([sender]) {
                for number in 150..<160 { sender.record(Self.decision(number)) }
                try await wait { keeper.uids.count == 60 }
                sender.record(Self.decision(160))
            }
            // The farewell sent the rest.
            let all = (Array(0..<50) + Array(150...160)).map { "u\($0)" }
            #expect(keeper.uids == all)
            #expect(keeper.state.withLock { $0.tallied } == 161)
            let counts = await sender.counts()
            #expect(counts.spool == RecordSpool.Counts() && counts.failures == 2 && counts.problem.isEmpty)
            #expect(receiver.counts.refused == 2)
        }
    }

    private struct Attempt: Sendable {
        var name: String
        var status: Int
        var headers: [(String, String)] = [
            ("content-type", "application/jsonl"), ("bulwark-sender", "s"), ("bulwark-first", "1"),
        ]
        var body = "{}\n"
    }

    @Test func requestsThatMakeNoSenseAreRefused() async throws {
        let certificates = try WebhookCertificates.make(names: ["localhost"], now: Self.now)
        let keeper = MemoryKeeper()
        let good = String(decoding: RecordSpoolTests.records(0..<1)[0].json, as: UTF8.self)
        let attempts = [
            Attempt(name: "no type", status: 415, headers: [("bulwark-sender", "s"), ("bulwark-first", "1")]),
            Attempt(name: "no sender", status: 400, headers: [("content-type", "application/jsonl")]),
            Attempt(
                name: "number", status: 400,
                headers: [("content-type", "application/jsonl"), ("bulwark-sender", "s"), ("bulwark-first", "x")]),
            Attempt(name: "too large", status: 413, body: String(repeating: "x", count: 70_000)),
            Attempt(name: "too many", status: 413, body: String(repeating: "{}\n", count: 101)),
            // Unreadable lines between good ones are counted, and keep nobody waiting.
            Attempt(name: "partly unreadable", status: 200, body: "\(good)\n{]\nnull\n\(good)\n"),
        ]
        try await receive(
            certificates, keeper,
            options: {
                $0.maxBytes = 64 << 10
                $0.maxRecords = 100
            }
        ) { port, receiver in
            for attempt in attempts {
                let status = try await send(attempt, to: port, Self.client(certificates))
                #expect(status == attempt.status, "\(attempt.name)")
            }
            #expect(receiver.counts == .init(batches: 1, records: 2, unreadable: 2, refused: 5))
        }
        #expect(keeper.uids == ["u0", "u0"])
    }

    /// Only a certificate of the authority that is one for records gets in.
    @Test func othersDoNotGetIn() async throws {
        let certificates = try WebhookCertificates.make(names: ["localhost"], now: Self.now)
        let foreign = try WebhookCertificates.make(names: ["localhost"], now: Self.now)
        let keeper = MemoryKeeper()
        let good = Attempt(
            name: "", status: 200, body: String(decoding: RecordSpoolTests.records(0..<1)[0].json, as: UTF8.self))
        try await receive(certificates, keeper) { port, _ in
            // Of another authority, which the client pretends to trust this server.
            var stranger = Self.client(foreign)
            stranger.authorities = certificates.bundle
            await #expect(throws: (any Error).self) { try await send(good, to: port, stranger) }
            // The server's own certificate is not for clients.
            await #expect(throws: (any Error).self) { try await send(good, to: port, Self.server(certificates)) }
            await #expect(throws: (any Error).self) { try await send(good, to: port, nil, trust: certificates.bundle) }
            let status = try await send(good, to: port, Self.client(certificates))
            #expect(status == 200)
        }
        #expect(keeper.uids == ["u0"])
        // A client's certificate for something else passes TLS and is refused.
        try await receive(certificates, keeper, options: { $0.client = "bulwark://something/else" }) { port, _ in
            let status = try await send(good, to: port, Self.client(certificates))
            #expect(status == 403)
        }
        #expect(keeper.uids == ["u0"])
    }

    private func send(
        _ attempt: Attempt, to port: Int, _ certificates: RecordCertificates?, trust: String = ""
    ) async throws -> Int {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .certificates(
            try NIOSSLCertificate.fromPEMBytes(Array((certificates?.authorities ?? trust).utf8)))
        if let certificates {
            tls.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(certificates.certificate.utf8)).map {
                .certificate($0)
            }
            tls.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(certificates.key.utf8), format: .pem))
        }
        let client = HTTPClient(
            eventLoopGroupProvider: .singleton, configuration: HTTPClient.Configuration(tlsConfiguration: tls))
        do {
            var request = HTTPClientRequest(url: "https://localhost:\(port)/records")
            request.method = .POST
            for (name, value) in attempt.headers { request.headers.add(name: name, value: value) }
            request.body = .bytes(ByteBuffer(string: attempt.body))
            let response = try await client.execute(request, timeout: .seconds(10))
            let status = Int(response.status.code)
            try await client.shutdown()
            return status
        } catch {
            try await client.shutdown()
            throw error
        }
    }
}

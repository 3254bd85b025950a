// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Foundation
import Logging
import ServiceLifecycle
import Synchronization
import Testing

@testable import Admission

/// The channel from replicas to the server over real TLS.
struct RecordHandOverTests {
    private static let logger: Logger = {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }()

    static func decision(_ number: Int) -> AdmissionDecision {
        AdmissionDecision(
            uid: "u-\(number)", time: 1_790_000_000_000, reviewer: "pod-policies", action: .deny, allowed: false,
            operation: "CREATE",
            subject: Subject(cluster: "c", apiVersion: "v1", kind: "Pod", namespace: "n", name: "p"), user: "alice")
    }

    static func folder() -> String { NSTemporaryDirectory() + "spool-\(UUID().uuidString)" }

    /// Keeps as the store does: by the sender's numbers.
    private final class FakeKeeper: AdmissionKeeper {
        private let state = Mutex<(uids: [String], known: [String: Int64])>(([], [:]))

        var uids: [String] { state.withLock { $0.uids } }

        func keep(_ batch: AdmissionBatch) async throws {
            state.withLock { state in
                for (index, record) in batch.records.enumerated() {
                    let number = batch.first + Int64(index)
                    guard number > state.known[batch.sender, default: 0] else { continue }
                    state.known[batch.sender] = number
                    if case .decision(let decision) = record { state.uids.append(decision.uid) }
                }
            }
        }
    }

    /// Runs a receiver while `body` runs.
    private func receiving(
        _ certificates: RecordCertificates, _ keeper: FakeKeeper, port: Int = 0,
        _ body: @escaping @Sendable (Int, RecordReceiver) async throws -> Void
    ) async throws {
        var options = RecordReceiver.Options()
        options.address = "127.0.0.1"
        options.port = port
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let receiver = RecordReceiver(
            options: options, certificates: { certificates }, keeper: keeper, logger: Self.logger,
            onRunning: { continuation.yield($0) })
        try await running(receiver) {
            let found = await ports.first { _ in true }
            try await body(try #require(found), receiver)
        }
    }

    private func running(_ service: any Service, _ body: @escaping @Sendable () async throws -> Void) async throws {
        let group = ServiceGroup(configuration: ServiceGroupConfiguration(services: [service], logger: Self.logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let result: Result<Void, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            try result.get()
        }
    }

    private func until(_ isTrue: @Sendable () async -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(20)
        while await !isTrue() {
            try #require(ContinuousClock.now < end, "it took too long")
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    private func sender(_ folder: String, _ port: Int, _ certificates: RecordCertificates) throws -> RecordSender {
        var options = RecordSender.Options(url: "https://127.0.0.1:\(port)")
        options.interval = .milliseconds(10)
        options.maxWait = .milliseconds(100)
        return RecordSender(
            spool: try RecordSpool(folder: folder), options: options, certificates: { certificates },
            logger: Self.logger)
    }

    private static func certificates() throws -> WebhookCertificates {
        try .make(names: ["127.0.0.1"], now: Int64(Date().timeIntervalSince1970))
    }

    @Test func nothingIsLostOrDoubledWhenTheReceiverRestarts() async throws {
        let (set, keeper, folder) = (try Self.certificates(), FakeKeeper(), Self.folder())
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let used = Mutex(0)
        try await receiving(RecordCertificates(receiving: set), keeper) { port, _ in used.withLock { $0 = port } }
        let port = used.withLock { $0 }
        let sender = try sender(folder, port, RecordCertificates(sending: set))
        try await running(sender) {
            for number in 0..<50 { sender.record(Self.decision(number)) }
            // Nobody listens yet.
            try await until { await sender.counts().failures > 0 }
            #expect(keeper.uids.isEmpty)
            for round in 1...3 {
                try await receiving(RecordCertificates(receiving: set), keeper, port: port) { _, _ in
                    try await until { keeper.uids.count == round * 50 }
                }
                for number in round * 50..<(round + 1) * 50 { sender.record(Self.decision(number)) }
            }
            try await receiving(RecordCertificates(receiving: set), keeper, port: port) { _, _ in
                try await until { keeper.uids.count == 200 }
            }
        }
        #expect(keeper.uids == (0..<200).map { "u-\($0)" })
        let metrics = AdmissionMetrics()
        #expect(!metrics.text.contains("bulwark_records"))
        let counts = await sender.counts()
        metrics.handedOver(counts)
        #expect(counts.sent >= 200)
        for line in [
            "bulwark_records_spooled 0\n", "bulwark_records_sent_total \(counts.sent)\n",
            "bulwark_records_dropped_total{where=\"spool\"} 0\n",
        ] {
            #expect(metrics.text.contains(line))
        }
    }

    @Test func onlyACertificateForRecordsGetsIn() async throws {
        let (set, other) = (try Self.certificates(), try Self.certificates())
        let foreign = RecordCertificates(
            authorities: set.bundle, certificate: other.client.certificate, key: other.client.key)
        for wrong in [RecordCertificates(receiving: set), foreign] {
            let (keeper, folder) = (FakeKeeper(), Self.folder())
            defer { try? FileManager.default.removeItem(atPath: folder) }
            try await receiving(RecordCertificates(receiving: set), keeper) { port, receiver in
                let sender = try sender(folder, port, wrong)
                try await running(sender) {
                    sender.record(Self.decision(1))
                    try await until { await sender.counts().failures > 1 }
                }
                #expect(keeper.uids.isEmpty)
                #expect(receiver.counts.records == 0)
                #expect(await sender.counts().sent == 0)
                #expect(await sender.counts().spool.waiting > 0)
            }
        }
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Foundation
import Kubernetes
import Logging
import PodSecurity
import Store
import TestSupport
import Testing

/// A watched cluster, its service and a real store, as `bulwark serve` puts them together.
struct LiveBench: Sendable {
    let folder: ScratchFolder
    let store: Store
    let masking: Masking
    /// Straight to the server, for changes and for the inspection that is compared with.
    let direct: APIClient
    let proxy: TCPProxy
    let source: ClusterSource
    let service: InspectionService

    /// The watches go through a network that can be cut.
    init(_ cluster: TestCluster, recorder: (any InspectionRecorder)? = nil) async throws {
        folder = try ScratchFolder()
        store = try Store.open(path: folder.path + "/bulwark.sqlite")
        masking = Masking(key: Array(repeating: 7, count: 32))
        var logger = Logger(label: "live")
        logger.logLevel = .critical
        direct = try cluster.client()
        proxy = try await TCPProxy(to: try #require(URL(string: direct.connection.server)?.port))
        var connection = direct.connection
        connection.server = "https://127.0.0.1:\(proxy.port)"
        var options = APIClientOptions()
        options.watchIdleTimeout = .seconds(20)
        options.retries = RetryPolicy(attempts: 2, base: .milliseconds(50), ceiling: .milliseconds(200))
        let client = try APIClient(connection, options: options, logger: logger)
        var patience = InformerOptions()
        patience.retry = RetryPolicy(attempts: .max, base: .milliseconds(100), ceiling: .seconds(1))
        patience.relistJitter = .milliseconds(100)
        var inspector = Inspector(try Catalogue.embedded())
        inspector.masking = masking
        source = try ClusterSource(
            client: client, kinds: try await ClusterKinds.discover(direct), inspector: inspector,
            recorder: recorder ?? store.ledger, logger: logger, informerOptions: patience)
        service = InspectionService(source: source, recorder: recorder ?? store.ledger, logger: logger)
    }

    /// Runs the service while `body` runs, and ends both.
    func run(_ body: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await service.run() }
            try await body()
            group.cancelAll()
            let ending = ContinuousClock.now
            do { try await group.waitForAll() } catch is CancellationError {}
            #expect(ending.duration(to: .now) < .seconds(5), "the service ends when it is told to")
        }
        try await proxy.stop()
        try store.close()
    }

    static func wait(_ what: Comment, seconds: Int = 120, _ condition: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while try await !condition() {
            try #require(ContinuousClock.now < deadline, what)
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// A full inspection from its start to its end. Returns how it ended.
    @discardableResult
    func inspect() async throws -> InspectionService.Phase {
        try await Self.wait("the start of an inspection") { service.start() }
        try await Self.wait("the end of an inspection") { isAtRest }
        return service.progress.phase
    }

    var isAtRest: Bool { service.progress.phase == .finished || service.progress.phase == .failed }

    /// Waits until every watch is open, nothing is inspected, and the ledger did not change for three seconds.
    func quiet(_ what: Comment) async throws {
        var version = store.ledgerVersion
        var since = ContinuousClock.now
        try await Self.wait("quiet after \(what)") {
            let isCalm = source.health().allSatisfy { $0.isReady && $0.message.isEmpty } && isAtRest
            if !isCalm || store.ledgerVersion != version {
                version = store.ledgerVersion
                since = .now
            }
            return since.duration(to: .now) > .seconds(3)
        }
    }

    // MARK: Comparison

    /// Every open finding: its fingerprint and all that it says.
    func remembered() async throws -> Set<String> { try await Self.remembered(store) }

    static func remembered(_ store: Store) async throws -> Set<String> {
        var filter = FindingFilter()
        filter.statuses = [.new, .inProgress, .suppressed]
        var all: Set<String> = []
        var offset = 0
        while true {
            let page = try await store.ledger.findings(filter, sort: .oldest, limit: 1000, offset: offset)
            if page.findings.isEmpty { break }
            for finding in page.findings {
                all.insert(
                    text(
                        finding.fingerprint, finding.checkID, finding.outcome, finding.severity, finding.subject,
                        finding.container, finding.message, finding.path, finding.value))
            }
            offset += page.findings.count
            if offset >= page.total {
                #expect(all.count == page.total)
                break
            }
        }
        return all
    }

    /// What an inspection finds that knows nothing of the past.
    func fresh() async throws -> (problems: Set<String>, summary: Summary) {
        var inspector = Inspector(try Catalogue.embedded())
        inspector.masking = masking
        var inspection = LiveInspection(
            client: direct, kinds: try await ClusterKinds.discover(direct), inspector: inspector)
        var all: Set<String> = []
        let tally = try await inspection.run(progress: { _, _ in }) { result in
            guard result.outcome.isProblem else { return }
            all.insert(
                Self.text(
                    result.fingerprint, result.check.id, result.outcome, result.check.severity, result.subject,
                    result.container, result.message, result.path, result.value))
        }
        return (all, tally.summary)
    }

    /// A line of these without its value: masks are made with a key of each store's own.
    static func withoutValue(_ line: String) -> String {
        guard let open = line.firstIndex(of: "\u{1}"), let close = line.lastIndex(of: "\u{1}") else { return line }
        return String(line[..<open]) + String(line[close...])
    }

    private static func text(
        _ fingerprint: Fingerprint, _ check: String, _ outcome: Outcome, _ severity: Severity, _ subject: Subject,
        _ container: String, _ message: String, _ path: String, _ value: String
    ) -> String {
        "\(check) \(outcome) \(severity) \(subject.display) [\(container)] \(message) \(path) \u{1}\(value)\u{1} \(fingerprint)"
    }

    /// Expects that the ledger says what a fresh inspection says, and prints where they differ.
    func expectEqual(_ what: Comment) async throws {
        try await quiet(what)
        let ledger = try await remembered()
        let (problems, _) = try await fresh()
        let missing = problems.subtracting(ledger).sorted()
        let stale = ledger.subtracting(problems).sorted()
        print("live ledger, \(what): \(ledger.count) open, \(missing.count) missing, \(stale.count) stale")
        for line in missing.prefix(20) { print("  missing: \(line)") }
        for line in stale.prefix(20) { print("  stale:   \(line)") }
        #expect(missing.isEmpty && stale.isEmpty, what)
        #expect(problems.count > 100)
    }
}

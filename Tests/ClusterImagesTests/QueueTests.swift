// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import ImagePolicies
import ImageScanning
import Inventory
import Logging
import Synchronization
import Testing

@testable import ClusterImages
@testable import OCI

/// A registry whose answers a test decides, and that counts what is asked.
private final class FakeImages: ImageSource {
    struct State {
        var asked: [String: Int] = [:]
        var now = 0
        var most = 0
        /// By digest: what asking for the manifest, or fetching its layer, ends with.
        var manifests: [String: OCIError] = [:]
        var layers: [String: OCIError] = [:]
        /// Digests that answer only when the task is cancelled.
        var silent: Set<String> = []
    }
    let state = Mutex(State())

    func digest(of reference: ImageReference) async throws(OCIError) -> Digest {
        throw OCIError(.notFound, "no tags here")
    }

    func image(_ reference: ImageReference) async throws(OCIError) -> Image {
        let digest = reference.digest?.description ?? ""
        let isSilent = state.withLock { state in
            state.asked[digest, default: 0] += 1
            state.now += 1
            state.most = max(state.most, state.now)
            return state.silent.contains(digest)
        }
        defer { state.withLock { $0.now -= 1 } }
        do { try await Task.sleep(for: isSilent ? .seconds(600) : .milliseconds(20)) } catch {
            throw OCIError(.cancelled, "cancelled")
        }
        if let error = state.withLock({ $0.manifests[digest] }) { throw error }
        let failure = state.withLock { $0.layers[digest] }
        var layers: [Image.Layer] = []
        if let failure { layers.append(Image.Layer(fetch: { () throws(OCIError) in throw failure })) }
        return Image(
            name: reference.description, reference: reference.description, manifestDigest: digest, configDigest: "",
            configuration: ImageConfiguration(), layers: layers)
    }
}

@Suite struct QueueTests {
    private let fixture = RecordsFixture()
    private let images = FakeImages()

    private func queue(
        _ records: ImageRecords, width: Int = 2, limit: Duration = .seconds(60)
    ) -> ImageScanQueue {
        var reader = ImageReader(images)
        reader.timeLimit = limit
        var options = ImageScanQueue.Options()
        options.width = width
        return ImageScanQueue(
            records, reader, CurrentAdvisories(path: fixture.folder + "/none", salt: ""), options: options,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, now: { [fixture] in fixture.now })
    }

    /// Runs a queue until something is so.
    private func run(
        _ queue: ImageScanQueue, until isDone: @escaping @Sendable () async throws -> Bool
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await queue.run() }
            group.addTask {
                let deadline = ContinuousClock.now + .seconds(30)
                while try await !isDone() {
                    try #require(ContinuousClock.now < deadline)
                    try await Task.sleep(for: .milliseconds(10))
                    queue.wake()
                }
            }
            try await group.next()
            group.cancelAll()
            while let result = await group.nextResult() {
                if case .failure(let error) = result { #expect(error is CancellationError) }
            }
        }
    }

    private func states(_ records: ImageRecords, _ count: Int) async throws -> [RecordedImage.State?] {
        var states: [RecordedImage.State?] = []
        for number in 1...count { states.append(try await records.image(Made.digest(number))?.state) }
        return states
    }

    @Test func eachImageOnceAndAFewAtATime() async throws {
        let records = try fixture.open().records
        for number in 1...12 {
            for name in ["a", "b"] {
                let workload = Made.workload("\(name)\(number)")
                try await records.setUses([Made.use(workload, number)], of: workload)
            }
        }
        let queue = queue(records, width: 3)
        try await run(queue) { try await records.totals().scanned == 12 }
        let state = images.state.withLock { $0 }
        #expect(state.asked.count == 12 && state.asked.values.allSatisfy { $0 == 1 })
        #expect(state.most <= 3 && state.most > 1)
        #expect(queue.state.scans == 12 && queue.state.failures == 0)
        #expect(queue.state.problem.contains("advisories update"))
        // Another process finds nothing to do.
        let again = self.queue(records)
        try await run(again) { again.state.waiting == 0 && again.state.running.isEmpty }
        #expect(images.state.withLock { $0.asked.values.reduce(0, +) } == 12)
    }

    @Test func aLayerThatDidNotComeIsTriedAgain() async throws {
        let records = try fixture.open().records
        let workload = Made.workload("cart")
        try await records.setUses([Made.use(workload, 1)], of: workload)
        images.state.withLock { $0.layers[Made.digest(1)] = OCIError(.server, "the connection broke") }
        let queue = queue(records)
        try await run(queue) { queue.state.failures == 1 && queue.state.running.isEmpty }
        let failed = try #require(try await records.image(Made.digest(1)))
        #expect(failed.state == .failed && failed.attempts == 1 && failed.failure.contains("the connection broke"))
        #expect((24...36).contains((failed.next ?? 0) - fixture.now))
        #expect(queue.state.heldRegistries == 1)
        // Not before its time.
        #expect(images.state.withLock { $0.asked[Made.digest(1)] } == 1)
        images.state.withLock { $0.layers = [:] }
        fixture.advance(60)
        try await run(queue) { try await records.totals().scanned == 1 }
        #expect(try await states(records, 1) == [.complete])
        #expect(queue.state.heldRegistries == 0)
    }

    @Test func aLayerThatNobodyCanReadIsAProblem() async throws {
        let records = try fixture.open().records
        let workload = Made.workload("cart")
        try await records.setUses([Made.use(workload, 1)], of: workload)
        images.state.withLock { $0.layers[Made.digest(1)] = OCIError(.unsupported, "it is encrypted") }
        let queue = queue(records)
        try await run(queue) { try await records.totals().scanned == 1 }
        #expect(try await states(records, 1) == [.incomplete] && queue.state.failures == 0)
    }

    @Test func oneRegistryInTroubleHoldsUpItselfAlone() async throws {
        let records = try fixture.open().records
        for number in 1...3 {
            let workload = Made.workload("w\(number)")
            try await records.setUses([Made.use(workload, number)], of: workload)
            images.state.withLock { $0.manifests[Made.digest(number)] = OCIError(.tooManyRequests, "429") }
        }
        let other = Made.workload("other")
        try await records.setUses(
            [
                ImageUse(
                    workload: other, container: "app", reference: "other.example.com/a:1", digest: Made.digest(9),
                    pods: 1)
            ], of: other)
        let queue = queue(records, width: 1)
        try await run(queue) { try await records.totals().scanned == 1 && queue.state.failures >= 1 }
        #expect(try await records.image(Made.digest(9))?.state == .complete)
        // After the first refusal the others of that registry were left.
        #expect(queue.state.failures == 1 && queue.state.waiting == 2)
    }

    @Test func theTimeLimitEndsAnImage() async throws {
        let records = try fixture.open().records
        for number in 1...2 {
            let workload = Made.workload("w\(number)")
            try await records.setUses([Made.use(workload, number)], of: workload)
        }
        images.state.withLock { $0.silent = [Made.digest(1)] }
        let queue = queue(records, limit: .milliseconds(300))
        try await run(queue) {
            try await records.totals().scanned == 1 && queue.state.failures == 1 && queue.state.running.isEmpty
        }
        #expect(try await states(records, 2) == [.failed, .complete])
        #expect(try await records.image(Made.digest(1))?.failure.contains("limit") == true)
    }

    @Test func whatAProcessDidNotFinishIsDueForTheNext() async throws {
        let records = try fixture.open().records
        let workload = Made.workload("cart")
        try await records.setUses([Made.use(workload, 1)], of: workload)
        images.state.withLock { $0.silent = [Made.digest(1)] }
        let first = queue(records)
        try await run(first) { first.isRunning(Made.digest(1)) }
        let left = try #require(try await records.image(Made.digest(1)))
        #expect(left.state == .waiting && left.attempts == 0)
        images.state.withLock { $0.silent = [] }
        try await run(queue(records)) { try await records.totals().scanned == 1 }
    }

    @Test func packagesWithoutAdvisoriesAnywhereAreShownAndNoError() async throws {
        let records = try fixture.open().records
        try await records.setUses([Made.use(Made.workload("cart"), 1)], of: Made.workload("cart"))
        var scan = Made.scan(1)
        scan.inventory.packages.append(FoundPackage(.otp, name: "ssl", version: "10.8.7", path: "ssl.app"))
        try await records.record(Made.judged(scan, []), scan: scan, of: Made.digest(1), generation: 1)
        #expect(try await records.image(Made.digest(1))?.state == .complete)
        let detail = try #require(try await records.detail(Made.digest(1)))
        #expect(detail.problems.map(\.message).contains { $0.hasPrefix("1 package of otp was not judged") })
    }

    @Test func withoutAdvisoriesNothingIsWhole() async throws {
        let records = try fixture.open().records
        let workload = Made.workload("cart")
        try await records.setUses([Made.use(workload, 1)], of: workload)
        let scan = Made.scan(1)
        var report = scan
        let held = CurrentAdvisories(path: fixture.folder + "/none", salt: "").held
        ImageReader(images).judge(&report, by: held, now: fixture.now)
        #expect(report.inventory.problems.list.contains { $0.message.contains("2 packages were not judged") })
        try await records.record(report, scan: scan, of: Made.digest(1), generation: held.generation)
        #expect(try await records.image(Made.digest(1))?.state == .incomplete)
        let verdict = try await records.verdict(of: Made.digest(1), reference: Made.reference(1))
        #expect(verdict?.phase == .incomplete && verdict?.message.contains("no advisories") == true)
    }
}

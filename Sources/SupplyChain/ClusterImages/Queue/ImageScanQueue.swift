// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Advisories
import Foundation
import ImageScanning
import Logging
import OCI
import Synchronization

/// Scans and judges what the records say is due, a few at a time.
///
/// The records are the queue: what is done is in them, and what a process did not finish is due again for the next one.
/// Here is only what is under way.
package final class ImageScanQueue: Sendable {
    package struct Options: Sendable {
        /// Images at a time.
        package var width = 2
        /// How often advisories are looked at.
        package var interval = Duration.seconds(60)
        package init() {}
    }

    private struct Live {
        var state = ImageQueueState()
        var jobs: [String: ImageQueueState.Job] = [:]
        var registries = HeldRegistries()
        /// Images that were done since what is due was last read, which may name them still.
        var done: Set<String> = []
        /// Images whose outcome could not be kept, and until when they are left.
        var unkept: [String: Int64] = [:]
        var problem = ""
    }

    private let records: ImageRecords
    private let reader: ImageReader
    private let advisories: CurrentAdvisories
    private let options: Options
    private let logger: Logger
    private let now: @Sendable () -> Int64
    private let live = Mutex(Live())
    private let wakes: AsyncStream<Void>
    private let waker: AsyncStream<Void>.Continuation
    /// Told of an image about which something new is known.
    private let onDone: @Sendable (_ digest: String) -> Void

    package init(
        _ records: ImageRecords, _ reader: ImageReader, _ advisories: CurrentAdvisories, options: Options = Options(),
        logger: Logger, now: @escaping @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) },
        onDone: @escaping @Sendable (_ digest: String) -> Void = { _ in }
    ) {
        (self.records, self.reader, self.advisories) = (records, reader, advisories)
        (self.options, self.logger, self.now, self.onDone) = (options, logger, now, onDone)
        (wakes, waker) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Something may be due.
    package func wake() { waker.yield() }

    package var state: ImageQueueState {
        let held = advisories.held
        let now = now()
        return live.withLock { live in
            live.state.running = live.jobs.values.sorted { ($0.started, $0.digest) < ($1.started, $1.digest) }
            live.state.heldRegistries = live.registries.count(now: now)
            (live.state.advisoriesUpdated, live.state.advisoryRecords) = (nil, 0)
            if let state = held.state {
                (live.state.advisoriesUpdated, live.state.advisoryRecords) = (state.updated, state.records)
            }
            live.state.problem = live.problem.isEmpty ? held.problem : live.problem
            return live.state
        }
    }

    /// Whether an image is being read or judged.
    package func isRunning(_ digest: String) -> Bool { live.withLock { $0.jobs[digest] != nil } }

    /// Works until the task is cancelled.
    package func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.look() }
            group.addTask { try await self.tidy() }
            group.addTask { try await self.work() }
            group.addTask {
                // Times of tries come without anybody's word.
                while true {
                    try await Task.sleep(for: .seconds(5))
                    self.wake()
                }
            }
            try await group.next()
            group.cancelAll()
        }
    }

    private func look() async throws {
        while true {
            try await Task.sleep(for: options.interval)
            if advisories.refresh() {
                let held = advisories.held
                logger.notice(
                    "The advisories are others now: images are judged again",
                    metadata: ["records": "\(held.state?.records ?? 0)"])
                wake()
            }
        }
    }

    private func tidy() async throws {
        while true {
            try await Task.sleep(for: .seconds(300))
            do { try await records.prune() } catch {
                try Task.checkCancellation()
                logger.error("old images could not be dropped", metadata: ["reason": "\(error)"])
            }
        }
    }

    private func work() async throws {
        wake()
        try await withThrowingDiscardingTaskGroup { group in
            for await _ in wakes {
                try Task.checkCancellation()
                guard live.withLock({ $0.jobs.count < options.width }) else { continue }
                let held = advisories.held
                let due: [DueImage]
                live.withLock { $0.done = [] }
                do {
                    due = try await records.due(generation: held.generation)
                    live.withLock { $0.problem = "" }
                } catch {
                    try Task.checkCancellation()
                    logger.error("what is due cannot be read", metadata: ["reason": "\(error)"])
                    live.withLock { $0.problem = "What is known of images cannot be read: \(error)" }
                    continue
                }
                for image in take(due) {
                    group.addTask {
                        await self.process(image, held)
                        self.live.withLock { live in
                            live.jobs[image.digest] = nil
                            live.done.insert(image.digest)
                        }
                        self.onDone(image.digest)
                        self.wake()
                    }
                }
            }
            group.cancelAll()
        }
        try Task.checkCancellation()
    }

    /// Those that may begin now, entered as running.
    private func take(_ due: [DueImage]) -> [DueImage] {
        let time = now()
        return live.withLock { live in
            live.unkept = live.unkept.filter { $0.value > time }
            var taken: [DueImage] = []
            var waiting = 0
            for image in due where live.jobs[image.digest] == nil && !live.done.contains(image.digest) {
                let isHeld =
                    live.unkept[image.digest] != nil
                    || (image.need == .scan && live.registries.until(Self.registry(of: image)) > time)
                guard !isHeld, live.jobs.count < options.width else {
                    waiting += 1
                    continue
                }
                live.jobs[image.digest] = ImageQueueState.Job(
                    reference: image.references.first ?? image.digest, digest: image.digest, started: time)
                taken.append(image)
            }
            live.state.waiting = waiting
            return taken
        }
    }

    private static func registry(of image: DueImage) -> String {
        image.references.first.flatMap { try? ImageReference($0).registry } ?? ""
    }

    // MARK: One image

    private func process(_ image: DueImage, _ held: CurrentAdvisories.Held) async {
        let started = ContinuousClock.now
        do {
            if image.need == .judgement, let content = try await records.content(of: image.digest) {
                var report = content
                await withTaskExecutorPreference(ScanThreads.shared) {
                    reader.judge(&report, by: held, now: now())
                }
                try await records.record(report, scan: nil, of: image.digest, generation: held.generation)
                live.withLock { $0.state.judgements += 1 }
                return
            }
            let (scan, size) = try await reader.read(image.references, digest: image.digest) { [self] done, layers in
                live.withLock {
                    $0.jobs[image.digest]?.layersDone = done
                    $0.jobs[image.digest]?.layers = layers
                }
            }
            live.withLock { $0.registries.worked(Self.registry(of: image)) }
            var report = scan
            await withTaskExecutorPreference(ScanThreads.shared) {
                reader.judge(&report, by: held, now: now())
            }
            try await records.record(
                report, scan: scan, of: image.digest, size: size, generation: held.generation)
            let seconds = started.duration(to: .now) / .seconds(1)
            live.withLock {
                $0.state.scans += 1
                $0.state.seconds += seconds
            }
            logger.info(
                "An image was scanned",
                metadata: [
                    "image": "\(report.reference)", "digest": "\(image.digest)", "seconds": "\(seconds)",
                    "vulnerabilities": "\(report.vulnerabilities.count)",
                ])
        } catch {
            // The process stops; what it did not finish is due again for the next.
            if Task.isCancelled { return }
            await fail(image, error, seconds: started.duration(to: .now) / .seconds(1))
        }
    }

    private func fail(_ image: DueImage, _ error: any Error, seconds: Double) async {
        let time = now()
        let reference = image.references.first ?? ""
        live.withLock {
            $0.state.failures += 1
            $0.state.seconds += seconds
        }
        logger.warning(
            "An image could not be scanned",
            metadata: ["image": "\(reference)", "digest": "\(image.digest)", "reason": "\(error)"])
        if let error = error as? OCIError {
            let wait = RetryTimes.wait(after: image.attempts &+ 1, isLasting: error.isLasting)
            if error.concernsRegistry {
                live.withLock { $0.registries.failed(Self.registry(of: image), now: time) }
            }
            do {
                return try await records.recordFailure(
                    of: image.digest, reference: reference, message: error.description, next: time + wait)
            } catch {
                logger.error("a failure could not be kept", metadata: ["reason": "\(error)"])
            }
        }
        // The store does not take it: not again at once.
        live.withLock { $0.unkept[image.digest] = time + 60 }
    }
}

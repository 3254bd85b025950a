// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Foundation
import Logging
import Synchronization

/// Runs full inspections: at the start, on demand and on schedule, one at a time, each kept as a report.
package final class InspectionService: Sendable {
    package enum Phase: String, Sendable {
        case idle, waiting, judging, finished, failed
    }

    package struct Progress: Sendable {
        package var phase = Phase.idle
        package var done = 0
        package var total = 0
        package var started: Int64?
        package var finished: Int64?
        package var message = ""
        package var report: Int64?
    }

    private struct State {
        var progress = Progress()
        var wanted: Report.Trigger?
        var schedule: CronSchedule?
        var next: Int64?
        var durations: [Double] = []
    }

    package let source: any InspectionSource
    private let recorder: any InspectionRecorder
    private let logger: Logger
    private let now: @Sendable () -> Int64
    private let state = Mutex(State())
    /// Told of every report that ended whole, after it is stored.
    private let onFinished: @Sendable (Int64, Summary) async -> Void
    private let onStarted: @Sendable (Int64) async -> Void

    package init(
        source: any InspectionSource, recorder: any InspectionRecorder, logger: Logger,
        now: @escaping @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) },
        onStarted: @escaping @Sendable (Int64) async -> Void = { _ in },
        onFinished: @escaping @Sendable (Int64, Summary) async -> Void = { _, _ in }
    ) {
        self.source = source
        self.recorder = recorder
        self.logger = logger
        self.now = now
        self.onStarted = onStarted
        self.onFinished = onFinished
    }

    package var progress: Progress { state.withLock { $0.progress } }

    /// Seconds that each full inspection took since the start of the process, the newest thousand.
    package var durations: [Double] { state.withLock { $0.durations } }

    /// Asks for a full inspection; false when one is running or about to.
    package func start(_ trigger: Report.Trigger = .demand) -> Bool {
        state.withLock { state in
            guard state.wanted == nil, state.progress.phase != .judging, state.progress.phase != .waiting else {
                return false
            }
            state.wanted = trigger
            // What the last run came to must not look like the end of this one.
            state.progress = Progress(phase: .waiting, message: "about to begin")
            return true
        }
    }

    /// Nil stops scheduled inspections.
    package func setSchedule(_ schedule: CronSchedule?) {
        let next = schedule?.next(after: now())
        state.withLock { state in
            state.schedule = schedule
            state.next = next
        }
    }

    /// Watches and inspects until cancelled.
    package func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.source.watch() }
            group.addTask { try await self.inspectWhenWanted() }
            try await group.waitForAll()
        }
    }

    private func inspectWhenWanted() async throws {
        state.withLock { state in
            state.wanted = .start
            state.progress.phase = .waiting
            state.progress.message = "waiting for the first lists"
        }
        try await source.becomeReady()
        while true {
            let now = now()
            let due: Report.Trigger? = state.withLock { state in
                guard state.wanted != nil || state.next.map({ $0 <= now }) == true else { return nil }
                defer { state.wanted = nil }
                state.progress = Progress(phase: .judging, started: now)
                return state.wanted ?? .schedule
            }
            if let due {
                await inspect(due)
                // Times that passed meanwhile are not made up for.
                let now = self.now()
                state.withLock { state in
                    if let next = state.next, next <= now { state.next = state.schedule?.next(after: now) }
                }
            }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    private func inspect(_ trigger: Report.Trigger) async {
        let started = ContinuousClock.now
        var report: Int64?
        do {
            let id = try await recorder.beginReport(cluster: source.name, trigger: trigger)
            report = id
            state.withLock { $0.progress.report = id }
            await onStarted(id)
            let summary = try await source.inspectAll(report: id) { done, total in
                self.state.withLock { state in
                    state.progress.done = done
                    state.progress.total = total
                }
            }
            try await recorder.finishReport(id, summary: summary)
            let seconds = started.duration(to: .now) / .seconds(1)
            end(.finished, "\(summary.objects) objects, score \(summary.score)", seconds)
            logger.info(
                "inspection finished",
                metadata: [
                    "report": "\(id)", "objects": "\(summary.objects)", "score": "\(summary.score)",
                    "seconds": "\(seconds)",
                ])
            await onFinished(id, summary)
        } catch is CancellationError where Task.isCancelled {
            // The server stops. The next start marks the report as interrupted.
            end(.failed, "the server stopped", nil)
        } catch {
            end(.failed, "\(error)", nil)
            logger.error("inspection failed", metadata: ["reason": "\(error)"])
            if let report { try? await recorder.failReport(report, message: "\(error)") }
        }
    }

    private func end(_ phase: Phase, _ message: String, _ seconds: Double?) {
        let time = now()
        state.withLock { state in
            state.progress.phase = phase
            state.progress.message = message
            state.progress.finished = time
            if let seconds { state.durations = state.durations.suffix(999) + [seconds] }
        }
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Foundation
import Logging

/// Asks every reviewer that a request concerns, in order, and merges what they say.
///
/// All are asked, also after one refused, so that a user sees every reason at once. In phase `mutate` each sees the
/// object as the API server sent it, not as an earlier reviewer would change it; their patches are applied one after the
/// other. (The API server calls the webhook again when another one changed the object, and `validate` sees the result.)
package final class ReviewerChain: Sendable {
    package struct Options: Sendable {
        /// Reviews that run at once.
        package var maxRunning = 64
        /// Reviews that wait for those.
        package var maxWaiting = 512
        /// The longest that a review may take; the API server's own timeout counts when that is shorter.
        package var deadline = Duration.seconds(8)
        /// How long before the API server's timeout the answer must be out.
        package var margin = Duration.milliseconds(300)

        package init() {}
    }

    package let reviewers: [any Reviewer]
    package let metrics: AdmissionMetrics
    private let recorder: any DecisionRecorder
    private let options: Options
    private let slots: ReviewSlots
    private let log: LimitedLog

    package init(
        _ reviewers: [any Reviewer], recorder: any DecisionRecorder, metrics: AdmissionMetrics = AdmissionMetrics(),
        options: Options = Options(), logger: Logger
    ) {
        self.reviewers = reviewers
        self.recorder = recorder
        self.metrics = metrics
        self.options = options
        slots = ReviewSlots(running: options.maxRunning, waiting: options.maxWaiting)
        log = LimitedLog(logger)
        metrics.watch(slots)
    }

    /// What is waited for before requests can be judged, by reviewer; empty when all can judge.
    package var waitsFor: [(reviewer: String, reason: String)] {
        reviewers.compactMap { reviewer in reviewer.waitsFor.map { (reviewer.name, $0) } }
    }

    /// The webhooks of its reviewers.
    package var webhooks: Set<String> { Set(reviewers.map(\.webhook)) }

    /// - Parameters:
    ///   - webhook: which one asks; see `Reviewer.webhook`.
    ///   - timeout: how long the API server waits, from `started` on.
    ///   - started: when the first byte of the request arrived.
    package func review(
        _ request: AdmissionRequest, in phase: ReviewPhase, of webhook: String = "", timeout: Duration? = nil,
        started: ContinuousClock.Instant = .now
    ) async -> ReviewAnswer {
        let concerned = reviewers.filter { $0.webhook == webhook && $0.concerns(request, in: phase) }
        let deadline = deadline(timeout, started)
        var request = request
        request.deadline = deadline
        var merge = Merge(request: request, phase: phase, concerned: concerned)
        if !concerned.isEmpty {
            switch slots.enter() {
            case .refused: fail(&merge, .overloaded, "too many requests wait for a review already")
            case .entered:
                merge = await run(merge, until: deadline)
                slots.leave()
            case .waiting(let place):
                if await slots.wait(place, until: deadline) {
                    merge = await run(merge, until: deadline)
                    slots.leave()
                } else {
                    fail(&merge, .timeout, "no review could begin before the deadline")
                }
            }
        }
        let elapsed = ContinuousClock.now - started
        for var decision in merge.decisions {
            decision.microseconds = Int(clamping: elapsed.microseconds)
            recorder.record(decision)
        }
        metrics.answered(phase, merge.actions, after: elapsed)
        return merge.answer
    }

    private func deadline(_ timeout: Duration?, _ started: ContinuousClock.Instant) -> ContinuousClock.Instant {
        guard let timeout else { return started + options.deadline }
        // A short timeout keeps at least half of it.
        return started + min(options.deadline, max(timeout - options.margin, timeout / 2))
    }

    /// Asks one reviewer after the other; at the deadline the one that is at work is cancelled, and it and those that
    /// have not been asked count as failed. A reviewer must heed cancellation.
    private func run(_ merge: Merge, until deadline: ContinuousClock.Instant) async -> Merge {
        // A timer costs more than most reviews: only for those that may wait.
        guard merge.mayWait else { return await ask(merge, until: deadline) }
        return await withTaskGroup(of: Merge?.self) { group in
            group.addTask { await self.ask(merge, until: deadline) }
            group.addTask {
                try? await Task.sleep(until: deadline, clock: .continuous)
                return nil
            }
            var finished = merge
            for await result in group {
                if let result { finished = result }
                group.cancelAll()
            }
            return finished
        }
    }

    private func ask(_ start: Merge, until deadline: ContinuousClock.Instant) async -> Merge {
        var merge = start
        while let reviewer = merge.next() {
            if let reason = reviewer.waitsFor {
                fail(&merge, reviewer, .notReady, "not ready: \(reason)")
                continue
            }
            do {
                if Task.isCancelled { throw CancellationError() }
                let review = try await reviewer.review(merge.request, in: merge.phase)
                guard review.patch.isEmpty || merge.phase == .mutate else {
                    throw AdmissionError(.invalid, "a patch in phase \(merge.phase.rawValue)")
                }
                merge.take(review, of: reviewer)
            } catch {
                if Task.isCancelled || error is CancellationError || ContinuousClock.now >= deadline {
                    fail(&merge, reviewer, .timeout, "no answer before the deadline")
                } else {
                    fail(&merge, reviewer, .error, "\(error)")
                }
            }
        }
        return merge
    }

    /// Every reviewer that is left fails.
    private func fail(_ merge: inout Merge, _ kind: ReviewFailure, _ reason: String) {
        while let reviewer = merge.next() { fail(&merge, reviewer, kind, reason) }
    }

    private func fail(_ merge: inout Merge, _ reviewer: any Reviewer, _ kind: ReviewFailure, _ reason: String) {
        let policy: FailurePolicy = merge.phase == .advise ? .ignore : reviewer.failurePolicy
        merge.fail(reviewer, kind, reason, policy)
        metrics.failed(reviewer.name, merge.phase, kind, isOpen: policy == .ignore)
        let request = merge.request
        log.warning(
            "\(reviewer.name) \(kind.rawValue)",
            "A request could not be judged and was \(policy == .ignore ? "let through" : "refused")",
            metadata: [
                "reviewer": "\(reviewer.name)", "phase": "\(merge.phase.rawValue)", "failure": "\(kind.rawValue)",
                "reason": "\(reason.prefix(500))", "uid": "\(request.uid)",
                "operation": "\(request.operation.rawValue)",
                "resource": "\(request.resource)", "namespace": "\(request.namespace)", "name": "\(request.name)",
            ])
    }
}

/// Why a reviewer gave no review.
package enum ReviewFailure: String, Sendable, CaseIterable {
    case error, timeout, notReady, overloaded

    /// The HTTP status of a refusal for it.
    var code: Int {
        switch self {
        case .error: 500
        case .timeout: 504
        case .notReady: 503
        case .overloaded: 429
        }
    }
}

extension Duration {
    var microseconds: Int64 { components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000 }
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}

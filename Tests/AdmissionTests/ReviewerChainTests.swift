// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Logging
import Testing

@testable import Admission

@Suite struct ReviewerChainTests {
    private let recorder = FakeRecorder()
    private let metrics = AdmissionMetrics()

    private func chain(
        _ reviewers: [any Reviewer], _ options: ReviewerChain.Options = .init()
    ) -> ReviewerChain {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return ReviewerChain(reviewers, recorder: recorder, metrics: metrics, options: options, logger: logger)
    }

    private func decision(_ action: AdmissionDecision.Action) -> AdmissionDecision {
        AdmissionDecision(
            uid: "u-1", time: 0, reviewer: "one", action: action, allowed: action != .deny, operation: "CREATE",
            subject: Subject(apiVersion: "v1", kind: "Pod", name: "cart"), user: "jane")
    }

    @Test func everythingIsMerged() async {
        let (deny, warn) = (decision(.deny), decision(.warn))
        let chain = chain([
            FakeReviewer("one") { _, _ in
                Review(
                    allowed: false, message: "first", code: 422, warnings: ["w1"], auditAnnotations: ["k": "1"],
                    patch: [.init(.add, "/a", "1")], decision: deny)
            },
            FakeReviewer("two") { request, _ in
                // Sees the object as it was sent.
                #expect(request.object == nil)
                return Review(
                    warnings: ["w2"], auditAnnotations: ["k": "2", "l": "3"], patch: [.init(.add, "/b", "2")],
                    decision: warn)
            },
            FakeReviewer("three") { _, _ in Review(allowed: false, message: "third") },
            FakeReviewer("elsewhere", phases: [.validate]) { _, _ in Review(allowed: false, message: "never") },
        ])
        let answer = await chain.review(request(), in: .mutate)
        #expect(!answer.allowed && answer.code == 422 && answer.message == "first\nthird")
        #expect(answer.warnings == ["w1", "w2"] && answer.auditAnnotations == ["k": "1; 2", "l": "3"])
        #expect(answer.patch.map(\.path) == ["/a", "/b"])
        #expect(recorder.decisions.map(\.action) == [.deny, .warn])
        #expect(recorder.decisions.allSatisfy { $0.microseconds > 0 })
        #expect(metrics.text.contains(#"reviews_total{phase="mutate",reviewer="three",action="deny"} 1"#))
    }

    @Test func nobodyConcerned() async {
        let answer = await chain([FakeReviewer(phases: [])]).review(request(), in: .validate)
        #expect(answer == ReviewAnswer(uid: "u-1"))
    }

    @Test(arguments: [FailurePolicy.fail, .ignore], ReviewPhase.allCases)
    func errorsFollowTheFailurePolicy(_ policy: FailurePolicy, _ phase: ReviewPhase) async throws {
        let chain = chain([
            FakeReviewer("broken", policy) { _, _ in throw Failure() },
            FakeReviewer("whole") { _, _ in
                Review(warnings: ["asked too"])
            },
        ])
        let answer = await chain.review(request(dryRun: true), in: phase)
        let isOpen = policy == .ignore || phase == .advise
        #expect(answer.allowed == isOpen && answer.warnings.contains("asked too"))
        // What happened inside is not the user's business.
        #expect(!answer.message.contains("disk") && !answer.warnings.joined().contains("disk"))
        if isOpen {
            #expect(answer.warnings.first?.contains("broken could not judge") == true)
            #expect(answer.auditAnnotations["unjudged"] == "broken: error")
        } else {
            #expect(answer.code == 500 && answer.message.contains("broken could not judge"))
        }
        let recorded = try #require(recorder.decisions.first)
        #expect(recorder.decisions.count == 1 && recorded.action == .error && recorded.allowed == isOpen)
        #expect(recorded.reasons.first?.message == "the disk is full" && recorded.dryRun)
        #expect(metrics.failedOpen == (isOpen ? 1 : 0))
        #expect(
            metrics.text.contains(#"failures_total{phase="\#(phase.rawValue)",reviewer="broken",failure="error"} 1"#))
    }

    @Test func aJudgedNoStandsBeforeAFailure() async {
        let chain = chain([
            FakeReviewer("broken") { _, _ in throw Failure() },
            FakeReviewer("strict") { _, _ in Review(allowed: false, message: "no") },
        ])
        #expect(await chain.review(request(), in: .validate).code == 403)
    }

    @Test func patchesOutsideMutateAreErrors() async {
        let chain = chain([FakeReviewer { _, _ in Review(patch: [.init(.remove, "/a")]) }])
        #expect(await chain.review(request(), in: .validate).code == 500)
    }

    @Test func adviceNeverRefuses() async {
        let chain = chain([FakeReviewer { _, _ in Review(allowed: false, message: "not good") }])
        let answer = await chain.review(request(), in: .advise)
        #expect(answer.allowed && answer.warnings == ["not good"])
    }

    @Test func whoIsNotReadyFails() async {
        let reviewer = FakeReviewer("slow starter")
        let chain = chain([reviewer])
        reviewer.waitsFor = "policies"
        #expect(chain.waitsFor.map(\.reason) == ["policies"])
        let answer = await chain.review(request(), in: .validate)
        #expect(answer.code == 503 && answer.message.contains("policies"))
        reviewer.waitsFor = nil
        #expect(await chain.review(request(), in: .validate).allowed)
    }

    @Test func theDeadlineHolds() async {
        let began = ContinuousClock.now
        let chain = chain([
            FakeReviewer("quick", .ignore) { _, _ in Review(warnings: ["quick"]) },
            FakeReviewer("slow", .fail) { _, _ in
                try await Task.sleep(for: .seconds(30))
                return .allow
            },
            FakeReviewer("last", .ignore),
        ])
        // The API server's timeout is shorter than our own, and leaves its half as it is less than twice the margin.
        let answer = await chain.review(request(), in: .validate, timeout: .milliseconds(400))
        let took = ContinuousClock.now - began
        #expect(took >= .milliseconds(200) && took < .seconds(5))
        #expect(!answer.allowed && answer.code == 504)
        #expect(answer.warnings.first == "quick" && answer.warnings.last?.hasPrefix("last could not judge") == true)
        #expect(metrics.text.contains(#"reviewer="slow",failure="timeout"} 1"#))
    }

    @Test func ownDeadlineCountsWhenShorter() async {
        var options = ReviewerChain.Options()
        options.deadline = .milliseconds(50)
        let chain = chain(
            [
                FakeReviewer { _, _ in
                    try await Task.sleep(for: .seconds(30))
                    return .allow
                }
            ], options)
        #expect(await chain.review(request(), in: .validate, timeout: .seconds(30)).code == 504)
    }

    @Test func overloadIsAnsweredAtOnce() async {
        var options = ReviewerChain.Options()
        options.maxRunning = 2
        options.maxWaiting = 3
        options.deadline = .seconds(20)
        let gate = Gate()
        let chain = chain(
            [
                FakeReviewer("busy", .fail) { _, _ in
                    try await gate.pass()
                    return .allow
                },
                FakeReviewer("lenient", .ignore),
            ], options)
        await withTaskGroup(of: ReviewAnswer.self) { group in
            for _ in 0..<2 { group.addTask { await chain.review(request(), in: .validate) } }
            await gate.waitFor(2)
            for _ in 0..<3 { group.addTask { await chain.review(request(), in: .validate) } }
            while !metrics.text.contains("bulwark_admission_waiting 3") { await Task.yield() }
            let began = ContinuousClock.now
            let shed = await chain.review(request(), in: .validate)
            #expect(ContinuousClock.now - began < .seconds(5))
            #expect(!shed.allowed && shed.code == 429)
            #expect(shed.warnings.first?.hasPrefix("lenient could not judge") == true)
            #expect(metrics.shed == 2)
            await gate.open()
            var allowed = 0
            for await answer in group where answer.allowed { allowed += 1 }
            #expect(allowed == 5)
        }
        #expect(
            metrics.text.contains("bulwark_admission_running 0") && metrics.text.contains("bulwark_admission_waiting 0")
        )
    }

    @Test func whoWaitsTooLongIsAnswered() async {
        var options = ReviewerChain.Options()
        options.maxRunning = 1
        let chain = chain(
            [
                FakeReviewer { request, _ in
                    if request.name == "first" { try await Task.sleep(for: .milliseconds(500)) }
                    return .allow
                }
            ], options)
        async let first = chain.review(request(name: "first"), in: .validate)
        while !metrics.text.contains("bulwark_admission_running 1") { await Task.yield() }
        let second = await chain.review(request(), in: .validate, timeout: .milliseconds(100))
        #expect(second.code == 504)
        #expect(await first.allowed)
        // The slot that nobody waits for any more is free again.
        #expect(await chain.review(request(), in: .validate).allowed)
    }
}

/// Holds tasks up until opened.
actor Gate {
    private var isOpen = false
    private var arrived = 0

    func pass() async throws {
        arrived += 1
        while !isOpen { try await Task.sleep(for: .milliseconds(1)) }
    }

    func waitFor(_ count: Int) async {
        while arrived < count { try? await Task.sleep(for: .milliseconds(1)) }
    }

    func open() { isOpen = true }
}

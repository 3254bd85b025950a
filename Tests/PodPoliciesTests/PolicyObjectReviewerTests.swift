// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import Findings
import PodPolicies
import Testing

@Suite struct PolicyObjectReviewerTests {
    private static let binding =
        #"{"metadata":{"name":"b"},"spec":{"policy":"p","subjects":[{"kind":"User","name":"u"}]}}"#

    private func review(
        _ object: String, old: String? = nil, _ kind: String, _ resource: String, mayUse: Bool = true
    ) async throws -> Review {
        let reviewer = PolicyObjectReviewer(
            try index(policies: [("p", #"{"standard":{"level":"baseline"}}"#)]),
            mayUse: { policy, user, groups in mayUse && user == "anna" && groups == ["system:authenticated"] })
        return try await reviewer.review(
            request(
                object, old: old, old == nil ? .create : .update,
                kind: .init(group: "policy.bulwark.dev", version: "v1", name: kind), resource: resource), in: .validate)
    }

    @Test func anInvalidObjectIsRefusedWithItsField() async throws {
        let answer = try await review(
            #"{"metadata":{"name":"p"},"spec":{"standard":{"level":"none"}}}"#, "PodPolicy", "podpolicies")
        #expect(!answer.allowed && answer.code == 422 && answer.message.contains("spec.standard.level"))
        // One that slipped in unread may still lose its finalizers.
        let stored = #"{"metadata":{"name":"p","finalizers":["x"]},"spec":{"standard":{"level":"none"}}}"#
        let freed = #"{"metadata":{"name":"p"},"spec":{"standard":{"level":"none"}}}"#
        #expect(try await review(freed, old: stored, "PodPolicy", "podpolicies").allowed)
    }

    @Test func whoBindsMustBeAllowedToUse() async throws {
        #expect(try await review(Self.binding, "PodPolicyBinding", "podpolicybindings").allowed)
        let refused = try await review(Self.binding, "PodPolicyBinding", "podpolicybindings", mayUse: false)
        #expect(!refused.allowed && refused.code == 403 && refused.message.contains("use"))
        for changed in [
            Self.binding.replacing(#""policy":"p""#, with: #""policy":"q""#),
            Self.binding.replacing(#""name":"u""#, with: #""name":"v""#),
            Self.binding.replacing("}]}}", with: #"}],"namespaces":{"names":["n"]}}}"#),
        ] {
            let answer = try await review(
                changed, old: Self.binding, "PodPolicyBinding", "podpolicybindings", mayUse: false)
            #expect(!answer.allowed, "\(changed)")
        }
        let labelled = Self.binding.replacing(#""name":"b""#, with: #""name":"b","labels":{"x":"y"}"#)
        #expect(
            try await review(labelled, old: Self.binding, "PodPolicyBinding", "podpolicybindings", mayUse: false)
                .allowed)
    }

    @Test func aBindingToNothingIsTakenWithAWarning() async throws {
        let answer = try await review(
            Self.binding.replacing(#""policy":"p""#, with: #""policy":"gone""#), "PodPolicyBinding", "podpolicybindings"
        )
        #expect(answer.allowed && answer.warnings.count == 1)
    }
}

@Suite struct PolicyRefusalsTests {
    @Test func countsAnHourAndKeepsFive() {
        let refusals = PolicyRefusals()
        func refuse(_ minute: Int64) {
            refusals.record(
                AdmissionDecision(
                    uid: "u", time: minute * 60_000, reviewer: "pod-policies", action: .deny, allowed: false,
                    operation: "CREATE", subject: .init(apiVersion: "v1", kind: "Pod", namespace: "n", name: "p"),
                    user: "u",
                    reasons: [.init(policy: "p", path: "spec", message: "m"), .init(policy: "p", message: "n")]))
        }
        for minute in Int64(1000)..<1090 { refuse(minute) }
        let counts = refusals.counts(of: "p", now: 1089 * 60)
        #expect(counts.lastHour == 60 && counts.recent.count == 5 && counts.recent[0].time == 1089 * 60)
        #expect(refusals.counts(of: "p", now: 1119 * 60).lastHour == 30)
        #expect(refusals.counts(of: "p", now: 5000 * 60).lastHour == 0)
        refusals.forget(allBut: [])
        #expect(refusals.counts(of: "p", now: 1089 * 60).recent.isEmpty)
    }
}

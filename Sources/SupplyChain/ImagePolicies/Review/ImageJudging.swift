// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Judges the images of one request by all policies, and asks and waits for scans.
struct ImageJudging: Sendable {
    private let index: ImagePolicyIndex
    private let requests: ScanRequests?
    private let policies: [ImagePolicy]
    private let asker: ImageRequest
    private let isDryRun: Bool

    /// - Parameter requests: nil asks for no scans.
    init(
        _ index: ImagePolicyIndex, _ requests: ScanRequests?, _ policies: [ImagePolicy], _ asker: ImageRequest,
        isDryRun: Bool
    ) {
        (self.index, self.requests, self.policies) = (index, requests, policies)
        (self.asker, self.isDryRun) = (asker, isDryRun)
    }

    private struct Case {
        var image: PodImage
        var reference: ScannedReference?
        var problem = ""
        var policies: [ImagePolicy] = []
        var exemptions: [String] = []
    }

    /// - Parameters:
    ///   - holdUntil: the latest moment; nil holds for nothing.
    ///   - now: milliseconds since 1970.
    func judge(
        _ images: [PodImage], holdUntil: ContinuousClock.Instant?, now: @Sendable () -> Int64
    ) async throws -> ImageJudgement {
        let started = ContinuousClock.now
        let cases = images.map { sorted($0, now: now() / 1000) }
        // All scans are asked for before any is waited for.
        var unasked: [ScannedReference: String] = [:]
        var holds: [(ScannedReference, ContinuousClock.Instant)] = []
        for one in cases {
            guard let reference = one.reference, one.policies.contains(where: { $0.needsScan }) else { continue }
            let knowledge = index.knowledge(of: reference)
            guard knowledge.isOpen, unasked[reference] == nil else { continue }
            // Whoever may name an image makes the server connect to its registry: not where a policy says no already.
            if isRefusedAnyway(one) {
                unasked[reference] = "it is not allowed anyway"
                continue
            }
            unasked[reference] = knowledge == .missing ? ask(reference) : ""
            guard let holdUntil, unasked[reference] == "" else { continue }
            let seconds = one.policies.filter { $0.mode == .enforce && $0.needsScan && $0.whenMissing == .wait }
                .map(\.waitSeconds).max()
            if let seconds { holds.append((reference, min(holdUntil, started + .seconds(seconds)))) }
        }
        // A pod that is refused whatever the scans say is not held for them.
        let hold = holds.isEmpty || cases.contains(where: isRefusedAnyway) ? nil : try await hold(holds)
        var judgement = judge(cases, now: now() / 1000) { unasked[$0] ?? "" }
        judgement.hold = hold
        return judgement
    }

    /// By what is known already: no scan is asked for, and nothing is held.
    /// - Parameter now: seconds since 1970.
    func judgeByWhatIsKnown(_ images: [PodImage], now: Int64) -> ImageJudgement {
        judge(images.map { sorted($0, now: now) }, now: now) { _ in "there is no ImageScan of it" }
    }

    /// - Parameter unasked: why no scan was asked for; empty where one was.
    private func judge(_ cases: [Case], now: Int64, unasked: (ScannedReference) -> String) -> ImageJudgement {
        var judgement = ImageJudgement()
        for one in cases {
            judgement.exemptions += one.exemptions.map { ImageRefusalText.plain($0, 300) }
            let knowledge = one.reference.map { index.knowledge(of: $0) } ?? .missing
            let why = one.reference.map(unasked) ?? ""
            for policy in one.policies {
                judgement.add(judge(one, policy, knowledge, why, now).objections(), mode: policy.mode)
            }
        }
        return judgement
    }

    private func judge(
        _ one: Case, _ policy: ImagePolicy, _ knowledge: ImageKnowledge, _ unasked: String, _ now: Int64
    ) -> ImageJudge {
        ImageJudge(
            policy: policy, image: one.image, reference: one.reference, problem: one.problem, knowledge: knowledge,
            unasked: unasked, now: now)
    }

    private func isRefusedAnyway(_ one: Case) -> Bool {
        one.policies.contains { policy in
            guard policy.mode == .enforce, policy.problem == nil, let reference = one.reference else {
                return policy.mode == .enforce
            }
            return !judge(one, policy, .missing, "", 0).nameObjections(reference).isEmpty
        }
    }

    /// The policies that count for an image.
    private func sorted(_ image: PodImage, now: Int64) -> Case {
        var one = Case(image: image)
        do throws(ImagePolicyError) { one.reference = try ScannedReference(image: image.image) } catch {
            one.problem = error.message
        }
        for policy in policies where policy.reaches(one.reference, asker) {
            if let exemption = policy.exemption(for: one.reference, asker, now: now) {
                one.exemptions.append("\(policy.name): \(exemption.owner): \(exemption.reason)")
            } else {
                one.policies.append(policy)
            }
        }
        return one
    }

    /// Why it was not asked for; empty when it was.
    private func ask(_ reference: ScannedReference) -> String {
        if isDryRun { return "a dry run asks for no scan" }
        guard let requests else { return "no scan is asked for here" }
        return requests.ask(reference, namespace: asker.namespace) ?? ""
    }

    /// Holds the request until all scans are there or their time is over. One that finds no place is not held.
    private func hold(_ holds: [(ScannedReference, ContinuousClock.Instant)]) async throws -> ImageHold? {
        guard !holds.isEmpty, index.beginHold(asker.namespace) else { return nil }
        defer { index.endHold(asker.namespace) }
        let start = ContinuousClock.now
        for (reference, deadline) in holds {
            let knowledge = await index.wait(for: reference, until: deadline)
            if Task.isCancelled {
                index.held(.gaveUp, for: start.duration(to: .now))
                throw CancellationError()
            }
            // The pod is refused for this one; the others would only hold it longer.
            if knowledge.isOpen { return ImageHold(time: start.duration(to: .now), hasGivenUp: true) }
        }
        return ImageHold(time: start.duration(to: .now), hasGivenUp: false)
    }
}

extension ImagePolicyIndex {
    /// What policies say of a pod's images outside of admission, by the scans that are there.
    /// - Parameter now: seconds since 1970.
    package func judge(
        _ images: [PodImage], by policies: [ImagePolicy], for request: ImageRequest, now: Int64
    ) -> ImageJudgement {
        ImageJudging(self, nil, policies, request, isDryRun: true).judgeByWhatIsKnown(images, now: now)
    }
}

extension ImagePolicy {
    /// What its author may not have meant, each a sentence.
    /// - Parameter longestHold: in seconds.
    func remarks(longestHold: Int) -> [String] {
        var remarks: [String] = []
        if whenMissing == .wait, mode != .enforce {
            remarks.append("whenMissing: wait holds nothing in mode \(mode.rawValue), which refuses nothing")
        } else if whenMissing == .wait, waitSeconds > longestHold {
            remarks.append("pods are held for at most \(longestHold) seconds: the webhook's deadline")
        }
        if rules.registries?.isEmpty == true { remarks.append("spec.rules.registries is empty: no image is accepted") }
        if !images.isEmpty, rules.registries == nil, mode == .enforce {
            remarks.append(
                "an image of another name is not held to this policy; a policy for all images that lists registries closes that"
            )
        }
        return remarks
    }
}

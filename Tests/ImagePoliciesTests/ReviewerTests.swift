// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import Documents
import Findings
import Kubernetes
import Synchronization
import Testing

@testable import ImagePolicies

let cart = "registry.example.com/shop/cart:1.2"

func podText(_ images: String..., more: String = "", metadata: String = "") -> String {
    let containers = images.enumerated().map { #"{"name":"c\#($0)","image":"\#($1)"}"# }.joined(separator: ",")
    return
        #"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"cart-1"\#(metadata)},"spec":{"containers":[\#(containers)]\#(more)}}"#
}

func request(
    _ text: String, old: String? = nil, kind: String = "Pod", group: String = "", resource: String = "pods",
    subresource: String = "", namespace: String = "shop", user: String = "anna", groups: [String] = [],
    dryRun: Bool = false
) throws -> AdmissionRequest {
    AdmissionRequest(
        uid: "u", operation: old == nil ? .create : .update, kind: .init(group: group, version: "v1", name: kind),
        resource: .init(group: group, version: "v1", name: resource), subresource: subresource, namespace: namespace,
        name: "cart-1", user: user, groups: groups, dryRun: dryRun, object: try object(text),
        oldObject: try old.map { try object($0) })
}

func reviewer(
    _ index: ImagePolicyIndex, _ change: (inout ImagePolicyReviewer.Options) -> Void = { _ in }
) -> ImagePolicyReviewer {
    var options = ImagePolicyReviewer.Options()
    options.now = { now * 1000 }
    change(&options)
    return ImagePolicyReviewer(index, ScanRequests(nil, index, logger: quiet), options: options)
}

@Suite struct ReviewerTests {
    static let strict = #"{"rules":{"vulnerabilities":[{"severity":"critical","onlyFixable":true}],"malware":true}}"#

    func bad(_ image: String = cart) throws -> ImageVerdict {
        try verdict(image) {
            $0.vulnerabilities = [.critical: .init(total: 2, fixable: 2)]
            $0.worst = JudgeTests.openssl
        }
    }

    @Test func refusalsNameEverythingThatHelps() async throws {
        let index = try index(Self.strict)
        try index.put(bad())
        let review = try await reviewer(index).review(request(podText(cart)), in: .validate)
        #expect(!review.allowed && review.code == 403)
        #expect(
            review.message == """
                pod shop/cart-1 is not accepted by the image policy p0:
                  container "c0": registry.example.com/shop/cart:1.2 has 2 critical vulnerabilities, both mended by an upgrade; to pass, upgrade openssl 3.0.11 to 3.0.17 (CVE-2024-1, CVE-2024-2)
                """)
        let decision = try #require(review.decision)
        #expect(decision.action == .deny && !decision.allowed && decision.reviewer == "image-policies")
        #expect(decision.policy == "p0" && decision.user == "anna" && decision.serviceAccount == "shop/default")
        #expect(decision.reasons.map(\.path) == ["spec.containers[0].image"])
        #expect(
            decision.reasons[0].container == "c0"
                && decision.reasons[0].value == #""registry.example.com/shop/cart:1.2""#)
        try index.put(verdict())
        let clean = try await reviewer(index).review(request(podText(cart)), in: .validate)
        #expect(clean.allowed && clean.warnings.isEmpty && clean.decision?.action == .allow)
    }

    @Test func withoutPoliciesNothingIsSaid() async throws {
        let index = try index(#"{"enabled":false,"rules":{}}"#)
        let review = try await reviewer(index).review(request(podText(cart)), in: .validate)
        #expect(review.allowed && review.decision == nil && review.warnings.isEmpty)
        let elsewhere = try ImagePoliciesTests.index(#"{"rules":{},"namespaces":{"names":["pay"]}}"#)
        #expect(try await reviewer(elsewhere).review(request(podText(cart)), in: .validate).decision == nil)
    }

    /// Every policy counts: none can allow what another refuses.
    @Test func allPoliciesCount() async throws {
        let index = try index(Self.strict, #"{"rules":{"registries":["ghcr.io"]}}"#, #"{"rules":{"registries":["*"]}}"#)
        try index.put(bad())
        let review = try await reviewer(index).review(request(podText(cart)), in: .validate)
        #expect(review.message.hasPrefix("pod shop/cart-1 is not accepted by the image policies p0, p1:"))
        #expect(review.message.contains("\n  p1: container \"c0\""))
    }

    // MARK: The table of docs/images/policies.md

    enum State: String, CaseIterable { case missing, failed, incomplete, unreadable }

    @Test(arguments: ["enforce", "warn", "audit"], ["allow", "warn", "deny", "wait"])
    func everyMixDoesWhatTheTableSays(_ mode: String, _ when: String) async throws {
        for state in State.allCases {
            let incomplete = when == "wait" ? "deny" : when
            let index = try index(
                #"{"mode":"\#(mode)","rules":{"malware":true},"whenMissing":"\#(when)","whenIncomplete":"\#(incomplete)"\#(when == "wait" ? #","waitSeconds":1"# : "")}"#
            )
            switch state {
            case .missing: break
            case .failed: try index.put(ImageVerdict(reference: cart, phase: .failed))
            case .incomplete: try index.put(verdict(cart, .incomplete))
            case .unreadable:
                index.put(scan: try object(#"{"spec":{"image":"x"}}"#), name: ImageScan.name(of: cart))
            }
            let start = ContinuousClock.now
            let review = try await reviewer(index).review(request(podText(cart)), in: .validate)
            let isHeld = start.duration(to: .now) > .milliseconds(900)
            let effect = state == .unreadable ? "error" : (when == "wait" ? "deny" : when)
            let expected: AdmissionDecision.Action =
                switch (mode, effect) {
                case (_, "allow"): .allow
                case ("enforce", "deny"): .deny
                case ("enforce", "error"): .error
                case ("enforce", "warn"), ("warn", _): .warn
                default: .audit
                }
            let mix = "\(mode) \(when) \(state)"
            #expect(review.decision?.action == expected, "\(mix)")
            #expect(review.allowed == (expected != .deny && expected != .error), "\(mix)")
            #expect(review.warnings.isEmpty != (expected == .warn), "\(mix)")
            #expect((review.auditAnnotations["image-audit-violations"] != nil) == (expected == .audit), "\(mix)")
            #expect(isHeld == (mode == "enforce" && when == "wait" && state == .missing), "\(mix)")
        }
    }

    // MARK: What cannot be judged

    @Test(arguments: [FailurePolicy.fail, .ignore]) func theFailurePolicyDecidesOfErrors(_ failurePolicy: FailurePolicy)
        async throws
    {
        let name = ImageScan.name(of: cart)
        let scan = try index(Self.strict)
        scan.put(
            scan: try object(#"{"metadata":{"name":"\#(name)"},"spec":{"image":"docker.io/library/nginx:1"}}"#),
            name: name)
        let broken = try index(#"{"rules":{"malware":"yes"}}"#)
        for (index, image, why) in [
            (scan, cart, "its scan cannot be read: metadata.name"),
            (broken, cart, "the policy cannot be read: spec.rules.malware must be true or false"),
            (try index(Self.strict), "Not/A/Reference", "is no reference to an image"),
            (try index(Self.strict), "", "an image without a name cannot be judged"),
        ] {
            let review = try await reviewer(index) { $0.failurePolicy = failurePolicy }.review(
                request(podText(image)), in: .validate)
            #expect(review.decision?.action == .error)
            if failurePolicy == .fail {
                #expect(!review.allowed && review.code == 500 && review.message.contains(why), "\(review.message)")
            } else {
                #expect(review.allowed && review.warnings.first?.contains(why) == true, "\(review.warnings)")
                #expect(review.auditAnnotations["image-unjudged"]?.contains(why) == true)
            }
        }
        // A judged no stands whatever the failure policy makes of the rest.
        try scan.put(bad("nginx"))
        let both = try await reviewer(scan) { $0.failurePolicy = failurePolicy }.review(
            request(podText(cart, "nginx")), in: .validate)
        #expect(!both.allowed && both.code == 403 && both.decision?.action == .deny)
        #expect(both.message.contains("c1") && both.message.contains("c0") == (failurePolicy == .fail))
        // In the other modes nothing is refused for it.
        for mode in ["warn", "audit"] {
            let lenient = try ImagePoliciesTests.index(#"{"mode":"\#(mode)","rules":{"malware":"yes"}}"#)
            #expect(try await reviewer(lenient).review(request(podText(cart)), in: .validate).allowed)
        }
        // An unreadable policy counts where it says.
        let elsewhere = try ImagePoliciesTests.index(#"{"namespaces":{"names":["pay"]},"rules":{"malware":"yes"}}"#)
        #expect(try await reviewer(elsewhere).review(request(podText(cart)), in: .validate).decision == nil)
    }

    // MARK: Which images

    @Test func allImagesOfAPodAreJudged() async throws {
        let index = try index(#"{"rules":{"registries":["ghcr.io"]}}"#)
        let text = podText(
            "ghcr.io/a", "b1",
            more:
                #","initContainers":[{"name":"i","image":"b2"}],"ephemeralContainers":[{"name":"e","image":"b3"}],"volumes":[{"name":"v","image":{"reference":"b4"}},{"name":"w","emptyDir":{}}]"#
        )
        let review = try await reviewer(index).review(request(text), in: .validate)
        #expect(
            review.decision?.reasons.map(\.path) == [
                "spec.containers[1].image", "spec.initContainers[0].image", "spec.ephemeralContainers[0].image",
                "spec.volumes[0].image.reference",
            ])
        #expect(review.message.contains(#"volume "v": b4 comes from none"#))
    }

    @Test func onUpdatesOnlyNewImagesAreJudged() async throws {
        let index = try index(#"{"rules":{"registries":["ghcr.io"]}}"#)
        let reviewer = reviewer(index)
        func review(_ new: String, _ old: String, subresource: String = "", kind: String = "Pod") async throws -> Review
        {
            try await reviewer.review(
                request(new, old: old, kind: kind, subresource: subresource), in: .validate)
        }
        #expect(try await review(podText("bad", "ghcr.io/b"), podText("bad", "ghcr.io/a")).allowed, "a repair")
        #expect(try await review(podText("bad", metadata: #","labels":{"a":"b"}"#), podText("bad")).allowed)
        #expect(try await !review(podText("bad2"), podText("bad")).allowed)
        let debug = podText("bad", more: #","ephemeralContainers":[{"name":"e","image":"evil"}]"#)
        let refused = try await review(debug, podText("bad"), subresource: "ephemeralcontainers")
        #expect(!refused.allowed && refused.message.contains("evil") && !refused.message.contains("c0"))
        // API servers before 1.22 send the debug containers alone.
        let alone = try await review(
            #"{"kind":"EphemeralContainers","metadata":{"name":"cart-1"},"ephemeralContainers":[{"name":"e","image":"evil"}]}"#,
            #"{"kind":"EphemeralContainers","metadata":{"name":"cart-1"},"ephemeralContainers":[]}"#,
            subresource: "ephemeralcontainers", kind: "EphemeralContainers")
        #expect(!alone.allowed && alone.decision?.reasons.map(\.path) == ["ephemeralContainers[0].image"])
    }

    @Test(arguments: [
        #"{"metadata":{"name":"p"}}"#, #"{"spec":[]}"#, #"{"spec":{"containers":{}}}"#,
        #"{"spec":{"containers":["x"]}}"#,
        #"{"spec":{"containers":[{"image":7}]}}"#,
        #"{"spec":{"containers":[],"volumes":[{"image":{"reference":[]}}]}}"#,
    ]) func podsThatAreNoneCannotBeJudged(_ text: String) async throws {
        let reviewer = reviewer(try index(Self.strict))
        let request = try request(text)
        await #expect(throws: ImagePolicyError.self) { try await reviewer.review(request, in: .validate) }
    }

    @Test func theControlPlaneIsNotLockedOut() async throws {
        let index = try index(#"{"rules":{"registries":[]}}"#)
        let reviewer = reviewer(index) {
            $0.protected = ["kube-system", "bulwark-system"]
            $0.isOn = { $0 != "off" }
        }
        for namespace in ["kube-system", "bulwark-system", "off"] {
            #expect(try await reviewer.review(request(podText("x"), namespace: namespace), in: .validate).allowed)
        }
        let mirror = podText(
            "x", more: #","nodeName":"n1""#, metadata: #","annotations":{"kubernetes.io/config.mirror":"h"}"#)
        func review(_ user: String, _ groups: [String]) async throws -> Review {
            try await reviewer.review(request(mirror, user: user, groups: groups), in: .validate)
        }
        #expect(try await review("system:node:n1", ["system:nodes"]).auditAnnotations["image-exempt"] != nil)
        #expect(try await !review("system:node:n2", ["system:nodes"]).allowed)
        #expect(try await !review("system:node:n1", []).allowed)
        #expect(try await !review("anna", ["system:nodes"]).allowed)
    }

    @Test func exemptionsAreWrittenDown() async throws {
        let index = try index(
            #"{"rules":{"registries":[]},"exemptions":[{"images":["nginx"],"owner":"anna","reason":"until the move"}]}"#
        )
        let review = try await reviewer(index).review(request(podText("nginx")), in: .validate)
        #expect(review.allowed && review.auditAnnotations["image-exempt"] == "p0: anna: until the move")
        #expect(try await !reviewer(index).review(request(podText("nginx", "redis")), in: .validate).allowed)
    }

    @Test func labelsDecideAlsoOfNewNamespaces() async throws {
        let index = try index(#"{"rules":{"registries":[]},"namespaces":{"selector":{"matchLabels":{"env":"prod"}}}}"#)
        let asked = Mutex(0)
        let reviewer = reviewer(index) {
            $0.readLabels = { _ in
                asked.withLock { $0 += 1 }
                return ["env": "prod"]
            }
        }
        #expect(try await reviewer.review(request(podText("x"), namespace: "new"), in: .validate).allowed == false)
        #expect(asked.withLock { $0 } == 1)
        #expect(try await reviewer.review(request(podText("x")), in: .validate).allowed)
        let unable = ImagePoliciesTests.reviewer(index)
        await #expect(throws: ImagePolicyError.self) {
            try await unable.review(request(podText("x"), namespace: "new"), in: .validate)
        }
    }

    // MARK: Templates

    @Test(arguments: [
        ("Deployment", "apps", "spec.template.spec."), ("StatefulSet", "apps", "spec.template.spec."),
        ("DaemonSet", "apps", "spec.template.spec."), ("ReplicaSet", "apps", "spec.template.spec."),
        ("Job", "batch", "spec.template.spec."), ("CronJob", "batch", "spec.jobTemplate.spec.template.spec."),
        ("ReplicationController", "", "spec.template.spec."), ("PodTemplate", "", "template.spec."),
    ]) func templatesAreWarnedOf(_ kind: String, _ group: String, _ path: String) async throws {
        var text = #"{"containers":[{"name":"app","image":"bad"}]}"#
        for step in path.split(separator: ".").reversed() { text = #"{"\#(step)":\#(text)}"# }
        let index = try index(
            #"{"rules":{"registries":["ghcr.io"]}}"#, #"{"mode":"warn","rules":{"requireDigest":true}}"#)
        let request = try request(text, kind: kind, group: group, resource: kind.lowercased() + "s")
        let reviewer = reviewer(index)
        #expect(reviewer.concerns(request, in: .advise) && !reviewer.concerns(request, in: .validate))
        let review = try await reviewer.review(request, in: .advise)
        #expect(review.allowed && review.warnings.count == 2 && review.decision?.action == .warn)
        #expect(
            review.warnings[0].hasPrefix("a pod of this \(kind) is not accepted now by the image policy p0: container"))
        #expect(review.warnings[1].contains("would not be accepted by the image policy p1"))
        #expect(review.decision?.reasons.first?.path == "\(path)containers[0].image")
        // What is not new in it is not told again.
        let again = try ImagePoliciesTests.request(
            text, old: text, kind: kind, group: group, resource: kind.lowercased() + "s")
        #expect(try await reviewer.review(again, in: .advise).warnings.isEmpty)
    }

    // MARK: Holding

    static let waiting = #"{"rules":{"malware":true},"whenMissing":"wait","waitSeconds":20}"#

    @Test(.timeLimit(.minutes(1))) func podsAreHeldForTheirScan() async throws {
        let index = try index(Self.waiting)
        let reviewer = reviewer(index)
        async let review = reviewer.review(request(podText(cart, "nginx", cart)), in: .validate)
        // Once it is held, however busy the machine is.
        while index.holds.now < 1 { await Task.yield() }
        try await Task.sleep(for: .milliseconds(50))
        try index.put(verdict())
        try await Task.sleep(for: .milliseconds(50))
        try index.put(verdict("nginx"))
        #expect(try await review.allowed)
        async let other = reviewer.review(request(podText("redis")), in: .validate)
        while index.holds.now < 1 { await Task.yield() }
        try await Task.sleep(for: .milliseconds(50))
        try index.put(verdict("redis") { $0.malware = 1 })
        #expect(try await other.message.contains("holds 1 file that is malware"))
        #expect(index.holds.ended.mapValues(\.count) == [.admitted: 1, .refused: 1] && index.holds.now == 0)
        let seconds = index.holds.ended.values.map(\.seconds)
        #expect(seconds.allSatisfy { (0.04...60).contains($0) }, "\(seconds)")
    }

    /// What `/metrics` tells of holds.
    @Test(.timeLimit(.minutes(1))) func holdsAreCounted() async throws {
        let index = try index(Self.waiting, namespaces: ["shop": [:], "pay": [:]])
        let reviewer = reviewer(index)
        let metrics = AdmissionMetrics()
        metrics.add { index.holds.write(to: &$0) }
        #expect(metrics.text.contains("\nbulwark_admission_image_held 0\n"))
        // Nobody waits for the answer any more.
        let cancelled = Task { try await reviewer.review(request(podText(cart)), in: .validate) }
        while index.holds.now < 1 { await Task.yield() }
        #expect(metrics.text.contains("\nbulwark_admission_image_held 1\n"))
        cancelled.cancel()
        await #expect(throws: CancellationError.self) { try await cancelled.value }
        // The scan does not come.
        var late = try request(podText(cart), namespace: "pay")
        late.deadline = .now + .milliseconds(500)
        #expect(try await !reviewer.review(late, in: .validate).allowed)
        // One that is refused at once was not held.
        #expect(try await !reviewer.review(request(podText(cart), dryRun: true), in: .validate).allowed)
        let text = metrics.text
        for line in [
            "bulwark_admission_image_held 0", #"bulwark_admission_image_holds_total{outcome="gave_up"} 2"#,
            #"bulwark_admission_image_holds_total{outcome="admitted"} 0"#,
            #"bulwark_admission_image_hold_seconds_total{outcome="refused"} 0.0"#,
        ] {
            #expect(text.contains("\n\(line)\n"), "\(line): \(text)")
        }
        #expect(index.holds.ended[.gaveUp].map { $0.seconds > 0.15 } == true, "\(index.holds)")
    }

    @Test(.timeLimit(.minutes(1))) func theDeadlineOfTheRequestEndsTheHold() async throws {
        let index = try index(Self.waiting)
        var request = try request(podText(cart))
        let start = ContinuousClock.now
        request.deadline = start + .milliseconds(600)
        let review = try await reviewer(index).review(request, in: .validate)
        let time = start.duration(to: .now)
        #expect(!review.allowed && review.message.contains("has not been scanned yet; the scan was asked for"))
        #expect(time > .milliseconds(250) && time < .seconds(5), "\(time)")
    }

    /// Nothing is gained by holding these.
    @Test(.timeLimit(.minutes(1))) func someAreNotHeld() async throws {
        let start = ContinuousClock.now
        let index = try index(Self.waiting)
        let dry = try await reviewer(index).review(request(podText(cart), dryRun: true), in: .validate)
        #expect(dry.message.contains("has not been scanned yet: a dry run asks for no scan"))
        let hopeless = try ImagePoliciesTests.index(Self.waiting, #"{"rules":{"registries":["ghcr.io"]}}"#)
        let refused = try await reviewer(hopeless).review(request(podText(cart)), in: .validate)
        #expect(refused.decision?.reasons.count == 2)
        for _ in 0..<ImagePolicyIndex.maxHoldingOfNamespace { #expect(index.beginHold("shop")) }
        let crowded = try await reviewer(index).review(request(podText(cart)), in: .validate)
        #expect(crowded.message.contains("has not been scanned yet; the scan was asked for"))
        #expect(try await !reviewer(index).review(request(podText("bad image", cart)), in: .validate).allowed)
        #expect(start.duration(to: .now) < .seconds(10))
    }

    /// Whoever is held must not keep others from being judged.
    @Test(.timeLimit(.minutes(1))) func theHeldDoNotStandInTheWay() async throws {
        let index = try index(
            Self.waiting, namespaces: Dictionary(uniqueKeysWithValues: (0..<40).map { ("n\($0)", [:]) }))
        try index.put(verdict("nginx"))
        let chain = ReviewerChain([reviewer(index)], recorder: NoRecorder(), logger: quiet)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<40 {
                let held = try request(podText(cart), namespace: "n\(number)")
                group.addTask { await chain.review(held, in: .validate, of: "images", timeout: .seconds(3)).allowed }
            }
            try await Task.sleep(for: .milliseconds(200))
            let start = ContinuousClock.now
            for _ in 0..<50 {
                let answer = await chain.review(
                    try request(podText("nginx")), in: .validate, of: "images", timeout: .seconds(3))
                #expect(answer.allowed)
            }
            #expect(start.duration(to: .now) < .seconds(2))
            for try await isAllowed in group { #expect(!isAllowed) }
        }
    }

    // MARK: Policies and words

    @Test func policiesAreJudgedBeforeTheyAreStored() async throws {
        let reviewer = reviewer(try index()) { $0.deadline = .seconds(10) }
        func review(_ spec: String, old: String? = nil) async throws -> Review {
            try await reviewer.review(
                request(
                    policyText(spec), old: old.map { policyText($0) }, kind: "ImagePolicy", group: "policy.bulwark.dev",
                    resource: "imagepolicies", namespace: ""), in: .validate)
        }
        let bad = try await review(#"{"rules":{"malware":"yes"}}"#)
        #expect(!bad.allowed && bad.code == 422 && bad.message.contains("spec.rules.malware must be true or false"))
        #expect(try await review(#"{"rules":{"malware":"yes"}}"#, old: #"{"rules":{"malware":"yes"}}"#).allowed)
        #expect(try await review(#"{"rules":{"malware":true}}"#).warnings.isEmpty)
        let slow = try await review(#"{"rules":{},"whenMissing":"wait","waitSeconds":28}"#)
        #expect(slow.warnings == ["pods are held for at most 9 seconds: the webhook's deadline"])
        #expect(try await review(#"{"mode":"warn","rules":{},"whenMissing":"wait"}"#).warnings.count == 1)
        #expect(try await review(#"{"rules":{"registries":[]}}"#).warnings.count == 1)
        #expect(try await review(#"{"images":["ghcr.io"],"rules":{}}"#).warnings.count == 1)
    }

    /// Names and messages of images and scanners steer no terminal and fill no screen.
    @Test func hostileTextsAreTamed() async throws {
        let index = try index(Self.strict)
        let hostile = "\u{1B}[2J\u{202E}\n\r" + String(repeating: "x", count: 4000)
        try index.put(
            verdict(cart, .incomplete) {
                $0.message = hostile
                $0.vulnerabilities = [.critical: .init(total: 1, fixable: 1)]
                $0.worst = [
                    .init(id: hostile, severity: .critical, package: hostile, version: "1", fixedVersion: hostile)
                ]
            })
        let review = try await reviewer(index).review(request(podText(cart)), in: .validate)
        #expect(review.message.utf8.count < 4000)
        #expect(!review.message.unicodeScalars.contains { $0.value == 0x1B || $0.value == 0x202E || $0.value == 13 })
        #expect(review.message.split(separator: "\n").count == 3)
        // Many images are told in few lines.
        let many = try await reviewer(try ImagePoliciesTests.index(#"{"rules":{"registries":[]}}"#)).review(
            request(
                #"{"metadata":{"name":"p"},"spec":{"containers":[\#((0..<300).map { #"{"name":"c\#($0)","image":"i\#($0)"}"# }.joined(separator: ","))]}}"#
            ), in: .validate)
        #expect(many.message.split(separator: "\n").count == 12 && many.message.contains("290 more of 300 reasons"))
    }

    @Test func itWaitsUntilEverythingWasRead() {
        let index = ImagePolicyIndex()
        #expect(reviewer(index).waitsFor == "image policies have not been read yet")
    }
}

struct NoRecorder: DecisionRecorder {
    func record(_ decision: AdmissionDecision) {}
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Testing

@testable import ImagePolicies

let now: Int64 = 1_800_000_000

/// A result of a day ago, by advisories of two days ago.
func verdict(
    _ image: String = "registry.example.com/shop/cart:1.2", _ phase: ImageVerdict.Phase = .complete,
    _ change: (inout ImageVerdict) -> Void = { _ in }
) throws -> ImageVerdict {
    var verdict = ImageVerdict(reference: try ImageScan.reference(image), phase: phase)
    verdict.digest = digest
    (verdict.scanned, verdict.resolved, verdict.advisories) = (now - 86_400, now - 3600, now - 2 * 86_400)
    change(&verdict)
    return verdict
}

func objections(
    _ spec: String, _ knowledge: ImageKnowledge, image: String = "registry.example.com/shop/cart:1.2",
    unasked: String = ""
) throws -> [ImageObjection] {
    var problem = ""
    var reference: ScannedReference?
    do throws(ImagePolicyError) { reference = try ScannedReference(image: image) } catch { problem = error.message }
    return ImageJudge(
        policy: try policy(spec), image: PodImage(container: "app", path: "spec.containers[0].image", image: image),
        reference: reference, problem: problem, knowledge: knowledge, unasked: unasked, now: now
    ).objections()
}

@Suite struct JudgeTests {
    static let openssl = [
        ImageVerdict.Vulnerability(
            id: "CVE-2024-1", severity: .critical, package: "openssl", version: "3.0.11", fixedVersion: "3.0.17"),
        .init(id: "CVE-2024-2", severity: .critical, package: "openssl", version: "3.0.11", fixedVersion: "3.0.17"),
        .init(id: "CVE-2024-3", severity: .high, package: "zlib", version: "1.2"),
    ]

    @Test(arguments: [
        (
            #"{"severity":"critical"}"#,
            "has 2 critical vulnerabilities, both mended by an upgrade",
            "upgrade openssl 3.0.11 to 3.0.17 (CVE-2024-1, CVE-2024-2)"
        ),
        (
            #"{"severity":"high"}"#, "has 2 critical and 3 high vulnerabilities, 3 of them mended by an upgrade",
            "upgrade openssl 3.0.11 to 3.0.17 (CVE-2024-1, CVE-2024-2) and what mends 1 more"
        ),
        (
            #"{"severity":"high","onlyFixable":true}"#,
            "has 2 critical and 1 high vulnerabilities, all mended by an upgrade",
            "upgrade openssl 3.0.11 to 3.0.17 (CVE-2024-1, CVE-2024-2) and what mends 1 more"
        ),
        (
            #"{"severity":"high","maxCount":4}"#,
            "has 2 critical and 3 high vulnerabilities, 3 of them mended by an upgrade (4 allowed)",
            "upgrade openssl 3.0.11 to 3.0.17 (CVE-2024-1, CVE-2024-2) and what mends 1 more"
        ),
        (#"{"severity":"high","maxCount":5}"#, "", ""),
        (#"{"severity":"high","onlyFixable":true,"maxCount":3}"#, "", ""),
        (
            #"{"severity":"low"}"#,
            "has 2 critical, 3 high and 1 low vulnerabilities, 3 of them mended by an upgrade",
            "upgrade openssl 3.0.11 to 3.0.17 (CVE-2024-1, CVE-2024-2) and what mends 1 more"
        ),
        (
            #"{"severity":"unknown"}"#,
            "has 2 critical, 3 high, 1 low and 4 unrated vulnerabilities, 3 of them mended by an upgrade",
            "upgrade openssl 3.0.11 to 3.0.17 (CVE-2024-1, CVE-2024-2) and what mends 1 more"
        ),
    ]) func vulnerabilitiesAreCounted(_ rule: String, _ message: String, _ remedy: String) throws {
        let scanned = try verdict {
            $0.vulnerabilities = [
                .critical: .init(total: 2, fixable: 2), .high: .init(total: 3, fixable: 1), .low: .init(total: 1),
                .unknown: .init(total: 4),
            ]
            $0.worst = Self.openssl
        }
        let found = try objections(#"{"rules":{"vulnerabilities":[\#(rule)]}}"#, .result(scanned))
        #expect(found.map(\.message) == (message.isEmpty ? [] : [message]))
        #expect(found.map(\.remedy) == (message.isEmpty ? [] : [remedy]))
        #expect(found.allSatisfy { $0.effect == .deny })
    }

    @Test func whatNoUpgradeMendsSaysSo() throws {
        let scanned = try verdict {
            $0.vulnerabilities = [.high: .init(total: 1)]
            $0.worst = [Self.openssl[2]]
        }
        let found = try objections(#"{"rules":{"vulnerabilities":[{"severity":"high"}]}}"#, .result(scanned))
        #expect(found.map(\.message) == ["has 1 high vulnerability, none mended by an upgrade"])
        #expect(
            found.map(\.remedy) == ["use another base image, or except what does not apply (CVE-2024-3 in zlib 1.2)"])
        // Counts without examples are judged all the same.
        let bare = try verdict { $0.vulnerabilities = [.critical: .init(total: 1, fixable: 1)] }
        let other = try objections(#"{"rules":{"vulnerabilities":[{"severity":"high"}]}}"#, .result(bare))
        #expect(other.map(\.message) == ["has 1 critical vulnerability, mended by an upgrade"])
        #expect(other.map(\.remedy) == ["upgrade what is affected"])
    }

    @Test(arguments: [
        (#"{"rules":{"malware":true}}"#, "holds 1 file that is malware"), (#"{"rules":{"malware":false}}"#, ""),
        (#"{"rules":{"secrets":true}}"#, "holds 2 credentials"), (#"{"rules":{}}"#, ""),
        (#"{"rules":{"maxScanAge":"25h"}}"#, ""),
        (#"{"rules":{"maxScanAge":"23h"}}"#, "was scanned 1 day ago, more than 23 hours"),
        (#"{"rules":{"maxAdvisoryAge":"49h"}}"#, ""),
        (#"{"rules":{"maxAdvisoryAge":"47h"}}"#, "was judged by advisories that are 2 days old, more than 47 hours"),
    ]) func eachRuleAsksForItself(_ spec: String, _ message: String) throws {
        let scanned = try verdict { ($0.malware, $0.secrets) = (1, 2) }
        #expect(try objections(spec, .result(scanned)).map(\.message) == (message.isEmpty ? [] : [message]))
    }

    @Test func tagsAgeByTheirLastLook() throws {
        let spec = #"{"rules":{"maxScanAge":"2d"}}"#
        let old = try verdict { $0.resolved = now - 3 * 86_400 }
        #expect(
            try objections(spec, .result(old)).map(\.message) == [
                "has a tag that was looked up 3 days ago, more than 2 days"
            ])
        let never = try verdict { $0.resolved = 0 }
        #expect(try objections(spec, .result(never)).first?.message.contains("nobody knows when") == true)
        // A digest means the same for ever.
        let image = "registry.example.com/shop/cart@" + digest
        #expect(try objections(spec, .result(verdict(image) { $0.resolved = 0 }), image: image).isEmpty)
    }

    @Test func advisoriesThatNobodyKnowsAreTooOld() throws {
        let found = try objections(#"{"rules":{"maxAdvisoryAge":"9d"}}"#, .result(verdict { $0.advisories = 0 }))
        #expect(found.map(\.message) == ["was judged without any known advisories"])
    }

    /// A scan of tomorrow would never grow old.
    @Test func timesInTheFutureAreNotBelieved() throws {
        for change in [
            { (verdict: inout ImageVerdict) in verdict.scanned = now + 3600 }, { $0.resolved = now + 3600 },
            { $0.advisories = now + 3600 },
        ] {
            let found = try objections(#"{"rules":{"malware":true}}"#, .result(verdict(cart, .complete, change)))
            #expect(found.map(\.effect) == [.error] && found[0].message.contains("a time in the future"))
        }
        let skewed = try verdict { $0.scanned = now + 60 }
        #expect(try objections(#"{"rules":{"malware":true,"maxScanAge":"1h"}}"#, .result(skewed)).isEmpty)
    }

    @Test func tagsAreRefusedWhereDigestsMustBe() throws {
        let spec = #"{"rules":{"requireDigest":true}}"#
        let found = try objections(spec, .missing)
        #expect(found.map(\.message) == ["is named by a tag, which may mean something else when it is pulled"])
        #expect(found[0].remedy == "name it by its digest")
        let known = try objections(spec, .result(verdict()))
        #expect(
            known[0].remedy
                == "name it by its digest: registry.example.com/shop/cart@\(digest) is what the tag meant at the last look"
        )
        #expect(try objections(spec, .missing, image: "a.example/b:1@" + digest).isEmpty)
    }

    @Test(arguments: [
        (#"["registry.example.com"]"#, true), (#"["registry.example.com/shop/*"]"#, true),
        (#"["registry.example.com/other/*","ghcr.io"]"#, false), (#"[]"#, false), (#"["*"]"#, true),
        (#"["example.com"]"#, false),
    ]) func imagesComeFromWhereTheyMay(_ registries: String, _ isAllowed: Bool) throws {
        let found = try objections(#"{"rules":{"registries":\#(registries)}}"#, .missing)
        #expect(found.isEmpty == isAllowed)
        if !isAllowed { #expect(found[0].message == "comes from none of the places that are allowed") }
    }

    // MARK: Missing and incomplete

    static let open: [(ImageKnowledge, String)] = [
        (.missing, "has not been scanned yet; the scan was asked for"), (.waiting(.pending), "waits for its scan"),
        (.waiting(.scanning), "is being scanned"),
        (.failed("registry says 401"), "could not be scanned: registry says 401"),
    ]

    @Test(arguments: ["allow", "warn", "deny", "wait"]) func missingScansGoByThePolicy(_ when: String) throws {
        for (knowledge, message) in Self.open {
            let found = try objections(#"{"rules":{"malware":true},"whenMissing":"\#(when)"}"#, knowledge)
            switch when {
            case "allow": #expect(found.isEmpty)
            case "warn": #expect(found.map(\.message) == [message] && found[0].effect == .warn)
            default: #expect(found.map(\.message) == [message] && found[0].effect == .deny)
            }
        }
    }

    @Test(arguments: ["allow", "warn", "deny"]) func incompleteScansGoByThePolicy(_ when: String) throws {
        let spec = #"{"rules":{"malware":true},"whenIncomplete":"\#(when)"}"#
        let partly = try verdict("registry.example.com/shop/cart:1.2", .incomplete) { $0.message = "rpm unreadable" }
        let found = try objections(spec, .result(partly))
        #expect(found.map(\.message) == (when == "allow" ? [] : ["could be scanned in part only: rpm unreadable"]))
        #expect(found.allSatisfy { $0.effect == (when == "warn" ? .warn : .deny) })
        // What was found counts whatever was not.
        let bad = try verdict("registry.example.com/shop/cart:1.2", .incomplete) { $0.malware = 1 }
        #expect(try objections(spec, .result(bad)).last?.message == "holds 1 file that is malware")
    }

    @Test func whatCannotBeReadIsNeitherGoodNorMissing() throws {
        for when in ["allow", "warn", "deny", "wait"] {
            let spec = #"{"rules":{"malware":true},"whenMissing":"\#(when)","whenIncomplete":"allow"}"#
            let found = try objections(spec, .unreadable("status.malware is missing"))
            #expect(found.map(\.effect) == [.error])
            #expect(found[0].message.contains("its scan cannot be read: status.malware is missing"))
            #expect(found[0].remedy.contains("delete the ImageScan cart-"))
        }
        // A policy that asks for no scan does not mind.
        #expect(try objections(#"{"rules":{"registries":["*"]}}"#, .unreadable("x")).isEmpty)
    }

    @Test(arguments: ["", "a.example/UPPER:1", "a b", "a@sha256:abc", "\u{202E}x", String(repeating: "f", count: 64)])
    func whatIsNoReferenceCannotBeJudged(_ image: String) throws {
        for spec in [#"{"rules":{"malware":true},"whenMissing":"allow"}"#, #"{"rules":{"registries":["*"]}}"#] {
            let found = try objections(spec, .missing, image: image)
            #expect(found.map(\.effect) == [.error], "\(found)")
        }
    }

    @Test func unreadablePoliciesJudgeNothing() throws {
        var unreadable = try policy(#"{"rules":{}}"#)
        unreadable.problem = "spec.x is wrong"
        let judge = ImageJudge(
            policy: unreadable, image: .init(container: "app", path: "p", image: "nginx"),
            reference: try ScannedReference(image: "nginx"), problem: "", knowledge: .result(try verdict()),
            unasked: "",
            now: now)
        #expect(judge.objections().map(\.effect) == [.error])
    }

    // MARK: Modes

    /// What each mode makes of each effect.
    @Test func modesDecideWhoIsTold() throws {
        let image = PodImage(container: "app", path: "p", image: "nginx")
        let all = [ImageObjection.Effect.deny, .warn, .error].map {
            ImageObjection(policy: "p", effect: $0, image: image, message: "m", remedy: "")
        }
        func count(_ mode: ImagePolicy.Mode) -> [Int] {
            var judgement = ImageJudgement()
            judgement.add(all, mode: mode)
            return [
                judgement.refusals.count, judgement.warnings.count, judgement.audits.count, judgement.errors.count,
            ]
        }
        #expect(count(.enforce) == [1, 1, 0, 1])
        #expect(count(.warn) == [0, 3, 0, 0])
        #expect(count(.audit) == [0, 0, 3, 0])
    }

    @Test func namespacesAndImagesSayWhomItIsFor() throws {
        let policy = try policy(
            #"{"rules":{},"namespaces":{"names":["shop"],"selector":{"matchLabels":{"env":"prod"}}},"images":["ghcr.io","nginx:prod-*"]}"#
        )
        func reaches(_ image: String?, _ namespace: String = "shop", _ labels: [String: String] = [:]) throws -> Bool {
            policy.reaches(
                try image.map { try ScannedReference(image: $0) }, ImageRequest(namespace: namespace, labels: labels))
        }
        #expect(try reaches("ghcr.io/a/b") && reaches("nginx:prod-1") && reaches("nginx@" + digest) && reaches(nil))
        #expect(try !reaches("nginx:dev") && !reaches("quay.io/a/b"))
        #expect(try reaches("ghcr.io/a", "pay", ["env": "prod"]) && !reaches("ghcr.io/a", "pay", ["env": "dev"]))
        #expect(try !reaches("ghcr.io/a", "pay"))
    }

    @Test func exemptionsEnd() throws {
        let policy = try policy(
            #"{"rules":{},"exemptions":[{"images":["nginx:1"],"namespaces":["shop"],"owner":"o","reason":"r","expires":"2027-01-15T08:00:01Z"},{"users":["anna"],"owner":"o","reason":"r"}]}"#
        )
        func isExempt(_ image: String, _ user: String = "bob", _ namespace: String = "shop", at time: Int64 = now)
            throws -> Bool
        {
            policy.exemption(
                for: try ScannedReference(image: image), ImageRequest(user: user, namespace: namespace), now: time)
                != nil
        }
        #expect(try isExempt("nginx:1") && !isExempt("nginx:2") && !isExempt("nginx:1", "bob", "pay"))
        #expect(try !isExempt("nginx:1", at: now + 1) && isExempt("nginx:2", "anna", at: now + 1))
        #expect(try !isExempt("nginx:1@" + digest), "the tag beside a digest says nothing")
    }

    @Test(
        arguments: [
            (0, "0 seconds"), (1, "1 second"), (90, "90 seconds"), (60, "1 minute"), (7200, "2 hours"),
            (5400, "90 minutes"),
            (86_400, "1 day"), (129_600, "36 hours"), (1_000_000, "11 days"),
        ] as [(Int64, String)]) func spansAreWords(_ seconds: Int64, _ words: String)
    {
        #expect(ImageJudge.span(seconds) == words)
    }

    /// Outside of admission: by the scans that are there, without asking for others.
    @Test func judgesPodsByWhatIsKnown() throws {
        let index = try index(
            #"{"rules":{"malware":true},"whenMissing":"wait"}"#, #"{"mode":"warn","rules":{"requireDigest":true}}"#,
            #"{"mode":"audit","namespaces":{"selector":{"matchLabels":{"env":"dev"}}},"rules":{"secrets":true}}"#)
        try index.put(verdict { $0.malware = 1 })
        let images = ["registry.example.com/shop/cart:1.2", "ghcr.io/a/b:1", "ghcr.io/A:B:C"].enumerated().map {
            PodImage(container: "c\($0)", path: "spec.containers[\($0)].image", image: $1)
        }
        func judge(_ labels: [String: String]) -> ImageJudgement {
            index.judge(
                images, by: index.policies, for: ImageRequest(namespace: "shop", labels: labels), now: now)
        }
        let judgement = judge([:])
        #expect(judgement.refusals.map(\.image.container) == ["c0", "c1"])
        #expect(judgement.refusals[0].message == "holds 1 file that is malware")
        #expect(judgement.refusals[1].message == "has not been scanned yet: there is no ImageScan of it")
        #expect(judgement.warnings.map(\.image.container) == ["c0", "c1", "c2"] && judgement.audits.isEmpty)
        #expect(judgement.errors.map(\.image.container) == ["c2"] && judgement.asked == 6)
        #expect(judge(["env": "dev"]).audits.map(\.image.container) == ["c1", "c2"])
    }

    /// Templates are found by the way to them, whatever their kind.
    @Test func findsImagesBelowATemplate() throws {
        let spec = #"{"spec":{"initContainers":[{"name":"i","image":"a"}],"containers":[{"name":"c","image":"b"}]}}"#
        for (steps, text) in [
            ([], spec), (["spec", "template"], #"{"spec":{"template":\#(spec)}}"#),
            (["template"], #"{"template":\#(spec)}"#),
        ] {
            let prefix = steps.map { $0 + "." }.joined() + "spec."
            #expect(
                try PodImages.find(in: object(text), below: steps) == [
                    PodImage(container: "c", path: prefix + "containers[0].image", image: "b"),
                    PodImage(container: "i", path: prefix + "initContainers[0].image", image: "a"),
                ])
        }
        #expect(throws: ImagePolicyError(.request, "spec.template must be an object")) {
            try PodImages.find(in: object(#"{"spec":{"template":[]}}"#), below: ["spec", "template"])
        }
    }
}

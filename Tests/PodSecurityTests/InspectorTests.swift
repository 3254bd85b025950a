// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings
import Testing

@testable import PodSecurity

/// What the inspector does around the judges: owners, exemptions, identities, masks.
@Suite struct InspectorTests {
    private static func found(_ json: String) throws -> FoundObject {
        let root = try JSONReader.read(Array(json.utf8), source: "test.json").root
        var all: [FoundObject] = []
        FoundObject.all(in: root, problem: { message, _ in Issue.record("\(message)") }) { all.append($0) }
        return try #require(all.first)
    }

    private static func inspector(_ checks: [String]) throws -> Inspector {
        Inspector(try Catalogue.embedded().selecting(checks))
    }

    private func inspect(_ inspector: Inspector, _ found: FoundObject, owner: ProblemSet? = nil) throws
        -> (results: [CheckResult], problems: ProblemSet, tally: Tally)
    {
        var results: [CheckResult] = []
        var tally = Tally()
        let problems = inspector.inspect(
            Inspector.Input(
                object: found.object, kind: try #require(found.kind), subject: found.subject, file: "test.json",
                ownerProblems: owner), tally: &tally
        ) { results.append($0) }
        return (results, problems, tally)
    }

    // MARK: Owners

    private static let template = #"{"hostNetwork":true,"containers":[{"name":"app","image":"a:1"}]}"#
    private static let replicaSet =
        #"{"kind":"ReplicaSet","apiVersion":"apps/v1","metadata":{"name":"web","uid":"u1"},"spec":{"template":{"spec":\#(template)}}}"#

    private static func pod(_ spec: String, controller: Bool? = true, uid: String = "u1") -> String {
        let flag = controller.map { #","controller":\#($0)"# } ?? ""
        return
            #"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"web-1","ownerReferences":[{"uid":"\#(uid)","kind":"ReplicaSet","name":"web"\#(flag)}]},"spec":\#(spec)}"#
    }

    private static let foldedChecks = ["host-network", "privileged", "readonly-rootfs"]

    private func folded(_ pod: String) throws -> [String] {
        let inspector = try Self.inspector(Self.foldedChecks)
        let owner = try inspect(inspector, try Self.found(Self.replicaSet))
        #expect(owner.results.map(\.check.slug).sorted() == ["host-network", "readonly-rootfs"])
        let pod = try Self.found(pod)
        let problems = pod.controllerUID == "u1" ? owner.problems : nil
        return try inspect(inspector, pod, owner: problems).results.map { "\($0.check.slug) \($0.container)" }.sorted()
    }

    @Test func aPodLikeItsOwnerSaysNothingNew() throws {
        #expect(try folded(Self.pod(Self.template)).isEmpty)
    }

    /// Somebody with the right to make pods names an owner that is not theirs: what differs from that owner still shows.
    @Test func aForgedOwnerHidesNothing() throws {
        let evil =
            #"{"hostNetwork":true,"containers":[{"name":"app","image":"a:1","securityContext":{"privileged":true}}]}"#
        #expect(try folded(Self.pod(evil)) == ["privileged app"])
        let other =
            #"{"hostNetwork":true,"containers":[{"name":"other","image":"a:1","securityContext":{"privileged":true}}]}"#
        #expect(try folded(Self.pod(other)) == ["privileged other", "readonly-rootfs other"])
    }

    @Test func anInjectedSidecarShows() throws {
        let spec =
            #"{"hostNetwork":true,"containers":[{"name":"app","image":"a:1"},{"name":"mesh","image":"m:1","securityContext":{"privileged":true}}]}"#
        #expect(try folded(Self.pod(spec)) == ["privileged mesh", "readonly-rootfs mesh"])
        let initial =
            #"{"hostNetwork":true,"initContainers":[{"name":"mesh-init","image":"m:1"}],"containers":[{"name":"app","image":"a:1"}]}"#
        #expect(try folded(Self.pod(initial)) == ["readonly-rootfs mesh-init"])
    }

    /// Only the one controller of an object counts, and only when it is there.
    @Test func referencesThatAreNoControllerFoldNothing() throws {
        let own = ["host-network ", "readonly-rootfs app"]
        #expect(try folded(Self.pod(Self.template, controller: nil)) == own)
        #expect(try folded(Self.pod(Self.template, controller: false)) == own)
        #expect(try folded(Self.pod(Self.template, uid: "u2")) == own)
    }

    /// What an owner shows as an error hides no failure of its pod, under another container's name at least.
    @Test func theScoreCountsAProblemOnce() throws {
        let inspector = try Self.inspector(Self.foldedChecks)
        let owner = try inspect(inspector, try Self.found(Self.replicaSet))
        let pod = try inspect(inspector, try Self.found(Self.pod(Self.template)), owner: owner.problems)
        #expect(owner.tally.summary.count(.fail) == 2 && owner.tally.summary.count(.pass) == 1)
        #expect(pod.tally.summary.count(.fail) == 0 && pod.tally.summary.count(.pass) == 0)
    }

    // MARK: Exemptions

    @Test(arguments: [
        (Exemption(owner: "o", reason: "r"), true),
        (Exemption(owner: "o", reason: "r", expiry: 1001), true),
        (Exemption(owner: "o", reason: "r", expiry: 1000), false),
        (Exemption(owner: "o", reason: "r", expiry: 999), false),
        (Exemption(owner: "o", reason: "r", checks: ["host-network"]), true),
        (Exemption(owner: "o", reason: "r", checks: ["bw-host-001"]), true),
        (Exemption(owner: "o", reason: "r", checks: ["CKV_K8S_19"]), true),
        (Exemption(owner: "o", reason: "r", checks: ["host-pid"]), false),
        (Exemption(owner: "o", reason: "r", namespace: "sh*"), true),
        (Exemption(owner: "o", reason: "r", namespace: "s"), false),
        (Exemption(owner: "o", reason: "r", kind: "pod", name: "*-1"), true),
        (Exemption(owner: "o", reason: "r", kind: "Deployment"), false),
        (Exemption(owner: "o", reason: "r", name: "web"), false),
        (Exemption(owner: "o", reason: "r", cluster: "elsewhere"), false),
        // A failure of the whole pod is not that of a container.
        (Exemption(owner: "o", reason: "r", container: "app"), false),
    ]) func exemptionsTurnFailuresIntoSkips(_ exemption: Exemption, _ covers: Bool) throws {
        var inspector = try Self.inspector(["host-network"])
        inspector.now = 1000
        inspector.exemptions = [exemption]
        let object = try Self.found(
            #"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"web-1","namespace":"shop"},"spec":\#(Self.template)}"#
        )
        let run = try inspect(inspector, object)
        let result = try #require(run.results.first)
        #expect(run.results.count == 1)
        #expect(result.outcome == (covers ? .skip : .fail))
        #expect(result.exemption == (covers ? exemption : nil))
        #expect(run.tally.summary.count(.skip) == (covers ? 1 : 0))
        #expect(run.tally.summary.score == (covers ? 100 : 0))
    }

    /// Nobody can approve not knowing.
    @Test func errorsAreNotExempted() throws {
        var inspector = try Self.inspector(["host-network"])
        inspector.exemptions = [Exemption(owner: "o", reason: "r")]
        let object = try Self.found(
            #"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"},"spec":{"hostNetwork":"x","containers":[{"name":"a"}]}}"#
        )
        #expect(try inspect(inspector, object).results.map(\.outcome) == [.error])
    }

    // MARK: Identity

    /// A finding keeps its identity while the object changes around it, moves between API versions and loses its line.
    @Test func fingerprintsLast() throws {
        let inspector = try Self.inspector(["readonly-rootfs"])
        func fingerprints(_ text: String) throws -> [Fingerprint] {
            try inspect(inspector, try Self.found(text)).results.map(\.fingerprint)
        }
        func deployment(
            _ version: String = "apps/v1", name: String = "web", namespace: String = "shop", container: String = "app",
            more: String = ""
        ) -> String {
            #"{"kind":"Deployment","apiVersion":"\#(version)","metadata":{"name":"\#(name)","namespace":"\#(namespace)"},"spec":{"template":{"spec":{"containers":[\#(more){"name":"\#(container)","image":"a:1"}]}}}}"#
        }
        let first = try #require(try fingerprints(deployment()).first)
        // Pinned: findings that are stored today must be found again by every later version.
        #expect(first.description == "e9351b2e73da567afddbaaca1bb70b10")
        #expect(try fingerprints(deployment("apps/v1beta1")) == [first])
        #expect(try fingerprints("\n\n" + deployment()) == [first])
        #expect(try fingerprints(deployment(more: #"{"name":"sidecar","image":"b"},"#)).contains(first))
        for other in [
            deployment(name: "web2"), deployment(namespace: "other"), deployment(container: "app2"),
            deployment("extensions/v1beta1"),
            // Parts that only together read the same.
            deployment(name: "b", namespace: "shopwe"),
        ] {
            #expect(try !fingerprints(other).contains(first), "\(other)")
        }
    }

    /// HMAC-SHA256 as Python's hmac computes it, of keys and values below and above a block.
    @Test func masksAreTheCodeOfTheStandard() throws {
        let node = { (text: String) in try JSONReader.read(Array("\"\(text)\"".utf8), source: "test.json").root }
        let (short, long) = ([UInt8](repeating: 7, count: 32), Array(UInt8(0)..<100))
        #expect(Masking(key: short).mask(try node("hunter2abc")) == "\"(10 bytes, dc69677b)\"")
        #expect(Masking(key: short).mask(try node("")) == "\"(0 bytes, 9dac6a74)\"")
        #expect(Masking(key: long).mask(try node("hunter2abc")) == "\"(10 bytes, 20fd57fb)\"")
        let value = String(repeating: "x", count: 1000)
        #expect(Masking(key: short).mask(try node(value)) == "\"(1000 bytes, 185c72ab)\"")
    }

    @Test func masksDependOnTheKeyAndTheValue() throws {
        func node(_ text: String) throws -> Node {
            try JSONReader.read(Array(text.utf8), source: "test.json").root
        }
        let (key, other) = (Array(repeating: UInt8(1), count: 32), Array(repeating: UInt8(2), count: 32))
        let value = try node(#""hunter2-é""#)
        let mask = Masking(key: key).mask(value)
        #expect(mask.wholeMatch(of: /"\(10 bytes, [0-9a-f]{8}\)"/) != nil, "\(mask)")
        #expect(Masking(key: key).mask(value) == mask)
        #expect(Masking(key: other).mask(value) != mask)
        #expect(Masking().mask(value) != Masking().mask(value))
        #expect(Masking(key: key).mask(try node(#""hunter3-é""#)) != mask)
        #expect(!Masking(key: key).mask(try node(#"{"a":"hunter2"}"#)).contains("hunter2"))
    }
}

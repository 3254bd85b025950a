// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Logging
import Synchronization
import TestSupport
import Testing

@testable import ImagePolicies
@testable import Kubernetes

extension ImagePolicyIndex {
    func put(_ verdict: ImageVerdict) throws {
        put(scan: try scan(verdict), name: ImageScan.name(of: verdict.reference))
    }
}

/// An index that is ready, with these policies.
func index(_ specs: String..., namespaces: [String: [String: String]] = ["shop": [:]]) throws -> ImagePolicyIndex {
    let index = ImagePolicyIndex()
    for (number, spec) in specs.enumerated() {
        index.put(policy: try object(policyText(spec, name: "p\(number)")), name: "p\(number)")
    }
    for (name, labels) in namespaces { index.put(namespace: name, labels: labels) }
    index.wait(for: nil)
    return index
}

let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

@Suite struct IndexTests {
    static let image = "registry.example.com/shop/cart:1.2"

    @Test func knowledgeFollowsTheScan() throws {
        let index = try index()
        let reference = try ScannedReference(image: Self.image)
        #expect(index.knowledge(of: reference) == .missing)
        for phase in [ImageVerdict.Phase.pending, .scanning] {
            try index.put(ImageVerdict(reference: Self.image, phase: phase))
            #expect(index.knowledge(of: reference) == .waiting(phase))
            #expect(index.counts == (1, 1))
        }
        try index.put(verdict())
        #expect(index.knowledge(of: reference) == .result(try verdict()))
        #expect(index.counts == (1, 0))
        var failed = ImageVerdict(reference: Self.image, phase: .failed)
        failed.message = "401"
        try index.put(failed)
        #expect(index.knowledge(of: reference) == .failed("401"))
        let name = ImageScan.name(of: Self.image)
        index.put(scan: try object(#"{"metadata":{"name":"\#(name)"},"spec":{"image":"nginx"}}"#), name: name)
        #expect(index.unreadableScans(limit: 5).first.map(\.name) == [name])
        guard case .unreadable = index.knowledge(of: reference) else {
            Issue.record("\(index.knowledge(of: reference))")
            return
        }
        #expect(index.counts == (1, 0))
        index.remove(scan: name)
        #expect(index.knowledge(of: reference) == .missing && index.counts == (0, 0))
    }

    /// The same content under another name was scanned already.
    @Test func resultsAreSharedByDigest() throws {
        let index = try index()
        let pinned = try ScannedReference(image: "mirror.example/shop/cart@" + digest)
        try index.put(verdict())
        #expect(index.knowledge(of: pinned) == .result(try verdict()))
        try index.put(ImageVerdict(reference: pinned.text, phase: .pending))
        #expect(index.knowledge(of: pinned) == .result(try verdict()))
        // A tag of the other name is not the same content.
        #expect(index.knowledge(of: try ScannedReference(image: "mirror.example/shop/cart:1.2")) == .missing)
        try index.put(ImageVerdict(reference: Self.image, phase: .failed))
        #expect(index.knowledge(of: pinned) == .waiting(.pending))
        index.remove(scan: ImageScan.name(of: Self.image))
        #expect(index.knowledge(of: pinned) == .waiting(.pending))
    }

    @Test func unreadablePoliciesKeepTheirLastGoodVersion() throws {
        let index = try index(#"{"rules":{"malware":true}}"#)
        let broken = try object(policyText(#"{"rules":{"malware":"yes"}}"#, name: "p0"))
        #expect(index.put(policy: broken, name: "p0")?.keepsLast == true)
        #expect(index.moment(namespace: "").policies.map(\.problem) == [nil])
        index.remove(policy: "p0")
        #expect(index.put(policy: broken, name: "p0")?.keepsLast == false)
        #expect(index.put(policy: broken, name: "p0")?.keepsLast == false, "an unreadable one is no good version")
        #expect(index.moment(namespace: "").policies.map { $0.problem != nil } == [true])
        #expect(index.problems.map(\.name) == ["p0"])
        index.put(policy: try object(policyText(#"{"rules":{}}"#, name: "p0")), name: "p0")
        #expect(index.problems.isEmpty)
    }

    @Test(.timeLimit(.minutes(1))) func waitingEndsWithTheScan() async throws {
        let index = try index()
        let reference = try ScannedReference(image: Self.image)
        for ending in [try verdict(), ImageVerdict(reference: Self.image, phase: .failed)] {
            try index.put(ImageVerdict(reference: Self.image, phase: .pending))
            async let waited = index.wait(for: reference, until: .now + .seconds(50))
            try await Task.sleep(for: .milliseconds(30))
            try index.put(ImageVerdict(reference: Self.image, phase: .scanning))
            try await Task.sleep(for: .milliseconds(30))
            try index.put(ending)
            #expect(await !waited.isOpen)
        }
        // What is there already is not waited for.
        let start = ContinuousClock.now
        _ = await index.wait(for: reference, until: .now + .seconds(50))
        #expect(start.duration(to: .now) < .seconds(5))
    }

    @Test(.timeLimit(.minutes(1))) func waitingEndsAtItsDeadlineOrWhenNobodyAsksAnyMore() async throws {
        let index = try index()
        let reference = try ScannedReference(image: Self.image)
        #expect(await index.wait(for: reference, until: .now + .milliseconds(50)) == .missing)
        let task = Task { await index.wait(for: reference, until: .now + .seconds(50)) }
        try await Task.sleep(for: .milliseconds(20))
        task.cancel()
        #expect(await task.value == .missing)
        // Nothing is left that would be resumed twice.
        try index.put(verdict())
    }

    @Test(.timeLimit(.minutes(1))) func manyWaitAtOnce() async throws {
        let index = try index()
        let reference = try ScannedReference(image: Self.image)
        await withTaskGroup(of: ImageKnowledge.self) { group in
            for _ in 0..<200 { group.addTask { await index.wait(for: reference, until: .now + .seconds(50)) } }
            group.addTask {
                try? await Task.sleep(for: .milliseconds(20))
                try? index.put(verdict())
                return .missing
            }
            var results = 0
            for await knowledge in group { if case .result = knowledge { results += 1 } }
            #expect(results == 200)
        }
    }

    @Test func placesAreBounded() throws {
        let index = try index()
        let own = (0..<20).filter { _ in index.beginHold("shop") }.count
        #expect(own == ImagePolicyIndex.maxHoldingOfNamespace)
        let others = (0..<100).filter { index.beginHold("n\($0)") }.count
        #expect(own + others == ImagePolicyIndex.maxHolding)
        index.endHold("shop")
        #expect(index.beginHold("shop") && !index.beginHold("other"))
    }

    // MARK: Requests

    static func reference(_ number: Int) throws -> ScannedReference {
        try ScannedReference(image: "registry.example.com/shop/cart:\(number)")
    }

    @Test func requestsAreBounded() throws {
        let index = try index()
        let clock = Mutex(1000.0)
        let requests = ScanRequests(nil, index, logger: quiet, clock: { clock.withLock { $0 } })
        let first = try (0..<100).compactMap { requests.ask(try Self.reference($0), namespace: "shop") }
        #expect(first.count == 70 && Set(first) == ["the namespace shop asks for too many"])
        #expect(try requests.ask(Self.reference(0), namespace: "shop") == nil, "it was asked for already")
        #expect(try requests.ask(Self.reference(0), namespace: "other") == nil)
        // Other namespaces are not in the way, until all together are too many.
        for namespace in 0..<5 {
            for number in 0..<30 {
                #expect(
                    try requests.ask(Self.reference(1000 + 100 * namespace + number), namespace: "n\(namespace)") == nil
                )
            }
        }
        let second = try (0..<30).compactMap { requests.ask(try Self.reference(5000 + $0), namespace: "late") }
        #expect(second.count == 10 && Set(second) == ["too many scans are asked for"])
        clock.withLock { $0 += 12 }
        let third = try (0..<30).compactMap { requests.ask(try Self.reference(6000 + $0), namespace: "shop") }
        #expect(third.count == 28)
    }

    @Test func whatIsThereAlreadyIsABoundToo() throws {
        let index = try index()
        var limits = ScanRequests.Limits()
        (limits.withoutResult, limits.scans) = (2, 3)
        let requests = ScanRequests(nil, index, limits: limits, logger: quiet)
        for number in 0..<2 {
            #expect(try requests.ask(Self.reference(100 + number), namespace: "shop") == nil)
            try index.put(ImageVerdict(reference: Self.reference(number).text, phase: .pending))
        }
        #expect(try requests.ask(Self.reference(9), namespace: "shop") == "2 images wait for their scan already")
        for number in 0..<2 { try index.put(verdict(Self.reference(number).text)) }
        #expect(try requests.ask(Self.reference(9), namespace: "shop") == nil)
        try index.put(verdict(Self.reference(3).text))
        #expect(try requests.ask(Self.reference(10), namespace: "shop") == "there are 3 ImageScan objects already")
    }

    /// What the API server is sent, and what is said while it takes nothing.
    @Test(.timeLimit(.minutes(1))) func requestsAreObjects() async throws {
        let code = Mutex(403)
        let server = try await FakeAPIServer { request in
            let status = code.withLock { $0 }
            guard status == 201 else { return .status(status, "no") }
            return .json(request.body, status: 201)
        }
        let connection = ClusterConnection(
            cluster: "fake", context: "", server: server.url, namespace: "default", user: "eve",
            credentials: .init(.token(Secret("sesame-4711-sesame"))))
        var options = APIClientOptions()
        options.retries = .none
        let clock = Mutex(1000.0)
        let requests = ScanRequests(
            try APIClient(connection, options: options), try index(), logger: quiet, clock: { clock.withLock { $0 } })
        let running = Task { try await requests.run() }
        func wait(_ count: Int) async throws {
            while server.requests.count < count { try await Task.sleep(for: .milliseconds(5)) }
            try await Task.sleep(for: .milliseconds(50))
        }
        #expect(try requests.ask(Self.reference(1), namespace: "shop") == nil)
        try await wait(1)
        // The same one is tried again, and not called asked for.
        #expect(try requests.ask(Self.reference(1), namespace: "shop")?.contains("takes no ImageScan") == true)
        try await wait(2)
        code.withLock { $0 = 409 }
        #expect(try requests.ask(Self.reference(1), namespace: "shop")?.contains("takes no ImageScan") == true)
        try await wait(3)
        code.withLock { $0 = 201 }
        #expect(try requests.ask(Self.reference(2), namespace: "shop") == nil, "another replica had asked")
        try await wait(4)
        #expect(try requests.ask(Self.reference(2), namespace: "shop") == nil)
        let sent = try #require(server.requests.last)
        #expect(
            sent.method == "POST" && sent.path == "/apis/images.bulwark.dev/v1/imagescans" && server.requests.count == 4
        )
        let asked = try ImageScan.verdict(of: object(sent.body))
        #expect(asked == ImageVerdict(reference: try Self.reference(2).text, phase: .pending))
        running.cancel()
        _ = await running.result
        try await server.stop()
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import TestSupport
import Testing

@testable import Kubernetes

@Suite struct ListTests {
    /// Three pages; the server has forgotten the list's state when the third is asked for.
    private func forgetful(token: String) async throws -> FakeAPIServer {
        try await FakeAPIServer { request in
            switch request.query["continue"] {
            case nil: .json(podList([pod("a")], version: 10, next: "p2"))
            case "p2": .json(podList([pod("b")], version: 10, next: "p3"))
            case "newer": .json(podList([pod("d")], version: 12))
            default:
                .json(
                    #"{"kind":"Status","message":"too old","code":410,"metadata":{"continue":"\#(token)"}}"#,
                    status: 410)
            }
        }
    }

    @Test func goesOnWithNewerDataWhenTheStateExpired() async throws {
        let server = try await forgetful(token: "newer")
        var names: [String] = []
        var consistent: [Bool] = []
        for try await page in try client(server.url).list(.pods, limit: 1) {
            names += page.objects.map(\.identity.name)
            consistent.append(page.isConsistent)
        }
        #expect(names == ["a", "b", "d"])
        #expect(consistent == [true, true, false])
        #expect(server.requests.map { $0.query["limit"] } == ["1", "1", "1", "1"])
        try await server.stop()
    }

    @Test(arguments: [("newer", ListPages.OnExpiry.fail), ("", .goOn)])
    func saysSoWhenItCannot(token: String, onExpiry: ListPages.OnExpiry) async throws {
        let server = try await forgetful(token: token)
        let error = await #expect(throws: KubernetesError.self) {
            for try await _ in try client(server.url).list(.pods, onExpiry: onExpiry) {}
        }
        #expect(error?.code == .expired)
        try await server.stop()
    }

    @Test func bigPagesAreAskedForInSmallerOnes() async throws {
        let filler = String(repeating: "x", count: 1000)
        let server = try await FakeAPIServer { request in
            let first = Int(request.query["continue"] ?? "0") ?? 0
            let last = min(first + (Int(request.query["limit"] ?? "") ?? 0), 20)
            let pods = (first..<last).map { pod("\($0)-" + filler) }
            return .json(podList(pods, version: 1, next: last == 20 ? "" : String(last)))
        }
        let client = try client(server.url) { _, options in options.maxAnswerBytes = 6000 }
        var count = 0
        for try await page in try client.list(.pods, limit: 20) { count += page.objects.count }
        #expect(count == 20)
        #expect(server.requests.map { $0.query["limit"] } == ["20", "5"] + Array(repeating: "5", count: 3))
        try await server.stop()
    }

    @Test func oneObjectBeyondTheLimitIsAnError() async throws {
        let server = try await FakeAPIServer { _ in
            .json(podList([pod(String(repeating: "x", count: 9000))], version: 1))
        }
        let error = await #expect(throws: KubernetesError.self) {
            for try await _ in try client(server.url, prepare: { $1.maxAnswerBytes = 6000 }).list(.pods) {}
        }
        #expect(error?.code == .tooLarge)
        try await server.stop()
    }

    @Test func selectionsAreSent() async throws {
        let server = try await FakeAPIServer { _ in .json(#"{"metadata":{"resourceVersion":"1"},"items":null}"#) }
        let selection = Selection(namespace: "shop", fieldSelector: "spec.nodeName=a&b", labelSelector: "app in (x, y)")
        for try await page in try client(server.url).list(.pods, selection) { #expect(page.objects.isEmpty) }
        let asked = try #require(server.requests.first)
        #expect(asked.path == "/api/v1/namespaces/shop/pods")
        #expect(
            asked.query == ["fieldSelector": "spec.nodeName=a&b", "labelSelector": "app in (x, y)", "limit": "500"])
        try await server.stop()
    }

    @Test func discoveryPrefersWhatTheServerPrefersAndSurvivesADeadAddOn() async throws {
        let server = try await FakeAPIServer { request in
            switch request.path {
            case "/version": .json(#"{"gitVersion":"v1.20.2"}"#)
            case "/api": .json(#"{"versions":["v1"]}"#)
            case "/apis":
                .json(
                    #"{"groups":[{"name":"batch","versions":[{"groupVersion":"batch/v2alpha1"},{"groupVersion":"batch/v1"}],"#
                        + #""preferredVersion":{"groupVersion":"batch/v1"}},"#
                        + #"{"name":"metrics.k8s.io","versions":[{"groupVersion":"metrics.k8s.io/v1"}]}]}"#)
            case "/api/v1":
                .json(
                    #"{"resources":[{"name":"pods","kind":"Pod","namespaced":true,"verbs":["list"]},"#
                        + #"{"name":"pods/status","kind":"Pod","namespaced":true}]}"#)
            case "/apis/batch/v1", "/apis/batch/v2alpha1":
                .json(#"{"resources":[{"name":"jobs","kind":"Job","namespaced":true}]}"#)
            default: .status(503, "service unavailable")
            }
        }
        let found = try await client(server.url).discover()
        #expect(found.serverVersion == "v1.20.2")
        #expect(
            found.all.map { "\($0.apiVersion) \($0)" } == [
                "v1 pods", "batch/v1 jobs.batch", "batch/v2alpha1 jobs.batch",
            ])
        #expect(found.resource(kind: "Job", groups: ["extensions", "batch"])?.apiVersion == "batch/v1")
        #expect(found.resource(apiVersion: "batch/v2alpha1", kind: "Job")?.version == "v2alpha1")
        #expect(found.resource(kind: "Job", groups: [""]) == nil)
        #expect(found.failures.map(\.groupVersion) == ["metrics.k8s.io/v1"])
        try await server.stop()
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Kubernetes

/// What servers and networks can answer, and what we make of it.
@Suite struct AnswerTests {
    struct Bad: Sendable, CustomTestStringConvertible {
        var name: String
        var reply: FakeAPIServer.Reply
        var code: KubernetesError.Code
        var says: [String]
        /// How often the question is asked.
        var tries: Int
        var testDescription: String { name }
    }

    @Test(arguments: [
        Bad(
            name: "a log-in page",
            reply: .answer(
                status: 200, contentType: "text/html; charset=utf-8", headers: [],
                body: "<html><head><title>Corporate Log-in</title></head></html>"),
            code: .notKubernetes, says: ["web page", "corporate log-in", "proxy"], tries: 1),
        Bad(
            name: "a page of another content type",
            reply: .answer(
                status: 502, contentType: "text/plain", headers: [], body: "\n<!DOCTYPE html><p>bad gateway"),
            code: .notKubernetes, says: ["status 502"], tries: 1),
        Bad(
            name: "a redirect",
            reply: .answer(status: 302, contentType: "", headers: [("Location", "https://evil.example/")], body: ""),
            code: .notKubernetes, says: ["redirects", "status 302"], tries: 1),
        Bad(name: "always 429", reply: .status(429, "slow down"), code: .throttled, says: ["slow down"], tries: 3),
        Bad(name: "always 500", reply: .status(500, "etcd is gone"), code: .server, says: ["etcd is gone"], tries: 3),
        Bad(
            name: "503 in plain text",
            reply: .answer(status: 503, contentType: "text/plain", headers: [], body: "upstream\u{1b}[31m down"),
            code: .server, says: ["status 503", "upstream [31m down"], tries: 3),
        Bad(name: "no answer", reply: .hang, code: .timeout, says: ["in time"], tries: 3),
        Bad(name: "a closed connection", reply: .cut, code: .emptyAnswer, says: ["closed the connection"], tries: 3),
        Bad(name: "nothing", reply: .json(""), code: .emptyAnswer, says: ["no content"], tries: 3),
        Bad(name: "half a JSON", reply: .json(#"{"items":["#), code: .malformedAnswer, says: ["broken JSON"], tries: 1),
        Bad(name: "no list", reply: .json("{}"), code: .malformedAnswer, says: ["no list"], tries: 1),
        Bad(
            name: "a list of nameless things", reply: .json(#"{"metadata":{},"items":[{}]}"#), code: .malformedAnswer,
            says: ["without metadata.name"], tries: 1),
        Bad(
            name: "401", reply: .status(401, "Unauthorized"), code: .unauthorized,
            says: ["does not accept the token of user eve of /home/eve/.kube/config", "renew"], tries: 1),
        Bad(
            name: "403", reply: .status(403, "pods is forbidden: User \\\"eve\\\" cannot list resource \\\"pods\\\""),
            code: .forbidden, says: [#"User "eve" cannot list resource "pods""#], tries: 1),
        Bad(
            name: "404", reply: .status(404, "not here"), code: .notFound, says: ["/api/v1/pods", "not here"], tries: 1),
        Bad(name: "410", reply: .status(410, "too old"), code: .expired, says: ["too old"], tries: 1),
    ]) func badAnswers(_ bad: Bad) async throws {
        let server = try await FakeAPIServer { _ in bad.reply }
        let client = try client(server.url)
        let error = await #expect(throws: KubernetesError.self) {
            for try await _ in try client.list(.pods) {}
        }
        #expect(error?.code == bad.code)
        for words in bad.says { #expect(error?.message.contains(words) == true, "\(error?.message ?? "")") }
        #expect(error?.message.contains("sesame") == false)
        #expect(server.requests.count == bad.tries)
        #expect(server.requests.allSatisfy { $0.header("Authorization") == "Bearer sesame-4711-sesame" })
        try await server.stop()
    }

    @Test func retryAfterIsHeeded() async throws {
        let count = Mutex(0)
        let server = try await FakeAPIServer { _ in
            let nth = count.withLock {
                $0 += 1
                return $0
            }
            return nth == 1 ? .status(429, "later", headers: [("Retry-After", "1")]) : .json(podList([], version: 5))
        }
        let client = try client(server.url)
        let start = ContinuousClock.now
        for try await page in try client.list(.pods) { #expect(page.resourceVersion == "5") }
        #expect(start.duration(to: .now) >= .seconds(1))
        try await server.stop()
    }

    @Test func writesAreNotRepeatedBlindly() async throws {
        let server = try await FakeAPIServer { request in
            request.path.hasSuffix("/pods") ? .status(500, "half done") : .cut
        }
        let client = try client(server.url)
        await #expect(throws: KubernetesError.self) {
            _ = try await client.create(.pods, namespace: "shop", .json("{}"))
        }
        await #expect(throws: KubernetesError.self) {
            _ = try await client.create(.configMaps, namespace: "shop", .json("{}"))
        }
        #expect(server.requests.count == 2)
        // Apply says what shall be, so it may be said again.
        await #expect(throws: KubernetesError.self) {
            _ = try await client.apply(
                .pods, namespace: "shop", name: "a", Array("{}".utf8), options: .init(dryRun: true))
        }
        #expect(server.requests.count == 5)
        let last = try #require(server.requests.last)
        #expect(last.method == "PATCH")
        #expect(last.path == "/api/v1/namespaces/shop/pods/a")
        #expect(last.query == ["fieldManager": "bulwark", "dryRun": "All", "force": "false"])
        #expect(last.header("Content-Type") == "application/apply-patch+yaml")
        try await server.stop()
    }

    @Test func nobodyListens() async throws {
        let server = try await FakeAPIServer { _ in .cut }
        let url = server.url
        try await server.stop()
        let client = try client(url)
        let error = await #expect(throws: KubernetesError.self) { _ = try await client.discover() }
        #expect(error?.code == .connection)
        #expect(error?.message.contains("no connection to cluster fake") == true)
        #expect(error?.message.lowercased().contains("refused") == true, "\(error?.message ?? "")")
    }

    @Test func anUnknownHostIsNamed() async throws {
        let client = try client("http://no-such-host.invalid:1")
        let error = await #expect(throws: KubernetesError.self) { _ = try await client.discover() }
        #expect(error?.code == .connection)
        #expect(error?.message.contains("no-such-host.invalid") == true, "\(error?.message ?? "")")
    }

    @Test func namesCannotLeaveTheirPlaceInThePath() async throws {
        let server = try await FakeAPIServer { _ in .json(pod("x")) }
        _ = try await client(server.url).get(.pods, namespace: "a/../b?c", name: "..")
        #expect(server.requests.map(\.path) == ["/api/v1/namespaces/a%2F..%2Fb%3Fc/pods/%2E%2E"])
        try await server.stop()
    }

    @Test func secretsAreNeverAskedFor() async throws {
        let server = try await FakeAPIServer { _ in .json(podList([], version: 1)) }
        let client = try client(server.url)
        let secrets = APIResource(group: "", version: "v1", plural: "secrets", kind: "Secret", namespaced: true)
        #expect(throws: KubernetesError.self) { _ = try client.list(secrets) }
        await #expect(throws: KubernetesError.self) { _ = try await client.watch(secrets, from: "1") }
        #expect(throws: KubernetesError.self) { _ = try Informer(client, secrets) }
        #expect(server.requests.isEmpty)
        try await server.stop()
    }

    @Test func aRotatedTokenIsReadAgain() async throws {
        let folder = try ScratchFolder()
        let file = try folder.write("old", to: "token")
        let server = try await FakeAPIServer { request in
            request.header("Authorization") == "Bearer new"
                ? .json(podList([], version: 1)) : .status(401, "Unauthorized")
        }
        let client = try client(server.url, credentials: CredentialSource(.tokenFile(file)))
        let refused = await #expect(throws: KubernetesError.self) { for try await _ in try client.list(.pods) {} }
        #expect(refused?.message.contains("the token in \(file)") == true)
        // The old one was forgotten with the refusal.
        try folder.write("new", to: "token")
        for try await _ in try client.list(.pods) {}
        #expect(server.requests.count == 3)
        try await server.stop()
    }
}

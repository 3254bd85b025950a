// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import TestSupport
import Testing

/// `bulwark inspect --kubeconfig` against API servers that misbehave: a clear sentence, the status, and an end.
@Suite struct InspectCLILiveTests {
    private static let token = "s3cr3t-bearer-7Q4f"

    private static func kubeconfig(_ url: String, user: String? = nil, cluster: String = "") -> String {
        """
        apiVersion: v1
        kind: Config
        current-context: test
        contexts: [{name: test, context: {cluster: test, user: test}}]
        clusters:
          - name: test
            cluster: {server: "\(url)"\(cluster)}
        users:
          - name: test
            user: {\(user ?? "token: \(token)")}
        """
    }

    private func inspect(_ config: String, _ options: [String] = []) async throws -> CommandRun {
        let folder = try ScratchFolder()
        try folder.write(config, to: "config")
        let run = try await CommandRun.bulwark(
            ["inspect", "--kubeconfig", "config", "--output", "json"] + options, folder: folder.path,
            limit: .seconds(120))
        #expect(!run.errors.contains(Self.token) && !run.output.contains(Self.token), "the token shows: \(run.errors)")
        #expect(run.errors.hasPrefix("bulwark: "), "\(run.errors)")
        #expect(run.errors.split(separator: "\n").count == 1, "\(run.errors)")
        #expect(run.residentMB < 200, "\(run.residentMB) MB")
        return run
    }

    struct Answer: Sendable, CustomTestStringConvertible {
        let name: String
        let reply: @Sendable (FakeAPIServer.Request) -> FakeAPIServer.Reply
        let message: String
        var options: [String] = []
        var testDescription: String { name }
    }

    private static let answers: [Answer] = [
        Answer(
            name: "a web page",
            reply: { request in
                .answer(
                    status: 200, contentType: "text/html", headers: [],
                    body: "<html><title>Log in</title>\(request.authorization)</html>")
            }, message: "web page"),
        Answer(
            name: "an expired token", reply: { _ in .status(401, "Unauthorized") },
            message: "does not accept the token of user test"),
        Answer(
            name: "no rights", reply: { _ in .status(403, "pods is forbidden: User cannot list") }, message: "forbidden"
        ),
        Answer(
            name: "too many requests",
            reply: { _ in
                .answer(status: 429, contentType: "text/plain", headers: [("Retry-After", "1")], body: "slow down")
            }, message: "status 429"),
        Answer(
            name: "a failure that repeats what was asked",
            reply: { request in
                .answer(
                    status: 500, contentType: "text/plain", headers: [],
                    body: "boom: Authorization: \(request.authorization)")
            }, message: "status 500"),
        Answer(
            name: "nothing at all", reply: { _ in .hang }, message: "in time", options: ["--request-timeout", "1"]),
        Answer(name: "a closed connection", reply: { _ in .cut }, message: "test"),
        Answer(name: "half a JSON text", reply: { _ in .json(#"{"major": "1", "#) }, message: "test"),
        Answer(
            name: "a billion brackets",
            reply: { _ in .json(String(repeating: "[", count: 1 << 20)) }, message: "test"),
    ]

    @Test(arguments: answers) func eachAnswerGivesAClearSentence(_ answer: Answer) async throws {
        let server = try await FakeAPIServer(answer.reply)
        let run = try await inspect(Self.kubeconfig(server.url), answer.options)
        #expect(run.status == 3, "\(run.errors)")
        #expect(run.errors.contains(answer.message), "\(run.errors)")
        #expect(run.seconds < 60, "\(run.seconds) s")
        try await server.stop()
    }

    @Test func nobodyListens() async throws {
        let server = try await FakeAPIServer { _ in .hang }
        let url = server.url
        try await server.stop()
        let run = try await inspect(Self.kubeconfig(url))
        #expect(run.status == 3 && run.errors.contains(url), "\(run.errors)")
    }

    /// What is wrong with the kubeconfig itself is wrong usage, and no connection is tried.
    @Test(arguments: [
        (kubeconfig("https://127.0.0.1:1", user: "client-certificate: gone.crt, client-key: gone.key"), "gone.crt"),
        (kubeconfig("https://127.0.0.1:1", cluster: ", certificate-authority: gone-ca.crt"), "gone-ca.crt"),
        (kubeconfig("https://127.0.0.1:1", user: "tokenFile: gone-token"), "gone-token"),
        (
            kubeconfig("https://127.0.0.1:1", user: "client-certificate-data: \(token), client-key-data: \(token)"),
            "test"
        ),
        (kubeconfig("https://127.0.0.1:1", user: "token: [\(token)]"), "token"),
        (kubeconfig("https://127.0.0.1:1", user: "token: *\(token)"), "config:10:"),
        (kubeconfig("https://127.0.0.1:1", user: "token: \"\(token)"), "config:"),
        (kubeconfig("https://127.0.0.1:1", user: "token: a, token: \(token)"), "token"),
        (kubeconfig("nonsense"), "nonsense"),
        (
            "current-context: other\n"
                + kubeconfig("https://127.0.0.1:1").replacing("current-context: test\n", with: ""), "other"
        ),
        ("", "config"),
    ]) func wrongKubeconfigs(_ config: String, _ message: String) async throws {
        let run = try await inspect(config)
        #expect(run.status == 2 || run.status == 3, "\(run.errors)")
        #expect(run.errors.contains(message), "\(run.errors)")
        #expect(run.output.isEmpty)
        #expect(run.seconds < 30)
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import TestSupport
import Testing

@testable import Kubernetes

/// Real programs, written as shell scripts.
@Suite struct ExecPluginTests {
    let folder: ScratchFolder
    init() throws { folder = try ScratchFolder() }

    private func connection(_ script: String, extra: String = "") throws -> ClusterConnection {
        try folder.write("#!/bin/sh\n" + script, to: "plugin", mode: 0o700)
        let file = try folder.write(
            """
            current-context: x
            contexts: [{name: x, context: {cluster: c, user: u}}]
            clusters: [{name: c, cluster: {server: "https://127.0.0.1:1", tls-server-name: api}}]
            users:
            - name: u
              user:
                exec:
                  apiVersion: client.authentication.k8s.io/v1
                  command: ./plugin
                  args: [one, "two words"]
                  env: [{name: SECRET_SEED, value: abc}]
                  \(extra)
            """, to: "config")
        return try #require(try Kubeconfig.load(path: file, environment: [:])).connection()
    }

    private static func answer(_ status: String) -> String {
        #"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{\#(status)}}"#
    }

    @Test func argumentsEnvironmentAndClusterInfoArriveAndTheAnswerIsKept() async throws {
        let connection = try connection(
            """
            echo run >> "\(folder.path)/runs"
            printf '%s|' "$@" "$SECRET_SEED" "$KUBERNETES_EXEC_INFO" > "\(folder.path)/seen"
            echo '\(Self.answer(#""token":"from-plugin""#))'
            """, extra: "provideClusterInfo: true")
        async let one = connection.credentials.current()
        async let two = connection.credentials.current()
        #expect(try await [one, two].map(\.authorization) == Array(repeating: Secret("Bearer from-plugin"), count: 2))
        #expect(try String(contentsOfFile: folder.path + "/runs", encoding: .utf8) == "run\n")
        let seen = try String(contentsOfFile: folder.path + "/seen", encoding: .utf8)
        #expect(
            seen == #"one|two words|abc|{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","#
                + #""spec":{"cluster":{"server":"https://127.0.0.1:1","tls-server-name":"api"},"interactive":false}}|"#)
        // A refusal makes us ask again.
        #expect(connection.credentials.reject(try await connection.credentials.current()))
        _ = try await connection.credentials.current()
        #expect(try String(contentsOfFile: folder.path + "/runs", encoding: .utf8) == "run\nrun\n")
    }

    @Test(arguments: [(-60.0, 2), (3600.0, 1)])
    func expiredOnesAreRenewed(lifetime: Double, runs: Int) async throws {
        let expiry = Date(timeIntervalSinceNow: lifetime).formatted(.iso8601)
        let connection = try connection(
            """
            echo run >> "\(folder.path)/runs"
            echo '\(Self.answer(#""token":"t","expirationTimestamp":"\#(expiry)""#))'
            """)
        _ = try await connection.credentials.current()
        _ = try await connection.credentials.current()
        #expect(try String(contentsOfFile: folder.path + "/runs", encoding: .utf8).count == 4 * runs)
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        var script: String
        var says: [String]
        var testDescription: String { says.joined(separator: " … ") }
    }

    @Test(arguments: [
        Bad(
            script:
                "echo noise >&2; echo 'log in first: eyJhbGciOiJSUzI1NiIsImtpZCI6ImFiY2RlZmdoaWprbG1ub3AifQ' >&2; exit 3",
            says: ["failed with status 3: log in first: …"]),
        Bad(script: "kill -TERM $$", says: ["failed with status 143"]),
        Bad(script: "exit 0", says: ["printed no JSON"]),
        Bad(script: "echo sesame-token", says: ["printed no JSON"]),
        Bad(script: "echo '{}'", says: ["printed no ExecCredential"]),
        Bad(script: "yes", says: ["printed more than a credential"]),
        Bad(
            script: #"echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1"}'"#,
            says: ["another apiVersion"]),
        Bad(script: "echo '\(answer(""))'", says: ["neither a token nor a client certificate"]),
        Bad(script: "echo '\(answer(#""clientKeyData":"x""#))'", says: ["not both"]),
        Bad(
            script: "echo '\(answer(#""token":"t","expirationTimestamp":"tomorrow""#))'",
            says: ["expirationTimestamp that is no RFC 3339 time"]),
    ]) func failuresAreSaid(_ bad: Bad) async throws {
        let connection = try connection(bad.script)
        let error = await #expect(throws: KubernetesError.self) { _ = try await connection.credentials.current() }
        #expect(error?.code == .credential)
        for words in bad.says + [folder.path + "/plugin"] {
            #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
        }
        for secret in ["sesame", "eyJ", "abc"] { #expect(error?.message.contains(secret) == false) }
    }

    @Test func aMissingProgramIsNamedWithItsHint() async throws {
        let connection = try connection("", extra: "installHint: see docs.example/login")
        try FileManager.default.removeItem(atPath: folder.path + "/plugin")
        let error = await #expect(throws: KubernetesError.self) { _ = try await connection.credentials.current() }
        #expect(error?.message.hasSuffix("/plugin is not installed; see docs.example/login") == true)
    }

    @Test func aProgramThatMayNotRunIsNamed() async throws {
        let connection = try connection("")
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: folder.path + "/plugin")
        let error = await #expect(throws: KubernetesError.self) { _ = try await connection.credentials.current() }
        #expect(error?.message.hasSuffix("/plugin cannot be run: Permission denied") == true)
    }

    @Test func oneThatHangsIsEndedWithItsChildren() throws {
        let script = try folder.write(
            "#!/bin/sh\nsleep 300 & echo $! > '\(folder.path)/child'; echo half; wait", to: "hang", mode: 0o700)
        let start = ContinuousClock.now
        #expect(throws: ChildProcess.Failure.timeout) {
            _ = try ChildProcess.run(
                script, arguments: [], environment: ["PATH": "/usr/bin:/bin"], limit: .milliseconds(500),
                outputLimit: 1000)
        }
        #expect(start.duration(to: .now) < .seconds(5))
        let child = try #require(
            pid_t(String(contentsOfFile: folder.path + "/child", encoding: .utf8).trimmed))
        // Killed; dying takes a moment, and a zombie stays until whoever adopts orphans looks after it.
        func isGone() -> Bool {
            guard let state = try? String(contentsOfFile: "/proc/\(child)/stat", encoding: .utf8) else { return true }
            return state.contains(") Z")
        }
        while !isGone(), start.duration(to: .now) < .seconds(10) { usleep(10_000) }
        #expect(isGone())
    }
}

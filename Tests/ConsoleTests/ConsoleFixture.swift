// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import PodSecurity
import Store
import Synchronization
import TestSupport

@testable import Console

/// The real console on a real store in a folder of its own, with a clock that tests move.
struct ConsoleFixture: Sendable {
    static let catalogue: [Check] = ((try? Catalogue.embedded())?.checks ?? []).map(\.check) + AdmissionChecks.all

    let folder: ScratchFolder
    let clock: TestClock
    let store: Store
    let control: SampleInspection
    let policies: SamplePolicies?
    let images: SampleImages?
    let server: ConsoleServer
    let log: LogCapture
    let password: String

    init(
        configuration change: (inout ConsoleConfiguration) -> Void = { _ in }, clock: TestClock = TestClock(),
        pace: Duration = .milliseconds(1), policies: SamplePolicies? = nil,
        constraints: SampleConstraints? = nil, images: SampleImages? = nil,
        onRunning: @escaping @Sendable (Int) async -> Void = { _ in }
    ) async throws {
        let (folder, log) = (try ScratchFolder(), LogCapture())
        let store = try Store.open(path: folder.path + "/bulwark.db", now: { clock.now })
        let control = SampleInspection(store: store, pace: pace, now: { clock.now })
        var configuration = ConsoleConfiguration()
        configuration.stateFolder = folder.path
        configuration.port = 0
        change(&configuration)
        // The real function with a small cost: what it costs otherwise is tested apart.
        server = try await ConsoleServer(
            configuration: configuration, store: store, control: control, policies: policies, constraints: constraints,
            images: images, checks: Self.catalogue, version: "1.2.3", logger: log.logger, now: { clock.now },
            hasher: PasswordHasher(parameters: .init(cost: 4, blockSize: 8, parallelism: 1)), onRunning: onRunning)
        password = try require(server.firstPassword)
        (self.policies, self.images) = (policies, images)
        (self.folder, self.clock, self.store, self.control, self.log) = (folder, clock, store, control, log)
    }

    /// Runs of which the first lacks two files and the last another one.
    func fill() async throws {
        for without in [["debug-shell.yaml", "log-agent.yaml"], ["debug-shell.yaml"], [], ["redis.yaml"]] {
            try await control.inspect(without: Set(without))
            clock.advance(6 * 3600)
        }
    }

    /// A day of decisions that ends now.
    func fillDecisions() async throws { try await SamplePolicies.record(in: store, now: clock.now) }

    /// Talks to the router without a connection.
    func test<Value>(_ body: @Sendable (Browser) async throws -> Value) async throws -> Value {
        try await server.application().test(.router) { client in
            try await body(Browser(client: client))
        }
    }

    func addViewer() async throws {
        _ = try await server.accounts.add(name: "vera", role: .viewer, password: Self.viewerPassword, now: clock.now)
    }

    static let viewerPassword = "viewer password 1"
}

private func require<Value>(_ value: Value?) throws -> Value {
    guard let value else { throw FixtureError(message: "a value is missing") }
    return value
}

struct FixtureError: Error { var message: String }

/// Keeps what is logged.
final class LogCapture: Sendable {
    private let lines = SharedLines()

    var text: String { lines.value.withLock { $0.joined(separator: "\n") } }

    var logger: Logger {
        let lines = lines
        return Logger(label: "console") { _ in Handler(lines: lines) }
    }

    private final class SharedLines: Sendable { let value = Mutex<[String]>([]) }

    private struct Handler: LogHandler {
        let lines: SharedLines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let all = metadata.merging(event.metadata ?? [:]) { $1 }
            lines.value.withLock { $0.append("\(event.level) \(event.message) \(all)") }
        }
    }
}

/// Requests as a browser makes them: cookies kept, form tokens found.
final class Browser: Sendable {
    let client: any TestClientProtocol
    private let cookies = Mutex<[String: String]>([:])

    init(client: any TestClientProtocol) { self.client = client }

    /// Another browser on the same console.
    func other() -> Browser { Browser(client: client) }

    var session: String? {
        get { cookies.withLock { $0[Sessions.cookieName] } }
        set { cookies.withLock { $0[Sessions.cookieName] = newValue } }
    }

    @discardableResult
    func send(
        _ method: HTTPRequest.Method, _ path: String, headers: HTTPFields = [:], body: String? = nil
    ) async throws -> TestResponse {
        var headers = headers
        let kept = cookies.withLock { $0.map { "\($0)=\($1)" }.joined(separator: "; ") }
        if !kept.isEmpty { headers[.cookie] = kept }
        let response = try await client.executeRequest(
            uri: path, method: method, headers: headers, body: body.map { ByteBuffer(string: $0) })
        for line in response.headers[values: .setCookie] {
            let pair = line.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2 else { continue }
            cookies.withLock { $0[String(pair[0])] = line.contains("Max-Age=0") ? nil : String(pair[1]) }
        }
        return response
    }

    @discardableResult
    func get(_ path: String) async throws -> TestResponse { try await send(.get, path) }

    /// Sends a form, with `token` or with the token of the page at `page`.
    func post(_ path: String, _ fields: KeyValuePairs<String, String>, token: String? = nil, page: String = "/account")
        async throws -> TestResponse
    {
        var form = Fields()
        for (name, value) in fields { form.add(name, value) }
        let found: String
        if let token { found = token } else { found = try await formToken(on: page) }
        form.add("csrf", found)
        return try await send(
            .post, path, headers: [.contentType: "application/x-www-form-urlencoded"], body: form.encoded)
    }

    func json(_ method: HTTPRequest.Method, _ path: String, _ body: String, headers: HTTPFields = [:]) async throws
        -> TestResponse
    {
        var headers = headers
        headers[.contentType] = "application/json"
        return try await send(method, path, headers: headers, body: body)
    }

    func formToken(on page: String) async throws -> String {
        let html = try await get(page).text
        guard let start = html.range(of: "name=\"csrf\" value=\"") else {
            throw FixtureError(message: "\(page) has no form")
        }
        return String(html[start.upperBound...].prefix { $0 != "\"" })
    }

    @discardableResult
    func logIn(_ name: String, _ password: String) async throws -> TestResponse {
        try await post("/login", ["name": name, "password": password], page: "/login")
    }
}

extension TestResponse {
    var text: String { String(buffer: body) }

    /// Where a redirect leads.
    var location: String { headers[.location] ?? "" }
}

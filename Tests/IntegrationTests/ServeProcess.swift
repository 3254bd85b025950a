// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AsyncHTTPClient
import Documents
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL
import TestSupport
import Testing

/// `bulwark serve` as a process of its own, and a program that talks to it over HTTPS.
final class ServeProcess: Sendable {
    /// The binary that was built with these tests.
    static let program = TestCluster.root + "/.build/debug/bulwark"

    let state: String
    private let folder: ScratchFolder
    private let process: Process
    let port: Int
    private let client: HTTPClient

    /// What a process ended with, and all that it wrote.
    struct Ending: Sendable {
        var status: Int32
        var wasKilled: Bool
        var output: String
        var errors: String
    }

    struct NotStarted: Error { var errors: String }

    /// Runs the program to its end, at most for `seconds`.
    static func run(_ arguments: [String], seconds: Int = 60) async throws -> Ending {
        let folder = try ScratchFolder()
        let process = try launch(arguments, folder)
        let deadline = ContinuousClock.now + .seconds(seconds)
        while process.isRunning, ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(20)) }
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
        return try ending(process, folder)
    }

    static func launch(_ arguments: [String], _ folder: ScratchFolder) throws -> Process {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        for name in ["out", "err"] { try folder.write("", to: name) }
        process.standardOutput = FileHandle(forWritingAtPath: folder.path + "/out")
        process.standardError = FileHandle(forWritingAtPath: folder.path + "/err")
        try process.run()
        return process
    }

    private static func ending(_ process: Process, _ folder: ScratchFolder) throws -> Ending {
        Ending(
            status: process.terminationStatus, wasKilled: process.terminationReason == .uncaughtSignal,
            output: try String(contentsOfFile: folder.path + "/out", encoding: .utf8),
            errors: try String(contentsOfFile: folder.path + "/err", encoding: .utf8))
    }

    /// Starts a server on a free port and waits until it takes connections.
    init(_ arguments: [String], state: String) async throws {
        self.state = state
        let folder = try ScratchFolder()
        self.folder = folder
        process = try Self.launch(["serve", "--state", state, "--port", "0"] + arguments, folder)
        let deadline = ContinuousClock.now + .seconds(60)
        var port: Int?
        while port == nil {
            let output = try String(contentsOfFile: folder.path + "/out", encoding: .utf8)
            // It also tells of its other ports, in any order.
            port = output.firstMatch(of: /Bulwark inspects [^\n]*: https:\/\/127\.0\.0\.1:(\d+)\n/).flatMap {
                Int($0.1)
            }
            guard process.isRunning, ContinuousClock.now < deadline else {
                if process.isRunning { kill(process.processIdentifier, SIGKILL) }
                let errors = try String(contentsOfFile: folder.path + "/err", encoding: .utf8)
                throw NotStarted(errors: errors)
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        self.port = port ?? 0
        // The certificate is the server's own, and trusted because we find it in its folder.
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(state + "/tls/console.pem"))
        var configuration = HTTPClient.Configuration(tlsConfiguration: tls)
        configuration.redirectConfiguration = .disallow
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// A test that failed halfway leaves the process and its connections behind.
    deinit {
        try? client.syncShutdown()
    }

    /// All that it wrote to standard output until now.
    var output: String { (try? String(contentsOfFile: folder.path + "/out", encoding: .utf8)) ?? "" }

    /// The password that it showed.
    var password: String? { output.firstMatch(of: /with the password (\S+)/).map { String($0.1) } }

    /// Sends a signal and waits for the end.
    func end(_ signal: Int32, seconds: Int = 30) async throws -> Ending {
        kill(process.processIdentifier, signal)
        let deadline = ContinuousClock.now + .seconds(seconds)
        while process.isRunning, ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(5)) }
        if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
        try? await client.shutdown()
        return try Self.ending(process, folder)
    }

    // MARK: HTTPS

    struct Answer: Sendable {
        var status: Int
        var cookies: [String: String]
        var text: String
        var document: Document?
        var json: Node? { document?.root }
    }

    func request(
        _ method: String, _ path: String, headers: [String: String] = [:], body: String? = nil
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: "https://127.0.0.1:\(port)\(path)")
        request.method = .init(rawValue: method)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let body { request.body = .bytes(ByteBuffer(string: body)) }
        let response = try await client.execute(request, timeout: .seconds(20))
        let bytes = Array(try await response.body.collect(upTo: 32 << 20).readableBytesView)
        var cookies: [String: String] = [:]
        for line in response.headers["set-cookie"] {
            let pair = line.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1)
            if pair.count == 2 { cookies[String(pair[0])] = String(pair[1]) }
        }
        let isJSON = response.headers.first(name: "content-type")?.hasPrefix("application/json") == true
        return Answer(
            status: Int(response.status.code), cookies: cookies, text: String(decoding: bytes, as: UTF8.self),
            document: isJSON ? try JSONReader.read(bytes, source: path, duplicateKeys: .error) : nil)
    }

    /// Logs in with a form as a browser does, and makes an API token by the session.
    func token(password: String) async throws -> String {
        func form(_ page: String) -> String {
            page.firstMatch(of: /name="csrf" value="([0-9a-f]+)"/).map { String($0.1) } ?? ""
        }
        let page = try await request("GET", "/login")
        let secret = try #require(page.cookies["__Host-bulwark-login"])
        let entered = try await request(
            "POST", "/login",
            headers: [
                "Cookie": "__Host-bulwark-login=\(secret)", "Content-Type": "application/x-www-form-urlencoded",
            ], body: "name=admin&password=\(password)&csrf=\(form(page.text))")
        let session = try #require(entered.cookies["__Host-bulwark"], "logged in: \(entered.status)")
        let cookie = "__Host-bulwark=\(session)"
        let overview = try await request("GET", "/", headers: ["Cookie": cookie])
        let made = try await request(
            "POST", "/api/v1/tokens",
            headers: ["Cookie": cookie, "X-CSRF-Token": form(overview.text), "Content-Type": "application/json"],
            body: #"{"name":"test","role":"administrator","days":1}"#)
        #expect(made.status == 201)
        return try #require(made.json?["secret"]?.string)
    }

    func get(_ path: String, _ token: String) async throws -> Node {
        let answer = try await request("GET", "/api/v1/" + path, headers: ["Authorization": "Bearer \(token)"])
        try #require(answer.status == 200, "\(path): \(answer.status) \(answer.text)")
        return try #require(answer.json)
    }

    func send(_ method: String, _ path: String, _ token: String, _ body: String? = nil) async throws -> Answer {
        var headers = ["Authorization": "Bearer \(token)"]
        if body != nil { headers["Content-Type"] = "application/json" }
        return try await request(method, "/api/v1/" + path, headers: headers, body: body)
    }

    func wait(_ what: Comment, seconds: Int = 60, _ condition: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while try await !condition() {
            try #require(ContinuousClock.now < deadline && process.isRunning, what)
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    func becomeReady() async throws {
        try await wait("readiness") { try await request("GET", "/readyz").status == 200 }
    }

    /// Waits until the inspection of the start, or another that runs, has ended. Returns its phase.
    func inspected(_ token: String) async throws -> String {
        var phase = ""
        try await wait("an inspection's end") {
            phase = try await get("inspections", token)["phase"]?.string ?? ""
            return phase == "finished" || phase == "failed"
        }
        return phase
    }
}

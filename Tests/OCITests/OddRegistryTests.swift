// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import OCI

/// Against registries that answer wrongly, slowly or for ever.
@Suite struct OddRegistryTests {
    private static let image = try? TestImage([("a", "one")], padding: 100_000)

    private static var options: ImageSourceOptions {
        var options = ImageSourceOptions()
        options.usesLocalStorage = false
        options.registry.environment = [:]
        options.registry.backOff = .milliseconds(5)
        options.registry.idleTimeout = .seconds(2)
        return options
    }

    /// What a good registry would answer.
    static func good(_ request: OddRegistry.Request, _ image: TestImage) -> OddRegistry.Answer {
        if request.uri.contains("/manifests/") {
            return OddRegistry.Answer(
                headers: [("Content-Type", "application/vnd.oci.image.manifest.v1+json")], body: image.manifest)
        }
        let hex = String(request.uri.split(separator: ":").last?.prefix { $0 != "?" } ?? "")
        guard let blob = image.blobs[hex] else { return .text(404) }
        guard let range = request.headers["range"], let start = Int(range.dropFirst(6).dropLast()) else {
            return OddRegistry.Answer(body: blob)
        }
        return OddRegistry.Answer(
            status: 206, headers: [("Content-Range", "bytes \(start)-\(blob.count - 1)/\(blob.count)")],
            body: Array(blob[start...]))
    }

    private static func isLayer(_ request: OddRegistry.Request, _ image: TestImage) -> Bool {
        request.uri.hasSuffix(Digest(of: image.layers[0]).hex)
    }

    /// Reads an image of a registry with an answer of its own, where it gives one.
    @discardableResult private static func read(
        _ options: ImageSourceOptions? = nil, name: String = "team/app:v1",
        _ answer: @escaping @Sendable (OddRegistry.Request, TestImage) -> OddRegistry.Answer?
    ) async throws -> (texts: Result<[String], any Error>, requests: [OddRegistry.Request]) {
        let image = try #require(image)
        let registry = try await OddRegistry { answer($0, image) ?? good($0, image) }
        let result: Result<[String], any Error>
        do {
            let read = try await ImageSources.open("127.0.0.1:\(registry.port)/\(name)", options ?? Self.options)
            result = .success(try await LocalImageTests.texts(read))
        } catch { result = .failure(error) }
        try await registry.stop()
        return (result, registry.requests)
    }

    private static func failure(_ result: Result<[String], any Error>) -> OCIError? {
        guard case .failure(let error) = result else { return nil }
        return error as? OCIError
    }

    @Test func readsWithoutTLSOnThisMachine() async throws {
        #expect(try await Self.read { _, _ in nil }.texts.get() == ["a=one"])
    }

    @Test(arguments: [401, 403, 404, 400, 500, 503, 429, 302, 304, 204]) func namesStatus(_ status: Int) async throws {
        for challenge in ["Bearer realm=\"http://127.0.0.1:1/token\"", "Basic realm=x", "Digest x=y", "", "=,\"\\"] {
            let (result, requests) = try await Self.read { _, _ in
                .text(
                    status, #"{"errors":[{"code":"ODD","message":"words\u001b[2J"}]}"#,
                    [("WWW-Authenticate", challenge)])
            }
            let error = try #require(Self.failure(result))
            let codes: [Int: OCIError.Code] = [
                401: .unauthorized, 403: .unauthorized, 404: .notFound, 429: .tooManyRequests, 204: .malformed,
            ]
            #expect(error.code == codes[status] ?? .server || (status == 401 && error.code == .server), "\(error)")
            #expect(!"\(error)".contains("\u{1B}") && requests.count <= 5, "\(error)")
            guard status == 401 else { break }
        }
    }

    @Test func endsLoginLoops() async throws {
        // Tokens are given and never accepted.
        let port = Mutex(0)
        let registry = try await OddRegistry { request in
            if request.uri.hasPrefix("/token") { return .text(200, #"{"token":"t\#(request.count)"}"#) }
            let place = port.withLock { $0 }
            return .text(
                401, "", [("WWW-Authenticate", "Bearer realm=\"http://127.0.0.1:\(place)/token\",service=\"s\"")])
        }
        port.withLock { $0 = registry.port }
        await #expect { try await ImageSources.open("127.0.0.1:\(registry.port)/a:v1", Self.options) } throws: {
            ($0 as? OCIError)?.code == .unauthorized
        }
        #expect(registry.requests.count <= 5)
        try await registry.stop()
    }

    @Test func getsTokens() async throws {
        let image = try #require(Self.image)
        let folder = try ScratchFolder()
        for kind in ["anonymous", "password", "identity"] {
            let port = Mutex(0)
            let registry = try await OddRegistry { request in
                if request.uri.hasPrefix("/token") {
                    if request.method == "POST" {
                        let isGood =
                            request.body.contains("refresh_token=re%26fresh")
                            && request.body.contains("grant_type=refresh_token")
                            && request.body.contains("scope=repository%3Ateam%2Fapp%3Apull")
                        return isGood ? .text(200, #"{"access_token":"good"}"#) : .text(401)
                    }
                    let isGood =
                        request.uri.contains("service=the%20service")
                        && request.uri.contains("scope=repository%3Ateam%2Fapp%3Apull")
                        && (kind == "anonymous") == (request.headers["authorization"] == nil)
                        && (kind == "anonymous" || request.headers["authorization"] == "Basic dTpwOnE=")
                    return isGood ? .text(200, #"{"token":"good","expires_in":60}"#) : .text(401)
                }
                guard request.headers["authorization"] == "Bearer good" else {
                    let place = port.withLock { $0 }
                    return .text(
                        401, "",
                        [
                            (
                                "WWW-Authenticate",
                                "Bearer realm=\"http://127.0.0.1:\(place)/token\", service=\"the service\",scope=\"repository:team/app:pull\""
                            )
                        ])
                }
                return Self.good(request, image)
            }
            port.withLock { $0 = registry.port }
            let entry = kind == "identity" ? #""identitytoken":"re&fresh""# : #""auth":"dTpwOnE=""#
            let config = kind == "anonymous" ? "{}" : #"{"auths":{"127.0.0.1:\#(registry.port)":{\#(entry)}}}"#
            var options = Self.options
            options.registry.environment["REGISTRY_AUTH_FILE"] = try folder.write(config, to: "auth.json")
            let read = try await ImageSources.open("127.0.0.1:\(registry.port)/team/app:v1", options)
            #expect(try await LocalImageTests.texts(read) == ["a=one"], "\(kind)")
            // One token serves all of the image.
            #expect(registry.requests.count { $0.uri.hasPrefix("/token") } == 1)
            try await registry.stop()
        }
    }

    @Test func waitsWhenAsked() async throws {
        let start = ContinuousClock.now
        var result = try await Self.read { request, _ in
            request.count == 0 ? .text(429, "", [("Retry-After", "1")]) : nil
        }
        #expect(try result.texts.get() == ["a=one"])
        #expect(ContinuousClock.now - start > .seconds(3))
        // Longer than we wait, and 5xx that end.
        result = try await Self.read { _, _ in .text(429, "", [("Retry-After", "86400")]) }
        let error = try #require(Self.failure(result.texts))
        #expect(error.code == .tooManyRequests && "\(error)".contains("86400") && result.requests.count == 1)
        result = try await Self.read { request, _ in request.count < 3 ? .text(502) : nil }
        #expect(try result.texts.get() == ["a=one"])
    }

    @Test(arguments: ["manifest", "config", "layer", "error", "token"]) func boundsBodies(_ part: String) async throws {
        let port = Mutex(0)
        let image = try #require(Self.image)
        let registry = try await OddRegistry { request in
            let endless = OddRegistry.Answer(isEndless: true)
            let hex = Digest(of: image.config).hex
            switch part {
            case "manifest" where request.uri.contains("/manifests/"): return endless
            case "config" where request.uri.hasSuffix(hex): return endless
            case "layer" where Self.isLayer(request, image): return endless
            case "error" where request.uri.contains("/manifests/"):
                return OddRegistry.Answer(status: 404, isEndless: true)
            case "token" where request.uri.hasPrefix("/token"): return endless
            case "token":
                return .text(
                    401, "", [("WWW-Authenticate", "Bearer realm=\"http://127.0.0.1:\(port.withLock { $0 })/token\"")])
            default: return Self.good(request, image)
            }
        }
        port.withLock { $0 = registry.port }
        await #expect {
            try await LocalImageTests.texts(ImageSources.open("127.0.0.1:\(registry.port)/a:v1", Self.options))
        } throws: {
            guard let error = $0 as? OCIError else { return false }
            return error.code == (part == "error" ? .notFound : .tooLarge)
        }
        try await registry.stop()
    }

    @Test func mendsBrokenDownloads() async throws {
        // Cut twice, and the second time the rest is not given.
        var result = try await Self.read { request, image in
            guard Self.isLayer(request, image), request.count < 4 else { return nil }
            var answer = Self.good(request, image)
            if request.count == 2 { answer = OddRegistry.Answer(body: image.layers[0]) }
            if request.count == 3 { return .text(416) }
            answer.cutAfter = 10_000 * (request.count + 1)
            return answer
        }
        #expect(try result.texts.get() == ["a=one"])
        // Another part than asked for, and parts that do not fit together.
        result = try await Self.read { request, image in
            guard Self.isLayer(request, image) else { return nil }
            var answer = Self.good(request, image)
            if request.headers["range"] == nil {
                answer.cutAfter = 5000
            } else {
                answer.headers = [("Content-Range", "bytes 0-9/10")]
            }
            return answer
        }
        #expect(Self.failure(result.texts)?.code == .server)
        result = try await Self.read { request, image in
            guard Self.isLayer(request, image) else { return nil }
            var answer = Self.good(request, image)
            if request.count == 0 { answer.cutAfter = 5000 }
            if request.count == 1 { answer.body[7] ^= 1 }
            return answer
        }
        #expect(try result.texts.get() == ["a=one"])
        // A digest that lies is not asked for again.
        result = try await Self.read { request, image in
            guard Self.isLayer(request, image) else { return nil }
            var answer = Self.good(request, image)
            answer.body[7] ^= 1
            return answer
        }
        #expect(Self.failure(result.texts)?.code == .wrongDigest)
        #expect(result.requests.count { $0.uri.contains(Digest(of: Self.image?.layers[0] ?? []).hex) } == 1)
    }

    @Test func givesUpOnSilence() async throws {
        var options = Self.options
        options.registry.idleTimeout = .milliseconds(200)
        options.registry.attempts = 2
        let start = ContinuousClock.now
        let result = try await Self.read(options) { request, image in
            Self.isLayer(request, image)
                ? OddRegistry.Answer(headers: [("Content-Length", "\(image.layers[0].count)")], isSilent: true) : nil
        }
        #expect(Self.failure(result.texts)?.code == .server)
        #expect(ContinuousClock.now - start < .seconds(60))
    }

    @Test func stopsWhenCancelled() async throws {
        let image = try #require(Self.image)
        let registry = try await OddRegistry { request in
            Self.isLayer(request, image)
                ? OddRegistry.Answer(headers: [("Content-Length", "\(image.layers[0].count)")], isSilent: true)
                : Self.good(request, image)
        }
        var options = Self.options
        options.registry.idleTimeout = .seconds(60)
        let read = try await ImageSources.open("127.0.0.1:\(registry.port)/a:v1", options)
        let start = ContinuousClock.now
        let task = Task { try await read.layers[0].fetch() }
        try await Task.sleep(for: .milliseconds(100))
        task.cancel()
        await #expect { try await task.value } throws: { ($0 as? OCIError)?.code == .cancelled }
        #expect(ContinuousClock.now - start < .seconds(45))
        try await registry.stop()
    }

    @Test func keepsLoginsFromOtherHosts() async throws {
        let image = try #require(Self.image)
        let other = try await OddRegistry { Self.good($0, image) }
        let place = other.port
        let registry = try await OddRegistry { request in
            guard request.headers["authorization"] == "Basic dTpw" else {
                return .text(401, "", [("WWW-Authenticate", "Basic realm=r")])
            }
            if request.uri.contains("/blobs/") {
                return .text(307, "", [("Location", "http://127.0.0.1:\(place)\(request.uri)")])
            }
            if request.uri.hasSuffix("loop") { return .text(302, "", [("Location", request.uri)]) }
            return Self.good(request, image)
        }
        var options = Self.options
        options.registry.login = ("u", Secret("p"))
        let read = try await ImageSources.open("127.0.0.1:\(registry.port)/team/app:v1", options)
        #expect(try await LocalImageTests.texts(read) == ["a=one"])
        #expect(!other.requests.isEmpty && other.requests.allSatisfy { $0.headers["authorization"] == nil })
        await #expect { try await ImageSources.open("127.0.0.1:\(registry.port)/team/app:loop", options) } throws: {
            ($0 as? OCIError)?.code == .server && "\($0)".contains("redirects")
        }
        try await registry.stop()
        try await other.stop()
    }

    @Test func asksMirrorsInTurn() async throws {
        let image = try #require(Self.image)
        let empty = try await OddRegistry { _ in .text(404) }
        let full = try await OddRegistry { Self.good($0, image) }
        var options = Self.options
        options.registry.mirrors = [
            "registry.example.org": ["127.0.0.1:1", "http://127.0.0.1:\(empty.port)", "127.0.0.1:\(full.port)/cache"]
        ]
        options.registry.attempts = 2
        let read = try await ImageSources.open("registry.example.org/team/app:v1", options)
        #expect(
            try await LocalImageTests.texts(read) == ["a=one"] && read.reference == "registry.example.org/team/app:v1")
        #expect(full.requests.first?.uri == "/v2/cache/team/app/manifests/v1" && empty.requests.count == 1)
        options.registry.mirrors = ["*": ["bad mirror"]]
        await #expect { try await ImageSources.open("registry.example.org/team/app:v1", options) } throws: {
            "\($0)".contains("mirror")
        }
        try await empty.stop()
        try await full.stop()
    }

    @Test func usesProxies() async throws {
        let image = try #require(Self.image)
        let registry = try await OddRegistry { Self.good($0, image) }
        let proxy = try await ConnectProxy(to: registry.port)
        var options = Self.options
        options.registry.mirrors = ["registry.example.org": ["http://registry.example.org"]]
        options.registry.environment = ["HTTP_PROXY": "http://u:p@127.0.0.1:\(proxy.port)"]
        let read = try await ImageSources.open("registry.example.org/team/app:v1", options)
        #expect(try await LocalImageTests.texts(read) == ["a=one"])
        #expect(proxy.heads.first?.hasPrefix("CONNECT registry.example.org:80 ") == true)
        #expect(proxy.heads.first?.lowercased().contains("proxy-authorization: basic dtpw") == true)
        try await proxy.stop()
        try await registry.stop()
        for (host, port, list, isProxied) in [
            ("a.example.org", 443, "", true), ("a.example.org", 443, "example.org", false),
            ("a.example.org", 443, ".example.org", false),
            ("aexample.org", 443, "example.org", true), ("a.example.org", 443, "*", false),
            ("a.org", 443, "a.org:80", true),
            ("a.org", 80, " a.org:80 ,b", false), ("10.1.2.3", 443, "10.0.0.0/8", false),
            ("11.1.2.3", 443, "10.0.0.0/8", true),
            ("localhost", 443, "", false), ("127.0.0.5", 443, "", false), ("127.evil.org", 443, "", true),
            ("b.c", 443, "*.c", false),
        ] {
            let found = try RegistryProxy.find(
                isTLS: true, host: host, port: port, environment: ["https_proxy": "proxy:3128", "NO_PROXY": list])
            #expect((found != nil) == isProxied, "\(host) \(list)")
        }
        #expect {
            try RegistryProxy.find(isTLS: true, host: "a.b", port: 1, environment: ["HTTPS_PROXY": "ftp://u:s3cr3t@x"])
        } throws: {
            !"\($0)".contains("s3cr3t")
        }
    }

    @Test func readsChallenges() {
        for (header, schemes, realm) in [
            ("Basic realm=\"a\"", ["basic"], "a"),
            ("Bearer realm=\"https://a/b?c=d,e\",service=\"x \\\"y\\\"\"", ["bearer"], "https://a/b?c=d,e"),
            ("Basic realm=b, Bearer realm=\"c\"", ["basic", "bearer"], "b"), ("Negotiate", ["negotiate"], nil),
            ("", [], nil),
            ("Bearer realm=\"open", ["bearer"], nil), ("=x", [], nil), ("Bearer realm = \"a\" , x=y", ["bearer"], "a"),
        ] as [(String, [String], String?)] {
            let challenges = Challenge.list(header)
            #expect(challenges.map(\.scheme) == schemes && challenges.first?.parameters["realm"] == realm, "\(header)")
        }
    }
}

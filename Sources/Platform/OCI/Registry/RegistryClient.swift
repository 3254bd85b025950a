// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Archives
import AsyncHTTPClient
import Documents
import Foundation
import Logging
import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization

/// Reads images of a registry (OCI distribution specification, pull).
///
/// Tries are bounded in number and time; what a registry sends is bounded by what its descriptors say and held against
/// their digests. A login goes to the registry and its token service and nowhere else.
package final class RegistryClient: Sendable {
    let options: RegistryOptions
    let transport: RegistryTransport
    private let tokens: RegistryTokens
    private let logger: Logger
    /// Registries on this machine that turned out to have no TLS.
    private let plain = Mutex<Set<String>>([])
    /// Registries that answered over TLS, which are never asked without it after that.
    private let secure = Mutex<Set<String>>([])

    /// - Throws: `unreadable` for certificate authorities that cannot be read.
    package init(
        _ options: RegistryOptions = RegistryOptions(), logger: Logger = Logger(label: "bulwark.registry")
    ) throws(OCIError) {
        self.options = options
        self.logger = logger
        transport = try RegistryTransport(options)
        tokens = RegistryTokens(transport, options)
    }

    /// Where a repository is asked for: its own registry or a mirror.
    struct Endpoint: Sendable, Hashable {
        /// As credentials know it: `docker.io`, `mirror.example.org:5000`.
        var registry: String
        /// As it is reached: `registry-1.docker.io`
        var host: String
        /// With the mirror's prefix, if any.
        var repository: String
        var allowsPlain: Bool
        /// Only without TLS.
        var isPlain = false
    }

    /// The mirrors of a registry in turn, then itself.
    func endpoints(_ reference: ImageReference) throws(OCIError) -> [Endpoint] {
        var endpoints: [Endpoint] = []
        for text in (options.mirrors[reference.registry] ?? []) + (options.mirrors["*"] ?? []) {
            var rest = text[...]
            let isPlain = rest.hasPrefix("http://")
            for scheme in ["https://", "http://"] where rest.hasPrefix(scheme) { rest = rest.dropFirst(scheme.count) }
            while rest.last == "/" { rest = rest.dropLast() }
            let host = rest.prefix { $0 != "/" }
            let path = rest.dropFirst(host.count).drop { $0 == "/" }
            let repository = path.isEmpty ? reference.repository : "\(path)/\(reference.repository)"
            // Read as a reference, which checks both.
            let whole: ImageReference
            do throws(OCIError) { whole = try ImageReference("\(host)/\(repository)") } catch {
                throw OCIError(.malformed, "mirror \(text.excerpt()): \(error.message)")
            }
            guard whole.registry == host || host == "docker.io" || host == "index.docker.io" else {
                throw OCIError(.malformed, "mirror \(text.excerpt()) is no registry; expected host[:port][/prefix]")
            }
            endpoints.append(
                Endpoint(
                    registry: whole.registry, host: Self.host(whole.registry), repository: whole.repository,
                    allowsPlain: isPlain || whole.isLocal || options.allowsPlainHTTP, isPlain: isPlain))
        }
        endpoints.append(
            Endpoint(
                registry: reference.registry, host: Self.host(reference.registry), repository: reference.repository,
                allowsPlain: reference.isLocal || options.allowsPlainHTTP))
        return endpoints
    }

    private static func host(_ registry: String) -> String {
        registry == ImageReference.defaultRegistry ? "registry-1.docker.io" : registry
    }

    /// Sends a request for something of a repository and logs in when the registry asks for it.
    /// - Returns: an answer of status 2xx or 416.
    func open(
        _ endpoint: Endpoint, path: String, headers: [(String, String)], timeout: Duration
    ) async throws -> HTTPClientResponse {
        let key = "\(endpoint.host)/\(endpoint.repository)"
        var refusals = 0
        while true {
            var request = RegistryTransport.Request(url: "", timeout: timeout, allowsPlain: endpoint.allowsPlain)
            request.headers = headers
            request.authorization = tokens.authorization(for: key)
            let answer = try await sendWithFallback(request, endpoint, "/v2/\(endpoint.repository)/\(path)")
            let response = answer.response
            let code = response.status.code
            if (200...299).contains(code) || code == 416 { return response }
            guard code == 401 else { throw await failure(response, endpoint, path) }
            await response.body.drain()
            // What answers in the registry's place must not say where the registry's login is to go.
            if let host = answer.elsewhere {
                throw OCIError(
                    .unauthorized,
                    "\(endpoint.registry) sends us on to \(host.plain()), which asks for a login of its own")
            }
            // Twice: what we had may just have expired.
            refusals += 1
            let challenges = response.headers["WWW-Authenticate"].prefix(8).flatMap { Challenge.list($0) }
            guard refusals <= 2, !challenges.isEmpty else {
                throw OCIError(
                    .unauthorized,
                    "\(endpoint.registry) does not let us read \(endpoint.repository): "
                        + (request.authorization == nil ? "it asks for a login" : "it does not accept our login"))
            }
            _ = try await tokens.answer(
                challenges, registry: endpoint.registry, repository: endpoint.repository, key: key,
                address: address(endpoint), allowsPlain: endpoint.allowsPlain)
        }
    }

    /// TLS first; without it where that is allowed and there is none.
    private func sendWithFallback(
        _ request: RegistryTransport.Request, _ endpoint: Endpoint, _ path: String
    ) async throws -> RegistryTransport.Answer {
        var request = request
        request.url = address(endpoint) + path
        guard request.url.hasPrefix("https:") else { return try await transport.send(request) }
        do {
            let answer = try await transport.send(request)
            secure.withLock { _ = $0.insert(endpoint.host) }
            return answer
        } catch {
            guard endpoint.allowsPlain, !isSecure(endpoint), Self.isNoTLS(error) else { throw error }
            request.url = "http://\(endpoint.host)\(path)"
            // The login is kept back until it is known who answers.
            request.authorization = nil
            let answer = try await transport.send(request)
            // What a server that does speak TLS says to those who do not: its handshake only broke off.
            guard answer.response.status.code != 400 else {
                await answer.response.body.drain()
                throw RegistryFailure(
                    OCIError(.server, "\(endpoint.registry) broke off the handshake", cause: error), mayRetry: true)
            }
            plain.withLock { _ = $0.insert(endpoint.host) }
            return answer
        }
    }

    private func address(_ endpoint: Endpoint) -> String {
        let isPlain = endpoint.isPlain || plain.withLock { $0.contains(endpoint.host) }
        return "\(isPlain ? "http" : "https")://\(endpoint.host)"
    }

    private func isSecure(_ endpoint: Endpoint) -> Bool { secure.withLock { $0.contains(endpoint.host) } }

    /// Whether there is a server that does not speak TLS.
    private static func isNoTLS(_ error: any Error) -> Bool {
        if isDistrust(error) { return false }
        return error is NIOSSLError || (error as? HTTPClientError) == .tlsHandshakeTimeout
    }

    /// Whether a certificate was not accepted.
    private static func isDistrust(_ error: any Error) -> Bool {
        guard let error = error as? NIOSSLError, case .handshakeFailed(let reason) = error else { return false }
        return "\(reason)".contains("CERTIFICATE_VERIFY")
    }

    /// Repeats what failed for load or a broken connection.
    func retrying<Value: Sendable>(
        _ what: String, _ endpoint: Endpoint, _ body: () async throws -> Value
    ) async throws(OCIError) -> Value {
        var attempt = 1
        while true {
            let failure: any Error
            do { return try await body() } catch { failure = error }
            let wait = try backOff(failure, attempt: attempt, what, endpoint)
            try await pause(wait)
            attempt += 1
        }
    }

    /// How long to wait before another try.
    /// - Throws: the failure in our words where there is to be none.
    func backOff(_ error: any Error, attempt: Int, _ what: String, _ endpoint: Endpoint) throws(OCIError) -> Duration {
        let failure = describe(error, what, endpoint)
        guard !Task.isCancelled else { throw OCIError(.cancelled, "\(what): cancelled") }
        guard failure.mayRetry, attempt < options.attempts else { throw failure.error }
        if let asked = failure.retryAfter {
            guard asked <= options.maxRetryAfter else {
                throw OCIError(
                    failure.error.code,
                    "\(failure.error.message); it wants us to wait for \(asked.components.seconds) s")
            }
            return asked
        }
        let ceiling = min(options.backOff * (1 << min(attempt - 1, 10)), .seconds(10))
        return ceiling * Double.random(in: 0.5...1)
    }

    func pause(_ wait: Duration) async throws(OCIError) {
        do { try await Task.sleep(for: wait) } catch { throw OCIError(.cancelled, "cancelled") }
    }

    private func failure(_ response: HTTPClientResponse, _ endpoint: Endpoint, _ path: String) async -> any Error {
        let code = response.status.code
        let bytes = try? await response.body.bytes(limit: 64 << 10, timeout: .seconds(10), name: endpoint.registry)
        var words = ""
        if let bytes, let root = try? JSONFields(bytes, name: "").root, let first = root["errors"]?[0] {
            let parts = [first["code"]?.string, first["message"]?.string].compactMap { $0 }
            words = parts.isEmpty ? "" : " (" + parts.joined(separator: ": ").plain(200) + ")"
        }
        let place = "\(endpoint.registry)/\(endpoint.repository)"
        switch code {
        case 403: return OCIError(.unauthorized, "\(endpoint.registry) denies access to \(endpoint.repository)\(words)")
        case 404: return OCIError(.notFound, "\(place) has no \(path.replacing("/", with: " ").excerpt())\(words)")
        case 429: return RegistryFailure(response, "\(endpoint.registry) wants fewer requests\(words)")
        default: return RegistryFailure(response, "\(endpoint.registry) answered \(code)\(words)")
        }
    }

    func describe(_ error: any Error, _ what: String, _ endpoint: Endpoint) -> RegistryFailure {
        switch error {
        case let failure as RegistryFailure: return failure
        case let error as OCIError: return RegistryFailure(error)
        case let error as ArchiveError: return RegistryFailure(OCIError(error, what))
        case is CancellationError: return RegistryFailure(OCIError(.cancelled, "\(what): cancelled"))
        default:
            let words = "\(endpoint.registry) does not answer: \("\(error)".plain(200))"
            // Who has spoken TLS before will do so again.
            let mayRetry = !(error is NIOSSLError) || (isSecure(endpoint) && !Self.isDistrust(error))
            return RegistryFailure(OCIError(.server, words), mayRetry: mayRetry)
        }
    }
}

/// A failure and whether another try may help.
struct RegistryFailure: Error {
    let error: OCIError
    let mayRetry: Bool
    var retryAfter: Duration?

    init(_ error: OCIError, mayRetry: Bool = false) {
        self.error = error
        self.mayRetry = mayRetry
    }

    /// An answer that was not expected; one for load or of a server in trouble may get better.
    init(_ response: HTTPClientResponse, _ message: String) {
        let code = response.status.code
        error = OCIError(code == 429 ? .tooManyRequests : .server, message)
        mayRetry = code == 429 || code == 408 || (code >= 500 && code != 501)
        guard mayRetry, let text = response.headers.first(name: "Retry-After") else { return }
        if let seconds = Int(text), seconds >= 0 {
            retryAfter = .seconds(min(seconds, 1 << 30))
        } else {
            let format = DateFormatter()
            format.locale = Locale(identifier: "en_US_POSIX")
            format.timeZone = TimeZone(identifier: "GMT")
            format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss zzz"
            if let date = format.date(from: text) {
                retryAfter = .seconds(min(max(date.timeIntervalSinceNow, 0), 1e9))
            }
        }
    }
}

extension HTTPClientResponse.Body {
    /// Reads a short body that says nothing, so that its connection can be used again.
    func drain() async { _ = try? await bytes(limit: 64 << 10, timeout: .seconds(10), name: "") }

    /// All bytes, of an answer that must be small and quick.
    func bytes(limit: Int, timeout: Duration, name: String) async throws -> [UInt8] {
        let deadline = ContinuousClock.now + timeout
        var bytes: [UInt8] = []
        for try await chunk in self {
            guard bytes.count + chunk.readableBytes <= limit else {
                throw OCIError(.tooLarge, "\(name.plain()) sends more than \(limit) bytes")
            }
            bytes += chunk.readableBytesView
            guard ContinuousClock.now < deadline else {
                throw RegistryFailure(
                    OCIError(.server, "\(name.plain()) takes more than \(timeout) to answer"), mayRetry: true)
            }
        }
        return bytes
    }
}

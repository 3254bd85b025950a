// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AsyncHTTPClient
import Dispatch
import Documents
import Logging
import NIOCore
import NIOHTTP1
import NIOSSL

/// Asks one API server. Many requests may run at once; each is retried by `APIClientOptions.retries`.
///
/// Talks HTTP/1.1: every watch has a connection of its own, so that a stalled one holds up nobody else.
package final class APIClient: Sendable {
    package let connection: ClusterConnection
    package let options: APIClientOptions
    let logger: Logger
    private let requests: Transport
    private let watches: Transport
    private let base: String

    /// - Throws: `unreadableFile` for certificates that cannot be used.
    package init(
        _ connection: ClusterConnection, options: APIClientOptions = .init(),
        logger: Logger = Logger(label: "bulwark.kubernetes")
    ) throws {
        self.connection = connection
        self.options = options
        self.logger = logger
        let (base, overrides) = connection.reachable
        self.base = base
        let tls = try connection.tlsConfiguration(identity: nil)
        var configuration = HTTPClient.Configuration(tlsConfiguration: tls)
        // Never follow: a credential goes to the configured server and nowhere else.
        configuration.redirectConfiguration = .disallow
        configuration.httpVersion = .http1Only
        configuration.decompression = .disabled
        configuration.dnsOverride = overrides
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 256
        // Retrying is done here, where the reason of a failure is still known.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.proxy = connection.proxy?.configuration
        configuration.timeout = .init(
            connect: options.connectTimeout.nio, read: options.idleTimeout.nio, write: options.idleTimeout.nio)
        requests = Transport(configuration)
        configuration.timeout.read = options.watchIdleTimeout.nio
        watches = Transport(configuration)
    }

    /// How messages call the server: `cluster prod (https://10.0.0.1:6443)`.
    package var name: String { "cluster \(connection.cluster.excerpt(100)) (\(connection.server.excerpt(200)))" }

    /// The JSON answer to a request.
    package func send(_ request: APIRequest) async throws -> Document {
        let answer = try await exchange(request)
        return try parse(answer, path: request.path)
    }

    /// The raw answer to a request whose status is 2xx; everything else is thrown.
    package func exchange(_ request: APIRequest) async throws -> ByteBuffer {
        try await retrying(request) { credential, body in
            let deadline = ContinuousClock.now + self.options.requestTimeout
            let response = try await self.execute(request, body, credential, over: self.requests)
            var bytes = ByteBuffer()
            let limit = self.options.maxAnswerBytes
            if let length = response.headers.first(name: "Content-Length").flatMap({ Int($0) }), length <= limit {
                bytes.reserveCapacity(length)
            }
            for try await chunk in response.body {
                guard bytes.readableBytes + chunk.readableBytes <= limit else {
                    throw KubernetesError(
                        .tooLarge, "\(self.name) answered \(request.path) with more than \(limit) bytes")
                }
                bytes.writeImmutableBuffer(chunk)
                guard ContinuousClock.now < deadline else { throw HTTPClientError.deadlineExceeded }
            }
            try self.check(response, bytes, request)
            return bytes
        }
    }

    /// Opens a stream: the answer's head has arrived and is 200, its body is read by the caller.
    func open(_ request: APIRequest) async throws -> HTTPClientResponse.Body {
        try await retrying(request) { credential, body in
            let response = try await self.execute(request, body, credential, over: self.watches)
            guard response.status == .ok, !self.isForeign(response.headers) else {
                let text = try await response.body.collect(upTo: 1 << 20)
                try self.check(response, text, request)
                throw KubernetesError(
                    .malformedAnswer, "\(self.name) answered a watch with status \(response.status.code)")
            }
            return response.body
        }
    }

    /// Parses an answer.
    func parse(_ bytes: ByteBuffer, path: String) throws -> Document {
        do {
            var limits = DocumentLimits.standard
            limits.maxBytes = options.maxAnswerBytes
            limits.maxNodes = 20_000_000
            return try bytes.document(source: path, limits: limits)
        } catch {
            throw KubernetesError(.malformedAnswer, "\(name) answered \(path) with broken JSON: \(error)", cause: error)
        }
    }

    private func execute(
        _ request: APIRequest, _ body: ByteBuffer?, _ credential: Credential, over transport: Transport
    ) async throws -> HTTPClientResponse {
        var outgoing = HTTPClientRequest(url: base + request.target)
        outgoing.method = HTTPMethod(rawValue: request.method.rawValue)
        outgoing.headers.add(name: "Accept", value: "application/json")
        outgoing.headers.add(name: "User-Agent", value: options.userAgent)
        if let authorization = credential.authorization {
            outgoing.headers.add(name: "Authorization", value: authorization.text)
        }
        for (name, value) in connection.impersonation { outgoing.headers.add(name: name, value: value) }
        if let identity = credential.identity {
            outgoing.tlsConfiguration = try connection.tlsConfiguration(identity: identity)
        }
        if let contentType = request.body?.contentType, let body {
            outgoing.headers.add(name: "Content-Type", value: contentType)
            outgoing.body = .bytes(body)
        }
        return try await transport.client.execute(outgoing, timeout: options.requestTimeout.nio, logger: nil)
    }

    private func retrying<Value: Sendable>(
        _ request: APIRequest, _ body: (Credential, ByteBuffer?) async throws -> Value
    ) async throws -> Value {
        let payload = request.body.map { ByteBuffer(bytes: $0.bytes) }
        var attempt = 1
        var mayRenew = true
        while true {
            let credential = try await connection.credentials.current()
            do {
                return try await body(credential, payload)
            } catch {
                try Task.checkCancellation()
                let failure = describe(error, request)
                if failure.code == .unauthorized, connection.credentials.reject(credential), mayRenew {
                    mayRenew = false
                    continue
                }
                guard attempt < min(options.retries.attempts, request.attempts), Self.mayRetry(failure, request) else {
                    throw failure
                }
                let wait = options.retries.wait(after: attempt, retryAfter: failure.retryAfter)
                logger.debug(
                    "asking again",
                    metadata: ["path": "\(request.path)", "attempt": "\(attempt)", "reason": "\(failure.code)"])
                try await Task.sleep(for: wait)
                attempt += 1
            }
        }
    }

    /// A refusal for load is safe to repeat; a broken connection only when repeating does no harm.
    private static func mayRetry(_ failure: KubernetesError, _ request: APIRequest) -> Bool {
        switch failure.code {
        case .throttled: true
        case .server: request.isIdempotent || failure.retryAfter != nil
        case .connection, .timeout, .emptyAnswer: request.isIdempotent
        default: false
        }
    }
}

/// An HTTP client that is shut down with its owner.
private final class Transport: Sendable {
    let client: HTTPClient

    init(_ configuration: HTTPClient.Configuration) {
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    deinit {
        // The closure's reference keeps the client alive until it has closed its connections.
        client.shutdown(queue: .global()) { [client] _ in _ = client }
    }
}

extension Duration {
    var nio: TimeAmount {
        .nanoseconds(Int64(clamping: components.seconds) * 1_000_000_000 + components.attoseconds / 1_000_000_000)
    }
}

extension ByteBuffer {
    /// Parses the readable bytes as Go does: the last of equal keys counts.
    func document(source: String, limits: DocumentLimits = .standard) throws(DocumentError) -> Document {
        let result = withUnsafeReadableBytes { bytes in
            Result { () throws(DocumentError) -> Document in
                try JSONReader.read(bytes, source: source, limits: limits, duplicateKeys: .last)
            }
        }
        return try result.get()
    }
}

extension ClusterConnection {
    /// The address to request, and where its host really is: with a tls-server-name, that name stands in the URL (so
    /// that it is announced and checked in the handshake) and the real host is resolved in its place.
    fileprivate var reachable: (base: String, overrides: [String: String]) {
        guard let serverName, server.lowercased().hasPrefix("https://") else { return (server, [:]) }
        let rest = server.dropFirst(8)
        let authority = rest.prefix { $0 != "/" }
        let tail = rest.dropFirst(authority.count)
        var host = authority
        var port = Substring("")
        if let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") {
            host = authority[..<colon]
            port = authority[colon...]
        }
        if host.hasPrefix("[") { host = host.dropFirst().dropLast() }
        return ("https://\(serverName)\(port)\(tail)", [serverName: String(host)])
    }
}

extension ClusterConnection.Proxy {
    fileprivate var configuration: HTTPClient.Configuration.Proxy {
        if isSOCKS { return .socksServer(host: host, port: port) }
        let login = login.map { HTTPClient.Authorization.basic(username: $0.user, password: $0.password.text) }
        return .server(host: host, port: port, authorization: login)
    }
}

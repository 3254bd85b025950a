// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization

/// Sends one request: over the right proxy, with the right certificates, and after redirects that give nothing away.
final class RegistryTransport: Sendable {
    private let options: RegistryOptions
    private let tls: TLSConfiguration
    /// One client for each proxy, and one for none.
    private let clients = Mutex<[RegistryProxy?: HTTPClient]>([:])

    private static let maxRedirects = 10

    /// - Throws: `unreadable` for authorities that are no certificates.
    init(_ options: RegistryOptions) throws(OCIError) {
        self.options = options
        var tls = TLSConfiguration.makeClientConfiguration()
        if options.skipsVerification { tls.certificateVerification = .none }
        if let path = options.authorities {
            do {
                tls.additionalTrustRoots = [.certificates(try NIOSSLCertificate.fromPEMFile(path))]
            } catch { throw OCIError(.unreadable, "\(path.plain()) holds no certificates in PEM form", cause: error) }
        }
        self.tls = tls
    }

    deinit {
        for client in clients.withLock({ $0.values.map { $0 } }) {
            // The closure's reference keeps the client alive until it has closed its connections.
            client.shutdown(queue: .global()) { [client] _ in _ = client }
        }
    }

    struct Request: Sendable {
        var url: String
        var method = "GET"
        var headers: [(String, String)] = []
        /// Only for the host that `url` names.
        var authorization: Secret?
        var body: [UInt8]?
        /// The head of the answer is there by then.
        var timeout: Duration
        /// Whether secrets and content may go without TLS.
        var allowsPlain = false
    }

    /// The answer that is no redirect, whatever its status.
    func send(_ request: Request) async throws -> HTTPClientResponse {
        guard var url = URLComponents(string: request.url) else {
            throw OCIError(.malformed, "\(request.url.excerpt()) is no address")
        }
        let origin = Self.origin(url)
        for _ in 0...Self.maxRedirects {
            let isTLS = url.scheme == "https"
            guard isTLS || url.scheme == "http", let host = url.host, let text = url.string else {
                throw OCIError(.server, "an address of the registry is neither http nor https")
            }
            var outgoing = HTTPClientRequest(url: text)
            outgoing.method = .RAW(value: request.method)
            for (name, value) in request.headers { outgoing.headers.add(name: name, value: value) }
            outgoing.headers.add(name: "User-Agent", value: "bulwark")
            if let authorization = request.authorization, Self.origin(url) == origin {
                outgoing.headers.add(name: "Authorization", value: authorization.text)
            }
            if let body = request.body { outgoing.body = .bytes(ByteBuffer(bytes: body)) }
            let client = try client(isTLS: isTLS, host: host, port: url.port ?? (isTLS ? 443 : 80))
            let response = try await client.execute(outgoing, timeout: request.timeout.nio, logger: nil)
            guard [301, 302, 303, 307, 308].contains(response.status.code), request.method == "GET" else {
                return response
            }
            await response.body.drain()
            guard let location = response.headers.first(name: "Location"), location.utf8.count <= 16_384,
                let next = URL(string: location, relativeTo: url.url),
                let target = URLComponents(url: next, resolvingAgainstBaseURL: true)
            else { throw OCIError(.server, "\(host.plain()) redirects to nowhere") }
            guard target.scheme == "https" || !isTLS || request.allowsPlain else {
                throw OCIError(.server, "\(host.plain()) redirects to an address without TLS")
            }
            url = target
            // Names and passwords in an address would be logins that nobody asked for.
            url.user = nil
            url.password = nil
            url.fragment = nil
        }
        throw OCIError(
            .server, "\((url.host ?? "the registry").plain()) redirects more than \(Self.maxRedirects) times")
    }

    private static func origin(_ url: URLComponents) -> String {
        "\(url.scheme ?? "")://\(url.host?.lowercased() ?? ""):\(url.port ?? (url.scheme == "https" ? 443 : 80))"
    }

    private func client(isTLS: Bool, host: String, port: Int) throws(OCIError) -> HTTPClient {
        let proxy = try RegistryProxy.find(isTLS: isTLS, host: host, port: port, environment: options.environment)
        return clients.withLock { clients in
            if let client = clients[proxy] { return client }
            var configuration = HTTPClient.Configuration(tlsConfiguration: tls)
            // Followed above, where credentials are kept from other hosts.
            configuration.redirectConfiguration = .disallow
            configuration.httpVersion = .http1Only
            // Digests are of the bytes as they are stored.
            configuration.decompression = .disabled
            configuration.connectionPool.retryConnectionEstablishment = false
            configuration.timeout = .init(
                connect: options.connectTimeout.nio, read: options.idleTimeout.nio, write: options.idleTimeout.nio)
            if let proxy {
                let login = proxy.user.map {
                    HTTPClient.Authorization.basic(username: $0, password: proxy.password?.text ?? "")
                }
                configuration.proxy =
                    proxy.isSOCKS
                    ? .socksServer(host: proxy.host, port: proxy.port)
                    : .server(host: proxy.host, port: proxy.port, authorization: login)
            }
            let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
            clients[proxy] = client
            return client
        }
    }
}

extension Duration {
    var nio: TimeAmount {
        let nanoseconds = Double(components.seconds) * 1e9 + Double(components.attoseconds) / 1e9
        return .nanoseconds(Int64(min(max(nanoseconds, 0), 1e18)))
    }
}

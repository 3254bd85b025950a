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
    private let clients = Mutex<[Way: HTTPClient]>([:])
    private let zones = NetworkZones()

    private static let maxRedirects = 10

    /// Connections that may serve the same requests.
    private struct Way: Hashable {
        var proxy: RegistryProxy?
        /// Where the other end may be; of proxies nobody asks.
        var zones: NetworkZone
    }

    /// The other end of a connection is where it must not be.
    private struct Unreachable: Error {}

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
        /// The address whose answer named `url`, for example the registry of a token service.
        var namedBy: String?
    }

    struct Answer {
        var response: HTTPClientResponse
        /// The host that it came from in the end, where that is another than was asked.
        var elsewhere: String?
    }

    /// The answer that is no redirect, whatever its status.
    func send(_ request: Request) async throws -> Answer {
        guard var url = URLComponents(string: request.url) else {
            throw OCIError(.malformed, "\(request.url.excerpt()) is no address")
        }
        let origin = Self.origin(url)
        var place: Place?
        if let text = request.namedBy, let sender = URLComponents(string: text) {
            place = try await self.place(of: sender, after: nil)
        }
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
            let next = try await self.place(of: url, after: place)
            let response: HTTPClientResponse
            do {
                response = try await client(next).execute(outgoing, timeout: request.timeout.nio, logger: nil)
            } catch is Unreachable { throw Self.refusal(host, after: place) }
            place = next
            guard [301, 302, 303, 307, 308].contains(response.status.code), request.method == "GET" else {
                return Answer(response: response, elsewhere: next.origin == origin ? nil : host)
            }
            await response.body.drain()
            guard let location = response.headers.first(name: "Location"), location.utf8.count <= 16_384,
                let following = URL(string: location, relativeTo: url.url),
                let target = URLComponents(url: following, resolvingAgainstBaseURL: true)
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

    /// Where a request goes.
    private struct Place {
        var origin: String
        var host: String
        var proxy: RegistryProxy?
        /// Where it may be.
        var allowed = NetworkZone.all
        /// Where what it names may be.
        var next = NetworkZone.all
    }

    /// - Parameter before: who named this address; nil for the registry itself.
    /// - Throws: `unauthorized` for a place that must not be asked.
    private func place(of url: URLComponents, after before: Place?) async throws -> Place {
        let isTLS = url.scheme == "https"
        var host = (url.host ?? "").lowercased()
        if host.contains(":"), !host.hasPrefix("[") { host = "[\(host)]" }
        let port = url.port ?? (isTLS ? 443 : 80)
        var place = Place(origin: Self.origin(url), host: host)
        place.proxy = try RegistryProxy.find(isTLS: isTLS, host: host, port: port, environment: options.environment)
        guard let reach = options.reach else { return place }
        if let before, before.origin == place.origin { return before }
        // Names are looked up by the proxy then, which has rules of its own.
        let zones =
            place.proxy == nil ? await self.zones.of(host, reach) : NetworkZone.of(literal: host) ?? .open
        guard let zones else {
            throw RegistryFailure(OCIError(.server, "\(host.plain()) has no address"), mayRetry: true)
        }
        place.next = RegistryReach.next(after: zones)
        if reach.isNamed(host, port: port, isTLS: isTLS) { return place }
        place.allowed = zones.intersection(before?.next ?? [.open, .inner])
        guard place.allowed == zones else { throw Self.refusal(host, after: before) }
        return place
    }

    private static func refusal(_ host: String, after before: Place?) -> OCIError {
        OCIError(
            .unauthorized,
            before.map {
                "\($0.host.plain()) leads to \(host.plain()), which is inside of this server's network; an administrator can allow it"
            } ?? "\(host.plain()) is this machine or its link, which is not asked unless an administrator names it")
    }

    private static func origin(_ url: URLComponents) -> String {
        "\(url.scheme ?? "")://\(url.host?.lowercased() ?? ""):\(url.port ?? (url.scheme == "https" ? 443 : 80))"
    }

    private func client(_ place: Place) -> HTTPClient {
        let way = Way(proxy: place.proxy, zones: place.proxy == nil ? place.allowed : .all)
        return clients.withLock { clients in
            if let client = clients[way] { return client }
            var configuration = HTTPClient.Configuration(tlsConfiguration: tls)
            // Followed above, where credentials are kept from other hosts.
            configuration.redirectConfiguration = .disallow
            configuration.httpVersion = .http1Only
            // Digests are of the bytes as they are stored.
            configuration.decompression = .disabled
            configuration.connectionPool.retryConnectionEstablishment = false
            configuration.timeout = .init(
                connect: options.connectTimeout.nio, read: options.idleTimeout.nio, write: options.idleTimeout.nio)
            if way.zones != .all, let reach = options.reach {
                configuration.http1_1ConnectionDebugInitializer = { channel in
                    guard !way.zones.contains(Self.zone(channel.remoteAddress, reach)) else {
                        return channel.eventLoop.makeSucceededVoidFuture()
                    }
                    // The pool takes the end of a connection only once it has heard that it is none.
                    channel.eventLoop.scheduleTask(in: .milliseconds(10)) { channel.close(promise: nil) }
                    return channel.eventLoop.makeFailedFuture(Unreachable())
                }
            }
            if let proxy = way.proxy {
                let login = proxy.user.map {
                    HTTPClient.Authorization.basic(username: $0, password: proxy.password?.text ?? "")
                }
                configuration.proxy =
                    proxy.isSOCKS
                    ? .socksServer(host: proxy.host, port: proxy.port)
                    : .server(host: proxy.host, port: proxy.port, authorization: login)
            }
            let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
            clients[way] = client
            return client
        }
    }

    private static func zone(_ address: SocketAddress?, _ reach: RegistryReach) -> NetworkZone {
        switch address {
        case .v4(let address): withUnsafeBytes(of: address.address.sin_addr) { reach.zone(Array($0)) }
        case .v6(let address): withUnsafeBytes(of: address.address.sin6_addr) { reach.zone(Array($0)) }
        default: .own
        }
    }
}

extension Duration {
    var nio: TimeAmount {
        let nanoseconds = Double(components.seconds) * 1e9 + Double(components.attoseconds) / 1e9
        return .nanoseconds(Int64(min(max(nanoseconds, 0), 1e18)))
    }
}

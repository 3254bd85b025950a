// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AsyncHTTPClient
import Documents
import Foundation
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import NIOSSL
import Rego
import Synchronization

/// Speaks to external data providers: HTTPS with the authority that the Provider names and no other.
package final class ProviderClient: Sendable {
    private static let maxBytes = 4 << 20
    private struct Entry {
        var authority: String
        var client: HTTPClient
    }

    private let clients = Mutex<[String: Entry]>([:])

    package init() {}

    /// Ends all connections.
    package func shutdown() async {
        let all = clients.withLock { clients in
            defer { clients.removeAll() }
            return clients.values.map(\.client)
        }
        for client in all { try? await client.shutdown() }
    }

    /// See `ExternalData.Fetcher`.
    package func fetch(_ provider: ExternalDataProvider, _ keys: [String]) async throws -> [String: ExternalAnswer] {
        let body = Value.object(
            ObjectValue([
                (.string("apiVersion"), .string("externaldata.gatekeeper.sh/v1beta1")),
                (.string("kind"), .string("ProviderRequest")),
                (
                    .string("request"),
                    .object(ObjectValue([(.string("keys"), .array(keys.map { .string($0) }))]))
                ),
            ])
        ).json
        var request = HTTPClientRequest(url: provider.url)
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/json")
        request.body = .bytes(ByteBuffer(string: body))
        let client = try client(provider)
        let answer = try await client.execute(request, timeout: .seconds(Int64(provider.timeout)))
        guard answer.status == .ok else {
            throw GatekeeperError(.evaluation, "it answers with status \(answer.status.code)")
        }
        let bytes = try await answer.body.collect(upTo: Self.maxBytes)
        return try Self.read(Array(buffer: bytes))
    }

    static func read(_ bytes: [UInt8]) throws -> [String: ExternalAnswer] {
        let root: Node
        do throws(DocumentError) { root = try JSONReader.read(bytes, source: "provider").root } catch {
            throw GatekeeperError(.evaluation, "its answer is no JSON: \(error)")
        }
        guard root["kind"]?.string == "ProviderResponse", let response = root["response"], response.isObject else {
            throw GatekeeperError(.evaluation, "its answer is no ProviderResponse")
        }
        if let problem = response["systemError"]?.string, !problem.isEmpty {
            throw GatekeeperError(.evaluation, String(problem.prefix(500)))
        }
        var found: [String: ExternalAnswer] = [:]
        let items: [Node] = response["items"].map { Array($0.elements) } ?? []
        for item in items {
            guard let key = item["key"]?.string else { continue }
            if let error = item["error"]?.string, !error.isEmpty {
                found[key] = .error(String(error.prefix(500)))
            } else if let value = item["value"], !value.isNull {
                found[key] = .value(value)
            }
        }
        return found
    }

    /// One for each provider, made anew when its authority changes.
    private func client(_ provider: ExternalDataProvider) throws -> HTTPClient {
        guard let pem = Data(base64Encoded: provider.authority) else {
            throw GatekeeperError(.invalid, "spec.caBundle is no base64")
        }
        let authorities = try NIOSSLCertificate.fromPEMBytes(Array(pem))
        return clients.withLock { clients in
            if let known = clients[provider.name], known.authority == provider.authority { return known.client }
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.trustRoots = .certificates(authorities)
            tls.minimumTLSVersion = .tlsv12
            var configuration = HTTPClient.Configuration(tlsConfiguration: tls)
            configuration.redirectConfiguration = .disallow
            let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
            if let old = clients.updateValue(
                Entry(authority: provider.authority, client: client), forKey: provider.name)
            {
                // Requests of the old one may still run; it ends when they do.
                Task { try? await old.client.shutdown() }
            }
            return client
        }
    }
}

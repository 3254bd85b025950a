// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AsyncHTTPClient
import NIOHTTP1
import Documents
import Foundation
import Synchronization

/// Answers the challenges of one registry: a login as it is, or a token that its token service gives for it.
final class RegistryTokens: Sendable {
    private let transport: RegistryTransport
    private let options: RegistryOptions
    /// What answered the last challenge for a repository.
    private let known = Mutex<[String: Secret]>([:])

    init(_ transport: RegistryTransport, _ options: RegistryOptions) {
        self.transport = transport
        self.options = options
    }

    /// The `Authorization` that worked last.
    func authorization(for key: String) -> Secret? { known.withLock { $0[key] } }

    /// A new `Authorization` for a registry that has just refused the last one.
    /// - Parameters:
    ///   - key: what later requests will look it up by.
    ///   - address: where the registry was asked.
    ///   - allowsPlain: whether the registry itself is asked without TLS.
    /// - Throws: `unauthorized`, `server`, `tooManyRequests`; none tells a secret.
    func answer(
        _ challenges: [Challenge], registry: String, repository: String, key: String, address: String,
        allowsPlain: Bool
    ) async throws -> Secret {
        known.withLock { $0[key] = nil }
        let credentials = RegistryCredentials(options: options)
        // A helper is a program that is waited for, which must not hold up the pool of tasks.
        let login = try await Self.offPool { try credentials.login(registry: registry, repository: repository) }
        let authorization: Secret
        if case .bearer(let token) = login, challenges.contains(where: { $0.scheme == "bearer" }) {
            authorization = Secret("Bearer \(token.text)")
        } else if let challenge = challenges.first(where: { $0.scheme == "bearer" && $0.parameters["realm"] != nil }) {
            let token = try await token(challenge, login, registry, repository, address, allowsPlain)
            authorization = Secret("Bearer \(token.text)")
        } else if challenges.contains(where: { $0.scheme == "basic" }) {
            guard case .password(let user, let password) = login else {
                throw OCIError(
                    .unauthorized, "\(registry) asks for a user and password; log in with docker or podman login")
            }
            authorization = Self.basic(user, password)
        } else {
            let schemes = challenges.map(\.scheme).joined(separator: ", ").plain(100)
            throw OCIError(.unauthorized, "\(registry) asks for a login of an unknown kind: \(schemes)")
        }
        known.withLock { $0[key] = authorization }
        return authorization
    }

    /// Asks the token service (distribution specification, token authentication; OAuth 2 for identity tokens).
    private func token(
        _ challenge: Challenge, _ login: RegistryLogin?, _ registry: String, _ repository: String, _ address: String,
        _ allowsPlain: Bool
    ) async throws -> Secret {
        let realm = challenge.parameters["realm"] ?? ""
        guard var url = URLComponents(string: realm), let host = url.host,
            url.scheme == "https" || url.scheme == "http",
            url.user == nil, realm.utf8.count <= 2048
        else { throw OCIError(.server, "\(registry) names no address of a token service: \(realm.excerpt())") }
        guard url.scheme == "https" || allowsPlain else {
            throw OCIError(.server, "\(registry) names a token service without TLS: \(realm.excerpt())")
        }
        let scope = challenge.parameters["scope"] ?? "repository:\(repository):pull"
        var request = RegistryTransport.Request(url: "", timeout: options.answerTimeout, allowsPlain: allowsPlain)
        request.namedBy = address
        request.headers = [("Accept", "application/json")]
        var items = [URLQueryItem(name: "scope", value: scope)]
        if let service = challenge.parameters["service"] { items.append(URLQueryItem(name: "service", value: service)) }
        if case .identity(let token) = login {
            items += [
                URLQueryItem(name: "grant_type", value: "refresh_token"),
                URLQueryItem(name: "client_id", value: "bulwark"),
                URLQueryItem(name: "refresh_token", value: token.text),
            ]
            request.method = "POST"
            request.headers.append(("Content-Type", "application/x-www-form-urlencoded"))
            request.body = Array(Self.form(items).utf8)
        } else {
            if case .password(let user, let password) = login {
                items.append(URLQueryItem(name: "account", value: user))
                request.authorization = Self.basic(user, password)
            }
            let query = url.percentEncodedQuery.map { $0.isEmpty ? "" : $0 + "&" } ?? ""
            url.percentEncodedQuery = query + Self.form(items)
        }
        request.url = url.string ?? ""
        let response = try await transport.send(request).response
        let name = "token service \(host.plain())"
        switch response.status.code {
        case 200...299: break
        case 400...403:
            throw OCIError(
                .unauthorized,
                login == nil
                    ? "\(registry) gives no access to \(repository) without a login; log in with docker or podman login"
                    : "\(name) does not accept the login for \(registry)")
        default: throw RegistryFailure(response, "\(name) answered \(response.status.code)")
        }
        let bytes = try await response.body.bytes(limit: 1 << 20, timeout: options.answerTimeout, name: name)
        let root: Node
        do throws(OCIError) { root = try JSONFields(bytes, name: name).root } catch {
            throw OCIError(.server, "\(name) answered with no JSON object")
        }
        let token = [root["token"]?.string, root["access_token"]?.string].compactMap { $0 }.first { !$0.isEmpty }
        guard let token, token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw OCIError(.server, "\(name) gave no token")
        }
        return Secret(token)
    }

    private static func basic(_ user: String, _ password: Secret) -> Secret {
        Secret("Basic " + Data("\(user):\(password.text)".utf8).base64EncodedString())
    }

    private static func form(_ items: [URLQueryItem]) -> String {
        items.map { "\(escaped($0.name))=\(escaped($0.value ?? ""))" }.joined(separator: "&")
    }

    static func escaped(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            if byte.isAlphanumeric || "-._~".utf8.contains(byte) {
                result.unicodeScalars.append(UnicodeScalar(byte))
            } else {
                let hex = String(byte, radix: 16, uppercase: true)
                result += hex.utf8.count == 1 ? "%0" + hex : "%" + hex
            }
        }
        return result
    }

    private static func offPool<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(with: Result(catching: body)) }
        }
    }
}

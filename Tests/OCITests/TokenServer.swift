// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Crypto
import Foundation
import Synchronization
import TestSupport
import Testing

/// Gives out the signed tokens that a docker-registry with `auth: token` asks for (distribution.github.io/distribution/spec/auth).
final class TokenServer: Sendable {
    /// What it does wrong.
    enum Fault: Sendable { case none, otherKey, otherRepository, otherAudience, expired }

    let service = "the registry & co"
    let issuer = "test issuer"
    private let folder: ScratchFolder
    private let server: OddRegistry
    private let faults = Faults()

    private final class Faults: Sendable {
        private let value = Mutex(Fault.none)
        var current: Fault {
            get { value.withLock { $0 } }
            set { value.withLock { $0 = newValue } }
        }
    }

    var port: Int { server.port }
    var requests: [OddRegistry.Request] { server.requests }
    var fault: Fault {
        get { faults.current }
        set { faults.current = newValue }
    }

    /// The registry's configuration.
    var auth: String {
        "{token: {realm: \"http://127.0.0.1:\(port)/token\", service: \"\(service)\", issuer: \"\(issuer)\", "
            + "rootcertbundle: \(folder.path)/token.crt}}"
    }

    init() async throws {
        let folder = try ScratchFolder()
        self.folder = folder
        try Tool.run(
            "openssl",
            [
                "req", "-x509", "-subj", "/CN=token signer", "-days", "2", "-nodes", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:prime256v1", "-keyout", folder.path + "/token.key", "-out",
                folder.path + "/token.crt",
            ])
        let key = try P256.Signing.PrivateKey(
            pemRepresentation: String(contentsOfFile: folder.path + "/token.key", encoding: .utf8))
        let certificate = try String(contentsOfFile: folder.path + "/token.crt", encoding: .utf8)
            .split(separator: "\n").filter { !$0.hasPrefix("-") }.joined()
        let (service, issuer) = (service, issuer)
        let faults = faults
        server = try await OddRegistry { request in
            guard request.uri.hasPrefix("/token") else { return .text(404) }
            let login = Data("\(DockerRegistry.user):\(DockerRegistry.password)".utf8).base64EncodedString()
            guard request.headers["authorization"] == "Basic \(login)" else { return .text(401) }
            // Go writes blanks of queries as plus signs.
            let query = URLComponents(string: "http://x" + request.uri.replacing("+", with: "%20"))?.queryItems ?? []
            func value(_ name: String) -> String { query.first { $0.name == name }?.value ?? "" }
            guard value("service") == service else { return .text(400) }
            let scopes = query.filter { $0.name == "scope" }.compactMap(\.value)
            let token = try? Self.token(
                scopes, audience: service, issuer: issuer, key: key, certificate: certificate, fault: faults.current)
            return token.map { .text(200, #"{"token":"\#($0)","expires_in":300}"#) } ?? .text(500)
        }
    }

    func stop() async throws { try await server.stop() }

    /// `repository:team/app:pull,push` becomes a grant of just that.
    private static func token(
        _ scopes: [String], audience: String, issuer: String, key: P256.Signing.PrivateKey, certificate: String,
        fault: Fault
    ) throws -> String {
        let access: [[String: Any]] = scopes.compactMap { scope in
            let parts = scope.split(separator: ":")
            guard parts.count == 3 else { return nil }
            let name = fault == .otherRepository ? "someone/else" : String(parts[1])
            return ["type": String(parts[0]), "name": name, "actions": parts[2].split(separator: ",").map(String.init)]
        }
        let now = Int(Date().timeIntervalSince1970)
        let claims: [String: Any] = [
            "iss": issuer, "sub": DockerRegistry.user, "aud": fault == .otherAudience ? "nobody" : audience,
            "exp": fault == .expired ? now - 600 : now + 300, "nbf": now - 900, "iat": now - 900,
            "jti": UUID().uuidString, "access": access,
        ]
        let header: [String: Any] = ["typ": "JWT", "alg": "ES256", "x5c": [certificate]]
        let text = try [header, claims].map { try encoded(JSONSerialization.data(withJSONObject: $0)) }
            .joined(separator: ".")
        let signer = fault == .otherKey ? P256.Signing.PrivateKey() : key
        return text + "." + encoded(try signer.signature(for: Data(text.utf8)).rawRepresentation)
    }

    private static func encoded(_ data: Data) -> String {
        data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}

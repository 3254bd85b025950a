// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Crypto
import CryptoExtras
import Documents
import Foundation

/// The algorithms that tokens are signed with (RFC 7518, RFC 8037).
enum TokenAlgorithm: String, Sendable {
    case hs256 = "HS256"
    case hs384 = "HS384"
    case hs512 = "HS512"
    case rs256 = "RS256"
    case rs384 = "RS384"
    case rs512 = "RS512"
    case ps256 = "PS256"
    case ps384 = "PS384"
    case ps512 = "PS512"
    case es256 = "ES256"
    case es384 = "ES384"
    case es512 = "ES512"
    case edDSA = "EdDSA"
}

extension VerificationKey {
    /// Whether this key made a token's signature. A key of another kind than the algorithm's never did: what a token
    /// says of itself cannot make a secret of a public key.
    func verifies(_ signature: [UInt8], of signed: [UInt8], by algorithm: TokenAlgorithm) -> Bool {
        let data = Data(signed)
        switch algorithm {
        case .hs256: return secret(signature, data, SHA256.self)
        case .hs384: return secret(signature, data, SHA384.self)
        case .hs512: return secret(signature, data, SHA512.self)
        case .rs256: return rsa(signature, SHA256.hash(data: data), .insecurePKCS1v1_5)
        case .rs384: return rsa(signature, SHA384.hash(data: data), .insecurePKCS1v1_5)
        case .rs512: return rsa(signature, SHA512.hash(data: data), .insecurePKCS1v1_5)
        case .ps256: return rsa(signature, SHA256.hash(data: data), .PSS)
        case .ps384: return rsa(signature, SHA384.hash(data: data), .PSS)
        case .ps512: return rsa(signature, SHA512.hash(data: data), .PSS)
        case .es256: return ecdsa(raw: signature, SHA256.hash(data: data))
        case .es384: return ecdsa(raw: signature, SHA384.hash(data: data))
        case .es512: return ecdsa(raw: signature, SHA512.hash(data: data))
        case .edDSA:
            guard case .ed25519(let key) = self else { return false }
            return key.isValidSignature(Data(signature), for: data)
        }
    }

    /// Compares in constant time.
    private func secret<Hash: HashFunction>(_ signature: [UInt8], _ data: Data, _ hash: Hash.Type) -> Bool {
        guard case .secret(let bytes) = self else { return false }
        return HMAC<Hash>.isValidAuthenticationCode(signature, authenticating: data, using: SymmetricKey(data: bytes))
    }
}

/// A JSON Web Key (RFC 7517).
struct WebKey: Sendable {
    let members: ObjectValue

    /// Longer texts of keys are refused, and more keys in a set than this.
    static let maxBytes = 1 << 20
    static let maxCount = 100

    /// The keys of a text that is a key or a set of keys.
    static func all(_ text: String, _ context: BuiltinContext) throws -> [WebKey] {
        guard text.utf8.count <= maxBytes else { throw BuiltinError(.builtin, "keys above 1 MiB") }
        let value: Value
        do {
            value = try Texts.document(text, json: true, context)
        } catch let error as BuiltinError {
            throw BuiltinError(.builtin, "failed to parse a JWK key (set): \(error.message)")
        }
        return try all(value)
    }

    static func all(_ value: Value) throws -> [WebKey] {
        guard let members = value.members else { throw BuiltinError(.builtin, "failed to parse a JWK key (set)") }
        guard let set = members["keys"]?.elements else { return [WebKey(members: members)] }
        guard set.count <= maxCount else { throw BuiltinError(.builtin, "more than \(maxCount) keys in a set") }
        return try set.map { element in
            guard let members = element.members else { throw BuiltinError(.builtin, "failed to parse a JWK key (set)") }
            return WebKey(members: members)
        }
    }

    private func bytes(_ name: String) throws -> [UInt8] {
        guard let text = members[name]?.text else { throw BuiltinError(.builtin, "JWK lacks '\(name)'") }
        return try TokenText.bytes(text)
    }

    private var curve: X509SubjectKey.EllipticCurve? {
        switch members["crv"]?.text {
        case "P-256": .p256
        case "P-384": .p384
        case "P-521": .p521
        default: nil
        }
    }

    private func padded(_ bytes: [UInt8], to width: Int) throws -> [UInt8] {
        guard bytes.count <= width else { throw BuiltinError(.builtin, "JWK coordinate is too long") }
        return [UInt8](repeating: 0, count: width - bytes.count) + bytes
    }

    /// What verifies with this key.
    func verifier() throws -> VerificationKey {
        do {
            switch members["kty"]?.text {
            case "oct": return .secret(try bytes("k"))
            case "RSA":
                let (n, e) = (try bytes("n"), try bytes("e"))
                guard n.count <= 2048, e.count <= 8 else { throw BuiltinError(.builtin, "RSA key is too long") }
                return .rsa(try _RSA.Signing.PublicKey(n: n, e: e))
            case "EC":
                guard let curve else { throw BuiltinError(.builtin, "unknown curve of a JWK") }
                let point =
                    [4] + (try padded(try bytes("x"), to: curve.width)) + (try padded(try bytes("y"), to: curve.width))
                switch curve {
                case .p256: return .p256(try P256.Signing.PublicKey(x963Representation: point))
                case .p384: return .p384(try P384.Signing.PublicKey(x963Representation: point))
                case .p521: return .p521(try P521.Signing.PublicKey(x963Representation: point))
                }
            case "OKP" where members["crv"]?.text == "Ed25519":
                return .ed25519(try Curve25519.Signing.PublicKey(rawRepresentation: try bytes("x")))
            default: throw BuiltinError(.builtin, "unknown kind of JWK")
            }
        } catch let error as BuiltinError {
            throw error
        } catch {
            throw BuiltinError(.builtin, "invalid JWK")
        }
    }

    /// Signs with this key.
    func sign(_ signed: [UInt8], by algorithm: TokenAlgorithm) throws -> [UInt8] {
        let data = Data(signed)
        let kind = members["kty"]?.text
        do {
            switch (algorithm, kind) {
            case (.hs256, "oct"): return try code(data, SHA256.self)
            case (.hs384, "oct"): return try code(data, SHA384.self)
            case (.hs512, "oct"): return try code(data, SHA512.self)
            case (.rs256, "RSA"): return try rsa(SHA256.hash(data: data), .insecurePKCS1v1_5)
            case (.rs384, "RSA"): return try rsa(SHA384.hash(data: data), .insecurePKCS1v1_5)
            case (.rs512, "RSA"): return try rsa(SHA512.hash(data: data), .insecurePKCS1v1_5)
            case (.ps256, "RSA"): return try rsa(SHA256.hash(data: data), .PSS)
            case (.ps384, "RSA"): return try rsa(SHA384.hash(data: data), .PSS)
            case (.ps512, "RSA"): return try rsa(SHA512.hash(data: data), .PSS)
            case (.es256, "EC"): return try ecdsa(SHA256.hash(data: data))
            case (.es384, "EC"): return try ecdsa(SHA384.hash(data: data))
            case (.es512, "EC"): return try ecdsa(SHA512.hash(data: data))
            case (.edDSA, "OKP"):
                return Array(try Curve25519.Signing.PrivateKey(rawRepresentation: try bytes("d")).signature(for: data))
            default:
                throw BuiltinError(.builtin, "key of kind \(kind ?? "unknown") cannot sign with \(algorithm.rawValue)")
            }
        } catch let error as BuiltinError {
            throw error
        } catch {
            throw BuiltinError(.builtin, "invalid JWK")
        }
    }

    private func code<Hash: HashFunction>(_ data: Data, _ hash: Hash.Type) throws -> [UInt8] {
        let key = SymmetricKey(data: try bytes("k"))
        return Array(HMAC<Hash>.authenticationCode(for: data, using: key))
    }

    private func rsa(_ digest: some Digest, _ padding: _RSA.Signing.Padding) throws -> [UInt8] {
        let (n, e, d) = (try bytes("n"), try bytes("e"), try bytes("d"))
        guard n.count <= 1024, e.count <= 8, d.count <= 1024 else {
            throw BuiltinError(.builtin, "RSA key is too long")
        }
        // Finding the primes takes long.
        guard members["p"] != nil || n.count <= 512 else { throw BuiltinError(.builtin, "RSA key lacks its primes") }
        let key =
            members["p"] == nil
            ? try _RSA.Signing.PrivateKey._createFromNumbers(n: n, e: e, d: d)
            : try _RSA.Signing.PrivateKey(n: n, e: e, d: d, p: try bytes("p"), q: try bytes("q"))
        return Array(try key.signature(for: digest, padding: padding).rawRepresentation)
    }

    private func ecdsa(_ digest: some Digest) throws -> [UInt8] {
        guard let curve else { throw BuiltinError(.builtin, "unknown curve of a JWK") }
        let secret = try padded(try bytes("d"), to: curve.width)
        switch curve {
        case .p256:
            return Array(
                try P256.Signing.PrivateKey(rawRepresentation: secret).signature(for: digest).rawRepresentation)
        case .p384:
            return Array(
                try P384.Signing.PrivateKey(rawRepresentation: secret).signature(for: digest).rawRepresentation)
        case .p521:
            return Array(
                try P521.Signing.PrivateKey(rawRepresentation: secret).signature(for: digest).rawRepresentation)
        }
    }
}

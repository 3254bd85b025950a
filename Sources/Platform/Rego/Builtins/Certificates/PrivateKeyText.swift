// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Crypto
import CryptoExtras
import Foundation

/// A private key as its numbers: from PKCS #1, SEC 1 or PKCS #8.
enum PrivateKeyText: Sendable {
    /// Modulus, public and private exponent, the two primes, d mod p-1, d mod q-1, 1/q mod p.
    case rsa([[UInt8]])
    case ellipticCurve(X509SubjectKey.EllipticCurve, point: [UInt8], secret: [UInt8])
    case ed25519(seed: [UInt8], point: [UInt8])

    static let maxCount = 100

    /// The keys among the blocks of PEM, or of base64 of PEM; other blocks are passed over.
    static func all(_ text: String) throws -> [PrivateKeyText] {
        guard text.utf8.count <= 1 << 20 else { throw BuiltinError(.builtin, "private keys above 1 MiB") }
        let decoded = (try? Base64.decode(text, url: false)).map { String(decoding: $0, as: UTF8.self) }
        let blocks = PEMText.blocks(decoded ?? text)
        guard blocks.count <= maxCount else { throw BuiltinError(.builtin, "more than \(maxCount) private keys") }
        return try blocks.compactMap { try read($0) }
    }

    /// Nil when the block holds something else.
    static func read(_ block: PEMText.Block) throws -> PrivateKeyText? {
        do {
            let element = try DERElement.only(block.bytes[...])
            switch block.type {
            case "RSA PRIVATE KEY": return try rsa(element)
            case "EC PRIVATE KEY": return try ellipticCurve(element, nil)
            case "PRIVATE KEY": return try wrapped(element)
            default: return nil
            }
        } catch let error as DERError {
            throw BuiltinError(.builtin, "x509: failed to parse private key: \(error.message)")
        }
    }

    private static func rsa(_ element: DERElement) throws -> PrivateKeyText {
        let numbers = try element.expect(DERElement.Tag.sequence).elements()
        guard numbers.count >= 9, try numbers[0].whole() == 0 else { throw DERError("unsupported RSA private key") }
        let magnitudes = try numbers[1..<9].map { Array(try $0.magnitude()) }
        guard magnitudes.allSatisfy({ $0.count <= 2048 && !$0.isEmpty }) else {
            throw DERError("invalid RSA private key")
        }
        return .rsa(magnitudes)
    }

    private static func ellipticCurve(_ element: DERElement, _ named: [Int]?) throws -> PrivateKeyText {
        var row = DERRow(try element.expect(DERElement.Tag.sequence))
        guard try row.next().whole() == 1 else { throw DERError("unknown EC private key version") }
        let octets = Array(try row.next(DERElement.Tag.octetString).content)
        let parameters = try row.optional(0xA0).map { try DERElement.only($0.content).identifier() }
        guard let identifier = named ?? parameters, let curve = X509SubjectKey.EllipticCurve(identifier) else {
            throw DERError("unknown elliptic curve")
        }
        let secret = Array(octets.drop { $0 == 0 })
        guard secret.count <= curve.width else { throw DERError("invalid elliptic curve private key value") }
        let padded = [UInt8](repeating: 0, count: curve.width - secret.count) + secret
        guard let point = point(curve, padded) else { throw DERError("invalid elliptic curve private key value") }
        return .ellipticCurve(curve, point: point, secret: padded)
    }

    private static func wrapped(_ element: DERElement) throws -> PrivateKeyText {
        var row = DERRow(try element.expect(DERElement.Tag.sequence))
        guard try row.next().whole() <= 1 else { throw DERError("unknown version") }
        var algorithm = DERRow(try row.next(DERElement.Tag.sequence))
        let identifier = try algorithm.next().identifier()
        let content = try row.next(DERElement.Tag.octetString).content
        switch identifier {
        case [1, 2, 840, 113549, 1, 1, 1]: return try rsa(try DERElement.only(content))
        case [1, 2, 840, 10045, 2, 1]:
            return try ellipticCurve(try DERElement.only(content), try algorithm.next().identifier())
        case [1, 3, 101, 112]:
            let seed = Array(try DERElement.only(content).expect(DERElement.Tag.octetString).content)
            guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed) else {
                throw DERError("invalid Ed25519 private key")
            }
            return .ed25519(seed: seed, point: Array(key.publicKey.rawRepresentation))
        default: throw DERError("PKCS#8 wrapping contained private key with unknown algorithm")
        }
    }

    static func point(_ curve: X509SubjectKey.EllipticCurve, _ secret: [UInt8]) -> [UInt8]? {
        switch curve {
        case .p256:
            (try? P256.Signing.PrivateKey(rawRepresentation: secret)).map { Array($0.publicKey.x963Representation) }
        case .p384:
            (try? P384.Signing.PrivateKey(rawRepresentation: secret)).map { Array($0.publicKey.x963Representation) }
        case .p521:
            (try? P521.Signing.PrivateKey(rawRepresentation: secret)).map { Array($0.publicKey.x963Representation) }
        }
    }

    /// In the shape in which Go's encoder writes the key.
    var value: Value {
        func number(_ bytes: some Collection<UInt8>) -> Value { BigInteger(bytes: bytes).value }
        switch self {
        case .rsa(let numbers):
            let precomputed = ObjectValue([
                (.string("Dp"), number(numbers[5])), (.string("Dq"), number(numbers[6])),
                (.string("Qinv"), number(numbers[7])), (.string("CRTValues"), .array([])),
            ])
            return .object(
                ObjectValue([
                    (.string("N"), number(numbers[0])), (.string("E"), number(numbers[1])),
                    (.string("D"), number(numbers[2])),
                    (.string("Primes"), .array([number(numbers[3]), number(numbers[4])])),
                    (.string("Precomputed"), .object(precomputed)),
                ]))
        case .ellipticCurve(let curve, let point, let secret):
            return .object(
                ObjectValue([
                    (.string("Curve"), .emptyObject), (.string("X"), number(point[1...curve.width])),
                    (.string("Y"), number(point[(1 + curve.width)...])), (.string("D"), number(secret)),
                ]))
        case .ed25519(let seed, let point): return .string(Data(seed + point).base64EncodedString())
        }
    }

    /// As a JSON Web Key (RFC 7518).
    var webKey: Value {
        func text(_ bytes: some Sequence<UInt8>) -> Value { .string(Base64.encode(bytes: Array(bytes))) }
        switch self {
        case .rsa(let numbers):
            let names = ["n", "e", "d", "p", "q", "dp", "dq", "qi"]
            return .object(
                ObjectValue([(.string("kty"), .string("RSA"))] + zip(names, numbers).map { (.string($0), text($1)) }))
        case .ellipticCurve(let curve, let point, let secret):
            return .object(
                ObjectValue([
                    (.string("kty"), .string("EC")), (.string("crv"), .string("P-\(curve.rawValue)")),
                    (.string("x"), text(point[1...curve.width])), (.string("y"), text(point[(1 + curve.width)...])),
                    (.string("d"), text(secret)),
                ]))
        case .ed25519(let seed, let point):
            return .object(
                ObjectValue([
                    (.string("kty"), .string("OKP")), (.string("crv"), .string("Ed25519")), (.string("x"), text(point)),
                    (.string("d"), text(seed)),
                ]))
        }
    }

    /// Whether the certificate's key is this one's public half.
    func belongs(to key: X509SubjectKey) -> Bool {
        switch (self, key.kind) {
        case (.rsa(let numbers), .rsa(let modulus, let exponent)):
            numbers[0] == modulus && BigInteger(bytes: numbers[1]).int == exponent
        case (.ellipticCurve(let one, let point, _), .ellipticCurve(let two, let other)): one == two && point == other
        case (.ed25519(_, let point), .ed25519(let other)): point == other
        default: false
        }
    }
}

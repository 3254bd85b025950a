// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Crypto
import CryptoExtras
import Foundation

/// A public key, taken apart; what can verify with it is made when it is asked for.
struct X509SubjectKey: Sendable {
    enum Kind: Sendable {
        case rsa(modulus: [UInt8], exponent: Int)
        case ellipticCurve(EllipticCurve, point: [UInt8])
        case ed25519([UInt8])
        case unknown
    }

    enum EllipticCurve: Int, Sendable {
        case p256 = 256
        case p384 = 384
        case p521 = 521

        /// Bytes of a coordinate.
        var width: Int { (rawValue + 7) / 8 }

        init?(_ identifier: [Int]) {
            switch identifier {
            case [1, 2, 840, 10045, 3, 1, 7]: self = .p256
            case [1, 3, 132, 0, 34]: self = .p384
            case [1, 3, 132, 0, 35]: self = .p521
            default: return nil
            }
        }
    }

    /// The SubjectPublicKeyInfo as it stands.
    let encoded: ArraySlice<UInt8>
    let kind: Kind

    init(_ element: DERElement) throws {
        encoded = element.encoded
        var row = DERRow(element)
        var algorithm = DERRow(try row.next(DERElement.Tag.sequence))
        let identifier = try algorithm.next().identifier()
        let bits = try row.next().bits().bytes
        switch identifier {
        case [1, 2, 840, 113549, 1, 1, 1]:
            let numbers = try DERElement.only(bits).expect(DERElement.Tag.sequence).elements()
            guard numbers.count == 2 else { throw DERError("invalid RSA public key") }
            let exponent = try numbers[1].whole()
            let modulus = Array(try numbers[0].magnitude())
            guard exponent > 0, (1...2048).contains(modulus.count) else { throw DERError("invalid RSA public key") }
            kind = .rsa(modulus: modulus, exponent: exponent)
        case [1, 2, 840, 10045, 2, 1]:
            guard let curve = EllipticCurve(try algorithm.next().identifier()) else {
                throw DERError("unsupported elliptic curve")
            }
            guard bits.first == 4, bits.count == 1 + 2 * curve.width else {
                throw DERError("invalid elliptic curve point")
            }
            kind = .ellipticCurve(curve, point: Array(bits))
        case [1, 3, 101, 112]:
            guard bits.count == 32 else { throw DERError("invalid Ed25519 public key") }
            kind = .ed25519(Array(bits))
        default: kind = .unknown
        }
    }

    /// Go's number for the kind of key.
    var algorithm: Int {
        switch kind {
        case .rsa: 1
        case .ellipticCurve: 3
        case .ed25519: 4
        case .unknown: 0
        }
    }

    /// In the shape in which Go's encoder writes the key.
    var value: Value {
        switch kind {
        case .rsa(let modulus, let exponent):
            .object(
                ObjectValue([
                    (.string("N"), BigInteger(bytes: modulus).value), (.string("E"), .int(exponent)),
                ]))
        case .ellipticCurve(let curve, let point):
            .object(
                ObjectValue([
                    (.string("Curve"), .emptyObject),
                    (.string("X"), BigInteger(bytes: point[1...curve.width]).value),
                    (.string("Y"), BigInteger(bytes: point[(1 + curve.width)...]).value),
                ]))
        case .ed25519(let bytes): .string(Data(bytes).base64EncodedString())
        case .unknown: .null
        }
    }

    /// What verifies with this key; nil when it cannot be used.
    var verifier: VerificationKey? {
        switch kind {
        case .rsa:
            return (try? _RSA.Signing.PublicKey(unsafeDERRepresentation: Data(encoded))).map { .rsa($0) }
        case .ellipticCurve(.p256, let point):
            return (try? P256.Signing.PublicKey(x963Representation: point)).map { .p256($0) }
        case .ellipticCurve(.p384, let point):
            return (try? P384.Signing.PublicKey(x963Representation: point)).map { .p384($0) }
        case .ellipticCurve(.p521, let point):
            return (try? P521.Signing.PublicKey(x963Representation: point)).map { .p521($0) }
        case .ed25519(let bytes):
            return (try? Curve25519.Signing.PublicKey(rawRepresentation: bytes)).map { .ed25519($0) }
        case .unknown: return nil
        }
    }
}

/// A key that signatures are checked with.
enum VerificationKey: Sendable {
    case rsa(_RSA.Signing.PublicKey)
    case p256(P256.Signing.PublicKey)
    case p384(P384.Signing.PublicKey)
    case p521(P521.Signing.PublicKey)
    case ed25519(Curve25519.Signing.PublicKey)
    case secret([UInt8])

    /// Whether `signature` is this key's under an algorithm of X.509. Broken hashes never are.
    func verifies(_ signature: ArraySlice<UInt8>, of signed: ArraySlice<UInt8>, by algorithm: X509SignatureAlgorithm)
        -> Bool
    {
        let data = Data(signed)
        switch algorithm {
        case .sha256RSA: return rsa(signature, SHA256.hash(data: data), .insecurePKCS1v1_5)
        case .sha384RSA: return rsa(signature, SHA384.hash(data: data), .insecurePKCS1v1_5)
        case .sha512RSA: return rsa(signature, SHA512.hash(data: data), .insecurePKCS1v1_5)
        case .sha256PSS: return rsa(signature, SHA256.hash(data: data), .PSS)
        case .sha384PSS: return rsa(signature, SHA384.hash(data: data), .PSS)
        case .sha512PSS: return rsa(signature, SHA512.hash(data: data), .PSS)
        case .sha256ECDSA: return ecdsa(der: signature, SHA256.hash(data: data))
        case .sha384ECDSA: return ecdsa(der: signature, SHA384.hash(data: data))
        case .sha512ECDSA: return ecdsa(der: signature, SHA512.hash(data: data))
        case .ed25519:
            guard case .ed25519(let key) = self else { return false }
            return key.isValidSignature(Data(signature), for: data)
        default: return false
        }
    }

    func rsa(_ signature: some Sequence<UInt8>, _ digest: some Digest, _ padding: _RSA.Signing.Padding) -> Bool {
        guard case .rsa(let key) = self else { return false }
        return key.isValidSignature(.init(rawRepresentation: Data(signature)), for: digest, padding: padding)
    }

    private func ecdsa(der: ArraySlice<UInt8>, _ digest: some Digest) -> Bool {
        switch self {
        case .p256(let key):
            return (try? P256.Signing.ECDSASignature(derRepresentation: der)).map {
                key.isValidSignature($0, for: digest)
            }
                ?? false
        case .p384(let key):
            return (try? P384.Signing.ECDSASignature(derRepresentation: der)).map {
                key.isValidSignature($0, for: digest)
            }
                ?? false
        case .p521(let key):
            return (try? P521.Signing.ECDSASignature(derRepresentation: der)).map {
                key.isValidSignature($0, for: digest)
            }
                ?? false
        default: return false
        }
    }

    /// The two numbers of the signature one after the other, as tokens carry them.
    func ecdsa(raw: [UInt8], _ digest: some Digest) -> Bool {
        switch self {
        case .p256(let key):
            return (try? P256.Signing.ECDSASignature(rawRepresentation: raw)).map {
                key.isValidSignature($0, for: digest)
            }
                ?? false
        case .p384(let key):
            return (try? P384.Signing.ECDSASignature(rawRepresentation: raw)).map {
                key.isValidSignature($0, for: digest)
            }
                ?? false
        case .p521(let key):
            return (try? P521.Signing.ECDSASignature(rawRepresentation: raw)).map {
                key.isValidSignature($0, for: digest)
            }
                ?? false
        default: return false
        }
    }
}

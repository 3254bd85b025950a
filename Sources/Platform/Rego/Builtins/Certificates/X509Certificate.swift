// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// A certificate (RFC 5280), read but not judged.
struct X509Certificate: Sendable {
    let encoded: ArraySlice<UInt8>
    let signed: ArraySlice<UInt8>
    let version: Int
    /// The serial number's content as it stands.
    let serial: ArraySlice<UInt8>
    let signatureAlgorithm: X509SignatureAlgorithm
    let issuer: X509Name
    let notBefore: Int
    let notAfter: Int
    let subject: X509Name
    let key: X509SubjectKey
    let extensions: X509Extensions
    let signature: ArraySlice<UInt8>

    init(_ element: DERElement) throws {
        encoded = element.encoded
        var outer = DERRow(try element.expect(DERElement.Tag.sequence))
        let body = try outer.next(DERElement.Tag.sequence)
        let algorithm = try outer.next(DERElement.Tag.sequence)
        signature = try outer.next().bits().bytes
        guard outer.isAtEnd else { throw DERError("trailing data") }
        signed = body.encoded
        signatureAlgorithm = try X509SignatureAlgorithm(algorithm)
        var row = DERRow(body)
        version = try row.optional(0xA0).map { try DERElement.only($0.content).whole() + 1 } ?? 1
        guard (1...3).contains(version) else { throw DERError("invalid version") }
        serial = try row.next(DERElement.Tag.integer).content
        guard (1...256).contains(serial.count) else { throw DERError("invalid serial number") }
        let inner = try row.next(DERElement.Tag.sequence)
        guard inner.encoded.elementsEqual(algorithm.encoded) else {
            throw DERError("inner and outer signature algorithm identifiers don't match")
        }
        issuer = try X509Name(try row.next())
        let validity = try row.next(DERElement.Tag.sequence).elements()
        guard validity.count == 2 else { throw DERError("invalid validity") }
        notBefore = try validity[0].seconds()
        notAfter = try validity[1].seconds()
        subject = try X509Name(try row.next())
        key = try X509SubjectKey(try row.next(DERElement.Tag.sequence))
        _ = try row.optional(0x81)
        _ = try row.optional(0x82)
        extensions = try X509Extensions(try row.optional(0xA3).map { try DERElement.only($0.content) })
        guard row.isAtEnd else { throw DERError("trailing data") }
    }

    /// More certificates in one text are refused.
    static let maxCount = 1_000
    static let maxBytes = 4 << 20

    /// The certificates that stand one after the other.
    static func all(_ bytes: [UInt8]) throws -> [X509Certificate] {
        var rest = bytes[...]
        var found: [X509Certificate] = []
        do {
            while !rest.isEmpty {
                guard found.count < maxCount else { throw DERError("too many certificates") }
                found.append(try X509Certificate(try DERElement.next(&rest)))
            }
        } catch let error as DERError {
            throw BuiltinError(.builtin, "x509: malformed certificate: \(error.message)")
        }
        return found
    }

    /// PEM, or base64 of PEM or DER.
    static func all(text: String) throws -> [X509Certificate] {
        guard text.utf8.count <= maxBytes else { throw BuiltinError(.builtin, "x509: more than 4 MiB of certificates") }
        var text = text
        if !text.hasPrefix("-----BEGIN") {
            let bytes = try Base64.decode(text, url: false)
            guard bytes.starts(with: "-----BEGIN".utf8) else { return try all(bytes) }
            text = String(decoding: bytes, as: UTF8.self)
        }
        var bytes: [UInt8] = []
        for block in PEMText.blocks(text) {
            guard block.type == "CERTIFICATE" else {
                throw BuiltinError(.builtin, "PEM block type is '\(block.type)', expected CERTIFICATE")
            }
            bytes += block.bytes
        }
        return try all(bytes)
    }
}

/// What a certificate or request was signed with.
enum X509SignatureAlgorithm: Int, Sendable {
    case unknown = 0
    case md5RSA = 2, sha1RSA, sha256RSA, sha384RSA, sha512RSA, sha1DSA, sha256DSA
    case sha1ECDSA, sha256ECDSA, sha384ECDSA, sha512ECDSA
    case sha256PSS, sha384PSS, sha512PSS, ed25519

    init(_ element: DERElement) throws {
        var row = DERRow(element)
        let identifier = try row.next().identifier()
        if identifier == [1, 2, 840, 113549, 1, 1, 10] {
            // Of the parameters only the hash decides.
            let parameters = try row.next(DERElement.Tag.sequence).elements()
            guard let hash = parameters.first(where: { $0.tag == 0xA0 }) else {
                self = .unknown
                return
            }
            var algorithm = DERRow(try DERElement.only(hash.content).expect(DERElement.Tag.sequence))
            switch try algorithm.next().identifier() {
            case [2, 16, 840, 1, 101, 3, 4, 2, 1]: self = .sha256PSS
            case [2, 16, 840, 1, 101, 3, 4, 2, 2]: self = .sha384PSS
            case [2, 16, 840, 1, 101, 3, 4, 2, 3]: self = .sha512PSS
            default: self = .unknown
            }
            return
        }
        self = X509SignatureAlgorithm.known[identifier] ?? .unknown
    }

    private static let known: [[Int]: X509SignatureAlgorithm] = [
        [1, 2, 840, 113549, 1, 1, 4]: .md5RSA, [1, 2, 840, 113549, 1, 1, 5]: .sha1RSA, [1, 3, 14, 3, 2, 29]: .sha1RSA,
        [1, 2, 840, 113549, 1, 1, 11]: .sha256RSA, [1, 2, 840, 113549, 1, 1, 12]: .sha384RSA,
        [1, 2, 840, 113549, 1, 1, 13]: .sha512RSA, [1, 2, 840, 10040, 4, 3]: .sha1DSA,
        [2, 16, 840, 1, 101, 3, 4, 3, 2]: .sha256DSA, [1, 2, 840, 10045, 4, 1]: .sha1ECDSA,
        [1, 2, 840, 10045, 4, 3, 2]: .sha256ECDSA, [1, 2, 840, 10045, 4, 3, 3]: .sha384ECDSA,
        [1, 2, 840, 10045, 4, 3, 4]: .sha512ECDSA, [1, 3, 101, 112]: .ed25519,
    ]
}

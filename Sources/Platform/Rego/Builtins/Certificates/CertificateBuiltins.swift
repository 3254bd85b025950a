// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation

extension BuiltinTable {
    mutating func addCertificates() {
        one("crypto.x509.parse_certificates", [.string]) { value, context in
            let text = try value.string(1)
            try context.spend(text.utf8.count * 8)
            return .array(try X509Certificate.all(text: text).map { try X509Values.certificate($0, context) })
        }
        one("crypto.x509.parse_and_verify_certificates", [.string]) { value, context in
            try verify(try value.string(1), .init(time: seconds(context.now)), withPlaces: true, context)
        }
        two("crypto.x509.parse_and_verify_certificates_with_options", [.string], [.object]) { value, options, context in
            let text = try value.string(1)
            var chosen = X509Chain.Options(time: seconds(context.now))
            try read(try options.object(2), into: &chosen)
            return try verify(text, chosen, withPlaces: false, context)
        }
        one("crypto.x509.parse_certificate_request", [.string]) { value, context in
            let text = try value.string(1)
            try context.spend(text.utf8.count * 8)
            return try X509Values.request(try X509Request.read(text: text), context)
        }
        two("crypto.x509.parse_keypair", [.string], [.string]) { certificate, key, context in
            let (certificate, key) = (try certificate.string(1), try key.string(2))
            try context.spend((certificate.utf8.count + key.utf8.count) * 8)
            return try KeyPairText.value(certificate, key, context)
        }
        one("crypto.x509.parse_rsa_private_key", [.string]) { value, _ in
            var text = try value.string(1)
            if text.isEmpty { throw BuiltinError(.builtin, "input PEM data was empty") }
            if !text.hasPrefix("-----BEGIN") {
                text = String(decoding: try Base64.decode(text, url: false), as: UTF8.self)
            }
            return try PrivateKeyText.all(text).first.map(\.webKey) ?? .null
        }
        one("crypto.parse_private_keys", [.string]) { value, _ in
            let text = try value.string(1)
            return text.isEmpty ? .null : .array(try PrivateKeyText.all(text).map(\.value))
        }
    }
}

/// Seconds since 1970, rounded down.
private func seconds(_ nanoseconds: Int) -> Int {
    nanoseconds >= 0 ? nanoseconds / 1_000_000_000 : (nanoseconds - 999_999_999) / 1_000_000_000
}

/// `[true, path]` with the leaf first; `[false, []]` when anything is wrong. The first certificate is the root, the last the leaf.
private func verify(
    _ text: String, _ options: X509Chain.Options, withPlaces: Bool, _ context: BuiltinContext
) throws -> Value {
    try context.spend(text.utf8.count * 8)
    let refused = Value.array([.bool(false), .array([])])
    guard let all = try? X509Certificate.all(text: text), all.count >= 2, let root = all.first, let leaf = all.last
    else {
        return refused
    }
    try context.checkpoint()
    var chain = X509Chain(root: root, intermediates: Array(all.dropFirst().dropLast()), options: options)
    guard let path = chain.verify(leaf) else { return refused }
    return .array([
        .bool(true), .array(try path.map { try X509Values.certificate($0, context, withPlaces: withPlaces) }),
    ])
}

private func read(_ options: ObjectValue, into chosen: inout X509Chain.Options) throws {
    for (key, option) in zip(options.keys, options.values) {
        switch key.text {
        case nil: continue
        case "DNSName":
            guard let text = option.text else { throw BuiltinError(.builtin, "'DNSName' should be a string") }
            chosen.host = text.isEmpty ? nil : text
        case "CurrentTime":
            guard option.kind == .number else { throw BuiltinError(.builtin, "'CurrentTime' should be a number") }
            guard let time = option.bigInteger?.int else {
                throw BuiltinError(.builtin, "'CurrentTime' should be a valid int64 number")
            }
            chosen.time = seconds(time)
        case "MaxConstraintComparisons":
            guard let count = option.bigInteger?.int else {
                throw BuiltinError(.builtin, "'MaxConstraintComparisons' should be a number")
            }
            if count > 0 { chosen.maxComparisons = min(count, 10_000_000) }
        case "KeyUsages":
            guard let entries = option.elements ?? option.setMembers?.members else {
                throw BuiltinError(.builtin, "'KeyUsages' should be an Array or Set")
            }
            for case let name? in entries.map(\.text) {
                guard let usage = usageNames[name] else {
                    throw BuiltinError(.builtin, "invalid entries for 'KeyUsages' found: [\(name)]")
                }
                chosen.usages.append(usage)
            }
        default: throw BuiltinError(.builtin, "invalid key option")
        }
    }
}

private let usageNames: [String: Int] = [
    "KeyUsageAny": 0, "KeyUsageServerAuth": 1, "KeyUsageClientAuth": 2, "KeyUsageCodeSigning": 3,
    "KeyUsageEmailProtection": 4, "KeyUsageIPSECEndSystem": 5, "KeyUsageIPSECTunnel": 6, "KeyUsageIPSECUser": 7,
    "KeyUsageTimeStamping": 8, "KeyUsageOCSPSigning": 9, "KeyUsageMicrosoftServerGatedCrypto": 10,
    "KeyUsageNetscapeServerGatedCrypto": 11, "KeyUsageMicrosoftCommercialCodeSigning": 12,
    "KeyUsageMicrosoftKernelCodeSigning": 13,
]

/// A certificate with its key, in the shape of Go's tls.Certificate.
private enum KeyPairText {
    static func value(_ certificate: String, _ key: String, _ context: BuiltinContext) throws -> Value {
        let chain = try blocks(certificate, "CERTIFICATE").filter { $0.type == "CERTIFICATE" }
        guard let first = chain.first, chain.count <= X509Certificate.maxCount else {
            throw BuiltinError(.builtin, "tls: failed to find any PEM data in certificate input")
        }
        let leaf: X509Certificate
        do {
            leaf = try X509Certificate(try DERElement.only(first.bytes[...]))
        } catch let error as DERError {
            throw BuiltinError(.builtin, "x509: malformed certificate: \(error.message)")
        }
        var found: PrivateKeyText?
        for block in try blocks(key, "PRIVATE KEY")
        where block.type == "PRIVATE KEY" || block.type.hasSuffix(" PRIVATE KEY") {
            found = try PrivateKeyText.read(block)
            break
        }
        guard let found else {
            throw BuiltinError(
                .builtin, "tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input")
        }
        guard found.belongs(to: leaf.key) else {
            throw BuiltinError(.builtin, "tls: private key does not match public key")
        }
        return .object(
            ObjectValue([
                (.string("Certificate"), .array(chain.map { .string(Data($0.bytes).base64EncodedString()) })),
                (.string("PrivateKey"), found.value), (.string("SupportedSignatureAlgorithms"), .null),
                (.string("OCSPStaple"), .null), (.string("SignedCertificateTimestamps"), .null),
                (.string("Leaf"), try X509Values.certificate(leaf, context, withPlaces: false)),
            ]))
    }

    /// PEM, or base64 of PEM or of one block's bytes.
    private static func blocks(_ text: String, _ type: String) throws -> [PEMText.Block] {
        guard text.utf8.count <= X509Certificate.maxBytes else { throw BuiltinError(.builtin, "key pair above 4 MiB") }
        if text.hasPrefix("-----BEGIN ") { return PEMText.blocks(text) }
        let bytes = try Base64.decode(text, url: false)
        if bytes.starts(with: "-----BEGIN ".utf8) { return PEMText.blocks(String(decoding: bytes, as: UTF8.self)) }
        return [PEMText.Block(type: type, bytes: bytes)]
    }
}

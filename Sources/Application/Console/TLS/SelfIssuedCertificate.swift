// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Crypto
import Foundation
import Glibc
import Logging
import SwiftASN1
import X509

/// A certificate for this machine alone, signed by its own P-256 key: what makes the first start work without a
/// certificate authority. Certificate and key stand in one file that only its owner can read, so they never disagree.
enum SelfIssuedCertificate {
    /// Browsers refuse certificates that last longer than 398 days.
    static let lifetime: Int64 = 397 * 86_400
    /// It is made anew so long before it ends.
    static let margin: Int64 = 30 * 86_400

    struct PEM: Sendable {
        var certificate: String
        var key: String
    }

    /// The kept one while it is good for `names` and for another month; a new one, which is kept, otherwise.
    static func current(file: String, names: [String], now: Int64, logger: Logger) throws -> PEM {
        if let kept = try? String(contentsOfFile: file, encoding: .utf8), let pem = split(kept),
            isGood(pem, names: names, now: now)
        {
            return pem
        }
        let pem = try make(names: names, now: now)
        do { try write(pem.key + "\n" + pem.certificate + "\n", to: file) } catch {
            throw ConsoleError(.unavailable, "The console's certificate cannot be kept in \(file).", cause: error)
        }
        logger.notice("Made a certificate for the console", metadata: ["file": "\(file)"])
        return pem
    }

    static func make(names: [String], now: Int64) throws -> PEM {
        let key = P256.Signing.PrivateKey()
        let subject = try DistinguishedName {
            CommonName("Bulwark console")
            OrganizationName("Self-issued on this machine")
        }
        let extensions = try Certificate.Extensions {
            Critical(BasicConstraints.notCertificateAuthority)
            try ExtendedKeyUsage([.serverAuth])
            SubjectAlternativeNames(names.map(generalName))
        }
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(bytes: Secrets.randomBytes(15)),
            publicKey: .init(key.publicKey),
            // An hour back, for clocks that are late.
            notValidBefore: Date(timeIntervalSince1970: Double(now - 3600)),
            notValidAfter: Date(timeIntervalSince1970: Double(now + lifetime)),
            issuer: subject, subject: subject, extensions: extensions, issuerPrivateKey: .init(key))
        return PEM(certificate: try certificate.serializeAsPEM().pemString, key: key.pemRepresentation)
    }

    /// This machine's names, then `more`, without doubles.
    static func machineNames(_ more: [String]) -> [String] {
        var names = ["localhost", "127.0.0.1", "::1"]
        var buffer = [UInt8](repeating: 0, count: 256)
        let found = buffer.withUnsafeMutableBytes { bytes in
            guard let start = bytes.baseAddress else { return false }
            return gethostname(start.assumingMemoryBound(to: CChar.self), bytes.count - 1) == 0
        }
        if found { names.append(String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self)) }
        for name in more + names where !names.contains(name) { names.append(name) }
        return names.filter { !$0.isEmpty && $0.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f } }
    }

    private static func isGood(_ pem: PEM, names: [String], now: Int64) -> Bool {
        guard let certificate = try? Certificate(pemEncoded: pem.certificate),
            let key = try? P256.Signing.PrivateKey(pemRepresentation: pem.key),
            certificate.publicKey == Certificate.PublicKey(key.publicKey),
            certificate.notValidAfter.timeIntervalSince1970 > Double(now + margin),
            certificate.notValidBefore.timeIntervalSince1970 <= Double(now),
            let held = try? certificate.extensions.subjectAlternativeNames
        else { return false }
        return Set(names.map(generalName)).isSubset(of: Set(held))
    }

    private static func generalName(_ name: String) -> GeneralName {
        if let bytes = IPAddress.bytes(name) { return .ipAddress(ASN1OctetString(contentBytes: bytes[...])) }
        return .dnsName(name)
    }

    /// The file's key and certificate.
    private static func split(_ text: String) -> PEM? {
        guard let start = text.range(of: "-----BEGIN CERTIFICATE-----") else { return nil }
        func trim(_ part: Substring) -> String { part.trimmingCharacters(in: .whitespacesAndNewlines) }
        return PEM(certificate: trim(text[start.lowerBound...]), key: trim(text[..<start.lowerBound]))
    }

    /// Only the owner may read it, from the first byte on; a reader sees the old file or the new one.
    private static func write(_ text: String, to file: String) throws {
        let folder = URL(fileURLWithPath: file).deletingLastPathComponent().path
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let draft = file + ".\(Secrets.hex(Secrets.randomBytes(6)))"
        guard FileManager.default.createFile(atPath: draft, contents: nil, attributes: [.posixPermissions: 0o600])
        else { throw CocoaError(.fileWriteUnknown) }
        do {
            let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: draft))
            try handle.write(contentsOf: Data(text.utf8))
            try handle.synchronize()
            try handle.close()
            guard rename(draft, file) == 0 else { throw CocoaError(.fileWriteUnknown) }
        } catch {
            unlink(draft)
            throw error
        }
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Crypto
import Foundation
import Glibc
import SwiftASN1
import X509

/// A certificate and its key as PEM. Printing it shows neither.
package struct CertificatePair: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    package var certificate: String
    package var key: String

    package init(certificate: String, key: String) {
        self.certificate = certificate
        self.key = key
    }

    package var description: String { "(a certificate and its key)" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

/// Makes P-256 certificates.
enum Issuing {
    static let day: Int64 = 86_400
    static let authorityLifetime = 3650 * day
    static let leafLifetime = 90 * day

    /// What a certificate is for.
    enum Use {
        /// Names and addresses of a server.
        case server([String])
        /// A client that is known by this URI.
        case client(String)
    }

    /// An authority that signs leaves only. `now` is in seconds since 1970.
    static func authority(now: Int64) throws -> CertificatePair {
        let key = P256.Signing.PrivateKey()
        // Authorities that follow each other must not share a name, or a client could take one for the other.
        let subject = try DistinguishedName {
            CommonName("Bulwark admission authority \(now)")
            OrganizationName("Bulwark")
        }
        return try certificate(
            key: key, subject: subject, issuer: subject, issuerKey: key, from: now, to: now + authorityLifetime,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                SubjectKeyIdentifier(hash: .init(key.publicKey))
            })
    }

    static func leaf(
        _ use: Use, by authority: CertificatePair, now: Int64, lifetime: Int64 = leafLifetime
    ) throws -> CertificatePair {
        let issuer = try Certificate(pemEncoded: authority.certificate)
        let issuerKey = try P256.Signing.PrivateKey(pemRepresentation: authority.key)
        let key = P256.Signing.PrivateKey()
        let names: [GeneralName]
        let usage: ExtendedKeyUsage.Usage
        let common: String
        switch use {
        case .server(let hosts):
            (names, usage, common) = (hosts.map(name), .serverAuth, "Bulwark admission")
        case .client(let uri):
            (names, usage, common) = ([.uniformResourceIdentifier(uri)], .clientAuth, "Bulwark admission records")
        }
        return try certificate(
            key: key, subject: try DistinguishedName { CommonName(common) }, issuer: issuer.subject,
            issuerKey: issuerKey, from: now,
            to: min(now + lifetime, Int64(issuer.notValidAfter.timeIntervalSince1970)),
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([usage])
                SubjectAlternativeNames(names)
                AuthorityKeyIdentifier(
                    keyIdentifier: SubjectKeyIdentifier(hash: issuer.publicKey).keyIdentifier)
            })
    }

    static func name(_ host: String) -> GeneralName {
        var (v4, v6) = ([UInt8](repeating: 0, count: 4), [UInt8](repeating: 0, count: 16))
        if inet_pton(AF_INET, host, &v4) == 1 { return .ipAddress(ASN1OctetString(contentBytes: v4[...])) }
        if inet_pton(AF_INET6, host, &v6) == 1 { return .ipAddress(ASN1OctetString(contentBytes: v6[...])) }
        return .dnsName(host)
    }

    private static func certificate(
        key: P256.Signing.PrivateKey, subject: DistinguishedName, issuer: DistinguishedName,
        issuerKey: P256.Signing.PrivateKey, from: Int64, to: Int64, extensions: Certificate.Extensions
    ) throws -> CertificatePair {
        var generator = SystemRandomNumberGenerator()
        let serial = (0..<15).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(bytes: serial), publicKey: .init(key.publicKey),
            // An hour back, for clocks that are late.
            notValidBefore: Date(timeIntervalSince1970: Double(from - 3600)),
            notValidAfter: Date(timeIntervalSince1970: Double(to)), issuer: issuer, subject: subject,
            extensions: extensions, issuerPrivateKey: .init(issuerKey))
        return CertificatePair(
            certificate: try certificate.serializeAsPEM().pemString + "\n", key: key.pemRepresentation + "\n")
    }
}

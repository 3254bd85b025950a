// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Crypto
import Foundation
import SwiftASN1
import X509

/// All that admission needs of certificates: authorities (one, or two while one follows the other), the server's pair,
/// and the pair by which replicas hand their records to `bulwark serve`.
///
/// A new authority is only trusted at first. It signs once it has been trusted for a day, at the next renewal, and the
/// old one is dropped when nothing that it signed is left: at no time does an API server meet a certificate that it does
/// not trust yet.
package struct WebhookCertificates: Sendable, Equatable {
    /// How the replicas are known to `bulwark serve`: the URI in their certificate.
    package static let recordsClient = "bulwark://admission/records"
    /// A new authority is used, and an old one dropped, this long after everybody could have read of it.
    static let settling = Issuing.day
    /// 90 days.
    package static let defaultLifetime = Issuing.leafLifetime

    /// Newest first.
    package var authorities: [CertificatePair]
    package var server: CertificatePair
    package var client: CertificatePair

    /// PEM of all authorities: what API servers are given as `caBundle`, and what both sides of the record channel trust.
    package var bundle: String { authorities.map(\.certificate).joined() }

    /// When the server's certificate ends, in seconds since 1970.
    package var serverEnd: Int64 { (try? Life(server.certificate))?.end ?? 0 }

    /// A first set.
    /// - Parameters:
    ///   - names: the server's names and addresses.
    ///   - now: seconds since 1970.
    ///   - lifetime: of the server's and the client's certificate, in seconds.
    package static func make(
        names: [String], now: Int64, lifetime: Int64 = defaultLifetime
    ) throws -> WebhookCertificates {
        let authority = try Issuing.authority(now: now)
        return WebhookCertificates(
            authorities: [authority],
            server: try Issuing.leaf(.server(names), by: authority, now: now, lifetime: lifetime),
            client: try Issuing.leaf(.client(recordsClient), by: authority, now: now, lifetime: lifetime))
    }

    /// The set that should follow at `now`; equal to this one when nothing is due. Every certificate is renewed when a
    /// third of its life is left, the server's also when it lacks one of `names`.
    package func renewed(
        names: [String], now: Int64, lifetime: Int64 = defaultLifetime
    ) throws -> WebhookCertificates {
        var next = self
        guard let newest = authorities.first else { return try .make(names: names, now: now, lifetime: lifetime) }
        var lives = try authorities.map { try Life($0.certificate) }
        if lives[0].isDue(now) {
            next.authorities.insert(try Issuing.authority(now: now), at: 0)
            lives = try next.authorities.map { try Life($0.certificate) }
        }
        // An authority that ends is followed at once; one that only grows old waits until the new one is known.
        let signer =
            zip(next.authorities, lives).first { _, life in now - life.begin >= Self.settling && now < life.end }?.0
            ?? next.authorities.last ?? newest
        let trusted = Set(lives.map(\.subject))
        func isGood(_ pair: CertificatePair, _ wanted: [GeneralName]) throws -> Bool {
            let life = try Life(pair.certificate)
            return !life.isDue(now) && trusted.contains(life.issuer) && Set(wanted).isSubset(of: life.names)
        }
        if try !isGood(server, names.map(Issuing.name)) {
            // Names that were asked for before stay: other replicas may still be told to serve them.
            let more = try Life(server.certificate).hosts.filter { !names.contains($0) }.prefix(32)
            next.server = try Issuing.leaf(.server(names + more), by: signer, now: now, lifetime: lifetime)
        }
        if try !isGood(client, [.uniformResourceIdentifier(Self.recordsClient)]) {
            next.client = try Issuing.leaf(.client(Self.recordsClient), by: signer, now: now, lifetime: lifetime)
        }
        let leaves = [try Life(next.server.certificate), try Life(next.client.certificate)]
        let issuers = Set(leaves.map(\.issuer))
        let areKnown = leaves.allSatisfy { now - $0.begin >= Self.settling }
        next.authorities = zip(next.authorities, lives).enumerated().filter { index, pair in
            index == 0 || pair.1.end > now && (issuers.contains(pair.1.subject) || !areKnown)
        }.map(\.element.0)
        return next
    }
}

/// What of a certificate matters for its renewal.
struct Life {
    var begin: Int64
    var end: Int64
    var subject: DistinguishedName
    var issuer: DistinguishedName
    var names: Set<GeneralName>

    init(_ pem: String) throws {
        let certificate: Certificate
        do { certificate = try Certificate(pemEncoded: pem) } catch {
            throw AdmissionError(.certificate, "a stored certificate cannot be read", cause: error)
        }
        // The hour that `Issuing` puts before it does not count.
        begin = Int64(certificate.notValidBefore.timeIntervalSince1970) + 3600
        end = Int64(certificate.notValidAfter.timeIntervalSince1970)
        subject = certificate.subject
        issuer = certificate.issuer
        names = Set(try certificate.extensions.subjectAlternativeNames.map(Array.init) ?? [])
    }

    /// Less than a third is left, or the clock stands before its beginning.
    func isDue(_ now: Int64) -> Bool { end - now < (end - begin) / 3 || now < begin - 3600 }

    /// Its DNS names.
    var hosts: [String] {
        names.compactMap { if case .dnsName(let name) = $0 { name } else { nil } }.sorted()
    }
}

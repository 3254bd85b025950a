// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Crypto
import Foundation
import Rego
import SwiftASN1
import Testing
import X509

/// A root, an authority below it and a leaf, made anew for each test.
private struct Chain {
    let root: Certificate
    let middle: Certificate
    let leaf: Certificate
    let leafKey = P256.Signing.PrivateKey()

    init(isAuthority: Bool = true, hours: Double = 24) throws {
        let (rootKey, middleKey) = (P256.Signing.PrivateKey(), P256.Signing.PrivateKey())
        func make(
            _ name: String, _ key: P256.Signing.PublicKey, _ issuer: String, _ signer: P256.Signing.PrivateKey,
            _ extensions: Certificate.Extensions
        ) throws -> Certificate {
            try Certificate(
                version: .v3, serialNumber: .init(), publicKey: .init(key),
                notValidBefore: .now.addingTimeInterval(-7200),
                notValidAfter: .now.addingTimeInterval(hours * 3600),
                issuer: try DistinguishedName { CommonName(issuer) },
                subject: try DistinguishedName {
                    CommonName(name)
                    OrganizationName("Bulwark")
                }, signatureAlgorithm: .ecdsaWithSHA256, extensions: extensions, issuerPrivateKey: .init(signer))
        }
        func name(_ common: String) -> String { common }
        let authority = try Certificate.Extensions {
            Critical(
                isAuthority ? BasicConstraints.isCertificateAuthority(maxPathLength: nil) : .notCertificateAuthority)
            KeyUsage(keyCertSign: true)
        }
        root = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(rootKey.publicKey),
            notValidBefore: .now.addingTimeInterval(-7200), notValidAfter: .now.addingTimeInterval(86400),
            issuer: try DistinguishedName { CommonName("root") }, subject: try DistinguishedName { CommonName("root") },
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
            }, issuerPrivateKey: .init(rootKey))
        middle = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(middleKey.publicKey),
            notValidBefore: .now.addingTimeInterval(-7200), notValidAfter: .now.addingTimeInterval(86400),
            issuer: try DistinguishedName { CommonName("root") },
            subject: try DistinguishedName { CommonName("middle") },
            signatureAlgorithm: .ecdsaWithSHA256, extensions: authority, issuerPrivateKey: .init(rootKey))
        leaf = try make(
            "leaf", leafKey.publicKey, "middle", middleKey,
            try Certificate.Extensions {
                SubjectAlternativeNames([
                    .dnsName("app.example.com"), .uniformResourceIdentifier("spiffe://example.com/a"),
                ])
                try ExtendedKeyUsage([.serverAuth])
            })
    }

    func pem(_ certificates: Certificate...) throws -> String {
        try certificates.map { try $0.serializeAsPEM().pemString + "\n" }.joined()
    }
}

private func quoted(_ text: String) -> String { "\"\(text.replacing("\n", with: "\\n"))\"" }

private func now() -> Int { Int(Date.now.timeIntervalSince1970) * 1_000_000_000 }

@Suite struct CertificateTests {
    @Test func readsWhatACertificateSays() throws {
        let chain = try Chain()
        let text = quoted(try chain.pem(chain.leaf))
        let query = """
            c = crypto.x509.parse_certificates(\(text))[0]; x = [c.Subject.CommonName, c.Subject.Organization, \
            c.Issuer.CommonName, c.DNSNames, c.URIStrings, c.ExtKeyUsage, c.IsCA, c.PublicKeyAlgorithm, \
            c.SignatureAlgorithm, c.Version]
            """
        let found = try evaluate(query)
        #expect(
            found.contains(
                #""x":["leaf",["Bulwark"],"middle",["app.example.com"],["spiffe://example.com/a"],[1],false,3,10,3]"#))
    }

    private func verify(_ text: String, _ options: String) throws -> String {
        try evaluate(
            "x = [v[0], count(v[1])]; v = crypto.x509.parse_and_verify_certificates_with_options(\(quoted(text)), \(options))"
        )
    }

    @Test func trustsAPathAndNothingElse() throws {
        let chain = try Chain()
        let whole = try chain.pem(chain.root, chain.middle, chain.leaf)
        let good = "\"x\":[true,3]"
        let bad = "\"x\":[false,0]"
        #expect(try verify(whole, #"{"CurrentTime": \#(now())}"#).contains(good))
        #expect(try verify(whole, #"{"CurrentTime": \#(now()), "DNSName": "app.example.com"}"#).contains(good))
        #expect(try verify(whole, #"{"CurrentTime": \#(now()), "DNSName": "b.example.com"}"#).contains(bad))
        #expect(try verify(whole, #"{"CurrentTime": \#(now()), "KeyUsages": ["KeyUsageClientAuth"]}"#).contains(bad))
        #expect(try verify(whole, #"{"CurrentTime": \#(now()), "KeyUsages": ["KeyUsageAny"]}"#).contains(good))
        #expect(try verify(whole, #"{"CurrentTime": \#(now() + 100 * 3_600_000_000_000)}"#).contains(bad))
        #expect(try verify(try chain.pem(chain.root, chain.leaf), #"{"CurrentTime": \#(now())}"#).contains(bad))
        #expect(try verify(whole, #"{"Other": 1}"#) == "eval_builtin_error")
        // Another root with the same name signed nothing here.
        let other = try Chain()
        #expect(
            try verify(try chain.pem(other.root, chain.middle, chain.leaf), #"{"CurrentTime": \#(now())}"#).contains(
                bad))
        let weak = try Chain(isAuthority: false)
        #expect(
            try verify(try weak.pem(weak.root, weak.middle, weak.leaf), #"{"CurrentTime": \#(now())}"#).contains(bad))
    }

    @Test func readsKeysAndPairs() throws {
        let chain = try Chain()
        let key = quoted(chain.leafKey.pemRepresentation + "\n")
        #expect(try evaluate("x = crypto.x509.parse_rsa_private_key(\(key)).crv") == #"{"x":"P-256"}"#)
        #expect(try evaluate("x = count(crypto.parse_private_keys(\(key)))") == #"{"x":1}"#)
        let pair = "crypto.x509.parse_keypair(\(quoted(try chain.pem(chain.leaf))), \(key))"
        #expect(try evaluate("x = \(pair).Leaf.Subject.CommonName") == #"{"x":"leaf"}"#)
        let stranger = quoted(P256.Signing.PrivateKey().pemRepresentation)
        let wrong = "crypto.x509.parse_keypair(\(quoted(try chain.pem(chain.leaf))), \(stranger))"
        #expect(try evaluate("x = \(wrong)") == "eval_builtin_error")
    }

    @Test(arguments: [
        #"crypto.x509.parse_certificates("foobar")"#, #"crypto.x509.parse_certificates("MIIB")"#,
        #"crypto.x509.parse_certificate_request("YmFk")"#,
        // A length that says more than there is, and one that says more than an Int.
        #"crypto.x509.parse_certificates("MIT/////")"#, #"crypto.x509.parse_certificates("MIj//////////w==")"#,
    ])
    func refusesWhatIsNone(_ call: String) throws {
        #expect(try evaluate("x = \(call)") == "eval_builtin_error")
    }

    /// An empty sequence in a key's frame.
    @Test func refusesAKeyThatIsNone() throws {
        let call = "crypto.parse_private_keys(\(quoted(framed("MAA=", as: "PRIVATE KEY"))))"
        #expect(try evaluate("x = \(call)") == "eval_builtin_error")
    }
}

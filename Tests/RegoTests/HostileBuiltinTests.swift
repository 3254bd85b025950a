// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Crypto
import Foundation
import Rego
import SwiftASN1
import Testing
import X509

/// What functions are handed comes from outside: whatever it is, they answer or refuse, soon and within their memory.
@Suite struct HostileBuiltinTests {
    private struct Dice {
        var state: UInt64

        mutating func next(_ count: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % max(count, 1)
        }

        /// Some bytes changed, left out or doubled.
        mutating func mutate(_ bytes: [UInt8]) -> [UInt8] {
            var bytes = bytes
            for _ in 0...next(4) where !bytes.isEmpty {
                let at = next(bytes.count)
                switch next(4) {
                case 0: bytes[at] = UInt8(next(256))
                case 1: bytes.remove(at: at)
                case 2: bytes.insert(bytes[at], at: at)
                default: bytes.removeLast(next(min(bytes.count, 40)))
                }
            }
            return bytes
        }
    }

    private static let call = Result { () throws -> [String: PreparedQuery] in
        let policy = try RegoPolicy([], version: .v1)
        var queries: [String: PreparedQuery] = [:]
        for name in [
            "crypto.x509.parse_certificates(input)", "crypto.x509.parse_certificate_request(input)",
            "crypto.x509.parse_and_verify_certificates_with_options(concat(\"\\n\", [input, input]), {\"KeyUsages\": [\"KeyUsageAny\"]})",
            "crypto.parse_private_keys(input)", "io.jwt.decode(input)",
            "io.jwt.decode_verify(input, {\"secret\": \"s\"})",
            "io.jwt.verify_es256(\"e30.e30.AA\", input)", "graphql.parse_schema(input)",
            "graphql.is_valid(input, `type Query { a(b: Int): Query }`)", "json.match_schema({\"a\": [1]}, input)",
        ] {
            queries[name] = try policy.prepare("x = \(name)")
        }
        return queries
    }

    private func run(_ name: String, _ input: String, memory: Int = 32 << 20) throws {
        let query = try #require(try HostileBuiltinTests.call.get()[name])
        _ = try? query.results(
            input: .string(input), context: BuiltinContext(now: 0),
            limits: EvaluationLimits(memory: memory, time: .seconds(2)), strict: true)
    }

    @Test func survivesMutatedBytes() throws {
        let key = P256.Signing.PrivateKey()
        let name = try DistinguishedName { CommonName("a") }
        let certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey), notValidBefore: .now,
            notValidAfter: .now.addingTimeInterval(60), issuer: name, subject: name,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 1))
                KeyUsage(keyCertSign: true)
                try ExtendedKeyUsage([.serverAuth])
                SubjectAlternativeNames([.dnsName("a.b"), .uniformResourceIdentifier("spiffe://a/b")])
                NameConstraints(permittedDNSDomains: ["b"])
            }, issuerPrivateKey: .init(key))
        let der = try certificate.serializeAsPEM().derBytes
        let secret = Array(key.derRepresentation)
        let texts: [(String, [UInt8])] = [
            ("io.jwt.decode(input)", Array("eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.AQI".utf8)),
            ("io.jwt.decode_verify(input, {\"secret\": \"s\"})", Array("eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.AQI".utf8)),
            ("io.jwt.verify_es256(\"e30.e30.AA\", input)", Array(key.publicKey.pemRepresentation.utf8)),
            (
                "graphql.parse_schema(input)",
                Array("\"d\" type A implements B & C @d(a: [1, {b: $c}]) { a(b: Int = 1): [A!]! }".utf8)
            ),
            (
                "graphql.is_valid(input, `type Query { a(b: Int): Query }`)",
                Array("query q($v: Int = 1) { x: a(b: $v) { ...f } } fragment f on Query { a { __typename } }".utf8)
            ),
            (
                "json.match_schema({\"a\": [1]}, input)",
                Array(
                    ##"{"properties": {"a": {"items": {"$ref": "#/definitions/b"}}}, "definitions": {"b": {"type": "string"}}}"##
                        .utf8)
            ),
        ]
        var dice = Dice(state: 5)
        let deadline = ContinuousClock.now + .seconds(2)
        var count = 0
        while ContinuousClock.now < deadline {
            count += 1
            let mutated = Data(dice.mutate(der)).base64EncodedString()
            try run("crypto.x509.parse_certificates(input)", mutated)
            try run("crypto.x509.parse_certificate_request(input)", mutated)
            let pem = framed(mutated, as: "CERTIFICATE")
            try run(
                "crypto.x509.parse_and_verify_certificates_with_options(concat(\"\\n\", [input, input]), {\"KeyUsages\": [\"KeyUsageAny\"]})",
                pem)
            let pair = Data(dice.mutate(secret)).base64EncodedString()
            try run("crypto.parse_private_keys(input)", framed(pair, as: "PRIVATE KEY"))
            for (name, text) in texts { try run(name, String(decoding: dice.mutate(text), as: UTF8.self)) }
        }
        #expect(count > 5)
    }

    @Test(arguments: [
        ("crypto.x509.parse_certificates(input)", "-----BEGIN CERTIFICATE-----\n", 100_000),
        ("crypto.parse_private_keys(input)", "-----BEGIN X-----\n", 50_000),
        ("graphql.parse_schema(input)", "type A ", 200_000),
        ("graphql.is_valid(input, `type Query { a(b: Int): Query }`)", "{a ", 500_000),
        ("io.jwt.decode(input)", ".", 1_000_000),
        ("json.match_schema({\"a\": [1]}, input)", "{\"not\":", 100_000),
    ])
    func endsSoon(_ name: String, _ piece: String, _ count: Int) throws {
        let started = ContinuousClock.now
        try run(name, String(repeating: piece, count: count))
        #expect(ContinuousClock.now - started < .seconds(20))
    }

    @Test func countsWhatATreeTakes() throws {
        let query = try #require(
            try HostileBuiltinTests.call.get()["graphql.is_valid(input, `type Query { a(b: Int): Query }`)"])
        #expect(throws: RegoError.self) {
            try query.results(
                input: .string("{" + String(repeating: "a ", count: 200_000) + "}"), context: BuiltinContext(now: 0),
                limits: EvaluationLimits(memory: 32 << 20), strict: true)
        }
    }
}

/// Base64 between the lines that PEM puts around it.
func framed(_ base64: String, as label: String) -> String {
    "-----BEGIN \(label)-----\n\(base64)\n-----END \(label)-----"
}

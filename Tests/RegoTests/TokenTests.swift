// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Crypto
import CryptoExtras
import Foundation
import Rego
import Testing

private func base64url(_ data: some Sequence<UInt8>) -> String {
    Data(data).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
}

private func quoted(_ text: String) -> String { "\"\(text.replacing("\n", with: "\\n"))\"" }

/// Keys made for one run.
private struct Keys {
    let rsa: _RSA.Signing.PrivateKey
    let curve = P256.Signing.PrivateKey()
    let large = P384.Signing.PrivateKey()
    let edwards = Curve25519.Signing.PrivateKey()

    init() throws { rsa = try _RSA.Signing.PrivateKey(keySize: .bits2048) }

    func ellipticKey(_ name: String, _ point: Data, _ secret: Data) -> String {
        let half = (point.count - 1) / 2
        return #"{"kty": "EC", "crv": "\#(name)", "x": "\#(base64url(point.dropFirst().prefix(half)))", "#
            + #""y": "\#(base64url(point.suffix(half)))", "d": "\#(base64url(secret))"}"#
    }

    var edwardsKey: String {
        #"{"kty": "OKP", "crv": "Ed25519", "x": "\#(base64url(edwards.publicKey.rawRepresentation))", "#
            + #""d": "\#(base64url(edwards.rawRepresentation))"}"#
    }
}

@Suite struct TokenTests {
    @Test func signsAndVerifiesWithEachKindOfKey() throws {
        let keys = try Keys()
        let rsa = "crypto.x509.parse_rsa_private_key(\(quoted(keys.rsa.pemRepresentation)))"
        let p256 = keys.ellipticKey("P-256", keys.curve.publicKey.x963Representation, keys.curve.rawRepresentation)
        let p384 = keys.ellipticKey("P-384", keys.large.publicKey.x963Representation, keys.large.rawRepresentation)
        let cases: [(algorithm: String, key: String, verifier: String)] = [
            ("RS256", rsa, quoted(keys.rsa.publicKey.pemRepresentation)),
            ("RS384", rsa, quoted(keys.rsa.publicKey.pemRepresentation)),
            ("PS512", rsa, quoted(keys.rsa.publicKey.pemRepresentation)),
            ("ES256", p256, quoted(keys.curve.publicKey.pemRepresentation)),
            ("ES384", p384, "json.marshal({\"keys\": [\(p384)]})"),
            ("EdDSA", keys.edwardsKey, "json.marshal(\(keys.edwardsKey))"),
        ]
        for (algorithm, key, verifier) in cases {
            let name = "io.jwt.verify_\(algorithm.lowercased())"
            let token = #"t = io.jwt.encode_sign({"alg": "\#(algorithm)", "typ": "JWT"}, {"sub": "a"}, \#(key))"#
            #expect(try evaluate("x = \(name)(t, \(verifier)); \(token)").contains(#""x":true"#), "\(algorithm)")
            let forged =
                "f = concat(\".\", [split(t, \".\")[0], base64url.encode_no_pad(`{\"sub\":\"b\"}`), split(t, \".\")[2]])"
            #expect(
                try evaluate("x = \(name)(f, \(verifier)); \(token); \(forged)").contains(#""x":false"#), "\(algorithm)"
            )
            #expect(
                try evaluate(
                    "[ok, _, p] = io.jwt.decode_verify(t, {\"cert\": \(verifier), \"time\": 0}); x = [ok, p.sub]; \(token)"
                )
                .contains(#""x":[true,"a"]"#), "\(algorithm)")
        }
    }

    private static let signed =
        #"t = io.jwt.encode_sign({"alg": "HS256"}, {"iss": "i", "aud": ["a"], "exp": 100, "nbf": 10}, {"kty": "oct", "k": "c2VjcmV0"})"#

    @Test(arguments: [
        (#"{"secret": "secret", "iss": "i", "aud": "a", "time": 50000000000}"#, true),
        (#"{"secret": "secret", "alg": "HS256", "aud": "a", "time": 50000000000}"#, true),
        (#"{"secret": "secret", "aud": "a", "time": 100000000000}"#, false),
        (#"{"secret": "secret", "aud": "a", "time": 5000000000}"#, false),
        (#"{"secret": "secret", "time": 50000000000}"#, false),
        (#"{"secret": "secret", "iss": "j", "aud": "a", "time": 50000000000}"#, false),
        (#"{"secret": "secret", "alg": "HS512", "aud": "a", "time": 50000000000}"#, false),
        (#"{"secret": "other", "aud": "a", "time": 50000000000}"#, false),
    ])
    func holdsTokensAgainstConstraints(_ constraints: String, _ isValid: Bool) throws {
        let found = try evaluate("x = io.jwt.decode_verify(t, \(constraints))[0]; \(TokenTests.signed)")
        #expect(found.contains("\"x\":\(isValid)"))
    }

    @Test func aPublicKeyIsNoSecret() throws {
        // A token signed with the text of the public key as if it were a secret.
        let pem = try Keys().rsa.publicKey.pemRepresentation
        let token =
            #"t = io.jwt.encode_sign({"alg": "HS256"}, {}, {"kty": "oct", "k": base64url.encode_no_pad(p)}); p = \#(quoted(pem))"#
        #expect(try evaluate("x = io.jwt.decode_verify(t, {\"cert\": p})[0]; \(token)").contains(#""x":false"#))
        let none = #"concat(".", [base64url.encode_no_pad(`{"alg":"none"}`), base64url.encode_no_pad(`{}`), ""])"#
        #expect(
            try evaluate("x = io.jwt.decode_verify(\(none), {\"cert\": p})[0]; p = \(quoted(pem))").contains(
                #""x":false"#))
    }

    @Test(arguments: [
        (#"io.jwt.decode("abc")"#), (#"io.jwt.decode("a.b")"#), (#"io.jwt.decode("e30.e30.e30.e30")"#),
        (#"io.jwt.decode("W10.e30.")"#), (#"io.jwt.decode_verify("e30.e30.", {})"#),
        (#"io.jwt.decode_verify("e30.e30.", {"secret": "a", "other": 1})"#),
        (#"io.jwt.verify_rs256("e30.e30.", "no key")"#),
        (#"io.jwt.encode_sign({"alg": "RS256"}, {}, {"kty": "oct", "k": "AQ"})"#),
        (#"io.jwt.encode_sign({"alg": "none"}, {}, {"kty": "oct", "k": "AQ"})"#),
        (#"io.jwt.encode_sign_raw(`{"alg": "HS256"}`, "no JSON", `{"kty": "oct", "k": "AQ"}`)"#),
    ])
    func refusesWhatIsNoToken(_ call: String) throws {
        #expect(try evaluate("x = \(call)") == "eval_builtin_error")
    }

    @Test func decodesWithoutJudging() throws {
        #expect(
            try evaluate(#"x = io.jwt.decode("eyJhbGciOiJub25lIn0.eyJhIjoxfQ.AQI")"#)
                == #"{"x":[{"alg":"none"},{"a":1},"0102"]}"#)
        // A token inside of a token.
        let inner = #"base64url.encode_no_pad("\"eyJhbGciOiJub25lIn0.eyJhIjoxfQ.\"")"#
        #expect(
            try evaluate(
                #"x = io.jwt.decode(concat(".", [base64url.encode_no_pad(`{"cty":"JWT"}`), \#(inner), ""]))[1]"#)
                == #"{"x":{"a":1}}"#)
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

extension BuiltinTable {
    mutating func addTokens() {
        one("io.jwt.decode", [.string]) { value, context in
            try decode(try value.string(1), context)
        }
        let algorithms: [TokenAlgorithm] = [
            .rs256, .rs384, .rs512, .ps256, .ps384, .ps512, .es256, .es384, .es512, .edDSA,
        ]
        for algorithm in algorithms {
            two(
                "io.jwt.verify_\(algorithm == .edDSA ? "eddsa" : algorithm.rawValue.lowercased())", [.string], [.string]
            ) {
                token, key, context in
                try verify(try token.string(1), try key.string(2), algorithm, context)
            }
        }
        for algorithm in [TokenAlgorithm.hs256, .hs384, .hs512] {
            two("io.jwt.verify_\(algorithm.rawValue.lowercased())", [.string], [.string]) { token, secret, _ in
                let token = try TokenText(try token.string(1))
                let key = VerificationKey.secret(Array(try secret.string(2).utf8))
                return .bool(key.verifies(try TokenText.bytes(token.signature), of: token.signed, by: algorithm))
            }
        }
        two("io.jwt.decode_verify", [.string], [.object]) { token, constraints, context in
            let text = try token.string(1)
            let constraints = try TokenConstraints(try constraints.object(2), context)
            return try constraints.judge(text, context) ?? .array([.bool(false), .emptyObject, .emptyObject])
        }
        many("io.jwt.encode_sign", [[.object], [.object], [.object]]) { arguments, context in
            let header = JSONLayout.text(.object(try arguments[0].object(1)))
            let payload = JSONLayout.text(.object(try arguments[1].object(2)))
            return try sign(header, payload, try WebKey.all(.object(try arguments[2].object(3))), context)
        }
        many("io.jwt.encode_sign_raw", [[.string], [.string], [.string]]) { arguments, context in
            let key = try arguments[2].string(3)
            return try sign(
                try arguments[0].string(1), try arguments[1].string(2), try WebKey.all(key, context), context)
        }
    }
}

/// `[header, payload, signature in hexadecimal]`, nothing checked.
private func decode(_ text: String, _ context: BuiltinContext) throws -> Value {
    var text = text
    for _ in 0..<TokenText.maxDepth {
        let token = try TokenText(text)
        let header = try token.decodedHeader(context)
        let payload = try token.decodedPayload()
        if let type = header["cty"], type.text == "JWT" {
            // A token inside of a token stands in quotes.
            text = Texts.trim(String(decoding: payload, as: UTF8.self)) { $0 == "\"" || $0 == "'" }
            continue
        }
        let members = try TokenText.object(payload, context)
        let signature: [UInt8]
        do {
            signature = try TokenText.bytes(token.signature)
        } catch let error as BuiltinError {
            throw BuiltinError(.builtin, "JWT signature had invalid encoding: \(error.message)")
        }
        return .array([.object(header), .object(members), .string(Hexadecimal.text(signature))])
    }
    throw BuiltinError(.builtin, "more than \(TokenText.maxDepth) tokens inside of each other")
}

/// A key that may verify, with what a set of keys says of it.
struct TokenKey {
    let key: VerificationKey
    var algorithm = ""
    var name = ""

    /// The keys of a certificate, a public key in PEM, a JWK or a set of them.
    static func all(_ text: String, _ context: BuiltinContext) throws -> [TokenKey] {
        guard text.utf8.count <= WebKey.maxBytes else { throw BuiltinError(.builtin, "keys above 1 MiB") }
        var armour = PEMText(text)
        guard let block = armour.next() else {
            return try WebKey.all(text, context).compactMap { key in
                let algorithm = key.members["alg"]?.text ?? ""
                // What is not known is passed over.
                if !algorithm.isEmpty, TokenAlgorithm(rawValue: algorithm) == nil { return nil }
                return TokenKey(key: try key.verifier(), algorithm: algorithm, name: key.members["kid"]?.text ?? "")
            }
        }
        guard armour.isAtEnd else { throw BuiltinError(.builtin, "extra data after a PEM certificate block") }
        let key: X509SubjectKey
        do {
            let element = try DERElement.only(block.bytes[...])
            switch block.type {
            case "CERTIFICATE": key = try X509Certificate(element).key
            case "PUBLIC KEY": key = try X509SubjectKey(try element.expect(DERElement.Tag.sequence))
            default: throw BuiltinError(.builtin, "failed to extract a Key from the PEM certificate")
            }
        } catch let error as DERError {
            throw BuiltinError(.builtin, "failed to parse a PEM key: \(error.message)")
        }
        guard let verifier = key.verifier else {
            throw BuiltinError(.builtin, "failed to parse a PEM key: it cannot be used")
        }
        return [TokenKey(key: verifier)]
    }

    /// Whether one of the keys made the signature: the one that the token names, or else any whose algorithm fits.
    static func verify(
        _ keys: [TokenKey], _ header: TokenHeader, _ token: TokenText, _ algorithm: TokenAlgorithm,
        _ context: BuiltinContext
    ) throws -> Bool {
        let signature = try TokenText.bytes(token.signature)
        let signed = token.signed
        if !header.key.isEmpty, let named = keys.first(where: { $0.name == header.key }) {
            return named.key.verifies(signature, of: signed, by: algorithm)
        }
        for key in keys where key.algorithm.isEmpty || key.algorithm == header.algorithm {
            try context.checkpoint()
            if key.key.verifies(signature, of: signed, by: algorithm) { return true }
        }
        return false
    }
}

private func verify(
    _ text: String, _ key: String, _ algorithm: TokenAlgorithm, _ context: BuiltinContext
) throws -> Value {
    let token = try TokenText(text)
    let keys = try TokenKey.all(key, context)
    let header = try TokenHeader(try token.decodedHeader(context))
    return .bool(try TokenKey.verify(keys, header, token, algorithm, context))
}

private func sign(_ header: String, _ payload: String, _ keys: [WebKey], _ context: BuiltinContext) throws -> Value {
    guard let key = keys.first else { throw BuiltinError(.builtin, "no keys found in JWK set") }
    try context.spend((header.utf8.count + payload.utf8.count) * 2)
    guard header.utf8.count + payload.utf8.count <= TokenText.maxBytes else {
        throw BuiltinError(.builtin, "token above 1 MiB")
    }
    let members = try TokenText.object(Array(header.utf8), context)
    guard let name = members["alg"]?.text else { throw BuiltinError(.builtin, "missing or invalid 'alg' header") }
    guard let algorithm = TokenAlgorithm(rawValue: name) else {
        throw BuiltinError(.builtin, "unknown JWS algorithm: \(name)")
    }
    let type = members["typ"]?.text
    if type == nil || type == "JWT", (try? Texts.document(payload, json: true, context)) == nil {
        throw BuiltinError(.builtin, "type is JWT but payload is not JSON")
    }
    let signed = Base64.encode(bytes: Array(header.utf8)) + "." + Base64.encode(bytes: Array(payload.utf8))
    let signature = try key.sign(Array(signed.utf8), by: algorithm)
    return .string(signed + "." + Base64.encode(bytes: signature))
}

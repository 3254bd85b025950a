// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// What `io.jwt.decode_verify` asks of a token besides its signature.
struct TokenConstraints {
    private var keys: [TokenKey]?
    private var secret = ""
    private var algorithm = ""
    private var issuer = ""
    private var audience = ""
    /// Nanoseconds since 1970.
    private var time: Wide

    init(_ members: ObjectValue, _ context: BuiltinContext) throws {
        time = Wide(context.now)
        for (name, value) in zip(members.keys, members.values) {
            func text() throws -> String {
                guard let text = value.text else {
                    throw BuiltinError(.builtin, "\(name.text ?? "") constraint: must be a string")
                }
                return text
            }
            switch name.text {
            case "cert": keys = try TokenKey.all(try text(), context)
            case "secret": secret = try text()
            case "alg": algorithm = try text()
            case "iss": issuer = try text()
            case "aud": audience = try text()
            case "time":
                guard let wide = value.wide else {
                    throw BuiltinError(.builtin, "token time constraint: must be a number")
                }
                guard wide >= 0 else { throw BuiltinError(.builtin, "token time constraint: must not be negative") }
                time = wide
            default: throw BuiltinError(.builtin, "unknown token validation constraint: \(name.text ?? name.regoText)")
            }
        }
        if keys != nil, !secret.isEmpty { throw BuiltinError(.builtin, "duplicate key constraints") }
        if keys == nil, secret.isEmpty { throw BuiltinError(.builtin, "no key constraint") }
    }

    /// `[true, header, payload]`; nil when the token is not to be trusted. Throws when it cannot be read.
    func judge(_ text: String, _ context: BuiltinContext) throws -> Value? {
        var text = text
        for _ in 0..<TokenText.maxDepth {
            let token = try TokenText(text)
            let members = try token.decodedHeader(context)
            let header = try TokenHeader(members)
            guard header.isValid, algorithm.isEmpty || algorithm == header.algorithm,
                let known = TokenAlgorithm(rawValue: header.algorithm)
            else { return nil }
            let keys = self.keys ?? [TokenKey(key: .secret(Array(secret.utf8)))]
            guard try TokenKey.verify(keys, header, token, known, context) else { return nil }
            let payload = try token.decodedPayload()
            if header.contentType.lowercased() == "jwt" {
                text = String(decoding: payload, as: UTF8.self)
                continue
            }
            let claims = try TokenText.object(payload, context)
            guard try holds(claims) else { return nil }
            return .array([.bool(true), .object(members), .object(claims)])
        }
        throw BuiltinError(.builtin, "more than \(TokenText.maxDepth) tokens inside of each other")
    }

    private func holds(_ claims: ObjectValue) throws -> Bool {
        if !issuer.isEmpty, claims["iss"]?.text != issuer { return false }
        if let given = claims["aud"] {
            let all = given.text.map { [$0] } ?? given.elements?.compactMap(\.text) ?? []
            if !all.contains(audience) { return false }
        } else if !audience.isEmpty {
            return false
        }
        let seconds = time / 1_000_000_000
        if let expiry = claims["exp"] {
            guard let wide = expiry.wide else { throw BuiltinError(.builtin, "exp value must be a number") }
            if seconds >= wide { return false }
        }
        if let start = claims["nbf"] {
            guard let wide = start.wide else { throw BuiltinError(.builtin, "nbf value must be a number") }
            if seconds < wide { return false }
        }
        return true
    }
}

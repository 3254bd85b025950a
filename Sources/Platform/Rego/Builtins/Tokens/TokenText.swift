// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// The three parts of a token (RFC 7515, compact form).
struct TokenText {
    let header: String
    let payload: String
    let signature: String

    /// Longer ones are refused.
    static let maxBytes = 1 << 20
    /// Tokens inside of tokens.
    static let maxDepth = 8

    init(_ text: String) throws {
        guard text.utf8.count <= TokenText.maxBytes else { throw BuiltinError(.builtin, "encoded JWT above 1 MiB") }
        guard text.contains(".") else { throw BuiltinError(.builtin, "encoded JWT had no period separators") }
        let parts = text.split(separator: ".", maxSplits: 10, omittingEmptySubsequences: false)
        guard parts.count == 3 else {
            throw BuiltinError(.builtin, "encoded JWT must have 3 sections, found \(parts.count)")
        }
        (header, payload, signature) = (String(parts[0]), String(parts[1]), String(parts[2]))
    }

    /// What the signature is over.
    var signed: [UInt8] { Array("\(header).\(payload)".utf8) }

    /// base64url, with its padding or without.
    static func bytes(_ text: String) throws -> [UInt8] {
        let missing = text.contains("=") ? 0 : (4 - text.utf8.count % 4) % 4
        return try Base64.decode(text + String(repeating: "=", count: missing), url: true)
    }

    func decodedHeader(_ context: BuiltinContext) throws -> ObjectValue {
        let bytes: [UInt8]
        do {
            bytes = try TokenText.bytes(header)
        } catch let error as BuiltinError {
            throw BuiltinError(.builtin, "JWT header had invalid encoding: \(error.message)")
        }
        let members: ObjectValue
        do {
            members = try TokenText.object(bytes, context)
        } catch let error as BuiltinError {
            throw BuiltinError(.builtin, "bad JWT header: \(error.message)")
        }
        if members["enc"] != nil { throw BuiltinError(.builtin, "JWT is a JWE object, which is not supported") }
        return members
    }

    func decodedPayload() throws -> [UInt8] {
        do {
            return try TokenText.bytes(payload)
        } catch let error as BuiltinError {
            throw BuiltinError(.builtin, "JWT payload had invalid encoding: \(error.message)")
        }
    }

    static func object(_ bytes: [UInt8], _ context: BuiltinContext) throws -> ObjectValue {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw BuiltinError(.builtin, "invalid JSON") }
        let value: Value
        do {
            value = try Texts.document(text, json: true, context)
        } catch let error as BuiltinError {
            throw BuiltinError(.builtin, "invalid JSON: \(error.message)")
        }
        guard let members = value.members else { throw BuiltinError(.builtin, "decoded JSON type was not an Object") }
        return members
    }
}

/// What a token's header says that matters for judging it.
struct TokenHeader {
    private(set) var algorithm = ""
    private(set) var key = ""
    private(set) var contentType = ""
    private var critical: Set<String> = []
    private var unknown: Set<String> = []

    init(_ members: ObjectValue) throws {
        for (name, value) in zip(members.keys, members.values) {
            let name = name.text ?? ""
            switch name {
            case "alg": algorithm = try TokenHeader.text(name, value)
            case "kid": key = try TokenHeader.text(name, value)
            case "typ": _ = try TokenHeader.text(name, value)
            case "cty": contentType = try TokenHeader.text(name, value)
            case "crit":
                guard let elements = value.elements else { throw BuiltinError(.builtin, "crit: must be a list") }
                critical = Set(elements.compactMap(\.text))
                if critical.isEmpty { throw BuiltinError(.builtin, "crit: must be a nonempty list") }
            default: unknown.insert(name)
            }
        }
    }

    private static func text(_ name: String, _ value: Value) throws -> String {
        guard let text = value.text else { throw BuiltinError(.builtin, "\(name): must be a string") }
        return text
    }

    /// It names an algorithm, and nothing critical that is not understood.
    var isValid: Bool { !algorithm.isEmpty && critical.isDisjoint(with: unknown) }
}

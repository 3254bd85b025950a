// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation

extension BuiltinTable {
    mutating func addEncodings() {
        one("base64.encode", [.string]) { value, context in
            .string(try Base64.encode(try value.string(1), context, url: false, padded: true))
        }
        one("base64.decode", [.string]) { value, _ in
            .string(String(decoding: try Base64.decode(try value.string(1), url: false), as: UTF8.self))
        }
        one("base64.is_valid", [.string]) { value, _ in
            .bool((try? Base64.decode(try value.string(1), url: false)) != nil)
        }
        one("base64url.encode", [.string]) { value, context in
            .string(try Base64.encode(try value.string(1), context, url: true, padded: true))
        }
        one("base64url.encode_no_pad", [.string]) { value, context in
            .string(try Base64.encode(try value.string(1), context, url: true, padded: false))
        }
        one("base64url.decode", [.string]) { value, _ in
            var text = try value.string(1)
            // Padding may be left out.
            if !text.contains("=") { text += String(repeating: "=", count: (4 - text.utf8.count % 4) % 4) }
            return .string(String(decoding: try Base64.decode(text, url: true), as: UTF8.self))
        }
        one("hex.encode", [.string]) { value, context in
            let bytes = Array(try value.string(1).utf8)
            try context.spend(bytes.count * 2)
            return .string(Hexadecimal.text(bytes))
        }
        one("hex.decode", [.string]) { value, _ in
            .string(String(decoding: try Hexadecimal.bytes(try value.string(1)), as: UTF8.self))
        }
        one("urlquery.encode", [.string]) { value, _ in .string(QueryText.encode(try value.string(1))) }
        one("urlquery.decode", [.string]) { value, _ in .string(try QueryText.decode(try value.string(1))) }
        one("urlquery.encode_object", [.object]) { value, _ in
            let object = try value.object(1)
            var parts: [String] = []
            for (key, member) in zip(object.keys, object.values) {
                let name = QueryText.encode(try key.string(1))
                if let text = member.text {
                    parts.append("\(name)=\(QueryText.encode(text))")
                } else {
                    for text in try member.strings(1) { parts.append("\(name)=\(QueryText.encode(text))") }
                }
            }
            return .string(parts.joined(separator: "&"))
        }
        one("urlquery.decode_object", [.string]) { value, _ in
            var members: [String: [Value]] = [:]
            for part in try value.string(1).split(separator: "&", omittingEmptySubsequences: true) {
                if part.contains(";") { throw BuiltinError(.builtin, "invalid semicolon separator in query") }
                let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                let name = try QueryText.decode(String(pair[0]))
                members[name, default: []].append(.string(pair.count > 1 ? try QueryText.decode(String(pair[1])) : ""))
            }
            return .object(ObjectValue(members.map { (.string($0.key), .array($0.value)) }))
        }
    }
}

enum Base64 {
    private static let standard = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let urlSafe = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    /// What each byte stands for; 255 is none.
    private static func values(_ alphabet: [UInt8]) -> [UInt8] {
        var values = [UInt8](repeating: 255, count: 256)
        for (value, byte) in alphabet.enumerated() { values[Int(byte)] = UInt8(value) }
        return values
    }

    private static let standardValues = values(standard)
    private static let urlSafeValues = values(urlSafe)

    static func encode(_ text: String, _ context: BuiltinContext, url: Bool, padded: Bool) throws -> String {
        let bytes = Array(text.utf8)
        try context.spend(bytes.count * 4 / 3)
        return encode(bytes: bytes, url: url, padded: padded)
    }

    static func encode(bytes: [UInt8], url: Bool = true, padded: Bool = false) -> String {
        let alphabet = url ? urlSafe : standard
        var result: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var word = 0
            for index in 0..<3 { word = word << 8 | (index < group.count ? Int(group[start + index]) : 0) }
            for index in 0..<4 {
                if index <= group.count {
                    result.append(alphabet[word >> (18 - 6 * index) & 63])
                } else if padded {
                    result.append(0x3D)
                }
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// As Go's strict-enough decoders: line ends are passed over, padding must be whole.
    static func decode(_ text: String, url: Bool) throws -> [UInt8] {
        func illegal(_ at: Int) -> BuiltinError { BuiltinError(.builtin, "illegal base64 data at input byte \(at)") }
        let table = url ? urlSafeValues : standardValues
        var result: [UInt8] = []
        var word = 0
        var count = 0
        var padding = 0
        let bytes = Array(text.utf8)
        for (index, byte) in bytes.enumerated() {
            if byte == 0x0A || byte == 0x0D { continue }
            if byte == 0x3D {
                padding += 1
                if count % 4 < 2 || count % 4 + padding > 4 { throw illegal(index) }
                continue
            }
            let value = table[Int(byte)]
            guard padding == 0, value < 64 else { throw illegal(index) }
            word = word << 6 | Int(value)
            count += 1
            if count % 4 == 0 {
                result += [UInt8(word >> 16 & 255), UInt8(word >> 8 & 255), UInt8(word & 255)]
                word = 0
            }
        }
        let rest = count % 4
        if rest > 0 {
            guard rest > 1, rest + padding == 4 else { throw illegal(bytes.count) }
            result.append(UInt8(rest == 2 ? word >> 4 & 255 : word >> 10 & 255))
            if rest == 3 { result.append(UInt8(word >> 2 & 255)) }
        } else if padding > 0 {
            throw illegal(bytes.count - padding)
        }
        return result
    }
}

enum Hexadecimal {
    static func text(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var result: [UInt8] = []
        for byte in bytes { result += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
        return String(decoding: result, as: UTF8.self)
    }

    static func bytes(_ text: String) throws -> [UInt8] {
        let digits = Array(text.utf8)
        var result: [UInt8] = []
        for start in stride(from: 0, to: digits.count, by: 2) {
            for digit in digits[start..<min(start + 2, digits.count)] where !Character(Unicode.Scalar(digit)).isHexDigit
            {
                throw BuiltinError(
                    .builtin, "encoding/hex: invalid byte: U+00\(Hexadecimal.text([digit]).uppercased())")
            }
            guard start + 1 < digits.count,
                let byte = UInt8(String(decoding: digits[start...(start + 1)], as: UTF8.self), radix: 16)
            else { throw BuiltinError(.builtin, "encoding/hex: odd length hex string") }
            result.append(byte)
        }
        return result
    }
}

/// Go's url.QueryEscape and its inverse.
enum QueryText {
    static func encode(_ text: String) -> String {
        var result: [UInt8] = []
        for byte in text.utf8 {
            let isLetter = (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A
            if isLetter || byte >= 0x30 && byte <= 0x39 || "-_.~".utf8.contains(byte) {
                result.append(byte)
            } else if byte == 0x20 {
                result.append(0x2B)
            } else {
                result += Array("%\(Hexadecimal.text([byte]).uppercased())".utf8)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    static func decode(_ text: String) throws -> String {
        var result: [UInt8] = []
        let bytes = Array(text.utf8)
        var at = 0
        while at < bytes.count {
            if bytes[at] == 0x25 {
                let digits = String(decoding: bytes[at..<min(at + 3, bytes.count)], as: UTF8.self)
                guard digits.utf8.count == 3, let byte = UInt8(digits.dropFirst(), radix: 16) else {
                    throw BuiltinError(.builtin, "invalid URL escape \(GoQuote.string(digits))")
                }
                result.append(byte)
                at += 3
            } else {
                result.append(bytes[at] == 0x2B ? 0x20 : bytes[at])
                at += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}

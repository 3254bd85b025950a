// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation

/// What a YAML scalar means, by the rules that kubectl and the API server follow: YAML 1.1 as go-yaml v2 resolves it,
/// then JSON as sigs.k8s.io/yaml and Go's encoding/json write it.
enum YAMLScalar {
    enum Value {
        case null
        case bool(Bool)
        /// A whole number whose decimal text is the scalar's own.
        case integer
        /// A whole number in decimal.
        case integerText([UInt8])
        case float(Double)
        /// The scalar's text itself.
        case text
        /// Another text (decoded base64).
        case bytes([UInt8])
    }

    /// A scalar whose explicit tag does not fit it, or that JSON cannot hold.
    struct Mismatch: Error { var message: String }

    static let tagPrefix = "tag:yaml.org,2002:"

    /// - Parameters:
    ///   - text: the scalar after unfolding and unescaping.
    ///   - tag: the explicit tag in its long form, or nil.
    ///   - plain: whether the scalar is plain, so that its looks decide.
    static func resolve(
        _ text: UnsafeBufferPointer<UInt8>, tag: String?, plain: Bool
    ) throws(Mismatch) -> Value {
        guard let tag else { return plain ? implicit(text) : .text }
        guard tag.hasPrefix(tagPrefix) else { return .text }
        let short = tag.dropFirst(tagPrefix.count)
        switch short {
        case "str": return .text
        case "binary": return try binary(text)
        case "bool", "int", "float", "null", "timestamp": break
        default: return .text
        }
        if short == "timestamp" {
            if GoTimestamp.matches(text) { return .text }
            throw mismatch(short)
        }
        // A timestamp is only looked for where no other tag is given, and it stays a text: no difference here.
        switch (implicit(text), short) {
        case (.bool(let value), "bool"): return .bool(value)
        case (.null, "null"): return .null
        case (.float(let value), "float"): return .float(value)
        case (.integer, "int"): return .integer
        case (.integerText(let value), "int"): return .integerText(value)
        case (.integer, "float"):
            guard let value = Double(String(decoding: text, as: UTF8.self)), abs(value) < 0x1p63 else { break }
            return .float(value)
        case (.integerText(let digits), "float"):
            guard let value = Int(String(decoding: digits, as: UTF8.self)) else { break }
            return .float(Double(value))
        default: break
        }
        throw mismatch(short)
    }

    /// The text is not told: it may be a secret.
    private static func mismatch(_ tag: Substring) -> Mismatch {
        Mismatch(message: "the text does not fit its tag !!\(tag)")
    }

    private static func binary(_ text: UnsafeBufferPointer<UInt8>) throws(Mismatch) -> Value {
        let packed = text.filter { $0 != 0x0A && $0 != 0x0D }
        guard packed.count % 4 == 0, let data = Data(base64Encoded: Data(packed)) else {
            throw Mismatch(message: "the value of a !!binary scalar is not base64")
        }
        // Go's JSON encoder puts U+FFFD in the place of bytes that are not UTF-8, and so does decoding here.
        return .bytes(Array(String(decoding: data, as: UTF8.self).utf8))
    }

    /// Up to five bytes of a word as one number.
    private static func packed(_ text: some Collection<UInt8>) -> UInt64 {
        text.reduce(0) { $0 << 8 | UInt64($1) }
    }

    private enum Word {
        case null, yes, no, infinity, minusInfinity, notANumber
    }

    /// So few that looking through them costs less than a dictionary, and its making less by far.
    private static let words: [(text: UInt64, word: Word)] = {
        var words: [(UInt64, Word)] = []
        let lists: [(Word, [String])] = [
            (.yes, ["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"]),
            (.no, ["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"]),
            (.null, ["~", "null", "Null", "NULL"]),
            (.notANumber, [".nan", ".NaN", ".NAN"]),
            (.infinity, [".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"]),
            (.minusInfinity, ["-.inf", "-.Inf", "-.INF"]),
        ]
        for (word, texts) in lists {
            for text in texts { words.append((packed(text.utf8), word)) }
        }
        return words
    }()

    /// A bit for each last letter of a word (its low six bits).
    private static let lastLetters: UInt64 = words.reduce(0) { $0 | 1 << ($1.text & 0x3F) }

    /// The meaning of a plain scalar without a tag.
    static func implicit(_ text: UnsafeBufferPointer<UInt8>) -> Value {
        guard let first = text.first else { return .null }
        switch first {
        case 0x79, 0x59, 0x6E, 0x4E, 0x74, 0x54, 0x66, 0x46, 0x6F, 0x4F, 0x7E:  // y n t f o and ~
            return text.count <= 5 ? word(text) ?? .text : .text
        case 0x2E:
            if text.count <= 5, let value = word(text) { return value }
            return dotted(text)
        case 0x2B, 0x2D:
            if text.count <= 5, let value = word(text) { return value }
            return number(text)
        case 0x30...0x39:
            return number(text)
        default:
            return .text
        }
    }

    private static func word(_ text: UnsafeBufferPointer<UInt8>) -> Value? {
        // Most short texts are none of the words, which their last letter tells.
        guard let last = text.last, lastLetters & 1 << UInt64(last & 0x3F) != 0 else { return nil }
        let wanted = packed(text)
        return switch words.first(where: { $0.text == wanted })?.word {
        case .null: .null
        case .yes: .bool(true)
        case .no: .bool(false)
        case .infinity: .float(.infinity)
        case .minusInfinity: .float(-.infinity)
        case .notANumber: .float(.nan)
        case nil: nil
        }
    }

    /// A scalar that starts with a digit or sign.
    private static func number(_ text: UnsafeBufferPointer<UInt8>) -> Value {
        // The usual case first: plain decimal digits without a leading zero.
        if text[0] != 0x30 || text.count == 1, text.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), text.count <= 18 {
            return .integer
        }
        // Underscores may stand anywhere after the first character.
        let plain = String(decoding: text.filter { $0 != 0x5F }, as: UTF8.self)
        if let value = integer(plain) { return .integerText(Array(value.utf8)) }
        if isDecimalFloat(plain.utf8) {
            let value = strtod(plain, nil)
            if value.isFinite { return .float(value) }
        }
        return .text
    }

    /// `strconv.ParseInt(plain, 0, 64)`, then `ParseUint`: sign, base prefix, C's leading zero for octal.
    private static func integer(_ plain: String) -> String? {
        var digits = Substring(plain)
        let negative = digits.first == "-"
        let signed = negative || digits.first == "+"
        if signed { digits.removeFirst() }
        var base = 10
        if digits.utf8.count > 1, digits.utf8.first == 0x30 {
            switch digits.utf8.dropFirst().first.map({ $0 | 0x20 }) {
            case 0x78: base = 16
            case 0x6F: base = 8
            case 0x62: base = 2
            default: base = 0
            }
            digits = digits.dropFirst(base == 0 ? 1 : 2)
            if base == 0 { base = 8 }
        }
        guard let first = digits.utf8.first, GoNumber.hexValue(first) != nil else { return nil }
        guard let magnitude = UInt64(String(digits), radix: base) else { return nil }
        if negative {
            if magnitude == 0 { return "0" }
            return magnitude <= Int64.min.magnitude ? "-" + String(magnitude) : nil
        }
        return signed && magnitude > Int64.max ? nil : String(magnitude)
    }

    /// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
    private static func isDecimalFloat(_ text: String.UTF8View) -> Bool {
        var rest = text[...]
        func digits() -> Int {
            let run = rest.prefix { $0 >= 0x30 && $0 <= 0x39 }.count
            rest = rest.dropFirst(run)
            return run
        }
        if rest.first == 0x2B || rest.first == 0x2D { rest = rest.dropFirst() }
        let whole = digits()
        if rest.first == 0x2E {
            rest = rest.dropFirst()
            if digits() == 0, whole == 0 { return false }
        } else if whole == 0 {
            return false
        }
        if rest.first == 0x65 || rest.first == 0x45 {
            rest = rest.dropFirst()
            if rest.first == 0x2B || rest.first == 0x2D { rest = rest.dropFirst() }
            if digits() == 0 { return false }
        }
        return rest.isEmpty
    }

    /// A scalar that starts with a dot: `strconv.ParseFloat` on the text as it stands, which takes an underscore between
    /// two digits.
    private static func dotted(_ text: UnsafeBufferPointer<UInt8>) -> Value {
        for (index, byte) in text.enumerated() where byte == 0x5F {
            let isBetween = index + 1 < text.count && isDigit(text[index - 1]) && isDigit(text[index + 1])
            if !isBetween { return .text }
        }
        let plain = String(decoding: text.filter { $0 != 0x5F }, as: UTF8.self)
        guard isDecimalFloat(plain.utf8) else { return .text }
        let value = strtod(plain, nil)
        return value.isFinite ? .float(value) : .text
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
}

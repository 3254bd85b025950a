// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import RegularExpressions

/// Values as text.
enum CELText {
    /// What `string()` and `%s` of scalars give.
    static func plain(_ value: CELValue) -> String {
        switch value.resolved {
        case .null: "null"
        case .bool(let bool): bool ? "true" : "false"
        case .int(let int): "\(int)"
        case .uint(let uint): "\(uint)"
        case .double(let double): number(double)
        case .string(let text): text
        case .bytes(let bytes): String(decoding: bytes, as: UTF8.self)
        case .timestamp(let time): time.momentText
        case .duration(let span): span.spanText
        case .type(let name): name
        case .network(let network): network.description
        case .url(let url): url.text
        case .quantity(let quantity): quantity.text
        case .version(let version): version.text
        case .format(let format): format.rawValue
        case .authority(let authority): authority.typeName
        case .list(let elements): "[" + elements.map { plain($0) }.joined(separator: ", ") + "]"
        case .map(let map):
            "{" + map.entries.map { "\(plain($0.key)): \(plain($0.value))" }.sorted().joined(separator: ", ") + "}"
        case .optional(let inner): inner.map { "optional(\(plain($0)))" } ?? "optional.none()"
        case .node: ""
        }
    }

    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
        if value == value.rounded(), abs(value) < 1e15 {
            return value == 0 ? (value.sign == .minus ? "-0" : "0") : "\(Int(value))"
        }
        var text = "\(value)"
        if text.hasSuffix(".0") { text.removeLast(2) }
        // Go writes exponents with two digits at least.
        if let e = text.firstIndex(of: "e") {
            var mantissa = String(text[..<e])
            if mantissa.hasSuffix(".0") { mantissa.removeLast(2) }
            let exponent = Int(text[text.index(after: e)...]) ?? 0
            let digits = abs(exponent) < 10 ? "0\(abs(exponent))" : "\(abs(exponent))"
            text = "\(mantissa)e\(exponent < 0 ? "-" : "+")\(digits)"
        }
        return text
    }

    static func matches(_ arguments: [CELValue]) throws(CELError) -> CELValue {
        guard arguments.count == 2, case .string(let text) = arguments[0].resolved,
            case .string(let pattern) = arguments[1].resolved
        else { throw CELFunctions.noOverload("matches", arguments) }
        return .bool(try compile(pattern).matches(text))
    }

    static func compile(_ pattern: String) throws(CELError) -> Pattern {
        do throws(PatternError) { return try PatternCache.shared.pattern(pattern) } catch {
            throw CELEvaluator.error(error.description)
        }
    }

    // MARK: format

    /// `"%s is %d".format([a, b])`
    static func format(_ text: String, _ arguments: [CELValue], _ evaluator: CELEvaluator) throws(CELError) -> String {
        var result = String.UnicodeScalarView()
        var scalars = text.unicodeScalars[...]
        var next = 0
        while let scalar = scalars.popFirst() {
            guard scalar == "%" else {
                result.append(scalar)
                continue
            }
            if scalars.first == "%" {
                scalars.removeFirst()
                result.append("%")
                continue
            }
            var precision: Int?
            if scalars.first == "." {
                scalars.removeFirst()
                var digits = ""
                while let digit = scalars.first, digit >= "0", digit <= "9" {
                    digits.unicodeScalars.append(digit)
                    scalars.removeFirst()
                }
                guard let value = Int(digits), value <= 100 else {
                    throw CELEvaluator.error("could not parse formatting clause")
                }
                precision = value
            }
            guard let verb = scalars.popFirst() else { throw CELEvaluator.error("unexpected end of format string") }
            guard next < arguments.count else { throw CELEvaluator.error("index \(next) out of range") }
            let piece = try clause(verb, precision, arguments[next])
            next += 1
            try evaluator.spend(piece.utf8.count)
            result.append(contentsOf: piece.unicodeScalars)
        }
        return String(result)
    }

    private static func clause(_ verb: Unicode.Scalar, _ precision: Int?, _ value: CELValue) throws(CELError) -> String
    {
        func wrong(_ wanted: String) -> CELError {
            CELEvaluator.error("error during formatting: \(wanted), was given \(value.typeName)")
        }
        let resolved = value.resolved
        switch verb {
        case "s": return try text(value)
        case "d":
            switch resolved {
            case .int(let int): return "\(int)"
            case .uint(let uint): return "\(uint)"
            case .double(let double) where !double.isFinite: return number(double)
            default: throw wrong("decimal clause can only be used on integers")
            }
        case "f", "e":
            let double: Double
            switch resolved {
            case .double(let value): double = value
            case .int(let int): double = Double(int)
            case .uint(let uint): double = Double(uint)
            default: throw wrong("floating-point clause can only be used on numbers")
            }
            if !double.isFinite { return number(double) }
            return String(format: "%.\(precision ?? 6)\(verb)", double)
        case "b":
            switch resolved {
            case .int(let int): return (int < 0 ? "-" : "") + String(int.magnitude, radix: 2)
            case .uint(let uint): return String(uint, radix: 2)
            case .bool(let bool): return bool ? "1" : "0"
            default: throw wrong("only integers and bools can be formatted as binary")
            }
        case "o":
            switch resolved {
            case .int(let int): return (int < 0 ? "-" : "") + String(int.magnitude, radix: 8)
            case .uint(let uint): return String(uint, radix: 8)
            default: throw wrong("octal clause can only be used on integers")
            }
        case "x", "X":
            let upper = verb == "X"
            switch resolved {
            case .int(let int): return (int < 0 ? "-" : "") + String(int.magnitude, radix: 16, uppercase: upper)
            case .uint(let uint): return String(uint, radix: 16, uppercase: upper)
            case .string(let text): return hex(Array(text.utf8), upper)
            case .bytes(let bytes): return hex(bytes, upper)
            default: throw wrong("only integers, byte buffers, and strings can be formatted as hex")
            }
        default:
            throw CELEvaluator.error("could not parse formatting clause: unrecognized formatting clause \"\(verb)\"")
        }
    }

    private static func hex(_ bytes: [UInt8], _ upper: Bool) -> String {
        bytes.map { byte in
            let digits = String(byte, radix: 16, uppercase: upper)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }

    /// `%s`: maps by their keys' text.
    private static func text(_ value: CELValue) throws(CELError) -> String {
        switch value.resolved {
        case .list(let elements):
            var parts: [String] = []
            for element in elements { parts.append(try text(element)) }
            return "[" + parts.joined(separator: ", ") + "]"
        case .map(let map):
            var parts: [(String, String)] = []
            for entry in map.entries { parts.append((try text(entry.key), try text(entry.value))) }
            parts.sort { $0.0 < $1.0 }
            return "{" + parts.map { "\($0.0): \($0.1)" }.joined(separator: ", ") + "}"
        case .optional, .network, .url, .quantity, .version, .format, .authority:
            throw CELEvaluator.error(
                "error during formatting: string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, was given \(value.typeName)"
            )
        default: return plain(value)
        }
    }
}

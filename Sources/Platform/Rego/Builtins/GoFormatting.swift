// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation

extension GoFormatter {
    static func format(_ argument: Argument, _ verb: Unicode.Scalar, _ flags: Flags) -> String {
        if verb == "T" { return padded(argument.typeName, flags) }
        switch argument {
        case .int(let value): return integer(BigInteger(value), verb, flags, argument)
        case .big(let value): return integer(value, verb, flags, argument)
        case .float(let value): return float(value, verb, flags, argument)
        case .string(let text): return string(text, verb, flags, argument)
        }
    }

    private static func bad(_ verb: Unicode.Scalar, _ argument: Argument) -> String {
        "%!\(verb)(\(argument.typeName)=\(argument.plain))"
    }

    private static func padded(_ text: String, _ flags: Flags) -> String {
        guard let width = flags.width else { return text }
        let missing = width - text.unicodeScalars.count
        if missing <= 0 { return text }
        return flags.minus
            ? text + String(repeating: " ", count: missing) : String(repeating: " ", count: missing) + text
    }

    /// Zeros go between the sign and the digits.
    private static func paddedNumber(_ sign: String, _ digits: String, _ flags: Flags) -> String {
        if flags.zero, !flags.minus, let width = flags.width {
            let missing = width - sign.count - digits.count
            if missing > 0 { return sign + String(repeating: "0", count: missing) + digits }
        }
        return padded(sign + digits, flags)
    }

    private static func integer(
        _ value: BigInteger, _ verb: Unicode.Scalar, _ flags: Flags, _ argument: Argument
    ) -> String {
        let isBig: Bool
        if case .big = argument { isBig = true } else { isBig = false }
        var sign = value.isNegative ? "-" : flags.plus ? "+" : flags.space ? " " : ""
        let magnitude = value.isNegative ? -value : value
        var digits: String
        switch verb {
        case "d", "v": digits = magnitude.description(radix: 10)
        case "s" where isBig: digits = magnitude.description(radix: 10)
        case "b":
            digits = magnitude.description(radix: 2)
            if flags.sharp { sign += "0b" }
        case "o", "O":
            digits = magnitude.description(radix: 8)
            if verb == "O" { sign += "0o" } else if flags.sharp { sign += "0" }
        case "x":
            digits = magnitude.description(radix: 16)
            if flags.sharp { sign += "0x" }
        case "X":
            digits = magnitude.description(radix: 16, uppercase: true)
            if flags.sharp { sign += "0X" }
        case "c", "q", "U":
            guard !isBig, let number = value.int else { return bad(verb, argument) }
            let scalar = UInt32(exactly: number).flatMap { Unicode.Scalar($0) } ?? "\u{FFFD}"
            switch verb {
            case "c": return padded(String(Character(scalar)), flags)
            case "q": return padded("'\(GoQuote.body(String(Character(scalar)), quote: "'"))'", flags)
            default:
                let hex = String(number, radix: 16, uppercase: true)
                let text = "U+" + String(repeating: "0", count: max(4 - hex.count, 0)) + hex
                return padded(flags.sharp ? "\(text) '\(Character(scalar))'" : text, flags)
            }
        case "e", "E", "f", "F", "g", "G":
            return bad(verb, argument)
        default: return bad(verb, argument)
        }
        if let precision = flags.precision {
            if precision == 0, magnitude.isZero { digits = "" }
            digits = String(repeating: "0", count: max(precision - digits.count, 0)) + digits
            var plain = flags
            plain.zero = false
            return paddedNumber(sign, digits, plain)
        }
        return paddedNumber(sign, digits, flags)
    }

    private static func float(_ value: Double, _ verb: Unicode.Scalar, _ flags: Flags, _ argument: Argument) -> String {
        let magnitude = value.magnitude
        let digits: String
        switch verb {
        case "v": digits = flags.precision.map { cFormat("g", magnitude, $0) } ?? GoFloat(magnitude).plain
        case "g", "G":
            let text = flags.precision.map { cFormat("g", magnitude, $0) } ?? GoFloat(magnitude).plain
            digits = verb == "G" ? text.uppercased() : text
        case "e": digits = cFormat("e", magnitude, flags.precision ?? 6)
        case "E": digits = cFormat("e", magnitude, flags.precision ?? 6).uppercased()
        case "f", "F": digits = cFormat("f", magnitude, flags.precision ?? 6)
        case "b", "x", "X": return bad(verb, argument)
        default: return bad(verb, argument)
        }
        let isNegative = value.sign == .minus
        let sign = isNegative ? "-" : flags.plus ? "+" : flags.space ? " " : ""
        return paddedNumber(sign, digits, flags)
    }

    private static func cFormat(_ letter: String, _ value: Double, _ precision: Int) -> String {
        String(format: "%.\(min(precision, 400))\(letter)", value)
    }

    private static func string(_ text: String, _ verb: Unicode.Scalar, _ flags: Flags, _ argument: Argument) -> String {
        var text = text
        if let precision = flags.precision, verb != "x", verb != "X" {
            text = String(String.UnicodeScalarView(text.unicodeScalars.prefix(precision)))
        }
        switch verb {
        case "s", "v":
            if verb == "v", flags.sharp { return padded(GoQuote.string(text), flags) }
            return padded(text, flags)
        case "q":
            if flags.sharp, !text.contains("`"), !text.contains("\n") { return padded("`\(text)`", flags) }
            return padded(GoQuote.string(text), flags)
        case "x", "X":
            let bytes = Array(text.utf8).prefix(flags.precision ?? Int.max)
            let digits = bytes.map { byte in
                let hex = String(byte, radix: 16, uppercase: verb == "X")
                return hex.count == 1 ? "0" + hex : hex
            }
            return padded(digits.joined(separator: flags.space ? " " : ""), flags)
        default: return bad(verb, argument)
        }
    }
}

/// Go's strconv.Quote.
enum GoQuote {
    static func string(_ text: String) -> String { "\"\(body(text, quote: "\""))\"" }

    static func body(_ text: String, quote: Unicode.Scalar) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case quote, "\\": result += "\\" + String(Character(scalar))
            case "\u{7}": result += "\\a"
            case "\u{8}": result += "\\b"
            case "\u{C}": result += "\\f"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case "\u{B}": result += "\\v"
            default:
                if scalar.value < 0x20 || scalar.value == 0x7F {
                    result += "\\x" + hex(scalar.value, 2)
                } else if isPrintable(scalar) {
                    result.unicodeScalars.append(scalar)
                } else {
                    result += scalar.value < 0x10000 ? "\\u" + hex(scalar.value, 4) : "\\U" + hex(scalar.value, 8)
                }
            }
        }
        return result
    }

    private static func hex(_ value: UInt32, _ width: Int) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: max(width - digits.count, 0)) + digits
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        if scalar == " " { return true }
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
            .spaceSeparator:
            return false
        default: return true
        }
    }
}

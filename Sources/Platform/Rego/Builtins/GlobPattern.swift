// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Glob patterns of OPA's `glob.match`: `*` within a part, `**` across parts, `?`, `[a-z]`, `[!a]`, `{a,b}`, `\`.
enum GlobPattern {
    static func regularExpression(_ glob: String, _ delimiters: [Unicode.Scalar]) throws -> String {
        let inside = delimiters.isEmpty ? "." : "[^" + delimiters.map { classMember($0) }.joined() + "]"
        var result = "(?s)^"
        var scalars = glob.unicodeScalars[...]
        var depth = 0
        while let scalar = scalars.popFirst() {
            switch scalar {
            case "*":
                if scalars.first == "*" {
                    while scalars.first == "*" { scalars.removeFirst() }
                    result += ".*"
                } else {
                    result += inside + "*"
                }
            case "?": result += inside
            case "[": result += try characterClass(&scalars)
            case "{":
                depth += 1
                if depth > 16 { throw BuiltinError(.builtin, "glob nests deeper than 16") }
                result += "(?:"
            case "}" where depth > 0:
                depth -= 1
                result += ")"
            case "," where depth > 0: result += "|"
            case "\\":
                guard let escaped = scalars.popFirst() else {
                    throw BuiltinError(.builtin, "glob ends in an escape")
                }
                result += literal(escaped)
            default: result += literal(scalar)
            }
        }
        if depth > 0 { throw BuiltinError(.builtin, "unexpected end of input") }
        return result + "$"
    }

    private static func literal(_ scalar: Unicode.Scalar) -> String {
        let text = String(Character(scalar))
        return "\\.+*?()|[]{}^$".unicodeScalars.contains(scalar) ? "\\" + text : text
    }

    private static func classMember(_ scalar: Unicode.Scalar) -> String {
        let text = String(Character(scalar))
        return "\\]^-[".unicodeScalars.contains(scalar) ? "\\" + text : text
    }

    private static func characterClass(_ scalars: inout Substring.UnicodeScalarView) throws -> String {
        var result = "["
        if scalars.first == "!" {
            scalars.removeFirst()
            result += "^"
        }
        var members: [Unicode.Scalar] = []
        var text = ""
        while let scalar = scalars.popFirst() {
            if scalar == "]" {
                if members.isEmpty { throw BuiltinError(.builtin, "empty character class in glob") }
                return result + text + "]"
            }
            if scalar == "-", !members.isEmpty, let next = scalars.first, next != "]" {
                text += "-"
                continue
            }
            var member = scalar
            if scalar == "\\", let escaped = scalars.popFirst() { member = escaped }
            members.append(member)
            text += classMember(member)
        }
        throw BuiltinError(.builtin, "unexpected end of input")
    }
}

/// Whether two patterns of literals, `.`, `[a-z]`, `*` and `+` have a text in common that is not empty.
enum GlobIntersection {
    struct Part {
        /// Nil is any character.
        var ranges: [ClosedRange<UInt32>]?
        var isRepeated = false
        var isOptional = false

        func meets(_ other: Part) -> Bool {
            guard let ranges, let others = other.ranges else { return true }
            return ranges.contains { range in others.contains { $0.overlaps(range) } }
        }
    }

    static func isPossible(_ one: String, _ two: String, _ context: BuiltinContext) throws -> Bool {
        let (a, b) = (try parts(one), try parts(two))
        try context.spend(a.count * b.count)
        // States are pairs of places; repeated parts may stay where they are.
        var seen: Set<Int> = []
        var waiting = [(0, 0, false)]
        while let (i, j, isUsed) = waiting.popLast() {
            guard seen.insert((i * (b.count + 1) + j) * 2 + (isUsed ? 1 : 0)).inserted else { continue }
            if i == a.count, j == b.count { return true }
            if i < a.count, a[i].isOptional { waiting.append((i + 1, j, isUsed)) }
            if j < b.count, b[j].isOptional { waiting.append((i, j + 1, isUsed)) }
            guard i < a.count, j < b.count, a[i].meets(b[j]) else { continue }
            waiting.append((i + 1, j + 1, true))
            if a[i].isRepeated { waiting.append((i, j + 1, true)) }
            if b[j].isRepeated { waiting.append((i + 1, j, true)) }
            if a[i].isRepeated, b[j].isRepeated { waiting.append((i, j, true)) }
        }
        return false
    }

    private static func parts(_ text: String) throws -> [Part] {
        var parts: [Part] = []
        var scalars = text.unicodeScalars[...]
        while let scalar = scalars.popFirst() {
            var part: Part
            switch scalar {
            case ".": part = Part(ranges: nil)
            case "[": part = try characterClass(&scalars)
            case "\\":
                guard let escaped = scalars.popFirst() else {
                    throw BuiltinError(.builtin, "input:\(text): the pattern ends in an escape")
                }
                part = Part(ranges: [escaped.value...escaped.value])
            case "*", "+", "]":
                throw BuiltinError(.builtin, "input:\(text), pos:\(parts.count): unexpected `\(scalar)`")
            default: part = Part(ranges: [scalar.value...scalar.value])
            }
            if scalars.first == "*" {
                part.isRepeated = true
                part.isOptional = true
                scalars.removeFirst()
            } else if scalars.first == "+" {
                part.isRepeated = true
                scalars.removeFirst()
            }
            parts.append(part)
        }
        return parts
    }

    private static func characterClass(_ scalars: inout Substring.UnicodeScalarView) throws -> Part {
        var ranges: [ClosedRange<UInt32>] = []
        while let scalar = scalars.popFirst() {
            if scalar == "]" { return Part(ranges: ranges) }
            var from = scalar
            if scalar == "\\", let escaped = scalars.popFirst() { from = escaped }
            if scalars.first == "-", let to = scalars.dropFirst().first, to != "]" {
                scalars.removeFirst(2)
                guard to.value >= from.value else { throw BuiltinError(.builtin, "range out of order in pattern") }
                ranges.append(from.value...to.value)
            } else {
                ranges.append(from.value...from.value)
            }
        }
        throw BuiltinError(.builtin, "a character class has no end")
    }
}

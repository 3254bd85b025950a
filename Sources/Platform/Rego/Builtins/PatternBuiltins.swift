// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import RegularExpressions

extension BuiltinTable {
    mutating func addRegularExpressions() {
        for name in ["regex.match", "re_match"] {
            two(name, [.string], [.string]) { pattern, text, _ in
                let compiled = try Patterns.compile(try pattern.string(1))
                return .bool(try text.withText(2) { compiled.matches($0) })
            }
        }
        one("regex.is_valid") { pattern, _ in
            guard let text = pattern.text else { return .bool(false) }
            return .bool((try? PatternCache.shared.pattern(text)) != nil)
        }
        many("regex.find_n", [[.string], [.string], [.number]]) { arguments, context in
            let compiled = try Patterns.compile(try arguments[0].string(1))
            let limit = try arguments[2].int(3)
            return try arguments[1].withText(2) { text in
                try context.spend(text.count)
                let found = compiled.allMatches(in: text, limit: limit < 0 ? .max : limit)
                return .array(found.map { .string(Patterns.text($0[0], text)) })
            }
        }
        many("regex.find_all_string_submatch_n", [[.string], [.string], [.number]]) { arguments, context in
            let compiled = try Patterns.compile(try arguments[0].string(1))
            let limit = try arguments[2].int(3)
            return try arguments[1].withText(2) { text in
                let found = compiled.allMatches(in: text, limit: limit < 0 ? .max : limit)
                try context.spend(text.count + found.count * (compiled.groupCount + 1) * MemoryLayout<Value>.stride)
                return .array(found.map { .array($0.map { .string(Patterns.text($0, text)) }) })
            }
        }
        many("regex.replace", [[.string], [.string], [.string]]) { arguments, context in
            let compiled = try Patterns.compile(try arguments[1].string(2))
            let replacement = try arguments[2].string(3)
            return try arguments[0].withText(1) { text in
                try .string(Patterns.replace(compiled, in: text, with: replacement, context))
            }
        }
        two("regex.split", [.string], [.string]) { pattern, text, context in
            let compiled = try Patterns.compile(try pattern.string(1))
            return try text.withText(2) { text in
                try context.spend(text.count * 2)
                return .array(Patterns.split(compiled, text).map { .string($0) })
            }
        }
        many("regex.template_match", [[.string], [.string], [.string], [.string]]) { arguments, _ in
            let (start, end) = (try arguments[2].string(3), try arguments[3].string(4))
            guard start.utf8.count == 1, end.utf8.count == 1, let open = start.utf8.first, let close = end.utf8.first
            else { throw BuiltinError(.builtin, "delimiters must be one character each") }
            let compiled = try Patterns.compile(try Patterns.template(try arguments[0].string(1), open, close))
            return .bool(try arguments[1].withText(2) { compiled.matches($0) })
        }
        two("regex.globs_match", [.string], [.string]) { one, two, context in
            .bool(try GlobIntersection.isPossible(try one.string(1), try two.string(2), context))
        }
    }

    mutating func addGlobs() {
        many("glob.match", [[.string], [.array, .null], [.string]]) { arguments, _ in
            let pattern = try arguments[0].string(1)
            var delimiters: [Unicode.Scalar] = []
            if arguments[1].kind != .null {
                for text in try arguments[1].strings(2) {
                    guard text.unicodeScalars.count == 1, let scalar = text.unicodeScalars.first else {
                        throw BuiltinError(.builtin, "operand 2 must be array of single characters")
                    }
                    delimiters.append(scalar)
                }
                if delimiters.isEmpty { delimiters = ["."] }
            }
            let compiled = try Patterns.compile(try GlobPattern.regularExpression(pattern, delimiters))
            return .bool(try arguments[2].withText(3) { compiled.matches($0) })
        }
        one("glob.quote_meta", [.string]) { pattern, _ in
            var quoted = ""
            for scalar in try pattern.string(1).unicodeScalars {
                if "*?\\[]{}".unicodeScalars.contains(scalar) { quoted += "\\" }
                quoted.unicodeScalars.append(scalar)
            }
            return .string(quoted)
        }
    }
}

enum Patterns {
    static func compile(_ text: String) throws -> Pattern {
        do throws(PatternError) { return try PatternCache.shared.pattern(text) } catch {
            throw BuiltinError(.builtin, error.description)
        }
    }

    static func text(_ range: Range<Int>?, _ text: UnsafeBufferPointer<UInt8>) -> String {
        range.map { String(decoding: text[$0], as: UTF8.self) } ?? ""
    }

    static func replace(
        _ pattern: Pattern, in text: UnsafeBufferPointer<UInt8>, with replacement: String, _ context: BuiltinContext
    ) throws -> String {
        var result: [UInt8] = []
        var at = 0
        for match in pattern.allMatches(in: text) {
            guard let whole = match[0] else { continue }
            result += text[at..<whole.lowerBound]
            let expanded = expand(replacement, match, pattern, text)
            try context.spend(expanded.count)
            result += expanded
            at = whole.upperBound
        }
        result += text[at...]
        return String(decoding: result, as: UTF8.self)
    }

    /// Go's templates: `$1`, `${name}`, `$$`.
    private static func expand(
        _ template: String, _ match: [Range<Int>?], _ pattern: Pattern, _ text: UnsafeBufferPointer<UInt8>
    ) -> [UInt8] {
        var result: [UInt8] = []
        var rest = Array(template.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == 0x24 else {
                result.append(byte)
                continue
            }
            if rest.first == 0x24 {
                rest.removeFirst()
                result.append(0x24)
                continue
            }
            var name = rest
            let isBraced = rest.first == 0x7B
            if isBraced { name.removeFirst() }
            name = name.prefix { ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A || $0 >= 0x30 && $0 <= 0x39 || $0 == 0x5F }
            if name.isEmpty || isBraced && (name.endIndex >= rest.endIndex || rest[name.endIndex] != 0x7D) {
                result.append(0x24)
                continue
            }
            rest = rest[(name.endIndex + (isBraced ? 1 : 0))...]
            let label = String(decoding: name, as: UTF8.self)
            let group =
                Int(label)
                ?? (1...max(pattern.groupCount, 1)).first { pattern.groupName($0).map { $0 == label } ?? false }
            if let group, group >= 0, group < match.count, let range = match[group] { result += text[range] }
        }
        return result
    }

    static func split(_ pattern: Pattern, _ text: UnsafeBufferPointer<UInt8>) -> [String] {
        if !pattern.text.isEmpty, text.isEmpty { return [""] }
        var parts: [String] = []
        var begin = 0
        var end = 0
        for match in pattern.allMatches(in: text) {
            guard let whole = match[0] else { continue }
            end = whole.lowerBound
            if whole.upperBound != 0 { parts.append(String(decoding: text[begin..<end], as: UTF8.self)) }
            begin = whole.upperBound
        }
        if end != text.count { parts.append(String(decoding: text[begin...], as: UTF8.self)) }
        return parts
    }

    /// A text in which delimiters enclose expressions.
    static func template(_ text: String, _ open: UInt8, _ close: UInt8) throws -> String {
        var result = "^"
        var bytes = Array(text.utf8)[...]
        func unbalanced() -> BuiltinError { BuiltinError(.builtin, "unbalanced braces in \(GoQuote.string(text))") }
        while !bytes.isEmpty {
            guard let start = bytes.firstIndex(of: open) else {
                if bytes.contains(close) { throw unbalanced() }
                result += quoted(bytes)
                break
            }
            if bytes[..<start].contains(close) { throw unbalanced() }
            result += quoted(bytes[..<start])
            var depth = 1
            var at = start + 1
            while at < bytes.endIndex {
                if bytes[at] == close { depth -= 1 } else if bytes[at] == open { depth += 1 }
                if depth == 0 { break }
                at += 1
            }
            if depth != 0 { throw unbalanced() }
            result += "(" + String(decoding: bytes[(start + 1)..<at], as: UTF8.self) + ")"
            bytes = bytes[(at + 1)...]
        }
        return result + "$"
    }

    private static func quoted(_ bytes: some Sequence<UInt8>) -> String {
        var result: [UInt8] = []
        for byte in bytes {
            if "\\.+*?()|[]{}^$".utf8.contains(byte) { result.append(0x5C) }
            result.append(byte)
        }
        return String(decoding: result, as: UTF8.self)
    }
}

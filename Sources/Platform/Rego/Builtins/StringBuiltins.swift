// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation

extension BuiltinTable {
    mutating func addStrings() {
        two("concat", [.string], [.array, .set]) { delimiter, parts, context in
            let separator = try delimiter.string(1)
            let joined = try parts.strings(2).joined(separator: separator)
            try context.spend(joined.utf8.count)
            return .string(joined)
        }
        one("lower", [.string]) { value, _ in
            .string(mapped(try value.string(1)) { $0.properties.lowercaseMapping.unicodeScalars.first ?? $0 })
        }
        one("upper", [.string]) { value, _ in
            .string(
                mapped(try value.string(1)) { scalar in
                    let upper = scalar.properties.uppercaseMapping.unicodeScalars
                    return upper.count == 1 ? upper.first ?? scalar : scalar
                })
        }
        many("substring", [[.string], [.number], [.number]]) { arguments, _ in
            let (from, length) = (try arguments[1].int(2), try arguments[2].int(3))
            if from < 0 { throw BuiltinError(.builtin, "negative offset") }
            let scalars = try arguments[0].string(1).unicodeScalars
            guard let start = scalars.index(scalars.startIndex, offsetBy: from, limitedBy: scalars.endIndex) else {
                return .string("")
            }
            if length < 0 { return .string(String(String.UnicodeScalarView(scalars[start...]))) }
            let end = scalars.index(start, offsetBy: length, limitedBy: scalars.endIndex) ?? scalars.endIndex
            return .string(String(String.UnicodeScalarView(scalars[start..<end])))
        }
        two("split", [.string], [.string]) { text, delimiter, context in
            let (text, delimiter) = (try text.string(1), try delimiter.string(2))
            try context.spend(text.utf8.count * 2)
            return .array(Texts.split(text, delimiter).map { .string($0) })
        }
        many("replace", [[.string], [.string], [.string]]) { arguments, context in
            let (text, old, new) = (try arguments[0].string(1), try arguments[1].string(2), try arguments[2].string(3))
            let parts = Texts.split(text, old)
            try context.spend(text.utf8.count + parts.count * new.utf8.count)
            // An empty search stands before each character and at the end.
            if old.isEmpty { return .string(new + parts.map { $0 + new }.joined()) }
            return .string(parts.joined(separator: new))
        }
        two("strings.replace_n", [.object], [.string]) { patterns, text, context in
            let object = try patterns.object(1)
            var pairs: [(old: [UInt8], new: [UInt8])] = []
            for (key, value) in zip(object.keys, object.values) {
                guard let old = key.text else {
                    throw BuiltinError(.type, "operand 1 must be non-string key in pattern object")
                }
                guard let new = value.text else {
                    throw BuiltinError(.type, "operand 1 must be non-string value in pattern object")
                }
                pairs.append((Array(old.utf8), Array(new.utf8)))
            }
            return .string(try Texts.replace(pairs, in: try text.string(2), context))
        }
        one("strings.reverse", [.string]) { value, _ in
            .string(String(String.UnicodeScalarView(try value.string(1).unicodeScalars.reversed())))
        }
        one("trim_space", [.string]) { value, _ in
            .string(Texts.trim(try value.string(1)) { $0.properties.isWhitespace })
        }
        two("trim", [.string], [.string]) { value, cutset, _ in
            let cutset = Set(try cutset.string(2).unicodeScalars)
            return .string(Texts.trim(try value.string(1)) { cutset.contains($0) })
        }
        two("trim_left", [.string], [.string]) { value, cutset, _ in
            let cutset = Set(try cutset.string(2).unicodeScalars)
            return .string(Texts.trim(try value.string(1), atEnd: false) { cutset.contains($0) })
        }
        two("trim_right", [.string], [.string]) { value, cutset, _ in
            let cutset = Set(try cutset.string(2).unicodeScalars)
            return .string(Texts.trim(try value.string(1), atStart: false) { cutset.contains($0) })
        }
        two("trim_prefix", [.string], [.string]) { value, prefix, _ in
            let (text, prefix) = (try value.string(1), try prefix.string(2))
            return .string(text.utf8.starts(with: prefix.utf8) ? Texts.drop(text, first: prefix.utf8.count) : text)
        }
        two("trim_suffix", [.string], [.string]) { value, suffix, _ in
            try value.withText(1) { text in
                try suffix.withText(2) { suffix in
                    let length = Texts.ends(text, with: suffix) ? text.count - suffix.count : text.count
                    return .string(String(decoding: UnsafeBufferPointer(rebasing: text[..<length]), as: UTF8.self))
                }
            }
        }
    }

    mutating func addStringSearch() {
        two("startswith", [.string], [.string]) { text, prefix, _ in
            .bool(try text.withText(1) { a in try prefix.withText(2) { b in Texts.begins(a, with: b) } })
        }
        two("endswith", [.string], [.string]) { text, suffix, _ in
            .bool(try text.withText(1) { a in try suffix.withText(2) { b in Texts.ends(a, with: b) } })
        }
        two("contains", [.string], [.string]) { text, part, _ in
            .bool(try text.withText(1) { a in try part.withText(2) { b in Texts.find(b, in: a, from: 0) != nil } })
        }
        two("indexof", [.string], [.string]) { text, part, _ in
            try text.withText(1) { a in
                try part.withText(2) { b in
                    if b.isEmpty { throw BuiltinError(.builtin, "empty search character") }
                    guard let place = Texts.find(b, in: a, from: 0) else { return .int(-1) }
                    return .int(Texts.scalars(a, before: place))
                }
            }
        }
        two("indexof_n", [.string], [.string]) { text, part, context in
            try text.withText(1) { a in
                try part.withText(2) { b in
                    if b.isEmpty { throw BuiltinError(.builtin, "empty search character") }
                    var places: [Value] = []
                    var at = 0
                    // Code points are counted from the last place on.
                    var (counted, scalars) = (0, 0)
                    while let place = Texts.find(b, in: a, from: at) {
                        try context.spend(MemoryLayout<Value>.stride)
                        scalars += Texts.scalars(
                            UnsafeBufferPointer(rebasing: a[counted..<place]), before: place - counted)
                        counted = place
                        places.append(.int(scalars))
                        at = place + 1
                    }
                    return .array(places)
                }
            }
        }
        two("strings.count", [.string], [.string]) { text, part, _ in
            try text.withText(1) { a in
                try part.withText(2) { b in
                    if b.isEmpty { return .int(Texts.scalars(a, before: a.count) + 1) }
                    var count = 0
                    var at = 0
                    while let place = Texts.find(b, in: a, from: at) {
                        count += 1
                        at = place + b.count
                    }
                    return .int(count)
                }
            }
        }
        two("strings.any_prefix_match", [.string, .array, .set], [.string, .array, .set]) { texts, prefixes, _ in
            let prefixes = try Texts.some(prefixes, 2)
            return .bool(
                try Texts.some(texts, 1).contains { text in
                    prefixes.contains { text.utf8.starts(with: $0.utf8) }
                })
        }
        two("strings.any_suffix_match", [.string, .array, .set], [.string, .array, .set]) { texts, suffixes, _ in
            let suffixes = try Texts.some(suffixes, 2)
            return .bool(try Texts.some(texts, 1).contains { text in suffixes.contains { Texts.hasSuffix(text, $0) } })
        }
    }
}

private func mapped(_ text: String, _ map: (Unicode.Scalar) -> Unicode.Scalar) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
        if scalar.isASCII || scalar.value > 0x7F { result.append(map(scalar)) }
    }
    return String(result)
}

/// Work on texts by bytes and code points, as Go's strings package does it.
enum Texts {
    static func begins(_ text: UnsafeBufferPointer<UInt8>, with prefix: UnsafeBufferPointer<UInt8>) -> Bool {
        guard prefix.count <= text.count else { return false }
        guard let a = text.baseAddress, let b = prefix.baseAddress else { return prefix.isEmpty }
        return memcmp(a, b, prefix.count) == 0
    }

    static func ends(_ text: UnsafeBufferPointer<UInt8>, with suffix: UnsafeBufferPointer<UInt8>) -> Bool {
        guard suffix.count <= text.count else { return false }
        guard let a = text.baseAddress, let b = suffix.baseAddress else { return suffix.isEmpty }
        return memcmp(a + (text.count - suffix.count), b, suffix.count) == 0
    }

    /// Where a part begins; an empty one at once.
    static func find(_ part: UnsafeBufferPointer<UInt8>, in text: UnsafeBufferPointer<UInt8>, from: Int) -> Int? {
        if part.isEmpty { return from <= text.count ? from : nil }
        guard let a = text.baseAddress, let b = part.baseAddress else { return nil }
        var at = from
        while at <= text.count - part.count {
            guard let found = memchr(a + at, Int32(b[0]), text.count - part.count - at + 1) else { return nil }
            at = UnsafeRawPointer(found) - UnsafeRawPointer(a)
            if memcmp(a + at, b, part.count) == 0 { return at }
            at += 1
        }
        return nil
    }

    /// Code points that begin before an offset.
    static func scalars(_ text: UnsafeBufferPointer<UInt8>, before offset: Int) -> Int {
        text[..<offset].reduce(0) { $1 & 0xC0 == 0x80 ? $0 : $0 + 1 }
    }

    static func hasSuffix(_ text: String, _ suffix: String) -> Bool {
        text.utf8.count >= suffix.utf8.count && text.utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
    }

    static func drop(_ text: String, first count: Int) -> String {
        String(decoding: text.utf8.dropFirst(count), as: UTF8.self)
    }

    static func split(_ text: String, _ delimiter: String) -> [String] {
        if delimiter.isEmpty { return text.unicodeScalars.map { String(Character($0)) } }
        var (text, delimiter) = (text, delimiter)
        return text.withUTF8 { a in
            delimiter.withUTF8 { b in
                var parts: [String] = []
                var at = 0
                while let place = find(b, in: a, from: at) {
                    parts.append(String(decoding: a[at..<place], as: UTF8.self))
                    at = place + b.count
                }
                parts.append(String(decoding: a[at...], as: UTF8.self))
                return parts
            }
        }
    }

    static func trim(
        _ text: String, atStart: Bool = true, atEnd: Bool = true, _ isCut: (Unicode.Scalar) -> Bool
    ) -> String {
        var scalars = text.unicodeScalars[...]
        if atStart { scalars = scalars.drop(while: isCut) }
        while atEnd, let last = scalars.last, isCut(last) { scalars.removeLast() }
        return String(String.UnicodeScalarView(scalars))
    }

    /// Replaces from left to right; where several fit, the first counts.
    static func replace(
        _ pairs: [(old: [UInt8], new: [UInt8])], in text: String, _ context: BuiltinContext
    ) throws -> String {
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        var at = 0
        // As Go's replacer: an empty pattern stands before each byte and at the end, but not twice in one place.
        var wasEmpty = false
        while at <= bytes.count {
            if at.isMultiple(of: 4096) { try context.checkpoint() }
            let pair = pairs.first { pair in
                pair.old.isEmpty
                    ? !wasEmpty : pair.old.count <= bytes.count - at && bytes[at...].starts(with: pair.old)
            }
            wasEmpty = pair?.old.isEmpty ?? false
            if let pair {
                try context.spend(pair.new.count)
                result += pair.new
                at += pair.old.count
            } else {
                if at < bytes.count { result.append(bytes[at]) }
                at += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// One text, or those of a collection.
    static func some(_ value: Value, _ position: Int) throws -> [String] {
        if let text = value.text { return [text] }
        guard value.kind == .array || value.kind == .set else {
            throw BuiltinError.operand(position, mustBe: "one of {string, set, array}", butGot: value)
        }
        return try value.strings(position)
    }
}

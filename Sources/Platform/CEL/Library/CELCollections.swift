// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

extension CELFunctions {
    private static func elements(_ arguments: [CELValue], _ index: Int, _ name: String) throws(CELError) -> [CELValue] {
        guard index < arguments.count, case .list(let elements) = arguments[index].resolved else {
            throw noOverload(name, arguments)
        }
        return elements
    }

    private static func number(_ arguments: [CELValue], _ index: Int, _ name: String) throws(CELError) -> Int {
        guard index < arguments.count, case .int(let int) = arguments[index].resolved else {
            throw noOverload(name, arguments)
        }
        return int
    }

    static func addCollections(_ table: inout [String: Body]) {
        table["lists.range"] = { arguments, evaluator in
            let count = try number(arguments, 0, "lists.range")
            if count <= 0 { return .list([]) }
            guard count <= 1_000_000 else { throw CELError(.limit, "lists.range() of more than 1,000,000") }
            try evaluator.spend(count * 32)
            return .list((0..<count).map { .int($0) })
        }
        table["sets.contains"] = { arguments, _ in
            let (a, b) = (try elements(arguments, 0, "sets.contains"), try elements(arguments, 1, "sets.contains"))
            return .bool(b.allSatisfy { member in a.contains { CELValue.equal($0, member) } })
        }
        table["sets.equivalent"] = { arguments, _ in
            let (a, b) = (try elements(arguments, 0, "sets.equivalent"), try elements(arguments, 1, "sets.equivalent"))
            return .bool(
                b.allSatisfy { member in a.contains { CELValue.equal($0, member) } }
                    && a.allSatisfy { member in b.contains { CELValue.equal($0, member) } })
        }
        table["sets.intersects"] = { arguments, _ in
            let (a, b) = (try elements(arguments, 0, "sets.intersects"), try elements(arguments, 1, "sets.intersects"))
            return .bool(b.contains { member in a.contains { CELValue.equal($0, member) } })
        }
        table["strings.quote"] = { arguments, _ in
            guard case .string(let text)? = arguments.first?.resolved else {
                throw noOverload("strings.quote", arguments)
            }
            let escapes: [Unicode.Scalar: String] = [
                "\u{7}": "\\a", "\u{8}": "\\b", "\u{C}": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\u{B}": "\\v",
                "\\": "\\\\", "\"": "\\\"",
            ]
            var quoted = "\""
            for scalar in text.unicodeScalars { quoted += escapes[scalar] ?? String(Character(scalar)) }
            return .string(quoted + "\"")
        }
        table["base64.encode"] = { arguments, _ in
            guard case .bytes(let bytes)? = arguments.first?.resolved else {
                throw noOverload("base64.encode", arguments)
            }
            return .string(CELBase64.encode(bytes))
        }
        table["base64.decode"] = { arguments, _ in
            guard case .string(let text)? = arguments.first?.resolved else {
                throw noOverload("base64.decode", arguments)
            }
            guard let bytes = CELBase64.decode(text) else { throw CELEvaluator.error("illegal base64 data") }
            return .bytes(bytes)
        }
    }

    static func addCollectionMethods(_ table: inout [String: Body]) {
        for (name, isLast) in [("indexOf", false), ("lastIndexOf", true)] {
            table[name] = { arguments, _ in
                if case .list(let list) = arguments[0].resolved {
                    let places = list.indices.filter { CELValue.equal(list[$0], arguments[1]) }
                    return .int((isLast ? places.last : places.first) ?? -1)
                }
                guard case .string(let text) = arguments[0].resolved, (2...3).contains(arguments.count),
                    case .string(let part) = arguments[1].resolved
                else { throw noOverload(name, arguments) }
                let (all, wanted) = (Array(text.unicodeScalars), Array(part.unicodeScalars))
                var from: Int?
                if arguments.count > 2 {
                    let given = try number(arguments, 2, name)
                    guard given >= 0, given <= all.count else {
                        throw CELEvaluator.error("index out of range: \(given)")
                    }
                    from = given
                }
                if !isLast { return .int(find(wanted, in: all, from: from ?? 0) ?? -1) }
                if wanted.isEmpty { return .int(from ?? all.count) }
                var at = min(from ?? all.count, all.count - wanted.count)
                while at >= 0 {
                    if all[at...].starts(with: wanted) { return .int(at) }
                    at -= 1
                }
                return .int(-1)
            }
        }
        table["reverse"] = { arguments, _ in
            switch arguments[0].resolved {
            case .list(let list): return .list(list.reversed())
            case .string(let text): return .string(String(String.UnicodeScalarView(text.unicodeScalars.reversed())))
            default: throw noOverload("reverse", arguments)
            }
        }
        table["slice"] = { arguments, _ in
            let list = try elements(arguments, 0, "slice")
            let (from, to) = (try number(arguments, 1, "slice"), try number(arguments, 2, "slice"))
            guard from >= 0, to >= 0, from <= to, to <= list.count else {
                throw CELEvaluator.error("cannot slice(\(from), \(to)), list is length \(list.count)")
            }
            return .list(Array(list[from..<to]))
        }
        table["flatten"] = { arguments, _ in
            let depth = arguments.count > 1 ? try number(arguments, 1, "flatten") : 1
            if depth < 0 { throw CELEvaluator.error("level must be non-negative") }
            func flat(_ values: [CELValue], _ depth: Int) -> [CELValue] {
                if depth == 0 { return values }
                return values.flatMap { value -> [CELValue] in
                    if case .list(let inner) = value.resolved { return flat(inner, depth - 1) }
                    return [value]
                }
            }
            return .list(flat(try elements(arguments, 0, "flatten"), min(depth, 100)))
        }
        table["distinct"] = { arguments, _ in
            var kept: [CELValue] = []
            for value in try elements(arguments, 0, "distinct")
            where !kept.contains(where: { CELValue.equal($0, value) }) {
                kept.append(value)
            }
            return .list(kept)
        }
        table["sort"] = { arguments, _ in
            let list = try elements(arguments, 0, "sort")
            return .list(try sorted(list).map { list[$0] })
        }
        table["first"] = { arguments, _ in .optional(try elements(arguments, 0, "first").first) }
        table["last"] = { arguments, _ in .optional(try elements(arguments, 0, "last").last) }
        table["isSorted"] = { arguments, _ in
            let list = try elements(arguments, 0, "isSorted")
            for (one, two) in zip(list, list.dropFirst()) {
                guard let order = CELValue.compare(one, two) else { throw noOverload("isSorted", arguments) }
                if order > 0 { return .bool(false) }
            }
            return .bool(true)
        }
        for (name, sign) in [("min", -1), ("max", 1)] {
            table[name] = { arguments, _ in
                let list = try elements(arguments, 0, name)
                guard var best = list.first else { throw CELEvaluator.error("\(name) called on empty list") }
                for value in list.dropFirst() {
                    guard let order = CELValue.compare(value, best) else { throw noOverload(name, arguments) }
                    if order * sign > 0 { best = value }
                }
                return best
            }
        }
        table["sum"] = { arguments, evaluator in
            let list = try elements(arguments, 0, "sum")
            guard var total = list.first else { return .int(0) }
            for value in list.dropFirst() { total = try arithmetic("_+_", [total, value], evaluator) }
            return total
        }
    }
}

enum CELBase64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ bytes: [UInt8]) -> String {
        var result: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let word = (0..<3).reduce(0) { $0 << 8 | ($1 < group.count ? Int(group[start + $1]) : 0) }
            for index in 0..<4 { result.append(index <= group.count ? alphabet[word >> (18 - 6 * index) & 63] : 0x3D) }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// Padding may be left out.
    static func decode(_ text: String) -> [UInt8]? {
        var digits = Array(text.utf8)[...]
        while digits.last == 0x3D { digits.removeLast() }
        guard digits.count % 4 != 1 else { return nil }
        var result: [UInt8] = []
        var (word, bits) = (0, 0)
        for digit in digits {
            guard let value = alphabet.firstIndex(of: digit) else { return nil }
            word = (word << 6 | value) & 0xFFFF
            bits += 6
            if bits >= 8 {
                bits -= 8
                result.append(UInt8(word >> bits & 255))
            }
        }
        return result
    }
}

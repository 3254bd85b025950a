// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import RegularExpressions

extension CELFunctions {
    static func addStringMethods(_ table: inout [String: Body]) {
        @Sendable func text(_ arguments: [CELValue], _ index: Int, _ name: String) throws(CELError) -> String {
            guard index < arguments.count, case .string(let text) = arguments[index].resolved else {
                throw noOverload(name, arguments)
            }
            return text
        }
        @Sendable func number(_ arguments: [CELValue], _ index: Int, _ name: String) throws(CELError) -> Int {
            guard index < arguments.count, case .int(let int) = arguments[index].resolved else {
                throw noOverload(name, arguments)
            }
            return int
        }
        @Sendable func scalars(_ text: String) -> [Unicode.Scalar] { Array(text.unicodeScalars) }
        @Sendable func string(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
            var view = String.UnicodeScalarView()
            for scalar in scalars { view.append(scalar) }
            return String(view)
        }
        table["size"] = { arguments, _ in try size(arguments) }
        table["matches"] = { arguments, _ in try CELText.matches(arguments) }
        table["charAt"] = { arguments, _ in
            let (all, index) = (scalars(try text(arguments, 0, "charAt")), try number(arguments, 1, "charAt"))
            guard index >= 0, index <= all.count else { throw CELEvaluator.error("index out of range: \(index)") }
            return .string(index == all.count ? "" : string([all[index]][...]))
        }
        table["lowerAscii"] = { arguments, _ in
            let bytes = try text(arguments, 0, "lowerAscii").utf8.map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }
            return .string(String(decoding: bytes, as: UTF8.self))
        }
        table["upperAscii"] = { arguments, _ in
            let bytes = try text(arguments, 0, "upperAscii").utf8.map { $0 >= 0x61 && $0 <= 0x7A ? $0 & 0xDF : $0 }
            return .string(String(decoding: bytes, as: UTF8.self))
        }
        table["trim"] = { arguments, _ in
            var rest = scalars(try text(arguments, 0, "trim"))[...]
            rest = rest.drop { $0.properties.isWhitespace }
            while let last = rest.last, last.properties.isWhitespace { rest.removeLast() }
            return .string(string(rest))
        }
        table["substring"] = { arguments, _ in
            let all = scalars(try text(arguments, 0, "substring"))
            let from = try number(arguments, 1, "substring")
            if arguments.count > 3 { throw noOverload("substring", arguments) }
            let to = arguments.count > 2 ? try number(arguments, 2, "substring") : all.count
            guard from >= 0, from <= all.count, to >= 0, to <= all.count, from <= to else {
                throw CELEvaluator.error("invalid substring range: start: \(from), end: \(to)")
            }
            return .string(string(all[from..<to]))
        }
        table["replace"] = { arguments, evaluator in
            if arguments.count == 3, let short = try replaced(arguments, evaluator) { return short }
            let all = scalars(try text(arguments, 0, "replace"))
            let (old, new) = (scalars(try text(arguments, 1, "replace")), scalars(try text(arguments, 2, "replace")))
            if arguments.count > 4 { throw noOverload("replace", arguments) }
            var left = arguments.count > 3 ? try number(arguments, 3, "replace") : -1
            var result: [Unicode.Scalar] = []
            var at = 0
            while left != 0, let place = find(old, in: all, from: at) {
                result += all[at..<place] + new
                try evaluator.spend(new.count * 4 + 16)
                left -= 1
                if old.isEmpty {
                    if place < all.count { result.append(all[place]) }
                    at = place + 1
                    if at > all.count { break }
                } else {
                    at = place + old.count
                }
            }
            if at < all.count { result += all[at...] }
            return .string(string(result[...]))
        }
        table["split"] = { arguments, evaluator in
            let all = scalars(try text(arguments, 0, "split"))
            let separator = scalars(try text(arguments, 1, "split"))
            let limit = arguments.count > 2 ? try number(arguments, 2, "split") : -1
            if limit == 0 { return .list([]) }
            try evaluator.spend(all.count * 4)
            var parts: [CELValue] = []
            if separator.isEmpty {
                let count = limit < 0 ? all.count : min(limit, all.count)
                for index in 0..<count {
                    parts.append(
                        .string(
                            index == count - 1
                                ? string(all[index...].prefix(limit < 0 ? 1 : .max)) : string([all[index]][...])))
                }
                return .list(parts)
            }
            var at = 0
            while limit < 0 || parts.count < limit - 1, let place = find(separator, in: all, from: at) {
                parts.append(.string(string(all[at..<place])))
                at = place + separator.count
            }
            parts.append(.string(string(all[at...])))
            return .list(parts)
        }
        table["format"] = { arguments, evaluator in
            guard arguments.count == 2, case .list(let values) = arguments[1].resolved else {
                throw noOverload("format", arguments)
            }
            return .string(try CELText.format(try text(arguments, 0, "format"), values, evaluator))
        }
        table["join"] = { arguments, evaluator in
            guard case .list(let elements) = arguments[0].resolved else { throw noOverload("join", arguments) }
            let separator = arguments.count > 1 ? try text(arguments, 1, "join") : ""
            var parts: [String] = []
            for element in elements {
                guard case .string(let part) = element.resolved else { throw noOverload("join", arguments) }
                parts.append(part)
            }
            let joined = parts.joined(separator: separator)
            try evaluator.spend(joined.utf8.count)
            return .string(joined)
        }
        table["find"] = { arguments, _ in
            let pattern = try CELText.compile(try text(arguments, 1, "find"))
            var subject = try text(arguments, 0, "find")
            let match = subject.withUTF8 { bytes in
                pattern.firstMatch(in: bytes)?[0].map { String(decoding: bytes[$0], as: UTF8.self) }
            }
            return .string(match ?? "")
        }
        table["findAll"] = { arguments, _ in
            let pattern = try CELText.compile(try text(arguments, 1, "findAll"))
            let limit = arguments.count > 2 ? try number(arguments, 2, "findAll") : -1
            var subject = try text(arguments, 0, "findAll")
            let found = subject.withUTF8 { bytes in
                pattern.allMatches(in: bytes, limit: limit < 0 ? .max : limit).map { match in
                    CELValue.string(match[0].map { String(decoding: bytes[$0], as: UTF8.self) } ?? "")
                }
            }
            return .list(found)
        }
    }

    /// All of what is not empty, byte by byte; nil where it takes more care.
    private static func replaced(_ arguments: [CELValue], _ evaluator: CELEvaluator) throws(CELError) -> CELValue? {
        guard case .string(let text) = arguments[0].resolved, case .string(let old) = arguments[1].resolved,
            case .string(let new) = arguments[2].resolved, !old.isEmpty
        else { return nil }
        let (all, wanted) = (Array(text.utf8), Array(old.utf8))
        var result: [UInt8] = []
        result.reserveCapacity(all.count)
        var at = 0
        while at < all.count {
            if all[at] == wanted[0], all[at...].starts(with: wanted) {
                try evaluator.spend(new.utf8.count + 4)
                result += new.utf8
                at += wanted.count
            } else {
                result.append(all[at])
                at += 1
            }
        }
        return .string(String(decoding: result, as: UTF8.self))
    }

    static func find(_ part: [Unicode.Scalar], in text: [Unicode.Scalar], from: Int) -> Int? {
        guard from >= 0, text.count - part.count >= from else { return nil }
        if part.isEmpty { return from }
        for start in from...(text.count - part.count) where text[start] == part[0] && text[start...].starts(with: part)
        {
            return start
        }
        return nil
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

extension BuiltinTable {
    mutating func addTypes() {
        let tests: [(String, Value.Kind)] = [
            ("is_null", .null), ("is_boolean", .bool), ("is_number", .number), ("is_string", .string),
            ("is_array", .array), ("is_object", .object), ("is_set", .set),
        ]
        for (name, kind) in tests { one(name) { value, _ in .bool(value.kind == kind) } }
        one("type_name") { value, _ in .string(value.kind.name) }
        one("to_number") { value, _ in try toNumber(value) }
        let casts: [(String, Value.Kind)] = [
            ("cast_null", .null), ("cast_boolean", .bool), ("cast_string", .string), ("cast_object", .object),
        ]
        for (name, kind) in casts {
            one(name) { value, _ in
                guard value.kind == kind else { throw BuiltinError.operand(1, mustBe: kind.name, butGot: value) }
                return value
            }
        }
        one("cast_array") { value, _ in
            guard let elements = value.elements ?? value.setMembers?.members else {
                throw BuiltinError.operand(1, mustBe: "one of {array, set}", butGot: value)
            }
            return .array(elements)
        }
        one("cast_set") { value, _ in
            guard let elements = value.elements ?? value.setMembers?.members else {
                throw BuiltinError.operand(1, mustBe: "one of {array, set}", butGot: value)
            }
            return .set(SetValue(elements))
        }
    }

    mutating func addAggregates() {
        one("count", [.string, .array, .object, .set]) { value, _ in
            guard let count = value.count else {
                throw BuiltinError.operand(1, mustBe: "one of {array, object, set, string}", butGot: value)
            }
            return .int(count)
        }
        one("sum", [.array, .set]) { value, _ in
            try value.collection(1).reduce(.int(0)) { try fold($0, $1, by: "plus") }
        }
        one("product", [.array, .set]) { value, _ in
            try value.collection(1).reduce(.int(1)) { try fold($0, $1, by: "mul") }
        }
        one("max", [.array, .set]) { value, _ in
            if let set = value.setMembers { return set.members.last }
            return try value.collection(1).max { compare($0, $1) < 0 }
        }
        one("min", [.array, .set]) { value, _ in
            if let set = value.setMembers { return set.members.first }
            return try value.collection(1).min { compare($0, $1) < 0 }
        }
        one("sort", [.array, .set]) { value, _ in
            if let set = value.setMembers { return .array(set.members) }
            return .array(try value.collection(1).sorted { compare($0, $1) < 0 })
        }
        one("all", [.array, .set]) { value, _ in
            .bool(try value.collection(1).allSatisfy { $0.kind == .bool && !$0.isFalse })
        }
        one("any", [.array, .set]) { value, _ in
            .bool(try value.collection(1).contains { $0.kind == .bool && !$0.isFalse })
        }
    }

    mutating func addArrays() {
        two("array.concat", [.array], [.array]) { a, b, context in
            let joined = try a.array(1) + (try b.array(2))
            try context.spend(joined.count * MemoryLayout<Value>.stride)
            return .array(joined)
        }
        many("array.slice", [[.array], [.number], [.number]]) { arguments, _ in
            let elements = try arguments[0].array(1)
            let from = min(max(try arguments[1].int(2), 0), elements.count)
            let to = min(max(try arguments[2].int(3), from), elements.count)
            return .array(Array(elements[from..<to]))
        }
        one("array.reverse", [.array]) { value, _ in .array(try value.array(1).reversed()) }
        one("array.flatten", [.array]) { value, _ in
            .array(try value.array(1).flatMap { $0.elements ?? [$0] })
        }
    }

    mutating func addSets() {
        two("and", [.set], [.set]) { a, b, _ in
            let other = try b.set(2)
            return .set(SetValue(sorted: try a.set(1).members.filter { other.contains($0) }))
        }
        two("or", [.set], [.set]) { a, b, _ in .set(SetValue(try a.set(1).members + (try b.set(2)).members)) }
        two("set_diff", [.set], [.set]) { a, b, _ in
            let other = try b.set(2)
            return .set(SetValue(sorted: try a.set(1).members.filter { !other.contains($0) }))
        }
        one("union", [.set]) { value, _ in
            .set(SetValue(try value.set(1).members.flatMap { try $0.set(1).members }))
        }
        one("intersection", [.set]) { value, _ in
            let sets = try value.set(1).members.map { try $0.set(1) }
            guard let first = sets.first else { return .emptySet }
            return .set(
                SetValue(sorted: first.members.filter { member in sets.dropFirst().allSatisfy { $0.contains(member) } })
            )
        }
    }
}

private func fold(_ a: Value, _ b: Value, by name: String) throws -> Value {
    guard b.kind == .number else {
        throw BuiltinError(.type, "operand 1 must be array of numbers but got array containing \(b.kind.name)")
    }
    guard case .two(let body) = Builtins.all[name]?.body else { return a }
    return try body(a, b, BuiltinContext(now: 0)) ?? a
}

/// Texts are numbers when JSON's grammar says so.
private func toNumber(_ value: Value) throws -> Value {
    switch value.kind {
    case .null: return .int(0)
    case .bool: return .int(value.isFalse ? 0 : 1)
    case .number: return value.resolved
    case .string:
        let text = value.text ?? ""
        guard isNumber(text) else {
            let word = text.lowercased().drop { $0 == "-" || $0 == "+" }
            if word == "nan" || word == "inf" || word == "infinity" {
                throw BuiltinError(.type, "operand 1 must be valid number")
            }
            throw BuiltinError(.builtin, "invalid syntax")
        }
        return Value(numberText: text)
    default:
        throw BuiltinError.operand(1, mustBe: "one of {boolean, null, number, string}", butGot: value)
    }
}

/// What Go's ParseFloat takes, hexadecimal, underscores, infinities and NaN left out.
func isNumber(_ text: String) -> Bool {
    var bytes = Array(text.utf8)[...]
    if bytes.first == 0x2D || bytes.first == 0x2B { bytes = bytes.dropFirst() }
    func digits() -> Int {
        let count = bytes.prefix { $0 >= 0x30 && $0 <= 0x39 }.count
        bytes = bytes.dropFirst(count)
        return count
    }
    var count = digits()
    if bytes.first == 0x2E {
        bytes = bytes.dropFirst()
        count += digits()
    }
    if count == 0 { return false }
    if let letter = bytes.first, letter | 0x20 == 0x65 {
        bytes = bytes.dropFirst()
        if bytes.first == 0x2D || bytes.first == 0x2B { bytes = bytes.dropFirst() }
        if digits() == 0 { return false }
    }
    return bytes.isEmpty
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

extension BuiltinTable {
    mutating func addComparisons() {
        two("equal") { a, b, _ in .bool(equal(a, b)) }
        two("eq") { a, b, _ in .bool(equal(a, b)) }
        two("neq") { a, b, _ in .bool(!equal(a, b)) }
        two("lt") { a, b, _ in .bool(compare(a, b) < 0) }
        two("lte") { a, b, _ in .bool(compare(a, b) <= 0) }
        two("gt") { a, b, _ in .bool(compare(a, b) > 0) }
        two("gte") { a, b, _ in .bool(compare(a, b) >= 0) }
        two("internal.member_2") { value, collection, _ in .bool(contains(collection, nil, value)) }
        many("internal.member_3", [[], [], []]) { arguments, _ in
            .bool(contains(arguments[2], arguments[0], arguments[1]))
        }
    }

    mutating func addNumbers() {
        two("plus", [.number], [.number]) { a, b, _ in
            try arithmetic(a, b, { $0.addingReportingOverflow($1) }, +, +)
        }
        two("minus") { a, b, _ in
            if a.kind == .set || b.kind == .set {
                guard a.kind == .set else {
                    if a.kind == .number { throw BuiltinError.operand(2, mustBe: "number", butGot: b) }
                    throw BuiltinError.operand(1, mustBe: "one of {number, set}", butGot: a)
                }
                let other = try b.set(2)
                return .set(SetValue(sorted: try a.set(1).members.filter { !other.contains($0) }))
            }
            if a.kind != .number { throw BuiltinError.operand(1, mustBe: "one of {number, set}", butGot: a) }
            return try arithmetic(a, b, { $0.subtractingReportingOverflow($1) }, -, -)
        }
        two("mul", [.number], [.number]) { a, b, _ in
            try arithmetic(a, b, { $0.multipliedReportingOverflow(by: $1) }, *, *)
        }
        two("div", [.number], [.number]) { a, b, _ in
            let (x, y) = (try a.float(1), try b.float(2))
            if y == 0 { throw BuiltinError(.builtin, "divide by zero") }
            if let one = a.bigInteger, let two = b.bigInteger, let parts = one.dividing(by: two), parts.remainder.isZero
            {
                return parts.quotient.value
            }
            return try finite(x / y)
        }
        two("rem", [.number], [.number]) { a, b, _ in
            _ = (try a.number(1), try b.number(2))
            guard let one = a.bigInteger, let two = b.bigInteger else {
                throw BuiltinError(.builtin, "modulo on floating-point number")
            }
            guard let parts = one.dividing(by: two) else { throw BuiltinError(.builtin, "modulo by zero") }
            return parts.remainder.value
        }
        one("abs", [.number]) { a, _ in
            if case .int(let int) = try a.number(1), int != .min { return .int(abs(int)) }
            if let whole = a.bigInteger { return (whole.isNegative ? -whole : whole).value }
            return Value(try a.float(1).magnitude)
        }
        one("round", [.number]) { a, _ in try rounded(a, .toNearestOrAwayFromZero) }
        one("ceil", [.number]) { a, _ in try rounded(a, .up) }
        one("floor", [.number]) { a, _ in try rounded(a, .down) }
        two("numbers.range", [.number], [.number]) { a, b, context in
            try range(try a.whole(1), try b.whole(2), BigInteger(1), context)
        }
        many("numbers.range_step", [[.number], [.number], [.number]]) { arguments, context in
            let step = try arguments[2].whole(3)
            if step.isNegative || step.isZero {
                throw BuiltinError(.builtin, "step must be a positive number above zero")
            }
            return try range(try arguments[0].whole(1), try arguments[1].whole(2), step, context)
        }
        many("rand.intn", [[.string], [.number]], deterministic: false) { arguments, context in
            let bound = try arguments[1].int(2)
            if bound == 0 { return .int(0) }
            if bound == .min { return nil }
            var state = Fingerprint.of(try arguments[0].string(1), seed: context.seed &+ UInt64(bound.magnitude))
            return .int(Int(truncatingIfNeeded: Fingerprint.next(&state) % UInt64(bound.magnitude)))
        }
    }

    mutating func addBits() {
        two("bits.and", [.number], [.number]) { a, b, _ in try a.whole(1).combined(with: try b.whole(2), &).value }
        two("bits.or", [.number], [.number]) { a, b, _ in try a.whole(1).combined(with: try b.whole(2), |).value }
        two("bits.xor", [.number], [.number]) { a, b, _ in try a.whole(1).combined(with: try b.whole(2), ^).value }
        one("bits.negate", [.number]) { a, _ in (-(try a.whole(1)) - BigInteger(1)).value }
        two("bits.lsh", [.number], [.number]) { a, b, context in
            let (value, count) = (try a.whole(1), try shift(b))
            if value.isZero { return .int(0) }
            guard count <= 1 << 20 else { throw BuiltinError(.builtin, "shift by more than \(1 << 20) bits") }
            try context.spend(count / 8)
            return value.shiftedLeft(by: count).value
        }
        two("bits.rsh", [.number], [.number]) { a, b, _ in
            let (value, count) = (try a.whole(1), try shift(b))
            return value.shiftedRight(by: count).value
        }
    }
}

private func shift(_ value: Value) throws -> Int {
    let count = try value.whole(2)
    if count.isNegative {
        throw BuiltinError(.type, "operand 2 must be an unsigned integer number but got a negative integer")
    }
    return count.int ?? Int.max
}

private func contains(_ collection: Value, _ key: Value?, _ value: Value) -> Bool {
    switch collection {
    case .set(let set):
        if let key, !equal(key, value) { return false }
        return set.contains(value)
    case .node(let node) where node.isArray && key == nil:
        for element in node.elements where equal(.node(element), value) { return true }
        return false
    default: break
    }
    if let key { return lookup(collection, key).map { equal($0, value) } ?? false }
    if let elements = collection.elements { return elements.contains { equal($0, value) } }
    return collection.members?.values.contains { equal($0, value) } ?? false
}

private func arithmetic(
    _ a: Value, _ b: Value, _ small: (Int, Int) -> (partialValue: Int, overflow: Bool),
    _ large: (BigInteger, BigInteger) -> BigInteger, _ float: (Wide, Wide) -> Wide
) throws -> Value {
    let (x, y) = (try a.number(1), try b.number(2))
    if case .int(let one) = x, case .int(let two) = y {
        let result = small(one, two)
        if !result.overflow { return .int(result.partialValue) }
    }
    if let one = x.bigInteger, let two = y.bigInteger { return large(one, two).value }
    return try finite(float(try x.float(1), try y.float(2)))
}

/// A result beyond every float is an error, not a text that is no number.
private func finite(_ value: Wide) throws -> Value {
    guard value.isFinite else { throw BuiltinError(.builtin, "the result is too large") }
    return Value(value)
}

private func rounded(_ value: Value, _ rule: FloatingPointRoundingRule) throws -> Value {
    if case .int = try value.number(1) { return value.resolved }
    if let whole = value.bigInteger { return whole.value }
    return BigInteger(try value.float(1).rounded(rule))?.value ?? value
}

private func range(_ from: BigInteger, _ to: BigInteger, _ step: BigInteger, _ context: BuiltinContext) throws -> Value
{
    let isAscending = BigInteger.compare(from, to) <= 0
    let step = isAscending ? step : -step
    var values: [Value] = []
    if let first = from.int, let last = to.int, let small = step.int {
        var at = first
        while isAscending ? at <= last : at >= last {
            values.append(.int(at))
            try context.spend(MemoryLayout<Value>.stride)
            if values.count & 4095 == 0 { try context.checkpoint() }
            let (next, overflow) = at.addingReportingOverflow(small)
            if overflow { break }
            at = next
        }
        return .array(values)
    }
    var at = from
    while isAscending ? BigInteger.compare(at, to) <= 0 : BigInteger.compare(at, to) >= 0 {
        values.append(at.value)
        try context.spend(64)
        if values.count & 4095 == 0 { try context.checkpoint() }
        at = at + step
    }
    return .array(values)
}

/// Numbers that look random but follow from a key.
enum Fingerprint {
    static func of(_ text: String, seed: UInt64) -> UInt64 {
        text.utf8.reduce(seed ^ 0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
    }

    static func next(_ state: inout UInt64) -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

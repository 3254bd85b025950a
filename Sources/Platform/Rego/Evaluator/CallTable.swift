// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// What functions gave for up to three arguments, as far as the table reaches: a later call takes the place of an earlier
/// one. Scalars meet by their content, collections where they are the very same.
///
/// Which calls meet does not depend on where things lie in memory, so that an evaluation takes as many steps each time.
struct CallTable {
    private final class Entry {
        unowned(unsafe) let set: RuleSet
        let arguments: Arguments
        let value: Value?
        let round: Int

        init(_ set: RuleSet, _ arguments: Arguments, _ value: Value?, _ round: Int) {
            (self.set, self.arguments, self.value, self.round) = (set, arguments, value, round)
        }
    }

    /// What a call was given.
    struct Arguments {
        let one: Value
        let two: Value
        let three: Value

        init(_ arguments: UnsafePointer<Value>, count: Int) {
            one = arguments[0]
            two = count > 1 ? arguments[1] : .null
            three = count > 2 ? arguments[2] : .null
        }
    }

    /// What a call gave; undefined is nil.
    struct Known {
        let value: Value?
    }

    static let arities = 1...3
    private var entries: [Entry?] = []
    private static let size = 256

    /// Where a call's answer is kept; nil when an argument is a number that is not written whole.
    func place(_ set: RuleSet, _ arguments: UnsafePointer<Value>) -> Int? {
        var hash = UInt64(truncatingIfNeeded: set.number)
        for index in 0..<set.arity {
            guard let own = CallTable.hash(arguments[index]) else { return nil }
            hash = (hash ^ own) &* 0x9E37_79B9_7F4A_7C15
        }
        return Int(truncatingIfNeeded: hash >> 32) & (CallTable.size - 1)
    }

    /// - Parameter round: only what was kept in the same one counts.
    func answer(_ place: Int, _ set: RuleSet, _ arguments: UnsafePointer<Value>, round: Int) -> Known? {
        guard !entries.isEmpty, let entry = entries[place], entry.set === set, entry.round == round,
            CallTable.isSame(entry.arguments.one, arguments[0]),
            set.arity < 2 || CallTable.isSame(entry.arguments.two, arguments[1]),
            set.arity < 3 || CallTable.isSame(entry.arguments.three, arguments[2])
        else { return nil }
        return Known(value: entry.value)
    }

    mutating func keep(_ value: Value?, _ place: Int, _ set: RuleSet, _ arguments: Arguments, round: Int) {
        if entries.isEmpty { entries = [Entry?](repeating: nil, count: CallTable.size) }
        entries[place] = Entry(set, arguments, value, round)
    }

    private static func hash(_ value: Value) -> UInt64? {
        switch value {
        case .null: return 1
        case .bool(let bool): return bool ? 3 : 2
        case .int(let int): return UInt64(bitPattern: Int64(int)) &* 31 &+ 5
        case .string(var text): return text.withUTF8 { hash($0) }
        case .array(let elements): return UInt64(elements.count) &* 31 &+ 11
        case .object(let object): return UInt64(object.count) &* 31 &+ 13
        case .set(let set): return UInt64(set.count) &* 31 &+ 17
        case .number: return nil
        case .node(let node):
            switch node.kind {
            case .null: return 1
            case .bool: return node.bool == true ? 3 : 2
            case .number, .string: return node.withUTF8 { hash($0) }
            case .array, .object: return UInt64(node.place) &* 31 &+ 19
            }
        }
    }

    private static func hash(_ text: UnsafeBufferPointer<UInt8>) -> UInt64 {
        var hash = UInt64(text.count) &+ 7
        for byte in text.suffix(16) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return hash
    }

    /// The same in writing, too: 1 and 1.0 are equal, and not the same.
    private static func isSame(_ one: Value, _ two: Value) -> Bool {
        switch (one, two) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.int(let a), .int(let b)): a == b
        case (.string, .string): equal(one, two)
        case (.node(let a), .node(let b)):
            a.isSame(as: b) || a.hasSameText(as: b) || (a.bool != nil && a.bool == b.bool)
        case (.string, .node(let b)): b.kind == .string && equal(one, two)
        case (.node(let a), .string): a.kind == .string && equal(one, two)
        case (.array(let a), .array(let b)): isSame(a, b)
        case (.set(let a), .set(let b)): isSame(a.members, b.members)
        case (.object(let a), .object(let b)): isSame(a.values, b.values) && isSame(a.keys, b.keys)
        default: false
        }
    }

    /// Whether both are one list, and not only equal ones.
    private static func isSame(_ one: [Value], _ two: [Value]) -> Bool {
        guard one.count == two.count else { return false }
        return one.withUnsafeBufferPointer { a in two.withUnsafeBufferPointer { b in a.baseAddress == b.baseAddress } }
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// What functions gave for one or two scalars, as far as the table reaches: a later call takes the place of an earlier one.
///
/// Which calls meet depends on the values alone, so that an evaluation takes as many steps each time.
struct CallTable {
    private struct Entry {
        unowned(unsafe) var set: RuleSet
        var one: Value
        var two: Value
        var value: Value?
    }

    /// What a call gave; undefined is nil.
    struct Known {
        let value: Value?
    }

    private var entries: [Entry?] = []
    private static let size = 64

    /// Where a call's answer is kept; nil when an argument is no scalar.
    func place(_ set: RuleSet, _ arguments: UnsafePointer<Value>) -> Int? {
        var hash = UInt64(truncatingIfNeeded: set.number)
        for index in 0..<set.arity {
            guard let own = CallTable.hash(arguments[index]) else { return nil }
            hash = (hash ^ own) &* 0x9E37_79B9_7F4A_7C15
        }
        return Int(truncatingIfNeeded: hash >> 32) & (CallTable.size - 1)
    }

    func answer(_ place: Int, _ set: RuleSet, _ arguments: UnsafePointer<Value>) -> Known? {
        guard !entries.isEmpty, let entry = entries[place], entry.set === set,
            CallTable.isSame(entry.one, arguments[0]), set.arity < 2 || CallTable.isSame(entry.two, arguments[1])
        else { return nil }
        return Known(value: entry.value)
    }

    mutating func keep(_ value: Value?, _ place: Int, _ set: RuleSet, _ one: Value, _ two: Value) {
        if entries.isEmpty { entries = [Entry?](repeating: nil, count: CallTable.size) }
        entries[place] = Entry(set: set, one: one, two: two, value: value)
    }

    private static func hash(_ value: Value) -> UInt64? {
        switch value {
        case .null: return 1
        case .bool(let bool): return bool ? 3 : 2
        case .int(let int): return UInt64(bitPattern: Int64(int)) &* 31 &+ 5
        case .string(var text): return text.withUTF8 { hash($0) }
        case .node(let node):
            switch node.kind {
            case .null: return 1
            case .bool: return node.bool == true ? 3 : 2
            case .number, .string: return node.withUTF8 { hash($0) }
            case .array, .object: return nil
            }
        default: return nil
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
        case (.node(let a), .node(let b)): a.hasSameText(as: b) || (a.bool != nil && a.bool == b.bool)
        case (.string, .node(let b)): b.kind == .string && equal(one, two)
        case (.node(let a), .string): a.kind == .string && equal(one, two)
        default: false
        }
    }
}

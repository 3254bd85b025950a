// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation

/// The total order of values: by kind (null, boolean, number, string, array, object, set), then by content. Negative, 0 or
/// positive. Numbers compare by value (1 equals 1.0), strings by their bytes.
package func compare(_ one: Value, _ two: Value) -> Int {
    switch (one, two) {
    case (.int(let a), .int(let b)): return a < b ? -1 : a == b ? 0 : 1
    case (.string(let a), .string(let b)): return compareBytes(a, b)
    case (.string(let a), .node(let node)):
        guard node.kind == .string else { return order(Value.Kind.string, two.kind) }
        return -compareText(node, a)
    case (.node(let node), .string(let b)):
        guard node.kind == .string else { return order(one.kind, Value.Kind.string) }
        return compareText(node, b)
    case (.node(let a), .node(let b)):
        return a.order(b) { compareNumbers(Value.node($0).resolved, Value.node($1).resolved) }
    default: break
    }
    let kind = one.kind
    let other = two.kind
    if kind != other { return order(kind, other) }
    switch kind {
    case .null: return 0
    case .bool: return order(one.isFalse ? 0 : 1, two.isFalse ? 0 : 1)
    case .number: return compareNumbers(one.resolved, two.resolved)
    case .string: return compareBytes(one.text ?? "", two.text ?? "")
    case .array: return compareSequences(one.elements ?? [], two.elements ?? [])
    case .object: return compareObjects(one.members ?? ObjectValue(), two.members ?? ObjectValue())
    case .set: return compareSequences(one.setMembers?.members ?? [], two.setMembers?.members ?? [])
    }
}

/// Whether both are the same value; cheaper than comparing where they are not.
package func equal(_ one: Value, _ two: Value) -> Bool {
    switch (one, two) {
    case (.int(let a), .int(let b)): a == b
    case (.bool(let a), .bool(let b)): a == b
    case (.string(let a), .string(let b)): a.utf8.count == b.utf8.count && compareBytes(a, b) == 0
    case (.node(let a), .node(let b)): equal(a, b)
    default: compare(one, two) == 0
    }
}

/// What is written alike is equal; numbers and what holds them may be written in several ways.
private func equal(_ one: Node, _ two: Node) -> Bool {
    let kind = one.kind
    guard kind == two.kind else { return false }
    switch kind {
    case .null: return true
    case .bool: return one.bool == two.bool
    case .string: return one.hasSameText(as: two)
    case .number, .array, .object:
        return one.hasSameContent(as: two) || (one.count == two.count && compare(.node(one), .node(two)) == 0)
    }
}

@inline(__always)
private func order<T: Comparable>(_ one: T, _ two: T) -> Int { one < two ? -1 : one == two ? 0 : 1 }

/// By bytes, as Go compares strings; Swift's own `==` and `<` would take different spellings of a letter for one.
package func compareBytes(_ one: String, _ two: String) -> Int {
    var (one, two) = (one, two)
    return one.withUTF8 { a in
        two.withUTF8 { b in compareBuffers(a, b) }
    }
}

func compareBuffers(_ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>) -> Int {
    let shared = min(a.count, b.count)
    if shared > 0, let left = a.baseAddress, let right = b.baseAddress {
        let order = Int(memcmp(left, right, shared))
        if order != 0 { return order }
    }
    return a.count - b.count
}

private func compareText(_ node: Node, _ text: String) -> Int {
    var text = text
    return node.withUTF8 { a in text.withUTF8 { b in compareBuffers(a, b) } } ?? 0
}

private func compareSequences(_ one: [Value], _ two: [Value]) -> Int {
    for (a, b) in zip(one, two) {
        let order = compare(a, b)
        if order != 0 { return order }
    }
    return one.count - two.count
}

private func compareObjects(_ one: ObjectValue, _ two: ObjectValue) -> Int {
    for index in 0..<min(one.count, two.count) {
        let keys = compare(one.keys[index], two.keys[index])
        if keys != 0 { return keys }
        let values = compare(one.values[index], two.values[index])
        if values != 0 { return values }
    }
    return one.count - two.count
}

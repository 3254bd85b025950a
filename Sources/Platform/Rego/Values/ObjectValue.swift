// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// An object: keys of any kind, sorted, so that it reads and prints the same each time.
package struct ObjectValue: Sendable {
    package private(set) var keys: [Value]
    package private(set) var values: [Value]

    package init() {
        keys = []
        values = []
    }

    /// Takes members in any order; of equal keys the last counts.
    package init(_ members: [(Value, Value)]) {
        self.init()
        if members.isEmpty { return }
        keys.reserveCapacity(members.count)
        values.reserveCapacity(members.count)
        let order = members.indices.sorted { one, two in
            let order = compare(members[one].0, members[two].0)
            return order == 0 ? one < two : order < 0
        }
        for index in order {
            if let last = keys.last, compare(last, members[index].0) == 0 {
                values[values.count - 1] = members[index].1
            } else {
                keys.append(members[index].0)
                values.append(members[index].1)
            }
        }
    }

    /// The members of an object of a document.
    package init(_ node: Node) {
        self.init()
        let members = node.sortedMembers
        keys.reserveCapacity(members.count)
        values.reserveCapacity(members.count)
        for (key, value) in members {
            keys.append(.string(key))
            values.append(.node(value))
        }
    }

    /// Trusts the caller that the keys are sorted and differ.
    package init(sortedKeys keys: [Value], values: [Value]) {
        self.keys = keys
        self.values = values
    }

    package var count: Int { keys.count }
    package var isEmpty: Bool { keys.isEmpty }

    /// The member of a key; nil when absent.
    package subscript(key: Value) -> Value? {
        let (index, found) = place(of: key)
        return found ? values[index] : nil
    }

    package subscript(key: String) -> Value? { self[.string(key)] }

    /// Adds or replaces a member.
    package mutating func set(_ key: Value, _ value: Value) {
        let (index, found) = place(of: key)
        if found {
            values[index] = value
        } else {
            keys.insert(key, at: index)
            values.insert(value, at: index)
        }
    }

    /// Puts another value in the place of a member's.
    package mutating func replace(at index: Int, with value: Value) { values[index] = value }

    package mutating func remove(_ key: Value) {
        let (index, found) = place(of: key)
        if !found { return }
        keys.remove(at: index)
        values.remove(at: index)
    }

    /// Where a key stands, or would.
    package func place(of key: Value) -> (index: Int, found: Bool) { find(key, in: keys) }
}

/// A set: members sorted, each once.
package struct SetValue: Sendable {
    package private(set) var members: [Value]

    package init() { members = [] }

    /// Takes members in any order, equal ones once.
    package init(_ values: [Value]) {
        if values.count < 2 {
            members = values
            return
        }
        // What is in order already, as most of it is, is compared once.
        let order = ListOrder(values)
        var sorted = 1
        while sorted < values.count, order.compare(sorted - 1, sorted) < 0 { sorted += 1 }
        if sorted == values.count {
            members = values
            return
        }
        var places = Array(0..<sorted)
        if values.count <= 32 {
            for new in sorted..<values.count {
                var (low, high) = (0, places.count)
                var isNew = true
                while low < high {
                    let middle = (low + high) / 2
                    let found = order.compare(places[middle], new)
                    if found == 0 {
                        isNew = false
                        break
                    }
                    if found < 0 { low = middle + 1 } else { high = middle }
                }
                if isNew { places.insert(new, at: low) }
            }
        } else {
            places = []
            for place in values.indices.sorted(by: { order.compare($0, $1) < 0 }) {
                if let last = places.last, order.compare(last, place) == 0 { continue }
                places.append(place)
            }
        }
        members = places.map { values[$0] }
    }

    /// Trusts the caller that the members are sorted and differ.
    package init(sorted members: [Value]) { self.members = members }

    package var count: Int { members.count }
    package var isEmpty: Bool { members.isEmpty }

    package func contains(_ value: Value) -> Bool { find(value, in: members).found }

    /// Where a member stands, or would.
    package func place(of value: Value) -> (index: Int, found: Bool) { find(value, in: members) }

    package mutating func insert(_ value: Value) {
        let (index, found) = find(value, in: members)
        if !found { members.insert(value, at: index) }
    }
}

private func find(_ value: Value, in sorted: [Value]) -> (index: Int, found: Bool) {
    var low = 0
    var high = sorted.count
    while low < high {
        let middle = (low + high) / 2
        let order = compare(sorted[middle], value)
        if order == 0 { return (middle, true) }
        if order < 0 { low = middle + 1 } else { high = middle }
    }
    return (low, false)
}

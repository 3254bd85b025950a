// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// A term whose parts are all known when it is evaluated.
enum Operand {
    case constant(Value)
    case slot(Int)
    case composed(Composition)

    @inline(__always)
    func value(_ machine: Machine) -> Value {
        switch self {
        case .constant(let value): value
        case .slot(let slot): machine[slot]
        case .composed(let composition): composition.value(machine)
        }
    }

    static func array(_ operands: [Operand]) -> Operand { .composed(Composition(.array(operands))) }
    static func set(_ operands: [Operand]) -> Operand { .composed(Composition(.set(operands))) }

    static func object(_ members: [(key: Operand, value: Operand)]) -> Operand {
        .composed(Composition(members))
    }
}

/// A collection that is put together each time.
final class Composition {
    enum Kind {
        case array([Operand])
        case set([Operand])
        case object([(key: Operand, value: Operand)])
        /// An object whose keys are known beforehand; sorted.
        case record(keys: [Value], values: [Operand])
    }

    let kind: Kind

    init(_ kind: Kind) { self.kind = kind }

    init(_ members: [(key: Operand, value: Operand)]) {
        var known: [(Value, Value)] = []
        for (index, member) in members.enumerated() {
            if case .constant(let key) = member.key { known.append((key, .int(index))) }
        }
        let order = ObjectValue(known)
        guard order.count == members.count else {
            kind = .object(members)
            return
        }
        kind = .record(
            keys: order.keys,
            values: order.values.map { place in
                guard case .int(let index) = place else { return .constant(.null) }
                return members[index].value
            })
    }

    func value(_ machine: Machine) -> Value {
        switch kind {
        case .array(let operands): .array(operands.map { $0.value(machine) })
        case .set(let operands): .set(SetValue(operands.map { $0.value(machine) }))
        case .object(let members):
            .object(ObjectValue(members.map { ($0.key.value(machine), $0.value.value(machine)) }))
        case .record(let keys, let values):
            .object(ObjectValue(sortedKeys: keys, values: values.map { $0.value(machine) }))
        }
    }
}

/// What a value is held against: parts that are known are compared, the others are bound.
enum Matcher {
    case any
    case bind(Int)
    case check(Operand)
    case array([Matcher])
    case object([(key: Operand, value: Matcher)])

    var isAny: Bool {
        if case .any = self { return true }
        return false
    }

    @inline(__always)
    func matches(_ value: consuming Value, _ machine: Machine) -> Bool {
        switch self {
        case .any: return true
        case .bind(let slot):
            machine[slot] = value
            return true
        case .check(let operand): return equal(operand.value(machine), value)
        default: return matchesParts(value, machine)
        }
    }

    private func matchesParts(_ value: Value, _ machine: Machine) -> Bool {
        switch self {
        case .array(let patterns):
            guard let elements = value.elements, elements.count == patterns.count else { return false }
            for (pattern, element) in zip(patterns, elements) where !pattern.matches(element, machine) { return false }
            return true
        case .object(let members):
            guard value.kind == .object, value.count == members.count else { return false }
            for (key, pattern) in members {
                guard let member = lookup(value, key.value(machine)), pattern.matches(member, machine) else {
                    return false
                }
            }
            return true
        default: return matches(value, machine)
        }
    }
}

/// What a value has under a key: a member, an element, or a set's member itself. Nil is undefined.
func lookup(_ value: Value, _ key: Value) -> Value? {
    switch value {
    case .node(let node):
        if node.isObject {
            switch key {
            case .string(let name): return node[dynamic: name].map { .node($0) }
            default: return key.text.flatMap { node[dynamic: $0] }.map { .node($0) }
            }
        }
        guard node.isArray, let index = index(key) else { return nil }
        return node[index].map { .node($0) }
    case .object(let object):
        if case .string(let name) = key { return object[name] }
        return object[key]
    case .array(let elements):
        guard let index = index(key), index >= 0, index < elements.count else { return nil }
        return elements[index]
    case .set(let set):
        let place = set.place(of: key)
        return place.found ? set.members[place.index] : nil
    default: return nil
    }
}

/// The same for a key that is a string.
@inline(__always)
func lookup(_ value: Value, named name: String) -> Value? {
    switch value {
    case .node(let node): node[dynamic: name].map { .node($0) }
    case .object(let object): object[name]
    case .set: lookup(value, .string(name))
    default: nil
    }
}

private func index(_ key: Value) -> Int? {
    switch key {
    case .int(let index): index
    case .node(let node): node.int
    case .number: key.wide.flatMap { Int(exactly: $0) }
    default: nil
    }
}

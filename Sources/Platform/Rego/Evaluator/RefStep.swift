// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// Follows a reference from a known value; runs what follows for each way there is.
class RefStep: Step {
    enum Key {
        case name(String)
        /// Known when the step runs.
        case known(Operand)
        /// Bound by the step, to each key there is.
        case open(Matcher)
    }

    final let keys: [Key]
    /// What the value is held against.
    final let result: Matcher
    /// A false value stops the line: the reference stands alone.
    final let isTest: Bool
    final let next: Step
    /// Starts at `data`, where a key may be written as a number.
    private final let isDocument: Bool

    init(_ keys: [Key], result: Matcher, isTest: Bool, isDocument: Bool = false, next: Step) {
        (self.result, self.isTest, self.isDocument, self.next) = (result, isTest, isDocument, next)
        self.keys = keys.map { key in
            if case .known(.constant(.string(let name))) = key { return .name(name) }
            return key
        }
    }

    /// Where the reference begins; nil is undefined.
    func start(_ machine: Machine) throws -> Value? { nil }

    override func run(_ machine: Machine) throws -> Bool {
        try machine.tick()
        guard let value = try start(machine) else { return true }
        return try follow(value, 0, machine)
    }

    /// Goes on from a value with the keys from `at` on.
    final func follow(_ start: consuming Value, _ at: Int, _ machine: Machine) throws -> Bool {
        var at = at
        while at < keys.count {
            switch keys[at] {
            case .name(let name):
                guard let next = lookup(start, named: name) else { return true }
                start = next
            case .known(let operand):
                guard let next = member(start, operand.value(machine)) else { return true }
                start = next
            case .open(let pattern):
                return try each(start, pattern, at + 1, machine)
            }
            at += 1
        }
        return try arrive(start, machine)
    }

    /// Goes on from every member whose key fits.
    private final func each(_ value: Value, _ pattern: Matcher, _ at: Int, _ machine: Machine) throws -> Bool {
        switch value {
        case .node(let node) where node.isArray:
            var index = 0
            for element in node.elements {
                try machine.tick()
                if pattern.matches(.int(index), machine), try !goOn(.node(element), at, machine) { return false }
                index += 1
            }
        case .node(let node):
            for (key, value) in node.sortedMembers {
                try machine.tick()
                if pattern.matches(.string(key), machine), try !goOn(.node(value), at, machine) { return false }
            }
        case .array(let elements):
            for (index, element) in elements.enumerated() {
                try machine.tick()
                if pattern.matches(.int(index), machine), try !goOn(element, at, machine) { return false }
            }
        case .object(let object):
            for index in object.keys.indices {
                try machine.tick()
                if pattern.matches(object.keys[index], machine), try !goOn(object.values[index], at, machine) {
                    return false
                }
            }
        case .set(let set):
            for member in set.members {
                try machine.tick()
                if pattern.matches(member, machine), try !goOn(member, at, machine) { return false }
            }
        default: break
        }
        return true
    }

    @inline(__always)
    private final func goOn(_ member: consuming Value, _ at: Int, _ machine: Machine) throws -> Bool {
        at == keys.count ? try arrive(member, machine) : try follow(member, at, machine)
    }

    @inline(__always)
    private final func member(_ value: Value, _ key: Value) -> Value? {
        lookup(value, key) ?? (isDocument ? PlainDocuments.member(value, key) : nil)
    }

    /// At the end of the path.
    @inline(__always)
    final func arrive(_ value: consuming Value, _ machine: Machine) throws -> Bool {
        if isTest { return value.isFalse ? true : try next.run(machine) }
        return result.matches(value, machine) ? try next.run(machine) : true
    }
}

/// A reference that begins at a term.
final class TermRefStep: RefStep {
    private let operand: Operand

    init(_ operand: Operand, _ keys: [Key], result: Matcher, isTest: Bool, next: Step) {
        self.operand = operand
        super.init(keys, result: result, isTest: isTest, next: next)
    }

    override func start(_ machine: Machine) -> Value? { operand.value(machine) }
}

/// A reference that begins at a variable, with a key that is known when it is compiled.
final class MemberStep: RefStep {
    private let slot: Int
    private let name: String

    init(_ slot: Int, _ name: String, _ keys: [Key], result: Matcher, isTest: Bool, next: Step) {
        (self.slot, self.name) = (slot, name)
        super.init(keys, result: result, isTest: isTest, next: next)
    }

    override func start(_ machine: Machine) -> Value? { lookup(machine[slot], named: name) }
}

/// A reference that begins at `input`.
final class InputStep: RefStep {
    private let path: InputPath

    init(_ path: InputPath, _ keys: [Key], result: Matcher, isTest: Bool, next: Step) {
        self.path = path
        super.init(keys, result: result, isTest: isTest, next: next)
    }

    override func start(_ machine: Machine) -> Value? { machine.document(path) }
}

/// A reference to documents that no rule makes.
final class DataStep: RefStep {
    init(_ keys: [Key], result: Matcher, isTest: Bool, next: Step) {
        super.init(keys, result: result, isTest: isTest, isDocument: true, next: next)
    }

    override func start(_ machine: Machine) -> Value? { machine.data }
}

/// A reference to a place that rules may make or have part in.
final class TreeStep: RefStep {
    private let node: RuleNode

    init(_ node: RuleNode, _ keys: [Key], result: Matcher, isTest: Bool, next: Step) {
        self.node = node
        super.init(keys, result: result, isTest: isTest, isDocument: true, next: next)
    }

    override func run(_ machine: Machine) throws -> Bool {
        try machine.tick()
        if node.isPlainRule, machine.overridden.isEmpty {
            guard !node.isFunction, let value = try machine.answer(node.ruleSet) else { return true }
            return try follow(value, 0, machine)
        }
        return try machine.follow(node, PlainDocuments.find(node.path, in: machine.data), 0, self)
    }
}

/// Places in plain documents.
enum PlainDocuments {
    static func find(_ path: [String], in data: Value) -> Value? {
        var value = data
        for name in path {
            guard let next = lookup(value, .string(name)) else { return nil }
            value = next
        }
        return value
    }

    /// A key of a stored document may be written as a number: `data[2]`.
    static func member(_ value: Value, _ key: Value) -> Value? {
        guard value.kind == .object, case .int(let number) = key.resolved else { return nil }
        return lookup(value, .string("\(number)"))
    }

    /// The document with a value put at a path; what is no object on the way makes room for one.
    static func put(_ value: Value, at path: ArraySlice<String>, in document: Value?) -> Value {
        guard let name = path.first else { return value }
        var object = document?.members ?? ObjectValue()
        object.set(.string(name), put(value, at: path.dropFirst(), in: object[name]))
        return .object(object)
    }
}

extension Machine {
    /// Keys and values of a collection in order; a set's members are both.
    func forEach(_ value: Value, _ body: (Value, Value) throws -> Bool) throws -> Bool {
        switch value {
        case .array(let elements):
            for (index, element) in elements.enumerated() where try !body(.int(index), element) { return false }
        case .object(let object):
            for (key, value) in zip(object.keys, object.values) where try !body(key, value) { return false }
        case .set(let set):
            for member in set.members where try !body(member, member) { return false }
        case .node(let node):
            if node.isArray {
                var index = 0
                for element in node.elements {
                    if try !body(.int(index), .node(element)) { return false }
                    index += 1
                }
            } else if node.isObject {
                let object = ObjectValue(node)
                for (key, value) in zip(object.keys, object.values) where try !body(key, value) { return false }
            }
        default: break
        }
        return true
    }
}

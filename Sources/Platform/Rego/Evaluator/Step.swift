// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// One line of a compiled body. It runs what follows once for every way in which it holds.
///
/// The chain ends in a step that emits. `false` means that whoever runs the chain has enough.
class Step {
    func run(_ machine: Machine) throws -> Bool { true }
}

/// A term that must be defined and not false.
final class TestStep: Step {
    let operand: Operand
    let next: Step

    init(_ operand: Operand, _ next: Step) { (self.operand, self.next) = (operand, next) }

    override func run(_ machine: Machine) throws -> Bool {
        try machine.tick()
        return operand.value(machine).isFalse ? true : try next.run(machine)
    }
}

/// A known value held against a pattern.
final class MatchStep: Step {
    let operand: Operand
    let pattern: Matcher
    let next: Step

    init(_ operand: Operand, _ pattern: Matcher, _ next: Step) {
        (self.operand, self.pattern, self.next) = (operand, pattern, next)
    }

    override func run(_ machine: Machine) throws -> Bool {
        try machine.tick()
        return pattern.matches(operand.value(machine), machine) ? try next.run(machine) : true
    }
}

/// What never holds: `[x] = [1, 2]`.
final class FailStep: Step {}

/// Runs a body of its own, and goes on when it does not hold.
final class NotStep: Step {
    let body: Step
    let next: Step

    init(_ body: Step, _ next: Step) { (self.body, self.next) = (body, next) }

    override func run(_ machine: Machine) throws -> Bool {
        try machine.tick()
        return try machine.holds(body) ? true : try next.run(machine)
    }
}

/// The end of a body that need only hold once.
final class HoldsStep: Step {
    override func run(_ machine: Machine) throws -> Bool {
        machine.isSatisfied = true
        return false
    }
}

extension Machine {
    /// Whether a body that ends in `HoldsStep` holds.
    func holds(_ body: Step) throws -> Bool {
        let saved = isSatisfied
        isSatisfied = false
        _ = try body.run(self)
        let result = isSatisfied
        isSatisfied = saved
        return result
    }
}

/// A body that must hold for each element.
final class EveryStep: Step {
    let key: Int?
    let value: Int
    let domain: Operand
    let body: Step
    let next: Step

    init(key: Int?, value: Int, domain: Operand, body: Step, next: Step) {
        (self.key, self.value, self.domain, self.body, self.next) = (key, value, domain, body, next)
    }

    override func run(_ machine: Machine) throws -> Bool {
        try machine.tick()
        let domain = self.domain.value(machine)
        switch domain.kind {
        case .array, .object, .set: break
        default: return true
        }
        var all = true
        _ = try machine.forEach(domain) { key, value in
            try machine.tick()
            if let slot = self.key { machine[slot] = key }
            machine[self.value] = value
            if try !machine.holds(body) { all = false }
            return all
        }
        return all ? try next.run(machine) : true
    }
}

/// Collects what a body gives into an array, set or object.
final class ComprehensionStep: Step {
    let kind: ResolvedTerm.Comprehension.Kind
    let body: Step
    let slot: Int
    let next: Step

    init(_ kind: ResolvedTerm.Comprehension.Kind, body: Step, slot: Int, next: Step) {
        (self.kind, self.body, self.slot, self.next) = (kind, body, slot, next)
    }

    override func run(_ machine: Machine) throws -> Bool {
        try machine.tick()
        let found = try machine.collect(body)
        switch kind {
        case .array: machine[slot] = .array(found)
        case .set: machine[slot] = .set(SetValue(found))
        case .object: machine[slot] = .object(try uniqueObject(found))
        }
        return try next.run(machine)
    }
}

/// Keys and values by turns, into an object; a key with two values is an error.
func uniqueObject(_ found: [Value]) throws -> ObjectValue {
    var members: [(Value, Value)] = []
    members.reserveCapacity(found.count / 2)
    for index in stride(from: 0, to: found.count - 1, by: 2) { members.append((found[index], found[index + 1])) }
    let object = ObjectValue(members)
    if object.count == members.count { return object }
    for (key, value) in members {
        if let kept = object[key], !equal(kept, value) {
            throw RegoError(.evalConflict, "object keys must be unique")
        }
    }
    return object
}

/// Keeps values for `collect`.
final class CollectStep: Step {
    let operands: [Operand]

    init(_ operands: [Operand]) { self.operands = operands }

    override func run(_ machine: Machine) throws -> Bool {
        try machine.tick()
        for operand in operands { machine.keep(operand.value(machine)) }
        return true
    }
}

/// Gives the value of a complete rule or a function.
final class ReturnStep: Step {
    let operand: Operand
    /// All rules give this one value: the first is enough.
    let isEnough: Bool
    let isFunction: Bool

    init(_ operand: Operand, isEnough: Bool, isFunction: Bool) {
        (self.operand, self.isEnough, self.isFunction) = (operand, isEnough, isFunction)
    }

    override func run(_ machine: Machine) throws -> Bool {
        let value = operand.value(machine)
        if let known = machine.returned {
            if !equal(known, value) {
                throw RegoError(
                    .evalConflict,
                    isFunction
                        ? "functions must not produce multiple outputs for same inputs"
                        : "complete rules must not produce multiple outputs")
            }
        } else {
            machine.returned = value
        }
        return !isEnough
    }
}

/// Strings put together from parts that may be undefined.
final class TemplateStep: Step {
    enum Piece {
        case text(String)
        /// A set with what the expression gave.
        case slot(Int)
    }
    let pieces: [Piece]
    let slot: Int
    let next: Step

    init(_ pieces: [Piece], slot: Int, next: Step) { (self.pieces, self.slot, self.next) = (pieces, slot, next) }

    override func run(_ machine: Machine) throws -> Bool {
        try machine.tick()
        var text = ""
        for piece in pieces {
            switch piece {
            case .text(let part): text += part
            case .slot(let slot):
                let members = machine[slot].setMembers?.members ?? []
                if members.count > 1 {
                    throw RegoError(.evalConflict, "template-strings must not produce multiple outputs")
                }
                text += members.first.map { $0.text ?? $0.regoText } ?? "<undefined>"
            }
        }
        try machine.context.spend(text.utf8.count)
        machine[slot] = .string(text)
        return try next.run(machine)
    }
}

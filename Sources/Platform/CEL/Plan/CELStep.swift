// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// One part of a compiled expression.
///
/// Unchecked Sendable: a class with subclasses cannot be checked; all of them have constants only, and are not changed
/// once made.
class CELStep: @unchecked Sendable {
    func evaluate(_ run: CELEvaluator) throws(CELError) -> CELValue {
        throw CELEvaluator.error("an expression without a meaning")
    }

    /// Whether it is true; nil where it is neither true nor false.
    func decide(_ run: CELEvaluator) throws(CELError) -> Bool? {
        switch try evaluate(run) {
        case .bool(let bool): bool
        case .node(let node): node.bool
        default: nil
        }
    }

    /// - Parameter what: for the error where it is neither true nor false.
    @inline(__always)
    final func holds(_ run: CELEvaluator, _ what: StaticString) throws(CELError) -> Bool {
        if let bool = try decide(run) { return bool }
        throw CELEvaluator.error("no such overload: \(what)")
    }
}

/// A part that is true or false.
class TestStep: CELStep, @unchecked Sendable {
    func test(_ run: CELEvaluator) throws(CELError) -> Bool { false }

    final override func evaluate(_ run: CELEvaluator) throws(CELError) -> CELValue { .bool(try test(run)) }

    final override func decide(_ run: CELEvaluator) throws(CELError) -> Bool? { try test(run) }
}

final class LiteralStep: CELStep, @unchecked Sendable {
    let value: CELValue

    init(_ value: CELValue) { self.value = value }

    override func evaluate(_ run: CELEvaluator) throws(CELError) -> CELValue { value }
}

final class LocalStep: CELStep, @unchecked Sendable {
    let slot: Int

    init(_ slot: Int) { self.slot = slot }

    override func evaluate(_ run: CELEvaluator) throws(CELError) -> CELValue {
        try run.pay(1)
        return try run.local(slot)
    }
}

/// A declared variable.
final class VariableStep: CELStep, @unchecked Sendable {
    private let slot: Int
    private let name: String
    private let cost: Int

    init(_ slot: Int, _ name: String) {
        (self.slot, self.name) = (slot, name)
        // A name of several parts is as dear as the way to it.
        cost = name.utf8.reduce(1) { $1 == 0x2E ? $0 + 1 : $0 }
    }

    override func evaluate(_ run: CELEvaluator) throws(CELError) -> CELValue {
        try run.pay(cost)
        guard let value = try run.variable(slot) else {
            throw CELEvaluator.error("undeclared reference to '\(name)'")
        }
        return value
    }
}

/// A variable, or what else a name may be.
final class NameStep: CELStep, @unchecked Sendable {
    private let slots: [Int]
    private let name: String
    private let otherwise: CELStep?

    init(_ slots: [Int], name: String, otherwise: CELStep?) {
        (self.slots, self.name, self.otherwise) = (slots, name, otherwise)
    }

    override func evaluate(_ run: CELEvaluator) throws(CELError) -> CELValue {
        for slot in slots {
            if let value = try run.variable(slot) {
                try run.pay(1)
                return value
            }
        }
        guard let otherwise else { throw CELEvaluator.error("undeclared reference to '\(name)'") }
        return try otherwise.evaluate(run)
    }
}

final class SelectStep: CELStep, @unchecked Sendable {
    private let target: CELStep
    private let field: String
    private let isOptional: Bool

    init(_ target: CELStep, _ field: String, isOptional: Bool) {
        (self.target, self.field, self.isOptional) = (target, field, isOptional)
    }

    override func evaluate(_ run: CELEvaluator) throws(CELError) -> CELValue {
        let value = try target.evaluate(run)
        try run.pay(1)
        return try SelectStep.select(value, field, isOptional: isOptional)
    }

    static func select(_ target: CELValue, _ field: String, isOptional: Bool) throws(CELError) -> CELValue {
        switch target {
        case .node(let node) where node.isObject:
            let member = node[dynamic: field]
            if isOptional { return .optional(member.map { .node($0) }) }
            guard let member else { throw CELEvaluator.error("no such key: \(field)") }
            return .node(member)
        case .map(let map):
            let value = map[text: field]
            if isOptional { return .optional(value) }
            guard let value else { throw CELEvaluator.error("no such key: \(field)") }
            return value
        case .optional(let inner):
            guard let inner else { return .optional(nil) }
            return try select(inner, field, isOptional: true)
        default: throw CELEvaluator.error("no such field: \(field) in \(target.typeName)")
        }
    }
}

/// `has(a.b)`
final class PresentStep: TestStep, @unchecked Sendable {
    private let target: CELStep
    private let field: String
    private let slots: [Int]

    init(_ target: CELStep, _ field: String, slots: [Int]) {
        (self.target, self.field, self.slots) = (target, field, slots)
    }

    override func test(_ run: CELEvaluator) throws(CELError) -> Bool {
        for slot in slots where try run.variable(slot) != nil { return true }
        return try PresentStep.isPresent(field, in: try target.evaluate(run))
    }

    static func isPresent(_ field: String, in value: CELValue) throws(CELError) -> Bool {
        switch value {
        case .node(let node) where node.isObject: return node[dynamic: field] != nil
        case .map(let map): return map[text: field] != nil
        case .optional(let inner):
            guard let inner else { return false }
            switch inner {
            case .node(let node): return node[dynamic: field] != nil
            case .map(let map): return map[text: field] != nil
            default: return false
            }
        default: throw CELEvaluator.error("no such field: \(field) in \(value.typeName)")
        }
    }
}

final class IndexStep: CELStep, @unchecked Sendable {
    private let target: CELStep
    private let index: CELStep
    private let isOptional: Bool

    init(_ target: CELStep, _ index: CELStep, isOptional: Bool) {
        (self.target, self.index, self.isOptional) = (target, index, isOptional)
    }

    override func evaluate(_ run: CELEvaluator) throws(CELError) -> CELValue {
        let target = try target.evaluate(run)
        let index = try index.evaluate(run)
        try run.pay(1)
        return try IndexStep.at(target, index.resolved, isOptional: isOptional)
    }

    private static func at(_ target: CELValue, _ index: CELValue, isOptional: Bool) throws(CELError) -> CELValue {
        switch target {
        case .node(let node) where node.isArray:
            let place = try place(index)
            return try given(node[place].map { .node($0) }, isOptional) { "index out of bounds: \(place)" }
        case .node(let node) where node.isObject:
            var found: CELValue?
            if case .string(let key) = index { found = node[dynamic: key].map { .node($0) } }
            return try given(found, isOptional) { noKey(index) }
        case .list(let elements):
            let place = try place(index)
            let found = elements.indices.contains(place) ? elements[place] : nil
            return try given(found, isOptional) { "index out of bounds: \(place)" }
        case .map(let map): return try given(map[index], isOptional) { noKey(index) }
        case .optional(let inner):
            guard let inner else { return .optional(nil) }
            return try at(inner, index, isOptional: true)
        default: throw CELEvaluator.error("no such overload: \(target.typeName)[]")
        }
    }

    private static func place(_ index: CELValue) throws(CELError) -> Int {
        switch index {
        case .int(let int): return int
        case .uint(let uint): return Int(exactly: uint) ?? -1
        case .double(let double): if let int = Int(exactly: double) { return int }
        default: break
        }
        throw CELEvaluator.error("no such overload: list[\(index.typeName)]")
    }

    private static func noKey(_ index: CELValue) -> String {
        switch index {
        case .bool, .int, .uint, .string: "no such key: \(CELText.plain(index))"
        default: "no such key: unsupported key type \(index.typeName)"
        }
    }

    private static func given(
        _ value: CELValue?, _ isOptional: Bool, _ problem: () -> String
    ) throws(CELError) -> CELValue {
        if isOptional { return .optional(value) }
        guard let value else { throw CELEvaluator.error(problem()) }
        return value
    }
}

/// A part under a name of its own.
final class BindStep: CELStep, @unchecked Sendable {
    private let slot: Int
    private let value: CELStep
    private let body: CELStep

    init(_ slot: Int, _ value: CELStep, _ body: CELStep) { (self.slot, self.value, self.body) = (slot, value, body) }

    override func evaluate(_ run: CELEvaluator) throws(CELError) -> CELValue {
        try run.pay(1)
        run.setLocal(slot, try value.evaluate(run))
        return try body.evaluate(run)
    }
}

/// Parts that are evaluated when they are first asked for.
final class BlockStep: CELStep, @unchecked Sendable {
    private let parts: [(Int, CELStep)]
    private let body: CELStep

    init(_ parts: [(Int, CELStep)], _ body: CELStep) { (self.parts, self.body) = (parts, body) }

    override func evaluate(_ run: CELEvaluator) throws(CELError) -> CELValue {
        for (slot, part) in parts { run.setPending(slot, part) }
        return try body.evaluate(run)
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation

/// A function or method by its body.
final class CallStep: CELStep, @unchecked Sendable {
    private let name: String
    private let body: CELFunctions.Body?
    private let arguments: [CELStep]
    private let cost: CELCost

    /// Whether there is an overload with so many arguments: bodies count on it.
    private let fits: Bool

    init(_ name: String, _ body: CELFunctions.Body?, _ arguments: [CELStep], isMethod: Bool = false) {
        (self.name, self.body, self.arguments) = (name, body, arguments)
        cost = CELCost(name)
        let overloads = CELDeclarations.overloads(name)?.filter { $0.isMethod == isMethod }
        fits = overloads?.contains { $0.parameters(for: arguments.count) != nil } ?? true
    }

    override func evaluate(_ run: CELEvaluator) throws(CELError) -> CELValue {
        if body == nil { throw CELEvaluator.error("unbound function: \(name)") }
        var values: [CELValue] = []
        values.reserveCapacity(arguments.count)
        for argument in arguments { values.append(try argument.evaluate(run)) }
        return try apply(values, run)
    }

    func apply(_ values: [CELValue], _ run: CELEvaluator) throws(CELError) -> CELValue {
        guard let body else { throw CELEvaluator.error("unbound function: \(name)") }
        guard fits else { throw CELFunctions.noOverload(name, values) }
        try run.pay(cost.units(values))
        do { return try body(values, run) } catch let error as CELError { throw error } catch {
            throw CELEvaluator.error("\(error)")
        }
    }
}

/// A function of a namespace, unless a variable has the namespace's name.
final class NamespaceStep: CELStep, @unchecked Sendable {
    private let slots: [Int]
    private let function: CELStep
    private let method: CELStep

    init(_ slots: [Int], _ function: CELStep, _ method: CELStep) {
        (self.slots, self.function, self.method) = (slots, function, method)
    }

    override func evaluate(_ run: CELEvaluator) throws(CELError) -> CELValue {
        for slot in slots where try run.variable(slot) != nil { return try method.evaluate(run) }
        return try function.evaluate(run)
    }
}

/// `&&` and `||`: an error counts only where the other side does not decide.
final class LogicStep: TestStep, @unchecked Sendable {
    private let one: CELStep
    private let two: CELStep
    private let stop: Bool

    init(_ one: CELStep, _ two: CELStep, stopsAt stop: Bool) { (self.one, self.two, self.stop) = (one, two, stop) }

    override func test(_ run: CELEvaluator) throws(CELError) -> Bool {
        let first: Bool
        do throws(CELError) { first = try one.holds(run, stop ? "||" : "&&") } catch {
            if error.code == .limit { throw error }
            return try second(run, after: error)
        }
        return first == stop ? stop : try two.holds(run, stop ? "||" : "&&")
    }

    private func second(_ run: CELEvaluator, after failure: CELError) throws(CELError) -> Bool {
        do throws(CELError) {
            if try two.holds(run, stop ? "||" : "&&") == stop { return stop }
        } catch {
            if error.code == .limit { throw error }
        }
        throw failure
    }
}

final class ConditionalStep: CELStep, @unchecked Sendable {
    private let condition: CELStep
    private let yes: CELStep
    private let no: CELStep

    init(_ condition: CELStep, _ yes: CELStep, _ no: CELStep) {
        (self.condition, self.yes, self.no) = (condition, yes, no)
    }

    override func evaluate(_ run: CELEvaluator) throws(CELError) -> CELValue {
        try condition.holds(run, "?:") ? try yes.evaluate(run) : try no.evaluate(run)
    }
}

final class NotStep: TestStep, @unchecked Sendable {
    private let inner: CELStep
    /// The same, where it is sure to be true or false.
    private let sure: TestStep?

    init(_ inner: CELStep) { (self.inner, sure) = (inner, inner as? TestStep) }

    override func test(_ run: CELEvaluator) throws(CELError) -> Bool {
        guard let sure else { return try plain(run) }
        let bool = try sure.test(run)
        try run.pay(1)
        return !bool
    }

    private func plain(_ run: CELEvaluator) throws(CELError) -> Bool {
        let value = try inner.evaluate(run)
        try run.pay(1)
        guard let bool = value.bool else { throw CELFunctions.noOverload("!_", [value]) }
        return !bool
    }
}

final class EqualStep: TestStep, @unchecked Sendable {
    private let one: CELStep
    private let two: CELStep
    private let isNegated: Bool

    init(_ one: CELStep, _ two: CELStep, isNegated: Bool) {
        (self.one, self.two, self.isNegated) = (one, two, isNegated)
    }

    override func test(_ run: CELEvaluator) throws(CELError) -> Bool {
        let (one, two) = (try one.evaluate(run), try two.evaluate(run))
        try run.pay(CELCost.equality(one, two))
        return CELValue.equal(one, two) != isNegated
    }
}

/// `string(a)`: of what is a text already nothing is made.
final class StringStep: CELStep, @unchecked Sendable {
    private let inner: CELStep
    private let call: CallStep

    init(_ inner: CELStep) {
        self.inner = inner
        call = CallStep("string", CELFunctions.function("string"), [inner])
    }

    override func evaluate(_ run: CELEvaluator) throws(CELError) -> CELValue {
        let value = try inner.evaluate(run)
        switch value {
        case .string: break
        case .node(let node) where node.kind == .string: break
        default: return try call.apply([value], run)
        }
        try run.pay(CELCost.tenth(of: value))
        return value
    }
}

/// `a in b`
final class MemberStep: TestStep, @unchecked Sendable {
    private let one: CELStep
    private let two: CELStep

    init(_ one: CELStep, _ two: CELStep) { (self.one, self.two) = (one, two) }

    override func test(_ run: CELEvaluator) throws(CELError) -> Bool {
        let (member, all) = (try one.evaluate(run), try two.evaluate(run))
        switch all {
        case .list(let elements):
            try run.pay(elements.count)
            return elements.contains { CELValue.equal($0, member) }
        case .map(let map):
            try run.pay(1)
            return map[member.resolved] != nil
        case .node(let node) where node.isArray:
            try run.pay(node.count)
            if case .node(let text) = member, text.kind == .string {
                for element in node.elements where element.hasSameText(as: text) { return true }
                return false
            }
            return node.elements.contains { CELValue.equal(.node($0), member) }
        case .node(let node) where node.isObject:
            try run.pay(1)
            guard case .string(let key) = member.resolved else { return false }
            return node[dynamic: key] != nil
        default: throw CELFunctions.noOverload("@in", [member, all])
        }
    }
}

/// `a.or(b)` and `a.orValue(b)`: `b` is looked at only where there is nothing in `a`.
final class OptionalOrStep: CELStep, @unchecked Sendable {
    private let target: CELStep
    private let other: CELStep
    private let isValue: Bool

    init(_ target: CELStep, _ other: CELStep, isValue: Bool) {
        (self.target, self.other, self.isValue) = (target, other, isValue)
    }

    override func evaluate(_ run: CELEvaluator) throws(CELError) -> CELValue {
        try run.pay(1)
        let value = try target.evaluate(run)
        // What is no optional is there, as cel-go has it.
        guard case .optional(let inner) = value else { return value }
        if let inner { return isValue ? inner : value }
        let second = try other.evaluate(run)
        if isValue { return second }
        guard case .optional = second else { throw CELEvaluator.error("no such overload: or") }
        return second
    }
}

/// Tests of texts, in the bytes where they stand.
final class TextTestStep: TestStep, @unchecked Sendable {
    enum Test: String { case startsWith, endsWith, contains }

    private let kind: Test
    private let target: CELStep
    private let part: CELStep

    init(_ kind: Test, _ target: CELStep, _ part: CELStep) {
        (self.kind, self.target, self.part) = (kind, target, part)
    }

    override func test(_ run: CELEvaluator) throws(CELError) -> Bool {
        let (target, part) = (try target.evaluate(run), try part.evaluate(run))
        try run.pay(CELCost.tenth(of: target) * (kind == .contains ? CELCost.tenth(of: part) : 1))
        let kind = kind
        let found = target.withBytes { bytes in
            part.withBytes { piece -> Bool in
                guard piece.count <= bytes.count, let start = bytes.baseAddress, let wanted = piece.baseAddress else {
                    return piece.isEmpty
                }
                switch kind {
                case .startsWith: return memcmp(start, wanted, piece.count) == 0
                case .endsWith: return memcmp(start + (bytes.count - piece.count), wanted, piece.count) == 0
                case .contains: return TextTestStep.contains(bytes, piece)
                }
            }
        }
        guard case .some(.some(let holds)) = found else {
            throw CELFunctions.noOverload(kind.rawValue, [target, part])
        }
        return holds
    }

    private static func contains(_ bytes: UnsafeBufferPointer<UInt8>, _ piece: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let start = bytes.baseAddress, let wanted = piece.baseAddress, !piece.isEmpty else {
            return piece.isEmpty
        }
        var at = 0
        // From one place with the first byte to the next.
        while at + piece.count <= bytes.count {
            guard let found = memchr(start + at, Int32(wanted[0]), bytes.count - piece.count - at + 1) else {
                return false
            }
            at = UnsafeRawPointer(found) - UnsafeRawPointer(start)
            if memcmp(start + at, wanted, piece.count) == 0 { return true }
            at += 1
        }
        return false
    }
}

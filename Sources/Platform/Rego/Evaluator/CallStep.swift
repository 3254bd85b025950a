// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// What a call runs.
enum FunctionTarget {
    case builtin(Builtin)
    case rules(RuleSet)

    var name: String {
        switch self {
        case .builtin(let builtin): builtin.name
        case .rules(let set): set.name
        }
    }
}

/// Calls a function and holds its answer against a pattern.
class CallStep: Step {
    final let name: String
    final let arguments: [Operand]
    final let result: Matcher
    /// The call stands alone: a false answer stops the line.
    final let isTest: Bool
    final let location: Location
    final let next: Step

    init(
        _ name: String, _ arguments: [Operand], result: Matcher, isTest: Bool, location: Location, next: Step
    ) {
        (self.name, self.arguments, self.result, self.isTest, self.location, self.next) =
            (name, arguments, result, isTest, location, next)
    }

    @inline(__always)
    final func arrive(_ value: consuming Value, _ machine: Machine) throws -> Bool {
        if isTest { return value.isFalse ? true : try next.run(machine) }
        return result.matches(value, machine) ? try next.run(machine) : true
    }

    /// Runs what stands in for the function; nil when nothing does.
    final func instead(_ machine: Machine) throws -> Bool? {
        guard let mock = machine.mocks[name] else { return nil }
        switch mock {
        case .value(let value): return try arrive(value, machine)
        case .function(.rules(let set)): return try mocked(set, machine)
        case .function(.builtin(let builtin)): return try call(builtin, machine)
        }
    }

    /// What stands in for a function calls the functions themselves.
    private func mocked(_ set: RuleSet, _ machine: Machine) throws -> Bool {
        let mocks = machine.mocks
        machine.mocks = [:]
        let value: Value?
        do {
            value = try machine.call(set, arguments)
        } catch {
            machine.mocks = mocks
            throw error
        }
        machine.mocks = mocks
        return try value.map { try arrive($0, machine) } ?? true
    }

    /// Unwinds a relation whose caller has enough.
    private struct Stop: Error {}

    /// Calls a function of the language.
    final func call(_ builtin: Builtin, _ machine: Machine) throws -> Bool {
        if let arity = builtin.arity, arity != arguments.count {
            throw RegoError(
                .type, "\(builtin.name): arity mismatch: expected \(arity) arguments, got \(arguments.count)",
                at: location)
        }
        if case .relation(let body) = builtin.body {
            var goesOn = true
            do {
                try body(arguments.first?.value(machine) ?? .null, machine.context) { value in
                    goesOn = try self.arrive(value, machine)
                    if !goesOn { throw Stop() }
                }
            } catch is Stop {
            } catch let error as BuiltinError {
                try fail(error, builtin.name, machine)
            }
            return goesOn
        }
        let value: Value?
        do {
            switch builtin.body {
            case .zero(let body): value = try body(machine.context)
            case .one(let body): value = try body(arguments[0].value(machine), machine.context)
            case .two(let body):
                value = try body(arguments[0].value(machine), arguments[1].value(machine), machine.context)
            case .many(let body): value = try body(arguments.map { $0.value(machine) }, machine.context)
            case .relation: value = nil
            }
        } catch let error as BuiltinError {
            try fail(error, builtin.name, machine)
            return true
        }
        guard let value else { return true }
        return try arrive(value, machine)
    }

    /// Without strict errors a call that fails is undefined.
    final func fail(_ error: BuiltinError, _ name: String, _ machine: Machine) throws {
        guard machine.isStrict else { return }
        throw RegoError(
            error.code == .type ? .evalType : .evalBuiltin, "\(name): \(error.message)", at: location)
    }
}

/// Calls a function of the policy.
final class RuleCallStep: CallStep {
    private let set: RuleSet

    init(_ set: RuleSet, _ arguments: [Operand], result: Matcher, isTest: Bool, location: Location, next: Step) {
        self.set = set
        super.init(set.name, arguments, result: result, isTest: isTest, location: location, next: next)
    }

    override func run(_ machine: Machine) throws -> Bool {
        try machine.tick()
        if machine.hasMocks, let done = try instead(machine) { return done }
        guard let value = try machine.call(set, arguments) else { return true }
        return try arrive(value, machine)
    }
}

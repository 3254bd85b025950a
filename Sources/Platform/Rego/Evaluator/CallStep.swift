// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// What a call runs.
enum FunctionTarget {
    case builtin(Builtin)
    /// A set of rules by its number.
    case rules(Int, name: String)

    var name: String {
        switch self {
        case .builtin(let builtin): builtin.name
        case .rules(_, let name): name
        }
    }
}

/// Calls a function and holds its answer against a pattern.
final class CallStep: Step {
    let target: FunctionTarget
    let arguments: [Operand]
    let result: Matcher
    /// The call stands alone: a false answer stops the line.
    let isTest: Bool
    let location: Location
    let next: Step

    init(
        _ target: FunctionTarget, _ arguments: [Operand], result: Matcher, isTest: Bool, location: Location, next: Step
    ) {
        (self.target, self.arguments, self.result, self.isTest, self.location, self.next) =
            (target, arguments, result, isTest, location, next)
    }

    override func run(_ machine: Machine) throws -> Bool {
        try machine.tick()
        var target = self.target
        if !machine.mocks.isEmpty, let mock = machine.mocks[target.name] {
            switch mock {
            case .value(let value): return try arrive(value, machine)
            case .function(let other):
                if case .rules(let number, _) = other { return try mocked(number, machine) }
                target = other
            }
        }
        switch target {
        case .rules(let number, _):
            guard let value = try machine.call(number, arguments.map { $0.value(machine) }) else { return true }
            return try arrive(value, machine)
        case .builtin(let builtin):
            if case .relation(let body) = builtin.body {
                return try relation(builtin, body, machine)
            }
            guard let value = try call(builtin, machine) else { return true }
            return try arrive(value, machine)
        }
    }

    /// What stands in for a function calls the functions themselves.
    private func mocked(_ number: Int, _ machine: Machine) throws -> Bool {
        let mocks = machine.mocks
        machine.mocks = [:]
        let value: Value?
        do {
            value = try machine.call(number, arguments.map { $0.value(machine) })
        } catch {
            machine.mocks = mocks
            throw error
        }
        machine.mocks = mocks
        return try value.map { try arrive($0, machine) } ?? true
    }

    /// Unwinds a relation whose caller has enough.
    private struct Stop: Error {}

    private func relation(
        _ builtin: Builtin, _ body: (Value, BuiltinContext, (Value) throws -> Void) throws -> Void, _ machine: Machine
    ) throws -> Bool {
        var goesOn = true
        do {
            try body(arguments.first?.value(machine) ?? .null, machine.context) { value in
                goesOn = try self.arrive(value, machine)
                if !goesOn { throw Stop() }
            }
        } catch is Stop {
        } catch let error as BuiltinError {
            try fail(error, builtin, machine)
        }
        return goesOn
    }

    @inline(__always)
    private func arrive(_ value: Value, _ machine: Machine) throws -> Bool {
        if isTest { return value.isFalse ? true : try next.run(machine) }
        return result.matches(value, machine) ? try next.run(machine) : true
    }

    private func call(_ builtin: Builtin, _ machine: Machine) throws -> Value? {
        do {
            switch builtin.body {
            case .zero(let body): return try body(machine.context)
            case .one(let body): return try body(arguments[0].value(machine), machine.context)
            case .two(let body):
                return try body(arguments[0].value(machine), arguments[1].value(machine), machine.context)
            case .many(let body): return try body(arguments.map { $0.value(machine) }, machine.context)
            case .relation: return nil
            }
        } catch let error as BuiltinError {
            try fail(error, builtin, machine)
            return nil
        }
    }

    /// Without strict errors a call that fails is undefined.
    private func fail(_ error: BuiltinError, _ builtin: Builtin, _ machine: Machine) throws {
        guard machine.isStrict else { return }
        throw RegoError(
            error.code == .type ? .evalType : .evalBuiltin, "\(builtin.name): \(error.message)", at: location)
    }
}

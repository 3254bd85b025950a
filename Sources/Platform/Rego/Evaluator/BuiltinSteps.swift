// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Calls a function of the language, whatever its body.
final class BuiltinStep: CallStep {
    private let builtin: Builtin

    init(_ builtin: Builtin, _ arguments: [Operand], result: Matcher, isTest: Bool, location: Location, next: Step) {
        self.builtin = builtin
        super.init(builtin.name, arguments, result: result, isTest: isTest, location: location, next: next)
    }

    override func run(_ machine: Machine) throws -> Bool {
        try machine.tick()
        if machine.hasMocks, let done = try instead(machine) { return done }
        return try call(builtin, machine)
    }
}

/// Calls a function of the language that gives one answer.
class AnswerStep: CallStep {
    /// Where the answer is kept when it is the same each time; -1 when it is not.
    private let memo: Int

    init(
        _ name: String, _ arguments: [Operand], memo: Int, result: Matcher, isTest: Bool, location: Location,
        next: Step
    ) {
        self.memo = memo
        super.init(name, arguments, result: result, isTest: isTest, location: location, next: next)
    }

    func answer(_ machine: Machine) throws -> Value? { nil }

    final override func run(_ machine: Machine) throws -> Bool {
        try machine.tick()
        // What is computed from the answer of a stand-in is not what it is otherwise.
        let isKept = memo >= 0 && !machine.hasMocks
        if machine.hasMocks, let done = try instead(machine) { return done }
        if isKept {
            switch machine.memos[memo] {
            case .value(let value): return try arrive(value, machine)
            case .undefined: return true
            case .unknown: break
            }
        }
        let value: Value?
        do {
            value = try answer(machine)
        } catch let error as BuiltinError {
            try fail(error, name, machine)
            value = nil
        }
        if isKept { machine.memos[memo] = value.map { .value($0) } ?? .undefined }
        guard let value else { return true }
        return try arrive(value, machine)
    }
}

final class OneStep: AnswerStep {
    typealias Body = @Sendable (Value, BuiltinContext) throws -> Value?
    private let body: Body
    private let argument: Operand

    init(
        _ name: String, _ body: @escaping Body, _ arguments: [Operand], memo: Int, result: Matcher, isTest: Bool,
        location: Location, next: Step
    ) {
        self.body = body
        argument = arguments[0]
        super.init(name, arguments, memo: memo, result: result, isTest: isTest, location: location, next: next)
    }

    override func answer(_ machine: Machine) throws -> Value? { try body(argument.value(machine), machine.context) }
}

final class TwoStep: AnswerStep {
    typealias Body = @Sendable (Value, Value, BuiltinContext) throws -> Value?
    private let body: Body
    private let first: Operand
    private let second: Operand

    init(
        _ name: String, _ body: @escaping Body, _ arguments: [Operand], memo: Int, result: Matcher, isTest: Bool,
        location: Location, next: Step
    ) {
        self.body = body
        (first, second) = (arguments[0], arguments[1])
        super.init(name, arguments, memo: memo, result: result, isTest: isTest, location: location, next: next)
    }

    override func answer(_ machine: Machine) throws -> Value? {
        try body(first.value(machine), second.value(machine), machine.context)
    }
}

final class ManyStep: AnswerStep {
    typealias Body = @Sendable ([Value], BuiltinContext) throws -> Value?
    private let body: Body

    init(
        _ name: String, _ body: @escaping Body, _ arguments: [Operand], memo: Int, result: Matcher, isTest: Bool,
        location: Location, next: Step
    ) {
        self.body = body
        super.init(name, arguments, memo: memo, result: result, isTest: isTest, location: location, next: next)
    }

    override func answer(_ machine: Machine) throws -> Value? {
        try body(arguments.map { $0.value(machine) }, machine.context)
    }
}

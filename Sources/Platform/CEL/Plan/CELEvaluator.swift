// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// Evaluates expressions over one set of variables, each of which is computed once, when it is first asked for. Used by
/// one thread.
package final class CELEvaluator {
    package typealias Lookup = (String) throws(CELError) -> CELValue?

    enum Slot {
        /// Nobody has asked for it yet.
        case unasked
        case absent
        case value(CELValue)
        case program(CELProgram)
        /// What a program gave in an evaluation before this one, and what that cost by itself.
        case known(CELProgram, CELValue, cost: Int)
        case maker(() -> CELValue)
        /// Being computed: whoever asks now asks in a circle.
        case running
    }

    // One thread, and no call that is given any of these in place: checking each access would cost more than the access.
    @exclusivity(unchecked) private var slots: [Slot]
    private let names: [String]
    private let lookup: Lookup?
    @exclusivity(unchecked) private var locals: [CELValue?] = []
    /// Where the running program's locals begin.
    @exclusivity(unchecked) private var base = 0
    /// Parts of `cel.block` that nobody has asked for yet.
    private var pending: [Int: CELStep] = [:]
    @exclusivity(unchecked) private var cost = 0
    @exclusivity(unchecked) private var limit = 0
    private var limits: CELLimits
    private var bytesLeft = 64 << 20
    private var height = 0
    /// What finished expressions cost.
    package private(set) var spent = 0
    private var running = ""
    /// By slot: what the programs of variables cost by themselves. Nil where nobody wants to know.
    private var ownCosts: [Int: Int]?
    private var lastCost = 0
    let authorizer: CELAuthorizer?

    /// Levels that programs which ask for each other's values may nest together.
    static let maxHeight = 2500

    /// For programs of one environment.
    package init(
        _ environment: CELEnvironment, limits: CELLimits = .standard, authorizer: CELAuthorizer? = nil
    ) {
        names = environment.names
        slots = Array(repeating: .absent, count: names.count)
        lookup = nil
        self.limits = limits
        self.authorizer = authorizer
    }

    /// For one program, whose names are looked up when it comes to them.
    init(_ program: CELProgram, limits: CELLimits, lookup: @escaping Lookup) {
        names = program.names
        slots = Array(repeating: .unasked, count: names.count)
        self.lookup = lookup
        self.limits = limits
        authorizer = nil
    }

    static func error(_ message: String) -> CELError { CELError(.evaluation, message) }

    package func set(_ slot: Int, _ value: CELValue) { slots[slot] = .value(value) }

    /// A variable that is computed when it is first asked for.
    package func define(_ slot: Int, _ program: CELProgram) { slots[slot] = .program(program) }

    /// A variable whose program gives the same here as in an evaluation before: it costs what it cost, and takes no time.
    package func define(_ slot: Int, _ program: CELProgram, gives value: CELValue, cost: Int) {
        slots[slot] = .known(program, value, cost: cost)
    }

    /// Keeps what variables cost by themselves, for `computed`.
    package func recordCosts() { ownCosts = [:] }

    /// What a variable's program gave, once it was asked for; nil before, and where costs are not recorded.
    package func computed(_ slot: Int) -> (value: CELValue, cost: Int)? {
        guard let cost = ownCosts?[slot], case .value(let value) = slots[slot] else { return nil }
        return (value, cost)
    }

    /// A variable that is made when it is first asked for.
    package func define(_ slot: Int, by make: @escaping () -> CELValue) { slots[slot] = .maker(make) }

    /// - Throws: what the expression ends in, or a limit that names it.
    package func evaluate(_ program: CELProgram) throws(CELError) -> CELValue {
        let outer = (base, cost, limit, running)
        guard height + program.height <= Self.maxHeight else {
            throw CELError(.limit, "the expressions nest deeper than \(Self.maxHeight) levels together")
        }
        height += program.height
        base = locals.count
        cost = 0
        limit = min(limits.expression, limits.budget - spent)
        running = program.text
        for _ in 0..<program.slotCount { locals.append(nil) }
        defer {
            locals.removeLast(locals.count - base)
            spent += cost
            lastCost = cost
            height -= program.height
            (base, cost, limit, running) = outer
            // What the inner expression spent is no longer there for the outer one.
            limit = min(limit, limits.budget - spent)
        }
        if spent > limits.budget { throw overspent() }
        return try program.root.evaluate(self)
    }

    /// Gives the expressions that follow a budget of their own.
    package func renew(_ limits: CELLimits) {
        self.limits = limits
        spent = 0
    }

    func pay(_ units: Int) throws(CELError) {
        cost += units
        if cost > limit { throw overspent() }
    }

    private func overspent() -> CELError {
        let text = running.prefix(100)
        if cost <= limits.expression {
            return CELError(
                .limit,
                "validation failed due to running out of cost budget, no further validation rules will be run: "
                    + "more than \(limits.budget) units in all, reached in: \(text)")
        }
        return CELError(
            .limit,
            "operation cancelled: actual cost limit exceeded: more than \(limits.expression) units for: \(text)")
    }

    /// Takes what a function makes from the evaluation's memory.
    func spend(_ bytes: Int) throws(CELError) {
        bytesLeft -= bytes
        if bytesLeft < 0 { throw CELError(.limit, "the evaluation uses more than 64 MiB") }
    }

    // MARK: Variables

    /// Nil where there is none.
    func variable(_ slot: Int) throws(CELError) -> CELValue? {
        switch slots[slot] {
        case .value(let value): return value
        case .absent: return nil
        case .running: throw Self.error("\(names[slot]) is defined by itself")
        case .maker(let make):
            let value = make()
            slots[slot] = .value(value)
            return value
        case .unasked:
            let value = try lookup?(names[slot])
            slots[slot] = value.map { .value($0) } ?? .absent
            return value
        case .program(let program):
            slots[slot] = .running
            let value: CELValue
            do throws(CELError) { value = try evaluate(program) } catch {
                slots[slot] = .program(program)
                if error.code == .limit { throw error }
                throw CELError(error.code, "\(names[slot]) fails to evaluate: \(error.message)")
            }
            slots[slot] = .value(value)
            ownCosts?[slot] = lastCost
            return value
        case .known(let program, let value, let units):
            // What it asked for itself was paid for with it.
            for other in program.used { if case .known = slots[other] { _ = try variable(other) } }
            guard units <= min(limits.expression, limits.budget - spent) else {
                // The error is that of computing it.
                slots[slot] = .program(program)
                return try variable(slot)
            }
            spent += units
            limit = min(limit, limits.budget - spent)
            slots[slot] = .value(value)
            return value
        }
    }

    func local(_ slot: Int) throws(CELError) -> CELValue {
        if let value = locals[base + slot] { return value }
        guard let part = pending[base + slot] else { throw Self.error("a variable has no value") }
        let value = try part.evaluate(self)
        locals[base + slot] = value
        return value
    }

    func setLocal(_ slot: Int, _ value: CELValue) { locals[base + slot] = value }

    func setPending(_ slot: Int, _ part: CELStep) {
        locals[base + slot] = nil
        pending[base + slot] = part
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// Evaluates expressions over one set of variables, each of which is computed once, when it is first asked for. Used by
/// one thread.
package final class CELEvaluator {
    package typealias Lookup = (String) throws(CELError) -> CELValue?

    enum State: UInt8 {
        case absent
        /// Nobody has asked for it yet: it is looked up.
        case unasked
        case value
        /// Its program has not been evaluated yet.
        case program
        /// Has the value that its program gave in an evaluation before this one.
        case known
        case maker
        /// Being computed: whoever asks now asks in a circle.
        case running

        var hasValue: Bool { self == .value || self == .known }
    }

    // One thread, and no call that is given any of these in place: checking each access would cost more than the access.
    private let count: Int
    private let states: UnsafeMutablePointer<State>
    /// Those that the states say are there.
    private let values: UnsafeMutablePointer<CELValue>
    /// What the programs of variables cost by themselves; -1 where they have not been evaluated.
    private let costs: UnsafeMutablePointer<Int>
    @exclusivity(unchecked) private var programs: [CELProgram?]
    private var makers: [Int: () -> CELValue] = [:]
    private let names: [String]
    private let lookup: Lookup?
    @exclusivity(unchecked) private var locals: UnsafeMutablePointer<CELValue?>
    @exclusivity(unchecked) private var localCapacity = 16
    @exclusivity(unchecked) private var localCount = 0
    /// Where the running program's locals begin.
    @exclusivity(unchecked) private var base = 0
    /// Parts of `cel.block` that nobody has asked for yet.
    private var pending: [Int: CELStep] = [:]
    @exclusivity(unchecked) private var cost = 0
    @exclusivity(unchecked) private var limit = 0
    private var limits: CELLimits
    private var bytesLeft = 64 << 20
    @exclusivity(unchecked) private var height = 0
    /// What finished expressions cost.
    @exclusivity(unchecked) package private(set) var spent = 0
    /// Whoever evaluates it holds it.
    @exclusivity(unchecked) private unowned(unsafe) var running: CELProgram?
    @exclusivity(unchecked) private var lastCost = 0
    let authorizer: CELAuthorizer?

    /// Levels that programs which ask for each other's values may nest together.
    static let maxHeight = 2500

    /// For programs of one environment.
    package convenience init(
        _ environment: CELEnvironment, limits: CELLimits = .standard, authorizer: CELAuthorizer? = nil
    ) {
        self.init(CELFrame(environment, variables: []), limits: limits, authorizer: authorizer)
    }

    /// For programs of one environment, with variables that are computed when they are first asked for.
    package convenience init(
        _ frame: CELFrame, limits: CELLimits = .standard, authorizer: CELAuthorizer? = nil
    ) {
        self.init(names: frame.names, programs: frame.programs, limits, lookup: nil, authorizer)
        frame.states.withUnsafeBufferPointer { own in
            if let start = own.baseAddress { states.update(from: start, count: count) }
        }
    }

    /// For one program, whose names are looked up when it comes to them.
    convenience init(_ program: CELProgram, limits: CELLimits, lookup: @escaping Lookup) {
        self.init(names: program.names, programs: [], limits, lookup: lookup, nil)
        states.update(repeating: .unasked, count: count)
    }

    private init(
        names: [String], programs: [CELProgram?], _ limits: CELLimits, lookup: Lookup?, _ authorizer: CELAuthorizer?
    ) {
        (self.names, self.programs, self.limits, self.lookup) = (names, programs, limits, lookup)
        self.authorizer = authorizer
        count = names.count
        states = UnsafeMutablePointer<State>.allocate(capacity: count)
        states.initialize(repeating: .absent, count: count)
        values = UnsafeMutablePointer<CELValue>.allocate(capacity: count)
        costs = UnsafeMutablePointer<Int>.allocate(capacity: count)
        costs.initialize(repeating: -1, count: count)
        locals = UnsafeMutablePointer<CELValue?>.allocate(capacity: localCapacity)
    }

    deinit {
        for slot in 0..<count where states[slot].hasValue { (values + slot).deinitialize(count: 1) }
        states.deallocate()
        values.deallocate()
        costs.deallocate()
        locals.deinitialize(count: localCount)
        locals.deallocate()
    }

    static func error(_ message: String) -> CELError { CELError(.evaluation, message) }

    private func put(_ slot: Int, _ value: consuming CELValue, as state: State) {
        precondition(slot >= 0 && slot < count)
        if states[slot].hasValue { values[slot] = value } else { (values + slot).initialize(to: value) }
        states[slot] = state
    }

    /// Takes a slot's value away.
    private func setState(_ slot: Int, _ state: State) {
        precondition(slot >= 0 && slot < count)
        if states[slot].hasValue { (values + slot).deinitialize(count: 1) }
        states[slot] = state
    }

    package func set(_ slot: Int, _ value: CELValue) { put(slot, value, as: .value) }

    /// A variable that is computed when it is first asked for.
    package func define(_ slot: Int, _ program: CELProgram) {
        if programs.isEmpty { programs = Array(repeating: nil, count: count) }
        programs[slot] = program
        setState(slot, .program)
    }

    /// A variable whose program gives the same here as in an evaluation before: it costs what it cost, and takes no time.
    package func define(_ slot: Int, _ program: CELProgram, gives value: CELValue, cost: Int) {
        if slot >= programs.count || programs[slot] !== program { define(slot, program) }
        put(slot, value, as: .known)
        costs[slot] = cost
    }

    /// What a variable's program gave, once it was asked for, and what that cost by itself; nil before.
    package func computed(_ slot: Int) -> (value: CELValue, cost: Int)? {
        states[slot] == .value && costs[slot] >= 0 ? (values[slot], costs[slot]) : nil
    }

    /// A variable that is made when it is first asked for.
    package func define(_ slot: Int, by make: @escaping () -> CELValue) {
        makers[slot] = make
        setState(slot, .maker)
    }

    /// - Throws: what the expression ends in, or a limit that names it.
    package func evaluate(_ program: CELProgram) throws(CELError) -> CELValue {
        let outer = (base, cost, limit, running)
        guard height + program.height <= Self.maxHeight else {
            throw CELError(.limit, "the expressions nest deeper than \(Self.maxHeight) levels together")
        }
        height += program.height
        base = localCount
        cost = 0
        limit = min(limits.expression, limits.budget - spent)
        running = program
        if program.slotCount > 0 { makeLocals(program.slotCount) }
        defer {
            if localCount > base {
                (locals + base).deinitialize(count: localCount - base)
                localCount = base
            }
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

    private func makeLocals(_ more: Int) {
        if localCount + more > localCapacity {
            localCapacity = max(localCapacity * 2, localCount + more)
            let moved = UnsafeMutablePointer<CELValue?>.allocate(capacity: localCapacity)
            moved.moveInitialize(from: locals, count: localCount)
            locals.deallocate()
            locals = moved
        }
        (locals + localCount).initialize(repeating: nil, count: more)
        localCount += more
    }

    /// Gives the expressions that follow a budget of their own.
    package func renew(_ limits: CELLimits) {
        self.limits = limits
        spent = 0
    }

    @inline(__always)
    func pay(_ units: Int) throws(CELError) {
        cost += units
        if cost > limit { throw overspent() }
    }

    private func overspent() -> CELError {
        let text = running?.text.prefix(100) ?? ""
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
    @inline(__always)
    func variable(_ slot: Int) throws(CELError) -> CELValue? {
        if states[slot] == .value { return values[slot] }
        return try computedVariable(slot)
    }

    private func computedVariable(_ slot: Int) throws(CELError) -> CELValue? {
        switch states[slot] {
        case .value: return values[slot]
        case .absent: return nil
        case .running: throw Self.error("\(names[slot]) is defined by itself")
        case .maker:
            guard let make = makers[slot] else { return nil }
            put(slot, make(), as: .value)
        case .unasked:
            guard let value = try lookup?(names[slot]) else {
                states[slot] = .absent
                return nil
            }
            put(slot, value, as: .value)
        case .program:
            guard let program = programs[slot] else { return nil }
            states[slot] = .running
            let value: CELValue
            do throws(CELError) { value = try evaluate(program) } catch {
                states[slot] = .program
                if error.code == .limit { throw error }
                throw CELError(error.code, "\(names[slot]) fails to evaluate: \(error.message)")
            }
            put(slot, value, as: .value)
            costs[slot] = lastCost
        case .known:
            guard let program = programs[slot] else { return nil }
            // What it asked for itself was paid for with it.
            for other in program.usedSlots where states[other] == .known { _ = try variable(other) }
            let units = costs[slot]
            guard units <= min(limits.expression, limits.budget - spent) else {
                // The error is that of computing it.
                setState(slot, .program)
                return try variable(slot)
            }
            spent += units
            limit = min(limit, limits.budget - spent)
            states[slot] = .value
        }
        return values[slot]
    }

    // Slots of locals are numbered by the parser, and `evaluate` made as many.
    @inline(__always)
    func local(_ slot: Int) throws(CELError) -> CELValue {
        assert(slot >= 0 && base + slot < localCount)
        if let value = locals[base &+ slot] { return value }
        return try pendingLocal(slot)
    }

    private func pendingLocal(_ slot: Int) throws(CELError) -> CELValue {
        guard let part = pending[base + slot] else { throw Self.error("a variable has no value") }
        let value = try part.evaluate(self)
        locals[base + slot] = value
        return value
    }

    /// Where keys lead from a local; nil where it is no place of a document or they lead to nothing.
    @inline(__always)
    func descend(local slot: Int, _ keys: FieldKeys) -> Node? {
        guard case .some(.node(let node)) = locals[base &+ slot], case .found(let end) = node.descend(keys) else {
            return nil
        }
        return end
    }

    @inline(__always)
    func setLocal(_ slot: Int, _ value: consuming CELValue) {
        assert(slot >= 0 && base + slot < localCount)
        locals[base &+ slot] = value
    }

    func setPending(_ slot: Int, _ part: CELStep) {
        locals[base + slot] = nil
        pending[base + slot] = part
    }
}

/// What evaluators of one environment begin with.
package final class CELFrame: Sendable {
    let names: [String]
    let programs: [CELProgram?]
    let states: [CELEvaluator.State]

    package init(_ environment: CELEnvironment, variables: [(slot: Int, program: CELProgram)]) {
        names = environment.names
        var programs = [CELProgram?](repeating: nil, count: names.count)
        var states = [CELEvaluator.State](repeating: .absent, count: names.count)
        for variable in variables {
            programs[variable.slot] = variable.program
            states[variable.slot] = .program
        }
        (self.programs, self.states) = (programs, states)
    }
}

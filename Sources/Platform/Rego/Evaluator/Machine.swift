// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// One evaluation: frames of slots, what rules gave so far, and what is left of the limits. Used by one thread.
final class Machine {
    let program: Program
    let context: BuiltinContext
    let limits: EvaluationLimits
    var isStrict: Bool
    var input: Value?
    var data: Value

    // MARK: Frames
    private var slots: UnsafeMutablePointer<Value>
    private var capacity = 64
    /// The slots that have a value, be it one of a frame that was left.
    private var made = 0
    private(set) var base = 0
    private var top = 0

    // MARK: Answers
    /// What the rules gave, by their number in the program.
    var cache: Places<Answer>
    /// What lines gave that give the same each time.
    var memos: Places<Memo>
    /// What functions gave for the arguments they had before.
    var calls = CallTable()
    /// What does not change from one round to the next; nil where there is one round.
    private let steady: SteadyParts?
    private var round = 0
    /// What the bodies that run now have collected, those of inner ones last.
    private var collected: UnsafeMutablePointer<Value>
    private var collectedCount = 0
    private var collectedCapacity = 16
    var returned: Value?
    /// The caller's emit has all it needs.
    var isSatisfied = false

    // MARK: with
    /// Documents under these paths come from `data`, not from rules.
    var overridden: [[String]] = []
    var mocks: [String: Mock] = [:] {
        didSet { hasMocks = !mocks.isEmpty }
    }
    private(set) var hasMocks = false
    var outerWorlds: [World] = []

    // MARK: Limits
    /// Steps until the clock is looked at, and those left after that.
    private var fuel: Int
    private var reserve: Int
    private static let stepsPerLook = 4096
    private var deadline: ContinuousClock.Instant?
    var depth = 0
    /// Where the thread's stack stood when the evaluation began.
    private var stackStart: UInt
    /// Steps run inside each other; this much of the stack they may take.
    private static let maxStack: UInt = 1 << 20

    enum Answer {
        case unknown
        case running
        case undefined
        case value(Value)
        case members(Members)
    }

    enum Mock {
        case value(Value)
        case function(FunctionTarget)
    }

    init(
        program: Program, input: Value?, data: Value, context: BuiltinContext, limits: EvaluationLimits, isStrict: Bool,
        steady: SteadyParts? = nil
    ) {
        self.program = program
        self.steady = steady
        self.input = input
        self.data = data
        self.context = context
        self.limits = limits
        self.isStrict = isStrict
        stackStart = Machine.stackAddress()
        slots = UnsafeMutablePointer<Value>.allocate(capacity: capacity)
        collected = UnsafeMutablePointer<Value>.allocate(capacity: collectedCapacity)
        cache = Places(repeating: .unknown, count: program.sets.count)
        memos = Places(repeating: .unknown, count: program.memoCount)
        (fuel, reserve) = Machine.steps(limits)
        deadline = limits.time.map { ContinuousClock.now + $0 }
        context.budget = limits.memory
        context.checkpoint = deadline == nil ? {} : { [unowned self] in try self.checkClock() }
    }

    private static func steps(_ limits: EvaluationLimits) -> (fuel: Int, reserve: Int) {
        let fuel = min(max(limits.steps, 0), stepsPerLook)
        return (fuel, max(limits.steps, 0) - fuel)
    }

    /// Begins another round, with the whole of the limits. Not after one that threw.
    /// - Parameter input: differs from the last in the changing member alone.
    func renew(input: Value?) {
        guard let steady else { return }
        self.input = input
        round += 1
        for number in steady.changingSets { cache[number] = .unknown }
        for number in steady.changingMemos { memos[number] = .unknown }
        stackStart = Machine.stackAddress()
        (fuel, reserve) = Machine.steps(limits)
        deadline = limits.time.map { ContinuousClock.now + $0 }
        context.budget = limits.memory
    }

    deinit {
        slots.deinitialize(count: made)
        slots.deallocate()
        collected.deinitialize(count: collectedCount)
        collected.deallocate()
    }

    subscript(slot: Int) -> Value {
        @inline(__always) get { slots[base &+ slot] }
        @inline(__always) set { slots[base &+ slot] = newValue }
    }

    /// Runs `body` with a frame of its own; gives what it gives.
    func withFrame<T>(_ size: Int, _ body: () throws -> T) throws -> T {
        let outer = try enter(top)
        setSize(size)
        defer { leave(outer) }
        return try body()
    }

    /// Where frames stood before one was entered.
    struct Outer {
        fileprivate let base: Int
        fileprivate let top: Int
    }

    /// Begins a frame at a place at or above those in use; its size is still to be set.
    @inline(__always)
    private func enter(_ start: Int) throws -> Outer {
        try deepen()
        let outer = Outer(base: base, top: top)
        base = start
        return outer
    }

    @inline(__always)
    private func setSize(_ size: Int) {
        top = base &+ size
        if top > made { make(top) }
    }

    @inline(__always)
    private func leave(_ outer: Outer) {
        (base, top) = (outer.base, outer.top)
        depth &-= 1
    }

    @inline(__always)
    private func deepen() throws {
        depth &+= 1
        if depth > limits.depth { throw RegoError(.limit, "rules and closures nest deeper than \(limits.depth)") }
    }

    // MARK: Rules

    /// What a body that ends in `CollectStep` collects.
    func collect(_ body: Step) throws -> [Value] {
        let start = collectedCount
        try deepen()
        _ = try body.run(self)
        depth &-= 1
        return takeCollected(from: start)
    }

    /// What the clauses of a set of rules collect.
    func gather(_ set: RuleSet, _ numbers: Range<Int>) throws -> [Value] {
        let start = collectedCount
        let outer = try enter(top)
        try deepen()
        for number in numbers {
            try set.clause(number)._withUnsafeGuaranteedRef { clause in
                setSize(clause.frameSize)
                if let body = clause.onlyBody {
                    _ = try body.run(self)
                    return
                }
                let before = collectedCount
                for body in clause.bodies {
                    _ = try body.run(self)
                    if collectedCount > before { break }
                }
            }
        }
        depth &-= 1
        leave(outer)
        return takeCollected(from: start)
    }

    /// Keeps a value for the innermost body that collects.
    func keep(_ value: Value) {
        if collectedCount == collectedCapacity {
            let moved = UnsafeMutablePointer<Value>.allocate(capacity: collectedCapacity * 2)
            moved.moveInitialize(from: collected, count: collectedCount)
            collected.deallocate()
            collected = moved
            collectedCapacity *= 2
        }
        (collected + collectedCount).initialize(to: value)
        collectedCount &+= 1
    }

    private func takeCollected(from start: Int) -> [Value] {
        let count = collectedCount - start
        if count == 0 { return [] }
        collectedCount = start
        return [Value](unsafeUninitializedCapacity: count) { buffer, initialized in
            buffer.baseAddress?.moveInitialize(from: collected + start, count: count)
            initialized = count
        }
    }

    /// Calls a function of the policy.
    func call(_ set: RuleSet, _ arguments: [Operand]) throws -> Value? {
        // They are the first slots of the function's frame.
        let start = top
        let end = start + max(arguments.count, set.arity)
        if end > made { make(end) }
        for (index, argument) in arguments.enumerated() { slots[start &+ index] = argument.value(self) }
        if arguments.count < set.arity {
            for index in arguments.count..<set.arity { slots[start + index] = .null }
        }
        let isSteady = steady?.keepsCalls(of: set) ?? false
        guard set.isShared || isSteady, !hasMocks, let place = calls.place(set, slots + start) else {
            return try single(set, at: start)
        }
        let round = isSteady ? SteadyParts.allRounds : self.round
        if let known = calls.answer(place, set, slots + start, round: round) { return known.value }
        // The call itself may use the table, and its frame the slots above.
        let given = CallTable.Arguments(slots + start, count: set.arity)
        let value = try single(set, at: start)
        calls.keep(value, place, set, given, round: round)
        return value
    }

    /// The one value of a complete rule or a function, whose frame begins at `start`.
    private func single(_ set: RuleSet, at start: Int) throws -> Value? {
        let outer = try enter(start)
        let saved = returned
        returned = nil
        var number = 0
        while number < set.clauseCount, try set.clause(number)._withUnsafeGuaranteedRef({ try run($0) }) { number += 1 }
        if returned == nil, let fallback = set.fallback { _ = try run(fallback) }
        let value = returned
        returned = saved
        leave(outer)
        return value
    }

    /// The one value of a complete rule.
    func single(_ set: RuleSet) throws -> Value? { try single(set, at: top) }

    /// Runs the first body that gives a value. False: no other clause need be asked.
    private func run(_ clause: RuleSet.Clause) throws -> Bool {
        setSize(clause.frameSize)
        if clause.hasPatterns {
            for (index, pattern) in clause.arguments.enumerated() where !pattern.matches(self[index], self) {
                return true
            }
        }
        if let body = clause.onlyBody { return try body.run(self) }
        let before = returned
        returned = nil
        var goesOn = true
        for body in clause.bodies {
            goesOn = try body.run(self)
            if returned != nil { break }
        }
        if let before {
            if let value = returned, !equal(before, value) {
                throw RegoError(
                    .evalConflict,
                    clause.arguments.isEmpty
                        ? "complete rules must not produce multiple outputs"
                        : "functions must not produce multiple outputs for same inputs")
            }
            returned = before
        }
        return goesOn
    }

    /// Makes slots up to a number.
    private func make(_ size: Int) {
        if size > capacity {
            capacity = max(capacity * 2, size)
            let moved = UnsafeMutablePointer<Value>.allocate(capacity: capacity)
            moved.moveInitialize(from: slots, count: made)
            slots.deallocate()
            slots = moved
        }
        (slots + made).initialize(repeating: .null, count: size - made)
        made = size
    }

    /// Counts one step.
    @inline(__always)
    func tick() throws {
        fuel &-= 1
        if fuel < 0 { try refuel() }
        let used = stackStart &- Machine.stackAddress()
        if used > Machine.maxStack, used < UInt.max / 2 {
            throw RegoError(.limit, "lines, rules and closures nest too deep")
        }
    }

    @inline(__always)
    private static func stackAddress() -> UInt {
        var here: UInt8 = 0
        return withUnsafeMutablePointer(to: &here) { UInt(bitPattern: $0) }
    }

    private func refuel() throws {
        if reserve == 0 { throw RegoError(.limit, "more than \(limits.steps) steps") }
        let taken = min(reserve, Machine.stepsPerLook)
        reserve -= taken
        fuel = taken - 1
        try checkClock()
    }

    private func checkClock() throws {
        if let deadline, ContinuousClock.now > deadline, let time = limits.time {
            throw RegoError(.limit, "took longer than \(time)")
        }
    }
}

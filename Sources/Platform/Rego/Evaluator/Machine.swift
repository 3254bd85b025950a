// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// The bounds of one evaluation. Reaching one is an error that names it, never an answer.
package struct EvaluationLimits: Sendable {
    /// Values looked at, calls made, members collected.
    package var steps: Int
    /// Bytes and elements that functions may make.
    package var memory: Int
    /// Rules, functions and closures inside each other.
    package var depth: Int
    /// From the start of the evaluation; nil is none.
    package var time: Duration?

    package init(steps: Int = 20_000_000, memory: Int = 256 << 20, depth: Int = 256, time: Duration? = .seconds(10)) {
        (self.steps, self.memory, self.depth, self.time) = (steps, memory, depth, time)
    }

    package static let standard = EvaluationLimits()
}

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
    private var capacity: Int
    private(set) var base = 0
    private var top = 0

    // MARK: Answers
    /// What the rules gave, by their number in the program.
    var cache: [Answer]
    /// What the body that runs now has collected.
    var collected: [Value] = []
    var returned: Value?
    /// The caller's emit has all it needs.
    var isSatisfied = false

    // MARK: with
    /// Documents under these paths come from `data`, not from rules.
    var overridden: [[String]] = []
    var mocks: [String: Mock] = [:]
    var outerWorlds: [World] = []

    // MARK: Limits
    private var stepsLeft: Int
    private var untilClock = 4096
    private let deadline: ContinuousClock.Instant?
    var depth = 0
    /// Where the thread's stack stood when the evaluation began.
    private let stackStart: UInt
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
        program: Program, input: Value?, data: Value, context: BuiltinContext, limits: EvaluationLimits, isStrict: Bool
    ) {
        self.program = program
        self.input = input
        self.data = data
        self.context = context
        self.limits = limits
        self.isStrict = isStrict
        stackStart = Machine.stackAddress()
        capacity = 256
        slots = UnsafeMutablePointer<Value>.allocate(capacity: capacity)
        slots.initialize(repeating: .null, count: capacity)
        cache = [Answer](repeating: .unknown, count: program.sets.count)
        stepsLeft = limits.steps
        deadline = limits.time.map { ContinuousClock.now + $0 }
        context.budget = limits.memory
        context.checkpoint = { [unowned self] in try self.checkClock() }
    }

    deinit {
        slots.deinitialize(count: capacity)
        slots.deallocate()
    }

    subscript(slot: Int) -> Value {
        @inline(__always) get { slots[base &+ slot] }
        @inline(__always) set { slots[base &+ slot] = newValue }
    }

    /// Runs `body` with a frame of its own; gives what it gives.
    func withFrame<T>(_ size: Int, _ body: () throws -> T) throws -> T {
        depth += 1
        if depth > limits.depth { throw RegoError(.limit, "rules and closures nest deeper than \(limits.depth)") }
        let saved = (base, top)
        base = top
        top += size
        if top > capacity { grow() }
        defer {
            (base, top) = saved
            depth -= 1
        }
        return try body()
    }

    private func grow() {
        let larger = max(capacity * 2, top)
        let moved = UnsafeMutablePointer<Value>.allocate(capacity: larger)
        moved.moveInitialize(from: slots, count: capacity)
        (moved + capacity).initialize(repeating: .null, count: larger - capacity)
        slots.deallocate()
        slots = moved
        capacity = larger
    }

    /// Counts one step.
    @inline(__always)
    func tick() throws {
        stepsLeft &-= 1
        untilClock &-= 1
        if untilClock < 0 || stepsLeft < 0 { try checkLimits() }
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

    private func checkLimits() throws {
        if stepsLeft < 0 { throw RegoError(.limit, "more than \(limits.steps) steps") }
        untilClock = 4096
        try checkClock()
    }

    private func checkClock() throws {
        if let deadline, ContinuousClock.now > deadline, let time = limits.time {
            throw RegoError(.limit, "took longer than \(time)")
        }
    }
}

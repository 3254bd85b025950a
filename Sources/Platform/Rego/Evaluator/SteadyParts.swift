// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Members of `input` that bodies look at.
struct InputUse {
    var keys: Set<String> = []
    /// All of it, or a member whose name is not known when the body is compiled.
    var isAny = false

    func mayUse(_ key: String) -> Bool { isAny || keys.contains(key) }

    mutating func merge(_ other: InputUse) {
        keys.formUnion(other.keys)
        isAny = isAny || other.isAny
    }
}

/// What stays the same when one member of `input` changes and the others do not.
final class SteadyParts: Sendable {
    /// By the number of the set of rules.
    private let keepsCalls: [Bool]
    let changingSets: [Int]
    let changingMemos: [Int]
    /// The round of what counts in every one.
    static let allRounds = -1

    /// - Parameter key: of the member that changes.
    init(_ program: Program, changing key: String) {
        // A set that is not pure is asked each time, and so is whatever follows from it.
        var changing = Set(program.sets.filter { !$0.isPure || $0.inputUse.mayUse(key) }.map(\.number))
        var users: [Int: [Int]] = [:]
        for set in program.sets { for other in set.needs { users[other, default: []].append(set.number) } }
        var waiting = Array(changing)
        while let number = waiting.popLast() {
            for user in users[number] ?? [] where changing.insert(user).inserted { waiting.append(user) }
        }
        keepsCalls = program.sets.map { set in
            set.kind == .function && CallTable.arities.contains(set.arity) && !changing.contains(set.number)
        }
        changingSets = changing.filter { program.sets[$0].kind != .function }.sorted()
        changingMemos =
            changing.sorted().flatMap { program.sets[$0].memos } + program.input.memos(below: key)
    }

    @inline(__always)
    func keepsCalls(of set: RuleSet) -> Bool { keepsCalls[set.number] }
}

/// Evaluations of one query whose `input` differs in one member alone: what does not look at that is computed once. Used by
/// one thread.
package final class SteadyEvaluation {
    private let query: PreparedQuery
    private let steady: SteadyParts
    private let data: Value
    private let makeContext: () -> BuiltinContext
    private let limits: EvaluationLimits
    private var machine: Machine?

    /// - Parameter context: called once, and again after an evaluation that threw.
    package init(
        _ query: SteadyQuery, data: Value, context: @escaping () -> BuiltinContext,
        limits: EvaluationLimits = .standard
    ) {
        (self.query, steady, self.data, self.limits) = (query.query, query.steady, data, limits)
        makeContext = context
    }

    /// The value of a query that is one reference; nil when it is undefined. Each has the whole of the limits.
    /// - Parameter input: the same as before but for the member that changes.
    package func evaluate(input: Value) throws(RegoError) -> Value? {
        let machine: Machine
        if let known = self.machine {
            machine = known
            machine.renew(input: input)
        } else {
            machine = query.machine(input, data, makeContext(), limits, steady)
        }
        // What an error leaves behind is not looked at again.
        self.machine = nil
        let value = query.value(try query.run(machine))
        self.machine = machine
        return value
    }
}

/// A query, and what stays the same when one member of `input` changes.
package final class SteadyQuery: Sendable {
    let query: PreparedQuery
    let steady: SteadyParts

    package init(_ query: PreparedQuery, changing key: String) {
        self.query = query
        steady = SteadyParts(query.program, changing: key)
    }
}

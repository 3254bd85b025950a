// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CEL
import Documents
import Synchronization

/// A variable whose value is kept from one evaluation to the next.
struct KeptVariable: Sendable {
    let slot: Int
    let program: CELProgram

    /// Those of variables that see nothing but some slots, be it through each other.
    static func all(_ variables: [KeptVariable], seeing slots: Set<Int>) -> [KeptVariable] {
        var (seen, found, left) = (slots, [KeptVariable](), variables)
        while true {
            let new = left.filter { $0.program.used.isSubset(of: seen) }
            if new.isEmpty { return found }
            found += new
            seen.formUnion(new.map(\.slot))
            left.removeAll { seen.contains($0.slot) }
        }
    }
}

/// What variables gave, and what that cost: in the order of the variables.
struct KeptValues: Sendable {
    private var values: [(value: CELValue, cost: Int)?] = []
    private(set) var isComplete = false

    func define(in evaluator: CELEvaluator, _ variables: [KeptVariable]) {
        for (place, known) in values.enumerated() {
            guard let known else { continue }
            let variable = variables[place]
            evaluator.define(variable.slot, variable.program, gives: known.value, cost: known.cost)
        }
    }

    var count: Int { values.count { $0 != nil } }

    /// Takes what has been computed since; says whether that is anything.
    @discardableResult mutating func learn(from evaluator: CELEvaluator, _ variables: [KeptVariable]) -> Bool {
        if isComplete { return false }
        if values.isEmpty { values = Array(repeating: nil, count: variables.count) }
        var isNew = false
        isComplete = true
        for (place, variable) in variables.enumerated() where values[place] == nil {
            values[place] = evaluator.computed(variable.slot)
            if values[place] == nil { isComplete = false } else { isNew = true }
        }
        return isNew
    }
}

/// What a policy's variables gave for parameters that it met before, so that lists of exemptions are prepared once and not
/// at each decision.
final class ParamsMemo: Sendable {
    private struct Entry {
        let params: Node?
        var values: KeptValues

        func isOf(_ other: Node?) -> Bool {
            switch (params, other) {
            case (nil, nil): true
            case (let one?, let two?): one.isSame(as: two)
            default: false
            }
        }
    }

    private static let limit = 8
    private let entries = Mutex<[Entry]>([])

    func values(for params: Node?) -> KeptValues? {
        entries.withLock { entries in entries.first { $0.isOf(params) }?.values }
    }

    /// - Parameter known: what was there before the evaluation.
    func learn(
        from evaluator: CELEvaluator, _ variables: [KeptVariable], for params: Node?, beside known: KeptValues?
    ) {
        var values = known ?? KeptValues()
        guard values.learn(from: evaluator, variables) else { return }
        entries.withLock { entries in
            if let place = entries.firstIndex(where: { $0.isOf(params) }) {
                entries[place].values = values
                return
            }
            if entries.count >= Self.limit { entries.removeFirst() }
            entries.append(Entry(params: params, values: values))
        }
    }
}

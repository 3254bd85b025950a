// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

extension Planner {
    mutating func call(
        _ function: ResolvedTerm.FunctionName, _ arguments: [ResolvedTerm], _ result: ResolvedTerm?,
        _ location: Location, _ bound: inout Set<Int>
    ) -> Make? {
        guard arguments.allSatisfy({ areBound($0, bound) }), let target = target(function) else { return nil }
        let operands = arguments.map { operand($0) }
        var pattern = Matcher.any
        if let result {
            guard let made = self.pattern(result, &bound) else { return nil }
            pattern = made
        }
        let isTest = result == nil
        switch target {
        case .rules(let set):
            calls.append(set.number)
            return { RuleCallStep(set, operands, result: pattern, isTest: isTest, location: location, next: $0) }
        case .builtin(let builtin):
            if !builtin.isDeterministic { isImpure = true }
            var memo = -1
            if isKept, builtin.isDeterministic, operands.allSatisfy({ isConstant($0) }) {
                memo = program.reserveMemo()
                memos.append(memo)
                if case .bind(let slot) = pattern { constant.insert(slot) }
            }
            return {
                Planner.step(
                    builtin, operands, memo: memo, result: pattern, isTest: isTest, location: location, next: $0)
            }
        }
    }

    private static func step(
        _ builtin: Builtin, _ arguments: [Operand], memo: Int, result: Matcher, isTest: Bool, location: Location,
        next: Step
    ) -> Step {
        let name = builtin.name
        switch builtin.body {
        case .one(let body) where arguments.count == 1:
            return OneStep(
                name, body, arguments, memo: memo, result: result, isTest: isTest, location: location, next: next)
        case .two(let body) where arguments.count == 2:
            return TwoStep(
                name, body, arguments, memo: memo, result: result, isTest: isTest, location: location, next: next)
        case .many(let body):
            return ManyStep(
                name, body, arguments, memo: memo, result: result, isTest: isTest, location: location, next: next)
        default:
            return BuiltinStep(builtin, arguments, result: result, isTest: isTest, location: location, next: next)
        }
    }

    /// Gives the same whenever it is evaluated, as long as `input` is the same.
    func isConstant(_ operand: Operand) -> Bool {
        switch operand {
        case .constant: true
        case .slot(let slot): constant.contains(slot)
        case .composed: false
        }
    }
}

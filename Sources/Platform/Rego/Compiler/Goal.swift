// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// A line of a body with its nested calls, references and closures taken out into lines of their own, as OPA does: what a
/// negated line needs is so computed outside of `not`.
indirect enum Goal {
    case test(ResolvedTerm)
    case unify(ResolvedTerm, ResolvedTerm)
    /// `result` is nil when the call stands alone and must hold.
    case call(ResolvedTerm.FunctionName, [ResolvedTerm], result: ResolvedTerm?, Location)
    case comprehension(ResolvedTerm.Comprehension, slot: Int)
    case template([TemplateStep.Piece], slot: Int)
    case not([Goal], own: Set<Int>)
    case every(ResolvedExpr.Every)
    case with([(target: ResolvedExpr.Target, value: ResolvedExpr.Replacement)], [Goal])
}

/// Turns lines into goals.
struct Flattener {
    /// Makes a slot of the rule's frame.
    var fresh: () -> Int
    /// How many arguments a function of the policy takes.
    let arity: (ResolvedTerm.FunctionName) -> Int?
    private(set) var errors: [RegoError] = []

    init(arity: @escaping (ResolvedTerm.FunctionName) -> Int?, fresh: @escaping () -> Int) {
        self.arity = arity
        self.fresh = fresh
    }

    mutating func goals(_ body: [ResolvedExpr]) -> [Goal] { body.flatMap { goals($0) } }

    private mutating func goals(_ expr: ResolvedExpr) -> [Goal] {
        var before: [Goal] = []
        let goal = line(expr, &before)
        var main = goal
        var values: [(target: ResolvedExpr.Target, value: ResolvedExpr.Replacement)] = []
        var outside: [Goal] = []
        for (target, value) in expr.with {
            if case .value(let term) = value {
                values.append((target, .value(simple(term, &outside))))
            } else {
                values.append((target, value))
            }
        }
        if expr.isNegated {
            if expr.keepsInside {
                let own = before.reduce(into: Set<Int>()) { $0.formUnion(made(by: $1)) }
                main = .not(before + [main], own: own)
                before = []
            } else {
                main = .not([main], own: [])
            }
        }
        if values.isEmpty { return before + [main] }
        return outside + [.with(values, before + [main])]
    }

    /// The slots that a line taken out binds.
    private func made(by goal: Goal) -> Set<Int> {
        var found: Set<Int> = []
        switch goal {
        case .unify(let one, _): one.collect(into: &found)
        case .call(_, _, let result, _): result?.collect(into: &found)
        case .comprehension(_, let slot), .template(_, let slot): found.insert(slot)
        default: break
        }
        return found
    }

    private mutating func line(_ expr: ResolvedExpr, _ before: inout [Goal]) -> Goal {
        switch expr.kind {
        case .term(.call(let name, let arguments, let location)):
            return call(name, arguments, result: nil, location, &before)
        case .term(let term): return .test(reference(term, &before))
        case .unify(let one, let two):
            // A call on one side gives its answer to the other side.
            if case .call(let name, let arguments, let location) = one, !isReferenceOrCall(two) {
                return call(name, arguments, result: simple(two, &before), location, &before)
            }
            if case .call(let name, let arguments, let location) = two, !isReferenceOrCall(one) {
                return call(name, arguments, result: simple(one, &before), location, &before)
            }
            return .unify(reference(one, &before), reference(two, &before))
        case .every(var every):
            every.domain = simple(every.domain, &before)
            return .every(every)
        }
    }

    private func isReferenceOrCall(_ term: ResolvedTerm) -> Bool {
        switch term {
        case .ref, .call, .input, .data: true
        default: false
        }
    }

    private mutating func call(
        _ name: ResolvedTerm.FunctionName, _ arguments: [ResolvedTerm], result: ResolvedTerm?, _ location: Location,
        _ before: inout [Goal]
    ) -> Goal {
        var arguments = arguments.map { simple($0, &before) }
        var result = result
        if let arity = arity(name), arguments.count != arity {
            if arguments.count == arity + 1, result == nil {
                // The answer may stand as one argument more.
                result = arguments.removeLast()
            } else {
                errors.append(
                    RegoError(
                        .type, "\(name.name): arity mismatch: expected \(arity) arguments, got \(arguments.count)",
                        at: location))
            }
        }
        return .call(name, arguments, result: result, location)
    }

    /// The term with references left at its top only.
    private mutating func reference(_ term: ResolvedTerm, _ before: inout [Goal]) -> ResolvedTerm {
        guard case .ref(let head, let keys) = term else { return simple(term, &before) }
        let start: ResolvedTerm
        switch head {
        case .input, .data, .local: start = head
        default: start = simple(head, &before)
        }
        return .ref(start, keys.map { simple($0, &before) })
    }

    /// The term made of constants and locals alone.
    mutating func simple(_ term: ResolvedTerm, _ before: inout [Goal]) -> ResolvedTerm {
        switch term {
        case .constant, .local: return term
        case .input, .data, .ref:
            let slot = fresh()
            before.append(.unify(.local(slot), term.asReference { reference($0, &before) }))
            return .local(slot)
        case .array(let terms): return .array(terms.map { simple($0, &before) })
        case .set(let terms): return .set(terms.map { simple($0, &before) })
        case .object(let members): return .object(members.map { (simple($0.key, &before), simple($0.value, &before)) })
        case .comprehension(let comprehension):
            let slot = fresh()
            before.append(.comprehension(comprehension, slot: slot))
            return .local(slot)
        case .call(let name, let arguments, let location):
            let slot = fresh()
            let goal = call(name, arguments, result: .local(slot), location, &before)
            before.append(goal)
            return .local(slot)
        case .template(let pieces, _):
            let slot = fresh()
            var made: [TemplateStep.Piece] = []
            for piece in pieces {
                switch piece {
                case .text(let text): made.append(.text(text))
                case .term(let comprehension):
                    let part = fresh()
                    before.append(.comprehension(comprehension, slot: part))
                    made.append(.slot(part))
                }
            }
            before.append(.template(made, slot: slot))
            return .local(slot)
        }
    }
}

extension ResolvedTerm {
    fileprivate func asReference(_ flatten: (ResolvedTerm) -> ResolvedTerm) -> ResolvedTerm {
        switch self {
        case .input, .data: .ref(self, [])
        default: flatten(self)
        }
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Compiles the bodies of one rule or query: names to slots, lines to goals, goals to steps.
final class RuleCompiler {
    private let program: Program
    private let numbers: [[String]: Int]
    private var resolver: Resolver
    private var extraSlots = 0
    private(set) var errors: [RegoError] = []
    private(set) var dependencies: [Planner.Dependency] = []
    private(set) var isImpure = false
    private(set) var calls: [Int] = []
    private(set) var inputUse = InputUse()
    private(set) var memos: [Int] = []
    /// The one body of the clause; nil where there are others or arguments, or where the order of bodies is heard of.
    private(set) var draft: Draft?
    private let isQuery: Bool

    init(
        scope: ModuleScope, program: Program, numbers: [[String]: Int], metadata: [Value] = [], isQuery: Bool = false
    ) {
        self.program = program
        self.isQuery = isQuery
        self.numbers = numbers
        resolver = Resolver(scope: scope, builtins: program.builtins, root: program.root)
        resolver.metadata = metadata
    }

    private func fresh() -> Int { resolver.fresh() }

    private func arity(_ name: ResolvedTerm.FunctionName) -> Int? {
        switch name {
        case .builtin(let builtin): builtin.arity
        case .rule(let path): program.root.find(path)?.rules.first?.arity
        }
    }

    private func flattener() -> Flattener {
        Flattener(arity: { [unowned self] in self.arity($0) }, fresh: { [unowned self] in self.fresh() })
    }

    private func planner() -> Planner {
        var planner = Planner(
            program: program, isKept: !isQuery, setNumbers: numbers,
            flatten: { [unowned self] body in
                var flattener = self.flattener()
                let goals = flattener.goals(body)
                self.errors += flattener.errors
                return goals
            },
            name: { [unowned self] slot in slot < self.resolver.names.count ? self.resolver.names[slot] : "" })
        planner.flattenHead = { [unowned self] terms, goals in
            var flattener = self.flattener()
            let flat = terms.map { flattener.simple($0, &goals) }
            self.errors += flattener.errors
            return flat
        }
        planner.temporary = { [unowned self] in self.fresh() }
        return planner
    }

    /// How a clause gives what it gives.
    enum Emit {
        case value(isEnough: Bool, isFunction: Bool)
        case members
    }

    /// A rule's clause; nil when it has errors.
    func clause(_ source: SourceRule, _ emit: Emit) -> RuleSet.Clause? {
        let rule = source.rule
        resolver.push([], [])
        var arguments: [Matcher] = []
        var bound: Set<Int> = []
        var before: [Goal] = []
        if case .function(let terms) = rule.kind { arguments = patterns(terms, &bound, &before) }
        var bodies: [Step] = []
        let parts =
            [(rule.value, rule.body, rule.location)] + rule.alternatives.map { ($0.value, $0.body, $0.location) }
        for (value, body, location) in parts {
            let heads = source.keys + [value]
            if let step = self.body(body, heads: heads, before, bound, location, emit) { bodies.append(step) }
        }
        errors += resolver.errors
        guard errors.isEmpty, bodies.count == parts.count else { return nil }
        if bodies.count != 1 || !arguments.isEmpty || isImpure { draft = nil }
        return RuleSet.Clause(
            frameSize: resolver.slotCount, arguments: arguments, bodies: bodies, location: rule.location,
            depth: source.keys.count, isMember: source.isMultiple)
    }

    private func body(
        _ body: [Expr], heads: [Term], _ before: [Goal], _ bound: Set<Int>, _ location: Location, _ emit: Emit
    ) -> Step? {
        resolver.push(body, heads)
        defer { resolver.pop() }
        let lines = resolver.body(body)
        let terms = heads.map { resolver.term($0) }
        guard resolver.errors.isEmpty else { return nil }
        var planner = self.planner()
        var headGoals: [Goal] = []
        let goals = before + planner.flatten(lines)
        let flat = planner.flattenHead(terms, &headGoals)
        let operands = flat.map { planner.operand($0) }
        let last: Step
        switch emit {
        case .value(let isEnough, let isFunction):
            last = ReturnStep(operands.last ?? .constant(.bool(true)), isEnough: isEnough, isFunction: isFunction)
        case .members: last = CollectStep(operands)
        }
        var known = bound
        let step = planner.plan(goals + headGoals, bound: &known, needing: flat, last: last)
        dependencies += planner.dependencies
        calls += planner.calls
        inputUse.merge(planner.inputUse)
        memos += planner.memos
        draft = planner.draft
        if planner.isImpure { isImpure = true }
        if step == nil {
            if planner.isTooLong {
                errors.append(RegoError(.compile, "the body has more than \(Planner.maxGoals) lines", at: location))
            }
            for name in planner.unsafe {
                errors.append(RegoError(.unsafeVariable, "var \(name) is unsafe", at: location))
            }
        }
        return step
    }

    /// What a function's arguments are held against.
    private func patterns(_ terms: [Term], _ bound: inout Set<Int>, _ before: inout [Goal]) -> [Matcher] {
        // The first slots of the frame are the arguments; a plain variable is its argument.
        let places = terms.map { _ in fresh() }
        for (place, term) in zip(places, terms) {
            declare(term, place)
            resolver.adopt(term)
        }
        let planner = self.planner()
        var made: [Matcher] = []
        for (place, term) in zip(places, terms) {
            if let name = term.variableName, resolver.names[place] == name {
                bound.insert(place)
                made.append(.any)
                continue
            }
            let resolved = resolver.term(term)
            var extra: [Goal] = []
            let flat = planner.flattenHead([resolved], &extra)[0]
            if extra.isEmpty, let pattern = planner.pattern(flat, &bound) {
                made.append(term.isWildcard ? .any : pattern)
            } else {
                let slot = fresh()
                bound.insert(slot)
                made.append(.bind(slot))
                before += extra + [.unify(.local(slot), flat)]
            }
        }
        return made
    }

    private var declared: Set<String> = []

    private func declare(_ term: Term, _ place: Int? = nil) {
        switch term.kind {
        case .variable(let name):
            if declared.insert(name).inserted { _ = resolver.declare(name, term.location, in: place) }
        case .array(let terms): for term in terms { declare(term) }
        case .object(let members): for member in members { declare(member.value) }
        default: break
        }
    }

    // MARK: Queries

    /// A query's steps: they collect its named variables, then the value of each line.
    func query(_ body: [Expr]) -> CompiledQuery? {
        resolver.push(body, [])
        let lines = resolver.body(body)
        guard resolver.errors.isEmpty else {
            errors += resolver.errors
            return nil
        }
        var goals: [Goal] = []
        var values: [ResolvedTerm] = []
        var planner = self.planner()
        for line in lines {
            var flat = planner.flatten([line])
            var value = ResolvedTerm.constant(.bool(true))
            if !line.isNegated, line.with.isEmpty, let last = flat.popLast() {
                let slot = fresh()
                switch last {
                case .test(let term):
                    value = .local(slot)
                    flat.append(.unify(.local(slot), term))
                case .call(let name, let arguments, nil, let location):
                    value = .local(slot)
                    flat.append(.call(name, arguments, result: .local(slot), location))
                default: flat.append(last)
                }
            }
            goals += flat
            values.append(value)
        }
        var names: [(String, Int)] = []
        for (slot, name) in resolver.names.enumerated() where !name.isEmpty && !name.hasPrefix("$") {
            if resolver.isInBody(slot) { names.append((name, slot)) }
        }
        let terms = names.map { ResolvedTerm.local($0.1) } + values
        let last = CollectStep(terms.map { planner.operand($0) })
        var bound: Set<Int> = []
        let step = planner.plan(goals, bound: &bound, needing: terms, last: last)
        resolver.pop()
        errors += resolver.errors
        dependencies += planner.dependencies
        guard let step else {
            let place = body.first?.location
            if planner.isTooLong {
                errors.append(RegoError(.compile, "the query has more than \(Planner.maxGoals) lines", at: place))
            }
            errors += planner.unsafe.map { RegoError(.unsafeVariable, "var \($0) is unsafe", at: place) }
            return nil
        }
        return CompiledQuery(
            step: step, frameSize: resolver.slotCount, names: names.map(\.0),
            lines: body.filter(\.hasValue).map(\.location))
    }
}

struct CompiledQuery {
    let step: Step
    let frameSize: Int
    let names: [String]
    /// Where the lines that have a value stand.
    let lines: [Location]
}

extension Expr {
    fileprivate var hasValue: Bool {
        if case .some = kind { return false }
        return true
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Puts a body's goals into an order in which each has what it needs, and turns them into steps.
struct Planner {
    typealias Make = (Step) -> Step

    let program: Program
    /// What lines give that is the same each time is kept during an evaluation: not in queries, which are compiled after
    /// the program.
    let isKept: Bool
    /// The numbers of rule sets by their path.
    let setNumbers: [[String]: Int]
    /// Turns a closure's lines into goals.
    var flatten: ([ResolvedExpr]) -> [Goal]
    /// The names of slots, for errors.
    var name: (Int) -> String
    private(set) var unsafe: [String] = []
    /// The body has more lines, those that were taken out of others included, than are ordered and run below each other.
    private(set) var isTooLong = false
    static let maxGoals = 2000
    /// Places from `data` that the body looks at, for finding recursion.
    var dependencies: [Dependency] = []

    /// Calls something that may answer differently, or that is heard of outside.
    var isImpure = false
    /// Slots that hold the same whenever they are bound, as long as `input` is the same.
    var constant: Set<Int> = []
    /// Sets of rules that are called, once for each call that is written.
    var calls: [Int] = []
    /// Which members of `input` the body looks at.
    var inputUse = InputUse()
    /// Where calls keep their answers.
    var memos: [Int] = []
    /// The body that was planned last.
    private(set) var draft: Draft?
    /// Goals at the beginning that could be made when their turn came.
    private var leading = 0

    enum Dependency {
        /// Everything at, above and below a place.
        case place([String])
        case function([String])
    }

    init(
        program: Program, isKept: Bool, setNumbers: [[String]: Int],
        flatten: @escaping ([ResolvedExpr]) -> [Goal], name: @escaping (Int) -> String
    ) {
        (self.program, self.isKept, self.setNumbers, self.flatten, self.name) =
            (program, isKept, setNumbers, flatten, name)
    }

    /// The steps of a body that ends in `last`, which needs `terms`; nil when some goal or term never gets what it needs.
    mutating func plan(_ goals: [Goal], bound: inout Set<Int>, needing terms: [ResolvedTerm], last: Step) -> Step? {
        guard let makers = order(goals, &bound, report: true) else { return nil }
        for term in terms where !areBound(term, bound) {
            report([.test(term)], bound)
            return nil
        }
        draft = Draft(leading: Array(goals.prefix(leading)), makers: makers, last: last)
        return makers.reversed().reduce(last) { step, make in make(step) }
    }

    mutating func order(_ goals: [Goal], _ bound: inout Set<Int>, report: Bool) -> [Make]? {
        guard goals.count <= Planner.maxGoals else {
            isTooLong = true
            return nil
        }
        var makers: [Make] = []
        var waiting = goals
        let constant = self.constant
        var leading: Int?
        while !waiting.isEmpty {
            var left: [Goal] = []
            for goal in waiting {
                if let make = make(goal, &bound) {
                    makers.append(make)
                } else {
                    if leading == nil { leading = makers.count }
                    left.append(goal)
                }
            }
            if left.count == waiting.count {
                if report { self.report(left, bound) }
                self.constant = constant
                return nil
            }
            waiting = left
        }
        self.leading = leading ?? goals.count
        return makers
    }

    mutating func report(_ goals: [Goal], _ bound: Set<Int>) {
        var found: Set<Int> = []
        for goal in goals { goal.collect(into: &found) }
        let names = found.subtracting(bound).map { name($0) }.filter { !$0.isEmpty }
        unsafe += Set(names.map { $0.hasPrefix("$") ? "_" : $0 }).sorted()
        if unsafe.isEmpty { unsafe = ["expression"] }
    }

    func areBound(_ term: ResolvedTerm, _ bound: Set<Int>) -> Bool {
        switch term {
        case .constant: return true
        case .local(let slot): return bound.contains(slot)
        default:
            var locals: Set<Int> = []
            term.collect(into: &locals)
            return locals.isSubset(of: bound)
        }
    }

    // MARK: Goals

    private mutating func make(_ goal: Goal, _ bound: inout Set<Int>) -> Make? {
        switch goal {
        case .test(let term):
            if case .ref(let head, let keys) = term { return reference(head, keys, result: nil, &bound) }
            guard areBound(term, bound) else { return nil }
            let operand = operand(term)
            return { TestStep(operand, $0) }
        case .unify(let one, let two): return unify(one, two, &bound)
        case .call(let function, let arguments, let result, let location):
            return call(function, arguments, result, location, &bound)
        case .comprehension(let comprehension, let slot):
            guard comprehension.free.isSubset(of: bound) else { return nil }
            var inner = bound
            guard let body = closure(comprehension, &inner) else { return nil }
            bound.insert(slot)
            return { ComprehensionStep(comprehension.kind, body: body, slot: slot, next: $0) }
        case .template(let pieces, let slot):
            for case .slot(let part) in pieces where !bound.contains(part) { return nil }
            bound.insert(slot)
            return { TemplateStep(pieces, slot: slot, next: $0) }
        case .not(let goals, let own):
            var needed: Set<Int> = []
            for goal in goals { goal.collect(into: &needed) }
            guard needed.subtracting(own).isSubset(of: bound) else { return nil }
            var inner = bound
            guard let makers = order(goals, &inner, report: false) else { return nil }
            let body = makers.reversed().reduce(HoldsStep()) { step, make in make(step) }
            return { NotStep(body, $0) }
        case .every(let every):
            guard areBound(every.domain, bound), every.free.isSubset(of: bound) else { return nil }
            var inner = bound
            if let key = every.key { inner.insert(key) }
            inner.insert(every.value)
            guard let makers = order(flatten(every.body), &inner, report: true) else { return nil }
            let body = makers.reversed().reduce(HoldsStep()) { step, make in make(step) }
            let domain = operand(every.domain)
            return { EveryStep(key: every.key, value: every.value, domain: domain, body: body, next: $0) }
        case .with(let changes, let goals): return with(changes, goals, &bound)
        }
    }

    private mutating func closure(_ comprehension: ResolvedTerm.Comprehension, _ bound: inout Set<Int>) -> Step? {
        var heads: [Goal] = []
        let terms = [comprehension.key, comprehension.value].compactMap { $0 }
        let flat = flattenHead(terms, &heads)
        guard let makers = order(flatten(comprehension.body) + heads, &bound, report: true) else { return nil }
        for term in flat where !areBound(term, bound) {
            report([.test(term)], bound)
            return nil
        }
        let last = CollectStep(flat.map { operand($0) })
        return makers.reversed().reduce(last) { step, make in make(step) }
    }

    /// Makes a slot; set by the compiler.
    var temporary: () -> Int = { 0 }

    /// Set by the compiler beside `flatten`: takes nested parts of head terms out.
    var flattenHead: ([ResolvedTerm], inout [Goal]) -> [ResolvedTerm] = { terms, _ in terms }

    private mutating func with(
        _ changes: [(target: ResolvedExpr.Target, value: ResolvedExpr.Replacement)], _ goals: [Goal],
        _ bound: inout Set<Int>
    ) -> Make? {
        var made: [WithStep.Change] = []
        for (target, value) in changes {
            switch value {
            case .value(let term):
                guard areBound(term, bound) else { return nil }
                switch target {
                case .input(let path): made.append(.input(path, operand(term)))
                case .data(let path): made.append(.data(path, operand(term)))
                case .function(let name): made.append(.function(targetName(name), operand(term)))
                }
            case .function(let replacement):
                guard case .function(let name) = target, let other = self.target(replacement) else { return nil }
                made.append(.target(targetName(name), other))
            }
        }
        var inner = bound
        let constant = self.constant
        guard let makers = order(goals, &inner, report: false) else { return nil }
        bound = inner
        // What is bound there is bound by another `input`.
        self.constant = constant
        return { next in
            WithStep(made, makers.reversed().reduce(WithoutStep(next)) { step, make in make(step) })
        }
    }

    private func targetName(_ name: ResolvedTerm.FunctionName) -> String { name.name }

    mutating func target(_ name: ResolvedTerm.FunctionName) -> FunctionTarget? {
        switch name {
        case .builtin(let builtin): return .builtin(builtin)
        case .rule(let path):
            dependencies.append(.function(path))
            guard let number = setNumbers[path] else { return nil }
            return .rules(program.sets[number])
        }
    }

    // MARK: Unification

    private mutating func unify(_ one: ResolvedTerm, _ two: ResolvedTerm, _ bound: inout Set<Int>) -> Make? {
        if case .ref(let head, let keys) = one { return unifyReference(head, keys, two, &bound) }
        if case .ref(let head, let keys) = two { return unifyReference(head, keys, one, &bound) }
        if areBound(two, bound) { return match(two, one, &bound) }
        if areBound(one, bound) { return match(one, two, &bound) }
        // Both have unknown parts: part by part.
        var pairs: [Goal] = []
        switch (one, two) {
        case (.array(let a), .array(let b)):
            guard a.count == b.count else { return { _ in FailStep() } }
            pairs = zip(a, b).map { .unify($0, $1) }
        case (.object(let a), .object(let b)):
            guard a.count == b.count else { return { _ in FailStep() } }
            for (key, value) in a {
                guard case .constant(let known) = key else { return nil }
                guard
                    let other = b.first(where: {
                        if case .constant(let theirs) = $0.key { return equal(known, theirs) }
                        return false
                    })
                else { return nil }
                pairs.append(.unify(value, other.value))
            }
        default: return nil
        }
        var inner = bound
        guard let makers = order(pairs, &inner, report: false) else { return nil }
        bound = inner
        return { next in makers.reversed().reduce(next) { step, make in make(step) } }
    }

    private mutating func match(_ known: ResolvedTerm, _ other: ResolvedTerm, _ bound: inout Set<Int>) -> Make? {
        guard let pattern = pattern(other, &bound) else { return nil }
        let operand = operand(known)
        return { MatchStep(operand, pattern, $0) }
    }

    // MARK: Terms

    func operand(_ term: ResolvedTerm) -> Operand {
        switch term {
        case .constant(let value): .constant(value)
        case .local(let slot): .slot(slot)
        case .array(let terms): .array(terms.map { operand($0) })
        case .set(let terms): .set(terms.map { operand($0) })
        case .object(let members): .object(members.map { (operand($0.key), operand($0.value)) })
        default: .constant(.null)
        }
    }

    /// Occurs once: the parser gives each `_` a name of its own.
    func isWildcard(_ slot: Int) -> Bool {
        let name = name(slot)
        return name.utf8.count > 1 && name.hasPrefix("$")
    }

    /// What a value is held against; nil when some part can neither be compared nor bound.
    func pattern(_ term: ResolvedTerm, _ bound: inout Set<Int>) -> Matcher? {
        if areBound(term, bound) { return .check(operand(term)) }
        switch term {
        case .local(let slot):
            bound.insert(slot)
            return isWildcard(slot) ? .any : .bind(slot)
        case .array(let terms):
            var patterns: [Matcher] = []
            for term in terms {
                guard let pattern = pattern(term, &bound) else { return nil }
                patterns.append(pattern)
            }
            return .array(patterns)
        case .object(let members):
            var patterns: [(Operand, Matcher)] = []
            for (key, value) in members {
                guard areBound(key, bound), let pattern = pattern(value, &bound) else { return nil }
                patterns.append((operand(key), pattern))
            }
            return .object(patterns)
        default: return nil
        }
    }
}

extension Goal {
    /// Every local that occurs; of closures those that come from outside.
    func collect(into locals: inout Set<Int>) {
        switch self {
        case .test(let term): term.collect(into: &locals)
        case .unify(let one, let two):
            one.collect(into: &locals)
            two.collect(into: &locals)
        case .call(_, let arguments, let result, _):
            for argument in arguments { argument.collect(into: &locals) }
            result?.collect(into: &locals)
        case .comprehension(let comprehension, let slot):
            locals.formUnion(comprehension.free)
            locals.insert(slot)
        case .template(let pieces, let slot):
            for case .slot(let part) in pieces { locals.insert(part) }
            locals.insert(slot)
        case .not(let goals, let own):
            var inner: Set<Int> = []
            for goal in goals { goal.collect(into: &inner) }
            locals.formUnion(inner.subtracting(own))
        case .every(let every):
            every.domain.collect(into: &locals)
            locals.formUnion(every.free)
        case .with(let changes, let goals):
            for case (_, .value(let term)) in changes { term.collect(into: &locals) }
            for goal in goals { goal.collect(into: &locals) }
        }
    }
}

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
    private(set) var dependencies: [Dependency] = []

    /// Calls something that may answer differently, or that is heard of outside.
    private(set) var isImpure = false
    /// Slots that hold the same whenever they are bound, as long as `input` is the same.
    private var constant: Set<Int> = []
    /// Sets of rules that are called, once for each call that is written.
    private(set) var calls: [Int] = []

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
        return makers.reversed().reduce(last) { step, make in make(step) }
    }

    private mutating func order(_ goals: [Goal], _ bound: inout Set<Int>, report: Bool) -> [Make]? {
        guard goals.count <= Planner.maxGoals else {
            isTooLong = true
            return nil
        }
        var makers: [Make] = []
        var waiting = goals
        let constant = self.constant
        while !waiting.isEmpty {
            var left: [Goal] = []
            for goal in waiting {
                if let make = make(goal, &bound) { makers.append(make) } else { left.append(goal) }
            }
            if left.count == waiting.count {
                if report { self.report(left, bound) }
                self.constant = constant
                return nil
            }
            waiting = left
        }
        return makers
    }

    private mutating func report(_ goals: [Goal], _ bound: Set<Int>) {
        var found: Set<Int> = []
        for goal in goals { goal.collect(into: &found) }
        let names = found.subtracting(bound).map { name($0) }.filter { !$0.isEmpty }
        unsafe += Set(names.map { $0.hasPrefix("$") ? "_" : $0 }).sorted()
        if unsafe.isEmpty { unsafe = ["expression"] }
    }

    private func areBound(_ term: ResolvedTerm, _ bound: Set<Int>) -> Bool {
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

    private mutating func target(_ name: ResolvedTerm.FunctionName) -> FunctionTarget? {
        switch name {
        case .builtin(let builtin): return .builtin(builtin)
        case .rule(let path):
            dependencies.append(.function(path))
            guard let number = setNumbers[path] else { return nil }
            return .rules(program.sets[number])
        }
    }

    private mutating func call(
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
    private func isConstant(_ operand: Operand) -> Bool {
        switch operand {
        case .constant: true
        case .slot(let slot): constant.contains(slot)
        case .composed: false
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

    private mutating func unifyReference(
        _ head: ResolvedTerm, _ keys: [ResolvedTerm], _ other: ResolvedTerm, _ bound: inout Set<Int>
    ) -> Make? {
        if case .ref(let otherHead, let otherKeys) = other {
            // Both are looked up, one after the other; either may go first.
            for (first, second) in [((head, keys), (otherHead, otherKeys)), ((otherHead, otherKeys), (head, keys))] {
                let slot = temporary()
                var inner = bound
                guard let one = reference(first.0, first.1, result: .bind(slot), &inner) else { continue }
                guard let two = reference(second.0, second.1, result: .check(.slot(slot)), &inner) else { continue }
                bound = inner
                return { one(two($0)) }
            }
            return nil
        }
        var inner = bound
        // Keys are bound before the value is held against the pattern.
        guard let keyPatterns = self.keys(keys, head, &inner), let pattern = pattern(other, &inner) else { return nil }
        guard let make = reference(head, keyPatterns, keys, result: pattern, bound) else { return nil }
        bound = inner
        if case .bind(let slot) = pattern, isConstant(head), keys.allSatisfy(\.isConstant) { constant.insert(slot) }
        return make
    }

    private func isConstant(_ head: ResolvedTerm) -> Bool {
        switch head {
        case .input: true
        case .local(let slot): constant.contains(slot)
        default: false
        }
    }

    /// Makes a slot; set by the compiler.
    var temporary: () -> Int = { 0 }

    // MARK: References

    private mutating func reference(
        _ head: ResolvedTerm, _ keys: [ResolvedTerm], result: Matcher?, _ bound: inout Set<Int>
    ) -> Make? {
        var inner = bound
        guard let patterns = self.keys(keys, head, &inner) else { return nil }
        guard let make = reference(head, patterns, keys, result: result, bound) else { return nil }
        bound = inner
        return make
    }

    private func keys(_ keys: [ResolvedTerm], _ head: ResolvedTerm, _ bound: inout Set<Int>) -> [RefStep.Key]? {
        if case .local(let slot) = head, !bound.contains(slot) { return nil }
        if !isRoot(head), !areBound(head, bound) { return nil }
        var made: [RefStep.Key] = []
        for key in keys {
            if areBound(key, bound) {
                made.append(.known(operand(key)))
            } else {
                guard let pattern = pattern(key, &bound) else { return nil }
                made.append(.open(pattern))
            }
        }
        return made
    }

    private func isRoot(_ head: ResolvedTerm) -> Bool {
        switch head {
        case .input, .data: true
        default: false
        }
    }

    private mutating func reference(
        _ head: ResolvedTerm, _ patterns: [RefStep.Key], _ keys: [ResolvedTerm], result: Matcher?, _ bound: Set<Int>
    ) -> Make? {
        let isTest = result == nil
        let result = result ?? .any
        switch head {
        case .input:
            var path = program.input
            var count = 0
            while isKept, count < keys.count, case .constant(let key) = keys[count],
                let below = path.descend(key, program)
            {
                path = below
                count += 1
            }
            let rest = Array(patterns.dropFirst(count))
            if isKept, case .open? = rest.first { path.isIterated = true }
            return { InputStep(path, rest, result: result, isTest: isTest, next: $0) }
        case .data:
            // Down the rule tree as far as keys are fixed and nothing above has a say.
            var node = program.root
            var count = 0
            while count < keys.count, node.rules.isEmpty, node.general.isEmpty,
                case .constant(.string(let name)) = keys[count], let child = node.child(name), child.hasDocument
            {
                node = child
                count += 1
            }
            var place = node.path
            for key in keys.dropFirst(count) {
                if case .constant(.int(let number)) = key {
                    place.append("\(number)")
                } else {
                    guard case .constant(.string(let name)) = key else { break }
                    place.append(name)
                }
            }
            if node.rules.isEmpty, node.general.isEmpty, count < keys.count,
                case .constant(.string(let name)) = keys[count], node.child(name)?.hasDocument != true
            {
                return { DataStep(patterns, result: result, isTest: isTest, next: $0) }
            }
            dependencies.append(.place(place))
            return {
                TreeStep(node, Array(patterns.dropFirst(count)), result: result, isTest: isTest, next: $0)
            }
        default:
            let operand = operand(head)
            if case .slot(let slot) = operand, case .known(.constant(.string(let name)))? = patterns.first {
                let rest = Array(patterns.dropFirst())
                return { MemberStep(slot, name, rest, result: result, isTest: isTest, next: $0) }
            }
            return { TermRefStep(operand, patterns, result: result, isTest: isTest, next: $0) }
        }
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
    private func isWildcard(_ slot: Int) -> Bool {
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

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Modules with a mark before each line and after each body, by which an evaluation shows which lines it came to, how
/// often, and how long it was about them.
package final class RegoInstruments: Sendable {
    /// One line of a module, or a rule's head.
    package struct Mark: Sendable {
        package let location: Location
        /// Times that evaluations came here; of a head, that they gave an answer.
        package var count = 0
        /// From here to the next mark.
        package var nanoseconds = 0
    }

    private struct State {
        var marks: [Mark] = []
        var last: (mark: Int, time: ContinuousClock.Instant)?
    }

    private let state = Mutex(State())

    package init() {}

    /// More lines than this are not marked: a mark is a number.
    private static let maxMarks = 1_000_000
    private static let name = "internal.mark"

    // MARK: While compiling

    /// The modules, marked.
    package func instrument(_ modules: [Module]) -> [Module] {
        modules.map { module in
            var marked = module
            marked.rules = module.rules.map { rule in
                if rule.isDefault { return rule }
                return Rule(
                    reference: rule.reference, kind: rule.kind, value: term(rule.value),
                    body: body(rule.body, head: rule.location, isConstant: rule.isConstant),
                    alternatives: rule.alternatives.map {
                        Rule.Alternative(
                            value: term($0.value), body: body($0.body, head: $0.location, isConstant: false),
                            location: $0.location)
                    }, isDefault: false, location: rule.location, isConstant: false, annotations: rule.annotations)
            }
            return marked
        }
    }

    /// The functions of the language, and the one that marks call.
    package var builtins: [String: Builtin] {
        var all = Builtins.all
        all[RegoInstruments.name] = Builtin(
            RegoInstruments.name, arity: 1, signature: .init([[.number]], []), isDeterministic: false,
            .one { [self] number, _ in
                if case .int(let mark) = number.resolved { hit(mark) }
                return .bool(true)
            })
        return all
    }

    private func mark(_ location: Location) -> Expr? {
        let number = state.withLock { state -> Int? in
            guard state.marks.count < RegoInstruments.maxMarks else { return nil }
            state.marks.append(Mark(location: location))
            return state.marks.count - 1
        }
        guard let number else { return nil }
        let call = Parser.operation(RegoInstruments.name, [Term(.number("\(number)"), at: location)], location)
        return Expr(.term(call), at: location)
    }

    private func body(_ lines: [Expr], head: Location? = nil, isConstant: Bool = false) -> [Expr] {
        var marked: [Expr] = []
        for line in lines {
            if !isConstant, let mark = mark(line.location) { marked.append(mark) }
            marked.append(self.line(line))
        }
        if let head, let mark = mark(head) { marked.append(mark) }
        return marked
    }

    private func line(_ line: Expr) -> Expr {
        let kind: Expr.Kind
        switch line.kind {
        case .term(let term): kind = .term(self.term(term))
        case .some: return line
        case .someIn(let key, let value, let domain): kind = .someIn(key: key, value: value, term(domain))
        case .every(let key, let value, let domain, let lines):
            kind = .every(key: key, value: value, term(domain), body(lines))
        }
        return Expr(kind, negated: line.isNegated, with: line.with, at: line.location)
    }

    /// The term with the bodies of its comprehensions marked.
    private func term(_ term: Term) -> Term {
        let kind: Term.Kind
        switch term.kind {
        case .null, .bool, .number, .string, .variable, .template: return term
        case .ref(let head, let rest): kind = .ref(self.term(head), rest.map { self.term($0) })
        case .array(let terms): kind = .array(terms.map { self.term($0) })
        case .set(let terms): kind = .set(terms.map { self.term($0) })
        case .object(let members): kind = .object(members.map { (self.term($0.key), self.term($0.value)) })
        case .arrayComprehension(let head, let lines): kind = .arrayComprehension(self.term(head), body(lines))
        case .setComprehension(let head, let lines): kind = .setComprehension(self.term(head), body(lines))
        case .objectComprehension(let key, let value, let lines):
            kind = .objectComprehension(self.term(key), self.term(value), body(lines))
        case .call(let function, let arguments): kind = .call(function, arguments.map { self.term($0) })
        }
        return Term(kind, at: term.location)
    }

    // MARK: While evaluating

    private func hit(_ mark: Int) {
        let now = ContinuousClock.now
        state.withLock { state in
            guard state.marks.indices.contains(mark) else { return }
            RegoInstruments.settle(&state, now)
            state.marks[mark].count += 1
            state.last = (mark, now)
        }
    }

    private static func settle(_ state: inout State, _ now: ContinuousClock.Instant) {
        guard let last = state.last else { return }
        let parts = (now - last.time).components
        state.marks[last.mark].nanoseconds +=
            Int(parts.seconds) * 1_000_000_000 + Int(parts.attoseconds / 1_000_000_000)
        state.last = nil
    }

    /// The marks as they stand when an evaluation has ended.
    package func settled() -> [Mark] {
        let now = ContinuousClock.now
        return state.withLock { state in
            RegoInstruments.settle(&state, now)
            return state.marks
        }
    }
}

extension RegoPolicy {
    /// The same modules, marked by `instruments`; slower, and only for looking on.
    package convenience init(_ sources: [ModuleSource], version: RegoVersion, instruments: RegoInstruments)
        throws(RegoErrors)
    {
        // Everything that is wrong is said of the modules as they are.
        let plain = try RegoPolicy(sources, version: version)
        try self.init(modules: instruments.instrument(plain.modules), builtins: instruments.builtins)
    }
}

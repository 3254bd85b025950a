// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// A term whose names are resolved: locals are slots, rules are paths from `data`, functions are known.
indirect enum ResolvedTerm {
    case constant(Value)
    case local(Int)
    /// The documents a reference may start at.
    case input
    case data
    case ref(ResolvedTerm, [ResolvedTerm])
    case array([ResolvedTerm])
    case object([(key: ResolvedTerm, value: ResolvedTerm)])
    case set([ResolvedTerm])
    case comprehension(Comprehension)
    case call(FunctionName, [ResolvedTerm], Location)
    case template([Piece], Location)

    enum Piece {
        case text(String)
        case term(Comprehension)
    }

    final class Comprehension {
        enum Kind { case array, set, object }
        let kind: Kind
        /// The key of an object, and the value.
        let key: ResolvedTerm?
        let value: ResolvedTerm
        let body: [ResolvedExpr]
        /// The locals that live inside.
        let own: Set<Int>

        init(kind: Kind, key: ResolvedTerm?, value: ResolvedTerm, body: [ResolvedExpr], own: Set<Int>) {
            (self.kind, self.key, self.value, self.body, self.own) = (kind, key, value, body, own)
        }

        /// The locals that must be known before.
        var free: Set<Int> {
            var found: Set<Int> = []
            key?.collect(into: &found)
            value.collect(into: &found)
            for expr in body { expr.collect(into: &found) }
            return found.subtracting(own)
        }
    }

    enum FunctionName {
        case builtin(Builtin)
        /// A rule's path from `data`.
        case rule([String])

        var name: String {
            switch self {
            case .builtin(let builtin): builtin.name
            case .rule(let path): (["data"] + path).joined(separator: ".")
            }
        }
    }

    var isConstant: Bool {
        if case .constant = self { return true }
        return false
    }
}

struct ResolvedExpr {
    enum Kind {
        case term(ResolvedTerm)
        case unify(ResolvedTerm, ResolvedTerm)
        case every(Every)
    }

    struct Every {
        let key: Int?
        let value: Int
        var domain: ResolvedTerm
        let body: [ResolvedExpr]
        let own: Set<Int>

        /// The locals that must be known before, those of the domain left out.
        var free: Set<Int> {
            var found: Set<Int> = []
            for expr in body { expr.collect(into: &found) }
            return found.subtracting(own)
        }
    }

    enum Target {
        case input([String])
        case data([String])
        case function(ResolvedTerm.FunctionName)
    }

    enum Replacement {
        case value(ResolvedTerm)
        case function(ResolvedTerm.FunctionName)
    }

    let kind: Kind
    var isNegated = false
    var with: [(target: Target, value: Replacement)] = []
    let location: Location
    /// What operands need stays inside of `not` (`import future.keywords.not`).
    var keepsInside = false
}

extension ResolvedTerm {
    /// Every local that occurs; of closures those that come from outside.
    func collect(into locals: inout Set<Int>) {
        switch self {
        case .constant, .input, .data: break
        case .local(let slot): locals.insert(slot)
        case .ref(let head, let keys):
            head.collect(into: &locals)
            for key in keys { key.collect(into: &locals) }
        case .array(let terms), .set(let terms), .call(_, let terms, _):
            for term in terms { term.collect(into: &locals) }
        case .object(let members):
            for (key, value) in members {
                key.collect(into: &locals)
                value.collect(into: &locals)
            }
        case .comprehension(let comprehension):
            locals.formUnion(comprehension.free)
        case .template(let pieces, _):
            for case .term(let piece) in pieces { locals.formUnion(piece.free) }
        }
    }
}

extension ResolvedExpr {
    func collect(into locals: inout Set<Int>) {
        switch kind {
        case .term(let term): term.collect(into: &locals)
        case .unify(let one, let two):
            one.collect(into: &locals)
            two.collect(into: &locals)
        case .every(let every):
            every.domain.collect(into: &locals)
            locals.formUnion(every.free)
        }
        for case (_, .value(let term)) in with { term.collect(into: &locals) }
    }
}

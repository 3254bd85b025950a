// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// A term of the language, as written.
package final class Term: Sendable {
    package indirect enum Kind: Sendable {
        case null
        case bool(Bool)
        case number(String)
        case string(String)
        case variable(String)
        /// A head and what it is asked for: `a.b[c]` is `a`, `"b"`, `c`.
        case ref(Term, [Term])
        case array([Term])
        case object([(key: Term, value: Term)])
        case set([Term])
        case arrayComprehension(Term, [Expr])
        case setComprehension(Term, [Expr])
        case objectComprehension(Term, Term, [Expr])
        /// A function by its dotted name, or an operator by its function's name.
        case call(Term, [Term])
        case template([Part])
    }

    /// A piece of a string that is put together: fixed text or a term.
    package enum Part: Sendable {
        case text(String)
        case term(Term, with: [Expr.With])
    }

    package let kind: Kind
    package let location: Location

    package init(_ kind: Kind, at location: Location) {
        self.kind = kind
        self.location = location
    }

    package var variableName: String? {
        if case .variable(let name) = kind { return name }
        return nil
    }

    package var stringText: String? {
        if case .string(let text) = kind { return text }
        return nil
    }

    /// A variable that stands for anything, different at each place.
    package var isWildcard: Bool { variableName?.hasPrefix("$") ?? false }

    /// `a.b.c` of a ref or variable whose parts are all fixed; nil for the rest.
    package var dottedPath: [String]? {
        switch kind {
        case .variable(let name): return [name]
        case .ref(let head, let rest):
            guard let name = head.variableName else { return nil }
            var path = [name]
            for term in rest {
                guard let text = term.stringText else { return nil }
                path.append(text)
            }
            return path
        default: return nil
        }
    }
}

/// One line of a body.
package final class Expr: Sendable {
    package indirect enum Kind: Sendable {
        case term(Term)
        /// `some x, y`
        case some([Term])
        /// `some k, v in xs`
        case someIn(key: Term?, value: Term, Term)
        /// `every k, v in xs { … }`
        case every(key: Term?, value: Term, Term, [Expr])
    }

    package struct With: Sendable {
        package let target: Term
        package let value: Term
    }

    package let kind: Kind
    package let isNegated: Bool
    package let with: [With]
    package let location: Location

    package init(_ kind: Kind, negated: Bool = false, with: [With] = [], at location: Location) {
        self.kind = kind
        isNegated = negated
        self.with = with
        self.location = location
    }
}

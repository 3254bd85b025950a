// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

extension Parser {
    // MARK: Operators

    /// A term with operators and `in`; outside of lists also `key, value in collection`.
    mutating func infix(inList: Bool = false) throws(RegoError) -> Term {
        try nested { (parser) throws(RegoError) in
            let place = parser.here
            var left = try parser.relation()
            if !inList, parser.features.contains("in"), parser.token.isSymbol(",") {
                let back = (parser.at, parser.errors.count)
                parser.advance()
                if let value = try? parser.relation(), parser.isWord("in") {
                    parser.advance()
                    let right = try parser.relation()
                    left = Parser.operation("internal.member_3", [left, value, right], place)
                } else {
                    parser.at = back.0
                }
            }
            while parser.isWord("in") {
                try parser.countOperator()
                parser.advance()
                let right = try parser.relation()
                left = Parser.operation("internal.member_2", [left, right], place)
            }
            return left
        }
    }

    static func operation(_ name: String, _ arguments: [Term], _ place: Location) -> Term {
        let words = name.split(separator: ".").map(String.init)
        let head = Term(.variable(words[0]), at: place)
        let function =
            words.count == 1
            ? head : Term(.ref(head, words.dropFirst().map { Term(.string($0), at: place) }), at: place)
        return Term(.call(function, arguments), at: place)
    }

    private mutating func relation() throws(RegoError) -> Term {
        let operators = ["==": "equal", "!=": "neq", "<": "lt", ">": "gt", "<=": "lte", ">=": "gte"]
        return try chain(operators) { (parser) throws(RegoError) in
            try parser.chain(["|": "or"]) { (parser) throws(RegoError) in
                try parser.chain(["&": "and"]) { (parser) throws(RegoError) in
                    try parser.chain(["+": "plus", "-": "minus"]) { (parser) throws(RegoError) in
                        try parser.chain(["*": "mul", "/": "div", "%": "rem"]) { (parser) throws(RegoError) in
                            try parser.term()
                        }
                    }
                }
            }
        }
    }

    private mutating func chain(
        _ operators: [String: String], _ operand: (inout Parser) throws(RegoError) -> Term
    ) throws(RegoError) -> Term {
        let place = here
        var left = try operand(&self)
        while token.kind == .symbol, let name = operators[token.text] {
            try countOperator()
            advance()
            left = Parser.operation(name, [left, try operand(&self)], place)
        }
        return left
    }

    // MARK: Terms

    mutating func term() throws(RegoError) -> Term {
        try nested { (parser) throws(RegoError) in
            let place = parser.here
            let token = parser.token
            switch token.kind {
            case .keyword where !parser.isDotted:
                switch token.text {
                case "null": return try parser.scalar(.null)
                case "true": return try parser.scalar(.bool(true))
                case "false": return try parser.scalar(.bool(false))
                default: throw parser.unexpected("expected term")
                }
            case .keyword, .identifier:
                return try parser.finish(try parser.variable(), inHead: false)
            case .number: return try parser.scalar(.number(token.text))
            case .string: return try parser.finish(try parser.scalar(.string(token.text)), inHead: false)
            case .template:
                parser.advance()
                return Term(.template(try parser.parts(token.template)), at: place)
            case .symbol:
                switch token.text {
                case "-":
                    parser.advance()
                    guard parser.token.kind == .number, !parser.token.spaceBefore else {
                        throw parser.unexpected("expected number")
                    }
                    return try parser.scalar(.number("-" + parser.token.text))
                case "[": return try parser.finish(try parser.array(), inHead: false)
                case "{": return try parser.finish(try parser.braces(), inHead: false)
                case "(":
                    parser.advance()
                    let inside = try parser.infix()
                    guard parser.accept(")") else { throw parser.unexpected("non-terminated expression") }
                    return try parser.finish(inside, inHead: false)
                default: throw parser.unexpected("expected term")
                }
            case .end: throw parser.unexpected("expected term")
            }
        }
    }

    private mutating func scalar(_ kind: Term.Kind) throws(RegoError) -> Term {
        let term = Term(kind, at: here)
        advance()
        return term
    }

    mutating func variable() throws(RegoError) -> Term {
        let word = token
        guard word.kind == .identifier || word.kind == .keyword else { throw unexpected("expected var") }
        if !isDotted, word.kind == .keyword || isReservedWord(word.text) { throw unexpected("expected var") }
        let place = here
        advance()
        if word.text == "_" {
            wildcards += 1
            return Term(.variable("$\(wildcards)"), at: place)
        }
        return Term(.variable(word.text), at: place)
    }

    /// `contains` is also a function's name.
    private func isReservedWord(_ text: String) -> Bool { text != "contains" && features.contains(text) }

    private mutating func parts(_ pieces: [TemplatePiece]) throws(RegoError) -> [Term.Part] {
        var parts: [Term.Part] = []
        for piece in pieces {
            switch piece {
            case .text(let text): parts.append(.text(text))
            case .expression(let start, let row, let column):
                var parser = inner(start: start, row: row, column: column)
                if parser.isAtEnd { throw RegoError(.parse, "empty template expression", at: parser.here) }
                let term = try parser.infix()
                let with = try parser.modifiers()
                if !parser.isAtEnd { throw parser.unexpected("expected `}`") }
                wildcards = parser.wildcards
                parts.append(.term(term, with: with))
            }
        }
        return parts
    }

    // MARK: References and calls

    /// What follows a term without a space: `.name`, `[key]`, `(arguments)`.
    mutating func finish(_ head: Term, inHead: Bool) throws(RegoError) -> Term {
        var head = head
        var rest: [Term] = []
        let place = head.location
        func made() -> Term {
            if rest.isEmpty { return head }
            return Term(.ref(head, rest), at: place)
        }
        while !token.spaceBefore {
            if token.isSymbol(".") {
                advance()
                guard token.kind == .identifier || token.kind == .keyword, !token.spaceBefore else {
                    throw unexpected("expected ident")
                }
                rest.append(Term(.string(token.text), at: here))
                advance()
            } else if token.isSymbol("[") {
                advance()
                rest.append(try infix())
                guard accept("]") else { throw unexpected("expected `]`") }
            } else if token.isSymbol("(") {
                let function = made()
                guard function.variableName != nil || function.isRef else { break }
                advance()
                head = Term(.call(function, try list(until: ")")), at: place)
                rest = []
                if inHead { break }
            } else {
                break
            }
            if case .number = head.kind { throw unexpected("expected term") }
        }
        return made()
    }

    /// Terms between commas up to a closing symbol, which is taken too.
    private mutating func list(until end: StaticString) throws(RegoError) -> [Term] {
        var terms: [Term] = []
        while !accept(end) {
            terms.append(try infix(inList: true))
            if accept(",") { continue }
            guard accept(end) else { throw unexpected("expected `,` or `\(end)`") }
            break
        }
        return terms
    }

    // MARK: Collections and comprehensions

    /// The body of a comprehension, when what follows `|` is one up to `end`; else nothing is taken.
    private mutating func comprehension(_ end: StaticString) throws(RegoError) -> [Expr]? {
        guard token.isSymbol("|") else { return nil }
        let back = (at, wildcards)
        advance()
        do {
            let body = try query(until: end)
            advance()
            return body
        } catch {
            // `[a | b, c]` is a list whose first element is a union.
            if !token.isSymbol(",") { throw error }
            (at, wildcards) = back
            return nil
        }
    }

    private mutating func array() throws(RegoError) -> Term {
        let place = here
        advance()
        if accept("]") { return Term(.array([]), at: place) }
        let back = (at, wildcards)
        let head = try term()
        if let body = try comprehension("]") { return Term(.arrayComprehension(head, body), at: place) }
        (at, wildcards) = back
        return Term(.array(try list(until: "]")), at: place)
    }

    private mutating func braces() throws(RegoError) -> Term {
        let place = here
        advance()
        if accept("}") { return Term(.object([]), at: place) }
        let back = (at, wildcards)
        let head = try term()
        if let body = try comprehension("}") { return Term(.setComprehension(head, body), at: place) }
        if token.isSymbol(":") {
            advance()
            let value = try term()
            if let body = try comprehension("}") { return Term(.objectComprehension(head, value, body), at: place) }
        }
        (at, wildcards) = back
        let first = try infix(inList: true)
        guard token.isSymbol(":") else {
            if accept("}") { return Term(.set([first]), at: place) }
            guard accept(",") else { throw unexpected("expected `,`, `:` or `}`") }
            return Term(.set([first] + (try list(until: "}"))), at: place)
        }
        var members: [(key: Term, value: Term)] = []
        var key = first
        while true {
            try expect(":")
            members.append((key, try infix(inList: true)))
            if accept("}") { break }
            guard accept(",") else { throw unexpected("expected `,` or `}`") }
            if accept("}") { break }
            key = try infix(inList: true)
        }
        return Term(.object(members), at: place)
    }
}

extension Term {
    var isRef: Bool {
        if case .ref = kind { return true }
        return false
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

extension Parser {
    /// The lines of a body up to a closing symbol, which stays; nil is the end of the text.
    mutating func query(until end: StaticString?) throws(RegoError) -> [Expr] {
        func isEnd() -> Bool { end.map { token.isSymbol($0) } ?? isAtEnd }
        if isEnd() { throw RegoError(.parse, "found empty body", at: here) }
        var body: [Expr] = []
        while true {
            body.append(try literal())
            if accept(";") {
                // A trailing one is forgiven at the end of a body.
                if isEnd() { return body }
                continue
            }
            if isEnd() { return body }
            if isAtEnd || !token.lineBefore { throw unexpected("expected \\n or ; or \(end ?? "end of query")") }
        }
    }

    /// One line of a body.
    mutating func literal() throws(RegoError) -> Expr {
        if lines == 0 { operators = 0 }
        lines += 1
        defer { lines -= 1 }
        return try nested { (parser) throws(RegoError) in
            let place = parser.here
            var negated = false
            if parser.token.isKeyword("not"), !parser.isDotted {
                parser.advance()
                negated = true
            }
            if parser.token.isKeyword("some"), !parser.isDotted {
                if negated { throw parser.unexpected("expected term") }
                return try parser.some(place)
            }
            if parser.isWord("every") {
                if negated { throw parser.unexpected("expected term") }
                return try parser.every(place)
            }
            let term = try parser.expression()
            return Expr(.term(term), negated: negated, with: try parser.modifiers(), at: place)
        }
    }

    /// A term, or two with `=` or `:=` between them.
    private mutating func expression() throws(RegoError) -> Term {
        let place = here
        let left = try infix()
        if token.isSymbol("=") || token.isSymbol(":=") {
            let name = token.text == "=" ? "eq" : "assign"
            advance()
            let right = try infix()
            return Parser.operation(name, [left, right], place)
        }
        return left
    }

    mutating func modifiers() throws(RegoError) -> [Expr.With] {
        var found: [Expr.With] = []
        while token.isKeyword("with"), !isDotted {
            advance()
            let target = try term()
            guard target.variableName != nil || target.isRef else {
                throw RegoError(.parse, "expected with target path", at: target.location)
            }
            guard token.isKeyword("as") else { throw unexpected("expected as keyword") }
            advance()
            found.append(Expr.With(target: target, value: try infix(inList: true)))
        }
        return found
    }

    private mutating func some(_ place: Location) throws(RegoError) -> Expr {
        advance()
        let back = (at, wildcards)
        if features.contains("in"), let (key, value, collection) = try membership() {
            return Expr(.someIn(key: key, value: value, collection), with: try modifiers(), at: place)
        }
        (at, wildcards) = back
        var names: [Term] = []
        repeat { names.append(try variable()) } while accept(",")
        return Expr(.some(names), at: place)
    }

    /// `value in collection` or `key, value in collection`; nil when it is something else.
    private mutating func membership() throws(RegoError) -> (Term?, Term, Term)? {
        let term: Term
        do { term = try infix() } catch {
            if features.contains("in"), token.isSymbol(",") || isAtEnd { return nil }
            throw error
        }
        guard case .call(let function, let arguments) = term.kind, let path = function.dottedPath,
            path.first == "internal"
        else { return nil }
        if path.last == "member_2" { return (nil, arguments[0], arguments[1]) }
        return (arguments[0], arguments[1], arguments[2])
    }

    private mutating func every(_ place: Location) throws(RegoError) -> Expr {
        advance()
        guard let (key, value, domain) = try membership() else {
            throw unexpected("expected `x[, y] in xs { ... }` expression")
        }
        for name in [key, value].compactMap({ $0 }) where name.variableName == nil {
            throw RegoError(.parse, "expected variable", at: name.location)
        }
        try expect("{")
        let body = try query(until: "}")
        advance()
        return Expr(.every(key: key, value: value, domain, body), with: try modifiers(), at: place)
    }
}

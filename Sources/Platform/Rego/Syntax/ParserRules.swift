// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

extension Parser {
    struct Head {
        var reference: [Term]
        var arguments: [Term]?
        /// The member of `contains`.
        var member: Term?
        var value: Term?
        var place: Location
    }

    /// A rule, and one more for each further body that is chained to it.
    mutating func rules(strict: Bool) throws(RegoError) -> [Rule] {
        let place = here
        operators = 0
        var isDefault = false
        if token.isKeyword("default"), !isDotted {
            isDefault = true
            advance()
        }
        let start = token
        guard start.kind == .identifier || (start.kind == .keyword && isDotted) else {
            throw unexpected(isDefault ? "expected rule name" : "expected rule head, import or end of file")
        }
        let head = try self.head()
        if isDefault { return [try defaultRule(head, place)] }
        let hasIf = isWord("if")
        if hasIf { advance() }
        var body: [Expr]?
        if hasIf {
            body = try bodyAfterIf()
        } else if token.isSymbol("{") {
            if strict { throw unexpected("`if` keyword is required before rule body") }
            body = try braced()
        }
        return try assemble(head, body, hasIf: hasIf, strict: strict, place)
    }

    private mutating func assemble(
        _ head: Head, _ body: [Expr]?, hasIf: Bool, strict: Bool, _ place: Location
    ) throws(RegoError) -> [Rule] {
        var reference = head.reference
        let kind: Rule.Kind
        let value: Term
        let yes = Term(.bool(true), at: head.place)
        if let arguments = head.arguments {
            kind = .function(arguments)
            value = head.value ?? yes
        } else if let member = head.member {
            kind = .multiple
            value = member
        } else if !hasIf, head.value == nil, reference.count == 2 {
            // `p[x] { … }` of old is a set's member.
            if strict {
                throw RegoError(.parse, "`contains` keyword is required for partial set rules", at: head.place)
            }
            kind = .multiple
            value = reference.removeLast()
        } else {
            kind = .single
            value = head.value ?? yes
        }
        if body == nil, head.value == nil, head.member == nil {
            if case .multiple = kind {
            } else {
                if strict { throw RegoError(.parse, "`if` keyword is required before rule body", at: here) }
                if reference.count == 1, head.arguments == nil {
                    throw RegoError(.parse, "var cannot be used for rule name", at: head.place)
                }
            }
        }
        var alternatives: [Rule.Alternative] = []
        while token.isKeyword("else"), !isDotted {
            if case .multiple = kind {
                throw RegoError(.parse, "else keyword cannot be used on multi-value rules", at: here)
            }
            if reference.dropFirst().contains(where: { $0.stringText == nil && !$0.isConstant }) {
                throw RegoError(.parse, "else keyword cannot be used on rules with variables in head", at: here)
            }
            alternatives.append(try alternative(strict: strict))
        }
        let always = [Expr(.term(yes), at: head.place)]
        var rules = [
            Rule(
                reference: reference, kind: kind, value: value, body: body ?? always, alternatives: alternatives,
                isDefault: false, location: place, isConstant: body == nil)
        ]
        while body != nil, token.isSymbol("{") {
            if !alternatives.isEmpty { throw unexpected("expected else keyword") }
            if strict { throw unexpected("`if` keyword is required before rule body") }
            let place = here
            rules.append(
                Rule(
                    reference: reference, kind: kind, value: value, body: try braced(), alternatives: [],
                    isDefault: false, location: place, isConstant: false))
        }
        if !isAtEnd, !token.lineBefore, !token.isSymbol(";") { throw unexpected("expected end of rule") }
        _ = accept(";")
        return rules
    }

    mutating func head() throws(RegoError) -> Head {
        let place = here
        let term = try finish(try variable(), inHead: true)
        var head = Head(reference: [], place: place)
        var named = term
        if case .call(let function, let arguments) = term.kind {
            // Without arguments it is a rule like any other.
            if !arguments.isEmpty { head.arguments = arguments }
            named = function
        }
        switch named.kind {
        case .variable: head.reference = [named]
        case .ref(let name, let rest):
            guard name.variableName != nil else { throw RegoError(.parse, "rule head ref is invalid", at: place) }
            head.reference = [name] + rest
        default: throw RegoError(.parse, "expected rule head name", at: place)
        }
        if head.reference[0].isWildcard { throw RegoError(.parse, "expected rule head name", at: place) }
        if isWord("contains") {
            if head.arguments != nil {
                throw unexpected("the contains keyword can only be used with multi-value rule definitions")
            }
            advance()
            head.member = try infix()
        } else if accept("=") || accept(":=") {
            head.value = try infix()
        }
        return head
    }

    private mutating func defaultRule(_ head: Head, _ place: Location) throws(RegoError) -> Rule {
        guard head.member == nil else {
            throw RegoError(.parse, "default rules cannot use contains", at: place)
        }
        guard let value = head.value else {
            throw unexpected(
                "default rules must have a value, as in `default \(head.reference[0].variableName ?? "p") := v`")
        }
        if !value.isDefaultValue {
            throw RegoError(
                .parse, "illegal default rule (value cannot contain a variable, ref or call)", at: value.location)
        }
        var kind = Rule.Kind.single
        if let arguments = head.arguments {
            var seen: Set<String> = []
            for argument in arguments {
                if version == .v0, argument.isConstant { continue }
                guard let name = argument.variableName else {
                    throw RegoError(
                        .parse, "illegal default rule (arguments must be plain variables)", at: argument.location)
                }
                if !seen.insert(name).inserted {
                    throw RegoError(
                        .parse, "illegal default rule (arguments cannot be repeated \(name))", at: argument.location)
                }
            }
            kind = .function(arguments)
        }
        if !isAtEnd, !token.lineBefore { throw unexpected("expected end of rule") }
        return Rule(
            reference: head.reference, kind: kind, value: value,
            body: [Expr(.term(Term(.bool(true), at: place)), at: place)], alternatives: [], isDefault: true,
            location: place, isConstant: true)
    }

    private mutating func braced() throws(RegoError) -> [Expr] {
        try expect("{")
        let body = try query(until: "}")
        advance()
        return body
    }

    /// `if { … }` or `if` and one line. A set there could only hold, so that braces are a body where they can be.
    private mutating func bodyAfterIf() throws(RegoError) -> [Expr] {
        guard token.isSymbol("{") else { return [try literal()] }
        let back = (at, wildcards)
        if let line = try? literal(), !line.isSetLiteral { return [line] }
        (at, wildcards) = back
        return try braced()
    }

    private mutating func alternative(strict: Bool) throws(RegoError) -> Rule.Alternative {
        let place = here
        advance()
        var value = Term(.bool(true), at: place)
        var hasValue = false
        if accept("=") || accept(":=") {
            value = try infix()
            hasValue = true
        }
        if isWord("if") {
            advance()
            return Rule.Alternative(value: value, body: try bodyAfterIf(), location: place)
        }
        if token.isSymbol("{") {
            if strict { throw unexpected("`if` keyword is required before rule body") }
            return Rule.Alternative(value: value, body: try braced(), location: place)
        }
        if !hasValue { throw unexpected("expected else value term or rule body") }
        return Rule.Alternative(
            value: value, body: [Expr(.term(Term(.bool(true), at: place)), at: place)], location: place)
    }
}

extension Expr {
    fileprivate var isSetLiteral: Bool {
        if case .term(let term) = kind, case .set = term.kind, with.isEmpty, !isNegated { return true }
        return false
    }
}

extension Term {
    /// Holds no variable, reference or call.
    var isConstant: Bool {
        switch kind {
        case .null, .bool, .number, .string: true
        case .array(let terms), .set(let terms): terms.allSatisfy(\.isConstant)
        case .object(let members): members.allSatisfy { $0.key.isConstant && $0.value.isConstant }
        default: false
        }
    }

    /// May be a default's value: constants and closed comprehensions.
    fileprivate var isDefaultValue: Bool {
        switch kind {
        case .variable, .ref, .call: false
        case .array(let terms), .set(let terms): terms.allSatisfy(\.isDefaultValue)
        case .object(let members): members.allSatisfy { $0.key.isDefaultValue && $0.value.isDefaultValue }
        default: true
        }
    }
}

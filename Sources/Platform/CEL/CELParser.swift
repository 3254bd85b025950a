// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Reads expressions and expands macros.
struct CELParser {
    static let maxDepth = 200
    static let maxBytes = 1 << 18
    /// Operators and members of one expression: terms hang below each other by them.
    static let maxOperators = 2000
    private static let reserved: Set<String> = [
        "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package",
        "namespace", "return", "var", "void", "while", "in",
    ]

    private let tokens: [(token: CELLexer.Token, offset: Int)]
    private let source: String
    private var at = 0
    private var depth = 0
    private var operators = 0
    /// Variables of macros that are visible, innermost last.
    private var locals: [(name: String, slot: Int)] = []
    private(set) var slotCount = 0

    init(_ text: String) throws(CELError) {
        guard text.utf8.count <= CELParser.maxBytes else {
            throw CELError(.limit, "the expression is longer than \(CELParser.maxBytes) bytes")
        }
        source = text
        tokens = try CELLexer.tokens(text)
    }

    mutating func parse() throws(CELError) -> CELExpression {
        let expression = try conditional()
        guard token == .end else { throw unexpected() }
        return expression
    }

    private var token: CELLexer.Token { tokens[at].token }

    private mutating func advance() { if at < tokens.count - 1 { at += 1 } }

    private mutating func accept(_ symbol: String) -> Bool {
        guard token == .symbol(symbol) else { return false }
        advance()
        return true
    }

    private mutating func expect(_ symbol: String) throws(CELError) {
        if !accept(symbol) { throw unexpected("expected `\(symbol)`") }
    }

    func fail(_ message: String) -> CELError {
        let before = source.utf8.prefix(tokens[at].offset)
        let line = before.reduce(1) { $1 == 0x0A ? $0 + 1 : $0 }
        let column =
            before.count
            - (before.lastIndex(of: 0x0A).map { before.distance(from: before.startIndex, to: $0) + 1 } ?? 0)
        return CELError(.syntax, message, line: line, column: column + 1)
    }

    private func unexpected(_ hint: String = "") -> CELError {
        let what: String =
            switch token {
            case .end: "end of the expression"
            case .identifier(let name): name
            case .symbol(let symbol): "`\(symbol)`"
            default: "literal"
            }
        return fail("unexpected \(what)\(hint.isEmpty ? "" : ": \(hint)")")
    }

    private mutating func nested<T>(_ body: (inout CELParser) throws(CELError) -> T) throws(CELError) -> T {
        depth += 1
        defer { depth -= 1 }
        if depth > CELParser.maxDepth {
            throw CELError(.limit, "the expression nests deeper than \(CELParser.maxDepth)")
        }
        return try body(&self)
    }

    // MARK: Operators

    private mutating func countOperator() throws(CELError) {
        operators += 1
        if operators > CELParser.maxOperators {
            throw CELError(.limit, "the expression has more than \(CELParser.maxOperators) operators and members")
        }
    }

    private mutating func conditional() throws(CELError) -> CELExpression {
        try nested { (parser) throws(CELError) in
            let condition = try parser.or()
            guard parser.accept("?") else { return condition }
            let yes = try parser.or()
            try parser.expect(":")
            return .conditional(condition, yes, try parser.conditional())
        }
    }

    private mutating func or() throws(CELError) -> CELExpression {
        var left = try and()
        while accept("||") {
            try countOperator()
            left = .or(left, try and())
        }
        return left
    }

    private mutating func and() throws(CELError) -> CELExpression {
        var left = try relation()
        while accept("&&") {
            try countOperator()
            left = .and(left, try relation())
        }
        return left
    }

    private mutating func relation() throws(CELError) -> CELExpression {
        var left = try addition()
        while true {
            var name: String?
            if case .symbol(let symbol) = token, ["==", "!=", "<", "<=", ">", ">="].contains(symbol) { name = symbol }
            if token == .identifier("in") { name = "in" }
            guard let name else { return left }
            try countOperator()
            advance()
            left = .call("_\(name)_", target: nil, [left, try addition()])
        }
    }

    private mutating func addition() throws(CELError) -> CELExpression {
        var left = try multiplication()
        while case .symbol(let symbol) = token, symbol == "+" || symbol == "-" {
            try countOperator()
            advance()
            left = .call("_\(symbol)_", target: nil, [left, try multiplication()])
        }
        return left
    }

    private mutating func multiplication() throws(CELError) -> CELExpression {
        var left = try unary()
        while case .symbol(let symbol) = token, symbol == "*" || symbol == "/" || symbol == "%" {
            try countOperator()
            advance()
            left = .call("_\(symbol)_", target: nil, [left, try unary()])
        }
        return left
    }

    private mutating func unary() throws(CELError) -> CELExpression {
        try nested { (parser) throws(CELError) in
            if parser.accept("!") { return .call("!_", target: nil, [try parser.unary()]) }
            guard parser.accept("-") else { return try parser.member() }
            // A literal with its sign, so that the least number can be written.
            switch parser.token {
            case .int(let value):
                guard value <= UInt64(Int.max) + 1 else { throw parser.fail("a number is too small") }
                parser.advance()
                return try parser.members(.literal(.int(Int(truncatingIfNeeded: 0 &- value))))
            case .double(let value):
                parser.advance()
                return try parser.members(.literal(.double(-value)))
            default: return .call("-_", target: nil, [try parser.unary()])
            }
        }
    }

    // MARK: Members

    private mutating func member() throws(CELError) -> CELExpression { try members(try primary()) }

    private mutating func members(_ start: CELExpression) throws(CELError) -> CELExpression {
        var left = start
        while true {
            if accept(".") {
                try countOperator()
                let isOptional = accept("?")
                let name = try fieldName()
                if !isOptional, accept("(") {
                    left = try method(name, left)
                } else {
                    left = .select(left, name, isOptional: isOptional)
                }
            } else if accept("[") {
                try countOperator()
                let isOptional = accept("?")
                let index = try conditional()
                try expect("]")
                left = .index(left, index, isOptional: isOptional)
            } else if token == .symbol("{"), let name = left.qualifiedName {
                advance()
                left = try message(name)
            } else {
                return left
            }
        }
    }

    private mutating func fieldName() throws(CELError) -> String {
        switch token {
        case .identifier(let name), .quoted(let name):
            if name == "in" { throw unexpected() }
            advance()
            return name
        default: throw unexpected("expected a field")
        }
    }

    private mutating func arguments() throws(CELError) -> [CELExpression] {
        var found: [CELExpression] = []
        while !accept(")") {
            found.append(try conditional())
            if !accept(",") {
                try expect(")")
                break
            }
        }
        return found
    }

    private mutating func message(_ name: String) throws(CELError) -> CELExpression {
        var fields: [(String, CELExpression, Bool)] = []
        while !accept("}") {
            let isOptional = accept("?")
            let field = try fieldName()
            try expect(":")
            fields.append((field, try conditional(), isOptional))
            if !accept(",") {
                try expect("}")
                break
            }
        }
        return .message(name, fields)
    }

    // MARK: Primaries

    private mutating func primary() throws(CELError) -> CELExpression {
        let current = token
        switch current {
        case .int(let value):
            guard value <= UInt64(Int.max) else { throw fail("a number is too large") }
            advance()
            return .literal(.int(Int(value)))
        case .uint(let value):
            advance()
            return .literal(.uint(value))
        case .double(let value):
            advance()
            return .literal(.double(value))
        case .string(let text):
            advance()
            return .literal(.string(text))
        case .bytes(let bytes):
            advance()
            return .literal(.bytes(bytes))
        case .identifier(let name): return try named(name, isAbsolute: false)
        case .symbol("."):
            advance()
            guard case .identifier(let name) = token else { throw unexpected("expected a name") }
            return try named(name, isAbsolute: true)
        case .symbol("("):
            advance()
            let inside = try conditional()
            try expect(")")
            return inside
        case .symbol("["):
            advance()
            var elements: [(CELExpression, Bool)] = []
            while !accept("]") {
                let isOptional = accept("?")
                elements.append((try conditional(), isOptional))
                if !accept(",") {
                    try expect("]")
                    break
                }
            }
            return .list(elements)
        case .symbol("{"):
            advance()
            var entries: [(CELExpression, CELExpression, Bool)] = []
            while !accept("}") {
                let isOptional = accept("?")
                let key = try conditional()
                try expect(":")
                entries.append((key, try conditional(), isOptional))
                if !accept(",") {
                    try expect("}")
                    break
                }
            }
            return .map(entries)
        default: throw unexpected()
        }
    }

    private mutating func named(_ name: String, isAbsolute: Bool) throws(CELError) -> CELExpression {
        if !isAbsolute {
            switch name {
            case "true", "false":
                advance()
                return .literal(.bool(name == "true"))
            case "null":
                advance()
                return .literal(.null)
            default: break
            }
        }
        if CELParser.reserved.contains(name) { throw fail("reserved identifier: \(name)") }
        advance()
        if accept("(") { return try function(name, isAbsolute: isAbsolute) }
        if !isAbsolute, let local = locals.last(where: { $0.name == name }) { return .local(local.slot) }
        return .identifier(name, isAbsolute: isAbsolute)
    }

    private mutating func function(_ name: String, isAbsolute: Bool) throws(CELError) -> CELExpression {
        if name == "has" {
            let tested = try conditional()
            try expect(")")
            guard case .select(let target, let field, false) = tested else {
                throw fail("invalid argument to has() macro")
            }
            return .present(target, field)
        }
        return .call((isAbsolute ? "." : "") + name, target: nil, try arguments())
    }

    // MARK: Macros

    private mutating func slot() -> Int {
        slotCount += 1
        return slotCount - 1
    }

    /// A method's call after its parenthesis, or what a macro stands for.
    private mutating func method(_ name: String, _ target: CELExpression) throws(CELError) -> CELExpression {
        let qualifier = target.qualifiedName
        if qualifier == "cel", name == "bind" { return try bind() }
        if qualifier == "cel", name == "block" || name == "@block" { return try block() }
        if qualifier == "cel", name == "index" || name == "iterVar" || name == "accuVar" {
            let given = try arguments()
            let numbers = given.map { if case .literal(.int(let number)) = $0 { "\(number)" } else { "?" } }
            let variable = "@\(name):\(numbers.joined(separator: ":"))"
            if let local = locals.last(where: { $0.name == variable }) { return .local(local.slot) }
            return .identifier(variable, isAbsolute: false)
        }
        let back = at
        if let macro = try macro(name, target) { return macro }
        at = back
        return .call(name, target: target, try arguments())
    }

    /// The variable that a macro declares, where the next argument is one.
    private mutating func variable() throws(CELError) -> String? {
        let back = at
        if case .identifier(let name) = token, !["true", "false", "null"].contains(name),
            !CELParser.reserved.contains(name)
        {
            advance()
            if accept(",") { return name }
            // `cel.iterVar(0, 0)` names one too.
            if name == "cel", accept("."), token == .identifier("iterVar") {
                advance()
                if accept("("), case .int(let one) = token {
                    advance()
                    if accept(","), case .int(let two) = token {
                        advance()
                        if accept(")"), accept(",") { return "@iterVar:\(one):\(two)" }
                    }
                }
            }
        }
        at = back
        return nil
    }

    private mutating func macro(_ name: String, _ target: CELExpression) throws(CELError) -> CELExpression? {
        let kinds: [String: (CELComprehension.Kind, two: Bool?)] = [
            "all": (.all, nil), "exists": (.exists, nil), "exists_one": (.existsOne, nil),
            "existsOne": (.existsOne, nil),
            "map": (.map, false), "filter": (.filter, false), "transformList": (.transformList, true),
            "transformMap": (.transformMap, true), "transformMapEntry": (.transformEntry, true),
            "sortBy": (.sortBy, false),
        ]
        if name == "optMap" || name == "optFlatMap" { return try optional(name, target) }
        guard let (kind, two) = kinds[name] else { return nil }
        guard let first = try variable() else {
            if token != .symbol(")") { throw fail("\(name)() variable name must be a simple identifier") }
            return nil
        }
        let second = two == false ? nil : try variable()
        if two == true, second == nil { throw fail("\(name)() needs two variables") }
        if first == second { throw fail("\(name)() needs two variables that differ") }
        let count = locals.count
        let keySlot = second == nil ? nil : slot()
        let valueSlot = slot()
        if let second, let keySlot {
            locals.append((first, keySlot))
            locals.append((second, valueSlot))
        } else {
            locals.append((first, valueSlot))
        }
        var given = [try conditional()]
        if accept(",") { given.append(try conditional()) }
        locals.removeLast(locals.count - count)
        try expect(")")
        func made(_ condition: CELExpression?, _ body: CELExpression?) -> CELExpression {
            .comprehension(
                CELComprehension(
                    kind, range: target, keySlot: keySlot, valueSlot: valueSlot, condition: condition, body: body))
        }
        switch kind {
        case .all, .exists, .existsOne, .filter:
            guard given.count == 1 else { throw fail("\(name)() has too many arguments") }
            return made(given[0], nil)
        default: return given.count == 1 ? made(nil, given[0]) : made(given[0], given[1])
        }
    }

    private mutating func optional(_ name: String, _ target: CELExpression) throws(CELError) -> CELExpression? {
        guard let variable = try variable() else { throw fail("\(name)() variable name must be a simple identifier") }
        let slot = slot()
        let whole = self.slot()
        locals.append((variable, slot))
        let body = try conditional()
        locals.removeLast()
        try expect(")")
        let value = CELExpression.bind(slot: slot, .call("value", target: .local(whole), []), body)
        let result = name == "optMap" ? CELExpression.call("optional.of", target: nil, [value]) : value
        return .bind(
            slot: whole, target,
            .conditional(
                .call("hasValue", target: .local(whole), []), result, .call("optional.none", target: nil, [])))
    }

    private mutating func bind() throws(CELError) -> CELExpression {
        guard let variable = try variable() else { throw fail("cel.bind() variable name must be a simple identifier") }
        let value = try conditional()
        try expect(",")
        let slot = slot()
        locals.append((variable, slot))
        let body = try conditional()
        locals.removeLast()
        try expect(")")
        return .bind(slot: slot, value, body)
    }

    private mutating func block() throws(CELError) -> CELExpression {
        try expect("[")
        let count = locals.count
        var slots: [Int] = []
        var parts: [CELExpression] = []
        while !accept("]") {
            parts.append(try conditional())
            slots.append(slot())
            locals.append(("@index:\(slots.count - 1)", slots[slots.count - 1]))
            if !accept(",") {
                try expect("]")
                break
            }
        }
        try expect(",")
        let body = try conditional()
        locals.removeLast(locals.count - count)
        try expect(")")
        return .block(slots: slots, parts, body)
    }
}

extension CELExpression {
    /// `a.b.c` of names alone.
    var qualifiedName: String? {
        switch self {
        case .identifier(let name, let isAbsolute): (isAbsolute ? "." : "") + name
        case .select(let target, let field, false): target.qualifiedName.map { "\($0).\(field)" }
        default: nil
        }
    }
}

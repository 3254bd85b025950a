// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Reads expressions and expands macros.
struct CELParser {
    static let maxDepth = 200
    static let maxBytes = 1 << 18
    /// Operators and members of one expression: terms hang below each other by them.
    static let maxOperators = 2000
    /// Levels of terms below each other, however they came to be: each takes its part of the stack.
    static let maxHeight = 500
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
    private var offset: Int { tokens[at].offset }

    private mutating func advance() { if at < tokens.count - 1 { at += 1 } }

    private mutating func accept(_ symbol: String) -> Bool {
        guard token == .symbol(symbol) else { return false }
        advance()
        return true
    }

    private mutating func expect(_ symbol: String) throws(CELError) {
        if !accept(symbol) { throw unexpected("expected `\(symbol)`") }
    }

    func fail(_ message: String) -> CELError { CELError(.syntax, message, in: source, at: tokens[at].offset) }

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
            let offset = parser.offset
            guard parser.accept("?") else { return condition }
            let yes = try parser.or()
            try parser.expect(":")
            return CELExpression(.conditional(condition, yes, try parser.conditional()), offset)
        }
    }

    private mutating func or() throws(CELError) -> CELExpression {
        var left = try and()
        while token == .symbol("||") {
            let offset = offset
            advance()
            try countOperator()
            left = CELExpression(.or(left, try and()), offset)
        }
        return left
    }

    private mutating func and() throws(CELError) -> CELExpression {
        var left = try relation()
        while token == .symbol("&&") {
            let offset = offset
            advance()
            try countOperator()
            left = CELExpression(.and(left, try relation()), offset)
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
            let offset = offset
            advance()
            left = CELExpression(.call("_\(name)_", target: nil, [left, try addition()]), offset)
        }
    }

    private mutating func addition() throws(CELError) -> CELExpression {
        var left = try multiplication()
        while case .symbol(let symbol) = token, symbol == "+" || symbol == "-" {
            try countOperator()
            let offset = offset
            advance()
            left = CELExpression(.call("_\(symbol)_", target: nil, [left, try multiplication()]), offset)
        }
        return left
    }

    private mutating func multiplication() throws(CELError) -> CELExpression {
        var left = try unary()
        while case .symbol(let symbol) = token, symbol == "*" || symbol == "/" || symbol == "%" {
            try countOperator()
            let offset = offset
            advance()
            left = CELExpression(.call("_\(symbol)_", target: nil, [left, try unary()]), offset)
        }
        return left
    }

    private mutating func unary() throws(CELError) -> CELExpression {
        try nested { (parser) throws(CELError) in
            let offset = parser.offset
            if parser.accept("!") { return CELExpression(.call("!_", target: nil, [try parser.unary()]), offset) }
            guard parser.accept("-") else { return try parser.member() }
            // A literal with its sign, so that the least number can be written.
            switch parser.token {
            case .int(let value):
                guard value <= UInt64(Int.max) + 1 else { throw parser.fail("a number is too small") }
                parser.advance()
                return try parser.members(CELExpression(.literal(.int(Int(truncatingIfNeeded: 0 &- value))), offset))
            case .double(let value):
                parser.advance()
                return try parser.members(CELExpression(.literal(.double(-value)), offset))
            default: return CELExpression(.call("-_", target: nil, [try parser.unary()]), offset)
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
                let offset = offset
                let name = try fieldName()
                if !isOptional, accept("(") {
                    left = try method(name, left, offset)
                } else {
                    left = CELExpression(.select(left, name, isOptional: isOptional), offset)
                }
            } else if token == .symbol("[") {
                let offset = offset
                advance()
                try countOperator()
                let isOptional = accept("?")
                let index = try conditional()
                try expect("]")
                left = CELExpression(.index(left, index, isOptional: isOptional), offset)
            } else if token == .symbol("{"), let name = left.qualifiedName {
                let offset = offset
                advance()
                left = CELExpression(try message(name), offset)
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

    private mutating func message(_ name: String) throws(CELError) -> CELForm {
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
        let offset = offset
        switch current {
        case .int(let value):
            guard value <= UInt64(Int.max) else { throw fail("a number is too large") }
            advance()
            return CELExpression(.literal(.int(Int(value))), offset)
        case .uint(let value):
            advance()
            return CELExpression(.literal(.uint(value)), offset)
        case .double(let value):
            advance()
            return CELExpression(.literal(.double(value)), offset)
        case .string(let text):
            advance()
            return CELExpression(.literal(.string(text)), offset)
        case .bytes(let bytes):
            advance()
            return CELExpression(.literal(.bytes(bytes)), offset)
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
            return CELExpression(.list(elements), offset)
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
            return CELExpression(.map(entries), offset)
        default: throw unexpected()
        }
    }

    private mutating func named(_ name: String, isAbsolute: Bool) throws(CELError) -> CELExpression {
        let offset = offset
        if !isAbsolute {
            switch name {
            case "true", "false":
                advance()
                return CELExpression(.literal(.bool(name == "true")), offset)
            case "null":
                advance()
                return CELExpression(.literal(.null), offset)
            default: break
            }
        }
        if CELParser.reserved.contains(name) { throw fail("reserved identifier: \(name)") }
        advance()
        if accept("(") { return CELExpression(try function(name, isAbsolute: isAbsolute), offset) }
        if !isAbsolute, let local = locals.last(where: { $0.name == name }) {
            return CELExpression(.local(local.slot), offset)
        }
        return CELExpression(.identifier(name, isAbsolute: isAbsolute), offset)
    }

    private mutating func function(_ name: String, isAbsolute: Bool) throws(CELError) -> CELForm {
        if name == "has" {
            let tested = try conditional()
            try expect(")")
            guard case .select(let target, let field, false) = tested.form else {
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
    private mutating func method(_ name: String, _ target: CELExpression, _ offset: Int) throws(CELError)
        -> CELExpression
    {
        CELExpression(try methodForm(name, target, offset), offset)
    }

    private mutating func methodForm(_ name: String, _ target: CELExpression, _ offset: Int) throws(CELError) -> CELForm
    {
        let qualifier = target.qualifiedName
        if qualifier == "cel", name == "bind" { return try bind() }
        if qualifier == "cel", name == "block" || name == "@block" { return try block() }
        if qualifier == "cel", name == "index" || name == "iterVar" || name == "accuVar" {
            let given = try arguments()
            let numbers = given.map { if case .literal(.int(let number)) = $0.form { "\(number)" } else { "?" } }
            let variable = "@\(name):\(numbers.joined(separator: ":"))"
            if let local = locals.last(where: { $0.name == variable }) { return .local(local.slot) }
            return .identifier(variable, isAbsolute: false)
        }
        let back = at
        if let macro = try macro(name, target, offset) { return macro }
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

    private mutating func macro(
        _ name: String, _ target: CELExpression, _ offset: Int
    ) throws(CELError) -> CELForm? {
        let kinds: [String: (CELComprehension.Kind, two: Bool?)] = [
            "all": (.all, nil), "exists": (.exists, nil), "exists_one": (.existsOne, nil),
            "existsOne": (.existsOne, nil),
            "map": (.map, false), "filter": (.filter, false), "transformList": (.transformList, true),
            "transformMap": (.transformMap, true), "transformMapEntry": (.transformEntry, true),
            "sortBy": (.sortBy, false),
        ]
        if name == "optMap" || name == "optFlatMap" { return try optional(name, target, offset) }
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
        func made(_ condition: CELExpression?, _ body: CELExpression?) -> CELForm {
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

    private mutating func optional(
        _ name: String, _ target: CELExpression, _ offset: Int
    ) throws(CELError) -> CELForm? {
        guard let variable = try variable() else { throw fail("\(name)() variable name must be a simple identifier") }
        let slot = slot()
        let whole = self.slot()
        locals.append((variable, slot))
        let body = try conditional()
        locals.removeLast()
        try expect(")")
        func made(_ form: CELForm) -> CELExpression { CELExpression(form, offset) }
        let value = made(.bind(slot: slot, made(.call("value", target: made(.local(whole)), [])), body))
        let result = name == "optMap" ? made(.call("optional.of", target: nil, [value])) : value
        let has = made(.call("hasValue", target: made(.local(whole)), []))
        return .bind(
            slot: whole, target,
            made(.conditional(has, result, made(.call("optional.none", target: nil, [])))))
    }

    private mutating func bind() throws(CELError) -> CELForm {
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

    private mutating func block() throws(CELError) -> CELForm {
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

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Reads modules and queries. It goes on after an error with the next rule, so that all errors are reported at once.
struct Parser {
    /// What keeps hostile text from exhausting the stack and memory.
    static let maxDepth = 400
    static let maxBytes = 4 << 20
    static let maxErrors = 10
    /// Operators of one line: terms hang below each other by them.
    static let maxOperators = 1000

    private(set) var tokens: [Token] = []
    private(set) var comments: [Comment] = []
    let source: [UInt8]
    let file: String
    let version: RegoVersion
    /// Which of `in`, `if`, `contains`, `every` are words of the language here.
    var features: Set<String>
    var at = 0
    var depth = 0
    var wildcards = 0
    var operators = 0
    /// Lines inside of lines, as in comprehensions.
    var lines = 0
    var errors: [RegoError] = []

    init(_ text: String, file: String, version: RegoVersion) {
        self.file = file
        self.version = version
        features = version == .v1 ? Parser.allFeatures : []
        source = Array(text.utf8)
        if source.count > Parser.maxBytes {
            errors.append(RegoError(.parse, "the text is larger than \(Parser.maxBytes) bytes"))
            tokens = [endToken]
            return
        }
        lex(Lexer(source: source, file: file), until: nil)
    }

    static let allFeatures: Set<String> = ["in", "if", "contains", "every"]

    private var endToken: Token {
        Token(
            kind: .end, text: "", start: source.count, end: source.count, row: 1, column: 1, spaceBefore: true,
            lineBefore: true)
    }

    /// Fills `tokens`; with `until`, to the brace that closes an expression inside a string.
    private mutating func lex(_ from: Lexer, until: String?) {
        var lexer = from
        var braces = 0
        while true {
            do {
                let token = try lexer.next()
                if until != nil, token.isSymbol("{") { braces += 1 }
                if until != nil, token.isSymbol("}") {
                    if braces == 0 {
                        var end = token
                        end.kind = .end
                        tokens.append(end)
                        return
                    }
                    braces -= 1
                }
                tokens.append(token)
                if token.kind == .end { break }
            } catch {
                note(error)
                var end = endToken
                end.row = lexer.row
                tokens.append(end)
                break
            }
        }
        comments = lexer.comments
    }

    /// A parser for the expression at a place inside a template string.
    func inner(start: Int, row: Int, column: Int) -> Parser {
        var parser = self
        parser.tokens = []
        parser.at = 0
        parser.lex(
            Lexer(source: source, file: file, at: start, row: row, lineStart: start - column + 1), until: "}")
        return parser
    }

    // MARK: Tokens

    var token: Token { tokens[at] }
    var following: Token { tokens[min(at + 1, tokens.count - 1)] }
    var isAtEnd: Bool { token.kind == .end }

    var here: Location { Location(file: file, row: token.row, column: token.column) }

    mutating func advance() { if at < tokens.count - 1 { at += 1 } }

    mutating func accept(_ symbol: StaticString) -> Bool {
        guard token.isSymbol(symbol) else { return false }
        advance()
        return true
    }

    mutating func expect(_ symbol: StaticString) throws(RegoError) {
        if !accept(symbol) { throw unexpected("expected `\(symbol)`") }
    }

    /// A word of the language that is one only with its feature on, and no name in this place.
    func isWord(_ word: String) -> Bool {
        token.kind == .identifier && token.text == word && features.contains(word) && !isDotted
    }

    /// Any word may start a reference when a dot follows at once: `if.foo`, `package.x`.
    var isDotted: Bool {
        let next = following
        return next.isSymbol(".") && !next.spaceBefore
    }

    func unexpected(_ hint: String) -> RegoError {
        let token = self.token
        let what: String
        switch token.kind {
        case .end: what = "eof"
        case .identifier: what = features.contains(token.text) ? "\(token.text) keyword" : "ident"
        case .keyword: what = "\(token.text) keyword"
        case .number: what = "number"
        case .string: what = "string"
        case .template: what = "template string"
        case .symbol: what = token.text
        }
        return RegoError(.parse, "unexpected \(what) token: \(hint)", at: here)
    }

    /// Keeps an error with the line it stands in and a caret.
    mutating func note(_ error: RegoError) {
        guard errors.count < Parser.maxErrors else { return }
        var error = error
        if error.excerpt.isEmpty, let location = error.location { error.excerpt = excerpt(location) }
        errors.append(error)
    }

    func excerpt(_ location: Location) -> String {
        var row = 1
        var start = 0
        while row < location.row, let end = source[start...].firstIndex(of: 0x0A) {
            start = end + 1
            row += 1
        }
        guard row == location.row, start <= source.count else { return "" }
        let end = source[start...].firstIndex(of: 0x0A) ?? source.count
        let line = source[start..<min(end, start + 200)]
        let caret = line.prefix(max(location.column - 1, 0)).map { $0 == 0x09 ? UInt8(0x09) : UInt8(0x20) }
        return "\t" + String(decoding: line, as: UTF8.self) + "\n\t" + String(decoding: caret, as: UTF8.self) + "^"
    }

    /// Counts an operator of the line that is read.
    mutating func countOperator() throws(RegoError) {
        operators += 1
        if operators > Parser.maxOperators {
            throw RegoError(.parse, "more than \(Parser.maxOperators) operators in one line", at: here)
        }
    }

    mutating func nested<T>(_ body: (inout Parser) throws(RegoError) -> T) throws(RegoError) -> T {
        depth += 1
        defer { depth -= 1 }
        if depth > Parser.maxDepth { throw RegoError(.parse, "nested deeper than \(Parser.maxDepth)", at: here) }
        return try body(&self)
    }
}

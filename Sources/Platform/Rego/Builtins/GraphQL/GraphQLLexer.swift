// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Where something stands in a text of GraphQL.
struct GraphQLPlace: Sendable {
    /// Both 1-based; the column counts code points.
    var row: Int
    var column: Int
}

/// Why a text is not GraphQL, or does not fit its schema.
struct GraphQLError: Error {
    var message: String
    var place: GraphQLPlace?

    init(_ message: String, at place: GraphQLPlace? = nil) {
        self.message = message
        self.place = place
    }
}

struct GraphQLToken {
    enum Kind: String {
        case end = "<EOF>"
        case bang = "!"
        case dollar = "$"
        case ampersand = "&"
        case openParenthesis = "("
        case closeParenthesis = ")"
        case spread = "..."
        case colon = ":"
        case equals = "="
        case at = "@"
        case openBracket = "["
        case closeBracket = "]"
        case openBrace = "{"
        case closeBrace = "}"
        case pipe = "|"
        case name = "Name"
        case int = "Int"
        case float = "Float"
        case string = "String"
        case blockString = "BlockString"
    }

    var kind: Kind
    var text = ""
    var place: GraphQLPlace

    /// As messages name it.
    var description: String { text.isEmpty ? kind.rawValue : "\(kind.rawValue) \(GoQuote.string(text))" }
}

/// Cuts a text into words (GraphQL, October 2021, section 2.1).
struct GraphQLLexer {
    private let source: [Unicode.Scalar]
    private var at = 0
    private var row = 1
    private var rowStart = 0

    init(_ text: String) { source = Array(text.unicodeScalars) }

    private var place: GraphQLPlace { GraphQLPlace(row: row, column: at - rowStart + 1) }

    private var current: Unicode.Scalar? { at < source.count ? source[at] : nil }

    mutating func next() throws -> GraphQLToken {
        skipSpace()
        let place = place
        guard let scalar = current else { return GraphQLToken(kind: .end, place: place) }
        if scalar == "." {
            guard at + 2 < source.count, source[at + 1] == ".", source[at + 2] == "." else {
                throw GraphQLError("Cannot parse the unexpected character \".\".", at: place)
            }
            at += 3
            return GraphQLToken(kind: .spread, place: place)
        }
        if scalar == "\"" {
            if at + 2 < source.count, source[at + 1] == "\"", source[at + 2] == "\"" { return try block(place) }
            return try string(place)
        }
        if GraphQLLexer.startsName(scalar) {
            let start = at
            while let next = current, GraphQLLexer.startsName(next) || GraphQLLexer.isDigit(next) { at += 1 }
            return GraphQLToken(kind: .name, text: text(start..<at), place: place)
        }
        if scalar == "-" || GraphQLLexer.isDigit(scalar) { return try number(place) }
        if scalar.value < 0x80, let kind = GraphQLToken.Kind(rawValue: String(Character(scalar))) {
            at += 1
            return GraphQLToken(kind: kind, place: place)
        }
        throw GraphQLError("Cannot parse the unexpected character \"\(scalar)\".", at: place)
    }

    private func text(_ range: Range<Int>) -> String { String(String.UnicodeScalarView(source[range])) }

    private static func startsName(_ scalar: Unicode.Scalar) -> Bool {
        let letter = scalar.value | 0x20
        return scalar == "_" || letter >= 0x61 && letter <= 0x7A && scalar.value < 0x80
    }

    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { scalar >= "0" && scalar <= "9" }

    private mutating func endLine() {
        if source[at] == "\r", at + 1 < source.count, source[at + 1] == "\n" { at += 1 }
        at += 1
        row += 1
        rowStart = at
    }

    private mutating func skipSpace() {
        while let scalar = current {
            switch scalar {
            case " ", "\t", ",", "\u{FEFF}": at += 1
            case "\n", "\r": endLine()
            case "#": while let next = current, next != "\n", next != "\r" { at += 1 }
            default: return
            }
        }
    }

    private mutating func digits() throws {
        let start = at
        while let scalar = current, GraphQLLexer.isDigit(scalar) { at += 1 }
        if at == start { throw GraphQLError("Invalid number, expected digit", at: place) }
    }

    private mutating func number(_ place: GraphQLPlace) throws -> GraphQLToken {
        let start = at
        var isFloat = false
        if current == "-" { at += 1 }
        if current == "0" {
            at += 1
            if let next = current, GraphQLLexer.isDigit(next) {
                throw GraphQLError("Invalid number, unexpected digit after 0", at: self.place)
            }
        } else {
            try digits()
        }
        if current == "." {
            isFloat = true
            at += 1
            try digits()
        }
        if current == "e" || current == "E" {
            isFloat = true
            at += 1
            if current == "+" || current == "-" { at += 1 }
            try digits()
        }
        return GraphQLToken(kind: isFloat ? .float : .int, text: text(start..<at), place: place)
    }

    private mutating func string(_ place: GraphQLPlace) throws -> GraphQLToken {
        at += 1
        // A string's place is its first character's, behind the quote.
        let place = GraphQLPlace(row: place.row, column: place.column + 1)
        var value = String.UnicodeScalarView()
        while let scalar = current, scalar != "\n", scalar != "\r" {
            at += 1
            if scalar == "\"" { return GraphQLToken(kind: .string, text: String(value), place: place) }
            if scalar.value < 0x20, scalar != "\t" {
                throw GraphQLError("Invalid character within String", at: self.place)
            }
            if scalar != "\\" {
                value.append(scalar)
                continue
            }
            guard let escape = current else { break }
            at += 1
            switch escape {
            case "\"", "/", "\\": value.append(escape)
            case "b": value.append("\u{8}")
            case "f": value.append("\u{C}")
            case "n": value.append("\n")
            case "r": value.append("\r")
            case "t": value.append("\t")
            case "u":
                guard at + 4 < source.count, let code = UInt32(text(at..<(at + 4)), radix: 16), source[at] != "+" else {
                    throw GraphQLError("Invalid character escape sequence", at: self.place)
                }
                value.append(Unicode.Scalar(code) ?? "\u{FFFD}")
                at += 4
            default: throw GraphQLError("Invalid character escape sequence: \\\(escape).", at: self.place)
            }
        }
        throw GraphQLError("Unterminated string.", at: self.place)
    }

    private mutating func block(_ place: GraphQLPlace) throws -> GraphQLToken {
        at += 3
        var value = String.UnicodeScalarView()
        func quotes(_ index: Int) -> Bool {
            index + 2 < source.count && source[index...(index + 2)].allSatisfy { $0 == "\"" }
        }
        while let scalar = current {
            if scalar == "\"", quotes(at) {
                at += 3
                return GraphQLToken(
                    kind: .blockString, text: GraphQLLexer.dedented(String(value)),
                    place: GraphQLPlace(row: row, column: place.column + 3))
            }
            if scalar.value < 0x20, scalar != "\t", scalar != "\n", scalar != "\r" {
                throw GraphQLError("Invalid character within String", at: self.place)
            }
            if scalar == "\\", quotes(at + 1) {
                value.append(contentsOf: "\"\"\"".unicodeScalars)
                at += 4
            } else if scalar == "\n" || scalar == "\r" {
                value.append("\n")
                endLine()
            } else {
                value.append(scalar)
                at += 1
            }
        }
        throw GraphQLError("Unexpected <Invalid>", at: self.place)
    }

    /// Without the indentation that all lines but the first share, and without blank lines at both ends.
    private static func dedented(_ text: String) -> String {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { Array($0.unicodeScalars) }
        func indent(_ line: [Unicode.Scalar]) -> Int { line.prefix { $0 == " " || $0 == "\t" }.count }
        let common = lines.dropFirst().filter { indent($0) < $0.count }.map(indent).min() ?? 0
        for index in lines.indices.dropFirst() { lines[index].removeFirst(min(common, lines[index].count)) }
        while let first = lines.first, indent(first) == first.count { lines.removeFirst() }
        while let last = lines.last, indent(last) == last.count { lines.removeLast() }
        return lines.map { String(String.UnicodeScalarView($0)) }.joined(separator: "\n")
    }
}

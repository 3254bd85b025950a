// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

extension BuiltinTable {
    mutating func addTemplates() {
        two("strings.render_template", [.string], [.object]) { template, variables, context in
            var parser = TextTemplate.Parser(try template.string(1))
            let body = try parser.body()
            if parser.stop != nil { throw BuiltinError(.builtin, "template: unexpected {{\(parser.stop ?? "")}}") }
            _ = try variables.object(2)
            var run = TextTemplate.Run(context: context, root: variables)
            try run.write(body, variables)
            return .string(run.text)
        }
    }
}

/// Go's text/template, as far as documents need it: fields, variables, `if`, `range`, `with`, comparisons and `printf`.
enum TextTemplate {
    indirect enum Piece {
        case text(String)
        case print([[String]])
        case set(String, [[String]])
        case when([[String]], [Piece], [Piece])
        case with([[String]], [Piece], [Piece])
        case each(key: String?, value: String?, [[String]], [Piece], [Piece])
    }

    struct Parser {
        private var rest: Substring
        /// What ended the body: `end`, `else`, or `else if …`.
        var stop: String?
        private var depth = 0

        init(_ text: String) { rest = text[...] }

        mutating func body() throws -> [Piece] {
            depth += 1
            defer { depth -= 1 }
            if depth > 64 { throw BuiltinError(.builtin, "template: nested deeper than 64") }
            var pieces: [Piece] = []
            stop = nil
            while let open = rest.firstRange(of: "{{") {
                var text = String(rest[..<open.lowerBound])
                rest = rest[open.upperBound...]
                guard let close = rest.firstRange(of: "}}") else {
                    throw BuiltinError(.builtin, "template: unclosed action")
                }
                var action = rest[..<close.lowerBound]
                rest = rest[close.upperBound...]
                if action.hasPrefix("- ") {
                    text = Texts.trim(text, atStart: false) { $0.properties.isWhitespace }
                    action = action.dropFirst(2)
                }
                if action.hasSuffix(" -") {
                    rest = rest.drop { $0.isWhitespace }
                    action = action.dropLast(2)
                }
                if !text.isEmpty { pieces.append(.text(text)) }
                let words = try TextTemplate.words(String(action))
                guard let first = words.first else { continue }
                switch first {
                case "end", "else":
                    stop = words.joined(separator: " ")
                    return pieces
                case "if": pieces.append(try branch(Array(words.dropFirst())) { .when($0, $1, $2) })
                case "with": pieces.append(try branch(Array(words.dropFirst())) { .with($0, $1, $2) })
                case "range":
                    var names: [String] = []
                    var source = Array(words.dropFirst())
                    if let sign = source.firstIndex(of: ":=") {
                        names = source[..<sign].filter { $0 != "," }.map { $0.replacing(",", with: "") }
                        source = Array(source[(sign + 1)...])
                    }
                    let (key, value) = names.count > 1 ? (names[0], names[1]) : (nil, names.first)
                    pieces.append(try branch(source) { .each(key: key, value: value, $0, $1, $2) })
                default:
                    if first.hasPrefix("/*") { continue }
                    if words.count > 2, words[1] == ":=" || words[1] == "=" {
                        pieces.append(.set(first, TextTemplate.pipeline(Array(words.dropFirst(2)))))
                    } else {
                        pieces.append(.print(TextTemplate.pipeline(words)))
                    }
                }
            }
            if !rest.isEmpty { pieces.append(.text(String(rest))) }
            rest = ""
            return pieces
        }

        private mutating func branch(
            _ words: [String], _ made: ([[String]], [Piece], [Piece]) -> Piece
        ) throws -> Piece {
            let yes = try body()
            var no: [Piece] = []
            if let ended = stop, ended.hasPrefix("else if ") {
                no = [try branch(Array(try TextTemplate.words(ended).dropFirst(2))) { .when($0, $1, $2) }]
                return made(TextTemplate.pipeline(words), yes, no)
            }
            if stop == "else" { no = try body() }
            guard stop == "end" else { throw BuiltinError(.builtin, "template: unexpected end, an {{end}} is missing") }
            stop = nil
            return made(TextTemplate.pipeline(words), yes, no)
        }
    }

    /// Words, quoted texts and parentheses.
    static func words(_ action: String) throws -> [String] {
        if Texts.trim(action, { $0 == " " }).hasPrefix("/*") { return ["/*"] }
        var words: [String] = []
        var word = ""
        var quote: Character?
        func finish() {
            if !word.isEmpty { words.append(word) }
            word = ""
        }
        for character in action {
            if let open = quote {
                word.append(character)
                if character == open { quote = nil }
            } else if character == "\"" || character == "`" {
                word.append(character)
                quote = character
            } else if character.isWhitespace {
                finish()
            } else if character == "(" || character == ")" || character == "|" {
                finish()
                words.append(String(character))
            } else {
                word.append(character)
            }
        }
        if quote != nil { throw BuiltinError(.builtin, "template: unterminated quoted string") }
        finish()
        return words
    }

    static func pipeline(_ words: [String]) -> [[String]] {
        words.split(separator: "|", omittingEmptySubsequences: false).map(Array.init)
    }

    struct Run {
        let context: BuiltinContext
        let root: Value
        private(set) var text = ""
        private var variables: [(name: String, value: Value?)] = []

        init(context: BuiltinContext, root: Value) { (self.context, self.root) = (context, root) }

        mutating func write(_ pieces: [Piece], _ dot: Value?) throws {
            let count = variables.count
            defer { variables.removeLast(variables.count - count) }
            for piece in pieces {
                switch piece {
                case .text(let part): try add(part)
                case .print(let pipeline): try add(Self.shown(try value(pipeline, dot)))
                case .set(let name, let pipeline): variables.append((name, try value(pipeline, dot)))
                case .when(let pipeline, let yes, let no):
                    try write(Self.isTrue(try value(pipeline, dot)) ? yes : no, dot)
                case .with(let pipeline, let yes, let no):
                    let found = try value(pipeline, dot)
                    try write(Self.isTrue(found) ? yes : no, Self.isTrue(found) ? found : dot)
                case .each(let key, let name, let pipeline, let body, let none):
                    let source = try value(pipeline, dot)
                    var entries: [(Value, Value)] = []
                    if let elements = source?.elements ?? source?.setMembers?.members {
                        entries = elements.enumerated().map { (.int($0.offset), $0.element) }
                    } else if let object = source?.members {
                        entries = Array(zip(object.keys, object.values))
                    } else if source != nil {
                        throw BuiltinError(.builtin, "template: range can't iterate over \(source?.regoText ?? "")")
                    }
                    if entries.isEmpty { try write(none, dot) }
                    for (place, entry) in entries {
                        let before = variables.count
                        if let key { variables.append((key, place)) }
                        if let name { variables.append((name, entry)) }
                        try write(body, entry)
                        variables.removeLast(variables.count - before)
                    }
                }
            }
        }

        private mutating func add(_ part: String) throws {
            try context.spend(part.utf8.count + 1)
            text += part
        }

        /// What is missing shows as such.
        private static func shown(_ value: Value?) -> String {
            guard let value else { return "<undefined>" }
            switch value.kind {
            case .string: return value.text ?? ""
            case .null: return "<no value>"
            case .array, .set:
                return "["
                    + (value.elements ?? value.setMembers?.members ?? []).map { shown($0) }.joined(separator: " ") + "]"
            case .object:
                let object = value.members ?? ObjectValue()
                return "map["
                    + zip(object.keys, object.values).map { "\(shown($0)):\(shown($1))" }.joined(separator: " ") + "]"
            default: return value.regoText
            }
        }

        private static func isTrue(_ value: Value?) -> Bool {
            guard let value else { return false }
            switch value.kind {
            case .null: return false
            case .bool: return !value.isFalse
            case .number: return compare(value, .int(0)) != 0
            default: return value.count ?? 0 > 0
            }
        }

        private func value(_ pipeline: [[String]], _ dot: Value?) throws -> Value? {
            var last: Value??
            for words in pipeline {
                var rest = words[...]
                last = .some(try command(&rest, dot, piped: last))
                if !rest.isEmpty { throw BuiltinError(.builtin, "template: unexpected \(rest.first ?? "")") }
            }
            return last ?? nil
        }

        private func command(_ words: inout ArraySlice<String>, _ dot: Value?, piped: Value??) throws -> Value? {
            guard let name = words.first else { throw BuiltinError(.builtin, "template: missing value for command") }
            guard Self.functions.contains(name) else {
                if piped != nil { throw BuiltinError(.builtin, "template: function \"\(name)\" not defined") }
                return try operand(&words, dot)
            }
            words.removeFirst()
            var arguments: [Value?] = []
            while let next = words.first, next != ")" { _ = next; arguments.append(try operand(&words, dot)) }
            if let piped { arguments.append(piped) }
            return try call(name, arguments)
        }

        private func operand(_ words: inout ArraySlice<String>, _ dot: Value?) throws -> Value? {
            guard let word = words.popFirst() else { throw BuiltinError(.builtin, "template: missing operand") }
            if word == "(" {
                let inside = try command(&words, dot, piped: nil)
                guard words.popFirst() == ")" else { throw BuiltinError(.builtin, "template: unclosed parenthesis") }
                return inside
            }
            if word.hasPrefix("\"") || word.hasPrefix("`") { return .string(String(word.dropFirst().dropLast())) }
            if word == "true" || word == "false" { return .bool(word == "true") }
            if word == "nil" { return .null }
            if isNumber(word) { return Value(numberText: word) }
            var parts = word.split(separator: ".", omittingEmptySubsequences: true).map(String.init)
            var found: Value?
            if word.hasPrefix("$") {
                let name = parts.removeFirst()
                found = name == "$" ? root : variables.last { $0.name == name }?.value
                if name != "$", !variables.contains(where: { $0.name == name }) {
                    throw BuiltinError(.builtin, "template: undefined variable \"\(name)\"")
                }
            } else {
                guard word.hasPrefix(".") else {
                    throw BuiltinError(.builtin, "template: function \"\(word)\" not defined")
                }
                found = dot
            }
            for part in parts { found = found.flatMap { lookup($0, .string(part)) } }
            return found
        }

        private static let functions: Set<String> = [
            "eq", "ne", "lt", "le", "gt", "ge", "and", "or", "not", "len", "index", "printf", "print", "println",
        ]

        private func call(_ name: String, _ arguments: [Value?]) throws -> Value? {
            let first = arguments.first ?? nil
            switch name {
            case "not": return .bool(!Self.isTrue(first))
            case "and": return arguments.first { !Self.isTrue($0) } ?? arguments.last ?? nil
            case "or": return arguments.first { Self.isTrue($0) } ?? arguments.last ?? nil
            case "len": return first?.count.map { .int($0) }
            case "index":
                return arguments.dropFirst().reduce(first) { value, key in
                    value.flatMap { v in key.flatMap { lookup(v, $0) } }
                }
            case "print", "println":
                return .string(
                    arguments.map { Self.shown($0) }.joined(separator: " ") + (name == "println" ? "\n" : ""))
            case "printf":
                var formatter = GoFormatter(arguments: arguments.dropFirst().map { GoFormatter.Argument($0 ?? .null) })
                return .string(try formatter.format(first?.text ?? "", context))
            case "eq": return .bool(arguments.dropFirst().contains { same(first, $0) })
            case "ne": return .bool(arguments.count > 1 && !same(first, arguments[1]))
            default:
                guard arguments.count == 2, let one = first, let two = arguments[1] else {
                    throw BuiltinError(.builtin, "template: wrong number of arguments for \(name)")
                }
                let order = compare(one, two)
                return .bool(
                    name == "lt" ? order < 0 : name == "le" ? order <= 0 : name == "gt" ? order > 0 : order >= 0)
            }
        }

        private func same(_ one: Value?, _ two: Value?) -> Bool {
            guard let one, let two else { return one == nil && two == nil }
            return equal(one, two)
        }
    }
}

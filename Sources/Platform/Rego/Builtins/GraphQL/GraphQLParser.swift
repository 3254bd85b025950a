// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Parses queries and schemas.
struct GraphQLParser {
    private var lexer: GraphQLLexer
    private(set) var token: GraphQLToken
    private var depth = 0
    private let context: BuiltinContext

    static let maxBytes = 4 << 20
    static let maxDepth = 200

    init(_ text: String, _ context: BuiltinContext) throws {
        guard text.utf8.count <= GraphQLParser.maxBytes else { throw GraphQLError("more than 4 MiB of GraphQL") }
        self.context = context
        try context.spend(text.utf8.count * 8)
        lexer = GraphQLLexer(text)
        token = try lexer.next()
    }

    // MARK: Words

    private mutating func next() throws -> GraphQLToken {
        let taken = token
        token = try lexer.next()
        return taken
    }

    private mutating func skip(_ kind: GraphQLToken.Kind) throws -> Bool {
        guard token.kind == kind else { return false }
        _ = try next()
        return true
    }

    @discardableResult
    private mutating func expect(_ kind: GraphQLToken.Kind) throws -> GraphQLToken {
        guard token.kind == kind else {
            throw GraphQLError("Expected \(kind.rawValue), found \(token.kind.rawValue)", at: token.place)
        }
        return try next()
    }

    private mutating func name() throws -> String { try expect(.name).text }

    private mutating func keyword(_ word: String) throws {
        guard isKeyword(word) else {
            throw GraphQLError("Expected \"\(word)\", found \(token.description)", at: token.place)
        }
        _ = try next()
    }

    private func isKeyword(_ word: String) -> Bool { token.kind == .name && token.text == word }

    private var unexpected: GraphQLError { GraphQLError("Unexpected \(token.description)", at: token.place) }

    private mutating func deeper<T>(_ body: (inout GraphQLParser) throws -> T) throws -> T {
        depth += 1
        defer { depth -= 1 }
        guard depth <= GraphQLParser.maxDepth else { throw GraphQLError("nested too deep", at: token.place) }
        // A part of the tree and its copy as a value.
        try context.spend(800)
        return try body(&self)
    }

    /// What stands between two marks; nothing when the first is not there.
    private mutating func row<T>(
        _ open: GraphQLToken.Kind, _ close: GraphQLToken.Kind, mayBeEmpty: Bool,
        _ body: (inout GraphQLParser) throws -> T
    ) throws -> [T] {
        guard try skip(open) else { return [] }
        var found: [T] = []
        while token.kind != close {
            if token.kind == .end, found.isEmpty, !mayBeEmpty { break }
            found.append(try deeper(body))
        }
        if found.isEmpty, !mayBeEmpty {
            throw GraphQLError("expected at least one definition, found \(token.kind.rawValue)", at: token.place)
        }
        _ = try next()
        return found
    }

    // MARK: Shared

    private mutating func value(constant: Bool) throws -> GraphQLValue {
        try deeper { parser in
            let token = parser.token
            switch token.kind {
            case .openBracket:
                let children = try parser.row(.openBracket, .closeBracket, mayBeEmpty: true) {
                    (name: "", value: try $0.value(constant: constant))
                }
                return GraphQLValue(.list, children: children, at: token.place)
            case .openBrace:
                let children = try parser.row(.openBrace, .closeBrace, mayBeEmpty: true) { parser in
                    let name = try parser.name()
                    try parser.expect(.colon)
                    return (name: name, value: try parser.value(constant: constant))
                }
                return GraphQLValue(.object, children: children, at: token.place)
            case .dollar:
                if constant { throw parser.unexpected }
                _ = try parser.next()
                return GraphQLValue(.variable, raw: try parser.name(), at: token.place)
            case .int, .float, .string, .blockString, .name:
                _ = try parser.next()
                let kind: GraphQLValue.Kind
                switch token.kind {
                case .int: kind = .int
                case .float: kind = .float
                case .string: kind = .string
                case .blockString: kind = .block
                default:
                    kind =
                        token.text == "true" || token.text == "false"
                        ? .boolean : token.text == "null" ? .null : .choice
                }
                return GraphQLValue(kind, raw: token.text, at: token.place)
            default: throw parser.unexpected
            }
        }
    }

    private mutating func arguments(constant: Bool) throws -> [GraphQLArgument] {
        try row(.openParenthesis, .closeParenthesis, mayBeEmpty: true) { parser in
            let place = parser.token.place
            let name = try parser.name()
            try parser.expect(.colon)
            return GraphQLArgument(name: name, value: try parser.value(constant: constant), place: place)
        }
    }

    private mutating func directives(constant: Bool) throws -> [GraphQLDirective] {
        var found: [GraphQLDirective] = []
        while try skip(.at) {
            try context.spend(400)
            let place = token.place
            found.append(
                GraphQLDirective(name: try name(), arguments: try arguments(constant: constant), place: place))
        }
        return found
    }

    private mutating func type() throws -> GraphQLType {
        try deeper { parser in
            let place = parser.token.place
            var element: GraphQLType?
            var named = ""
            if try parser.skip(.openBracket) {
                element = try parser.type()
                try parser.expect(.closeBracket)
            } else {
                named = try parser.name()
            }
            return GraphQLType(named: named, element: element, isRequired: try parser.skip(.bang), at: place)
        }
    }

    // MARK: Queries

    mutating func query() throws -> GraphQLQuery {
        var query = GraphQLQuery()
        while token.kind != .end {
            try context.spend(800)
            let place = token.place
            switch (token.kind, token.text) {
            case (.openBrace, _):
                query.operations.append(
                    GraphQLOperation(
                        kind: "query", name: "", variables: [], directives: [], selections: try selections(),
                        place: place))
            case (.name, "query"), (.name, "mutation"), (.name, "subscription"):
                let kind = try next().text
                let name = token.kind == .name ? try next().text : ""
                query.operations.append(
                    GraphQLOperation(
                        kind: kind, name: name, variables: try variables(), directives: try directives(constant: false),
                        selections: try selections(), place: place))
            case (.name, "fragment"):
                _ = try next()
                let name = try fragmentName()
                let variables = try variables()
                try keyword("on")
                query.fragments.append(
                    GraphQLFragment(
                        name: name, variables: variables, condition: try self.name(),
                        directives: try directives(constant: false), selections: try selections(), place: place))
            default: throw unexpected
            }
        }
        return query
    }

    private mutating func variables() throws -> [GraphQLVariable] {
        try row(.openParenthesis, .closeParenthesis, mayBeEmpty: true) { parser in
            let place = parser.token.place
            try parser.expect(.dollar)
            let name = try parser.name()
            try parser.expect(.colon)
            let type = try parser.type()
            let value = try parser.skip(.equals) ? try parser.value(constant: true) : nil
            return GraphQLVariable(
                name: name, type: type, defaultValue: value, directives: try parser.directives(constant: false),
                place: place)
        }
    }

    private mutating func selections() throws -> [GraphQLSelection] {
        guard token.kind == .openBrace else {
            throw GraphQLError("Expected {, found \(token.kind.rawValue)", at: token.place)
        }
        return try row(.openBrace, .closeBrace, mayBeEmpty: false) { try $0.selection() }
    }

    private mutating func selection() throws -> GraphQLSelection {
        if try skip(.spread) {
            let place = token.place
            if token.kind == .name, token.text != "on" {
                return GraphQLSelection(
                    .spread, name: try fragmentName(), directives: try directives(constant: false), at: place)
            }
            var condition = ""
            if isKeyword("on") {
                _ = try next()
                condition = try name()
            }
            return GraphQLSelection(
                .inline, name: condition, directives: try directives(constant: false), selections: try selections(),
                at: place)
        }
        let place = token.place
        let alias = try name()
        let name = try skip(.colon) ? try name() : alias
        let arguments = try arguments(constant: false)
        let directives = try directives(constant: false)
        return GraphQLSelection(
            .field, alias: alias, name: name, arguments: arguments, directives: directives,
            selections: token.kind == .openBrace ? try selections() : [], at: place)
    }

    private mutating func fragmentName() throws -> String {
        if isKeyword("on") { throw unexpected }
        return try name()
    }

    // MARK: Schemas

    mutating func schema(builtIn: Bool = false) throws -> GraphQLSchemaText {
        var schema = GraphQLSchemaText()
        while token.kind != .end {
            try context.spend(800)
            let described = token
            let description = try description()
            guard token.kind == .name else { throw unexpected }
            switch token.text {
            case "scalar", "type", "interface", "union", "enum", "input":
                schema.definitions.append(try definition(description, isExtension: false, isBuiltIn: builtIn))
            case "schema": schema.entries.append(try entry(description, isExtension: false))
            case "directive": schema.directives.append(try directiveDefinition(description))
            case "extend":
                if !description.isEmpty {
                    throw GraphQLError("Unexpected \(described.description)", at: described.place)
                }
                _ = try next()
                guard token.kind == .name else { throw unexpected }
                switch token.text {
                case "schema": schema.entryExtensions.append(try entry("", isExtension: true))
                case "scalar", "type", "interface", "union", "enum", "input":
                    schema.extensions.append(try definition("", isExtension: true, isBuiltIn: builtIn))
                default: throw unexpected
                }
            default: throw unexpected
            }
        }
        return schema
    }

    private mutating func description() throws -> String {
        token.kind == .string || token.kind == .blockString ? try next().text : ""
    }

    private mutating func entry(_ description: String, isExtension: Bool) throws -> GraphQLEntry {
        _ = try next()
        let place = token.place
        let directives = try directives(constant: true)
        let operations = try row(.openBrace, .closeBrace, mayBeEmpty: false) { parser in
            let place = parser.token.place
            guard ["query", "mutation", "subscription"].contains(parser.token.text) else { throw parser.unexpected }
            let kind = try parser.next().text
            try parser.expect(.colon)
            return (kind: kind, type: try parser.name(), place: GraphQLPlace?.some(place))
        }
        if isExtension, directives.isEmpty, operations.isEmpty { throw unexpected }
        return GraphQLEntry(description: description, directives: directives, operations: operations, place: place)
    }

    private mutating func definition(
        _ description: String, isExtension: Bool, isBuiltIn: Bool
    ) throws -> GraphQLDefinition {
        let word = try next().text
        let kinds: [String: GraphQLDefinition.Kind] = [
            "scalar": .scalar, "type": .object, "interface": .interface, "union": .union, "enum": .choice,
            "input": .input,
        ]
        guard let kind = kinds[word] else { throw unexpected }
        let place = token.place
        var definition = GraphQLDefinition(kind: kind, description: description, name: try name())
        definition.place = place
        definition.isBuiltIn = isBuiltIn
        if kind == .object || kind == .interface, isKeyword("implements") {
            _ = try next()
            _ = try skip(.ampersand)
            repeat { definition.interfaces.append(try name()) } while try skip(.ampersand)
        }
        definition.directives = try directives(constant: true)
        switch kind {
        case .scalar: break
        case .object, .interface:
            definition.fields = try row(.openBrace, .closeBrace, mayBeEmpty: false) { try $0.field(input: false) }
        case .input:
            definition.fields = try row(.openBrace, .closeBrace, mayBeEmpty: false) { try $0.field(input: true) }
        case .union:
            if try skip(.equals) {
                _ = try skip(.pipe)
                repeat { definition.types.append(try name()) } while try skip(.pipe)
            }
        case .choice:
            definition.choices = try row(.openBrace, .closeBrace, mayBeEmpty: false) { parser in
                GraphQLChoice(
                    description: try parser.description(), name: try parser.name(),
                    directives: try parser.directives(constant: true))
            }
        }
        if isExtension, definition.interfaces.isEmpty, definition.directives.isEmpty, definition.fields.isEmpty,
            definition.types.isEmpty, definition.choices.isEmpty
        {
            throw unexpected
        }
        return definition
    }

    /// A field; those of inputs, and arguments, have a default value and no arguments.
    private mutating func field(input: Bool) throws -> GraphQLField {
        let place = token.place
        let description = try description()
        let name = try name()
        let arguments =
            input ? [] : try row(.openParenthesis, .closeParenthesis, mayBeEmpty: false) { try $0.field(input: true) }
        try expect(.colon)
        let type = try type()
        let value = try input && skip(.equals) ? try self.value(constant: true) : nil
        return GraphQLField(
            description: description, name: name, arguments: arguments, defaultValue: value, type: type,
            directives: try directives(constant: true), place: place)
    }

    private static let locations: Set<String> = [
        "QUERY", "MUTATION", "SUBSCRIPTION", "FIELD", "FRAGMENT_DEFINITION", "FRAGMENT_SPREAD", "INLINE_FRAGMENT",
        "VARIABLE_DEFINITION", "SCHEMA", "SCALAR", "OBJECT", "FIELD_DEFINITION", "ARGUMENT_DEFINITION", "INTERFACE",
        "UNION", "ENUM", "ENUM_VALUE", "INPUT_OBJECT", "INPUT_FIELD_DEFINITION",
    ]

    private mutating func directiveDefinition(_ description: String) throws -> GraphQLDirectiveDefinition {
        _ = try next()
        try expect(.at)
        let place = token.place
        let name = try name()
        let arguments = try row(.openParenthesis, .closeParenthesis, mayBeEmpty: false) { try $0.field(input: true) }
        let isRepeatable = isKeyword("repeatable")
        if isRepeatable { _ = try next() }
        try keyword("on")
        _ = try skip(.pipe)
        var locations: [String] = []
        repeat {
            let location = try expect(.name)
            guard GraphQLParser.locations.contains(location.text) else {
                throw GraphQLError("Unexpected \(location.description)", at: location.place)
            }
            locations.append(location.text)
        } while try skip(.pipe)
        return GraphQLDirectiveDefinition(
            description: description, name: name, arguments: arguments, locations: locations,
            isRepeatable: isRepeatable, place: place)
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Holds a query against a schema (GraphQL, October 2021, section 5). Throws the first fault.
struct GraphQLJudge {
    let schema: GraphQLSchema
    let query: GraphQLQuery
    let context: BuiltinContext
    private(set) var fragments: [String: GraphQLFragment] = [:]
    private var steps = 0

    /// A query that takes more steps than this to judge is an error, not an answer.
    static let maxSteps = 1_000_000

    init(_ schema: GraphQLSchema, _ query: GraphQLQuery, _ context: BuiltinContext) {
        (self.schema, self.query, self.context) = (schema, query, context)
        for fragment in query.fragments where fragments[fragment.name] == nil { fragments[fragment.name] = fragment }
    }

    mutating func tick() throws {
        steps += 1
        if steps > GraphQLJudge.maxSteps { throw RegoError(.limit, "graphql: the query takes too many steps to judge") }
        if steps.isMultiple(of: 1024) { try context.checkpoint() }
    }

    mutating func judge() throws {
        try names()
        for fragment in query.fragments {
            try type(named: fragment.condition, at: fragment.place)
            try composite(fragment.condition, fragment.name, fragment.place)
            try directives(fragment.directives, "FRAGMENT_DEFINITION")
            try selections(fragment.selections, in: schema.types[fragment.condition])
        }
        for operation in query.operations {
            try variableDefinitions(operation)
            guard let root = schema.roots[operation.kind], let type = schema.types[root] else {
                throw GraphQLError("Schema does not support operation type \"\(operation.kind)\"", at: operation.place)
            }
            try directives(operation.directives, operation.kind.uppercased())
            try selections(operation.selections, in: type)
        }
        try cycles()
        try unusedFragments()
        for operation in query.operations {
            try variableUses(operation)
            if operation.kind == "subscription" { try singleField(operation) }
        }
        try merging()
    }

    // MARK: Names

    private func names() throws {
        var seen: Set<String> = []
        for operation in query.operations {
            if operation.name.isEmpty, query.operations.count > 1 {
                throw GraphQLError("This anonymous operation must be the only defined operation.", at: operation.place)
            }
            guard seen.insert(operation.name).inserted else {
                throw GraphQLError("There can be only one operation named \"\(operation.name)\".", at: operation.place)
            }
        }
        seen = []
        for fragment in query.fragments where !seen.insert(fragment.name).inserted {
            throw GraphQLError("There can be only one fragment named \"\(fragment.name)\".", at: fragment.place)
        }
    }

    private func type(named name: String, at place: GraphQLPlace?) throws {
        if schema.types[name] == nil { throw GraphQLError("Unknown type \"\(name)\".", at: place) }
    }

    private func composite(_ name: String, _ fragment: String?, _ place: GraphQLPlace?) throws {
        guard let kind = schema.types[name]?.kind, kind == .scalar || kind == .choice || kind == .input else { return }
        throw GraphQLError(
            (fragment.map { "Fragment \"\($0)\"" } ?? "Fragment")
                + " cannot condition on non composite type \"\(name)\".",
            at: place)
    }

    private mutating func variableDefinitions(_ operation: GraphQLOperation) throws {
        var seen: Set<String> = []
        for variable in operation.variables {
            guard seen.insert(variable.name).inserted else {
                throw GraphQLError("There can be only one variable named \"$\(variable.name)\".", at: variable.place)
            }
            guard let definition = schema.types[variable.type.name] else {
                throw GraphQLError("Unknown type \"\(variable.type.name)\".", at: variable.place)
            }
            guard schema.isInput(definition) else {
                throw GraphQLError(
                    "Variable \"$\(variable.name)\" cannot be non-input type \"\(variable.type.text)\".",
                    at: variable.place)
            }
            try directives(variable.directives, "VARIABLE_DEFINITION")
            if let value = variable.defaultValue { try self.value(value, variable.type) }
        }
    }

    // MARK: Selections

    private mutating func selections(_ selections: [GraphQLSelection], in parent: GraphQLDefinition?) throws {
        for selection in selections {
            try tick()
            switch selection.kind {
            case .field: try field(selection, in: parent)
            case .spread:
                try directives(selection.directives, "FRAGMENT_SPREAD")
                guard let fragment = fragments[selection.name] else {
                    throw GraphQLError("Unknown fragment \"\(selection.name)\".", at: selection.place)
                }
                try spreads(fragment.condition, in: parent, "Fragment \"\(selection.name)\"", selection.place)
            case .inline:
                try directives(selection.directives, "INLINE_FRAGMENT")
                var inner = parent
                if !selection.name.isEmpty {
                    try type(named: selection.name, at: selection.place)
                    try composite(selection.name, nil, selection.place)
                    try spreads(selection.name, in: parent, "Fragment", selection.place)
                    inner = schema.types[selection.name]
                }
                try self.selections(selection.selections, in: inner)
            }
        }
    }

    /// A fragment's type and the place's must have a type in common.
    private func spreads(
        _ condition: String, in parent: GraphQLDefinition?, _ what: String, _ place: GraphQLPlace?
    ) throws {
        guard let parent, let type = schema.types[condition], isComposite(type), isComposite(parent) else { return }
        let (one, two) = (schema.possible[parent.name] ?? [], schema.possible[condition] ?? [])
        if parent.name == condition || !one.isDisjoint(with: two) { return }
        throw GraphQLError(
            "\(what) cannot be spread here as objects of type \"\(parent.name)\" can never be of type \"\(condition)\".",
            at: place)
    }

    func isComposite(_ type: GraphQLDefinition) -> Bool {
        type.kind == .object || type.kind == .interface || type.kind == .union
    }

    func definition(of field: GraphQLSelection, in parent: GraphQLDefinition?) -> GraphQLField? {
        if field.name == "__typename" {
            return GraphQLField(name: field.name, type: GraphQLType(named: "String", isRequired: true))
        }
        return parent?.fields.first { $0.name == field.name }
    }

    private mutating func field(_ selection: GraphQLSelection, in parent: GraphQLDefinition?) throws {
        try directives(selection.directives, "FIELD")
        guard let parent else { return try selections(selection.selections, in: nil) }
        guard let definition = definition(of: selection, in: parent),
            parent.kind != .union || selection.name == "__typename"
        else {
            throw GraphQLError(
                "Cannot query field \"\(selection.name)\" on type \"\(parent.name)\".", at: selection.place)
        }
        try arguments(
            selection.arguments, definition.arguments, "Field \"\(selection.name)\"",
            "field \"\(parent.name).\(selection.name)\"",
            selection.place)
        guard let type = schema.types[definition.type.name] else { return }
        if !isComposite(type), !selection.selections.isEmpty {
            throw GraphQLError(
                "Field \"\(selection.name)\" must not have a selection since type \"\(definition.type.text)\" has no subfields.",
                at: selection.place)
        }
        if isComposite(type), selection.selections.isEmpty {
            throw GraphQLError(
                "Field \"\(selection.name)\" of type \"\(definition.type.text)\" must have a selection of subfields. "
                    + "Did you mean \"\(selection.name) { ... }\"?", at: selection.place)
        }
        try selections(selection.selections, in: type)
    }

    private mutating func arguments(
        _ given: [GraphQLArgument], _ wanted: [GraphQLField], _ what: String, _ long: String, _ place: GraphQLPlace?
    ) throws {
        var seen: Set<String> = []
        for argument in given {
            try tick()
            guard seen.insert(argument.name).inserted else {
                throw GraphQLError("There can be only one argument named \"\(argument.name)\".", at: argument.place)
            }
            guard let definition = wanted.first(where: { $0.name == argument.name }) else {
                throw GraphQLError("Unknown argument \"\(argument.name)\" on \(long).", at: argument.place)
            }
            try value(argument.value, definition.type)
        }
        for definition in wanted where definition.type.isRequired && definition.defaultValue == nil {
            guard seen.contains(definition.name) else {
                throw GraphQLError(
                    "\(what) argument \"\(definition.name)\" of type \"\(definition.type.text)\" is required, "
                        + "but it was not provided.", at: place)
            }
        }
    }

    private mutating func directives(_ used: [GraphQLDirective], _ location: String) throws {
        var seen: Set<String> = []
        for directive in used {
            guard let definition = schema.directives[directive.name] else {
                throw GraphQLError("Unknown directive \"@\(directive.name)\".", at: directive.place)
            }
            guard definition.locations.contains(location) else {
                throw GraphQLError(
                    "Directive \"@\(directive.name)\" may not be used on \(location).", at: directive.place)
            }
            guard seen.insert(directive.name).inserted || definition.isRepeatable else {
                throw GraphQLError(
                    "The directive \"@\(directive.name)\" can only be used once at this location.", at: directive.place)
            }
            try arguments(
                directive.arguments, definition.arguments, "Directive \"@\(directive.name)\"",
                "directive \"@\(directive.name)\"", directive.place)
        }
    }

    // MARK: Values

    private mutating func value(_ value: GraphQLValue, _ type: GraphQLType) throws {
        try tick()
        if value.kind == .variable { return }
        if value.kind == .null {
            if type.isRequired { throw wrong(value, type) }
            return
        }
        if let element = type.element {
            guard value.kind == .list else { return try self.value(value, element) }
            for child in value.children { try self.value(child.value, element) }
            return
        }
        guard let definition = schema.types[type.named] else { return }
        if definition.kind == .scalar, !["Int", "Float", "String", "Boolean", "ID"].contains(definition.name) {
            return try inside(value)
        }
        let allowed: Bool
        switch value.kind {
        case .int: allowed = ["Int", "Float", "ID"].contains(definition.name) && definition.kind == .scalar
        case .float: allowed = definition.name == "Float"
        case .string, .block: allowed = definition.name == "String" || definition.name == "ID"
        case .boolean: allowed = definition.name == "Boolean"
        case .choice:
            guard definition.kind == .choice else { throw wrong(value, type) }
            guard definition.choices.contains(where: { $0.name == value.raw }) else {
                throw GraphQLError("Value \"\(value.raw)\" does not exist in \"\(type.text)\" enum.", at: value.place)
            }
            allowed = true
        case .object:
            guard definition.kind == .input else { throw wrong(value, type) }
            return try fields(value, definition)
        case .list, .variable, .null: allowed = false
        }
        if !allowed { throw wrong(value, type) }
    }

    /// Of what a scalar of the schema's own takes, only the names of fields are checked.
    private mutating func inside(_ value: GraphQLValue) throws {
        try tick()
        if value.kind == .object { try unique(value) }
        for child in value.children { try inside(child.value) }
    }

    private func unique(_ value: GraphQLValue) throws {
        var seen: Set<String> = []
        for child in value.children where !seen.insert(child.name).inserted {
            throw GraphQLError("There can be only one input field named \"\(child.name)\".", at: value.place)
        }
    }

    private mutating func fields(_ value: GraphQLValue, _ definition: GraphQLDefinition) throws {
        try unique(value)
        for field in definition.fields where field.type.isRequired && field.defaultValue == nil {
            let given = value.children.first { $0.name == field.name }
            if given == nil || given?.value.kind == .null {
                throw GraphQLError(
                    "Field \"\(definition.name).\(field.name)\" of required type \"\(field.type.text)\" was not provided.",
                    at: value.place)
            }
        }
        for child in value.children {
            guard let field = definition.fields.first(where: { $0.name == child.name }) else {
                throw GraphQLError(
                    "Field \"\(child.name)\" is not defined by type \"\(definition.name)\".", at: child.value.place)
            }
            try self.value(child.value, field.type)
        }
    }

    private func wrong(_ value: GraphQLValue, _ type: GraphQLType) -> GraphQLError {
        let text: String
        switch value.kind {
        case .string, .block: text = GoQuote.string(value.raw)
        case .list: text = "[…]"
        case .object: text = "{…}"
        default: text = value.raw
        }
        return GraphQLError("Expected value of type \"\(type.text)\", found \(text).", at: value.place)
    }

    // MARK: Fragments

    private func spreadNames(_ selections: [GraphQLSelection]) -> [String] {
        selections.flatMap { $0.kind == .spread ? [$0.name] : spreadNames($0.selections) }
    }

    private mutating func cycles() throws {
        var done: Set<String> = []
        for start in query.fragments where !done.contains(start.name) {
            var open: [(name: String, rest: ArraySlice<String>)] = [(start.name, spreadNames(start.selections)[...])]
            var inside: Set<String> = [start.name]
            while let top = open.last {
                try tick()
                guard let next = top.rest.first else {
                    inside.remove(top.name)
                    done.insert(top.name)
                    open.removeLast()
                    continue
                }
                open[open.count - 1].rest = top.rest.dropFirst()
                if inside.contains(next) {
                    throw GraphQLError("Cannot spread fragment \"\(next)\" within itself.", at: fragments[next]?.place)
                }
                guard !done.contains(next), let fragment = fragments[next] else { continue }
                inside.insert(next)
                open.append((next, spreadNames(fragment.selections)[...]))
            }
        }
    }

    /// The fragments that selections lead to, each once.
    private mutating func reached(_ selections: [GraphQLSelection]) throws -> [GraphQLFragment] {
        var found: [GraphQLFragment] = []
        var seen: Set<String> = []
        var open = spreadNames(selections)
        while let name = open.popLast() {
            try tick()
            guard seen.insert(name).inserted, let fragment = fragments[name] else { continue }
            found.append(fragment)
            open += spreadNames(fragment.selections)
        }
        return found
    }

    private mutating func unusedFragments() throws {
        let used = Set(try reached(query.operations.flatMap(\.selections)).map(\.name))
        for fragment in query.fragments where !used.contains(fragment.name) {
            throw GraphQLError("Fragment \"\(fragment.name)\" is never used.", at: fragment.place)
        }
    }

    // MARK: Variables

    private struct Use {
        let name: String
        /// What is asked for there, and whether the place has a default value; nil is anything.
        let type: GraphQLType?
        let hasDefault: Bool
        let place: GraphQLPlace?
    }

    private mutating func variableUses(_ operation: GraphQLOperation) throws {
        var uses: [Use] = []
        try collect(operation.directives, &uses)
        try collect(operation.selections, in: schema.types[schema.roots[operation.kind] ?? ""], &uses)
        for fragment in try reached(operation.selections) {
            try collect(fragment.directives, &uses)
            try collect(fragment.selections, in: schema.types[fragment.condition], &uses)
        }
        let what = operation.name.isEmpty ? "" : " by operation \"\(operation.name)\""
        var used: Set<String> = []
        for use in uses {
            guard let variable = operation.variables.first(where: { $0.name == use.name }) else {
                throw GraphQLError("Variable \"$\(use.name)\" is not defined\(what).", at: use.place)
            }
            used.insert(use.name)
            guard let wanted = use.type else { continue }
            var given = variable.type
            if wanted.isRequired, !given.isRequired {
                let hasValue = variable.defaultValue.map { $0.kind != .null } ?? false
                if hasValue || use.hasDefault { given = given.required }
            }
            guard schema.isCompatible(given, with: wanted) else {
                throw GraphQLError(
                    "Variable \"$\(use.name)\" of type \"\(variable.type.text)\" used in position expecting type "
                        + "\"\(wanted.text)\".", at: use.place)
            }
        }
        for variable in operation.variables where !used.contains(variable.name) {
            let place = operation.name.isEmpty ? "" : " in operation \"\(operation.name)\""
            throw GraphQLError("Variable \"$\(variable.name)\" is never used\(place).", at: variable.place)
        }
    }

    private mutating func collect(_ used: [GraphQLDirective], _ uses: inout [Use]) throws {
        for directive in used {
            let definition = schema.directives[directive.name]
            for argument in directive.arguments {
                let wanted = definition?.arguments.first { $0.name == argument.name }
                try collect(argument.value, wanted?.type, wanted?.defaultValue != nil, &uses)
            }
        }
    }

    private mutating func collect(
        _ selections: [GraphQLSelection], in parent: GraphQLDefinition?, _ uses: inout [Use]
    ) throws {
        for selection in selections {
            try tick()
            try collect(selection.directives, &uses)
            switch selection.kind {
            case .spread: break
            case .inline:
                try collect(
                    selection.selections, in: selection.name.isEmpty ? parent : schema.types[selection.name], &uses)
            case .field:
                let field = definition(of: selection, in: parent)
                for argument in selection.arguments {
                    let wanted = field?.arguments.first { $0.name == argument.name }
                    try collect(argument.value, wanted?.type, wanted?.defaultValue != nil, &uses)
                }
                try collect(selection.selections, in: field.flatMap { schema.types[$0.type.name] }, &uses)
            }
        }
    }

    private mutating func collect(
        _ value: GraphQLValue, _ type: GraphQLType?, _ hasDefault: Bool, _ uses: inout [Use]
    ) throws {
        try tick()
        switch value.kind {
        case .variable: uses.append(Use(name: value.raw, type: type, hasDefault: hasDefault, place: value.place))
        case .list: for child in value.children { try collect(child.value, type?.element, false, &uses) }
        case .object:
            let definition = type.flatMap { schema.types[$0.name] }
            for child in value.children {
                let field = definition?.fields.first { $0.name == child.name }
                try collect(child.value, field?.type, field?.defaultValue != nil, &uses)
            }
        default: break
        }
    }

    // MARK: Subscriptions

    private mutating func singleField(_ operation: GraphQLOperation) throws {
        var names: Set<String> = []
        var seen: Set<String> = []
        var open = operation.selections
        while let selection = open.popLast() {
            try tick()
            switch selection.kind {
            case .field: names.insert(selection.name)
            case .inline: open += selection.selections
            case .spread:
                if seen.insert(selection.name).inserted { open += fragments[selection.name]?.selections ?? [] }
            }
        }
        if names.count > 1 {
            let what = operation.name.isEmpty ? "Anonymous Subscription" : "Subscription \"\(operation.name)\""
            throw GraphQLError("\(what) must select only one top level field.", at: operation.place)
        }
    }
}

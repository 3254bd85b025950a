// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Trees of GraphQL as values: what policies see, and what they may hand in instead of a text.
enum GraphQLValues {
    typealias Members = [(Value, Value)]

    /// Absent and empty members are left out.
    private static func object(_ members: [(String, Value?)]) -> Value {
        .object(ObjectValue(members.compactMap { name, value in value.map { (.string(name), $0) } }))
    }

    private static func list<T>(_ all: [T], _ value: (T) -> Value) -> Value? {
        all.isEmpty ? nil : .array(all.map(value))
    }

    // MARK: To values

    static func value(_ query: GraphQLQuery) -> Value {
        object([
            (
                "Operations",
                list(query.operations) { operation in
                    object([
                        ("Operation", .string(operation.kind)), ("Name", .string(operation.name)),
                        ("VariableDefinitions", list(operation.variables, value)),
                        ("Directives", list(operation.directives, value)),
                        ("SelectionSet", list(operation.selections, value)),
                    ])
                }
            ),
            (
                "Fragments",
                list(query.fragments) { fragment in
                    object([
                        ("Name", .string(fragment.name)), ("TypeCondition", .string(fragment.condition)),
                        ("VariableDefinition", list(fragment.variables, value)),
                        ("Directives", list(fragment.directives, value)),
                        ("SelectionSet", list(fragment.selections, value)),
                    ])
                }
            ),
        ])
    }

    static func value(_ schema: GraphQLSchemaText) -> Value {
        object([
            ("Schema", list(schema.entries, value)), ("SchemaExtension", list(schema.entryExtensions, value)),
            ("Definitions", list(schema.definitions, value)), ("Extensions", list(schema.extensions, value)),
            (
                "Directives",
                list(schema.directives) { directive in
                    object([
                        ("Description", .string(directive.description)), ("Name", .string(directive.name)),
                        ("Arguments", list(directive.arguments, value)),
                        ("Locations", list(directive.locations) { .string($0) }),
                        ("IsRepeatable", .bool(directive.isRepeatable)),
                    ])
                }
            ),
        ])
    }

    private static func value(_ entry: GraphQLEntry) -> Value {
        object([
            ("Description", .string(entry.description)), ("Directives", list(entry.directives, value)),
            (
                "OperationTypes",
                list(entry.operations) { operation in
                    object([("Operation", .string(operation.kind)), ("Type", .string(operation.type))])
                }
            ),
        ])
    }

    private static func value(_ definition: GraphQLDefinition) -> Value {
        object([
            ("Kind", .string(definition.kind.rawValue)), ("Description", .string(definition.description)),
            ("Name", .string(definition.name)), ("Directives", list(definition.directives, value)),
            ("Interfaces", list(definition.interfaces) { .string($0) }), ("Fields", list(definition.fields, value)),
            ("Types", list(definition.types) { .string($0) }), ("BuiltIn", .bool(definition.isBuiltIn)),
            (
                "EnumValues",
                list(definition.choices) { choice in
                    object([
                        ("Description", .string(choice.description)), ("Name", .string(choice.name)),
                        ("Directives", list(choice.directives, value)),
                    ])
                }
            ),
        ])
    }

    private static func value(_ field: GraphQLField) -> Value {
        object([
            ("Description", .string(field.description)), ("Name", .string(field.name)),
            ("Arguments", list(field.arguments, value)), ("DefaultValue", field.defaultValue.map(value)),
            ("Type", value(field.type)), ("Directives", list(field.directives, value)),
        ])
    }

    private static func value(_ type: GraphQLType) -> Value {
        object([
            ("NamedType", .string(type.named)), ("Elem", type.element.map(value)), ("NonNull", .bool(type.isRequired)),
        ])
    }

    private static func value(_ value: GraphQLValue) -> Value {
        object([
            ("Raw", .string(value.raw)), ("Kind", .int(value.kind.rawValue)), ("ExpectedTypeHasDefault", .bool(false)),
            (
                "Children",
                list(value.children) { child in
                    object([("Name", .string(child.name)), ("Value", self.value(child.value))])
                }
            ),
        ])
    }

    private static func value(_ directive: GraphQLDirective) -> Value {
        object([
            ("Name", .string(directive.name)), ("Arguments", list(directive.arguments, value)),
            ("Location", .string("")),
        ])
    }

    private static func value(_ argument: GraphQLArgument) -> Value {
        object([("Name", .string(argument.name)), ("Value", value(argument.value))])
    }

    private static func value(_ variable: GraphQLVariable) -> Value {
        object([
            ("Variable", .string(variable.name)), ("Type", value(variable.type)), ("Used", .bool(false)),
            ("DefaultValue", variable.defaultValue.map(value)), ("Directives", list(variable.directives, value)),
        ])
    }

    private static func value(_ selection: GraphQLSelection) -> Value {
        let directives = list(selection.directives, value)
        let selections = list(selection.selections, value)
        switch selection.kind {
        case .field:
            return object([
                ("Alias", .string(selection.alias)), ("Name", .string(selection.name)),
                ("Arguments", list(selection.arguments, value)), ("Directives", directives),
                ("SelectionSet", selections),
            ])
        case .spread: return object([("Name", .string(selection.name)), ("Directives", directives)])
        case .inline:
            return object([
                ("TypeCondition", .string(selection.name)), ("Directives", directives), ("SelectionSet", selections),
            ])
        }
    }
}

/// Reads trees that policies hand in.
struct GraphQLTreeReader {
    private var depth = 0
    private let context: BuiltinContext

    init(_ context: BuiltinContext) { self.context = context }

    private mutating func object<T>(_ value: Value, _ body: (inout GraphQLTreeReader, ObjectValue) throws -> T) throws
        -> T
    {
        depth += 1
        defer { depth -= 1 }
        guard depth <= GraphQLParser.maxDepth else { throw GraphQLError("nested too deep") }
        try context.spend(128)
        guard let members = value.members else { throw GraphQLError("expected an object, got \(value.kind.name)") }
        return try body(&self, members)
    }

    private func text(_ members: ObjectValue, _ key: String) throws -> String {
        guard let value = members[key], value.kind != .null else { return "" }
        guard let text = value.text else { throw GraphQLError("\(key) must be a string") }
        return text
    }

    private func flag(_ members: ObjectValue, _ key: String) throws -> Bool {
        guard let value = members[key], value.kind != .null else { return false }
        guard value.kind == .bool else { throw GraphQLError("\(key) must be a boolean") }
        return !value.isFalse
    }

    private mutating func list<T>(
        _ members: ObjectValue, _ key: String, _ body: (inout GraphQLTreeReader, Value) throws -> T
    ) throws -> [T] {
        guard let value = members[key], value.kind != .null else { return [] }
        guard let elements = value.elements else { throw GraphQLError("\(key) must be an array") }
        return try elements.map { try body(&self, $0) }
    }

    private mutating func texts(_ members: ObjectValue, _ key: String) throws -> [String] {
        try list(members, key) { _, element in
            guard let text = element.text else { throw GraphQLError("\(key) must hold strings") }
            return text
        }
    }

    mutating func query(_ value: Value) throws -> GraphQLQuery {
        try object(value) { reader, members in
            var query = GraphQLQuery()
            query.operations = try reader.list(members, "Operations") { reader, element in
                try reader.object(element) { reader, members in
                    GraphQLOperation(
                        kind: try reader.text(members, "Operation"), name: try reader.text(members, "Name"),
                        variables: try reader.list(members, "VariableDefinitions") { try $0.variable($1) },
                        directives: try reader.directives(members), selections: try reader.selections(members),
                        place: nil)
                }
            }
            query.fragments = try reader.list(members, "Fragments") { reader, element in
                try reader.object(element) { reader, members in
                    GraphQLFragment(
                        name: try reader.text(members, "Name"),
                        variables: try reader.list(members, "VariableDefinition") { try $0.variable($1) },
                        condition: try reader.text(members, "TypeCondition"),
                        directives: try reader.directives(members),
                        selections: try reader.selections(members), place: nil)
                }
            }
            return query
        }
    }

    mutating func schema(_ value: Value) throws -> GraphQLSchemaText {
        try object(value) { reader, members in
            var schema = GraphQLSchemaText()
            schema.entries = try reader.list(members, "Schema") { try $0.entry($1) }
            schema.entryExtensions = try reader.list(members, "SchemaExtension") { try $0.entry($1) }
            schema.definitions = try reader.list(members, "Definitions") { try $0.definition($1) }
            schema.extensions = try reader.list(members, "Extensions") { try $0.definition($1) }
            schema.directives = try reader.list(members, "Directives") { reader, element in
                try reader.object(element) { reader, members in
                    GraphQLDirectiveDefinition(
                        description: try reader.text(members, "Description"), name: try reader.text(members, "Name"),
                        arguments: try reader.list(members, "Arguments") { try $0.field($1) },
                        locations: try reader.texts(members, "Locations"),
                        isRepeatable: try reader.flag(members, "IsRepeatable"), place: nil)
                }
            }
            return schema
        }
    }

    private mutating func entry(_ value: Value) throws -> GraphQLEntry {
        try object(value) { reader, members in
            GraphQLEntry(
                description: try reader.text(members, "Description"), directives: try reader.directives(members),
                operations: try reader.list(members, "OperationTypes") { reader, element in
                    try reader.object(element) { reader, members in
                        (try reader.text(members, "Operation"), try reader.text(members, "Type"), nil)
                    }
                })
        }
    }

    private mutating func definition(_ value: Value) throws -> GraphQLDefinition {
        try object(value) { reader, members in
            let kind = try reader.text(members, "Kind")
            guard let kind = GraphQLDefinition.Kind(rawValue: kind) else { throw GraphQLError("unknown Kind \(kind)") }
            var definition = GraphQLDefinition(kind: kind, name: try reader.text(members, "Name"))
            definition.description = try reader.text(members, "Description")
            definition.directives = try reader.directives(members)
            definition.interfaces = try reader.texts(members, "Interfaces")
            definition.fields = try reader.list(members, "Fields") { try $0.field($1) }
            definition.types = try reader.texts(members, "Types")
            definition.choices = try reader.list(members, "EnumValues") { reader, element in
                try reader.object(element) { reader, members in
                    GraphQLChoice(
                        description: try reader.text(members, "Description"), name: try reader.text(members, "Name"),
                        directives: try reader.directives(members))
                }
            }
            definition.isBuiltIn = try reader.flag(members, "BuiltIn")
            return definition
        }
    }

    private mutating func field(_ value: Value) throws -> GraphQLField {
        try object(value) { reader, members in
            guard let type = members["Type"] else { throw GraphQLError("a field lacks its Type") }
            return GraphQLField(
                description: try reader.text(members, "Description"), name: try reader.text(members, "Name"),
                arguments: try reader.list(members, "Arguments") { try $0.field($1) },
                defaultValue: try reader.literal(members["DefaultValue"]), type: try reader.type(type),
                directives: try reader.directives(members))
        }
    }

    private mutating func type(_ value: Value) throws -> GraphQLType {
        try object(value) { reader, members in
            let element = members["Elem"].flatMap { $0.kind == .null ? nil : $0 }
            return GraphQLType(
                named: try reader.text(members, "NamedType"), element: try element.map { try reader.type($0) },
                isRequired: try reader.flag(members, "NonNull"))
        }
    }

    private mutating func literal(_ value: Value?) throws -> GraphQLValue? {
        guard let value, value.kind != .null else { return nil }
        return try object(value) { reader, members in
            guard let number = (members["Kind"] ?? .int(0)).bigInteger?.int,
                let kind = GraphQLValue.Kind(rawValue: number)
            else { throw GraphQLError("unknown Kind of a value") }
            return GraphQLValue(
                kind, raw: try reader.text(members, "Raw"),
                children: try reader.list(members, "Children") { reader, element in
                    try reader.object(element) { reader, members in
                        guard let value = try reader.literal(members["Value"]) else {
                            throw GraphQLError("a child lacks its Value")
                        }
                        return (try reader.text(members, "Name"), value)
                    }
                })
        }
    }

    private mutating func directives(_ members: ObjectValue) throws -> [GraphQLDirective] {
        try list(members, "Directives") { reader, element in
            try reader.object(element) { reader, members in
                GraphQLDirective(
                    name: try reader.text(members, "Name"), arguments: try reader.arguments(members), place: nil)
            }
        }
    }

    private mutating func arguments(_ members: ObjectValue) throws -> [GraphQLArgument] {
        try list(members, "Arguments") { reader, element in
            try reader.object(element) { reader, members in
                guard let value = try reader.literal(members["Value"]) else {
                    throw GraphQLError("an argument lacks its Value")
                }
                return GraphQLArgument(name: try reader.text(members, "Name"), value: value, place: nil)
            }
        }
    }

    private mutating func variable(_ value: Value) throws -> GraphQLVariable {
        try object(value) { reader, members in
            guard let type = members["Type"] else { throw GraphQLError("a variable lacks its Type") }
            return GraphQLVariable(
                name: try reader.text(members, "Variable"), type: try reader.type(type),
                defaultValue: try reader.literal(members["DefaultValue"]), directives: try reader.directives(members),
                place: nil)
        }
    }

    private mutating func selections(_ members: ObjectValue) throws -> [GraphQLSelection] {
        try list(members, "SelectionSet") { reader, element in
            try reader.object(element) { reader, members in
                let directives = try reader.directives(members)
                if members["Alias"] != nil {
                    return GraphQLSelection(
                        .field, alias: try reader.text(members, "Alias"), name: try reader.text(members, "Name"),
                        arguments: try reader.arguments(members), directives: directives,
                        selections: try reader.selections(members), at: nil)
                }
                if members["TypeCondition"] != nil || members["Name"] == nil {
                    return GraphQLSelection(
                        .inline, name: try reader.text(members, "TypeCondition"), directives: directives,
                        selections: try reader.selections(members), at: nil)
                }
                return GraphQLSelection(
                    .spread, name: try reader.text(members, "Name"), directives: directives, at: nil)
            }
        }
    }
}

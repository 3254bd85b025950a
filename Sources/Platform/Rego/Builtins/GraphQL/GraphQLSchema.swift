// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// A schema that was found to hold together.
final class GraphQLSchema {
    private(set) var types: [String: GraphQLDefinition] = [:]
    private(set) var directives: [String: GraphQLDirectiveDefinition] = [:]
    /// Which types a value of a named one may be.
    private(set) var possible: [String: Set<String>] = [:]
    /// The type that each kind of operation begins with.
    private(set) var roots: [String: String] = [:]

    /// Checks a schema as OPA's own parser does. Throws the first fault.
    init(_ text: GraphQLSchemaText, _ context: BuiltinContext) throws {
        var parser = try GraphQLParser(GraphQLPrelude.text, context)
        let prelude = try parser.schema(builtIn: true)
        for definition in prelude.definitions + text.definitions {
            if types[definition.name] != nil {
                throw GraphQLError("Cannot redeclare type \(definition.name).", at: definition.place)
            }
            types[definition.name] = definition
        }
        var order = (prelude.definitions + text.definitions).map(\.name)
        for addition in text.extensions {
            if types[addition.name] == nil {
                types[addition.name] = GraphQLDefinition(
                    kind: addition.kind, name: addition.name, place: addition.place)
                order.append(addition.name)
            }
            try extend(addition)
        }
        for name in order { link(name) }
        for directive in prelude.directives + text.directives {
            if directives[directive.name] != nil {
                guard ["include", "skip", "deprecated", "specifiedBy"].contains(directive.name) else {
                    throw GraphQLError("Cannot redeclare directive \(directive.name).", at: directive.place)
                }
            }
            directives[directive.name] = directive
        }
        if text.entries.count > 1 {
            throw GraphQLError(
                "Cannot have multiple schema entry points, consider schema extensions instead.",
                at: text.entries[1].place)
        }
        for entry in text.entries + text.entryExtensions {
            for operation in entry.operations {
                guard types[operation.type] != nil else {
                    throw GraphQLError(
                        "Schema root \(operation.kind) refers to a type \(operation.type) that does not exist.",
                        at: operation.place)
                }
                roots[operation.kind] = operation.type
            }
        }
        for name in types.keys.sorted() {
            try context.checkpoint()
            if let definition = types[name] { try check(definition) }
        }
        for name in directives.keys.sorted() {
            guard let directive = directives[name] else { continue }
            try check(name: directive.name, at: directive.place)
            try check(arguments: directive.arguments, inside: directive.name)
        }
        if text.entries.isEmpty {
            for (kind, name) in [("query", "Query"), ("mutation", "Mutation"), ("subscription", "Subscription")]
            where roots[kind] == nil && types[name] != nil {
                roots[kind] = name
            }
        }
        if let query = roots["query"] {
            types[query]?.fields += [
                GraphQLField(name: "__schema", type: GraphQLType(named: "__Schema", isRequired: true)),
                GraphQLField(
                    name: "__type",
                    arguments: [GraphQLField(name: "name", type: GraphQLType(named: "String", isRequired: true))],
                    type: GraphQLType(named: "__Type")),
            ]
        }
    }

    private func extend(_ addition: GraphQLDefinition) throws {
        guard let base = types[addition.name] else { return }
        guard base.kind == addition.kind else {
            throw GraphQLError(
                "Cannot extend type \(addition.name) because the base type is a \(base.kind.rawValue), "
                    + "not \(addition.kind.rawValue).", at: addition.place)
        }
        types[addition.name]?.directives += addition.directives
        types[addition.name]?.interfaces += addition.interfaces
        types[addition.name]?.fields += addition.fields
        types[addition.name]?.types += addition.types
        types[addition.name]?.choices += addition.choices
    }

    private func link(_ name: String) {
        guard let definition = types[name] else { return }
        switch definition.kind {
        case .union: possible[name, default: []].formUnion(definition.types)
        case .object, .input, .interface:
            for interface in definition.interfaces { possible[interface, default: []].insert(name) }
            if definition.kind != .interface { possible[name, default: []].insert(name) }
        case .scalar, .choice: break
        }
    }

    // MARK: Checks

    private func check(name: String, at place: GraphQLPlace?) throws {
        if name.hasPrefix("__") {
            throw GraphQLError(
                "Name \"\(name)\" must not begin with \"__\", which is reserved by GraphQL introspection.", at: place)
        }
    }

    private func check(_ definition: GraphQLDefinition) throws {
        let (kind, name) = (definition.kind.rawValue, definition.name)
        for field in definition.fields {
            try check(name: field.name, at: field.place)
            try check(type: field.type)
            try check(arguments: field.arguments, inside: nil)
            try check(
                field.directives, definition.kind == .input ? "INPUT_FIELD_DEFINITION" : "FIELD_DEFINITION", inside: nil
            )
        }
        for member in definition.types {
            guard let type = types[member] else {
                throw GraphQLError("Undefined type \"\(member)\".", at: definition.place)
            }
            guard type.kind == .object else {
                throw GraphQLError("\(kind) type \"\(member)\" must be OBJECT.", at: definition.place)
            }
        }
        for interface in definition.interfaces { try check(definition, implements: interface) }
        switch definition.kind {
        case .object, .interface:
            if definition.fields.isEmpty {
                throw GraphQLError("\(kind) \(name): must define one or more fields.", at: definition.place)
            }
            for field in definition.fields where types[field.type.name]?.kind == .input {
                throw GraphQLError(
                    "\(kind) \(name): field must be one of SCALAR, OBJECT, INTERFACE, UNION, ENUM.", at: field.place)
            }
        case .choice:
            if definition.choices.isEmpty {
                throw GraphQLError("\(kind) \(name): must define one or more unique enum values.", at: definition.place)
            }
            for choice in definition.choices where ["true", "false", "null"].contains(choice.name) {
                throw GraphQLError("\(kind) \(name): non-enum value \(choice.name).", at: definition.place)
            }
        case .input:
            if definition.fields.isEmpty {
                throw GraphQLError("\(kind) \(name): must define one or more input fields.", at: definition.place)
            }
            for field in definition.fields {
                guard let type = types[field.type.name], !isInput(type) else { continue }
                throw GraphQLError(
                    "\(type.kind.rawValue) \(field.name): field must be one of SCALAR, ENUM, INPUT_OBJECT.",
                    at: field.place)
            }
        case .scalar, .union: break
        }
        var seen: Set<String> = []
        for field in definition.fields where !seen.insert(field.name).inserted {
            throw GraphQLError("Field \(name).\(field.name) can only be defined once.", at: field.place)
        }
        if !definition.isBuiltIn { try check(name: name, at: definition.place) }
        try check(definition.directives, kind, inside: nil)
    }

    func isInput(_ definition: GraphQLDefinition) -> Bool {
        definition.kind == .scalar || definition.kind == .choice || definition.kind == .input
    }

    private func check(type: GraphQLType) throws {
        if types[type.name] == nil { throw GraphQLError("Undefined type \(type.name).", at: type.place) }
    }

    private func check(arguments: [GraphQLField], inside directive: String?) throws {
        for argument in arguments {
            try check(name: argument.name, at: argument.place)
            try check(type: argument.type)
            if let type = types[argument.type.name], !isInput(type) {
                throw GraphQLError(
                    "cannot use \(argument.type.text) as argument \(argument.name) because \(type.kind.rawValue) is not "
                        + "a valid input type", at: argument.place)
            }
            try check(argument.directives, "ARGUMENT_DEFINITION", inside: directive)
        }
    }

    private func check(_ used: [GraphQLDirective], _ location: String, inside directive: String?) throws {
        for use in used {
            try check(name: use.name, at: use.place)
            if use.name == directive {
                throw GraphQLError("Directive \(use.name) cannot refer to itself.", at: use.place)
            }
            guard let definition = directives[use.name] else {
                throw GraphQLError("Undefined directive \(use.name).", at: use.place)
            }
            guard definition.locations.contains(location) else {
                throw GraphQLError("Directive \(use.name) is not applicable on \(location).", at: use.place)
            }
        }
    }

    private func check(_ definition: GraphQLDefinition, implements name: String) throws {
        guard let interface = types[name] else {
            throw GraphQLError("Undefined type \"\(name)\".", at: definition.place)
        }
        guard interface.kind == .interface else {
            throw GraphQLError("\"\(name)\" is a non interface type \(interface.kind.rawValue).", at: definition.place)
        }
        let start = "For \(definition.name) to implement \(name)"
        for wanted in interface.fields {
            guard let found = definition.fields.first(where: { $0.name == wanted.name }) else {
                throw GraphQLError("\(start) it must have a field called \(wanted.name).", at: definition.place)
            }
            guard isCovariant(wanted.type, found.type) else {
                throw GraphQLError(
                    "\(start) the field \(wanted.name) must have type \(wanted.type.text).", at: found.place)
            }
            for argument in wanted.arguments {
                guard let given = found.arguments.first(where: { $0.name == argument.name }) else {
                    throw GraphQLError(
                        "\(start) the field \(wanted.name) must have the same arguments but it is missing \(argument.name).",
                        at: found.place)
                }
                guard isCompatible(argument.type, with: given.type) else {
                    throw GraphQLError(
                        "\(start) the field \(wanted.name) must have the same arguments but \(argument.name) has the "
                            + "wrong type.", at: given.place)
                }
            }
            for argument in found.arguments
            where argument.type.isRequired && argument.defaultValue == nil
                && !wanted.arguments.contains(where: { $0.name == argument.name })
            {
                throw GraphQLError(
                    "\(start) any additional arguments on \(found.name) must be optional or have a default value but "
                        + "\(argument.name) is required.", at: argument.place)
            }
        }
        for other in interface.interfaces where !definition.interfaces.contains(other) {
            throw GraphQLError(
                other == definition.name
                    ? "Type \(definition.name) cannot implement \(name) because it would create a circular reference."
                    : "Type \(definition.name) must implement \(other) because it is implemented by \(name).",
                at: definition.place)
        }
    }

    private func isCovariant(_ wanted: GraphQLType, _ given: GraphQLType) -> Bool {
        if wanted.isRequired, !given.isRequired { return false }
        guard let element = wanted.element else {
            return wanted.named == given.named || possible[wanted.named]?.contains(given.named) == true
        }
        guard let other = given.element else { return false }
        return isCovariant(element, other)
    }

    /// Whether a value of `type` may stand where `other` is asked for.
    func isCompatible(_ type: GraphQLType, with other: GraphQLType) -> Bool {
        if type.named != other.named || (type.element == nil) != (other.element == nil) { return false }
        if let one = type.element, let two = other.element, !isCompatible(one, with: two) { return false }
        return !other.isRequired || type.isRequired
    }
}

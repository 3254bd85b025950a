// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// A value as it is written; kinds are numbered as policies see them.
final class GraphQLValue {
    enum Kind: Int {
        case variable, int, float, string, block, boolean, null, choice, list, object
    }

    let kind: Kind
    let raw: String
    let children: [(name: String, value: GraphQLValue)]
    let place: GraphQLPlace?

    init(
        _ kind: Kind, raw: String = "", children: [(name: String, value: GraphQLValue)] = [],
        at place: GraphQLPlace? = nil
    ) {
        (self.kind, self.raw, self.children, self.place) = (kind, raw, children, place)
    }
}

/// A named type or a list of one.
final class GraphQLType {
    /// Empty for lists.
    let named: String
    let element: GraphQLType?
    let isRequired: Bool
    let place: GraphQLPlace?

    init(named: String = "", element: GraphQLType? = nil, isRequired: Bool = false, at place: GraphQLPlace? = nil) {
        (self.named, self.element, self.isRequired, self.place) = (named, element, isRequired, place)
    }

    /// The innermost type's name.
    var name: String { element?.name ?? named }

    var required: GraphQLType { GraphQLType(named: named, element: element, isRequired: true, at: place) }

    var text: String { (element.map { "[\($0.text)]" } ?? named) + (isRequired ? "!" : "") }
}

struct GraphQLArgument {
    let name: String
    let value: GraphQLValue
    let place: GraphQLPlace?
}

struct GraphQLDirective {
    let name: String
    let arguments: [GraphQLArgument]
    let place: GraphQLPlace?
}

struct GraphQLVariable {
    let name: String
    let type: GraphQLType
    let defaultValue: GraphQLValue?
    let directives: [GraphQLDirective]
    let place: GraphQLPlace?
}

/// A field, a fragment's name, or a fragment in place.
final class GraphQLSelection {
    enum Kind: Equatable {
        case field
        case spread
        case inline
    }

    let kind: Kind
    let alias: String
    /// Of a field or fragment; the type condition of a fragment in place, empty where there is none.
    let name: String
    let arguments: [GraphQLArgument]
    let directives: [GraphQLDirective]
    let selections: [GraphQLSelection]
    let place: GraphQLPlace?

    init(
        _ kind: Kind, alias: String = "", name: String, arguments: [GraphQLArgument] = [],
        directives: [GraphQLDirective], selections: [GraphQLSelection] = [], at place: GraphQLPlace?
    ) {
        (self.kind, self.alias, self.name, self.arguments) = (kind, alias, name, arguments)
        (self.directives, self.selections, self.place) = (directives, selections, place)
    }
}

struct GraphQLOperation {
    /// `query`, `mutation` or `subscription`.
    let kind: String
    let name: String
    let variables: [GraphQLVariable]
    let directives: [GraphQLDirective]
    let selections: [GraphQLSelection]
    let place: GraphQLPlace?
}

struct GraphQLFragment {
    let name: String
    let variables: [GraphQLVariable]
    let condition: String
    let directives: [GraphQLDirective]
    let selections: [GraphQLSelection]
    let place: GraphQLPlace?
}

struct GraphQLQuery {
    var operations: [GraphQLOperation] = []
    var fragments: [GraphQLFragment] = []
}

/// A field of a type, or an argument of a field or directive.
struct GraphQLField {
    var description = ""
    var name: String
    var arguments: [GraphQLField] = []
    var defaultValue: GraphQLValue?
    var type: GraphQLType
    var directives: [GraphQLDirective] = []
    var place: GraphQLPlace?
}

struct GraphQLChoice {
    var description: String
    var name: String
    var directives: [GraphQLDirective]
}

/// A type or an extension of one.
struct GraphQLDefinition {
    enum Kind: String {
        case scalar = "SCALAR"
        case object = "OBJECT"
        case interface = "INTERFACE"
        case union = "UNION"
        case choice = "ENUM"
        case input = "INPUT_OBJECT"
    }

    var kind: Kind
    var description = ""
    var name: String
    var directives: [GraphQLDirective] = []
    var interfaces: [String] = []
    var fields: [GraphQLField] = []
    /// Of a union.
    var types: [String] = []
    var choices: [GraphQLChoice] = []
    var isBuiltIn = false
    var place: GraphQLPlace?
}

struct GraphQLDirectiveDefinition {
    var description: String
    var name: String
    var arguments: [GraphQLField]
    var locations: [String]
    var isRepeatable: Bool
    var place: GraphQLPlace?
}

/// `schema { query: Q }`, or an extension of it.
struct GraphQLEntry {
    var description = ""
    var directives: [GraphQLDirective]
    var operations: [(kind: String, type: String, place: GraphQLPlace?)]
    var place: GraphQLPlace?
}

struct GraphQLSchemaText {
    var entries: [GraphQLEntry] = []
    var entryExtensions: [GraphQLEntry] = []
    var directives: [GraphQLDirectiveDefinition] = []
    var definitions: [GraphQLDefinition] = []
    var extensions: [GraphQLDefinition] = []
}

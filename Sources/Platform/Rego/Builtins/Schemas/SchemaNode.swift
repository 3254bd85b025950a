// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import RegularExpressions

/// The versions of JSON Schema; `hybrid` takes what any of them has, for schemas that name none.
enum SchemaDraft: Int, Comparable {
    case draft4 = 4
    case draft6 = 6
    case draft7 = 7
    case hybrid = 100

    static func < (one: SchemaDraft, two: SchemaDraft) -> Bool { one.rawValue < two.rawValue }

    /// What `$schema` names; nil for anything else.
    init?(place: String) {
        var place = place
        while place.hasSuffix("#") { place.removeLast() }
        switch place {
        case "http://json-schema.org/draft-04/schema": self = .draft4
        case "http://json-schema.org/draft-06/schema": self = .draft6
        case "http://json-schema.org/draft-07/schema": self = .draft7
        default: return nil
        }
    }
}

/// A schema after reading. It owns what references lead to: those may lead in circles.
final class Schema {
    let root: SchemaNode
    private let targets: [SchemaNode]

    init(root: SchemaNode, targets: [SchemaNode]) {
        self.root = root
        self.targets = targets
    }
}

/// What a value must be.
final class SchemaNode {
    /// A schema that is only `true` or `false`.
    var verdict: Bool?
    /// What a reference leads to; all else is then passed over.
    unowned var target: SchemaNode?
    var types: [String] = []
    var properties: [(name: String, schema: SchemaNode)] = []
    var patternProperties: [(pattern: Pattern, schema: SchemaNode)] = []
    var additionalProperties: SchemaNode?
    var forbidsAdditionalProperties = false
    var propertyNames: SchemaNode?
    var dependencies: [String: Dependency] = [:]
    /// One schema for all items, or one for each place.
    var items: SchemaNode?
    var itemsByPlace: [SchemaNode] = []
    var additionalItems: SchemaNode?
    var forbidsAdditionalItems = false
    var contains: SchemaNode?
    var multipleOf: Limit?
    var minimum: Limit?
    var exclusiveMinimum: Limit?
    var maximum: Limit?
    var exclusiveMaximum: Limit?
    var sizes: [SchemaSize: Int] = [:]
    var pattern: Pattern?
    var format: String?
    var required: [String] = []
    var hasUniqueItems = false
    var constant: Value?
    var choices: [Value]?
    var oneOf: [SchemaNode] = []
    var anyOf: [SchemaNode] = []
    var allOf: [SchemaNode] = []
    var not: SchemaNode?
    var condition: SchemaNode?
    var consequence: SchemaNode?
    var alternative: SchemaNode?

    enum Dependency {
        case names([String])
        case schema(SchemaNode)
    }

    struct Limit {
        let decimal: ExactDecimal
        let text: String
    }
}

enum SchemaSize: String, CaseIterable {
    case minLength, maxLength, minProperties, maxProperties, minItems, maxItems
}

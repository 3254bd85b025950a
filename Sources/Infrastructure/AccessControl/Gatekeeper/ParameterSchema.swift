// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Rego
import RegularExpressions

/// The structural schema of a template's parameters: checks them and fills in defaults, as the API server does for kinds
/// that a CustomResourceDefinition defines.
package final class ParameterSchema: Sendable {
    private let types: [String]
    private let properties: [(name: String, schema: ParameterSchema)]
    private let additional: ParameterSchema?
    /// `additionalProperties: false`.
    private let isClosed: Bool
    private let alternatives: Alternatives
    private let items: ParameterSchema?
    private let required: [String]
    private let allowed: [Value]?
    private let pattern: Pattern?
    private let fallback: Value?
    private let minimum: Value?
    private let maximum: Value?
    private let isAboveMinimum: Bool
    private let isBelowMaximum: Bool
    private let multiple: Value?
    private let lengths: [Value.Kind: (least: Int?, most: Int?)]
    private let isNullable: Bool

    private struct Alternatives: Sendable {
        var all: [ParameterSchema] = []
        var any: [ParameterSchema] = []
        var one: [ParameterSchema] = []
        var not: ParameterSchema?
    }

    static let maxDepth = 32
    private static let knownTypes: Set<String> = ["string", "integer", "number", "boolean", "array", "object"]

    package convenience init(_ node: Node) throws(GatekeeperError) { try self.init(node, "openAPIV3Schema", 0) }

    private init(_ node: Node, _ path: String, _ depth: Int) throws(GatekeeperError) {
        guard depth < ParameterSchema.maxDepth else {
            throw GatekeeperError(.invalid, "\(path): schemas nest deeper than \(ParameterSchema.maxDepth)")
        }
        guard node.isObject else { throw GatekeeperError(.invalid, "\(path) is no object") }
        var types: [String] = node["type"]?.string.map { [$0] } ?? []
        if node["x-kubernetes-int-or-string"]?.bool == true { types = ["integer", "string"] }
        for type in types where !ParameterSchema.knownTypes.contains(type) {
            throw GatekeeperError(.invalid, "\(path).type: there is no type \(type)")
        }
        self.types = types
        let fields = try ObjectFields(node, at: path)
        var properties: [(String, ParameterSchema)] = []
        if let members = try fields.object("properties").node {
            for member in members.members {
                let name = member.key.string
                properties.append((name, try ParameterSchema(member.value, "\(path).\(name)", depth + 1)))
            }
        }
        self.properties = properties
        if let rest = node["additionalProperties"], rest.isObject {
            additional = try ParameterSchema(rest, "\(path).additionalProperties", depth + 1)
        } else {
            additional = nil
        }
        if let items = node["items"], items.isObject {
            self.items = try ParameterSchema(items, "\(path).items", depth + 1)
        } else {
            items = nil
        }
        isClosed = node["additionalProperties"]?.bool == false
        var alternatives = Alternatives()
        for (key, list) in [
            ("allOf", \Alternatives.all), ("anyOf", \Alternatives.any), ("oneOf", \Alternatives.one),
        ] as [(String, WritableKeyPath<Alternatives, [ParameterSchema]>)] {
            for (index, entry) in try fields.elements(key).enumerated() {
                alternatives[keyPath: list].append(try ParameterSchema(entry, "\(path).\(key)[\(index)]", depth + 1))
            }
        }
        alternatives.not = try fields.value("not").map { node throws(GatekeeperError) in
            try ParameterSchema(node, "\(path).not", depth + 1)
        }
        self.alternatives = alternatives
        required = try fields.texts("required")
        allowed = fields.value("enum") == nil ? nil : try fields.elements("enum").map { .node($0) }
        fallback = node["default"].map { .node($0) }
        minimum = node["minimum"].map { .node($0) }
        maximum = node["maximum"].map { .node($0) }
        isAboveMinimum = node["exclusiveMinimum"]?.bool ?? false
        isBelowMaximum = node["exclusiveMaximum"]?.bool ?? false
        multiple = node["multipleOf"].map { .node($0) }
        lengths = [
            .array: (node["minItems"]?.int, node["maxItems"]?.int),
            .string: (node["minLength"]?.int, node["maxLength"]?.int),
            .object: (node["minProperties"]?.int, node["maxProperties"]?.int),
        ]
        isNullable = node["nullable"]?.bool ?? false
        if let text = node["pattern"]?.string {
            do throws(PatternError) { pattern = try Pattern(text) } catch {
                throw GatekeeperError(.invalid, "\(path).pattern: \(error)")
            }
        } else {
            pattern = nil
        }
    }

    /// The value with defaults filled in. Throws what does not fit, by its path.
    package func filled(_ value: Value, path: String = "spec.parameters") throws(GatekeeperError) -> Value {
        let kind = value.kind
        if kind == .null, isNullable { return value }
        guard types.isEmpty || types.contains(where: { fits(value, $0) }) else {
            throw GatekeeperError(.invalid, "\(path) must be \(types.joined(separator: " or ")), not \(kind.name)")
        }
        if let allowed, !allowed.contains(where: { equal($0, value) }) {
            throw GatekeeperError(
                .invalid, "\(path) must be one of \(allowed.map(\.json).joined(separator: ", ")), not \(value.json)")
        }
        if let pattern, let text = value.text, !pattern.matches(text) {
            throw GatekeeperError(.invalid, "\(path) must match \(pattern.text)")
        }
        try checkNumber(value, path)
        if let count = value.count, let lengths = lengths[kind] {
            let things = kind == .string ? "characters" : kind == .array ? "elements" : "members"
            if let least = lengths.least, count < least {
                throw GatekeeperError(.invalid, "\(path) must have at least \(least) \(things)")
            }
            if let most = lengths.most, count > most {
                throw GatekeeperError(.invalid, "\(path) must have at most \(most) \(things)")
            }
        }
        try checkAlternatives(value, path)
        if let items, let elements = value.elements {
            var filled: [Value] = []
            for (index, element) in elements.enumerated() {
                filled.append(try items.filled(element, path: "\(path)[\(index)]"))
            }
            return .array(filled)
        }
        guard var object = value.members else { return value }
        for (name, schema) in properties {
            if let member = object[name] {
                object.set(.string(name), try schema.filled(member, path: "\(path).\(name)"))
            } else if let fallback = schema.fallback {
                object.set(.string(name), try schema.filled(fallback, path: "\(path).\(name)"))
            }
        }
        if let additional {
            for (key, member) in zip(object.keys, object.values)
            where !properties.contains(where: { $0.name == key.text }) {
                object.set(key, try additional.filled(member, path: "\(path).\(key.text ?? "")"))
            }
        }
        if isClosed {
            for key in object.keys where !properties.contains(where: { $0.name == key.text }) {
                throw GatekeeperError(.invalid, "\(path).\(key.text ?? "") is not known")
            }
        }
        for name in required where object[name] == nil {
            throw GatekeeperError(.invalid, "\(path).\(name) is missing")
        }
        return .object(object)
    }

    private func checkNumber(_ value: Value, _ path: String) throws(GatekeeperError) {
        guard value.kind == .number else { return }
        if let minimum {
            let order = compare(value, minimum)
            guard order > 0 || order == 0 && !isAboveMinimum else {
                throw GatekeeperError(
                    .invalid, "\(path) must be \(isAboveMinimum ? "more than" : "at least") \(minimum.json)")
            }
        }
        if let maximum {
            let order = compare(value, maximum)
            guard order < 0 || order == 0 && !isBelowMaximum else {
                throw GatekeeperError(
                    .invalid, "\(path) must be \(isBelowMaximum ? "less than" : "at most") \(maximum.json)")
            }
        }
        if let multiple, let step = multiple.wide, let number = value.wide, step > 0 {
            let times = number / step
            guard times == times.rounded() else {
                throw GatekeeperError(.invalid, "\(path) must be a multiple of \(multiple.json)")
            }
        }
    }

    /// `allOf`, `anyOf`, `oneOf` and `not` only check: defaults within them do not count.
    private func checkAlternatives(_ value: Value, _ path: String) throws(GatekeeperError) {
        func holds(_ schema: ParameterSchema) -> Bool {
            do throws(GatekeeperError) { _ = try schema.filled(value, path: path) } catch { return false }
            return true
        }
        for schema in alternatives.all { _ = try schema.filled(value, path: path) }
        if !alternatives.any.isEmpty, !alternatives.any.contains(where: holds) {
            throw GatekeeperError(.invalid, "\(path) fits none of anyOf")
        }
        if !alternatives.one.isEmpty {
            let count = alternatives.one.count(where: holds)
            guard count == 1 else { throw GatekeeperError(.invalid, "\(path) fits \(count) of oneOf, not one") }
        }
        if let not = alternatives.not, holds(not) { throw GatekeeperError(.invalid, "\(path) fits what it must not") }
    }

    private func fits(_ value: Value, _ type: String) -> Bool {
        switch type {
        case "string": value.kind == .string
        case "integer": value.kind == .number && value.wide.map { $0 == $0.rounded() } ?? false
        case "number": value.kind == .number
        case "boolean": value.kind == .bool
        case "array": value.kind == .array
        case "object": value.kind == .object
        default: true
        }
    }
}

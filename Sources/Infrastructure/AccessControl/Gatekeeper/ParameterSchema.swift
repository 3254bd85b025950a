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
    private let items: ParameterSchema?
    private let required: [String]
    private let allowed: [Value]?
    private let pattern: Pattern?
    private let fallback: Value?
    private let minimum: Value?
    private let maximum: Value?
    private let lengths: (least: Int?, most: Int?)
    private let isNullable: Bool

    static let maxDepth = 32

    package convenience init(_ node: Node) throws(GatekeeperError) { try self.init(node, "openAPIV3Schema", 0) }

    private init(_ node: Node, _ path: String, _ depth: Int) throws(GatekeeperError) {
        guard depth < ParameterSchema.maxDepth else {
            throw GatekeeperError(.invalid, "\(path): schemas nest deeper than \(ParameterSchema.maxDepth)")
        }
        guard node.isObject else { throw GatekeeperError(.invalid, "\(path) is no object") }
        var types: [String] = node["type"]?.string.map { [$0] } ?? []
        if node["x-kubernetes-int-or-string"]?.bool == true { types = ["integer", "string"] }
        self.types = types
        var properties: [(String, ParameterSchema)] = []
        if let members = node["properties"] {
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
        required = node["required"]?.elements.compactMap(\.string) ?? []
        allowed = node["enum"].map { $0.elements.map { .node($0) } }
        fallback = node["default"].map { .node($0) }
        minimum = node["minimum"].map { .node($0) }
        maximum = node["maximum"].map { .node($0) }
        lengths = (
            node["minItems"]?.int ?? node["minLength"]?.int, node["maxItems"]?.int ?? node["maxLength"]?.int
        )
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
        if let minimum, kind == .number, compare(value, minimum) < 0 {
            throw GatekeeperError(.invalid, "\(path) must be at least \(minimum.json)")
        }
        if let maximum, kind == .number, compare(value, maximum) > 0 {
            throw GatekeeperError(.invalid, "\(path) must be at most \(maximum.json)")
        }
        if let count = value.count, kind != .object {
            if let least = lengths.least, count < least {
                throw GatekeeperError(.invalid, "\(path) must have at least \(least) of them")
            }
            if let most = lengths.most, count > most {
                throw GatekeeperError(.invalid, "\(path) must have at most \(most) of them")
            }
        }
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
        for name in required where object[name] == nil {
            throw GatekeeperError(.invalid, "\(path).\(name) is missing")
        }
        return .object(object)
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

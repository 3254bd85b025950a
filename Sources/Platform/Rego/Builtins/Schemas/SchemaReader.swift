// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import Documents
import RegularExpressions

/// Reads a schema. References lead to places inside of it; what stands elsewhere is refused, never fetched.
struct SchemaReader {
    private let root: Value
    private let draft: SchemaDraft
    /// By resolved reference.
    private var known: [String: SchemaNode] = [:]
    private var places: [String: Value] = [:]
    private var count = 0

    static let maxDepth = 128
    static let maxNodes = 100_000

    /// Throws what is wrong with the schema, in the words of OPA's own reader.
    static func read(_ value: Value, _ context: BuiltinContext) throws -> Schema {
        var draft = SchemaDraft.hybrid
        if let place = value.members?["$schema"] {
            guard let text = place.text else { throw wrong("Invalid type. Expected: string, given: $schema") }
            draft = SchemaDraft(place: text) ?? .hybrid
        }
        var reader = SchemaReader(root: value, draft: draft)
        try reader.collect(value, base: "", depth: 0)
        let node = SchemaNode()
        reader.known["#"] = node
        try reader.fill(node, value, base: "", depth: 0, context)
        return Schema(root: node, targets: Array(reader.known.values))
    }

    private init(root: Value, draft: SchemaDraft) {
        self.root = root
        self.draft = draft
    }

    static func wrong(_ message: String) -> BuiltinError { BuiltinError(.builtin, message) }

    private func invalid(_ expected: String, _ given: String) -> BuiltinError {
        SchemaReader.wrong("Invalid type. Expected: \(expected), given: \(given)")
    }

    // MARK: Names and references

    private func identifier(_ members: ObjectValue) -> String? {
        if draft == .draft4 || draft == .hybrid && members["id"] != nil { return members["id"]?.text }
        return members["$id"]?.text
    }

    /// Remembers what schemas call themselves.
    private mutating func collect(_ value: Value, base: String, depth: Int) throws {
        guard depth <= SchemaReader.maxDepth else { throw SchemaReader.wrong("schema is nested too deep") }
        if let members = value.members {
            var base = base
            if let name = identifier(members) {
                base = SchemaReader.resolve(name, base)
                if places[base] == nil { places[base] = value }
            }
            for (key, member) in zip(members.keys, members.values) where key.text != "enum" && key.text != "const" {
                try collect(member, base: base, depth: depth + 1)
            }
        } else if let elements = value.elements {
            for element in elements { try collect(element, base: base, depth: depth + 1) }
        }
    }

    /// A reference against the place that it stands in, without a trailing empty fragment.
    private static func resolve(_ reference: String, _ base: String) -> String {
        var whole: String
        if reference.hasPrefix("#") {
            whole = String(base.prefix { $0 != "#" }) + reference
        } else if reference.contains("://") || reference.hasPrefix("urn:") || base.isEmpty {
            whole = reference
        } else {
            let trunk = base.prefix { $0 != "#" }
            if reference.hasPrefix("/"), let scheme = trunk.firstRange(of: "://") {
                whole =
                    trunk[..<scheme.upperBound] + String(trunk[scheme.upperBound...].prefix { $0 != "/" }) + reference
            } else if let slash = trunk.lastIndex(of: "/") {
                whole = trunk[...slash] + reference
            } else {
                whole = reference
            }
        }
        if whole.hasSuffix("#") { whole.removeLast() }
        return whole
    }

    private func find(_ reference: String) throws -> Value {
        if let place = places[reference] { return place }
        let parts = reference.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
        let trunk = String(parts[0])
        guard
            let start = trunk.isEmpty
                ? root : places[trunk] ?? (identifier(root.members ?? ObjectValue()) == trunk ? root : nil)
        else { throw SchemaReader.wrong("remote reference loading disabled: \(reference)") }
        guard parts.count == 2, !parts[1].isEmpty else { return start }
        guard parts[1].hasPrefix("/") else { throw SchemaReader.wrong("Object has no key '\(parts[1])'") }
        var place = start
        for step in parts[1].dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            let name = (String(step).removingPercentEncoding ?? String(step)).replacing("~1", with: "/")
                .replacing("~0", with: "~")
            if let next = place.members?[name] {
                place = next
            } else if let elements = place.elements, let index = Int(name), elements.indices.contains(index) {
                place = elements[index]
            } else {
                throw SchemaReader.wrong("Object has no key '\(name)'")
            }
        }
        return place
    }

    // MARK: Reading

    private mutating func node(_ value: Value, base: String, depth: Int, _ context: BuiltinContext) throws -> SchemaNode
    {
        let node = SchemaNode()
        try fill(node, value, base: base, depth: depth + 1, context)
        return node
    }

    private mutating func fill(
        _ node: SchemaNode, _ value: Value, base: String, depth: Int, _ context: BuiltinContext
    ) throws {
        count += 1
        guard depth <= SchemaReader.maxDepth, count <= SchemaReader.maxNodes else {
            throw SchemaReader.wrong("schema is nested too deep or too large")
        }
        try context.spend(512)
        if count.isMultiple(of: 256) { try context.checkpoint() }
        if draft >= .draft6, value.kind == .bool {
            node.verdict = !value.isFalse
            return
        }
        guard let members = value.members else { throw SchemaReader.wrong("Expected: schema, given: Invalid JSON") }
        var base = base
        if draft == .draft4 || draft == .hybrid && members["id"] != nil {
            _ = try text(members, "id")
        } else {
            _ = try text(members, "$id")
        }
        if let name = identifier(members) { base = SchemaReader.resolve(name, base) }
        if let definitions = members["definitions"] {
            guard let object = definitions.members else { throw invalid("array of schemas", "definitions") }
            for definition in object.values {
                guard definition.kind == .object || definition.kind == .bool else {
                    throw invalid("array of schemas", "definitions")
                }
                _ = try self.node(definition, base: base, depth: depth, context)
            }
        }
        _ = try text(members, "title")
        _ = try text(members, "description")
        if let reference = try text(members, "$ref") {
            let resolved = reference == "#" && base.isEmpty ? "#" : SchemaReader.resolve(reference, base)
            if let known = known[resolved] {
                node.target = known
            } else {
                let target = SchemaNode()
                known[resolved] = target
                let place = try find(resolved)
                guard place.kind == .object || place.kind == .bool else {
                    throw SchemaReader.wrong("schema must be of type object")
                }
                let trunk = String(resolved.prefix { $0 != "#" })
                try fill(target, place, base: trunk.isEmpty ? base : trunk, depth: depth + 1, context)
                node.target = target
            }
            return
        }
        try types(node, members)
        try objects(node, members, base, depth, context)
        try arrays(node, members, base, depth, context)
        try numbers(node, members)
        try texts(node, members)
        try choices(node, members, base, depth, context)
    }

    private func text(_ members: ObjectValue, _ key: String) throws -> String? {
        guard let value = members[key] else { return nil }
        guard let text = value.text else { throw invalid("string", key) }
        return text
    }

    private func list(_ members: ObjectValue, _ key: String) throws -> [Value] {
        guard let value = members[key] else { return [] }
        guard let elements = value.elements else { throw SchemaReader.wrong("\(key) must be of an array") }
        return elements
    }

    private func types(_ node: SchemaNode, _ members: ObjectValue) throws {
        guard let value = members["type"] else { return }
        let names: [Value]
        if value.kind == .string {
            names = [value]
        } else if let elements = value.elements {
            names = elements
        } else {
            throw invalid("string/array of strings", "type")
        }
        for name in names {
            guard let name = name.text else { throw invalid("string/array of strings", "type") }
            guard ["array", "boolean", "integer", "number", "null", "object", "string"].contains(name) else {
                throw SchemaReader.wrong(
                    "has a primitive type that is NOT VALID -- given: /\(name)/ Expected valid values are:"
                        + "[array boolean integer number null object string]")
            }
            guard !node.types.contains(name) else { throw SchemaReader.wrong("\(name) type is duplicated") }
            node.types.append(name)
        }
    }

    private mutating func objects(
        _ node: SchemaNode, _ members: ObjectValue, _ base: String, _ depth: Int, _ context: BuiltinContext
    ) throws {
        if let properties = members["properties"] {
            guard let object = properties.members else { throw SchemaReader.wrong("properties must be of type object") }
            for (key, value) in zip(object.keys, object.values) {
                node.properties.append((key.text ?? "", try self.node(value, base: base, depth: depth, context)))
            }
        }
        if let additional = members["additionalProperties"] {
            if additional.kind == .bool {
                node.forbidsAdditionalProperties = additional.isFalse
            } else if additional.kind == .object {
                node.additionalProperties = try self.node(additional, base: base, depth: depth, context)
            } else {
                throw invalid("boolean/schema", "additionalProperties")
            }
        }
        if let patterns = members["patternProperties"] {
            guard let object = patterns.members else { throw invalid("schema", "patternProperties") }
            for (key, value) in zip(object.keys, object.values) {
                guard let pattern = try? PatternCache.shared.pattern(key.text ?? "") else {
                    throw SchemaReader.wrong("Invalid regex pattern '\(key.text ?? "")'")
                }
                node.patternProperties.append((pattern, try self.node(value, base: base, depth: depth, context)))
            }
        }
        if draft >= .draft6, let names = members["propertyNames"] {
            guard names.kind == .bool || names.kind == .object else { throw invalid("schema", "patternProperties") }
            node.propertyNames = try self.node(names, base: base, depth: depth, context)
        }
        guard let dependencies = members["dependencies"] else { return }
        guard let object = dependencies.members else { throw SchemaReader.wrong("dependencies must be of type object") }
        for (key, value) in zip(object.keys, object.values) {
            let wrong = SchemaReader.wrong("dependency must be of type schema or array of strings")
            if let elements = value.elements {
                node.dependencies[key.text ?? ""] = .names(
                    try elements.map { element in
                        guard let text = element.text else { throw wrong }
                        return text
                    })
            } else if value.kind == .bool || value.kind == .object {
                node.dependencies[key.text ?? ""] = .schema(try self.node(value, base: base, depth: depth, context))
            } else {
                throw wrong
            }
        }
    }

    private mutating func arrays(
        _ node: SchemaNode, _ members: ObjectValue, _ base: String, _ depth: Int, _ context: BuiltinContext
    ) throws {
        if let items = members["items"] {
            let wrong = invalid("schema/array of schemas", "items")
            if let elements = items.elements {
                for element in elements {
                    guard element.kind == .bool || element.kind == .object else { throw wrong }
                    node.itemsByPlace.append(try self.node(element, base: base, depth: depth, context))
                }
            } else {
                guard items.kind == .bool || items.kind == .object else { throw wrong }
                node.items = try self.node(items, base: base, depth: depth, context)
            }
        }
        if let additional = members["additionalItems"] {
            if additional.kind == .bool {
                node.forbidsAdditionalItems = additional.isFalse
            } else if additional.kind == .object {
                node.additionalItems = try self.node(additional, base: base, depth: depth, context)
            } else {
                throw invalid("boolean/schema", "additionalItems")
            }
        }
        if let unique = members["uniqueItems"] {
            guard unique.kind == .bool else { throw SchemaReader.wrong("uniqueItems must be of a boolean") }
            node.hasUniqueItems = !unique.isFalse
        }
        if draft >= .draft6, let contains = members["contains"] {
            node.contains = try self.node(contains, base: base, depth: depth, context)
        }
    }

    private func limit(_ value: Value) -> SchemaNode.Limit? {
        guard value.kind == .number, let decimal = ExactDecimal(value.numberText) else { return nil }
        return SchemaNode.Limit(decimal: decimal, text: value.numberText)
    }

    private func numbers(_ node: SchemaNode, _ members: ObjectValue) throws {
        if let value = members["multipleOf"] {
            guard let limit = limit(value) else { throw invalid("number", "multipleOf") }
            if limit.decimal.isZero || limit.decimal.isNegative {
                throw SchemaReader.wrong("multipleOf must be strictly greater than 0")
            }
            node.multipleOf = limit
        }
        for (key, exclusive, plain, bound) in [
            ("minimum", "exclusiveMinimum", \SchemaNode.minimum, \SchemaNode.exclusiveMinimum),
            ("maximum", "exclusiveMaximum", \SchemaNode.maximum, \SchemaNode.exclusiveMaximum),
        ] {
            if let value = members[key] {
                guard let limit = limit(value) else { throw SchemaReader.wrong("\(key) must be of a number") }
                node[keyPath: plain] = limit
            }
            guard let value = members[exclusive] else { continue }
            if value.kind == .bool, draft == .draft4 || draft == .hybrid {
                guard let limit = node[keyPath: plain] else {
                    throw SchemaReader.wrong("\(exclusive) cannot be used without \(key)")
                }
                if !value.isFalse {
                    node[keyPath: bound] = limit
                    node[keyPath: plain] = nil
                }
            } else if draft != .draft4, let limit = limit(value) {
                node[keyPath: bound] = limit
            } else {
                throw invalid(draft == .draft4 ? "boolean" : draft == .hybrid ? "boolean/number" : "number", exclusive)
            }
        }
    }

    private func texts(_ node: SchemaNode, _ members: ObjectValue) throws {
        for size in SchemaSize.allCases {
            guard let value = members[size.rawValue] else { continue }
            guard value.kind == .number, let whole = value.bigInteger else {
                throw SchemaReader.wrong("\(size.rawValue) must be of an integer")
            }
            if whole.isNegative { throw SchemaReader.wrong("\(size.rawValue) must be greater than or equal to 0") }
            node.sizes[size] = whole.int ?? .max
        }
        for (low, high) in [(SchemaSize.minLength, SchemaSize.maxLength), (.minProperties, .maxProperties)] {
            if let least = node.sizes[low], let most = node.sizes[high], least > most {
                throw SchemaReader.wrong("\(low.rawValue) cannot be greater than \(high.rawValue)")
            }
        }
        if let pattern = try text(members, "pattern") {
            guard let compiled = try? PatternCache.shared.pattern(pattern) else {
                throw SchemaReader.wrong("pattern must be a valid regex")
            }
            node.pattern = compiled
        }
        node.format = try text(members, "format")
        var seen: Set<String> = []
        for name in try list(members, "required") {
            guard let name = name.text else { throw invalid("string", "required") }
            guard seen.insert(name).inserted else { throw SchemaReader.wrong("required items must be unique") }
            node.required.append(name)
        }
    }

    private mutating func choices(
        _ node: SchemaNode, _ members: ObjectValue, _ base: String, _ depth: Int, _ context: BuiltinContext
    ) throws {
        if draft >= .draft6 { node.constant = members["const"] }
        let choices = try list(members, "enum")
        if members["enum"] != nil {
            guard SetValue(choices).count == choices.count else {
                throw SchemaReader.wrong("enum items must be unique")
            }
            node.choices = choices
        }
        for (key, place) in [
            ("oneOf", \SchemaNode.oneOf), ("anyOf", \SchemaNode.anyOf), ("allOf", \SchemaNode.allOf),
        ] {
            for element in try list(members, key) {
                node[keyPath: place].append(try self.node(element, base: base, depth: depth, context))
            }
        }
        var singles = [("not", \SchemaNode.not)]
        if draft >= .draft7 {
            singles += [("if", \.condition), ("then", \.consequence), ("else", \.alternative)]
        }
        for (key, place) in singles {
            guard let value = members[key] else { continue }
            guard value.kind == .bool || value.kind == .object else {
                throw SchemaReader.wrong("\(key) must be of an object")
            }
            node[keyPath: place] = try self.node(value, base: base, depth: depth, context)
        }
    }
}

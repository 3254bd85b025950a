// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import RegularExpressions
import Foundation

/// What a value broke of a schema.
struct SchemaFault {
    let type: String
    let field: String
    let message: String

    var value: Value {
        .object(
            ObjectValue([
                (.string("type"), .string(type)), (.string("field"), .string(field)),
                (.string("desc"), .string(message)),
                (.string("error"), .string("\(field): \(message)")),
            ]))
    }
}

/// Holds values against a schema.
struct SchemaJudge {
    /// The faults found so far and how close the value came, by which the likeliest of several schemas is picked.
    struct Result {
        var faults: [SchemaFault] = []
        var score = 0

        var isValid: Bool { faults.isEmpty }

        mutating func merge(_ other: Result) {
            faults += other.faults
            score += other.score
        }
    }

    private let context: BuiltinContext
    private var steps = 0

    static let maxDepth = 256
    static let maxSteps = 2_000_000

    init(_ context: BuiltinContext) { self.context = context }

    /// What the value breaks of the whole schema.
    mutating func faults(_ schema: Schema, _ value: Value) throws -> [SchemaFault] {
        var result = Result()
        try withExtendedLifetime(schema) { try judge(schema.root, value, [], 0, &result) }
        return result.faults
    }

    private static func field(_ path: [String]) -> String { path.isEmpty ? "(root)" : path.joined(separator: ".") }

    private func fault(_ result: inout Result, _ type: String, _ path: [String], _ message: String) throws {
        try context.spend(message.utf8.count + 64 + path.count * 16)
        result.faults.append(SchemaFault(type: type, field: SchemaJudge.field(path), message: message))
        result.score -= 2
    }

    private mutating func sub(_ schema: SchemaNode, _ value: Value, _ path: [String], _ depth: Int) throws -> Result {
        var result = Result()
        try judge(schema, value, path, depth + 1, &result)
        return result
    }

    private mutating func judge(
        _ schema: SchemaNode, _ value: Value, _ path: [String], _ depth: Int, _ result: inout Result
    ) throws {
        steps += 1
        guard depth <= SchemaJudge.maxDepth, steps <= SchemaJudge.maxSteps else {
            throw BuiltinError(.builtin, "schema goes too deep or takes too many steps")
        }
        if steps.isMultiple(of: 256) { try context.checkpoint() }
        if let verdict = schema.verdict {
            if !verdict { try fault(&result, "false", path, "False always fails validation") }
            return
        }
        if let target = schema.target { return try judge(target, value, path, depth + 1, &result) }
        let decimal = value.kind == .number ? ExactDecimal(value.numberText) : nil
        let given = SchemaJudge.type(value, decimal)
        if !schema.types.isEmpty,
            !schema.types.contains(given), !(given == "integer" && schema.types.contains("number"))
        {
            let expected = schema.types.count == 1 ? schema.types[0] : "[\(schema.types.joined(separator: ","))]"
            return try fault(&result, "invalid_type", path, "Invalid type. Expected: \(expected), given: \(given)")
        }
        try combinations(schema, value, path, depth, &result)
        if let decimal { try number(schema, decimal, path, &result) }
        if let elements = value.elements { try array(schema, elements, path, depth, &result) }
        let members = value.members
        if let members { try object(schema, members, path, depth, &result) }
        try common(schema, value, path, &result)
        if let text = value.text { try string(schema, text, path, &result) }
        if let members {
            for property in schema.properties {
                guard let member = members[property.name] else { continue }
                try judge(property.schema, member, path + [property.name], depth + 1, &result)
            }
        }
        result.score += 1
    }

    private static func type(_ value: Value, _ decimal: ExactDecimal?) -> String {
        switch value.kind {
        case .null: "null"
        case .bool: "boolean"
        case .number: decimal?.isWhole == true ? "integer" : "number"
        case .string: "string"
        case .array, .set: "array"
        case .object: "object"
        }
    }

    private mutating func combinations(
        _ schema: SchemaNode, _ value: Value, _ path: [String], _ depth: Int, _ result: inout Result
    ) throws {
        if !schema.anyOf.isEmpty {
            var best: Result?
            var holds = false
            for other in schema.anyOf {
                let found = try sub(other, value, path, depth)
                holds = found.isValid
                if holds { break }
                if best.map({ found.score > $0.score }) ?? true { best = found }
            }
            if !holds {
                try fault(&result, "number_any_of", path, "Must validate at least one schema (anyOf)")
                if let best { result.merge(best) }
            }
        }
        if !schema.oneOf.isEmpty {
            var best: Result?
            var count = 0
            for other in schema.oneOf {
                let found = try sub(other, value, path, depth)
                if found.isValid {
                    count += 1
                } else if count == 0, best.map({ found.score > $0.score }) ?? true {
                    best = found
                }
            }
            if count != 1 {
                try fault(&result, "number_one_of", path, "Must validate one and only one schema (oneOf)")
                if count == 0, let best { result.merge(best) }
            }
        }
        if !schema.allOf.isEmpty {
            var holds = true
            for other in schema.allOf {
                let found = try sub(other, value, path, depth)
                holds = holds && found.isValid
                result.merge(found)
            }
            if !holds { try fault(&result, "number_all_of", path, "Must validate all the schemas (allOf)") }
        }
        if let not = schema.not, try sub(not, value, path, depth).isValid {
            try fault(&result, "number_not", path, "Must not validate the schema (not)")
        }
        if !schema.dependencies.isEmpty, let members = value.members {
            for key in members.keys {
                switch schema.dependencies[key.text ?? ""] {
                case .names(let names):
                    for name in names where members[name] == nil {
                        try fault(&result, "missing_dependency", path, "Has a dependency on \(name)")
                    }
                case .schema(let other): try judge(other, value, path, depth + 1, &result)
                case nil: break
                }
            }
        }
        if let condition = schema.condition {
            let holds = try sub(condition, value, path, depth).isValid
            if let next = holds ? schema.consequence : schema.alternative {
                let found = try sub(next, value, path, depth)
                if !found.isValid {
                    let word = holds ? "then" : "else"
                    let clause = holds ? "valid" : "not valid"
                    try fault(
                        &result, "condition_\(word)", path,
                        "Must validate \"\(word)\" as \"if\" was \(clause)")
                    result.merge(found)
                }
            }
        }
        result.score += 1
    }

    private mutating func array(
        _ schema: SchemaNode, _ elements: [Value], _ path: [String], _ depth: Int, _ result: inout Result
    ) throws {
        if let items = schema.items {
            for (index, element) in elements.enumerated() {
                result.merge(try sub(items, element, path + ["\(index)"], depth))
            }
        } else if !schema.itemsByPlace.isEmpty {
            for (index, pair) in zip(schema.itemsByPlace, elements).enumerated() {
                result.merge(try sub(pair.0, pair.1, path + ["\(index)"], depth))
            }
            if schema.itemsByPlace.count < elements.count {
                if schema.forbidsAdditionalItems {
                    try fault(&result, "array_no_additional_items", path, "No additional items allowed on array")
                } else if let additional = schema.additionalItems {
                    for index in schema.itemsByPlace.count..<elements.count {
                        result.merge(try sub(additional, elements[index], path + ["\(index)"], depth))
                    }
                }
            }
        }
        if let least = schema.sizes[.minItems], elements.count < least {
            try fault(&result, "array_min_items", path, "Array must have at least \(least) items")
        }
        if let most = schema.sizes[.maxItems], elements.count > most {
            try fault(&result, "array_max_items", path, "Array must have at most \(most) items")
        }
        if schema.hasUniqueItems {
            let order = elements.indices.sorted { one, two in
                let order = compare(elements[one], elements[two])
                return order == 0 ? one < two : order < 0
            }
            for (one, two) in zip(order, order.dropFirst()) where compare(elements[one], elements[two]) == 0 {
                try fault(&result, "unique", path, "array items[\(one),\(two)] must be unique")
            }
        }
        if let contains = schema.contains {
            var best: Result?
            var holds = false
            for (index, element) in elements.enumerated() {
                let found = try sub(contains, element, path + ["\(index)"], depth)
                holds = found.isValid
                if holds { break }
                if best.map({ found.score > $0.score }) ?? true { best = found }
            }
            if !holds {
                try fault(&result, "contains", path, "At least one of the items must match")
                if let best { result.merge(best) }
            }
        }
        result.score += 1
    }

    private mutating func object(
        _ schema: SchemaNode, _ members: ObjectValue, _ path: [String], _ depth: Int, _ result: inout Result
    ) throws {
        if let least = schema.sizes[.minProperties], members.count < least {
            try fault(&result, "array_min_properties", path, "Must have at least \(least) properties")
        }
        if let most = schema.sizes[.maxProperties], members.count > most {
            try fault(&result, "array_max_properties", path, "Must have at most \(most) properties")
        }
        for name in schema.required {
            if members[name] != nil {
                result.score += 1
            } else {
                try fault(&result, "required", path, "\(name) is required")
            }
        }
        let named = Set(schema.properties.map(\.name))
        for (key, value) in zip(members.keys, members.values) {
            let name = key.text ?? key.json
            var isMatched = false
            for entry in schema.patternProperties where entry.pattern.matches(name) {
                isMatched = true
                result.merge(try sub(entry.schema, value, path + [name], depth))
            }
            if isMatched { result.score += 1 }
            guard !isMatched, !named.contains(name) else { continue }
            if schema.forbidsAdditionalProperties {
                try fault(
                    &result, "additional_property_not_allowed", path, "Additional property \(name) is not allowed")
            } else if let additional = schema.additionalProperties {
                result.merge(try sub(additional, value, path + [name], depth))
            }
        }
        if let names = schema.propertyNames {
            for key in members.keys {
                let found = try sub(names, key, path, depth)
                if found.isValid { continue }
                try fault(
                    &result, "invalid_property_name", path,
                    "Property name of \"\(key.text ?? key.json)\" does not match")
                result.merge(found)
            }
        }
        result.score += 1
    }

    private func common(_ schema: SchemaNode, _ value: Value, _ path: [String], _ result: inout Result) throws {
        if let constant = schema.constant, !equal(constant, value) {
            try fault(
                &result, "const", path, "\(SchemaJudge.field(path)) does not match: \(JSONLayout.text(constant))")
        }
        if let choices = schema.choices, !choices.contains(where: { equal($0, value) }) {
            let allowed = choices.isEmpty ? "(none)" : choices.map { JSONLayout.text($0) }.joined(separator: ", ")
            try fault(
                &result, "enum", path, "\(SchemaJudge.field(path)) must be one of the following: \(allowed)")
        }
        if let format = schema.format, let text = value.text, !SchemaFormat.holds(format, text) {
            try fault(&result, "format", path, "Does not match format '\(format)'")
        }
        result.score += 1
    }

    private func string(_ schema: SchemaNode, _ text: String, _ path: [String], _ result: inout Result) throws {
        if schema.sizes[.minLength] != nil || schema.sizes[.maxLength] != nil {
            let count = text.unicodeScalars.count
            if let least = schema.sizes[.minLength], count < least {
                try fault(&result, "string_gte", path, "String length must be greater than or equal to \(least)")
            }
            if let most = schema.sizes[.maxLength], count > most {
                try fault(&result, "string_lte", path, "String length must be less than or equal to \(most)")
            }
        }
        if let pattern = schema.pattern, !pattern.matches(text) {
            try fault(&result, "pattern", path, "Does not match pattern '\(pattern.text)'")
        }
        result.score += 1
    }

    private func number(_ schema: SchemaNode, _ number: ExactDecimal, _ path: [String], _ result: inout Result) throws {
        func text(_ limit: SchemaNode.Limit) -> String { String(format: "%.10g", Double(limit.text) ?? 0) }
        if let multiple = schema.multipleOf {
            guard let holds = number.isMultiple(of: multiple.decimal) else {
                throw BuiltinError(.builtin, "multipleOf: number is too large")
            }
            if !holds { try fault(&result, "multiple_of", path, "Must be a multiple of \(text(multiple))") }
        }
        func order(_ limit: SchemaNode.Limit) -> Int { ExactDecimal.compare(number, limit.decimal) }
        if let most = schema.maximum, order(most) > 0 {
            try fault(&result, "number_lte", path, "Must be less than or equal to \(text(most))")
        }
        if let most = schema.exclusiveMaximum, order(most) >= 0 {
            try fault(&result, "number_lt", path, "Must be less than \(text(most))")
        }
        if let least = schema.minimum, order(least) < 0 {
            try fault(&result, "number_gte", path, "Must be greater than or equal to \(text(least))")
        }
        if let least = schema.exclusiveMinimum, order(least) <= 0 {
            try fault(&result, "number_gt", path, "Must be greater than \(text(least))")
        }
        result.score += 1
    }
}

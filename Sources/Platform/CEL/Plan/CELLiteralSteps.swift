// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

final class ListStep: CELStep, @unchecked Sendable {
    private let elements: [(step: CELStep, isOptional: Bool)]

    init(_ elements: [(CELStep, Bool)]) { self.elements = elements.map { (step: $0.0, isOptional: $0.1) } }

    override func evaluate(_ run: CELEvaluator) throws(CELError) -> CELValue {
        try run.pay(10)
        var values: [CELValue] = []
        values.reserveCapacity(elements.count)
        for (step, isOptional) in elements {
            let value = try step.evaluate(run)
            guard isOptional else {
                values.append(value)
                continue
            }
            guard case .optional(let inner) = value else {
                throw CELEvaluator.error("an optional element is no optional value")
            }
            if let inner { values.append(inner) }
        }
        return .list(values)
    }
}

final class MapStep: CELStep, @unchecked Sendable {
    private let entries: [(key: CELStep, value: CELStep, isOptional: Bool)]

    init(_ entries: [(CELStep, CELStep, Bool)]) {
        self.entries = entries.map { (key: $0.0, value: $0.1, isOptional: $0.2) }
    }

    override func evaluate(_ run: CELEvaluator) throws(CELError) -> CELValue {
        try run.pay(30)
        var found: [(CELValue, CELValue)] = []
        for (key, value, isOptional) in entries {
            let key = try key.evaluate(run).resolved
            switch key {
            case .bool, .int, .uint, .string: break
            default: throw CELEvaluator.error("unsupported key type: \(key.typeName)")
            }
            if found.contains(where: { CELValue.equal($0.0, key) }) {
                throw CELEvaluator.error("Failed with repeated key: \(CELText.plain(key))")
            }
            let value = try value.evaluate(run)
            guard isOptional else {
                found.append((key, value))
                continue
            }
            guard case .optional(let inner) = value else {
                throw CELEvaluator.error("an optional entry is no optional value")
            }
            if let inner { found.append((key, inner)) }
        }
        return .map(CELMap(found))
    }
}

/// Messages are not known but for those that stand for values of the language.
final class MessageStep: CELStep, @unchecked Sendable {
    private let name: String
    private let candidates: [String]
    private let fields: [(String, CELStep)]

    init(_ name: String, _ candidates: [String], _ fields: [(String, CELStep)]) {
        (self.name, self.candidates, self.fields) = (name, candidates, fields)
    }

    override func evaluate(_ run: CELEvaluator) throws(CELError) -> CELValue {
        try run.pay(40)
        var values: [String: CELValue] = [:]
        for (name, step) in fields { values[name] = try step.evaluate(run) }
        for candidate in candidates { if let value = try CELWrappers.value(candidate, values) { return value } }
        throw CELEvaluator.error("unknown type: \(name)")
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// `a.b.c` of a variable's value: the way through a document is gone at once.
final class PathStep: CELStep, @unchecked Sendable {
    let base: CELStep
    let fields: [String]
    private let keys: FieldKeys
    /// The base's slot where it is a local; else -1.
    private let local: Int

    init(_ base: CELStep, _ fields: [String]) {
        (self.base, self.fields) = (base, fields)
        keys = FieldKeys(fields)
        local = (base as? LocalStep)?.slot ?? -1
    }

    override func evaluate(_ run: CELEvaluator) throws(CELError) -> CELValue {
        if local >= 0, let end = run.descend(local: local, keys) {
            try run.pay(1 &+ fields.count)
            return .node(end)
        }
        var value = try base.evaluate(run)
        try run.pay(fields.count)
        if case .node(let node) = value, case .found(let end) = node.descend(keys) { return .node(end) }
        // Nulls, errors and values that were made go step by step.
        for field in fields { value = try SelectStep.select(value, field, isOptional: false) }
        return value
    }
}

/// `has(a.b.c)` of a variable's value.
final class PresentPathStep: TestStep, @unchecked Sendable {
    private let base: CELStep
    private let way: [String]
    private let field: String
    private let keys: FieldKeys

    init(_ base: CELStep, _ way: [String], _ field: String) {
        (self.base, self.way, self.field) = (base, way, field)
        keys = FieldKeys(way)
    }

    override func test(_ run: CELEvaluator) throws(CELError) -> Bool {
        var value = try base.evaluate(run)
        try run.pay(way.count)
        if case .node(let node) = value, case .found(let end) = node.descend(keys), end.isObject {
            return end[dynamic: field] != nil
        }
        for field in way { value = try SelectStep.select(value, field, isOptional: false) }
        return try PresentStep.isPresent(field, in: value)
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// The functions of the language.
package enum Builtins {
    /// By full name.
    package static let all: [String: Builtin] = {
        var table = BuiltinTable()
        table.addComparisons()
        table.addNumbers()
        table.addBits()
        table.addTypes()
        table.addAggregates()
        table.addArrays()
        table.addSets()
        table.addObjects()
        table.addStrings()
        table.addStringSearch()
        table.addFormatting()
        table.addRegularExpressions()
        table.addGlobs()
        table.addEncodings()
        table.addJSON()
        table.addJSONPatch()
        table.addTime()
        table.addNetworks()
        table.addGraphs()
        table.addSemanticVersions()
        table.addUnits()
        table.addHashes()
        table.addUUIDs()
        table.addCertificates()
        table.addTokens()
        table.addSchemas()
        table.addGraphQL()
        table.addCloudProviders()
        table.addRuntime()
        table.addTemplates()
        table.addRefused()
        return table.all
    }()
}

/// Where the functions are written down.
struct BuiltinTable {
    typealias Kinds = [Value.Kind]
    private(set) var all: [String: Builtin] = [:]

    mutating func zero(
        _ name: String, deterministic: Bool = true, _ body: @escaping @Sendable (BuiltinContext) throws -> Value?
    ) {
        all[name] = Builtin(
            name, arity: 0, signature: .init([], []), isDeterministic: deterministic, .zero(body))
    }

    mutating func one(
        _ name: String, _ kinds: Kinds = [], deterministic: Bool = true,
        _ body: @escaping @Sendable (Value, BuiltinContext) throws -> Value?
    ) {
        all[name] = Builtin(
            name, arity: 1, signature: .init([kinds], []), isDeterministic: deterministic, .one(body))
    }

    mutating func two(
        _ name: String, _ first: Kinds = [], _ second: Kinds = [], deterministic: Bool = true,
        _ body: @escaping @Sendable (Value, Value, BuiltinContext) throws -> Value?
    ) {
        all[name] = Builtin(
            name, arity: 2, signature: .init([first, second], []), isDeterministic: deterministic, .two(body))
    }

    mutating func many(
        _ name: String, _ kinds: [Kinds], deterministic: Bool = true,
        _ body: @escaping @Sendable ([Value], BuiltinContext) throws -> Value?
    ) {
        all[name] = Builtin(
            name, arity: kinds.count, signature: .init(kinds, []), isDeterministic: deterministic, .many(body))
    }

    mutating func add(_ builtin: Builtin) { all[builtin.name] = builtin }
}

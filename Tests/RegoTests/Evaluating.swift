// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Rego

/// What a query gives over modules, as JSON: one object of variables a result; `CODE` when it ends in an error.
func evaluate(
    _ query: String, _ modules: String..., version: RegoVersion = .v1, input: String? = nil, data: String = "{}",
    strict: Bool = true, limits: EvaluationLimits = .standard
) throws -> String {
    do {
        let sources = modules.enumerated().map { ModuleSource(name: "m\($0.offset).rego", text: $0.element) }
        let policy = try RegoPolicy(sources, version: version)
        let results = try policy.prepare(query, version: version).results(
            input: try input.map { .node(try JSONReader.read(Array($0.utf8), source: "input").root) },
            data: .node(try JSONReader.read(Array(data.utf8), source: "data").root), context: BuiltinContext(now: 0),
            limits: limits, strict: strict)
        return results.map { result in
            Value.object(ObjectValue(result.bindings.map { (.string($0.name), $0.value) })).json
        }.joined(separator: " ")
    } catch let error as RegoErrors {
        return error.errors.map(\.code.rawValue).joined(separator: " ")
    } catch let error as RegoError {
        return error.code.rawValue
    }
}

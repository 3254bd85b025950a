// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

extension BuiltinTable {
    mutating func addSchemas() {
        one("json.verify_schema", [.string, .object]) { value, context in
            do {
                _ = try SchemaReader.read(try document(value, context), context)
                return .array([.bool(true), .null])
            } catch let error as BuiltinError {
                return .array([.bool(false), .string("jsonschema: \(error.message)")])
            }
        }
        two("json.match_schema", [.string, .object, .array], [.string, .object]) { value, schema, context in
            let value = try document(value, context)
            let schema = try SchemaReader.read(try document(schema, context), context)
            var judge = SchemaJudge(context)
            let faults = try judge.faults(schema, value)
            return .array([.bool(faults.isEmpty), .array(faults.map(\.value))])
        }
    }
}

/// A document or schema, given as it is or as JSON in a string.
private func document(_ value: Value, _ context: BuiltinContext) throws -> Value {
    if let text = value.text {
        do {
            return try Texts.document(text, json: true, context)
        } catch is BuiltinError {
            throw BuiltinError(.builtin, "invalid JSON string")
        }
    }
    guard value.kind == .object || value.kind == .array else {
        throw BuiltinError(.builtin, "wrong type, expected string or object")
    }
    return value
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

extension BuiltinTable {
    mutating func addGraphQL() {
        one("graphql.parse_query", [.string]) { value, context in
            try answer("GraphQL string") { GraphQLValues.value(try query(.string(try value.string(1)), context)) }
        }
        one("graphql.parse_schema", [.string]) { value, context in
            try answer("GraphQL string") { GraphQLValues.value(try schema(.string(try value.string(1)), context)) }
        }
        two("graphql.parse", [.string, .object], [.string, .object]) { query, schema, context in
            try kind(query, 1)
            try kind(schema, 2)
            let (one, two) = try answer("GraphQL string") { try verified(query, schema, context) }
            return .array([one, two])
        }
        two("graphql.parse_and_verify", [.string, .object], [.string, .object]) { query, schema, context in
            guard let (one, two) = try valid({ try verified(query, schema, context) }) else {
                return .array([.bool(false), .emptyObject, .emptyObject])
            }
            return .array([.bool(true), one, two])
        }
        two("graphql.is_valid", [.string, .object], [.string, .object]) { query, schema, context in
            .bool(try valid { try verified(query, schema, context) } != nil)
        }
        one("graphql.schema_is_valid", [.string, .object]) { value, context in
            .bool(try valid { try GraphQLSchema(try schema(value, context), context) } != nil)
        }
    }
}

private func kind(_ value: Value, _ position: Int) throws {
    guard value.kind == .string || value.kind == .object else {
        throw BuiltinError.operand(position, mustBe: "one of {string, object}", butGot: value)
    }
}

private func query(_ value: Value, _ context: BuiltinContext) throws -> GraphQLQuery {
    if let text = value.text {
        var parser = try GraphQLParser(text, context)
        return try parser.query()
    }
    var reader = GraphQLTreeReader(context)
    return try reader.query(value)
}

private func schema(_ value: Value, _ context: BuiltinContext) throws -> GraphQLSchemaText {
    if let text = value.text {
        var parser = try GraphQLParser(text, context)
        return try parser.schema()
    }
    var reader = GraphQLTreeReader(context)
    return try reader.schema(value)
}

/// Both trees, after the query was held against the schema.
private func verified(_ one: Value, _ two: Value, _ context: BuiltinContext) throws -> (Value, Value) {
    let query = try query(one, context)
    let text = try schema(two, context)
    var judge = GraphQLJudge(try GraphQLSchema(text, context), query, context)
    try judge.judge()
    return (GraphQLValues.value(query), GraphQLValues.value(text))
}

private func answer<T>(_ what: String, _ body: () throws -> T) throws -> T {
    do {
        return try body()
    } catch let error as GraphQLError {
        var message = error.message
        if message.hasSuffix(".") { message.removeLast() }
        if let place = error.place { message += " in \(what) at location \(place.row):\(place.column)" }
        throw BuiltinError(.builtin, message)
    }
}

/// Nil when it is not valid. What could not be judged, for its size, is thrown on.
private func valid<T>(_ body: () throws -> T) throws -> T? {
    do {
        return try body()
    } catch is GraphQLError {
        return nil
    }
}

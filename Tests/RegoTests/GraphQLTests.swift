// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Rego
import Testing

@Suite struct GraphQLTests {
    private static let schema = """
        interface Node { id: ID! }
        type User implements Node { id: ID! name(short: Boolean = false): String friends(first: Int!): [User!] role: Role }
        type Bot implements Node { id: ID! name: Int owner: User }
        union Actor = User | Bot
        enum Role { ADMIN GUEST }
        input Filter { role: Role! names: [String!] }
        type Query { node(id: ID!): Node actors(filter: Filter): [Actor!]! me: User }
        type Mutation { rename(id: ID!, name: String): User }
        type Subscription { joined: User left: User }
        """

    @Test(arguments: [
        ("{ me { id name } }", true), ("{ me }", false), ("{ me { id { x } } }", false), ("{ nobody { id } }", false),
        ("{ node(id: 4) { __typename ... on User { name } } }", true), ("{ node { id } }", false),
        ("{ node(id: 4, id: 5) { id } }", false), ("{ node(id: true) { id } }", false),
        ("{ me { friends(first: 2) { id } } }", true), ("{ me { friends(first: \"2\") { id } } }", false),
        ("query($n: Int!) { me { friends(first: $n) { id } } }", true),
        ("query($n: Int) { me { friends(first: $n) { id } } }", false),
        ("query($n: Int = 3) { me { friends(first: $n) { id } } }", true),
        ("query($n: String!) { me { friends(first: $n) { id } } }", false),
        ("query($n: Int!) { me { id } }", false), ("{ me { friends(first: $n) { id } } }", false),
        ("query($n: User) { me { id } }", false),
        ("{ actors(filter: {role: ADMIN, names: \"a\"}) { ... on User { id } } }", true),
        ("{ actors(filter: {names: []}) { __typename } }", false),
        ("{ actors(filter: {role: BOSS}) { __typename } }", false),
        ("{ actors(filter: {role: ADMIN, x: 1}) { __typename } }", false), ("{ actors { id } }", false),
        ("{ me { ...f } } fragment f on User { id }", true), ("{ me { ...f } } fragment f on Bot { id }", false),
        ("{ me { ...f } } fragment f on User { ...g } fragment g on User { ...f }", false),
        ("{ me { ...none } }", false), ("{ me { id } } fragment f on User { id }", false),
        ("{ me { ...f } } fragment f on Role { id }", false),
        ("{ a: me { id } a: node(id: 1) { id } }", false), ("{ me { name name(short: true) } }", false),
        ("{ actors { ... on User { name } ... on Bot { name } } }", false),
        ("{ actors { ... on User { n: name } ... on Bot { name } } }", true),
        ("{ me { id @include(if: true) } }", true), ("{ me { id @include } }", false), ("{ me { id @other } }", false),
        ("query @include(if: true) { me { id } }", false),
        ("{ me { id } } { me { id } }", false), ("query a { me { id } } query a { me { id } }", false),
        ("subscription { joined { id } }", true), ("subscription { joined { id } left { id } }", false),
        ("mutation { rename(id: 1, name: null) { id } }", true), ("{ __schema { types { name } } }", true),
        ("{ me { id }", false), ("", true),
    ])
    func judges(_ query: String, _ isValid: Bool) throws {
        #expect(try evaluate("x = graphql.is_valid(`\(query)`, `\(GraphQLTests.schema)`)") == "{\"x\":\(isValid)}")
        // The same by trees.
        if isValid {
            let trees = "graphql.parse_query(`\(query)`), graphql.parse_schema(`\(GraphQLTests.schema)`)"
            #expect(try evaluate("x = graphql.is_valid(\(trees))") == "{\"x\":true}")
        }
    }

    @Test(arguments: [
        ("type A { a: B }", false), ("type A { a: Int a: Int }", false),
        ("type A implements I { a: Int } interface I { b: Int }", false),
        ("type A implements I { a: Int! } interface I { a: Int }", true), ("input A { a: B } type B { a: Int }", false),
        ("union U = A | S type A { a: Int } scalar S", false), ("type __A { a: Int }", false),
        ("type A { a: Int } type A { a: Int }", false), ("extend type A { a: Int } extend enum A { B }", false),
        ("schema { query: A }", false), ("enum A { true }", false), ("type A { a(b: A): Int }", false),
        ("directive @d(a: Int @d) on FIELD", false), ("type A @deprecated { a: Int }", false),
    ])
    func judgesSchemas(_ schema: String, _ isValid: Bool) throws {
        #expect(try evaluate("x = graphql.schema_is_valid(`\(schema)`)") == "{\"x\":\(isValid)}")
    }

    @Test func saysWhereItIsWrong() throws {
        #expect(try evaluate("x = graphql.parse_query(`{ a(b: ) }`)") == "eval_builtin_error")
        let policy = try RegoPolicy([], version: .v1)
        let query = try policy.prepare("x = graphql.parse(`{ me { nick } }`, `\(GraphQLTests.schema)`)")
        #expect(throws: RegoError.self) { try query.results(input: nil, context: BuiltinContext(now: 0), strict: true) }
        do {
            _ = try query.results(input: nil, context: BuiltinContext(now: 0), strict: true)
        } catch {
            #expect(
                error.message.contains("Cannot query field \"nick\" on type \"User\" in GraphQL string at location 1:8")
            )
        }
    }

    @Test func boundsWhatIsTooMuch() throws {
        let deep = String(repeating: "{ me ", count: 5_000) + String(repeating: "}", count: 5_000)
        #expect(try evaluate("x = graphql.parse_query(`\(deep)`)") == "eval_builtin_error")
        let wide = "{" + (0..<3_000).map { "a: node(id: \($0 % 1)) { id }" }.joined(separator: " ") + "}"
        #expect(try evaluate("x = graphql.is_valid(`\(wide)`, `\(GraphQLTests.schema)`)") == "eval_limit_error")
    }
}

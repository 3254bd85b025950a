// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AccessControl
import Documents
import Rego
import Testing

@Suite struct ParameterSchemaTests {
    @Test(arguments: [
        ("{type: integer, minimum: 1, exclusiveMinimum: true}", "1", "must be more than 1"),
        ("{type: integer, maximum: 5}", "6", "must be at most 5"),
        ("{type: number, multipleOf: 3}", "7", "multiple of 3"),
        ("{type: string, minLength: 3}", "ab", "at least 3 characters"),
        ("{type: array, maxItems: 1}", "[1, 2]", "at most 1 elements"),
        ("{type: object, maxProperties: 1}", "{a: 1, b: 2}", "at most 1 members"),
        (
            "{type: object, additionalProperties: false, properties: {a: {}}}", "{b: 1}",
            "spec.parameters.b is not known"
        ),
        ("{type: object, additionalProperties: {type: string}}", "{b: 1}", "spec.parameters.b must be string"),
        ("{type: array, items: {type: object, required: [k]}}", "[{k: 1}, {}]", "spec.parameters[1].k is missing"),
        ("{anyOf: [{type: string}, {type: integer}]}", "true", "fits none of anyOf"),
        ("{oneOf: [{type: number}, {type: integer}]}", "1", "fits 2 of oneOf"),
        ("{not: {enum: [1]}}", "1", "what it must not"),
        ("{allOf: [{minimum: 2}]}", "1", "at least 2"), ("{enum: [a, b]}", "c", "must be one of"),
        ("{items: {type: string}}", "[null]", "[0] must be string, not null"),
        ("{x-kubernetes-int-or-string: true}", "[]", "integer or string"),
    ])
    func refuses(schema: String, value: String, wanted: String) throws {
        let schema = try ParameterSchema(try yaml(schema))
        let error = #expect(throws: GatekeeperError.self) { try schema.filled(.node(try yaml(value))) }
        #expect(error?.message.contains(wanted) == true, "\(error?.message ?? "")")
    }

    @Test(arguments: [
        ("{type: integer, minimum: 1}", "1", "1"), ("{type: number, multipleOf: 0.5}", "1.5", "1.5"),
        ("{items: {type: string, nullable: true}}", "[null]", "[null]"),
        ("{x-kubernetes-int-or-string: true}", "50%", "\"50%\""),
        ("{type: object, properties: {a: {default: {}, properties: {b: {default: 2}}}}}", "{}", "{\"a\":{\"b\":2}}"),
        (
            "{type: object, properties: {a: {type: array, items: {properties: {b: {default: 1}}}}}}", "{a: [{}]}",
            "{\"a\":[{\"b\":1}]}"
        ),
        ("{type: object, properties: {a: {type: string}}}", "{z: 1}", "{\"z\":1}"),
        ("{oneOf: [{type: string}, {type: integer}]}", "1", "1"),
    ])
    func fills(schema: String, value: String, wanted: String) throws {
        #expect(try ParameterSchema(try yaml(schema)).filled(.node(try yaml(value))).json == wanted)
    }

    @Test(arguments: [
        ("{type: text}", "openAPIV3Schema.type"), ("{properties: [a]}", "openAPIV3Schema.properties"),
        ("{properties: {a: {pattern: '('}}}", "openAPIV3Schema.a.pattern"),
        ("{required: a}", "openAPIV3Schema.required"),
    ])
    func malformedSchemasAreNamed(schema: String, wanted: String) throws {
        let error = #expect(throws: GatekeeperError.self) { try ParameterSchema(try yaml(schema)) }
        #expect(error?.message.contains(wanted) == true, "\(error?.message ?? "")")
    }

    @Test func absentParametersRequireNothing() throws {
        let schema = try ParameterSchema(try yaml("{type: object, required: [a], properties: {b: {default: 1}}}"))
        let text = "{apiVersion: constraints.gatekeeper.sh/v1beta1, kind: K, metadata: {name: c}}"
        #expect(try Constraint(try yaml(text), schema: schema).parameters.json == "{}")
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Rego
import Testing

@Suite struct SchemaTests {
    @Test(arguments: [
        (
            #"{"a": 1}"#, #"{"properties": {"a": {"type": "integer", "minimum": 1}}, "additionalProperties": false}"#,
            true
        ),
        (#"{"b": 1}"#, #"{"additionalProperties": false}"#, false),
        (#"{"b": 1}"#, #"{"patternProperties": {"^b": {"type": "string"}}}"#, false),
        (#"[1, "a"]"#, #"{"items": [{"type": "number"}, {"type": "string"}], "additionalItems": false}"#, true),
        (#"[1, 2]"#, #"{"uniqueItems": true, "contains": {"const": 2}}"#, true),
        (#"[1, 1.0]"#, #"{"uniqueItems": true}"#, false),
        (#"{"a": 0.3}"#, #"{"properties": {"a": {"multipleOf": 0.1}}}"#, true),
        (#"{"a": 1e300}"#, #"{"properties": {"a": {"maximum": 1e299}}}"#, false),
        (#"{"a": "x"}"#, #"{"properties": {"a": {"enum": ["y", "z"]}}}"#, false),
        (
            ##"{"a": {"a": {"a": 1}}}"##, ##"{"properties": {"a": {"anyOf": [{"$ref": "#"}, {"type": "integer"}]}}}"##,
            true
        ),
        (
            ##"{"a": 1}"##,
            ##"{"properties": {"a": {"$ref": "#/definitions/t"}}, "definitions": {"t": {"type": "string"}}}"##, false
        ),
        (#"{"a": 1}"#, #"{"if": {"required": ["a"]}, "then": {"required": ["b"]}}"#, false),
        (#"{"a": 1}"#, #"{"$schema": "http://json-schema.org/draft-04/schema#", "if": false, "then": false}"#, true),
        (#"{"a": 5}"#, #"{"properties": {"a": {"minimum": 5, "exclusiveMinimum": true}}}"#, false),
        (#"{"t": "2024-02-30"}"#, #"{"properties": {"t": {"format": "date"}}}"#, false),
        (#"{"t": "a@b.io"}"#, #"{"properties": {"t": {"format": "email", "maxLength": 6}}}"#, true),
        (#"{"a": 1, "b": 2}"#, #"{"dependencies": {"a": ["c"]}}"#, false),
        (#"{"aa": 1}"#, #"{"propertyNames": {"maxLength": 1}}"#, false),
        (#"{"a": null}"#, #"{"properties": {"a": {"not": {"type": "null"}}}}"#, false),
        (#"{"a": 1}"#, #"{"oneOf": [{"required": ["a"]}, {"minProperties": 1}]}"#, false),
    ])
    func judges(_ document: String, _ schema: String, _ isValid: Bool) throws {
        #expect(try evaluate("x = json.match_schema(\(document), \(schema))[0]") == "{\"x\":\(isValid)}")
    }

    @Test func saysWhatIsWrong() throws {
        let found = try evaluate(
            #"x = json.match_schema({"a": ["b"]}, {"properties": {"a": {"items": {"type": "integer"}}}})"#)
        let text = "Invalid type. Expected: integer, given: string"
        #expect(
            found
                == #"{"x":[false,[{"desc":"\#(text)","error":"a.0: \#(text)","field":"a.0","type":"invalid_type"}]]}"#)
    }

    @Test(arguments: [
        (#"{"type": "text"}"#, false), (#"{"properties": []}"#, false), (#"{"pattern": "("}"#, false),
        (#"{"$ref": "http://example.com/schema.json"}"#, false), (#"{"$ref": "file:///etc/passwd"}"#, false),
        (##"{"$ref": "#/definitions/none"}"##, false), (##"{"minLength": -1}"##, false),
        (##"{"required": ["a", "a"]}"##, false),
        (##"{"$ref": "#"}"##, true), (##"{"items": {"type": ["string", "null"]}}"##, true), ("`{`", false),
    ])
    func readsSchemas(_ schema: String, _ isValid: Bool) throws {
        #expect(try evaluate("x = json.verify_schema(\(schema))[0]") == "{\"x\":\(isValid)}")
    }

    @Test func endsWhereReferencesGoInCircles() throws {
        #expect(try evaluate(##"x = json.match_schema({}, {"$ref": "#"})"##) == "eval_builtin_error")
        let nested = String(repeating: #"{"not": "#, count: 300) + "{}" + String(repeating: "}", count: 300)
        #expect(try evaluate("x = json.match_schema({}, `\(nested)`)") == "eval_builtin_error")
        let twice = (0..<40).map { index in
            let next = "{\"$ref\": \"#/definitions/t\(index + 1)\"}"
            return "\"t\(index)\": {\"allOf\": [\(next), \(next)]}"
        }
        let wide =
            "{\"definitions\": {\(twice.joined(separator: ",")), \"t40\": {}}, \"allOf\": [{\"$ref\": \"#/definitions/t0\"}]}"
        #expect(
            try ["eval_builtin_error", "eval_limit_error"].contains(evaluate("x = json.match_schema({}, `\(wide)`)")))
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Rego
import Testing

/// What once was wrong.
@Suite struct FaultTests {
    @Test(arguments: [
        ("x = [1e5000 > 1e4999, 1e-5000 > 0, -1e5000 < 1e-6000, 1e6000 == 10e5999]", "[true,true,true,true]"),
        ("x = max([1e9000, 1e9001, 2])", "1e9001"),
        (#"x = strings.replace_n({"": "-"}, "abc")"#, #""-a-b-c-""#),
        (#"x = strings.replace_n({"": "-", "b": "X"}, "abc")"#, #""-a-X-c-""#),
        (#"x = sprintf("%*d|%-*d|", [5, 42, 4, 7])"#, #""   42|7   |""#),
        (#"x = sprintf("%*d", ["a", 42])"#, #""%!(BADWIDTH)42""#),
        (#"x = sprintf("%.*f", [-1, 1.5])"#, #""%!(BADPREC)1.500000""#),
        (#"x = sprintf("%.*f", [1, 1.25])"#, #""1.2""#),
        (#"x = sprintf("%99999999d", [1])"#, #""%!(NOVERB)%!(EXTRA int=1)""#),
        (#"x = sprintf("%", [])"#, #""%!(NOVERB)""#),
        (#"x = time.format([1577836800000000000, "America/New_York", "RFC822"])"#, #""31 Dec 19 19:00 EST""#),
        (#"x = time.format([1593561600000000000, "America/New_York", "RFC822"])"#, #""30 Jun 20 20:00 EDT""#),
        (#"x = time.format([4102444800000000000, "Europe/Berlin", "RFC822"])"#, #""01 Jan 00 01:00 CET""#),
        (#"x = time.parse_ns("RFC1123", "Wed, 01 Jan 2020 00:00:00 GMT+3")"#, "1577826000000000000"),
        (#"x = time.parse_ns("RFC822", "01 Jan 20 00:00 CEST")"#, "1577836800000000000"),
    ])
    func answers(_ query: String, _ value: String) throws {
        #expect(try evaluate(query) == "{\"x\":\(value)}")
    }

    @Test(arguments: [
        #"time.parse_ns("RFC822", "01 Jan 20 00:00 ABCD")"#, #"time.parse_ns("RFC822", "01 Jan 20 00:00 ABCDEF")"#,
    ])
    func refuses(_ call: String) throws {
        #expect(try evaluate("x = \(call)") == "eval_builtin_error")
    }

    /// Many small changes of a large document: each touches only its own path.
    @Test func patchesInPlace() throws {
        let query = """
            doc := {"a": [{"n": i} | some i in numbers.range(1, 20000)]}
            ops := [{"op": "replace", "path": ["a", i, "n"], "value": 0} | some i in numbers.range(0, 4999)]
            x := count([e | some e in json.patch(doc, ops).a; e.n == 0])
            """
        #expect(try evaluate("x = data.m.x", "package m\n" + query) == #"{"x":5000}"#)
        #expect(
            try evaluate(
                #"x = json.patch({"a": [1, {"b": 2}]}, [{"op": "move", "from": "/a/1/b", "path": "/c"}, {"op": "add", "path": "/a/-", "value": 3}, {"op": "copy", "from": "/a", "path": "/d"}, {"op": "remove", "path": "/a/0"}])"#
            )
                == #"{"x":{"a":[{},3],"c":2,"d":[1,{},3]}}"#)
    }
}

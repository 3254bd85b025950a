// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Rego
import Testing

/// What an evaluation keeps to spare work changes no answer.
@Suite struct SharingTests {
    @Test(arguments: [
        // Places of `input` and what is computed from them are those of the `input` in force.
        (
            "p contains n if { some i in [[1], [1, 2]]; n := count(input.a) with input as {\"a\": i} }",
            "data.m.p = x", #"{"x":[1,2]}"#
        ),
        (
            "p contains n if { some i in [[1], [1, 2]]; a := input.a with input as {\"a\": i}; n := count(a) }",
            "data.m.p = x", #"{"x":[1,2]}"#
        ),
        (
            "p contains [n, m] if { n := count(input.a); m := count(input.a) with input.a as [7, 8, 9] }",
            "data.m.p = x", #"{"x":[[2,3]]}"#
        ),
        (
            "f(k) := count(input[k])\np contains [f(\"a\"), n, f(\"a\")] if n := f(\"a\") with input.a as []",
            "data.m.p = x", #"{"x":[[2,0,2]]}"#
        ),
        // A variable that is bound in the scope of another `input`.
        (
            "p contains n if { y = input.a with input as {\"a\": z}; z = input.b[_]; n := count(y) }",
            "data.m.p = x", #"{"x":[1,3]}"#
        ),
        // What stands in for a function is asked each time.
        (
            "f(k) := count(k)\np := [a, b, n, count(input.a)] if { a := f([1]); b := f([1]) with count as 5; n := count(input.a) with count as 6 }",
            "data.m.p = x", #"{"x":[1,5,6,2]}"#
        ),
        (
            "g(_) := 7\nf(k) := upper(k)\np := [f(\"a\"), n, f(\"a\")] if n := f(\"a\") with upper as g",
            "data.m.p = x", #"{"x":["A",7,"A"]}"#
        ),
        (
            "f(_) := y if { x := count(input.a); y := x + 1 }\ng(_) := f(0)\np := v if v := f(0) with count as g",
            "data.m.p = x", #"{"x":4}"#
        ),
        // Equal arguments that are not the same in writing, and those of two functions.
        (
            "f(v) := json.marshal(v)\np := [f(1), f(1.0), f(\"1\"), f(input.n), f(1)]", "data.m.p = x",
            #"{"x":["1","1.0","\"1\"","1","1"]}"#
        ),
        (
            "f(v) := [v]\ng(v) := {v}\np := [f(1), g(1), f(1), g(1), f(null), f(false)]", "data.m.p = x",
            #"{"x":[[1],[1],[1],[1],[null],[false]]}"#
        ),
        ("f(v, w) := [v, w]\np := [f(1, 2), f(2, 1), f(1, 2)]", "data.m.p = x", #"{"x":[[1,2],[2,1],[1,2]]}"#),
        // Undefined is remembered as such.
        (
            "f(v) := v if v > 1\np contains v if { some v in [1, 2, 1]; not f(v) }\nq contains f(v) if some v in [1, 2]",
            "data.m.p = x; data.m.q = y", #"{"x":[1],"y":[2]}"#
        ),
        // Arguments are slots of the function's frame: patterns, constants, one name twice, defaults.
        (
            "f(_, [a, b], a) := [a, b]\np := f(0, [1, 2], 1)\nq if f(0, [1, 2], 3)", "data.m.p = x; not data.m.q",
            #"{"x":[1,2]}"#
        ),
        ("f(\"a\", y) := 1 + y\nf(\"b\", y) := y\np := [f(\"a\", 1), f(\"b\", 1)]", "data.m.p = x", #"{"x":[2,1]}"#),
        ("default f(_) := 9\nf(1) := 2\np := [f(1), f(3)]", "data.m.p = x", #"{"x":[2,9]}"#),
        // Members are gone through in order, however often.
        (
            "p := [k | some k, _ in input.o]\nq := [v | v := input.o[_]]", "data.m.p = x; data.m.q = y",
            #"{"x":["a","b","c"],"y":[3,1,2]}"#
        ),
        ("p := [input.o.a, input.o.c] if { some k; input.o[k] == 2 }", "data.m.p = x", #"{"x":[3,2]}"#),
    ])
    func answers(module: String, query: String, wanted: String) throws {
        let input = #"{"a": [1, 2], "b": [[1], [1, 2, 3]], "n": 1, "o": {"b": 1, "c": 2, "a": 3}}"#
        #expect(try evaluate(query, "package m\n\(module)", input: input) == wanted)
    }

    @Test func aStandInWithOtherArgumentsIsAnError() throws {
        #expect(try evaluate("x = count([1]) with count as startswith").hasSuffix("error"))
    }

    /// What is heard of outside happens as often as it is written.
    @Test func callsThatAreHeardOfAreMade() throws {
        let text = "package m\nf(v) := v if trace(v)\ng(v) := f(v)\np := [g(\"a\"), g(\"a\"), f(\"a\")]"
        let query = try RegoPolicy([ModuleSource(name: "m.rego", text: text)]).prepare("data.m.p")
        let context = BuiltinContext(now: 0)
        #expect(try query.evaluate(input: nil, context: context)?.json == #"["a","a","a"]"#)
        #expect(context.notes == ["a", "a", "a"])
    }

    /// An evaluation takes as many steps each time, whatever it remembers.
    @Test func stepsAreTheSameEachTime() throws {
        let text = """
            package m
            f(v) := concat("-", [v, v])
            p contains [f(a), f(b), f(a)] if { some a, b in {"x": "y", "z": "w", "k": "x"} }
            """
        let query = try RegoPolicy([ModuleSource(name: "m.rego", text: text)]).prepare("data.m.p")
        func isEnough(_ steps: Int) -> Bool {
            (try? query.evaluate(input: nil, context: BuiltinContext(now: 0), limits: EvaluationLimits(steps: steps)))
                != nil
        }
        var (low, high) = (0, 10_000)
        while low < high {
            let middle = (low + high) / 2
            if isEnough(middle) { high = middle } else { low = middle + 1 }
        }
        #expect(low > 20 && low < 1000, "\(low)")
        for _ in 0..<20 {
            #expect(isEnough(low))
            #expect(!isEnough(low - 1))
        }
        for steps in [0, low - 1] {
            let error = #expect(throws: RegoError.self) {
                try query.evaluate(input: nil, context: BuiltinContext(now: 0), limits: EvaluationLimits(steps: steps))
            }
            #expect(error?.message.hasPrefix("more than \(steps) steps") == true)
        }
    }

    /// Objects of a document are sorted as the same values are that were made by rules.
    @Test func objectsOfDocumentsAreSortedLikeOthers() throws {
        var state: UInt64 = 5
        func pick(_ count: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % count
        }
        let scalars = ["1", "1.0", "2", "null", "true", #""a""#, #""b""#, "[1, 2]", "[1]", "{}", #"{"k": 1}"#]
        for _ in 0..<300 {
            let keys = ["a", "b", "c", "d"].prefix(2 + pick(3))
            let objects = (0..<(2 + pick(40))).map { _ in
                var own = keys.map { "\"\($0)\": \(scalars[pick(scalars.count)])" }
                if pick(3) == 0 { own.append("\"\(["A", "z"][pick(2)])\": 1") }
                if pick(4) == 0 { own.removeFirst() }
                if pick(2) == 0 { own.reverse() }
                return "{\(own.joined(separator: ", "))}"
            }
            let list = "[\(objects.joined(separator: ", "))]"
            let fromDocument = try evaluate("x = {y | y = input[_]}", input: list)
            let fromText = try evaluate("x = {y | y = \(list)[_]}")
            // Of equal members either may stay: numbers are written alike here.
            #expect(
                fromDocument.replacing("1.0", with: "1") == fromText.replacing("1.0", with: "1"), "\(list)")
        }
    }

    @Test(arguments: [
        (#"sprintf("%v %s %d", ["a", "b", 3])"#, #""a b 3""#), (#"sprintf("a", [])"#, #""a""#),
        (#"sprintf("%v", [{"b": [1, "x", null], "a": {1, 2}}])"#, #""{\"a\": {1, 2}, \"b\": [1, \"x\", null]}""#),
        (#"sprintf("%v %v", [input.o, input.s])"#, #""{\"z\": [1.50, true], \"é\": \"\\\"\"} x\ny""#),
        (#"sprintf("%5d|%-3s|%%", [7, "a"])"#, #""    7|a  |%""#),
        (#"sprintf("%d", ["a"])"#, #""%!d(string=a)""#), (#"sprintf("%s", [1])"#, #""%!s(int=1)""#),
        (#"sprintf("%v", [])"#, #""%!v(MISSING)""#), (#"sprintf("a", [1])"#, #""a%!(EXTRA int=1)""#),
        (#"sprintf("%v %v %v %v", [1.50, -0.0, 1e30, 12345678901234567890])"#, #""1.5 -0 1e+30 12345678901234567890""#),
        (#"sprintf("%", [1])"#, #""%!(NOVERB)%!(EXTRA int=1)""#),
    ])
    func formats(call: String, wanted: String) throws {
        let input = #"{"o": {"z": [1.50, true], "é": "\""}, "s": "x\ny"}"#
        let document = try JSONReader.read(Array(input.utf8), source: "input")
        let value = try RegoPolicy([]).prepare(call).evaluate(
            input: .node(document.root), context: BuiltinContext(now: 0))
        #expect(value?.json == wanted)
    }
}

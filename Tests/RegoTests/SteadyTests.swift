// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Rego
import Testing

/// What is shared between evaluations, or between rules that begin alike, changes no answer.
@Suite struct SteadyTests {
    private static func node(_ text: String) throws -> Value {
        .node(try JSONReader.read(Array(text.utf8), source: "input").root)
    }

    /// One after the other by one evaluation, each is what it is by itself.
    @Test(arguments: [
        // Through functions and rules, and past them.
        "p contains [x, n] if { some x in all; n := f(x) }\nall contains c if some c in input.review.list\nf(x) := x + input.parameters.n",
        "p contains g(x) if some x in input.review.list\ng(x) := h(x) * 2\nh(x) := x + 1\nq := g(1) + input.parameters.n",
        // By a key that is known at evaluation only, by `input` as a whole, and by a rule above.
        "p contains v if { some k in [\"parameters\"]; v := input[k].n }",
        "p contains v if v := object.get(object.get(input, \"parameters\", {}), \"n\", 0)",
        "p contains data.m.own\nown := input.parameters.n",
        // Calls with collections, which meet by identity, and with three arguments.
        "p contains [k, f(c, k, input.review)] if { some c in input.review.objects; some k in [\"a\", \"b\"] }\nf(c, k, r) := [c[k], r.name, count(r.list)]",
        "p contains n if { some c in input.review.objects; f(c); n := c.a }\nf(c) if c.a == input.parameters.n\nf(c) if c.a == 3",
        "f(v) := count(v)\np contains [f([1, 2]), f([1]), f({\"a\": 1}), f({1, 2, 3}), f(input.parameters.list), f(input.review.list)]",
        // Answers of functions of the language.
        "p contains n if { a := input.review.list; b := input.parameters.list; n := [count(a), count(b), concat(\"\", [\"x\"])] }",
        // Another `input` in force.
        "p contains [a, b] if { a := f(1); b := f(1) with input.parameters as {\"n\": 9} }\nf(x) := x + input.parameters.n",
        "p contains [a, b] if { a := f(1) with input.review.list as [1]; b := f(1) }\nf(x) := x + count(input.review.list) + input.parameters.n - input.parameters.n",
        // What answers differently each time is asked each time.
        "p contains x if { print(\"heard\"); x := input.review.name }",
        // Paths with variables.
        "v[x].n := y if { some x in [\"a\", \"b\"]; y := input.parameters.n }\np contains v.a.n\np contains w.a\nw[x] := 1 if some x in [\"a\"]",
    ])
    func rounds(module: String) throws {
        let policy = try RegoPolicy([ModuleSource(name: "m.rego", text: "package m\n" + module)])
        let query = try policy.prepare("data.m.p")
        let review = try Self.node(
            #"{"name": "x", "list": [1, 2, 3], "objects": [{"a": 1, "b": 2}, {"a": 3}, {"a": 1, "b": 2}]}"#)
        let shared = SteadyEvaluation(
            SteadyQuery(query, changing: "parameters"), data: .emptyObject, context: { BuiltinContext(now: 0) })
        for round in [1, 2, 2, 7, 1] {
            let parameters = try Self.node("{\"n\": \(round), \"list\": [\(round)]}")
            let input = Value.object(
                ObjectValue([(.string("parameters"), parameters), (.string("review"), review)]))
            let wanted = try query.evaluate(input: input, context: BuiltinContext(now: 0))
            #expect(try shared.evaluate(input: input)?.json == wanted?.json, "round \(round)")
            #expect(wanted?.setMembers?.isEmpty == false || module.contains("f(c)"))
        }
    }

    /// An evaluation that ended in an error leaves nothing behind, and each has the whole of the limits.
    @Test func errors() throws {
        let module = """
            package m
            p contains x if { x := one }
            one := input.parameters.a
            one := input.parameters.b
            """
        let query = try RegoPolicy([ModuleSource(name: "m.rego", text: module)]).prepare("data.m.p")
        let shared = SteadyEvaluation(
            SteadyQuery(query, changing: "parameters"), data: .emptyObject, context: { BuiltinContext(now: 0) },
            limits: EvaluationLimits(steps: 20))
        for (text, wanted) in [
            (#"{"a": 1, "b": 1}"#, "[1]"), (#"{"a": 1, "b": 2}"#, nil), (#"{"a": 1, "b": 2}"#, nil),
            (#"{"a": 3, "b": 3}"#, "[3]"), (#"{"a": 4}"#, "[4]"), (#"{"a": 5}"#, "[5]"), (#"{}"#, "[]"),
        ] {
            let input = Value.object(ObjectValue([(.string("parameters"), try Self.node(text))]))
            do {
                #expect(try shared.evaluate(input: input)?.json == wanted)
            } catch {
                #expect(wanted == nil && error.code == .evalConflict, "\(error)")
            }
        }
    }

    /// Rules of a set that begin with the same lines.
    @Test(arguments: [
        (
            "p contains [k, \"big\"] if { some k, v in input.o; v > 1; v > 2 }\np contains [k, \"two\"] if { some k, v in input.o; v > 1; v == 2 }\np contains [k, \"odd\"] if { some k, v in input.o; v > 1; w := v % 2; w == 1 }",
            #"[["b","two"],["c","big"],["c","odd"]]"#
        ),
        // The same lines with other variables after them, and a variable that only one of them binds.
        (
            "p contains x if { v := input.o[k]; x := k }\np contains x if { v := input.o[k]; y := v * 10; x := y }\np contains [v, z] if { v := input.o[k]; z = input.o.a }",
            #"[10,20,30,"a","b","c",[1,1],[2,1],[3,1]]"#
        ),
        // What begins alike but cannot be looked at yet.
        (
            "p contains k if { input.o[k] == n; n = 2 }\np contains k if { input.o[k] == n; n = 3 }", #"["b","c"]"#
        ),
        // Closures, `else`-like values and negations.
        (
            "p contains c if { c := count([x | some x in input.o]); c > 1 }\np contains [c] if { c := count([x | some x in input.o]); c > 2 }\np contains 0 if { not input.none; input.o.a == 1 }\np contains 1 if { not input.none; input.o.a == 2 }",
            "[0,3,[3]]"
        ),
        (
            "p contains 1 if { input.o.a == 1.0 }\np contains 2 if { input.o.a == 1 }\np contains 3 if { input.o.a == \"1\" }",
            "[1,2]"
        ),
    ])
    func merged(module: String, wanted: String) throws {
        #expect(
            try evaluate("data.m.p = x", "package m\n\(module)", input: #"{"o": {"a": 1, "b": 2, "c": 3}}"#)
                == "{\"x\":\(wanted)}")
    }
}

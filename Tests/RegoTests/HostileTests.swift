// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import Rego
import Testing

/// Texts of words in any order end in an answer or an error, never in a crash, and in bounded time.
@Suite struct HostileTests {
    private static let words = [
        "package m\n", "import rego.v1\n", "import data.a as b\n", "p", "q", "x", "y", "input", "data", "data.m",
        " := ", " = ",
        " == ", "(", ")", "[", "]", "{", "}", "\n", ";", ",", ".", ".a", "|", "&", " - ", " + ", "1", "\"s\"", "`r`",
        "$\"{x}\"",
        " if ", " contains ", " in ", "some ", "every ", "not ", " with input as ", "default ", " else ", "_", "f(x)",
        "count(", "{1}",
        "[x | ", "{x: ", "true", "null", "walk(", "0.5", "-1", "# METADATA\n# title: a\n", "\u{0}", "é",
    ]

    @Test(arguments: [RegoVersion.v0, .v1])
    func modules(version: RegoVersion) throws {
        let seconds = Double(ProcessInfo.processInfo.environment["BULWARK_FUZZ_SECONDS"] ?? "") ?? 2
        let deadline = ContinuousClock.now + .milliseconds(Int(seconds * 1000))
        var state: UInt64 = version == .v0 ? 7 : 11
        var read = 0
        while ContinuousClock.now < deadline {
            var text = "package m\n"
            for _ in 0..<24 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                text += Self.words[Int(state >> 33) % Self.words.count]
            }
            read += 1
            guard let policy = try? RegoPolicy([ModuleSource(name: "m", text: text)], version: version) else {
                continue
            }
            let query = try policy.prepare("data.m = x", version: version)
            let limits = EvaluationLimits(steps: 50_000, memory: 1 << 20, time: .seconds(2))
            _ = try? query.results(input: .emptyObject, context: BuiltinContext(now: 0), limits: limits)
        }
        #expect(read > 50)
    }

    /// Valid rules put together at random, so that compiler and evaluator are reached more often.
    @Test func rules() throws {
        let heads = ["t contains x", "u[x] := y", "g(x) := y", "v := x", "w.a[x] := y", "h([x, y])"]
        let lines = [
            "x := 1", "y := x", "some x in [1, 2]", "some x, y in {\"a\": 1}", "x = y", "[x, y] = [y, 1]", "not q[1]",
            "f(x) = y",
            "y := f(1)", "x := [z | some z in q]", "every z in q { z > 0 }", "y := count(q)", "x = r[y]",
            "y := p with input as 1",
            "y := {z: 1 | z := 1}", "x := $\"{y}\"", "x := input.a[y]", "x == y", "r[x] = y",
        ]
        let known = "q contains z if some z in [1, 2]\nr[k] := 1 if some k in q\nf(a) := b if b := a + 1\np := input\n"
        var state: UInt64 = 3
        func pick(_ words: [String]) -> String {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return words[Int(state >> 33) % words.count]
        }
        var compiled = 0
        for _ in 0..<3000 {
            var text = "package m\n" + known
            for _ in 0..<2 {
                text += pick(heads) + " if {\n" + (0..<4).map { _ in pick(lines) + "\n" }.joined() + "}\n"
            }
            guard let policy = try? RegoPolicy([ModuleSource(name: "m", text: text)]) else { continue }
            compiled += 1
            let query = try policy.prepare("data.m = x")
            let limits = EvaluationLimits(steps: 50_000, memory: 1 << 20, time: .seconds(2))
            _ = try? query.results(input: .emptyObject, context: BuiltinContext(now: 0), limits: limits)
        }
        #expect(compiled > 20, "\(compiled)")
    }
}

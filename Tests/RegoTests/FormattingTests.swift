// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Rego
import Testing

private func format(_ text: String, _ version: RegoVersion = .v1, rewriting: Bool = false) throws -> String {
    try RegoFormatter.format(ModuleSource(name: "p.rego", text: text), version: version, rewriting: rewriting)
}

@Suite struct FormattingTests {
    @Test(
        arguments: [
            ("package a\nx=1", "package a\n\nx := 1\n"),
            (
                "package   a\nimport data.b\nimport data.a as z\n\nimport input.q\np if{input.x}",
                "package a\n\nimport data.a as z\nimport data.b\n\nimport input.q\n\np if input.x\n"
            ),
            ("package a\np if { input.x;input.y==-1 }", "package a\n\np if {\n\tinput.x\n\tinput.y == -1\n}\n"),
            (
                "package a\np contains x if {\n\n\n  some i,x in input.xs # why\n  # alone\n\n\n\n  x>1 }",
                "package a\n\np contains x if {\n\tsome i, x in input.xs # why\n\t# alone\n\n\tx > 1\n}\n"
            ),
            (
                "package a\ny := {\"a\":1,\n \"b\":[1,\n2]}",
                "package a\n\ny := {\n\t\"a\": 1,\n\t\"b\": [\n\t\t1,\n\t\t2,\n\t],\n}\n"
            ),
            ("package a\nf(x)=1 if {x} else=2 if {not x}", "package a\n\nf(x) := 1 if x\n\nelse := 2 if not x\n"),
            (
                "package a\np if {\n every k , v in { \"a\":1 } { k!=v }\n}",
                "package a\n\np if {\n\tevery k, v in {\"a\": 1} {\n\t\tk != v\n\t}\n}\n"
            ),
            (
                "package a\nz := {k:v |\n some k,v in input.o ; v>1 }",
                "package a\n\nz := {k: v |\n\tsome k, v in input.o\n\tv > 1\n}\n"
            ),
            (
                "# top\npackage a\n# one\na := 1\nb := 2\n\n\nc := `\n  raw`\n# end",
                "# top\npackage a\n\n# one\na := 1\nb := 2\n\nc := `\n  raw`\n\n# end\n"
            ),
            ("package a\np if {x|some x in input.y}==set()", "package a\n\np if {x | some x in input.y} == set()\n"),
            ("package a\nin.foo(x):=x if x . y [ 0 ]", nil),
            ("package a\nfoo.in(x) := x[ 0 ].y", "package a\n\nfoo.in(x) := x[0].y\n"),
        ] as [(String, String?)])
    func laysOut(_ source: String, _ wanted: String?) throws {
        guard let wanted else {
            #expect(throws: RegoErrors.self) { try format(source) }
            return
        }
        #expect(try format(source) == wanted)
        #expect(try format(wanted) == wanted)
    }

    @Test func keepsWhatV0Says() throws {
        #expect(
            try format("package a\np[x] { x=input.y } { x=1 }\ndefault q = 1\nq = 2 { true } else = 3 { false }", .v0)
                == "package a\n\np[x] {\n\tx = input.y\n} {\n\tx = 1\n}\n\ndefault q = 1\n\nq = 2 {\n\ttrue\n} else = 3 {\n\tfalse\n}\n"
        )
    }

    @Test func rewritesV0() throws {
        let text = try format(
            "package a\nimport future.keywords.in\np[x] { x = input.y } { x = 1 }\nq = 2 { input.z } else = 3 { false }\nr[k] = 1 { k = \"a\" }",
            .v0, rewriting: true)
        #expect(
            text == """
                package a

                import rego.v1

                p contains x if x = input.y

                p contains x if x = 1

                q := 2 if input.z

                else := 3 if false

                r[k] := 1 if k = "a"

                """)
        _ = try RegoPolicy([ModuleSource(name: "p", text: text)], version: .v1)
    }

    @Test func saysWhatCannotBeRead() {
        #expect(throws: RegoErrors.self) { try format("package a\np if {") }
    }
}

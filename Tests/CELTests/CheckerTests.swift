// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Testing

@testable import CEL

@Suite struct CheckerTests {
    private var environment: CELEnvironment {
        var environment = CELEnvironment(isHomogeneous: true)
        environment.declare("object", .dyn)
        environment.declare("n", .int)
        environment.declare("names", .list(.string))
        environment.declare("labels", .map(.string, .string))
        environment.declare("request", .object("Request"))
        environment.declare("variables.count", .int)
        environment.objects["Request"] = ["name": .string, "dryRun": .bool]
        return environment
    }

    @Test(arguments: [
        ("n + 1", "int"), ("object.a.b", "dyn"), ("names[0]", "string"), ("labels.x", "string"),
        ("names.map(x, size(x))", "list(int)"), ("labels.filter(k, k != 'a')", "list(string)"),
        ("names.exists(x, x == 'a') && n > 1", "bool"), ("request.name", "string"), ("has(request.dryRun)", "bool"),
        ("variables.count * 2", "int"), ("true ? [1] : []", "list(int)"), ("[]", "list(dyn)"),
        ("{'a': 1}", "map(string, int)"),
        ("optional.of(n)", "optional_type(int)"), ("labels[?'x'].orValue('')", "string"),
        ("object.?a.orValue(1)", "dyn"), ("labels.transformMap(k, v, size(v))", "map(string, int)"),
        ("names.transformList(i, v, i)", "list(int)"), ("cel.bind(x, n, x > 1)", "bool"), ("type(n)", "type(int)"),
        ("quantity('1').add(quantity('2'))", "kubernetes.Quantity"), ("math.greatest(1, 2.0)", "dyn"),
        ("format.named('uuid').value().validate('x').hasValue()", "bool"),
        ("names.first().optMap(x, size(x))", "optional_type(int)"),
        ("timestamp('2024-01-01T00:00:00Z') - timestamp('2023-01-01T00:00:00Z')", "google.protobuf.Duration"),
        ("n == object.x", "bool"), ("int", "type(int)"),
    ])
    func types(text: String, wanted: String) throws {
        #expect(try CELProgram.type(of: text, in: environment).name == wanted)
    }

    @Test(arguments: [
        ("n + 'a'", "1:3: found no matching overload for '_+_' applied to '(int, string)'"),
        ("unknown == 1", "1:1: undeclared reference to 'unknown' (in container '')"),
        ("request.nme", "1:9: undefined field 'nme'"),
        ("n.size()", "1:3: found no matching overload for 'size' applied to 'int.()'"),
        ("nothing(1)", "1:1: undeclared reference to 'nothing' (in container '')"),
        ("n && true", "1:1: expected type 'bool' but found 'int'"),
        (
            "n.all(x, true)",
            "expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)"
        ),
        ("[1, 'a']", "1:5: expected type 'int' but found 'string'"),
        ("n.a", "type 'int' does not support field selection"), ("{[1]: 2}", "1:2: unsupported key type: list(int)"),
        ("names['a']", "found no matching overload for '_[_]' applied to '(list(string), string)'"),
        ("n == 'a'", "found no matching overload for '_==_' applied to '(int, string)'"),
        ("names.exists(x, x > 1)", "found no matching overload for '_>_' applied to '(string, int)'"),
        ("true ? 1 : 'a'", "found no matching overload for '?:' applied to '(bool, int, string)'"),
        ("variables.missing > 1", "undeclared reference to 'variables'"),
        // All at once, with their lines.
        (
            "n + 'a' == 1 &&\n  missing > 2",
            "1:3: found no matching overload for '_+_' applied to '(int, string)'; 2:3: undeclared reference to 'missing' (in container '')"
        ),
    ])
    func errors(text: String, wanted: String) {
        let error = #expect(throws: CELError.self) { try CELProgram(text, in: environment) }
        #expect(error?.code == .check)
        #expect(error?.description.contains(wanted) == true, "\(error.map { "\($0)" } ?? "")")
    }

    @Test func whatItGivesIsAsked() throws {
        _ = try CELProgram("n > 1", in: environment, giving: [.bool])
        _ = try CELProgram("object.a", in: environment, giving: [.bool])
        let error = #expect(throws: CELError.self) { try CELProgram("n", in: environment, giving: [.bool, .string]) }
        #expect(error?.message == "must evaluate to bool or string, but gives int")
    }

    @Test func everyFunctionIsDeclaredAndThere() {
        #expect(CELDeclarations.unread.isEmpty)
        // Done by steps of their own.
        let inPlace: Set = [
            "!_", "_==_", "_!=_", "_in_", "?_:_", "or", "orValue", "contains", "startsWith", "endsWith",
        ]
        let (functions, methods) = CELFunctions.known
        let known = Set(functions + methods).union(inPlace)
        let declared = Set(CELDeclarations.names)
        #expect(declared.subtracting(known).isEmpty, "\(declared.subtracting(known).sorted())")
        #expect(known.subtracting(declared).isEmpty, "\(known.subtracting(declared).sorted())")
    }

    @Test func expressionsWithManyErrorsEnd() {
        let text = Array(repeating: "missing", count: 500).joined(separator: " + ")
        let error = #expect(throws: CELError.self) { try CELProgram(text, in: environment) }
        #expect((error?.others.count ?? 0) + 1 == CELChecker.maxErrors)
    }

    /// Whatever stands in an expression ends in a type or an error, soon.
    @Test func wordsInAnyOrder() {
        let words = [
            "n", "object", "names", "labels", "1", "1.5", "'s'", "(", ")", "[", "]", "{", "}", ".", ",", ":", "?", "+",
            "!", "&&", "==", "in", "has(", ".map(x,", ".all(x,", "size(", ".?b", "[?0]", "null", "cel.bind(x,", "x",
            "request.", "optional.of(", ".orValue(", ".filter(x,",
        ]
        var state: UInt64 = 7
        for _ in 0..<20_000 {
            var text = ""
            for _ in 0..<12 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                text += words[Int(state >> 33) % words.count]
            }
            do throws(CELError) { _ = try CELProgram(text, in: environment) } catch {
                #expect(!error.message.isEmpty)
            }
        }
    }

    @Test(arguments: [
        String(repeating: "cel.bind(a, {a: a}, ", count: 60) + "a" + String(repeating: ")", count: 60),
        "[]" + String(repeating: ".map(x, [x])", count: 900),
        Array(repeating: "[]", count: 1900).joined(separator: " + "),
        String(repeating: "[", count: 190) + String(repeating: "]", count: 190),
        "names" + String(repeating: ".map(x, {x: x})", count: 300),
    ])
    func typesStaySmall(text: String) {
        let clock = ContinuousClock()
        let time = clock.measure {
            #expect(throws: CELError.self) { try CELProgram(text, in: environment, giving: [.bool]) }
        }
        #expect(time < .seconds(30))
    }
}

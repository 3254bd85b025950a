// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Testing

@testable import PodSecurity

/// The language of declarative checks: every comparison on what is there, absent, null and of another type.
@Suite struct ConditionTests {
    private static func node(_ yaml: String) throws -> Node {
        var reader = YAMLReader(Array(yaml.utf8), source: "test.yaml")
        return try #require(try reader.next()?.get()).root
    }

    /// The path where the condition holds, `no`, or `error PATH`.
    private func answer(_ condition: String, _ object: String, pod: String? = nil) throws -> String {
        let condition = try JudgeDecoding.condition(try Self.node(condition), "test")
        let (object, pod) = (try Self.node(object), try pod.map { try Self.node($0) })
        do throws(UnreadableField) {
            guard let match = try condition.match(object, pod: pod) else { return "no" }
            if case .pod(let path) = match.path { return "pod \(path)" }
            return match.path.text
        } catch {
            return "error \(error.path)"
        }
    }

    @Test(arguments: [
        // Booleans: absent and null differ from every value, and a text is no boolean.
        ("{path: a, is: true}", "{a: true}", "a"), ("{path: a, is: true}", "{a: false}", "no"),
        ("{path: a, is: true}", "{}", "no"), ("{path: a, is: true}", "{a: null}", "no"),
        ("{path: a, is: true}", "{a: 'true'}", "error a"), ("{path: a, is: true}", "{a: 1}", "error a"),
        ("{path: a, is: true}", "{a: [true]}", "error a"),
        ("{path: a, is-not: true}", "{a: true}", "no"), ("{path: a, is-not: true}", "{a: false}", "a"),
        ("{path: a, is-not: true}", "{}", "a"), ("{path: a, is-not: true}", "{a: null}", "a"),
        ("{path: a, is-not: true}", "{a: 'true'}", "error a"),
        // Texts.
        ("{path: a, is: x}", "{a: x}", "a"), ("{path: a, is: x}", "{a: X}", "no"), ("{path: a, is: x}", "{}", "no"),
        ("{path: a, is: x}", "{a: 1}", "error a"), ("{path: a, is-not: x}", "{a: x}", "no"),
        ("{path: a, is-not: x}", "{a: z}", "a"), ("{path: a, is-not: x}", "{}", "a"),
        ("{path: a, is-not: x}", "{a: {}}", "error a"),
        ("{path: a, in: [x, w]}", "{a: w}", "a"), ("{path: a, in: [x, w]}", "{a: z}", "no"),
        ("{path: a, in: [x, w]}", "{}", "no"), ("{path: a, in: [x, w]}", "{a: null}", "no"),
        ("{path: a, in: [x, w]}", "{a: true}", "error a"),
        ("{path: a, not-in: [x, w]}", "{a: z}", "a"), ("{path: a, not-in: [x, w]}", "{a: x}", "no"),
        ("{path: a, not-in: [x, w]}", "{}", "no"), ("{path: a, not-in: [x, w]}", "{a: [x]}", "error a"),
        ("{path: a, prefix: ab}", "{a: abc}", "a"), ("{path: a, prefix: ab}", "{a: a}", "no"),
        ("{path: a, prefix: ab}", "{}", "no"), ("{path: a, prefix: ab}", "{a: 1}", "error a"),
        // Numbers: whole ones, and no text that looks like one.
        ("{path: a, is: 0}", "{a: 0}", "a"), ("{path: a, is: 0}", "{a: 1}", "no"), ("{path: a, is: 0}", "{}", "no"),
        ("{path: a, is: 0}", "{a: '0'}", "error a"), ("{path: a, is: 0}", "{a: 0.5}", "error a"),
        ("{path: a, is-not: 0}", "{}", "a"), ("{path: a, is-not: 0}", "{a: 0}", "no"),
        ("{path: a, above: 0}", "{a: 1}", "a"), ("{path: a, above: 0}", "{a: 0}", "no"),
        ("{path: a, above: 0}", "{}", "no"), ("{path: a, above: 0}", "{a: '9'}", "error a"),
        ("{path: a, above: 0}", "{a: 99999999999999999999}", "error a"),
        ("{path: a, below: 10}", "{a: 9}", "a"), ("{path: a, below: 10}", "{a: 10}", "no"),
        ("{path: a, below: 10}", "{}", "no"), ("{path: a, below: 10}", "{a: true}", "error a"),
        // Presence asks for no type.
        ("{path: a, absent: true}", "{}", "a"), ("{path: a, absent: true}", "{a: null}", "a"),
        ("{path: a, absent: true}", "{a: 0}", "no"), ("{path: a, present: true}", "{a: ''}", "a"),
        ("{path: a, absent: list}", "{}", "a"), ("{path: a, absent: list}", "{a: []}", "no"),
        ("{path: a, absent: list}", "{a: {}}", "error a"), ("{path: a, absent: string}", "{a: 7}", "error a"),
        ("{path: a, absent: object}", "{a: true}", "error a"), ("{path: a, absent: quantity}", "{a: 250m}", "no"),
        ("{path: a, absent: quantity}", "{a: 2}", "no"), ("{path: a, absent: quantity}", "{a: ''}", "error a"),
        ("{path: a, absent: quantity}", "{a: many}", "error a"), ("{path: a, absent: quantity}", "{a: {}}", "error a"),
        ("{path: a, present: true}", "{a: null}", "no"), ("{path: a, present: true}", "{}", "no"),
    ]) func comparisons(_ condition: String, _ object: String, _ expected: String) throws {
        #expect(try answer(condition, object) == expected, "\(condition) on \(object)")
    }

    @Test(arguments: [
        ("{path: a.b, is: x}", "{a: {b: x}}", "a.b"), ("{path: a.b, is-not: x}", "{}", "a.b"),
        ("{path: a.b, is-not: x}", "{a: null}", "a.b"), ("{path: a.b, is: x}", "{a: x}", "error a"),
        ("{path: a.b, absent: true}", "{a: [b]}", "error a"), ("{path: a.b, absent: true}", "x", "error "),
        ("{path: 'a[].b', is: x}", "{a: [{b: z}, {b: x}, {b: x}]}", "a[1].b"),
        ("{path: 'a[].b', is: x}", "{a: []}", "no"), ("{path: 'a[].b', is: x}", "{}", "no"),
        // No element, nothing that could lack the field.
        ("{path: 'a[].b', absent: true}", "{}", "no"), ("{path: 'a[].b', absent: true}", "{a: []}", "no"),
        ("{path: 'a[].b', absent: true}", "{a: [{b: 1}, {}]}", "a[1].b"),
        ("{path: 'a[].b', is-not: x}", "{a: [{b: x}, {c: x}]}", "a[1].b"),
        ("{path: 'a[].b', is: x}", "{a: {b: x}}", "error a[].b"), ("{path: 'a[].b', is: x}", "{a: x}", "error a[].b"),
        ("{path: 'a[].b', is: x}", "{a: [x]}", "error a[]"),
        ("{path: 'a[].b[].c', is: x}", "{a: [{b: [{c: z}]}, {b: [{c: z}, {c: x}]}]}", "a[1].b[1].c"),
        ("{path: 'a[k.io/n].c', is: x}", "{a: {k.io/n: {c: x}}}", "a[k.io/n].c"),
    ]) func paths(_ condition: String, _ object: String, _ expected: String) throws {
        #expect(try answer(condition, object) == expected, "\(condition) on \(object)")
    }

    @Test(arguments: [
        ("{any: [{path: a, is: x}, {path: b, is: x}]}", "{b: x}", "b"),
        ("{any: [{path: a, is: x}, {path: b, is: x}]}", "{}", "no"),
        ("{any: [{path: a, is: x}, {path: b, is: x}]}", "{a: 1, b: x}", "error a"),
        ("{all: [{path: a, is: x}, {path: b, is: x}]}", "{a: x, b: x}", "a"),
        ("{all: [{path: a, is: x}, {path: b, is: x}]}", "{a: x}", "no"),
        ("{all: [{path: a, is: z}, {path: b, is: x}]}", "{a: x, b: 1}", "no"),
        // Evidence is what is there, before what is not.
        ("{all: [{path: a, absent: true}, {path: b, is: x}]}", "{b: x}", "b"),
        ("{all: [{any: [{path: a, is: x}, {path: b, is: x}]}, {path: c, absent: true}]}", "{b: x}", "b"),
        ("{any: []}", "{a: x}", "no"),
    ]) func combinations(_ condition: String, _ object: String, _ expected: String) throws {
        #expect(try answer(condition, object) == expected, "\(condition) on \(object)")
    }

    /// A container's own setting goes before the pod's, null counts as unset, and a wrong type on either is an error.
    @Test(arguments: [
        ("{}", "{s: {a: true}}", "pod s.a"), ("{s: {a: false}}", "{s: {a: true}}", "no"),
        ("{s: {a: true}}", "{s: {a: false}}", "s.a"), ("{s: {a: null}}", "{s: {a: true}}", "pod s.a"),
        ("{s: {}}", "{s: {a: false}}", "no"), ("{}", "{}", "no"), ("{s: x}", "{s: {a: true}}", "error s"),
        ("{}", "{s: x}", "error s"), ("{}", "{s: {a: x}}", "error s.a"),
    ]) func inheritance(_ container: String, _ pod: String, _ expected: String) throws {
        #expect(try answer("{path: s.a, is: true, inherit: true}", container, pod: pod) == expected)
    }

    @Test(arguments: [
        "{path: a}", "{is: true}", "{path: a, is: [x]}", "{path: a, above: x}", "{any: [{path: a}]}", "{}", "x",
    ]) func malformedConditionsAreRefused(_ text: String) throws {
        let node = try Self.node(text)
        #expect(throws: InspectionError.self) { try JudgeDecoding.condition(node, "test") }
    }
}

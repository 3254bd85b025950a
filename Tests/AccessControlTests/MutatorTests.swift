// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AccessControl
import Documents
import Rego
import Testing

@Suite struct MutatorTests {
    private static let pod = """
        {apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop, labels: {app: web}}, spec: {containers: [
        {name: main, image: 'nginx:1', args: [a, b]}, {name: side, image: 'r.example.com/x/side@sha256:1'}]}}
        """

    private static func mutator(_ kind: String, _ spec: String, name: String = "m", applies: Bool = true) -> String {
        let bindings = applies ? "applyTo: [{groups: [''], versions: [v1], kinds: [Pod]}], " : ""
        return
            "{apiVersion: mutations.gatekeeper.sh/v1, kind: \(kind), metadata: {name: \(name)}, spec: {\(bindings)\(spec)}}"
    }

    private static func mutated(_ mutators: [String], operation: String = "") throws -> Value? {
        var set = MutatorSet()
        for mutator in mutators { try set.add(try yaml(mutator)) }
        let request = MutationRequest(group: "", version: "v1", kind: "Pod", operation: operation, namespace: nil)
        return try set.mutated(try yaml(pod), in: request).map { .node($0.object) }
    }

    private static func json(_ text: String) throws -> String { Value.node(try yaml(text)).json }

    @Test(arguments: [
        ("location: spec.hostNetwork, parameters: {assign: {value: false}}", "spec.hostNetwork", "false"),
        ("location: 'spec.a.\"b.c\".d', parameters: {assign: {value: {e: 1}}}", "spec.a", "{b.c: {d: {e: 1}}}"),
        (
            "location: 'spec.containers[name: main].tty', parameters: {assign: {value: true}}", "spec.containers.0.tty",
            "true"
        ),
        (
            "location: 'spec.containers[name: *].tty', parameters: {assign: {value: true}}", "spec.containers.1.tty",
            "true"
        ),
        (
            "location: 'spec.containers[name: new].tty', parameters: {assign: {value: 1}}", "spec.containers.2",
            "{name: new, tty: 1}"
        ),
        (
            "location: 'spec.containers[name: side]', parameters: {assign: {value: {name: side}}}", "spec.containers.1",
            "{name: side}"
        ),
        ("location: 'spec.ports[port: 80]', parameters: {assign: {value: {port: 80}}}", "spec.ports", "[{port: 80}]"),
        ("location: spec.owner, parameters: {assign: {fromMetadata: {field: name}}}", "spec.owner", "web"),
        (
            "location: spec.owner, parameters: {assign: {value: null}}", "spec",
            "{owner: null, containers: [{name: main, image: 'nginx:1', args: [a, b]}, {name: side, image: 'r.example.com/x/side@sha256:1'}]}"
        ),
    ])
    func assigns(spec: String, place: String, wanted: String) throws {
        let object = try #require(try Self.mutated([Self.mutator("Assign", spec)]))
        #expect(Self.value(object, place)?.json == (try Self.json(wanted)))
    }

    @Test(arguments: [
        "location: spec.x.y, parameters: {assign: {value: 1}, pathTests: [{subPath: spec.x, condition: MustExist}]}",
        "location: spec.containers, parameters: {assign: {value: []}, pathTests: [{subPath: spec.containers, condition: MustNotExist}]}",
        "location: 'spec.containers[name: new].x', parameters: {assign: {value: 1}, pathTests: [{subPath: 'spec.containers[name: new]', condition: MustExist}]}",
        "location: 'spec.containers[name: *].x', parameters: {assign: {value: 1}, pathTests: [{subPath: 'spec.containers[name: *]', condition: MustNotExist}]}",
        "location: 'spec.containers[name: main].image', parameters: {assign: {value: 'nginx:1'}}",
        "match: {namespaces: [other]}, location: spec.x, parameters: {assign: {value: 1}}",
        "match: {source: Generated}, location: spec.x, parameters: {assign: {value: 1}}",
    ])
    func leavesAlone(spec: String) throws {
        #expect(try Self.mutated([Self.mutator("Assign", spec)]) == nil)
    }

    @Test(arguments: [("CREATE", true), ("UPDATE", false), ("", true)])
    func operationsCountWhereThereIsOne(operation: String, wanted: Bool) throws {
        let text = Self.mutator(
            "Assign",
            "applyTo: [{groups: [''], versions: [v1], kinds: [Pod], operations: [CREATE]}], location: spec.x, parameters: {assign: {value: 1}}",
            applies: false)
        #expect((try Self.mutated([text], operation: operation) != nil) == wanted)
    }

    @Test(arguments: [
        ("metadata.labels.team", "sales", "metadata.labels.team", "sales"),
        ("metadata.annotations.\"a/b\"", "x", "metadata.annotations", "{a/b: x}"),
        ("metadata.labels.app", "other", "metadata.labels.app", "web"),
    ])
    func metadataIsAddedNeverChanged(location: String, value: String, place: String, wanted: String) throws {
        let text = Self.mutator(
            "AssignMetadata", "location: '\(location)', parameters: {assign: {value: \(value)}}", applies: false)
        let object = try Self.mutated([text]) ?? Value.node(try yaml(Self.pod))
        #expect(Self.value(object, place)?.json == (try Self.json(wanted)))
    }

    @Test(arguments: [
        ("operation: merge, values: {fromList: [b, c]}", "[a, b, c]"), ("values: {fromList: [c]}", "[a, b, c]"),
        ("operation: prune, values: {fromList: [a, z]}", "[b]"),
    ])
    func setsAreMergedAndPruned(parameters: String, wanted: String) throws {
        let text = Self.mutator(
            "ModifySet", "location: 'spec.containers[name: main].args', parameters: {\(parameters)}")
        let object = try #require(try Self.mutated([text]))
        #expect(Self.value(object, "spec.containers.0.args")?.json == (try Self.json(wanted)))
    }

    @Test func pruningWhatIsAbsentAddsNothing() throws {
        let spec =
            "location: 'spec.containers[name: side].args', parameters: {operation: prune, values: {fromList: [a]}}"
        #expect(try Self.mutated([Self.mutator("ModifySet", spec)]) == nil)
    }

    @Test(arguments: [
        ("assignDomain: r.example.com", 0, "r.example.com/nginx:1"), ("assignTag: ':2'", 0, "nginx:2"),
        ("assignDomain: localhost:5000", 1, "localhost:5000/x/side@sha256:1"),
        ("assignPath: y/z", 1, "r.example.com/y/z@sha256:1"),
        ("assignTag: '@sha256:0123456789abcdef0123456789abcdef'", 0, "nginx@sha256:0123456789abcdef0123456789abcdef"),
    ])
    func imagesChangeInParts(parameters: String, container: Int, wanted: String) throws {
        let text = Self.mutator(
            "AssignImage", "location: 'spec.containers[name: *].image', parameters: {\(parameters)}")
        let object = try #require(try Self.mutated([text]))
        #expect(Self.value(object, "spec.containers.\(container).image")?.text == wanted)
    }

    @Test(arguments: [
        ("Assign", "location: metadata.labels.x, parameters: {assign: {value: a}}", "cannot change metadata"),
        ("Assign", "location: spec., parameters: {assign: {value: a}}", "spec.location: expected the name of a field"),
        ("Assign", "location: 'spec.a[b]', parameters: {assign: {value: a}}", "expected :"),
        ("Assign", "location: 'spec.a[b: \"c]', parameters: {assign: {value: a}}", "a quote that ends"),
        ("Assign", "location: spec.a, parameters: {assign: {}}", "must have one of value"),
        (
            "Assign", "location: spec.a, parameters: {assign: {value: 1, fromMetadata: {field: name}}}",
            "must have one of value"
        ),
        (
            "Assign", "location: 'spec.a[b: c]', parameters: {assign: {value: {b: d}}}",
            "spec.parameters.assign.value.b must be the key"
        ),
        ("Assign", "location: 'spec.a[b: c].b', parameters: {assign: {value: d}}", "cannot be changed"),
        (
            "Assign",
            "location: spec.a, parameters: {assign: {value: 1}, pathTests: [{subPath: spec.b, condition: MustExist}]}",
            "pathTests[0].subPath"
        ),
        (
            "Assign",
            "location: spec.a, parameters: {assign: {value: 1}, pathTests: [{subPath: spec, condition: May}]}",
            "pathTests[0].condition"
        ),
        ("Assign", "location: spec.a, parameters: {assignIf: {in: [1]}, assign: {value: 1}}", "assignIf"),
        (
            "AssignMetadata", "location: metadata.name, parameters: {assign: {value: a}}",
            "spec.location must be metadata.labels"
        ),
        ("AssignMetadata", "location: metadata.labels.a, parameters: {assign: {value: 1}}", "is no text"),
        ("ModifySet", "location: 'spec.a[b: c]', parameters: {values: {fromList: [1]}}", "cannot end at an element"),
        ("ModifySet", "location: spec.a, parameters: {operation: drop}", "spec.parameters.operation"),
        ("AssignImage", "location: spec.a, parameters: {}", "assignDomain"),
        ("AssignImage", "location: spec.a, parameters: {assignTag: v1}", "spec.parameters.assignTag"),
        ("AssignImage", "location: spec.a, parameters: {assignPath: gcr.io/a}", "begins like a domain"),
        ("Assigns", "location: spec.a", "no kind of mutator"),
    ])
    func whatIsMalformedIsNamed(kind: String, spec: String, wanted: String) throws {
        let error = #expect(throws: GatekeeperError.self) { try Mutator(try yaml(Self.mutator(kind, spec))) }
        #expect(error?.message.contains(wanted) == true, "\(error?.message ?? "")")
    }

    @Test(arguments: [
        ("{groups: [''], versions: [v1], kinds: ['*']}", "applyTo[0].kinds"),
        ("{versions: [v1], kinds: [Pod]}", "applyTo[0].groups"),
        ("{groups: [''], versions: [v1], kinds: [Pod], operations: [MAKE]}", "applyTo[0].operations"),
    ])
    func appliedKindsAreNamed(entry: String, wanted: String) throws {
        let text = Self.mutator(
            "Assign", "applyTo: [\(entry)], location: spec.a, parameters: {assign: {value: 1}}", applies: false)
        let error = #expect(throws: GatekeeperError.self) { try Mutator(try yaml(text)) }
        #expect(error?.message.contains(wanted) == true)
    }

    /// Whatever stands in a location, it is read or refused, and what is read can be applied.
    @Test func hostileLocationsEnd() throws {
        let alphabet = Array("ab.[]:*\"'\\ 0-é\u{0}")
        var random = SystemRandomNumberGenerator()
        let pod = try yaml(Self.pod)
        var readable = 0
        for _ in 0..<3000 {
            var location = "spec"
            for _ in 0..<Int.random(in: 1...14, using: &random) {
                location.append(alphabet[Int.random(in: 0..<alphabet.count, using: &random)])
            }
            let spec = ObjectValue([
                (.string("location"), .string(location)),
                (
                    .string("applyTo"),
                    .array([
                        .object(
                            ObjectValue([
                                (.string("groups"), .array([.string("")])),
                                (.string("versions"), .array([.string("v1")])),
                                (.string("kinds"), .array([.string("Pod")])),
                            ]))
                    ])
                ), (.string("parameters"), .node(try yaml("{assign: {value: {a: a}}}"))),
            ])
            let object = ObjectValue([
                (.string("apiVersion"), .string("mutations.gatekeeper.sh/v1")), (.string("kind"), .string("Assign")),
                (.string("metadata"), .node(try yaml("{name: m}"))), (.string("spec"), .object(spec)),
            ])
            let document = try JSONReader.read(Array(Value.object(object).json.utf8), source: "test")
            var set = MutatorSet()
            do throws(GatekeeperError) {
                try set.add(document.root)
                readable += 1
                let request = MutationRequest(group: "", version: "v1", kind: "Pod", namespace: nil)
                _ = try set.mutated(pod, in: request)
            } catch {
                #expect(!error.message.isEmpty)
            }
        }
        #expect(readable > 0)
    }

    @Test func aProductOfListsIsBounded() throws {
        let many = (0..<100).map { "v\($0)" }.joined(separator: ", ")
        let text = Self.mutator(
            "Assign",
            "applyTo: [{groups: [\(many)], versions: [\(many)], kinds: [\(many)]}], location: spec.a, parameters: {assign: {value: 1}}",
            applies: false)
        let error = #expect(throws: GatekeeperError.self) { try Mutator(try yaml(text)) }
        #expect(error?.message.contains("more than 1024") == true)
    }

    @Test(arguments: [
        ("spec.a[b: c].d", "spec.a.d", true), ("spec.a[b: *].d", "spec.a[c: *].d", true),
        ("spec.a[b: c].d", "spec.a[b: e].f", false), ("spec.a.b", "spec.a.c", false), ("spec.a", "spec.a.b", false),
    ])
    func contradictionsAreFound(one: String, two: String, wanted: Bool) throws {
        var set = MutatorSet()
        for (name, location) in [("one", one), ("two", two)] {
            try set.add(
                try yaml(
                    Self.mutator("Assign", "location: '\(location)', parameters: {assign: {value: 1}}", name: name)))
        }
        #expect(set.conflicts == (wanted ? ["Assign/one", "Assign/two"] : []))
        set.remove(kind: .assign, name: "one")
        #expect(set.conflicts.isEmpty)
    }

    @Test func mutatorsBuildOnEachOther() throws {
        let object = try #require(
            try Self.mutated([
                Self.mutator(
                    "Assign",
                    "match: {labelSelector: {matchLabels: {team: t}}}, location: spec.x, parameters: {assign: {value: 1}}"
                ),
                Self.mutator(
                    "AssignMetadata", "location: metadata.labels.team, parameters: {assign: {value: t}}", applies: false
                ),
            ]))
        #expect(Self.value(object, "spec.x")?.json == "1")
    }

    @Test func ofTwoValuesThatOfTheLaterNameStays() throws {
        let object = try #require(
            try Self.mutated([
                Self.mutator("Assign", "location: spec.x, parameters: {assign: {value: 2}}", name: "b"),
                Self.mutator("Assign", "location: spec.x, parameters: {assign: {value: 1}}", name: "a"),
            ]))
        #expect(Self.value(object, "spec.x")?.json == "2")
    }

    @Test(arguments: [
        ("Assign", "location: spec.containers.x, parameters: {assign: {value: 1}}", "needs an object, found array"),
        ("Assign", "location: 'metadata[a: b].c', parameters: {assign: {value: 1}}", "cannot change metadata"),
        ("Assign", "location: 'spec[a: b].c', parameters: {assign: {value: 1}}", "needs a list, found object"),
        ("ModifySet", "location: spec, parameters: {values: {fromList: [1]}}", "no list that can be a set"),
        ("AssignImage", "location: spec.containers, parameters: {assignTag: ':1'}", "no text that can be an image"),
    ])
    func whatDoesNotFitTheObjectIsAnError(kind: String, spec: String, wanted: String) throws {
        let error = #expect(throws: GatekeeperError.self) { try Self.mutated([Self.mutator(kind, spec)]) }
        #expect(error?.message.contains(wanted) == true, "\(error?.message ?? "")")
    }

    @Test func externalDataIsAnErrorNotAPass() throws {
        let spec = "location: spec.x, parameters: {assign: {externalData: {provider: p, dataSource: Username}}}"
        let error = #expect(throws: GatekeeperError.self) { try Self.mutated([Self.mutator("Assign", spec)]) }
        #expect(error?.message.contains("provider p") == true)
    }

    private static func value(_ object: Value, _ place: String) -> Value? {
        var value: Value? = object
        for part in place.split(separator: ".") {
            if let index = Int(part) {
                let elements = value?.elements ?? []
                value = elements.indices.contains(index) ? elements[index] : nil
            } else {
                value = value?.members?[String(part)]
            }
        }
        return value
    }
}

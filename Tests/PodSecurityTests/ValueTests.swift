// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings
import Testing

@testable import PodSecurity

/// How judges read image references, label selectors, capabilities and evidence.
@Suite struct ValueTests {
    private func node(_ yaml: String) throws -> Node {
        var reader = YAMLReader(Array(yaml.utf8), source: "test.yaml")
        // A text without any document is null, as for kubectl.
        guard let document = try reader.next()?.get() else {
            return try JSONReader.read(Array("null".utf8), source: "test.json").root
        }
        return document.root
    }

    @Test(arguments: [
        ("nginx", "", "nginx", "", ""), ("nginx:1", "", "nginx", "1", ""),
        ("library/nginx:1", "", "library/nginx", "1", ""),
        ("docker.io/nginx", "docker.io", "nginx", "", ""), ("localhost/a:1", "localhost", "a", "1", ""),
        ("localhost:5000/a", "localhost:5000", "a", "", ""), ("reg:5000/a/b:1", "reg:5000", "a/b", "1", ""),
        ("reg.example.com/a/b/c:v1.2", "reg.example.com", "a/b/c", "v1.2", ""),
        ("[::1]:5000/a:1", "[::1]:5000", "a", "1", ""),
        ("a@sha256:00ff", "", "a", "", "sha256:00ff"), ("r.io/a:1@sha256:00ff", "r.io", "a", "1", "sha256:00ff"),
        ("", "", "", "", ""), (":", "", "", "", ""), ("/", "", "/", "", ""), ("@", "", "", "", ""),
    ]) func imageReferences(
        _ text: String, _ registry: String, _ repository: String, _ tag: String, _ digest: String
    ) {
        let image = Images.Reference(text)
        #expect([image.registry, image.repository, image.tag, image.digest] == [registry, repository, tag, digest])
    }

    /// What a whole check says about an image: nothing but a digest pins it, and what only looks like one is no pass.
    @Test(arguments: [
        ("a@sha256:\(String(repeating: "0", count: 64))", Outcomes(tag: "pass", digest: "pass")),
        ("a:1", Outcomes(tag: "pass", digest: "fail")), ("a", Outcomes(tag: "fail", digest: "fail")),
        ("a:latest", Outcomes(tag: "fail", digest: "fail")), ("a@latest", Outcomes(tag: "error", digest: "error")),
        ("a@", Outcomes(tag: "error", digest: "error")),
        ("https://me:pw@r.io/a:1", Outcomes(tag: "error", digest: "error")),
    ]) func pinning(_ image: String, _ expected: Outcomes) throws {
        let results = try inspect(
            ["kind: Pod\napiVersion: v1\nmetadata: {name: a}\nspec: {containers: [{name: a, image: '\(image)'}]}\n"],
            checks: ["image-tag", "image-digest"], all: true)
        let outcomes = Dictionary(uniqueKeysWithValues: results.map { ($0.check.slug, $0.outcome.rawValue) })
        #expect(outcomes == ["image-tag": expected.tag, "image-digest": expected.digest])
    }

    struct Outcomes: Sendable {
        let tag: String
        let digest: String
    }

    @Test(arguments: [
        ("{}", "{a: b}", true), ("null", "{a: b}", false), ("[]", "{a: b}", false),
        ("{matchLabels: {a: b}}", "{a: b, c: d}", true), ("{matchLabels: {a: b}}", "{a: c}", false),
        ("{matchLabels: {a: b}}", "null", false), ("{matchLabels: {a: b, c: d}}", "{a: b}", false),
        ("{matchExpressions: [{key: a, operator: In, values: [b, c]}]}", "{a: c}", true),
        ("{matchExpressions: [{key: a, operator: In, values: [b, c]}]}", "{a: d}", false),
        ("{matchExpressions: [{key: a, operator: In, values: [b]}]}", "{}", false),
        ("{matchExpressions: [{key: a, operator: NotIn, values: [b]}]}", "{a: c}", true),
        ("{matchExpressions: [{key: a, operator: NotIn, values: [b]}]}", "{a: b}", false),
        // Kubernetes counts an absent key as not among the values.
        ("{matchExpressions: [{key: a, operator: NotIn, values: [b]}]}", "{}", true),
        ("{matchExpressions: [{key: a, operator: Exists}]}", "{a: ''}", true),
        ("{matchExpressions: [{key: a, operator: Exists}]}", "{b: a}", false),
        ("{matchExpressions: [{key: a, operator: DoesNotExist}]}", "{b: a}", true),
        ("{matchExpressions: [{key: a, operator: DoesNotExist}]}", "{a: b}", false),
        ("{matchLabels: {a: b}, matchExpressions: [{key: c, operator: Exists}]}", "{a: b}", false),
        // A selector that Kubernetes refuses selects nothing: never more than was meant.
        ("{matchExpressions: [{key: a, operator: exists}]}", "{a: b}", false),
        ("{matchExpressions: [{operator: Exists}]}", "{a: b}", false),
        ("{matchExpressions: {key: a}}", "{a: b}", false), ("{matchLabels: [a]}", "{a: b}", false),
        ("{matchExpressions: [{key: a, operator: In, values: b}]}", "{a: b}", false),
        ("{matchLabels: {any:a: b}}", "{a: b}", true), ("{matchLabels: {k8s:a: b}}", "{a: b}", true),
    ]) func selectors(_ selector: String, _ labels: String, _ expected: Bool) throws {
        #expect(LabelSelector(try node(selector)).matches(try node(labels)) == expected, "\(selector) on \(labels)")
    }

    @Test(arguments: [("{a: b}", true), ("{a: c}", false), ("{}", false), ("null", false)])
    func serviceSelectors(_ selector: String, _ expected: Bool) throws {
        #expect(LabelSelector(equalities: try node(selector)).matches(try node("{a: b, c: d}")) == expected)
    }

    /// Names of capabilities are the same with and without CAP_, in any case; the order of add and drop is the runtimes'.
    @Test(arguments: [
        ("{drop: [ALL]}", [String]()), ("{drop: [all]}", []), ("{drop: [CAP_ALL]}", []),
        ("{drop: [NET_RAW]}", ["caps-drop-all"]), ("{drop: [cap_net_raw]}", ["caps-drop-all"]),
        ("{drop: [KILL]}", ["caps-drop-all", "caps-net-raw"]),
        ("{}", ["caps-drop-all", "caps-drop-any", "caps-net-raw"]),
        ("null", ["caps-drop-all", "caps-drop-any", "caps-net-raw"]),
        ("{drop: [ALL], add: [net_admin]}", ["caps-added", "caps-dangerous"]),
        ("{drop: [ALL], add: [CAP_SYS_MODULE]}", ["caps-added", "caps-sys-module"]),
        ("{drop: [ALL], add: [Cap_Net_Raw]}", ["caps-added", "caps-net-raw"]),
        ("{drop: [ALL], add: [NET_BIND_SERVICE]}", []),
        ("{drop: [ALL], add: [ALL]}", ["caps-added", "caps-dangerous", "caps-net-raw", "caps-sys-module"]),
    ]) func capabilities(_ capabilities: String, _ expected: [String]) throws {
        let checks = [
            "caps-added", "caps-dangerous", "caps-sys-module", "caps-net-raw", "caps-drop-all", "caps-drop-any",
        ]
        let results = try inspect(
            [
                """
                {kind: Pod, apiVersion: v1, metadata: {name: a}, spec: {containers: [
                  {name: a, image: b, securityContext: {capabilities: \(capabilities)}}]}}
                """
            ], checks: checks)
        #expect(results.map(\.check.slug).sorted() == expected, "\(capabilities)")
    }

    @Test(arguments: ["{add: NET_RAW}", "{add: [1]}", "{drop: {ALL: true}}", "[]", "ALL", "{drop: [null]}"])
    func capabilitiesOfAnotherType(_ capabilities: String) throws {
        let results = try inspect(
            [
                """
                {kind: Pod, apiVersion: v1, metadata: {name: a}, spec: {containers: [
                  {name: a, image: b, securityContext: {capabilities: \(capabilities)}}]}}
                """
            ], checks: ["caps-added", "caps-drop-all", "caps-net-raw"], all: true)
        #expect(results.map(\.outcome) == [.error, .error, .error], "\(results.map(\.message))")
    }

    /// Evidence of checks that are not about credentials, with what looks like one in it.
    @Test(arguments: [
        ("{a: b}", #"{"a":"b"}"#), ("[x, 1, true, null]", #"["x",1,true,null]"#), ("plain", #""plain""#),
        ("https://example.com/a", #""https://example.com/a""#), ("{key: true}", #"{"key":true}"#),
        ("{monkey: business}", #"{"monkey":"business"}"#), ("{tokens: [a]}", #"{"tokens":["a"]}"#),
    ]) func harmlessEvidenceIsShown(_ value: String, _ shown: String) throws {
        #expect(Evidence.text(try node(value), Masking()) == shown)
    }

    @Test(arguments: [
        "{password: hunter2}", "{DB_PASSWORD: hunter2}", "{a: [{b: {api-key: hunter2}}]}",
        "https://me:hunter2@example.com", "{url: 'amqp://me:hunter2@mq'}", "AKIAHUNTER2HUNTER2XX",
        "{a: ghp_hunter2hunter2hunter2hunter2hunter2hunter2}", "'-----BEGIN \("PRIVATE") KEY----- hunter2'",
    ]) func credentialsInEvidenceAreMasked(_ value: String) throws {
        let text = Evidence.text(try node(value), Masking())
        #expect(!text.lowercased().contains("hunter2") && text.contains(" bytes, "), "\(text)")
    }

    @Test func evidenceIsBounded() throws {
        for value in [
            String(repeating: "x", count: 10_000), "token: " + String(repeating: "x", count: 10_000),
            "[" + String(repeating: "{key: a}, ", count: 10_000) + "]",
            String(repeating: "{key: ", count: 900) + "a" + String(repeating: "}", count: 900),
        ] {
            #expect(Evidence.text(try node(value), Masking()).utf8.count < 260)
        }
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CEL
import Documents
import Testing

@Suite struct EvaluationTests {
    private static let object =
        #"{"object": {"spec": {"replicas": 3, "images": ["a:1", "b:2"], "labels": {"x": "y"}}}, "n": null}"#

    private func evaluate(_ text: String) -> String {
        do {
            let root = try JSONReader.read(Array(Self.object.utf8), source: "object").root
            var variables: [String: CELValue] = [:]
            for (key, value) in root.members { variables[key.string] = .node(value) }
            return try CELProgram(text).evaluate(variables).json
        } catch let error as CELError {
            return error.code.rawValue
        } catch {
            return "\(error)"
        }
    }

    @Test(arguments: [
        ("1 + 2 * 3", "7"), ("7 / 2", "3"), ("-7 % 3", "-1"), ("9223372036854775807 + 1", "evaluation"),
        ("1 / 0", "evaluation"),
        ("1u - 2u", "evaluation"), ("1.5 + 1.5", "3"), ("1 == 1.0", "true"), ("1 < 2u", "true"), ("'a' < 'b'", "true"),
        ("-9223372036854775808", "-9223372036854775808"), ("1 + 'a'", "evaluation"),
        // Errors are absorbed by what decides without them.
        ("true || 1 / 0 == 1", "true"), ("1 / 0 == 1 || true", "true"), ("false && 1 / 0 == 1", "false"),
        ("1 / 0 == 1 && true", "evaluation"), ("true ? 1 : 1 / 0", "1"),
        // Documents.
        ("object.spec.replicas", "3"), ("object.spec.replicas <= 5", "true"), ("has(object.spec.replicas)", "true"),
        ("has(object.spec.missing)", "false"), ("object.spec.missing", "evaluation"), ("object.spec['replicas']", "3"),
        ("object.spec.images[1]", #""b:2""#), ("object.spec.images[2]", "evaluation"), ("n == null", "true"),
        ("'x' in object.spec.labels", "true"), ("size(object.spec.images)", "2"), ("unknown", "evaluation"),
        ("object.?spec.?missing.orValue(9)", "9"), ("object.spec.images[?5].hasValue()", "false"),
        ("[1, ?optional.none(), ?optional.of(2)]", "[1,2]"), ("optional.of(3).optMap(x, x + 1).value()", "4"),
        // Macros.
        ("object.spec.images.all(i, i.contains(':'))", "true"), ("object.spec.images.exists(i, i == 'b:2')", "true"),
        ("[1, 2, 3].filter(x, x > 1).map(x, x * 2)", "[4,6]"), ("[1, 2].map(x, x > 1, x)", "[2]"),
        ("[1, 1].exists_one(x, x == 1)", "false"), ("{'a': 1}.all(k, k == 'a')", "true"),
        ("[5, 6].transformList(i, v, i + v)", "[5,7]"), ("{'a': 1}.transformMap(k, v, v + 1)", #"{"a":2}"#),
        ("cel.bind(x, 2, x * x)", "4"), ("[1, 2].map(x, [3].map(x, x))", "[[3],[3]]"),
        ("['b', 'a'].sortBy(x, x)", #"["a","b"]"#),
        ("[0, 1].exists(x, 1 / x == 1)", "true"),
        // Texts.
        ("'tacocat'.substring(4)", #""cat""#), ("'a,b'.split(',')", #"["a","b"]"#), ("['a', 'b'].join('-')", #""a-b""#),
        ("'hello'.replace('l', 'L', 1)", #""heLlo""#), ("'Ab'.lowerAscii()", #""ab""#), ("'abc'.charAt(1)", #""b""#),
        ("'%s is %d, %.2f'.format(['a', 5, 1.5])", #""a is 5, 1.50""#), ("'abc'.matches('^a.*c$')", "true"),
        ("'abc'.matches('(')", "evaluation"), ("'abcabc'.lastIndexOf('b')", "4"),
        ("strings.quote('a\\nb')", #""\"a\\nb\"""#),
        ("'12ab34'.findAll('[0-9]+')", #"["12","34"]"#), ("size('é')", "1"), ("'\\u00e9' == 'e\\u0301'", "false"),
        // Numbers, lists, sets.
        ("math.greatest(1, 2.5, 2u)", "2.5"), ("math.bitAnd(6, 3)", "2"), ("math.round(2.5)", "3"),
        ("[3, 1, 2].sort()", "[1,2,3]"), ("[[1], [2, [3]]].flatten()", "[1,2,[3]]"), ("[1, 1, 2].distinct()", "[1,2]"),
        ("[1, 2, 3].slice(1, 2)", "[2]"), ("lists.range(3)", "[0,1,2]"), ("sets.contains([1, 2], [2])", "true"),
        ("[1, 2, 3].sum()", "6"), ("[3, 1].min()", "1"), ("base64.decode('aGk=')", #""aGk=""#),
        // Times.
        ("timestamp('2024-02-29T12:00:00Z').getDayOfMonth()", "28"), ("duration('1h30m') > duration('89m')", "true"),
        ("timestamp('2024-01-01T00:00:00Z') + duration('36h')", #""2024-01-02T12:00:00Z""#),
        ("timestamp('2024-02-30T00:00:00Z')", "evaluation"), ("string(duration('1.5s'))", #""1.5s""#),
        ("timestamp('2024-07-01T00:00:00Z').getHours('America/New_York')", "20"),
        // Kubernetes.
        ("cidr('10.0.0.0/8').containsIP('10.1.2.3')", "true"), ("ip('::1').isLoopback()", "true"),
        ("isIP('10.0.0.01')", "false"),
        ("quantity('1.5Gi').isGreaterThan(quantity('1536M'))", "true"), ("isQuantity('5x')", "false"),
        ("quantity('100m').add(quantity('0.9')).compareTo(quantity('1'))", "0"),
        ("url('https://example.com:80/a?b=c').getHost()", #""example.com:80""#),
        ("semver('1.2.3').isLessThan(semver('1.10.0'))", "true"),
        ("semver('v1.02', true).patch()", "0"), ("isSemver('v1.2')", "false"), ("isSemver('v1.2', true)", "true"),
        ("isSemver('1..2', true)", "false"), ("int(duration('1s'))", "1000000000"),
        ("string(duration(1500000000))", #""1.5s""#),
        // Types.
        ("type(1) == int", "true"), ("type([]) == list", "true"), ("int('5') + int(2.9)", "7"),
        ("uint(-1)", "evaluation"),
        ("string(1.0)", #""1""#), ("bool('maybe')", "evaluation"), ("{1: 'a', 1u: 'b'}", "evaluation"),
        // What cannot be read.
        ("1 +", "syntax"), ("a.b(", "syntax"), ("'open", "syntax"), ("has(a)", "syntax"),
        ("[1].map(2, 3)", "syntax"),
        ("for", "syntax"), ("99999999999999999999", "syntax"),
    ])
    func expressions(text: String, wanted: String) {
        #expect(evaluate(text) == wanted)
    }

    @Test func errorsHaveAPlace() {
        let error = #expect(throws: CELError.self) { try CELProgram("a &&\n  )") }
        #expect(error?.description == "2:3: unexpected `)`")
    }

    @Test func limitsAreNamed() {
        #expect(evaluate(String(repeating: "(", count: 5000) + "1") == "limit")
        #expect(evaluate("lists.range(1000000).map(x, lists.range(1000000))") == "limit")
        #expect(evaluate("lists.range(10000000)") == "limit")
        for chain in [
            "1" + String(repeating: " + 1", count: 60_000), "a" + String(repeating: ".b", count: 60_000),
            "true" + String(repeating: " && true", count: 20_000), "1" + String(repeating: " + 1", count: 1_900),
            "a" + String(repeating: ".b", count: 1_900),
        ] {
            #expect(evaluate(chain) == "limit")
        }
        let wide = String(repeating: "[1,2,3,4,5,6,7,8,9].map(a, ", count: 8) + "1" + String(repeating: ")", count: 8)
        #expect(evaluate(wide) == "limit")
    }

    /// Whatever stands in an expression ends in a value or an error.
    @Test func wordsInAnyOrder() {
        let words = [
            "a", "object", "1", "2u", "1.5", "'s'", "(", ")", "[", "]", "{", "}", ".", ",", ":", "?", "+", "-", "!",
            "&&", "||",
            "==", "in", "has(", ".map(x,", ".all(x,", "size(", ".?b", "[?0]", "b'x'", "true", "null", "cel.bind(x,",
        ]
        var state: UInt64 = 42
        for _ in 0..<20_000 {
            var text = ""
            for _ in 0..<12 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                text += words[Int(state >> 33) % words.count]
            }
            #expect(!evaluate(text).isEmpty)
        }
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Rego
import Testing

@Suite struct BuiltinTests {
    @Test(arguments: [
        // sprintf: OPA's text of each value, Go's verbs.
        (
            #"sprintf("%v %v %v", [{"b": {2, 1}, "a": null}, set(), [true, "x"]])"#,
            #""{\"a\": null, \"b\": {1, 2}} set() [true, \"x\"]""#
        ),
        (#"sprintf("%d|%5d|%-5d|%05d|%x|%08b", [1, 2, 3, 4, 255, 5])"#, #""1|    2|3    |00004|ff|00000101""#),
        (#"sprintf("%s %q %v", ["a", "b\n", 1.5])"#, #""a \"b\\n\" 1.5""#),
        (#"sprintf("%.2f %e %g", [1.005, 1500.5, 100000.0])"#, #""1.00 1.500500e+03 100000""#),
        (#"sprintf("%s %d", [1, "x"])"#, #""%!s(int=1) %!d(string=x)""#),
        (#"sprintf("%v", [])"#, #""%!v(MISSING)""#), (#"sprintf("a", [1])"#, #""a%!(EXTRA int=1)""#),
        (#"sprintf("%[2]v %[1]v", [1, 2])"#, #""2 1""#), (#"sprintf("%v", [1e100])"#, #""1e+100""#),
        (#"sprintf("100%%", [])"#, #""100%""#), (#"sprintf("%t", [true])"#, #""%!t(string=true)""#),
        // Texts.
        (#"split("a.b..c", ".")"#, #"["a","b","","c"]"#), (#"split("äb", "")"#, #"["ä","b"]"#),
        (#"replace("aaa", "a", "b")"#, #""bbb""#), (#"substring("åäö", 1, -1)"#, #""äö""#),
        (#"trim("xxaxx", "x")"#, #""a""#), (#"trim_left("xxax", "x")"#, #""ax""#), (#"upper("straße")"#, #""STRAßE""#),
        (#"indexof("åäö", "ö")"#, "2"), (#"indexof_n("abab", "b")"#, "[1,3]"), (#"strings.reverse("abc")"#, #""cba""#),
        (#"strings.replace_n({"a": "1", "b": "2"}, "abc")"#, #""12c""#), (#"strings.count("aaa", "a")"#, "3"),
        (#"concat(",", {"b", "a"})"#, #""a,b""#), (#"format_int(255, 16)"#, #""ff""#),
        (#"strings.any_prefix_match(["ab", "cd"], ["c"])"#, "true"),
        (
            #"strings.render_template(`{{range $i, $v := .xs}}{{if $i}},{{end}}{{$v.n}}{{end}}{{if eq .a "b"}}!{{else}}?{{end}}`, {"xs": [{"n": 1}, {"n": 2}], "a": "b"})"#,
            #""1,2!""#
        ),
        (
            #"strings.render_template(`{{with .a}}{{.b}}{{end}}{{- printf "%d" .n | print -}} {{.gone}}`, {"a": {"b": "x"}, "n": 5})"#,
            #""x5<undefined>""#
        ),
        // Patterns.
        (#"regex.match("^a+$", "aaa")"#, "true"), (#"regex.split("[,;]", "a,b;c")"#, #"["a","b","c"]"#),
        (#"regex.replace("a1b2", "[0-9]", "<$0>")"#, #""a<1>b<2>""#),
        (#"regex.find_n("a.", "abacad", 2)"#, #"["ab","ac"]"#),
        (#"regex.find_all_string_submatch_n("(a)(.)", "abac", -1)"#, #"[["ab","a","b"],["ac","a","c"]]"#),
        (#"regex.template_match("urn:{.*}:x", "urn:abc:x", "{", "}")"#, "true"),
        (#"regex.globs_match("a.*", "ab[cd]*")"#, "true"), (#"regex.globs_match("a", "b")"#, "false"),
        (#"glob.match("*.io", ["."], "a.io")"#, "true"), (#"glob.match("*.io", ["."], "a.b.io")"#, "false"),
        (#"glob.match("**.{io,org}", ["."], "a.b.org")"#, "true"), (#"glob.match("[!a]?", [], "bc")"#, "true"),
        (#"glob.quote_meta("a*[b]")"#, #""a\\*\\[b\\]""#),
        (
            #"rego.parse_module("a", "package a\nimport data.b as c\np contains x if { some x in c; not x == 1 with input as 2 }").rules[0].head.key"#,
            #"{"type":"var","value":"x"}"#
        ),
        // Numbers.
        ("round(2.5)", "3"), ("ceil(1.1)", "2"), ("floor(-1.1)", "-2"), ("abs(-3)", "3"),
        ("bits.lsh(1, 70)", "1180591620717411303424"),
        ("bits.and(-1, 255)", "255"), ("bits.rsh(-5, 1)", "-3"), ("bits.negate(0)", "-1"),
        ("numbers.range(3, 1)", "[3,2,1]"), ("numbers.range_step(0, 5, 2)", "[0,2,4]"),
        (#"units.parse_bytes("1.5Gi")"#, "1610612736"), (#"units.parse("250m")"#, "0.25"),
        (#"to_number("1e3")"#, "1e3"),
        // Collections.
        ("sum([1, 2.5])", "3.5"), ("product({2, 3})", "6"), ("max([1, \"a\"])", #""a""#), ("sort({3, 1})", "[1,3]"),
        ("array.slice([1, 2, 3], 1, 9)", "[2,3]"), ("array.reverse([1, 2])", "[2,1]"), ("union({{1}, {2}})", "[1,2]"),
        ("intersection({{1, 2}, {2}})", "[2]"), (#"object.get({"a": {"b": 1}}, ["a", "b"], 0)"#, "1"),
        (#"object.union({"a": {"b": 1}}, {"a": {"c": 2}})"#, #"{"a":{"b":1,"c":2}}"#),
        (#"object.remove({"a": 1, "b": 2}, ["a"])"#, #"{"b":2}"#),
        (#"object.subset({"a": {1, 2}}, {"a": {1}})"#, "true"),
        (#"object.keys({"b": 1, "a": 2})"#, #"["a","b"]"#), ("type_name({1})", #""set""#), ("is_array([])", "true"),
        // Documents.
        (#"json.marshal({"a": [1, {2}]})"#, ##""{\"a\":[1,[2]]}""##),
        (#"json.unmarshal("{\"a\": 1, \"a\": 2}")"#, #"{"a":2}"#),
        (#"json.is_valid("{,}")"#, "false"), (#"yaml.unmarshal("a: [yes, 007]")"#, #"{"a":[true,7]}"#),
        (
            #"yaml.unmarshal(yaml.marshal({"a": ["x: y", "true", 1, {}], "b": {"c": null}}))"#,
            #"{"a":["x: y","true",1,{}],"b":{"c":null}}"#
        ),
        (#"json.patch({"a": [1]}, [{"op": "add", "path": "/a/-", "value": 2}])"#, #"{"a":[1,2]}"#),
        (#"json.remove({"a": {"b": 1, "c": 2}}, ["a/b"])"#, #"{"a":{"c":2}}"#),
        (#"json.filter({"a": {"b": 1, "c": 2}}, ["/a/c"])"#, #"{"a":{"c":2}}"#),
        (#"base64.decode(base64.encode("hé"))"#, #""hé""#), (#"base64url.encode_no_pad("??>")"#, #""Pz8-""#),
        (#"hex.decode(hex.encode("ab"))"#, #""ab""#), (#"urlquery.decode(urlquery.encode("a b&c"))"#, #""a b&c""#),
        (#"crypto.sha256("")"#, #""e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855""#),
        (#"crypto.hmac.md5("a", "k")"#, #""ddcf3d210049e7135f61affae73731cd""#),
        // Times.
        (#"time.parse_rfc3339_ns("2024-02-29T12:00:00+02:00")"#, "1709200800000000000"),
        ("time.date([1709200800000000000, \"Asia/Tokyo\"])", "[2024,2,29]"), ("time.weekday(0)", #""Thursday""#),
        (#"time.format([0, "UTC", "RFC1123"])"#, #""Thu, 01 Jan 1970 00:00:00 UTC""#),
        (#"time.parse_ns("02 Jan 06", "15 Mar 24")"#, "1710460800000000000"),
        (#"time.parse_duration_ns("1h1.5s")"#, "3601500000000"),
        ("time.add_date(0, 0, 1, 0)", "2678400000000000"),
        // Networks, graphs, versions.
        (#"net.cidr_contains("10.0.0.0/8", "10.1.2.3")"#, "true"),
        (#"net.cidr_contains("fd00::/8", "fe80::1")"#, "false"),
        (#"net.cidr_expand("192.0.2.0/30")"#, #"["192.0.2.0","192.0.2.1","192.0.2.2","192.0.2.3"]"#),
        (#"net.cidr_merge(["10.0.0.0/9", "10.128.0.0/9"])"#, #"["10.0.0.0/8"]"#),
        (#"net.cidr_intersects("10.0.0.0/8", "10.1.0.0/16")"#, "true"),
        (#"graph.reachable({"a": ["b"], "b": [], "c": []}, ["a"])"#, #"["a","b"]"#),
        (#"semver.compare("1.0.0-rc.2", "1.0.0-rc.10")"#, "-1"), (#"semver.is_valid("1.0")"#, "false"),
    ])
    func answers(call: String, wanted: String) throws {
        #expect(try evaluate("x = \(call)") == "{\"x\":\(wanted)}")
    }

    @Test(arguments: [
        ("count(1)", "eval_type_error"), (#"concat(",", [1])"#, "eval_type_error"),
        (#"substring("a", -1, 1)"#, "eval_builtin_error"),
        (#"regex.match("(", "a")"#, "eval_builtin_error"), (#"json.unmarshal("{")"#, "eval_builtin_error"),
        ("1 % 0", "eval_builtin_error"), ("numbers.range(1.5, 2)", "eval_type_error"),
        ("bits.lsh(1, -1)", "eval_type_error"),
        (#"base64.decode("a")"#, "eval_builtin_error"), (#"time.parse_rfc3339_ns("x")"#, "eval_builtin_error"),
        (#"units.parse_bytes("1 kb")"#, "eval_builtin_error"), (#"http.send({"url": "x"})"#, "eval_builtin_error"),
        (#"net.cidr_expand("10.0.0.0/1")"#, "eval_builtin_error"),
    ])
    func errors(call: String, wanted: String) throws {
        #expect(try evaluate("x = \(call)") == wanted)
    }

    @Test func walkSeesEveryPlace() throws {
        #expect(
            try evaluate("walk({\"a\": [5]}, [p, v])")
                == #"{"p":[],"v":{"a":[5]}} {"p":["a"],"v":[5]} {"p":["a",0],"v":5}"#)
    }
}

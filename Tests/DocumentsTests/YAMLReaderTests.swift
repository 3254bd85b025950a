// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Testing

func readYAML(_ bytes: [UInt8], limits: DocumentLimits = .standard) -> [Result<Document, DocumentError>] {
    var reader = YAMLReader(bytes, source: "t.yaml", limits: limits)
    var results: [Result<Document, DocumentError>] = []
    while let result = reader.next() { results.append(result) }
    return results
}

/// Each document as JSON, or its error as text.
func yamlText(_ text: String, limits: DocumentLimits = .standard) -> [String] {
    yamlText(Array(text.utf8), limits: limits)
}

func yamlText(_ bytes: [UInt8], limits: DocumentLimits = .standard) -> [String] {
    readYAML(bytes, limits: limits).map { result in
        switch result {
        case .success(let document): document.root.json()
        case .failure(let error): "\(error.code) \(error)"
        }
    }
}

struct YAMLReaderTests {
    @Test(arguments: [
        (
            "a: 1\nb: [x, 'y', \"z\"]\nc:\n  d: |\n    two\n    lines\n  e: >-\n    fold\n    ed\n",
            [#"{"a":1,"b":["x","y","z"],"c":{"d":"two\nlines\n","e":"fold ed"}}"#]
        ),
        ("- 1\n- - 2\n  - 3\n- {a: b, c: }\n", [#"[1,[2,3],{"a":"b","c":null}]"#]),
        (
            "a: 1\n---\nb: 2\n--- \n---\n# only a comment\n---\nnull\n---\n~\n--- text\n...\n",
            [#"{"a":1}"#, #"{"b":2}"#, #""text""#]
        ),
        ("", []), ("\n\n# nothing\n", []), ("---\n---\n", []),
        ("%YAML 1.1\n---\na: 1\n", [#"{"a":1}"#]),
        ("{\"a\": [1, {\"b\": null}]}", [#"{"a":[1,{"b":null}]}"#]),
        (
            "1: a\n1.5: b\ntrue: c\n0x10: d\n.inf: e\n1e6: f\n2001-01-01: g\n",
            [
                #"{"1":"a","1.5":"b","true":"c","16":"d",".inf":"e","1e+06":"f","2001-01-01":"g"}"#
            ]
        ),
    ])
    func reads(text: String, expected: [String]) {
        #expect(yamlText(text) == expected)
    }

    @Test(arguments: [
        ("a: &x {k: 1, l: [2]}\nb: *x\n", #"{"a":{"k":1,"l":[2]},"b":{"k":1,"l":[2]}}"#),
        ("- &x 1\n- &x 2\n- *x\n", "[1,2,2]"),
        ("- &k key\n- *k : v\n- [*k, &e , *e]\n", #"["key",{"key":"v"},["key",null,null]]"#),
        ("x: &x yes\nv: [*x, *x]\nz: {w: *x, u: 1}\n", #"{"x":true,"v":[true,true],"z":{"w":true,"u":1}}"#),
        ("&k key: v\nw: *k\n", #"{"key":"v","w":"key"}"#),
        ("a: &a {x: 1, w: 1}\nb: {<<: *a, w: 2}\n", #"{"a":{"x":1,"w":1},"b":{"x":1,"w":2}}"#),
        ("a: &a {x: 1}\nb: {x: 3, <<: *a}\n", #"{"a":{"x":1},"b":{"x":1}}"#),
        (
            "a: &a {x: 1}\nb: &b {x: 2, w: {z: [3]}}\nc: {<<: [*a, *b], q: 0}\n",
            #"{"a":{"x":1},"b":{"x":2,"w":{"z":[3]}},"c":{"x":1,"w":{"z":[3]},"q":0}}"#
        ),
        (
            "a: &a {x: 1}\nb: &b {<<: *a, w: &w [1]}\nc: [*b, *w]\n",
            #"{"a":{"x":1},"b":{"x":1,"w":[1]},"c":[{"x":1,"w":[1]},[1]]}"#
        ),
        ("<<: {a: {b: 1}, c: 2}\nd: <<\n\"<<\": 3\n", #"{"a":{"b":1},"c":2,"d":"<<","<<":3}"#),
        ("x: {<<: {a: 1}, <<: {b: 2}, c: {<<: {d: 4}}}\n", #"{"x":{"a":1,"b":2,"c":{"d":4}}}"#),
    ])
    func anchorsAndMerges(text: String, expected: String) {
        #expect(yamlText(text) == [expected])
    }

    @Test(arguments: [
        ("a: 1\nb: 2\na: 3\n", "duplicateKey t.yaml:3:1: key \"a\" is already set in this object at line 1"),
        ("a: {b: 1, c: {d: 1, d: 2}}\n", "duplicateKey t.yaml:1:21: key \"d\" is already set in this object at line 1"),
        ("1: a\n\"1\": b\n", "duplicateKey t.yaml:2:1: key \"1\" is already set in this object at line 1"),
        ("a: &a [*a]\n", "aliasBomb t.yaml:1:8: an anchor contains itself"),
        ("a: *nope\n", "unsupported t.yaml:1:4: unknown anchor; a text that starts with * must be quoted"),
        ("a: &x 1\n---\nb: *x\n", "unsupported t.yaml:3:4: unknown anchor; a text that starts with * must be quoted"),
        ("a: .nan\n", "unsupported t.yaml:1:4: JSON has no form for .nan"),
        ("~: 1\n", "unsupported t.yaml:1:1: null cannot be a key"),
        ("? [a]\n: 1\n", "unsupported t.yaml:1:3: a mapping or sequence cannot be a key"),
        ("? {a: 1}\n: 1\n", "unsupported t.yaml:1:3: a mapping or sequence cannot be a key"),
        ("a: !!int x\n", "unsupported t.yaml:1:4: the text does not fit its tag !!int"),
        ("a: [!x, \"b\"]\n", "unsupported t.yaml:1:5: a tag without a value"),
        ("a: !!binary aeGk=\n", "unsupported t.yaml:1:4: the value of a !!binary scalar is not base64"),
        ("a: &s [1]\n<<: *s\n", "unsupported t.yaml:2:5: the value of a merge key << must be"),
        ("<<: 1\n", "unsupported t.yaml:1:5: the value of a merge key << must be"),
        ("<<: [[]]\n", "unsupported t.yaml:1:6: the value of a merge key << must be"),
        ("a: [1, 2\nb: 3\n", "syntax t.yaml:2:2: "), ("a: 'x\n", "syntax t.yaml:"),
        ("a: b: c\n", "syntax t.yaml:1:5: "),
        ("\ta: 1\n", "syntax t.yaml:1:1: "), ("a: \"\\q\"\n", "syntax t.yaml:1:"), ("a: @x\n", "syntax t.yaml:1:4: "),
    ])
    func refuses(text: String, expected: String) throws {
        let results = yamlText(text)
        let error = try #require(results.last)
        #expect(error.hasPrefix(expected), "\(results)")
    }

    @Test func goesOnBehindAnError() {
        let results = yamlText(
            "a: 1\n---\nb: [\n---\nc: 3\n---\nd: 1\nd: 2\n---\ne: *x\n---\nf: 'x\n---\n\n---foo: 1\n--- {g: 1}\n---\nh: a: b\n"
        )
        #expect(results.count == 9)
        #expect(results[0] == #"{"a":1}"#)
        #expect(results[1].hasPrefix("syntax t.yaml:4:1: "), "\(results[1])")
        #expect(results[2] == #"{"c":3}"#)
        #expect(results[3].hasPrefix("duplicateKey t.yaml:8:1: "))
        #expect(results[4].hasPrefix("unsupported t.yaml:10:4: "))
        #expect(results[5].hasPrefix("syntax t.yaml:13:1: "), "\(results[5])")
        #expect(results[6] == #"{"---foo":1}"#)
        #expect(results[7] == #"{"g":1}"#)
    }

    @Test func controlCharacters() {
        let results = yamlText(
            "a: 1\n---\nb: 2\n---\nc: \u{1b}[0m\n---\nd: 4\n---\ne: \u{7f}\n--- f\n---\ng: x\u{9f}\n")
        #expect(results.count == 7)
        #expect(results[0] == #"{"a":1}"#)
        #expect(results[1] == #"{"b":2}"#)
        #expect(results[2] == "syntax t.yaml:5:4: control characters are not allowed: U+1B")
        #expect(results[3] == #"{"d":4}"#)
        #expect(results[4] == "syntax t.yaml:9:4: control characters are not allowed: U+7F")
        #expect(results[5] == #""f""#)
        #expect(results[6] == "syntax t.yaml:12:5: control characters are not allowed: U+9F")
        #expect(yamlText("a: \u{fffe}").last?.contains("U+FFFE") == true)
        #expect(
            yamlText("a: \"\u{feff}\u{a0}é\u{fffd}\u{10ffff}\"") == ["{\"a\":\"\u{feff}\u{a0}é\u{fffd}\u{10ffff}\"}"])
    }

    @Test func encodings() {
        let text = "a: é😀\r\nb:\r\n- 1\r\n- x: 2\r\n"
        let expected = [#"{"a":"é😀","b":[1,{"x":2}]}"#]
        let little = text.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
        let big = text.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
        #expect(yamlText(text) == expected)
        #expect(yamlText([0xEF, 0xBB, 0xBF] + Array(text.utf8)) == expected)
        #expect(yamlText([0xFF, 0xFE] + little) == expected)
        #expect(yamlText([0xFE, 0xFF] + big) == expected)
        #expect(yamlText([0xFF, 0xFE, 0x00, 0xD8, 0x61, 0x00]).first?.hasPrefix("notUTF8 ") == true)
        #expect(yamlText([0xFF, 0xFE, 0x61]).first?.hasPrefix("notUTF8 ") == true)
        #expect(
            yamlText(Array("a: 1\nb: ".utf8) + [0xC3, 0x28]) == [
                "notUTF8 t.yaml:2:4: this byte is not well-formed UTF-8"
            ])
        #expect(yamlText([0x7F, 0x45, 0x4C, 0x46, 0, 0]).first?.hasPrefix("binary t.yaml:1:5: ") == true)
        #expect(yamlText("a: 1\nb: \u{1}x\n").first?.hasPrefix("syntax t.yaml:2:4: control characters") == true)
    }

    @Test func lines() throws {
        let text = "# head\r\na: 1\r\n\r\nb:\r\n  - x: |\r\n      1\r\n      2\r\n    w: 2\r\n  - 3\r\n---\r\nc: 1\r\n"
        let results = readYAML(Array(text.utf8))
        let root = try #require(results.first).get().root
        #expect(root.line == 2)
        #expect(root["a"]?.line == 2)
        #expect(root["b"]?.line == 4)
        #expect(root["b"]?[0]?.line == 5)
        #expect(root["b"]?[0]?["w"]?.line == 8)
        #expect(root["b"]?[1]?.line == 9)
        #expect(try #require(results.last).get().root["c"]?.line == 11)
    }

    @Test func limits() {
        let flow = String(repeating: "[", count: 10_000) + String(repeating: "]", count: 10_000)
        let block = (0..<10_000).map { String(repeating: " ", count: $0) + "a:\n" }.prefix(3000).joined()
        let sequence = String(repeating: "- ", count: 10_000) + "x"
        for text in [flow, block, sequence, String(repeating: "{a: ", count: 10_000)] {
            #expect(yamlText(text).first?.hasPrefix("tooDeep ") == true)
        }
        let bomb =
            "a: &a [x,x,x,x,x,x,x,x,x]\n"
            + zip("bcdefghi", "abcdefgh").map { new, old in
                "\(new): &\(new) [" + [String](repeating: "*\(old)", count: 9).joined(separator: ",") + "]\n"
            }.joined()
        #expect(yamlText(bomb).first?.hasPrefix("aliasBomb ") == true)
        let small = DocumentLimits(maxNodes: 3)
        #expect(yamlText("[1, 2]", limits: small) == ["[1,2]"])
        #expect(yamlText("[1, 2, 3]", limits: small) == ["tooManyNodes t.yaml:1:8: more values than the limit of 3"])
        #expect(yamlText("[&a 1, *a, *a]", limits: small).first?.hasPrefix("tooManyNodes ") == true)
        #expect(yamlText("a: 1", limits: DocumentLimits(maxBytes: 3)).first?.hasPrefix("tooLarge ") == true)
    }

    @Test(arguments: [5, 31, 32, 33, 500])
    func duplicatesAmongManyKeys(count: Int) {
        let members = (0..<count).map { "key-\($0): \($0)\n" }.joined()
        #expect(readYAML(Array(members.utf8)).count == 1)
        let again = yamlText(members + "key-\(count / 2): 0\n")
        #expect(
            again == [
                "duplicateKey t.yaml:\(count + 1):1: key \"key-\(count / 2)\" is already set in this object at line \(count / 2 + 1)"
            ])
    }
}

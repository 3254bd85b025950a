// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Testing

func parseJSON(
    _ text: String, limits: DocumentLimits = .standard, duplicateKeys: DocumentLimits.DuplicateKeys = .error
) throws -> Document {
    try JSONReader.read(Array(text.utf8), source: "t.json", limits: limits, duplicateKeys: duplicateKeys)
}

func jsonError(_ bytes: [UInt8], limits: DocumentLimits = .standard) -> DocumentError? {
    do throws(DocumentError) {
        _ = try JSONReader.read(bytes, source: "t.json", limits: limits)
        return nil
    } catch {
        return error
    }
}

struct JSONReaderTests {
    @Test func typesAndLookup() throws {
        let document = try parseJSON(
            #"{"s":"a\"\u00e9\ud83d\ude00\n","n":-12,"big":123456789012345678901234567890,"f":1.50,"e":1e3,"t":true,"#
                + #""x":false,"z":null,"a":[1,[],{}," "],"o":{"k":{"deep":"v"}},"":"empty","k\u0065y":"esc"}"#)
        let root = document.root
        #expect(root.kind == .object)
        #expect(root.count == 12)
        #expect(root["s"]?.string == "a\"é😀\n")
        #expect(root["n"]?.int == -12)
        #expect(root["big"]?.number == "123456789012345678901234567890")
        #expect(root["big"]?.int == nil)
        #expect(root["f"]?.number == "1.50")
        #expect(root["f"]?.double == 1.5)
        #expect(root["f"]?.int == nil)
        #expect(root["e"]?.int == 1000)
        #expect(root["t"]?.bool == true)
        #expect(root["x"]?.bool == false)
        #expect(root["z"]?.isNull == true)
        #expect(root["a"]?.count == 4)
        #expect(root["a"]?[3]?.string == " ")
        #expect(root["a"]?[4] == nil)
        #expect(root["a"]?[-1] == nil)
        #expect(root["o"]?["k"]?["deep"]?.equals("v") == true)
        #expect(root["o"]?["k"]?["deep"]?.equals("w") == false)
        #expect(root[""]?.string == "empty")
        #expect(root[dynamic: ""]?.string == "empty")
        #expect(root[dynamic: "key"]?.string == "esc")
        #expect(root["nope"] == nil)
        #expect(root["a"]?["x"] == nil)
        #expect(root["s"]?.bool == nil)
        #expect(root["n"]?.withUTF8 { Array($0) } == Array("-12".utf8))
        #expect(root.withUTF8 { $0.count } == nil)
    }

    @Test func iteration() throws {
        let root = try parseJSON(#"{"a":1,"b":[10,[20],30],"c":{"d":{}}}"#).root
        var keys: [String] = []
        for (key, value) in root.members {
            keys.append(key.string)
            switch key {
            case "a": #expect(value.int == 1)
            case "b": #expect(value.elements.map(\.kind) == [.number, .array, .number])
            case "c": #expect(value.count == 1)
            default: Issue.record("unexpected key \(key)")
            }
            #expect(value.key?.string == key.string)
        }
        #expect(keys == ["a", "b", "c"])
        #expect(root.key == nil)
        #expect(root["b"]?[0]?.key == nil)
        #expect(root.elements.isEmpty)
        #expect(root["a"]?.members.isEmpty == true)
    }

    @Test(arguments: [
        #"{"a":[1,2,{"b":null}],"c":"x\\\"\u0001é","d":{},"e":[]}"#, "[]", "{}", "0", #""""#, "-0.0e+5",
        "[[[]],[[],[{}]]]", "true",
    ])
    func writesWhatItRead(text: String) throws {
        #expect(try parseJSON(text).root.json() == text)
        #expect(try parseJSON(" \n\t" + text + "\r\n ").root.json() == text)
    }

    @Test func cutsLongText() throws {
        let root = try parseJSON(#"{"key":"ééééééééé","more":[1,2,3]}"#).root
        #expect(root.json(limit: 10) == #"{"key":"é…"#)
        #expect(root.json(limit: 9) == #"{"key":"…"#)
        #expect(root.json(limit: 1000) == #"{"key":"ééééééééé","more":[1,2,3]}"#)
    }

    @Test(arguments: [
        ("", "1:1: the text is empty"), ("  \n ", "2:2: the text is empty"),
        ("[1,]", "1:3: a comma must not stand after the last element"),
        (#"{"a":1,}"#, "1:7: a comma must not stand after the last element"),
        ("{\n  \"a\": 1\n  \"b\": 2\n}", "3:3: expected ',' or '}', found '\"'"),
        ("[1 2]", "1:4: expected ',' or ']', found '2'"), ("[1", "1:3: the text ends before every object"),
        ("{", "1:2: the text ends"), (#"{"a""#, "1:5: the text ends"), (#"{"a":"#, "1:6: the text ends"),
        (#"{"a" 1}"#, "1:6: expected ':' after the key, found '1'"), ("{1:2}", "1:2: expected a key in double quotes"),
        ("1 2", "1:3: expected nothing after the value"), (#"{} x"#, "1:4: expected nothing after the value"),
        ("]", "1:1: expected a value, found ']'"), ("[01]", "1:2: this is no valid number"),
        ("1.2.3", "1:1: this is no valid number"), ("-", "1:1: this is no valid number"),
        ("1.", "1:1: this is no valid number"), ("1e", "1:1: this is no valid number"), ("+1", "1:1: expected a value"),
        (".5", "1:1: expected a value"), ("NaN", "1:1: expected a value"), ("tru", "1:1: expected a value"),
        ("truex", "1:1: expected a value"), ("nul", "1:1: expected a value"), (#"["a\x"]"#, "1:4: this escape"),
        (#"["\ud800"]"#, "1:3: this escape"), (#"["\udc00"]"#, "1:3: this escape"), (#"["\u12"]"#, "1:3: this escape"),
        (#"["\ud800\u0041"]"#, "1:3: this escape"), ("[\"a\u{1}\"]", "1:4: a control character"),
        ("[\"a\nb\"]", "1:4: a control character"), ("[\"abc", "1:2: this string has no closing quote"),
        ("[\"abc\\\"]", "1:2: this string has no closing quote"), ("// c\n1", "1:1: expected a value, found '/'"),
        ("[1,,2]", "1:4: expected a value, found ','"), ("{'a':1}", "1:2: expected a key"),
        ("\u{FEFF}{}", "1:1: expected a value"), (#"{"a":1}}"#, "1:8: expected nothing"),
        ("[1}", "1:3: expected ',' or ']'"),
        (#""a"b"#, "1:4: expected nothing"), (#"[1"a"]"#, "1:2: this is no valid number"),
        (#"{"a"b:1}"#, "1:5: expected ':'"),
    ])
    func refuses(text: String, expected: String) throws {
        let error = try #require(jsonError(Array(text.utf8)))
        #expect(error.code == .syntax)
        #expect(error.description.hasPrefix("t.json:" + expected), "\(error)")
    }

    @Test(arguments: [
        [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xF5, 0x80, 0x80, 0x80, 0x22],
        [0x22, 0xC3, 0x22],
        [0x22, 0x80, 0x22], [0x22, 0xFF, 0x22], [0xFF], [0x22, 0xE2, 0x82],
    ])
    func refusesBadUTF8(bytes: [UInt8]) throws {
        let error = try #require(jsonError(bytes))
        #expect(error.code == .notUTF8)
        #expect(error.offset == (bytes.count == 1 ? 0 : 1))
    }

    @Test func duplicateKeys() throws {
        let cases: [(String, String, String)] = [
            (#"{"a":1,"b":2,"a":3}"#, "1:14", #"{"b":2,"a":3}"#),
            ("{\"x\":{\n\"k\":[{}],\n\"\\u006b\":{\"z\":1}\n}}", "3:1", #"{"x":{"k":{"z":1}}}"#),
            (#"{"a":{"b":1,"b":2},"a":0,"a":9,"c":1}"#, "1:13", #"{"a":9,"c":1}"#),
            (#"[{"a":[1,2,3],"a":1},{"a":1}]"#, "1:15", #"[{"a":1},{"a":1}]"#),
            (#"{"":1,"":2}"#, "1:7", #"{"":2}"#),
        ]
        for (text, place, last) in cases {
            let error = try #require(jsonError(Array(text.utf8)))
            #expect(error.code == .duplicateKey)
            #expect("\(error.line):\(error.column)" == place)
            #expect(try parseJSON(text, duplicateKeys: .last).root.json() == last)
        }
        #expect(try parseJSON(#"{"ab":1,"a":2,"b":3,"aa":4}"#).root.count == 4)
    }

    @Test(arguments: [2, 24, 25, 1000, 100_000])
    func duplicateKeysAmongMany(count: Int) throws {
        let members = (0..<count).map { "\"key-\($0)\":\($0)" }
        #expect(try parseJSON("{" + members.joined(separator: ",") + "}").root.count == count)
        let twice = "{" + members.joined(separator: ",") + ",\"key-\(count / 2)\":\"again\"}"
        let error = try #require(jsonError(Array(twice.utf8)))
        #expect(error.code == .duplicateKey)
        #expect(error.message.contains("\"key-\(count / 2)\""))
        let last = try parseJSON(twice, duplicateKeys: .last).root
        #expect(last.count == count)
        #expect(last[dynamic: "key-\(count / 2)"]?.string == "again")
    }

    @Test func limits() throws {
        let deep = String(repeating: "[", count: 10_000) + String(repeating: "]", count: 10_000)
        let tooDeep = try #require(jsonError(Array(deep.utf8)))
        #expect(tooDeep.code == .tooDeep)
        #expect(tooDeep.column == 1001)
        #expect(try parseJSON(deep, limits: DocumentLimits(maxDepth: 10_000)).root.json() == deep)
        let unclosed = String(repeating: #"{"a":"#, count: 100_000)
        #expect(jsonError(Array(unclosed.utf8))?.code == .tooDeep)
        #expect(jsonError(Array("[1,2,3]".utf8), limits: DocumentLimits(maxNodes: 3))?.code == .tooManyNodes)
        #expect(jsonError(Array("[1,2,3]".utf8), limits: DocumentLimits(maxNodes: 4)) == nil)
        #expect(jsonError(Array("[1,2,3]".utf8), limits: DocumentLimits(maxBytes: 6))?.code == .tooLarge)
    }

    @Test func lines() throws {
        let root = try parseJSON("{\n \"a\": 1,\r\n \"b\":\n  [\n 1,\n {\"c\\n\": \"x\\ny\"}]\n}").root
        #expect(root.line == 1)
        #expect(root["a"]?.line == 2)
        #expect(root["b"]?.line == 3)
        #expect(root["b"]?[0]?.line == 5)
        #expect(root["b"]?[1]?.line == 6)
        #expect(root["b"]?[1]?["c\n"]?.line == 6)
    }

    @Test func sameContent() throws {
        let one = try parseJSON(#"{"a":[1,"x\u0041",null],"b":{"c":true}}"#)
        #expect(one.hasSameContent(as: try parseJSON("\n {\"a\": [1, \"xA\", null], \"b\": {\"c\": true}}")))
        for other in [
            #"{"a":[1,"xB",null],"b":{"c":true}}"#, #"{"a":[1,"xA",null],"d":{"c":true}}"#,
            #"{"a":[2,"xA",null],"b":{"c":true}}"#, #"{"a":[1,"xA",null],"b":{"c":false}}"#,
            #"{"a":[1,"xA"],"b":{"c":true}}"#, #"{"b":{"c":true},"a":[1,"xA",null]}"#, #"{"a":[1,"xA",[null]],"b":{}}"#,
        ] {
            #expect(try !one.hasSameContent(as: parseJSON(other)))
        }
    }
}

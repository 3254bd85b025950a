// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Inventory

struct TOMLTests {
    private func read(_ text: String) throws -> TOML.Table {
        try InventoryFile(path: "a.toml", bytes: Array(text.utf8)).toml()
    }

    /// Writes a value so that it can be compared.
    private func show(_ value: TOML.Value) -> String {
        switch value {
        case .text(let text): "“\(text)”"
        case .bool(let bool): "\(bool)"
        case .literal(let text): text
        case .array(let values): "[" + values.map(show).joined(separator: ",") + "]"
        case .tables(let list): "[" + list.tables.map(show).joined(separator: ",") + "]"
        case .table(let table): show(table)
        }
    }

    private func show(_ table: TOML.Table) -> String {
        "{" + table.keys.map { key in "\(key):" + (table[key].map(show) ?? "") }.joined(separator: ",") + "}"
    }

    @Test(arguments: [
        ("", "{}"),
        ("\u{FEFF}a = 1 # one\r\n\r\nb='x' ", "{a:1,b:“x”}"),
        ("a.b.c = true\na.b.d = false", "{a:{b:{c:true,d:false}}}"),
        ("\"a b\".'c\\d' = \"\"", "{a b:{c\\d:“”}}"),
        ("a = \"q\\\"\\\\\\n\\u00e9\\U0001F600\"", "{a:“q\"\\\né😀”}"),
        ("a = [1, [2.5], # x\n 'y',\n]", "{a:[1,[2.5],“y”]}"),
        ("a = {b = 1, c.d = [ ]}", "{a:{b:1,c:{d:[]}}}"),
        ("a = \"\"\"\nx\n  y\\\n   z \"\" \"\"\"\"", "{a:“x\n  yz \"\" \"”}"),
        ("a = '''x\\n'y'''", "{a:“x\\n'y”}"),
        ("a = 1979-05-27T07:32:00Z\nb = 1_000\nc = -inf", "{a:1979-05-27T07:32:00Z,b:1_000,c:-inf}"),
        ("[a]\nb=1\n[a.c]\nd=2\n[e]\n", "{a:{b:1,c:{d:2}},e:{}}"),
        ("[[p]]\nn=1\n[p.x]\ny=2\n[[p]]\nn=3\n[[p.q]]\nz=4", "{p:[{n:1,x:{y:2}},{n:3,q:[{z:4}]}]}"),
        ("[a.b]\nc=1\n[a]\nd=2", "{a:{b:{c:1},d:2}}"),
    ])
    func reads(text: String, tree: String) throws {
        #expect(show(try read(text)) == tree)
    }

    @Test(.timeLimit(.minutes(1))) func takesLinearTime() throws {
        let text = String(repeating: "[[p]]\na=1\n[p.q]\n", count: 100_000)
        #expect(try read(text).tables("p").count == 100_000)
    }

    @Test(arguments: [
        ("a = 1\na = 2", "line 2: a has a value already"),
        ("[a]\n[a]", "line 2: the table a stands here a second time"),
        ("a = {b=1}\n[a.c]", "line 2: a is no table"),
        ("a = [1]\n[[a]]\n", "line 2: a is an array with an end"),
        ("a = [{b = 1}]\n[[a]]\n", "line 2: a is an array with an end"),
        ("a = \"x\n\"", "must end in its line"),
        ("a = \"x", "no closing quote"),
        ("a = \"\\q\"", "not known"),
        ("a = \"\\uD800\"", "names no character"),
        ("a", "expected '='"), ("a =", "expected a value"), ("= 1", "expected a key"),
        ("a = 1 b = 2", "no value of TOML"),
        ("[a", "expected ']'"), ("a = [1 2]", "no value of TOML"), ("a = [1", "expected ',' or ']'"),
        ("a = x'y", "no value of TOML"),
        ("a = " + String(repeating: "[", count: 5000), "nested deeper than 64"),
        (String(repeating: "a.", count: 5000) + "b = 1", "more than 64 parts"),
    ])
    func refuses(text: String, message: String) throws {
        let error = try #require(throws: InventoryError.self) { try read(text) }
        #expect(error.message.contains(message))
    }
}

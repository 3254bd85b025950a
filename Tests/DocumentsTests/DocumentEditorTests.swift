// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Testing

struct DocumentEditorTests {
    enum Change: Sendable {
        case set([PathComponent], EditValue)
        case remove([PathComponent])
        case append([PathComponent], EditValue)
    }

    static func edit(_ text: String, _ change: Change, document: Int = 0) throws(DocumentError) -> String {
        var editor = DocumentEditor(Array(text.utf8), source: "e.yaml")
        switch change {
        case .set(let path, let value): try editor.set(path, to: value, document: document)
        case .remove(let path): try editor.remove(path, document: document)
        case .append(let path, let value): try editor.append(path, value, document: document)
        }
        return editor.text
    }

    static let pod = """
        # a pod
        apiVersion: v1
        kind: Pod
        metadata:
          name: "web" # quoted
          labels: {app: web, tier: front}
        spec:
          containers:
          - name: a   # first
            image: nginx:1
            args: ["-c", 'x']
            # deep comment
            securityContext:
              privileged: true  # bad
              capabilities: {}
          - image: b

          volumes: [] # none

        """

    @Test(arguments: [
        (
            Change.set(["spec", "containers", 0, "securityContext", "privileged"], false),
            "      privileged: true  # bad", "      privileged: false  # bad"
        ),
        (.set(["metadata", "name"], "it's"), "  name: \"web\" # quoted", "  name: \"it's\" # quoted"),
        (.set(["spec", "containers", 0, "args", 1], "it's"), "'x'", "'it''s'"),
        (
            .set(["spec", "hostNetwork"], false), "  volumes: [] # none\n",
            "  volumes: [] # none\n  hostNetwork: false\n"
        ),
        (
            .set(["spec", "containers", 1, "securityContext", "capabilities", "drop"], ["ALL"]), "  - image: b\n",
            "  - image: b\n    securityContext:\n      capabilities:\n        drop:\n        - ALL\n"
        ),
        (
            .set(["spec", "containers", 0, "securityContext", "capabilities", "drop"], ["ALL"]),
            "      capabilities: {}\n",
            "      capabilities:\n        drop:\n        - ALL\n"
        ),
        (.set(["metadata", "labels", "new"], "v"), "tier: front}", "tier: front, new: v}"),
        (
            .set(["metadata", "annotations"], ["a/b": "yes", "n": 1]), "tier: front}\n",
            "tier: front}\n  annotations:\n    a/b: \"yes\"\n    \"n\": 1\n"
        ),
        (
            .set(["spec", "containers", 0, "image"], ["x": [1, [2], ["k": nil]]]), "    image: nginx:1\n",
            "    image:\n      x:\n      - 1\n      - - 2\n      - k: null\n"
        ),
        (
            .set(["spec", "containers", 0, "securityContext"], nil),
            "    securityContext:\n      privileged: true  # bad\n      capabilities: {}\n",
            "    securityContext: null\n"
        ),
        (
            .set(["spec", "containers", 0, "securityContext", "privileged"], ["a": 1]),
            "      privileged: true  # bad\n",
            "      privileged: # bad\n        a: 1\n"
        ),
        (
            .set(["spec", "containers", 0], "text"),
            "- name: a   # first\n    image: nginx:1\n    args: [\"-c\", 'x']\n    # deep comment\n    securityContext:\n      privileged: true  # bad\n      capabilities: {}\n",
            "- text\n"
        ),
        (.set(["spec", "containers", 2], ["image": "c:1"]), "  - image: b\n", "  - image: b\n  - image: c:1\n"),
        (
            .append(["spec", "containers"], ["name": "c", "env": [["name": "X"]]]), "  - image: b\n",
            "  - image: b\n  - name: c\n    env:\n    - name: X\n"
        ),
        (.append(["spec", "containers", 0, "args"], "z z"), "'x']", "'x', \"z z\"]"),
        (.append(["spec", "volumes"], ["name": "v"]), "  volumes: [] # none\n", "  volumes: # none\n  - name: v\n"),
        (
            .append(["spec", "tolerations"], ["key": "k"]), "  volumes: [] # none\n",
            "  volumes: [] # none\n  tolerations:\n  - key: k\n"
        ),
        (.remove(["spec", "containers", 0, "securityContext", "privileged"]), "      privileged: true  # bad\n", ""),
        (
            .remove(["spec", "containers", 0, "securityContext"]),
            "    securityContext:\n      privileged: true  # bad\n      capabilities: {}\n", ""
        ),
        (.remove(["spec", "containers", 0, "name"]), "- name: a   # first\n    image", "- image"),
        (.remove(["spec", "containers", 1]), "  - image: b\n", ""),
        (.remove(["spec", "containers", 1, "image"]), "  - image: b\n", "  - {}\n"),
        (.remove(["metadata", "labels", "app"]), "{app: web, tier", "{tier"),
        (.remove(["metadata", "labels", "tier"]), "web, tier: front", "web"),
        (.remove(["spec", "containers", 0, "args", 0]), "[\"-c\", ", "["),
        (.remove(["spec", "containers", 0, "args"]), "    args: [\"-c\", 'x']\n", ""),
    ])
    func keepsTheRest(change: Change, old: String, new: String) throws {
        let parts = Self.pod.split(separator: old, omittingEmptySubsequences: false)
        #expect(parts.count == 2)
        let expected = parts.joined(separator: new)
        #expect(try Self.edit(Self.pod, change) == expected)
        let windows = Self.pod.replacing("\n", with: "\r\n")
        #expect(try Self.edit(windows, change) == expected.replacing("\n", with: "\r\n"))
        #expect(try Self.edit("\u{FEFF}" + Self.pod, change) == "\u{FEFF}" + expected)
        let second = "a: 1\n---\n" + Self.pod + "---\nb: [2\n---\nc: 3\n"
        #expect(try Self.edit(second, change, document: 1) == "a: 1\n---\n" + expected + "---\nb: [2\n---\nc: 3\n")
    }

    @Test(arguments: [
        ("spec:", Change.set(["spec", "a"], 1), "spec:\n  a: 1"),
        ("spec: # c\nx: 1", .set(["spec", "a"], 1), "spec: # c\n  a: 1\nx: 1"),
        ("a: 1", .set(["b"], 2), "a: 1\nb: 2"), ("a:\n- 1\n-\n- 2\n", .set(["a", 1], "x"), "a:\n- 1\n- x\n- 2\n"),
        (
            "a:\n    b:\n        c: 1\n", .set(["a", "d", "e"], true),
            "a:\n    b:\n        c: 1\n    d:\n        e: true\n"
        ),
        ("a:\n  - 1\nb:\n  - 2\n", .set(["c"], [3]), "a:\n  - 1\nb:\n  - 2\nc:\n  - 3\n"),
        ("a: |\n  text\n\n\nb: 1\n", .set(["c"], 1), "a: |\n  text\n\n\nb: 1\nc: 1\n"),
        ("x:\n  a: |\n    text\n\n\nb: 1\n", .set(["x", "c"], 1), "x:\n  a: |\n    text\n  c: 1\n\n\nb: 1\n"),
        ("x:\n  a: |+\n    text\n\n\nb: 1\n", .set(["x", "c"], 1), "x:\n  a: |+\n    text\n\n\n  c: 1\nb: 1\n"),
        ("a: |\n  text\n\nb: 1\n", .set(["a"], "y"), "a: \"y\"\n\nb: 1\n"),
        ("a: >-\n  text\n  more\nb: 1\n", .remove(["a"]), "b: 1\n"), ("a: 1\n", .remove(["a"]), "{}\n"),
        ("a:\n  b: 1\nc: 2\n", .remove(["a", "b"]), "a: {}\nc: 2\n"),
        ("- - 1\n  - 2\n- 3\n", .remove([0, 0]), "- - 2\n- 3\n"),
        ("- - 1\n- 3\n", .remove([0, 0]), "- []\n- 3\n"), ("- 1\n", .append([], 2), "- 1\n- 2\n"),
        ("{a: 1,}\n", .set(["b"], 2), "{a: 1, b: 2,}\n"), ("a: {}\n", .set(["a", "b"], 1), "a:\n  b: 1\n"),
        ("a: [{}, {b: }]\n", .set(["a", 1, "b"], 1), "a: [{}, {b: 1}]\n"),
        ("a: [{}]\n", .set(["a", 0, "b"], ["c": ["d"]]), "a: [{b: {c: [d]}}]\n"),
        ("a: 'x' # c\n", .set(["a"], "y\n"), "a: \"y\\n\" # c\n"),
        ("\"a\": 1\n", .set(["b"], 1), "\"a\": 1\n\"b\": 1\n"),
        ("é: {ü: 1}\n", .set(["é", "b"], "ä"), "é: {ü: 1, b: \"ä\"}\n"),
        ("a: &x {b: 1}\nc: *x\n", .set(["d"], 1), "a: &x {b: 1}\nc: *x\nd: 1\n"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", .set(["c", "b"], 2), "a: &x {b: 1}\nc:\n  <<: *x\n  b: 2\n"),
        ("0x10: a\n", .set(["16"], "b"), "0x10: b\n"), ("a: !!str 1\n", .set(["a"], 2), "a: 2\n"),
        ("a: 1 \n\n# end\n", .set(["b"], 1), "a: 1 \nb: 1\n\n# end\n"),
        ("- a: 1\n\n  # c\n  b: 2\n", .remove([0, "b"]), "- a: 1\n\n  # c\n"),
        ("a:\n- b\n# c\n- d\n", .remove(["a", 0]), "a:\n# c\n- d\n"),
    ])
    func oddPlaces(text: String, change: Change, expected: String) throws {
        #expect(try Self.edit(text, change) == expected)
    }

    @Test(arguments: [
        (#"{"a":1,"b":{}}"#, Change.set(["b", "c"], ["d": [1, "x"]]), #"{"a":1,"b":{"c":{"d":[1,"x"]}}}"#),
        (#"{"a": 1, "b": [1, 2]}"#, .append(["b"], ["c": true]), #"{"a": 1, "b": [1, 2, {"c": true}]}"#),
        (#"{"a":[1,2]}"#, .remove(["a", 1]), #"{"a":[1]}"#), (#"{"a":[1]}"#, .remove(["a", 0]), #"{"a":[]}"#),
        ("{\n  \"a\": 1\n}\n", .set(["b", "c"], "yes"), "{\n  \"a\": 1,\n  \"b\": {\n    \"c\": \"yes\"\n  }\n}\n"),
        (
            "{\n\t\"a\": {},\n\t\"b\": [\n\t\t1\n\t]\n}\n", .set(["a", "x"], 1),
            "{\n\t\"a\": {\n\t\t\"x\": 1\n\t},\n\t\"b\": [\n\t\t1\n\t]\n}\n"
        ),
        (
            "{\n\t\"a\": {},\n\t\"b\": [\n\t\t1\n\t]\n}\n", .append(["b"], [2, 3]),
            "{\n\t\"a\": {},\n\t\"b\": [\n\t\t1,\n\t\t[\n\t\t\t2,\n\t\t\t3\n\t\t]\n\t]\n}\n"
        ),
        ("{\n  \"a\": 1,\n  \"b\": 2\n}\n", .remove(["a"]), "{\n  \"b\": 2\n}\n"),
        ("{\n  \"a\": 1,\n  \"b\": 2\n}\n", .remove(["b"]), "{\n  \"a\": 1\n}\n"),
        (#"{"a\"":"\ud83d\ude00","k":null}"#, .set(["k", "x"], 1), #"{"a\"":"\ud83d\ude00","k":{"x":1}}"#),
        (#"{"k": "\/"}"#, .set(["k"], "é\u{7}"), #"{"k": "é\u0007"}"#), ("{}", .set(["a"], 1), #"{"a": 1}"#),
    ])
    func json(text: String, change: Change, expected: String) throws {
        #expect(try Self.edit(text, change) == expected)
    }

    @Test(arguments: [
        ("a: &x {b: 1}\nc: *x\n", Change.set(["c", "b"], 2)), ("a: &x {b: 1}\nc: *x\n", .set(["a", "b"], 2)),
        ("a: &x 1\nc: *x\n", .set(["a"], 2)), ("a: 1\n", .set(["a", "b"], 2)), ("a: [1]\n", .set(["a", 3], 2)),
        ("a: [1]\n", .set(["a", "b"], 2)), ("a: {b: 1}\n", .set(["a", 0], 2)), ("a: 1\n", .remove(["b"])),
        ("a: 1\n", .remove([])), ("a: 1\n", .append(["a"], 1)), ("? a\n: b\n", .set(["a"], ["c": 1])),
        ("a: &x {b: 1}\nc: {<<: *x}\n", .remove(["c", "b"])), ("a: [\n", .set(["a"], 1)),
    ])
    func refuses(text: String, change: Change) throws {
        var editor = DocumentEditor(Array(text.utf8), source: "e.yaml")
        #expect(throws: DocumentError.self) { _ = try Self.edit(text, change) }
        #expect(throws: DocumentError.self) { try editor.set(["a"], to: 1, document: 7) }
        #expect(editor.text == text)
    }

    @Test(arguments: [
        "yes", "no", "~", "null", "1", "0x1", "1e3", "", " a", "a ", "a: b", "a:", "a #b", "#a", "- a", "-", "*a", "&a",
        "!a",
        "%a", "@a", "`a", "{a", "[a", "a,b", "'a'", "\"a\"", "a\nb", "a\tb", "é", "\u{7f}\u{85}\u{2028}\u{feff}",
        "2001-01-01",
        "1:30", ".5", ".inf", "<<", "=", "?", ":", "|", ">", "---", "...", "a:b", "http://x/y", "/bin/sh", "a_b-c.d",
        "0777",
        "RuntimeDefault", "NET_ADMIN", "ALL", "Yes", "On", "😀", String(repeating: "x", count: 2000),
    ])
    func everyStringComesBack(text: String) throws {
        for start in [
            "a: 1\n", "a: 'x'\n", "a: \"x\"\n", "{\"a\": 1}", "a: |\n  x\n", "[{a: 1}]", "a:\n", "a: {b: c}\n",
        ] {
            let path: [PathComponent] = start.hasPrefix("[") ? [0, "a"] : ["a"]
            let edited = try Self.edit(start, .set(path, .string(text)))
            let root = try #require(DocumentReader.documents(in: Array(edited.utf8), source: "e").first).get().root
            #expect(root.at(path)?.string == text)
        }
        // No reader takes a longer key without `? `.
        if text.utf8.count > 1000 { return }
        let keyed = try Self.edit("a:\n  b: 1\n", .set(["a", .key(text)], 2))
        let root = try #require(DocumentReader.documents(in: Array(keyed.utf8), source: "e").first).get().root
        #expect(root["a"]?[dynamic: text]?.int == 2)
    }
}

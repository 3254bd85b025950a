// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import TestSupport
import Testing

/// Input that nobody wants: each names its place, takes bounded time and memory, and leaves the rest inspected.
@Suite struct InspectCLIBadInputTests {
    /// A pod with one failure that every run here must still find.
    static let good = """
        apiVersion: v1
        kind: Pod
        metadata: {name: still-inspected, namespace: shop}
        spec:
          hostNetwork: true
          containers: [{name: app, image: "registry.example.com/app:1"}]

        """

    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let text: String
        /// How the line on standard error goes on after `bulwark: FILE`.
        let message: String
        var status: Int32 = 2
        var testDescription: String { name }
    }

    static let texts: [Case] = [
        Case(name: "indent.yaml", text: "kind: Pod\nmetadata:\n  name: a\n wrong: 1\n", message: ":4:2: "),
        Case(name: "flow.yaml", text: "kind: Pod\nspec: [\n", message: ":3:1: "),
        Case(name: "tab.yaml", text: "kind: Pod\nspec:\n\ta: 1\n", message: ":3:1: "),
        Case(name: "brace.json", text: "{\"kind\": \"Pod\",\n \"spec\": {\"a\": 1}\n", message: ":3:1: "),
        Case(
            name: "comma.json", text: "{\"kind\": \"Pod\",\n \"spec\" 1}\n", message: ":2:9: expected ':' after the key"
        ),
        Case(name: "twice.yaml", text: "kind: Pod\nkind: Job\n", message: ":2:1: key \"kind\" is already set"),
        Case(
            name: "twice.json", text: "{\"kind\": \"Pod\",\n\"kind\": \"Job\"}",
            message: ":2:1: key \"kind\" is already set"),
        Case(name: "binary.yaml", text: "kind: Pod\n\u{0}\u{1}\u{2}ELF\u{0}", message: ":2:1: a NUL byte"),
        Case(name: "alias.yaml", text: "kind: *Pod\n", message: ":1:7: unknown anchor"),
        Case(
            name: "deep.yaml", text: "kind: Pod\nspec: " + nested(10_000, "[", "]"),
            message: ":2:8: nested deeper than the limit"),
        Case(
            name: "deep.json", text: "{\"kind\":\"Pod\",\"spec\":" + nested(10_000, "[", "]") + "}",
            message: ":1:1021: nested deeper than the limit"),
        Case(
            name: "deep-objects.json", text: "{\"kind\":\"Pod\",\"spec\":" + nested(10_000, "{\"a\":", "}", "1") + "}",
            message: ":1:5017: nested deeper than the limit"),
        Case(name: "bomb.yaml", text: bomb, message: ":4:17: the document consists of too many aliases"),
        Case(
            name: "itself.yaml", text: "kind: Pod\nspec: &a [*a]\n", message: ":2:11: an anchor contains itself"),
    ]

    static func nested(_ depth: Int, _ open: String, _ close: String, _ core: String = "") -> String {
        String(repeating: open, count: depth) + core + String(repeating: close, count: depth)
    }

    /// Each line holds nine of the line before: nine to the eleventh texts in all.
    static let bomb: String = {
        var text = "a: &a [x, x, x, x, x, x, x, x, x]\n"
        for (name, last) in zip("bcdefghijk", "abcdefghij") {
            text += "\(name): &\(name) [" + Array(repeating: "*\(last)", count: 9).joined(separator: ",") + "]\n"
        }
        return text
    }()

    @Test(arguments: texts) func namesThePlaceAndGoesOn(_ item: Case) async throws {
        let folder = try ScratchFolder()
        try folder.write(item.text, to: "a/" + item.name)
        try folder.write(Self.good, to: "b/good.yaml")
        let run = try await CommandRun.bulwark(
            ["inspect", "--check", "host-network", "a", "b"], folder: folder.path, dataMB: 512)
        #expect(run.status == item.status, "\(run.output)\(run.errors)")
        let lines = run.errors.split(separator: "\n")
        #expect(lines.count == 1, "\(run.errors)")
        #expect(lines.first?.hasPrefix("bulwark: a/\(item.name)\(item.message)") == true, "\(run.errors)")
        #expect(run.output.contains("still-inspected"), "\(run.output)")
        #expect(run.seconds < 30 && run.residentMB < 200)
    }

    /// A syntax error in the middle costs one document, not the file.
    @Test func documentsAroundABrokenOneAreInspected() async throws {
        let folder = try ScratchFolder()
        let other = Self.good.replacing("still-inspected", with: "before-it")
        try folder.write("\(other)---\nkind: Pod\n x: [\n---\n\(Self.good)", to: "many.yaml")
        let run = try await CommandRun.bulwark(
            ["inspect", "--check", "host-network", "many.yaml"], folder: folder.path)
        #expect(run.status == 2)
        #expect(run.output.contains("before-it") && run.output.contains("still-inspected"), "\(run.output)")
        #expect(run.errors.hasPrefix("bulwark: many.yaml:9:"), "\(run.errors)")
    }

    /// What is no file to read: a gigabyte that is a hole, a pipe nobody writes to, links that lead nowhere or in circles, a
    /// folder that is called like a file, a file that is gone.
    @Test func oddFilesAreNamedAndTheRestIsInspected() async throws {
        let folder = try ScratchFolder()
        let files = FileManager.default
        try folder.write(Self.good, to: "in/good.yaml")
        try folder.write("", to: "in/empty.yaml")
        try folder.write("# nothing but a remark\n---\n", to: "in/remark.yml")
        try folder.write("not yaml: [", to: "in/notes.txt")
        for name in ["huge.yaml", "huge.json"] {
            try folder.write("", to: "in/" + name)
            truncate(folder.path + "/in/" + name, 1 << 30)
        }
        mkfifo(folder.path + "/in/pipe.yaml", 0o600)
        try files.createSymbolicLink(atPath: folder.path + "/in/dangling.yaml", withDestinationPath: "nowhere")
        try files.createSymbolicLink(atPath: folder.path + "/in/itself.yaml", withDestinationPath: "itself.yaml")
        try files.createDirectory(atPath: folder.path + "/in/folder.yaml", withIntermediateDirectories: true)
        try files.createSymbolicLink(atPath: folder.path + "/in/folder.yaml/up", withDestinationPath: "..")
        let run = try await CommandRun.bulwark(
            ["inspect", "--check", "host-network", "in", "in/gone.yaml", "in/folder.yaml"], folder: folder.path,
            dataMB: 512)
        #expect(run.status == 2)
        let lines = Set(run.errors.split(separator: "\n").map(String.init))
        for expected in [
            "in/dangling.yaml: no such file or folder", "in/itself.yaml: too many links",
            "in/gone.yaml: no such file or folder",
            "in/pipe.yaml: not a regular file",
        ] {
            #expect(lines.contains("bulwark: \(expected)"), "\(run.errors)")
        }
        for name in ["huge.yaml", "huge.json"] {
            #expect(lines.contains { $0.hasPrefix("bulwark: in/\(name):") }, "\(run.errors)")
        }
        #expect(lines.count == 6, "\(run.errors)")
        #expect(run.output.contains("still-inspected"), "\(run.output)")
        #expect(run.seconds < 60 && run.residentMB < 300, "\(run.seconds) s, \(run.residentMB) MB")
    }

    /// Lists: an item that is no object is named, the others are judged; lists inside lists end.
    @Test func listsWithOddItems() async throws {
        let item = """
            {"apiVersion":"v1","kind":"Pod","metadata":{"name":"still-inspected"},"spec":{"hostNetwork":true,"containers":[{"name":"a","image":"a:1"}]}}
            """
        for (text, message) in [
            (#"{"kind":"List","apiVersion":"v1","items":[7,"#, "-:1:"), (#"{"kind":"List","items":["x",[],"#, "-:1:"),
            (#"{"kind":"PodList","apiVersion":"v1","items":[null,"#, "-:1:"),
        ] {
            let run = try await CommandRun.bulwark(
                ["inspect", "--check", "host-network", "-"], input: text + item + "]}")
            #expect(run.output.contains("still-inspected"), "\(text): \(run.output)")
            #expect(run.status == 2 && run.errors.contains(message), "\(text): \(run.errors)")
        }
        let deep = Self.nested(50, #"{"kind":"List","items":["#, "]}", item)
        let run = try await CommandRun.bulwark(["inspect", "-"], input: deep)
        #expect(run.status == 2 && run.errors.contains("nested too deep"), "\(run.errors)")
    }

    /// Ten thousand wrong documents are told, bounded, and do not hide the right one.
    @Test func manyBrokenDocumentsStayBounded() async throws {
        let text = String(repeating: "kind: Pod\n x: [\n---\n", count: 10_000)
        let run = try await CommandRun.bulwark(
            ["inspect", "--check", "host-network", "-"], input: Self.good + "---\n" + text)
        #expect(run.status == 2)
        #expect(run.output.contains("still-inspected"))
        #expect(run.errors.utf8.count < 1 << 20, "\(run.errors.utf8.count) bytes of messages")
        #expect(run.seconds < 30)
    }
}

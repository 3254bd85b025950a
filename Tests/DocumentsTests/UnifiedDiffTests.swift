// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import TestSupport
import Testing

struct UnifiedDiffTests {
    /// Whether `patch` is on this machine.
    static let patch: String? = {
        let found = ["/usr/bin/patch", "/bin/patch"].first { FileManager.default.isExecutableFile(atPath: $0) }
        if found == nil { print("SKIPPED: diffs are not given to patch, which is not installed") }
        return found
    }()

    /// What `patch -p1` makes of a text and a diff.
    static func applied(_ diff: String, to old: String, name: String, by tool: String) throws -> String {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("diff-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent(name)
        try Data(old.utf8).write(to: file)
        try Data(diff.utf8).write(to: folder.appendingPathComponent("diff"))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: tool)
        process.arguments = ["-p1", "--binary", "-s", "-F0", "-i", "diff"]
        process.currentDirectoryURL = folder
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(diff)")
        return try String(decoding: Data(contentsOf: file), as: UTF8.self)
    }

    @Test func format() {
        let old = (1...20).map { "line \($0)\n" }.joined()
        let new = old.replacing("line 5\n", with: "line five\n").replacing("line 18\n", with: "")
        let expected = """
            --- a/x/y.yaml
            +++ b/x/y.yaml
            @@ -2,7 +2,7 @@
             line 2
             line 3
             line 4
            -line 5
            +line five
             line 6
             line 7
             line 8
            @@ -15,6 +15,5 @@
             line 15
             line 16
             line 17
            -line 18
             line 19
             line 20

            """
        #expect(UnifiedDiff.diff(old: old, new: new, path: "./x/y.yaml") == expected)
        #expect(UnifiedDiff.diff(old: old, new: old, path: "x") == "")
        #expect(
            UnifiedDiff.diff(old: "a", new: "a\n", path: "/x")
                == "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n")
        #expect(UnifiedDiff.diff(old: "", new: "a\n", path: "x") == "--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+a\n")
        #expect(
            UnifiedDiff.diff(old: "a\nb\n", new: "b\n", path: "x", context: 0)
                == "--- a/x\n+++ b/x\n@@ -1 +0,0 @@\n-a\n")
    }

    @Test(.enabled(if: patch != nil)) func patchTakesThem() throws {
        var dice = Dice(state: 5)
        for round in 0..<150 {
            var lines = (0..<Int.random(in: 1...60, using: &dice)).map { _ in "l\(Int.random(in: 0...8, using: &dice))"
            }
            let end = round % 3 == 0 ? "" : round % 3 == 1 ? "\n" : "\r\n"
            let old = lines.joined(separator: round % 3 == 2 ? "\r\n" : "\n") + end
            for _ in 0..<Int.random(in: 1...8, using: &dice) {
                let at = Int.random(in: 0...lines.count, using: &dice)
                if Bool.random(using: &dice) {
                    lines.insert("new", at: at)
                } else if at < lines.count {
                    lines.remove(at: at)
                }
            }
            if lines.isEmpty { continue }
            let new = lines.joined(separator: round % 3 == 2 ? "\r\n" : "\n") + (round % 5 == 0 ? "" : end)
            let diff = UnifiedDiff.diff(old: old, new: new, path: "f", context: round % 4)
            guard let tool = Self.patch, !diff.isEmpty else { continue }
            // Without context patch must not guess, so it is told to take line numbers as they are (-F0).
            #expect(try Self.applied(diff, to: old, name: "f", by: tool) == new, "\(diff)")
        }
    }

    @Test func largeTextsAreBounded() {
        let old = (0..<20_000).map { "a\($0)\n" }.joined()
        let new = (0..<20_000).map { "b\($0)\n" }.joined()
        let diff = UnifiedDiff.diff(old: old, new: new, path: "x")
        #expect(diff.hasPrefix("--- a/x\n+++ b/x\n@@ -1,20000 +1,20000 @@\n-a0\n"))
    }
}

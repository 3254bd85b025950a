// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Commands

@Suite struct InputFileTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "bulwark-\(UUID().uuidString)")

    init() throws {
        try FileManager.default.createDirectory(at: folder.appending(path: "a/b"), withIntermediateDirectories: true)
    }

    private func write(_ name: String, _ text: String = "kind: Pod") throws {
        try text.write(to: folder.appending(path: name), atomically: true, encoding: .utf8)
    }

    @Test func foldersAreWalkedInOrderAndLinksEnd() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        for name in ["b.yml", "a.yaml", "a/c.json", "a/readme.md", "a/b/d.YAML"] { try write(name) }
        try FileManager.default.createSymbolicLink(atPath: folder.path + "/a/b/up", withDestinationPath: folder.path)
        var problems: [String] = []
        let files = InputFile.all(in: [folder.path]) { problems.append($0) }
        #expect(
            files.map { String($0.dropFirst(folder.path.count + 1)) } == ["a/b/d.YAML", "a/c.json", "a.yaml", "b.yml"])
        #expect(problems.isEmpty)
    }

    @Test func whatIsNoFileIsNamed() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        var problems: [String] = []
        _ = InputFile.all(in: [folder.path + "/missing.yaml"]) { problems.append($0) }
        #expect(problems == ["\(folder.path)/missing.yaml: no such file or folder"])
        mkfifo(folder.path + "/pipe.yaml", 0o600)
        #expect(throws: UserError.self) { try InputFile.open(folder.path + "/pipe.yaml") { _ in } }
    }
}

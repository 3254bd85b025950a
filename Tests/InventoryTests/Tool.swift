// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation

/// Package managers of this machine.
enum Tool {
    /// A program by its name in PATH, or a file or folder by its path; says so where it is missing.
    static func isThere(_ name: String) -> Bool {
        let folders = name.contains("/") || name.contains(".") ? [""] : search.map { $0 + "/" }
        if folders.contains(where: { FileManager.default.fileExists(atPath: $0 + name) }) { return true }
        print("SKIPPED: \(name) is not on this machine")
        return false
    }

    private static let search = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":")
        .map(String.init)

    struct Failure: Error { let status: Int32, text: String }

    /// What a program prints, with at most two minutes for it.
    ///
    /// Foundation's `Process` now and then misses the end of a child and waits for ever.
    static func output(
        _ name: String, _ arguments: [String], in folder: String? = nil, environment: [String: String] = [:],
        anyStatus: Bool = false
    ) throws -> String {
        let scratch = try ScratchTree()
        let (output, errors) = ("\(scratch.path)/output", "\(scratch.path)/errors")
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT, 0o600)
        posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT, 0o600)
        var settings = ProcessInfo.processInfo.environment
        settings.merge(
            ["LC_ALL": "C.UTF-8", "COMPOSER_ALLOW_SUPERUSER": "1", "npm_config_update_notifier": "false"]
        ) { _, own in own }
        settings.merge(environment) { _, own in own }
        let words =
            ["env"] + (folder.map { ["-C", $0] } ?? []) + ["timeout", "--kill-after", "5", "120", name] + arguments
        var child: pid_t = 0
        let code = withCStrings(words) { words in
            withCStrings(settings.map { "\($0.key)=\($0.value)" }) { settings in
                posix_spawn(&child, "/usr/bin/env", &actions, nil, words, settings)
            }
        }
        guard code == 0 else { throw Failure(status: code, text: "\(name) cannot be started") }
        var status: Int32 = 0
        while waitpid(child, &status, 0) == -1, errno == EINTR {}
        guard anyStatus || status == 0 else {
            let text = (try? String(contentsOfFile: errors, encoding: .utf8)) ?? ""
            throw Failure(status: status >> 8, text: String(text.suffix(600)))
        }
        return String(decoding: try Data(contentsOf: URL(filePath: output)), as: UTF8.self)
    }

    private static func withCStrings<R>(_ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> R) -> R {
        let copies = texts.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        return body(copies + [nil])
    }
}

/// A folder that goes when the test ends.
final class ScratchTree {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "/bulwark-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ name: String, _ text: String) throws {
        let url = URL(filePath: "\(path)/\(name)")
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
    }
}

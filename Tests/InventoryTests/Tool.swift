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

    static func output(
        _ name: String, _ arguments: [String], in folder: String? = nil, environment: [String: String] = [:],
        anyStatus: Bool = false
    ) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["timeout", "120", name] + arguments
        if let folder { process.currentDirectoryURL = URL(filePath: folder) }
        process.environment = ProcessInfo.processInfo.environment.merging(
            ["LC_ALL": "C.UTF-8", "COMPOSER_ALLOW_SUPERUSER": "1", "npm_config_update_notifier": "false"]
        ) { _, own in own }
        .merging(environment) { _, own in own }
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let text = String(decoding: data, as: UTF8.self)
        guard anyStatus || process.terminationStatus == 0 else {
            throw Failure(status: process.terminationStatus, text: text)
        }
        return text
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

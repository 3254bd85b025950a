// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import TestSupport

/// One run of a command as a process of its own: what it said, how it ended, and what it took.
struct CommandRun: Sendable {
    let status: Int32
    let output: String
    let errors: String
    let seconds: Double
    /// The largest resident memory that was seen, in MB; 0 when the process was too short-lived to look.
    let residentMB: Int

    struct Overrun: Error, CustomStringConvertible {
        let description: String
    }

    /// The built command, beside the tests.
    static let bulwark: String = {
        if let given = ProcessInfo.processInfo.environment["BULWARK_BINARY"], !given.isEmpty { return given }
        return TestCluster.root + "/.build/debug/bulwark"
    }()

    /// Runs `bulwark`. Private memory beyond `dataMB` ends it, and so does time beyond `limit`: the error says so.
    static func bulwark(
        _ arguments: [String], input: String? = nil, environment: [String: String] = [:], folder: String? = nil,
        limit: Duration = .seconds(60), dataMB: Int = 1024
    ) async throws -> CommandRun {
        try await run(
            "/bin/bash", ["-c", "ulimit -d \(dataMB << 10); exec \"$0\" \"$@\"", bulwark] + arguments, input: input,
            environment: environment, folder: folder, limit: limit)
    }

    static func run(
        _ path: String, _ arguments: [String], input: String? = nil, environment: [String: String] = [:],
        folder: String? = nil, limit: Duration
    ) async throws -> CommandRun {
        // Files, not pipes: whatever the process writes, nobody has to read along.
        let scratch = try ScratchFolder()
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        process.currentDirectoryURL = URL(filePath: folder ?? scratch.path)
        var variables = ProcessInfo.processInfo.environment
        for name in ["KUBECONFIG", "NO_COLOR", "COLUMNS"] { variables[name] = nil }
        process.environment = variables.merging(environment) { $1 }
        process.standardInput = FileHandle(
            forReadingAtPath: try input.map { try scratch.write($0, to: "in") } ?? "/dev/null")
        for name in ["out", "err"] { try scratch.write("", to: name) }
        process.standardOutput = FileHandle(forWritingAtPath: scratch.path + "/out")
        process.standardError = FileHandle(forWritingAtPath: scratch.path + "/err")
        let started = ContinuousClock.now
        try process.run()
        var resident = 0
        while process.isRunning {
            resident = max(resident, highWater(process.processIdentifier))
            if ContinuousClock.now - started > limit {
                kill(process.processIdentifier, SIGKILL)
                throw Overrun(description: "\(arguments.joined(separator: " ")) took longer than \(limit)")
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        let time = (ContinuousClock.now - started).components
        func text(_ name: String) throws -> String {
            String(decoding: try Data(contentsOf: URL(filePath: scratch.path + "/" + name)), as: UTF8.self)
        }
        return CommandRun(
            status: process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus,
            output: try text("out"), errors: try text("err"),
            seconds: Double(time.seconds) + Double(time.attoseconds) * 1e-18, residentMB: resident >> 10)
    }

    /// VmHWM in KB.
    private static func highWater(_ process: Int32) -> Int {
        guard let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") })
        else { return 0 }
        return Int(line.split(whereSeparator: { !$0.isNumber }).first ?? "") ?? 0
    }
}

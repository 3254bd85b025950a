// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation

/// The command line: `bulwark <noun> <verb>`.
package struct Bulwark: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "bulwark", abstract: "Kubernetes security: what a cluster runs, inspected, remembered and shown.",
        version: Version.current,
        subcommands: [
            Inspect.self, Serve.self, Checks.self, Policy.self, AdmissionCommand.self, RegoCommand.self,
            CELCommand.self, GatekeeperCommand.self, ImageCommand.self, SBOMCommand.self,
            AdvisoriesCommand.self,
        ])

    package init() {}

    /// Runs the command that the arguments name and returns the exit status of the contract.
    package static func run(_ arguments: [String]) async -> Int32 {
        do {
            var command = try parseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            return ExitStatus.done.rawValue
        } catch {
            return tell(error)
        }
    }

    /// Runs `inspect` on files, and returns the exit status; nil when the arguments ask for anything else.
    ///
    /// It runs in loops and hooks, so it takes short ways: plain arguments are read without the parser, others are tried on it
    /// alone, since to put the tree of all commands together takes longer than to read a folder, and it stays on the calling
    /// thread. Arguments that it does not take are for `run` to explain.
    package static func inspectFiles(_ arguments: [String]) -> Int32? {
        guard arguments.first == "inspect" else { return nil }
        let arguments = Array(arguments.dropFirst())
        let inspect: Inspect
        if let plain = Inspect.plain(arguments) {
            inspect = plain
        } else if let parsed = try? Inspect.parse(arguments), !parsed.cluster.isAsked {
            inspect = parsed
        } else {
            return nil
        }
        do {
            try inspect.runOnFiles()
            return ExitStatus.done.rawValue
        } catch {
            return tell(error)
        }
    }

    /// Says what ended a command, and returns the status for it.
    private static func tell(_ error: any Error) -> Int32 {
        if let status = error as? ExitStatus { return status.rawValue }
        if let problem = error as? UserError {
            Terminal.error(problem.message)
            return problem.status.rawValue
        }
        let text = fullMessage(for: error)
        if exitCode(for: error) == .success {
            print(text)
            return ExitStatus.done.rawValue
        }
        FileHandle.standardError.write(Data((text + "\n").utf8))
        return ExitStatus.unreadable.rawValue
    }
}

/// What the process ends with; the highest of several wins.
package enum ExitStatus: Int32, Error, Comparable {
    case done = 0
    /// Something reached `--fail-on`.
    case failed = 1
    /// Wrong usage, or an input that could not be read, after the rest was done.
    case unreadable = 2
    /// Something could not be evaluated or finished.
    case unfinished = 3

    package static func < (left: ExitStatus, right: ExitStatus) -> Bool { left.rawValue < right.rawValue }
}

/// A failure to tell the user in one sentence that says what to do.
package struct UserError: Error {
    let message: String
    let status: ExitStatus

    init(_ message: String, _ status: ExitStatus = .unreadable) {
        self.message = message
        self.status = status
    }
}

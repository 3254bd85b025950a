// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import Reporting

/// `bulwark policy test`: policies against manifests with expected answers.
struct PolicyTest: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Try policies on manifests with expected answers.",
        discussion: """
            A folder is searched for files whose name ends in policy-test.yaml; docs/policies/testing.md describes them.

            Exit status: 0 all cases passed, 1 a case failed, 2 wrong usage or a test file that could not be read, 3 an \
            object that could not be judged.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable { case table, json, junit }

    @Argument(help: "Test files, and folders with them.")
    var paths: [String]

    @Option(name: .shortAndLong, help: "table, json or junit.")
    var output = Format.table

    func run() throws {
        var status = ExitStatus.done
        func note(_ message: String) {
            status = max(status, .unreadable)
            Terminal.error(message)
        }
        let named = Set(paths)
        let files = InputFile.all(in: paths, problem: note).filter {
            named.contains($0) || $0.hasSuffix("policy-test.yaml")
        }
        if files.isEmpty { note("\(paths.joined(separator: ", ")): there is no policy-test.yaml") }
        let now = Int64(Date().timeIntervalSince1970)
        var outcomes: [PolicyTestOutcome] = []
        for file in files {
            do throws(UserError) {
                let cases = try PolicyTestFile(file)
                outcomes += try PolicyTestRun(cases, now: cases.now ?? now).outcomes()
            } catch {
                note(error.message)
            }
        }
        for outcome in outcomes where !outcome.isPassed {
            status = max(status, outcome.isError ? .unfinished : .failed)
        }
        var text = OutputBuffer(sink: Terminal.write)
        switch output {
        case .table: outcomes.writeTable(to: &text, width: Terminal.width, colour: Terminal.usesColour)
        case .json: outcomes.writeJSON(to: text)
        case .junit: outcomes.writeJUnit(to: &text)
        }
        text.flush()
        if status != .done { throw status }
    }
}

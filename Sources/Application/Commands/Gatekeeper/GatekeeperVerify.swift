// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AccessControl
import ArgumentParser
import Documents
import Foundation
import Rego
import RegularExpressions

/// `bulwark gatekeeper verify`: gator's suites.
struct GatekeeperVerify: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Run suites of gator.",
        discussion: """
            A folder is searched for files that hold a Suite of test.gatekeeper.sh.

            Exit status: 0 all cases passed, 1 a case failed, 2 wrong usage or a file that could not be read, 3 a case \
            could not be evaluated.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable { case table, json }

    @Argument(help: "Suites, and folders with them.")
    var paths: [String]

    @Option(name: .shortAndLong, help: "table or json.")
    var output = Format.table

    @Option(name: .customLong("run"), help: "Only cases whose test/case name matches this expression.")
    var filter: String?

    @Flag(name: .shortAndLong, help: "Name every case, not only those that fail.")
    var verbose = false

    func run() throws {
        var status = ExitStatus.done
        func note(_ message: String) {
            status = max(status, .unreadable)
            Terminal.error(message)
        }
        let pattern = try filter.map { text in
            do throws(PatternError) { return try Pattern(text) } catch { throw UserError("--run: \(error)") }
        }
        let named = Set(paths)
        let files = GatekeeperFiles()
        let runner = GatorRun(read: files.read, isWanted: { pattern?.matches($0) ?? true })
        var outcomes: [GatorOutcome] = []
        // gator writes folders with a trailing `/...`.
        let roots = paths.map { $0.hasSuffix("/...") ? String($0.dropLast(4)) : $0 }
        for file in InputFile.all(in: roots, problem: note) {
            do {
                for node in try files.read(file) {
                    guard GatorSuite.isSuite(node) else {
                        if named.contains(file) { note("\(file): holds no Suite of test.gatekeeper.sh") }
                        continue
                    }
                    let folder = (file as NSString).deletingLastPathComponent
                    outcomes += runner.outcomes(
                        of: try GatorSuite(node), file: file, folder: folder.isEmpty ? "." : folder)
                }
            } catch let error as UserError {
                note(error.message)
            } catch {
                // What is no manifest concerns suites only when it is named.
                if named.contains(file) || "\(error)".isEmpty { note("\(file): \(error)") }
            }
        }
        if outcomes.isEmpty, status == .done { note("\(paths.joined(separator: ", ")): there are no suites") }
        for outcome in outcomes {
            switch outcome.result {
            case .failed: status = max(status, .failed)
            case .error: status = .unfinished
            case .passed, .skipped: break
            }
        }
        switch output {
        case .table: show(outcomes)
        case .json: Terminal.say(GatekeeperVerify.json(outcomes).prettyJSON)
        }
        if status != .done { throw status }
    }

    private func show(_ outcomes: [GatorOutcome]) {
        var counts = (passed: 0, failed: 0, skipped: 0)
        for outcome in outcomes {
            let name = "\(outcome.suite): \(outcome.test)/\(outcome.name)"
            switch outcome.result {
            case .passed:
                counts.passed += 1
                if verbose { Terminal.say("PASS  \(name)") }
            case .skipped:
                counts.skipped += 1
                if verbose { Terminal.say("SKIP  \(name)") }
            case .failed(let why):
                counts.failed += 1
                Terminal.say("FAIL  \(name): \(why)")
            case .error(let why):
                counts.failed += 1
                Terminal.say("ERROR \(name): \(why)")
            }
        }
        Terminal.say("\(counts.passed) passed, \(counts.failed) failed, \(counts.skipped) skipped")
    }

    private static func json(_ outcomes: [GatorOutcome]) -> Value {
        let results = outcomes.map { outcome -> Value in
            var members: [(Value, Value)] = [
                (.string("suite"), .string(outcome.suite)), (.string("test"), .string(outcome.test)),
                (.string("case"), .string(outcome.name)),
            ]
            let (word, why): (String, String?) =
                switch outcome.result {
                case .passed: ("pass", nil)
                case .skipped: ("skip", nil)
                case .failed(let why): ("fail", why)
                case .error(let why): ("error", why)
                }
            members.append((.string("outcome"), .string(word)))
            if let why { members.append((.string("message"), .string(why))) }
            return .object(ObjectValue(members))
        }
        return .object(ObjectValue([(.string("schemaVersion"), .int(1)), (.string("results"), .array(results))]))
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Rego
import RegularExpressions

/// `bulwark rego test`: the rules whose name begins with `test_`.
struct RegoTest: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test", abstract: "Run the test rules of policies.",
        discussion: """
            A rule whose name begins with test_ passes when it holds; todo_test_ is skipped.

            Exit status: 0 all passed, 1 a test failed, 2 wrong usage or a file that could not be read or compiled, 3 a \
            test could not be evaluated.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable { case pretty, json }

    @Argument(help: "Modules, data files, and folders with them.")
    var paths: [String]

    @Flag(name: .shortAndLong, help: "Name every test, not only those that fail.")
    var verbose = false

    @Option(name: [.customShort("r"), .customLong("run")], help: "Only tests whose full name matches this expression.")
    var filter: String?

    @Option(name: .shortAndLong, help: "pretty or json.")
    var format = Format.pretty

    @Option(name: .long, help: "Stop a test after so many seconds.")
    var timeout: Int = 5

    @Flag(name: .shortAndLong, help: "Report which lines the tests came to, as JSON, instead of the tests.")
    var coverage = false

    @Option(name: .long, help: "Exit with 1 when fewer per cent of the lines were covered; implies --coverage.")
    var threshold: Double?

    @OptionGroup var dialect: RegoDialect

    func run() throws {
        var status = ExitStatus.done
        let files = RegoFiles(paths) {
            status = .unreadable
            Terminal.error($0)
        }
        if status != .done { throw status }
        let pattern = try filter.map { text in
            do throws(PatternError) { return try Pattern(text) } catch { throw UserError("--run: \(error)") }
        }
        let policy: RegoPolicy
        let instruments = coverage || threshold != nil ? RegoInstruments() : nil
        do throws(RegoErrors) {
            if let instruments {
                policy = try RegoPolicy(files.modules, version: dialect.version, instruments: instruments)
            } else {
                policy = try RegoPolicy(files.modules, version: dialect.version)
            }
        } catch {
            for problem in error.errors { problem.show() }
            throw ExitStatus.unreadable
        }
        let outcomes = RegoTestRun(policy: policy, data: files.data, timeout: .seconds(timeout)).outcomes {
            pattern?.matches($0) ?? true
        }
        if let instruments {
            let report = RegoCoverage(instruments.settled())
            Terminal.say(report.json.prettyJSON)
            if let threshold, report.percent < threshold {
                Terminal.note("coverage is \(report.percent) per cent, less than \(threshold)")
                status = .failed
            }
            // What failed is said all the same.
            for outcome in outcomes {
                switch outcome.result {
                case .failed, .error: Terminal.note("\(outcome.location.file): \(outcome.name): \(outcome.word)")
                case .passed, .skipped: break
                }
            }
        } else {
            switch format {
            case .pretty: show(outcomes)
            case .json: Terminal.say(Value.array(outcomes.map(\.json)).prettyJSON)
            }
        }
        for outcome in outcomes {
            switch outcome.result {
            case .failed: status = max(status, .failed)
            case .error: status = .unfinished
            case .passed, .skipped: break
            }
        }
        if status != .done { throw status }
    }

    private func show(_ outcomes: [RegoTestOutcome]) {
        var counts: [String: Int] = [:]
        for outcome in outcomes {
            counts[outcome.word, default: 0] += 1
            if case .passed = outcome.result, !verbose { continue }
            Terminal.say("\(outcome.location.file): \(outcome.name): \(outcome.word) (\(outcome.milliseconds) ms)")
            if case .error(let error) = outcome.result { Terminal.say("  \(error)") }
        }
        let parts = ["PASS", "FAIL", "ERROR", "SKIPPED"].compactMap { word in
            counts[word].map { "\(word): \($0)/\(outcomes.count)" }
        }
        Terminal.say(parts.isEmpty ? "there are no tests" : parts.joined(separator: "\n"))
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Documents
import Foundation
import Rego
import Reporting

/// `bulwark rego eval`: the answers to a query.
struct RegoEval: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eval", abstract: "Evaluate a query over policies, data and input.",
        discussion: """
            Modules end in .rego, data in .json, .yaml or .yml.

            Exit status: 0 done, 1 with --fail and no answer, or with --fail-defined and one, 2 wrong usage or a file that \
            could not be read or compiled, 3 the evaluation failed.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable { case json, pretty, values, bindings, raw }

    @Argument(help: "The query, such as data.policy.deny or x = input.a[_].")
    var query: String?

    @Option(name: .shortAndLong, help: "A module, data file or folder; may begin with a place and a colon. Repeatable.")
    var data: [String] = []

    @Option(name: .shortAndLong, help: "The input document; - for standard input.")
    var input: String?

    @Flag(name: [.customShort("I"), .long], help: "Read the input document from standard input.")
    var stdinInput = false

    @Option(name: .shortAndLong, help: "json, pretty, values, bindings or raw.")
    var format = Format.json

    @Option(name: .long, help: "The package whose names and imports the query sees.")
    var package: String?

    @Flag(name: .long, help: "Report the first built-in function that fails instead of taking it for undefined.")
    var strictBuiltinErrors = false

    @Flag(name: .long, help: "Exit with 1 when the query has no answer.")
    var fail = false

    @Flag(name: .long, help: "Exit with 1 when the query has an answer.")
    var failDefined = false

    @Option(name: .long, help: "Stop after so many seconds.")
    var timeout: Int = 10

    @Flag(name: .long, help: "Add to the JSON which lines of the modules the evaluation came to.")
    var coverage = false

    @Flag(name: .long, help: "Add to the JSON the lines that took longest, with how often they were come to.")
    var profile = false

    @Option(name: .long, help: "How many lines --profile names.")
    var profileLimit: Int = 10

    @Option(name: .long, help: "Evaluate a JSON request a line from this file; - for standard input.")
    var batch: String?

    @OptionGroup var dialect: RegoDialect

    func validate() throws {
        if (query == nil) == (batch == nil) {
            throw ValidationError("give a query, as in: bulwark rego eval data.policy.deny")
        }
        if coverage || profile, format != .json {
            throw ValidationError("--coverage and --profile are part of the JSON")
        }
        if profileLimit < 1 { throw ValidationError("--profile-limit is a number from 1 on") }
        if timeout < 1 { throw ValidationError("--timeout is a number of seconds from 1 on") }
    }

    func run() throws {
        if let batch { return try RegoBatch(version: dialect.version).run(batch) }
        var status = ExitStatus.done
        let files = RegoFiles(data) {
            status = .unreadable
            Terminal.error($0)
        }
        if status != .done { throw status }
        let prepared: PreparedQuery
        let instruments = coverage || profile ? RegoInstruments() : nil
        do throws(RegoErrors) {
            let policy: RegoPolicy
            if let instruments {
                policy = try RegoPolicy(files.modules, version: dialect.version, instruments: instruments)
            } else {
                policy = try RegoPolicy(files.modules, version: dialect.version)
            }
            let path = package.map { $0.split(separator: ".").map(String.init).filter { $0 != "data" } } ?? []
            prepared = try policy.prepare(query ?? "", version: dialect.version, package: path)
        } catch {
            for problem in error.errors { problem.show() }
            throw ExitStatus.unreadable
        }
        let document = try (stdinInput ? "-" : input).map { try RegoInput.read($0) }
        let results: [QueryResult]
        do throws(RegoError) {
            results = try prepared.results(
                input: document, data: files.data, context: .current(),
                limits: EvaluationLimits(time: .seconds(timeout)), strict: strictBuiltinErrors)
        } catch {
            error.show()
            throw ExitStatus.unfinished
        }
        var output = RegoOutput(results: results, query: query ?? "")
        if let instruments {
            let report = RegoCoverage(instruments.settled())
            if coverage { output.additions.append((.string("coverage"), report.json)) }
            if profile { output.additions.append((.string("profile"), report.profile(limit: profileLimit))) }
        }
        Terminal.say(output.text(format))
        let isDefined = results.contains { !$0.expressions.isEmpty || !$0.bindings.isEmpty }
        if fail && !isDefined || failDefined && isDefined { throw ExitStatus.failed }
    }
}

/// Answers in the forms that users of opa know.
struct RegoOutput {
    let results: [QueryResult]
    let query: String
    /// What stands beside the result in JSON.
    var additions: [(Value, Value)] = []

    func text(_ format: RegoEval.Format) -> String {
        switch format {
        case .json: json.prettyJSON
        case .bindings: Value.array(results.map { bindings($0) }).prettyJSON
        case .values: results.flatMap { $0.expressions.map(\.value.prettyJSON) }.joined(separator: "\n")
        case .raw:
            results.map { result in
                result.expressions.map { $0.value.text ?? $0.value.json }.joined(separator: " ")
            }.joined(separator: "\n")
        case .pretty: pretty
        }
    }

    private func bindings(_ result: QueryResult) -> Value {
        .object(ObjectValue(result.bindings.map { (.string($0.name), $0.value) }))
    }

    private var json: Value {
        if results.isEmpty { return .object(ObjectValue(additions)) }
        let found = results.map { result -> Value in
            let expressions = result.expressions.map { expression -> Value in
                .object(
                    ObjectValue([
                        (.string("value"), expression.value), (.string("text"), .string(query)),
                        (
                            .string("location"),
                            .object(
                                ObjectValue([
                                    (.string("row"), .int(expression.location.row)),
                                    (.string("col"), .int(expression.location.column)),
                                ]))
                        ),
                    ]))
            }
            var members: [(Value, Value)] = [(.string("expressions"), .array(expressions))]
            if !result.bindings.isEmpty { members.append((.string("bindings"), bindings(result))) }
            return .object(ObjectValue(members))
        }
        return .object(ObjectValue([(.string("result"), .array(found))] + additions))
    }

    /// One value by itself, a table of variables for the rest.
    private var pretty: String {
        guard let first = results.first else { return "undefined" }
        if first.bindings.isEmpty, results.count == 1, let value = first.expressions.last?.value {
            return value.prettyJSON
        }
        let names = first.bindings.map(\.name)
        if names.isEmpty {
            return results.map { $0.expressions.map(\.value.json).joined(separator: "  ") }.joined(separator: "\n")
        }
        let rows = results.map { result in
            names.map { name in result.bindings.first { $0.name == name }?.value.json ?? "" }
        }
        let widths = names.indices.map { column in
            max(names[column].count, rows.map { $0[column].count }.max() ?? 0)
        }
        func line(_ cells: [String]) -> String {
            zip(cells, widths).map { $0 + String(repeating: " ", count: max($1 - $0.count, 0)) }.joined(separator: "  ")
        }
        return ([line(names)] + rows.map(line)).map { DisplayText.safe($0) }.joined(separator: "\n")
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Documents
import Foundation
import Rego

/// `bulwark rego bench`: what one evaluation of a query costs on this machine.
struct RegoBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure the CPU time of a query.",
        discussion: """
            Each round reads the input document anew, evaluates, and writes the answer as JSON; the evaluation alone is \
            measured too. The policies are compiled once.
            """)

    @Argument(help: "The query, such as data.policy.deny.")
    var query: String

    @Option(name: .shortAndLong, help: "A module, data file or folder. Repeatable.")
    var data: [String] = []

    @Option(name: .shortAndLong, help: "The input document, JSON.")
    var input: String

    @Option(name: .long, help: "How many rounds.")
    var count = 20_000

    @OptionGroup var dialect: RegoDialect

    func validate() throws {
        guard (1...10_000_000).contains(count) else { throw ValidationError("--count should be from 1 to 10,000,000") }
    }

    func run() throws {
        var status = ExitStatus.done
        let files = RegoFiles(data) {
            status = .unreadable
            Terminal.error($0)
        }
        if status != .done { throw status }
        let bytes = try InputFile.text(input, limit: 64 << 20)
        do {
            let started = AdmissionMeasure.cpu()
            let policy = try RegoPolicy(files.modules, version: dialect.version)
            let prepared = try policy.prepare(query, version: dialect.version)
            let compiled = AdmissionMeasure.cpu() - started
            var length = 0
            func round() throws {
                let document = try JSONReader.read(bytes, source: input)
                let value = try prepared.evaluate(
                    input: .node(document.root), data: files.data, context: .current(),
                    limits: EvaluationLimits(time: nil))
                length = value?.json.utf8.count ?? 0
            }
            let document = try JSONReader.read(bytes, source: input)
            for _ in 0..<min(count, 500) { try round() }
            let whole = try measure { try round() }
            let alone = try measure {
                _ = try prepared.evaluate(
                    input: .node(document.root), data: files.data, context: .current(),
                    limits: EvaluationLimits(time: nil))
            }
            Terminal.say(
                Value.object(
                    ObjectValue([
                        (.string("schemaVersion"), .int(1)), (.string("rounds"), .int(count)),
                        (.string("compileMicroseconds"), .int(Int(compiled * 1_000_000))),
                        (.string("roundMicroseconds"), Value(numberText: String(format: "%.2f", whole))),
                        (.string("evaluationMicroseconds"), Value(numberText: String(format: "%.2f", alone))),
                        (.string("answerBytes"), .int(length)),
                    ])
                ).prettyJSON)
        } catch let errors as RegoErrors {
            for problem in errors.errors { problem.show() }
            throw ExitStatus.unreadable
        } catch let error as RegoError {
            error.show()
            throw ExitStatus.unfinished
        }
    }

    /// CPU microseconds of one round.
    private func measure(_ body: () throws -> Void) throws -> Double {
        let start = AdmissionMeasure.cpu()
        for _ in 0..<count { try body() }
        return (AdmissionMeasure.cpu() - start) / Double(count) * 1_000_000
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AccessControl
import Admission
import ArgumentParser
import Documents
import Foundation
import Rego

/// `bulwark cel bench`: what one decision by admission policies costs on this machine.
struct CELBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure the CPU time of decisions by admission policies.",
        discussion: """
            Each round reads the object anew and judges it; the judging alone is measured too. The policies are compiled \
            once.
            """)

    @Option(name: [.customShort("f"), .customLong("policy")], help: "A file or folder with policies. Repeatable.")
    var policyFiles: [String]

    @Option(name: .shortAndLong, help: "The object, JSON.")
    var input: String

    @Option(name: .long, help: "How many rounds.")
    var count = 20_000

    func validate() throws {
        guard (1...10_000_000).contains(count) else { throw ValidationError("--count should be from 1 to 10,000,000") }
    }

    func run() throws {
        let started = AdmissionMeasure.cpu()
        var status = ExitStatus.done
        var files = CELPolicyFiles(policyFiles) {
            status = .unreadable
            Terminal.error($0)
        }
        for problem in files.problems {
            status = .unreadable
            Terminal.error(problem)
        }
        if status != .done { throw status }
        _ = files.bindTheRest()
        let compiled = AdmissionMeasure.cpu() - started
        let bytes = try InputFile.text(input, limit: 64 << 20)
        var violations = 0
        func made(_ document: Document) throws -> PolicyInput {
            let request = try AdmissionRequest(creating: document.root)
            return PolicyInput(request, namespace: files.namespace(request.namespace))
        }
        let ready = try made(try JSONReader.read(bytes, source: input))
        let namespace = ready.namespace
        func round() throws {
            let request = try AdmissionRequest(creating: try JSONReader.read(bytes, source: input).root)
            violations = files.policies.judge(PolicyInput(request, namespace: namespace)).violations.count
        }
        for _ in 0..<min(count, 500) { try round() }
        let whole = try measure { try round() }
        let alone = try measure { _ = files.policies.judge(ready) }
        Terminal.say(
            Value.object(
                ObjectValue([
                    (.string("schemaVersion"), .int(1)), (.string("rounds"), .int(count)),
                    (.string("compileMicroseconds"), .int(Int(compiled * 1_000_000))),
                    (.string("roundMicroseconds"), Value(numberText: String(format: "%.2f", whole))),
                    (.string("evaluationMicroseconds"), Value(numberText: String(format: "%.2f", alone))),
                    (.string("violations"), .int(violations)),
                ])
            ).prettyJSON)
    }

    /// CPU microseconds of one round.
    private func measure(_ body: () throws -> Void) throws -> Double {
        let start = AdmissionMeasure.cpu()
        for _ in 0..<count { try body() }
        return (AdmissionMeasure.cpu() - start) / Double(count) * 1_000_000
    }
}

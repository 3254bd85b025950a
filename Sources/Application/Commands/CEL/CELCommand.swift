// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import CEL
import Documents
import Rego

/// `bulwark cel`: expressions of the Common Expression Language.
struct CELCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cel",
        abstract: "Evaluate expressions of the Common Expression Language, and judge by policies of them.",
        subcommands: [CELEval.self, CELJudge.self, CELBench.self])
}

/// `bulwark cel eval`
struct CELEval: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "eval", abstract: "Evaluate an expression.",
        discussion: """
            Exit status: 0 done, 2 wrong usage, an expression or a file that could not be read, 3 the evaluation failed.
            """)

    @Argument(help: "The expression, such as object.spec.replicas <= 5.")
    var expression: String?

    @Option(name: .shortAndLong, help: "A JSON or YAML document: its members are the variables. - for standard input.")
    var input: String?

    @Option(name: .customLong("var"), help: "A variable as NAME=JSON. Repeatable.")
    var variables: [String] = []

    @Option(name: .long, help: "Names are also looked up below this one.")
    var container = ""

    @Option(name: .long, help: "Evaluate a JSON request a line from this file; - for standard input.")
    var batch: String?

    func validate() throws {
        if (expression == nil) == (batch == nil) {
            throw ValidationError("give an expression, as in: bulwark cel eval '1 + 2'")
        }
    }

    func run() throws {
        if batch != nil { return CELBatch.run() }
        var values: [String: CELValue] = [:]
        if let input {
            guard case .node(let root) = try RegoInput.read(input), root.isObject else {
                throw UserError("\(input): the members of an object are the variables")
            }
            for (key, value) in root.members { values[key.string] = .node(value) }
        }
        for variable in variables {
            guard let sign = variable.firstIndex(of: "=") else {
                throw UserError("--var \(variable): expected NAME=JSON")
            }
            let text = Array(variable[variable.index(after: sign)...].utf8)
            do throws(DocumentError) {
                values[String(variable[..<sign])] = .node(try JSONReader.read(text, source: "--var \(variable)").root)
            } catch {
                throw UserError("\(error)")
            }
        }
        do throws(CELError) {
            let program = try CELProgram(expression ?? "", container: container)
            Terminal.say(try program.evaluate(values).json)
        } catch {
            Terminal.note("\(error)")
            throw error.code == .syntax ? ExitStatus.unreadable : ExitStatus.unfinished
        }
    }
}

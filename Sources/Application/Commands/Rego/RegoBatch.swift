// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Rego

/// Evaluates many queries in one process: a JSON object a line in, one out.
///
/// In: `{"modules": [text], "query": text, "data"?, "input"? | "input_term"?: a term's text, "strict"?: bool}`.
/// Out: `{"result": [{variable: value}]}` or `{"error": {"code", "message"}}`.
struct RegoBatch {
    let version: RegoVersion

    func run(_ path: String) throws {
        if path != "-" {
            let bytes = try InputFile.text(path, limit: 256 << 20)
            for (index, line) in bytes.split(separator: 0x0A).enumerated() {
                Terminal.say(answer(Array(line), number: index + 1))
            }
            return
        }
        var number = 0
        while let line = readLine() {
            number += 1
            Terminal.say(answer(Array(line.utf8), number: number))
        }
    }

    func answer(_ line: [UInt8], number: Int) -> String {
        do {
            let document = try JSONReader.read(line, source: "line \(number)")
            return try answer(document.root)
        } catch let error as RegoErrors {
            guard let first = error.errors.first else { return failure("rego_parse_error", "unknown") }
            return failure(first.code.rawValue, first.message)
        } catch let error as RegoError {
            return failure(error.code.rawValue, error.message)
        } catch {
            return failure("invalid_request", "\(error)")
        }
    }

    private func answer(_ request: Node) throws -> String {
        var sources: [ModuleSource] = []
        if let modules = request["modules"] {
            for (index, module) in modules.elements.enumerated() {
                sources.append(ModuleSource(name: "module-\(index).rego", text: module.string ?? ""))
            }
        }
        let policy = try RegoPolicy(sources, version: version)
        let query = try policy.prepare(request["query"]?.string ?? "", version: version)
        var input = request["input"].map { Value.node($0) }
        if let term = request["input_term"]?.string {
            let value = try policy.prepare("x = \(term)", version: version)
                .results(input: nil, context: BuiltinContext(now: 0))
            input = value.first?.bindings.first?.value
        }
        let results = try query.results(
            input: input, data: request["data"].map { .node($0) } ?? .emptyObject, context: .current(),
            strict: request["strict"]?.bool ?? false)
        let bindings = results.map { result in
            Value.object(ObjectValue(result.bindings.map { (.string($0.name), $0.value) }))
        }
        return "{\"result\":\(Value.array(bindings).json)}"
    }

    private func failure(_ code: String, _ message: String) -> String {
        let members: [(Value, Value)] = [(.string("code"), .string(code)), (.string("message"), .string(message))]
        return "{\"error\":\(Value.object(ObjectValue(members)).json)}"
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CEL
import Documents

/// Checks and evaluates many expressions in one process: a JSON object a line in, one out.
///
/// In: `{"expr", "container"?, "bindings"?: {name: tagged value}, "check"?: bool, "types"?: {name: type}, "objects"?:
/// {name: {field: type}}, "functions"?: {name: [{"parameters": [type], "result": type}]}, "typeOnly"?: bool}`.
/// Out: `{"value": tagged, "type": text}` or `{"error": text}`. Without `check` any name may turn up.
enum CELBatch {
    static func run() {
        while let line = readLine() {
            Terminal.say(answer(Array(line.utf8)))
        }
    }

    private static func answer(_ line: [UInt8]) -> String {
        do {
            let request = try JSONReader.read(line, source: "request").root
            let (text, container) = (request["expr"]?.string ?? "", request["container"]?.string ?? "")
            guard request["check"]?.bool == true else {
                let program = try CELProgram(text, container: container)
                return "{\"value\":\(try program.evaluate(try values(request)).taggedJSON)}"
            }
            let environment = try environment(request, container)
            if request["typeOnly"]?.bool == true {
                return "{\"type\":\(quoted(try CELProgram.type(of: text, in: environment).name))}"
            }
            let program = try CELProgram(text, in: environment)
            let evaluator = CELEvaluator(environment)
            for (name, value) in try values(request) {
                if let slot = environment.slot(name) { evaluator.set(slot, value) }
            }
            let value = try evaluator.evaluate(program)
            return "{\"value\":\(value.taggedJSON),\"type\":\(quoted(program.type.name))}"
        } catch {
            return "{\"error\":\(quoted("\(error)"))}"
        }
    }

    private static func quoted(_ text: String) -> String { EditValue.string(text).json }

    private static func values(_ request: Node) throws(CELError) -> [String: CELValue] {
        var values: [String: CELValue] = [:]
        for (name, value) in members(request["bindings"]) { values[name] = try CELValue(tagged: value) }
        return values
    }

    private static func members(_ node: Node?) -> [(String, Node)] {
        node?.members.map { ($0.key.string, $0.value) } ?? []
    }

    private static func type(_ node: Node?) throws(CELError) -> CELType {
        guard let text = node?.string, let type = CELType(text) else {
            throw CELError(.syntax, "\(node?.json() ?? "nothing") is no type")
        }
        return type
    }

    private static func environment(_ request: Node, _ container: String) throws(CELError) -> CELEnvironment {
        var environment = CELEnvironment(container: container)
        for (name, _) in members(request["bindings"]) { environment.declare(name, .dyn) }
        for (name, text) in members(request["types"]) { environment.declare(name, try type(text)) }
        for (name, fields) in members(request["objects"]) {
            var types: [String: CELType] = [:]
            for (field, text) in members(fields) { types[field] = try type(text) }
            environment.objects[name] = types
        }
        for (name, overloads) in members(request["functions"]) {
            for overload in overloads.elements {
                var parameters: [CELType] = []
                for text in overload["parameters"]?.elements.map({ $0 }) ?? [] { parameters.append(try type(text)) }
                environment.functions[name, default: []].append(
                    CELOverload(isMethod: false, parameters, try type(overload["result"])))
            }
        }
        return environment
    }
}

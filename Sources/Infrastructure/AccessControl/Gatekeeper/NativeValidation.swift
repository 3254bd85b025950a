// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CEL
import Documents
import Rego

/// A template's code for the engine K8sNativeValidation: expressions of CEL, compiled once.
package final class NativeValidation: Sendable {
    private struct Rule: Sendable {
        let expression: CELProgram
        let message: String
        let messageExpression: CELProgram?
    }

    private let variables: [String: CELProgram]
    private let conditions: [CELProgram]
    private let rules: [Rule]
    /// Objects that cannot be judged pass.
    private let isOpen: Bool

    static let maxExpressions = 500

    init(_ source: Node) throws(GatekeeperError) {
        var variables: [String: CELProgram] = [:]
        for (index, entry) in (source["variables"]?.elements.map { $0 } ?? []).enumerated() {
            let place = "variables[\(index)]"
            guard let name = entry["name"]?.string, !name.isEmpty else {
                throw GatekeeperError(.invalid, "\(place).name is missing")
            }
            guard name != "params", name != "anyObject" else {
                throw GatekeeperError(.invalid, "\(place).name: \(name) is the engine's own")
            }
            variables[name] = try NativeValidation.program(entry["expression"], place + ".expression")
        }
        var conditions: [CELProgram] = []
        for (index, entry) in (source["matchConditions"]?.elements.map { $0 } ?? []).enumerated() {
            conditions.append(
                try NativeValidation.program(entry["expression"], "matchConditions[\(index)].expression"))
        }
        var rules: [Rule] = []
        for (index, entry) in (source["validations"]?.elements.map { $0 } ?? []).enumerated() {
            let place = "validations[\(index)]"
            rules.append(
                Rule(
                    expression: try NativeValidation.program(entry["expression"], place + ".expression"),
                    message: entry["message"]?.string ?? "",
                    messageExpression: try entry["messageExpression"].map { node throws(GatekeeperError) in
                        try NativeValidation.program(node, place + ".messageExpression")
                    }))
        }
        guard !rules.isEmpty else { throw GatekeeperError(.invalid, "validations are missing") }
        guard variables.count + conditions.count + rules.count <= NativeValidation.maxExpressions else {
            throw GatekeeperError(.invalid, "more than \(NativeValidation.maxExpressions) expressions")
        }
        switch source["failurePolicy"]?.string ?? "Fail" {
        case "Fail": isOpen = false
        case "Ignore": isOpen = true
        case let other: throw GatekeeperError(.invalid, "failurePolicy must be Fail or Ignore, not \(other)")
        }
        (self.variables, self.conditions, self.rules) = (variables, conditions, rules)
    }

    private static func program(_ node: Node?, _ place: String) throws(GatekeeperError) -> CELProgram {
        guard let text = node?.string, !text.isEmpty else { throw GatekeeperError(.invalid, "\(place) is missing") }
        do throws(CELError) { return try CELProgram(text) } catch {
            throw GatekeeperError(.code, "\(place): \(error)")
        }
    }

    /// The messages of the validations that do not hold.
    func messages(of review: Value, under constraint: Constraint) throws(GatekeeperError) -> [String] {
        let activation = Activation(self.variables, review, constraint)
        do throws(CELError) {
            for condition in conditions where try !holds(condition, activation) { return [] }
            var messages: [String] = []
            for rule in rules where try !holds(rule.expression, activation) {
                messages.append(message(rule, activation))
            }
            return messages
        } catch {
            if isOpen, error.code != .limit { return [] }
            throw GatekeeperError(.evaluation, "\(error)")
        }
    }

    private func holds(_ program: CELProgram, _ activation: Activation) throws(CELError) -> Bool {
        let value = try program.evaluate { name throws(CELError) in try activation.value(name) }
        guard let holds = value.bool else {
            throw CELError(.evaluation, "the expression must give true or false: \(program.text.prefix(100))")
        }
        return holds
    }

    /// A message that cannot be made does not hide the violation.
    private func message(_ rule: Rule, _ activation: Activation) -> String {
        if let program = rule.messageExpression,
            let made = try? program.evaluate(variables: { name throws(CELError) in try activation.value(name) }),
            let text = made.text, !text.isEmpty
        {
            return text
        }
        return rule.message.isEmpty ? "failed expression: \(rule.expression.text)" : rule.message
    }

    /// What expressions see: the request, and variables that are evaluated when they are first asked for.
    private final class Activation {
        private let programs: [String: CELProgram]
        private var known: [String: CELValue]
        private var running: Set<String> = []

        init(_ programs: [String: CELProgram], _ review: Value, _ constraint: Constraint) {
            self.programs = programs
            let request = CELValue(review)
            let object = review.members?["object"].map { CELValue($0) } ?? .null
            let old = review.members?["oldObject"].map { CELValue($0) } ?? .null
            let params = CELValue(constraint.parameters)
            let namespace = review.members?["_unstable"]?.members?["namespace"].map { CELValue($0) } ?? .null
            let any = object.isNull ? old : object
            known = [
                "request": request, "object": object, "oldObject": old, "params": .node(constraint.object),
                "anyObject": any,
                "namespaceObject": namespace, "variables.params": params, "variables.anyObject": any,
            ]
        }

        func value(_ name: String) throws(CELError) -> CELValue? {
            if let value = known[name] { return value }
            guard name.hasPrefix("variables."), let program = programs[String(name.dropFirst(10))] else { return nil }
            guard running.insert(name).inserted else {
                throw CELError(.evaluation, "\(name) is defined by itself")
            }
            defer { running.remove(name) }
            let value = try program.evaluate { name throws(CELError) in try self.value(name) }
            known[name] = value
            return value
        }
    }
}

extension CELValue {
    /// A value of the other language.
    init(_ value: Value) {
        switch value {
        case .null: self = .null
        case .bool(let bool): self = .bool(bool)
        case .int(let int): self = .int(int)
        case .number(let number): self = .double(Double(number.text) ?? .nan)
        case .string(let text): self = .string(text)
        case .node(let node): self = .node(node)
        case .array(let elements): self = .list(elements.map { CELValue($0) })
        case .set(let set): self = .list(set.members.map { CELValue($0) })
        case .object(let object):
            self = .map(CELMap(zip(object.keys, object.values).map { (CELValue($0), CELValue($1)) }))
        }
    }
}

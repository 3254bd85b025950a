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

    /// Where evaluations keep what expressions see.
    private struct Slots: Sendable {
        let request: Int
        let object: Int
        let oldObject: Int
        let anyObject: Int
        let params: Int
        let namespaceObject: Int
        let parameters: Int
        let variablesAnyObject: Int
    }

    private let frame: CELFrame
    private let slots: Slots
    /// Slots that any of the expressions asks for.
    private let asked: Set<Int>
    /// Variables that see nothing but the constraint, and those that see nothing of it.
    private let ofConstraint: [KeptVariable]
    private let ofReview: [KeptVariable]
    private let conditions: [CELProgram]
    private let rules: [Rule]
    /// Objects that cannot be judged pass.
    private let isOpen: Bool

    static let maxExpressions = 500

    init(_ source: Node) throws(GatekeeperError) {
        var environment = CELEnvironment()
        slots = Slots(
            request: environment.declare("request", .dyn), object: environment.declare("object", .dyn),
            oldObject: environment.declare("oldObject", .dyn), anyObject: environment.declare("anyObject", .dyn),
            params: environment.declare("params", .dyn),
            namespaceObject: environment.declare("namespaceObject", .dyn),
            parameters: environment.declare("variables.params", .dyn),
            variablesAnyObject: environment.declare("variables.anyObject", .dyn))
        let entries = source["variables"]?.elements.map { $0 } ?? []
        var places: [Int] = []
        for (index, entry) in entries.enumerated() {
            let place = "variables[\(index)]"
            guard let name = entry["name"]?.string, !name.isEmpty else {
                throw GatekeeperError(.invalid, "\(place).name is missing")
            }
            guard name != "params", name != "anyObject" else {
                throw GatekeeperError(.invalid, "\(place).name: \(name) is the engine's own")
            }
            places.append(environment.declare("variables.\(name)", .dyn))
        }
        var variables: [(slot: Int, program: CELProgram)] = []
        for (index, entry) in entries.enumerated() {
            let place = "variables[\(index)].expression"
            variables.append((places[index], try Self.program(entry["expression"], place, in: environment)))
        }
        var conditions: [CELProgram] = []
        for (index, entry) in (source["matchConditions"]?.elements.map { $0 } ?? []).enumerated() {
            conditions.append(
                try NativeValidation.program(
                    entry["expression"], "matchConditions[\(index)].expression",
                    in: environment, giving: [.bool]))
        }
        var rules: [Rule] = []
        for (index, entry) in (source["validations"]?.elements.map { $0 } ?? []).enumerated() {
            let place = "validations[\(index)]"
            rules.append(
                Rule(
                    expression: try NativeValidation.program(
                        entry["expression"], place + ".expression", in: environment, giving: [.bool]),
                    message: entry["message"]?.string ?? "",
                    messageExpression: try entry["messageExpression"].map { node throws(GatekeeperError) in
                        try NativeValidation.program(
                            node, place + ".messageExpression", in: environment, giving: [.string])
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
        frame = CELFrame(environment, variables: variables)
        (self.conditions, self.rules) = (conditions, rules)
        let expressions = conditions + rules.flatMap { [$0.expression, $0.messageExpression].compactMap { $0 } }
        asked = (expressions + variables.map(\.program)).reduce(into: []) { $0.formUnion($1.used) }
        let named = variables.map { KeptVariable(slot: $0.slot, program: $0.program) }
        let constraint: Set<Int> = [slots.params, slots.parameters]
        let all = Set(0..<environment.variables.count)
        ofConstraint = KeptVariable.all(named, seeing: constraint)
        let review = all.subtracting(constraint).subtracting(named.map(\.slot))
        let kept = Set(ofConstraint.map(\.slot))
        ofReview = KeptVariable.all(named.filter { !kept.contains($0.slot) }, seeing: review)
    }

    private static func program(
        _ node: Node?, _ place: String, in environment: CELEnvironment, giving types: [CELType] = []
    ) throws(GatekeeperError) -> CELProgram {
        guard let text = node?.string, !text.isEmpty else { throw GatekeeperError(.invalid, "\(place) is missing") }
        do throws(CELError) { return try CELProgram(text, in: environment, giving: types) } catch {
            throw GatekeeperError(.code, "\(place): \(error)")
        }
    }

    /// The messages of the validations that do not hold.
    func messages(of review: TemplateReview, under constraint: Constraint) throws(GatekeeperError) -> [String] {
        let evaluator = CELEvaluator(frame)
        fill(evaluator, review, constraint)
        let known = ofConstraint.isEmpty ? nil : constraint.memo.values(for: constraint.object)
        known?.define(in: evaluator, ofConstraint)
        review.values.define(in: evaluator, ofReview)
        defer {
            review.values.learn(from: evaluator, ofReview)
            if !ofConstraint.isEmpty {
                constraint.memo.learn(from: evaluator, ofConstraint, for: constraint.object, beside: known)
            }
        }
        do throws(CELError) {
            for condition in conditions where try !holds(condition, evaluator) { return [] }
            var messages: [String] = []
            for rule in rules where try !holds(rule.expression, evaluator) {
                messages.append(message(rule, evaluator))
            }
            return messages
        } catch {
            if isOpen, error.code != .limit { return [] }
            throw GatekeeperError(.evaluation, "\(error)")
        }
    }

    private func holds(_ program: CELProgram, _ evaluator: CELEvaluator) throws(CELError) -> Bool {
        let value = try evaluator.evaluate(program)
        guard let holds = value.bool else {
            throw CELError(.evaluation, "the expression must give true or false: \(program.text.prefix(100))")
        }
        return holds
    }

    /// A message that cannot be made does not hide the violation.
    private func message(_ rule: Rule, _ evaluator: CELEvaluator) -> String {
        if let program = rule.messageExpression,
            let text = (try? evaluator.evaluate(program))?.text, !text.isEmpty
        {
            return text
        }
        return rule.message.isEmpty ? "failed expression: \(rule.expression.text)" : rule.message
    }

    /// Brings what the expressions ask for; what takes work is made when they come to it.
    private func fill(_ evaluator: CELEvaluator, _ review: TemplateReview, _ constraint: Constraint) {
        let views = review.views
        let any = views.object.isNull ? views.oldObject : views.object
        if asked.contains(slots.request) { evaluator.set(slots.request, views.request) }
        evaluator.set(slots.object, views.object)
        evaluator.set(slots.oldObject, views.oldObject)
        evaluator.set(slots.anyObject, any)
        evaluator.set(slots.variablesAnyObject, any)
        evaluator.set(slots.params, .node(constraint.object))
        evaluator.set(slots.parameters, constraint.expressionParameters)
        if asked.contains(slots.namespaceObject) { evaluator.set(slots.namespaceObject, views.namespaceObject) }
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

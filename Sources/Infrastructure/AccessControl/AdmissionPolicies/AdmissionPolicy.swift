// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CEL
import Documents
import Foundation

/// A ValidatingAdmissionPolicy, its expressions checked and compiled.
///
/// The groups that may hold one are Kubernetes' own, and ours for clusters that do not serve it; the spec is the same.
package final class AdmissionPolicy: Sendable {
    package static let kubernetesGroup = "admissionregistration.k8s.io"
    package static let ownGroup = "policy.bulwark.dev"
    package static let kind = "ValidatingAdmissionPolicy"
    package static let groups: Set<String> = [kubernetesGroup, ownGroup]
    /// Kyverno's ValidatingPolicy has the same spec and its binding within.
    package static let kyvernoGroup = "policies.kyverno.io"
    package static let kyvernoKind = "ValidatingPolicy"

    /// Expressions of one policy.
    static let maxExpressions = 500

    package enum FailurePolicy: String, Sendable, CaseIterable { case fail = "Fail", ignore = "Ignore" }

    /// Why a request is refused, as the API server's answer words it.
    package enum Reason: String, Sendable, CaseIterable {
        case unauthorized = "Unauthorized", forbidden = "Forbidden", invalid = "Invalid"
        case tooLarge = "RequestEntityTooLarge"

        /// HTTP status.
        package var code: Int {
            switch self {
            case .unauthorized: 401
            case .forbidden: 403
            case .invalid: 422
            case .tooLarge: 413
            }
        }
    }

    /// What policies may take parameters from.
    package struct ParamKind: Sendable, Hashable {
        package let apiVersion: String
        package let kind: String

        package init(apiVersion: String, kind: String) { (self.apiVersion, self.kind) = (apiVersion, kind) }

        package var group: String { apiVersion.contains("/") ? String(apiVersion.split(separator: "/")[0]) : "" }
    }

    struct Named: Sendable {
        let name: String
        let slot: Int
        let program: CELProgram
    }

    struct Condition: Sendable {
        let name: String
        let program: CELProgram
    }

    struct Validation: Sendable {
        let program: CELProgram
        let message: String
        let messageExpression: CELProgram?
        let reason: Reason
    }

    struct Annotation: Sendable {
        let key: String
        let program: CELProgram
    }

    package let name: String
    /// `admissionregistration.k8s.io` or `policy.bulwark.dev`: its bindings are of the same.
    package let group: String
    package let paramKind: ParamKind?
    package let failurePolicy: FailurePolicy
    package let matchConstraints: MatchResources
    let conditions: [Condition]
    let variables: [Named]
    let validations: [Validation]
    let annotations: [Annotation]
    /// What becomes of a "no" where the policy says so itself and needs no binding.
    let ownActions: [AdmissionPolicyBinding.Action]
    /// Controllers whose pods a policy about pods judges before they are made.
    let podControllers: Set<String>
    /// Which slots of a request any of its expressions asks for.
    let asked: PolicyExpressions.Asked
    /// Variables that see nothing but the parameters: their values are kept for the next decision.
    let kept: [KeptVariable]
    let memo = ParamsMemo()
    let frame: CELFrame
    let slots: PolicyExpressions.Slots

    /// - Throws: an error that names the field.
    package init(_ object: Node) throws(GatekeeperError) {
        let isKyverno = object["kind"]?.string == AdmissionPolicy.kyvernoKind
        if isKyverno { _ = try ObjectFields.kind(of: object, group: Self.kyvernoGroup) }
        group =
            isKyverno ? Self.kyvernoGroup : try AdmissionPolicy.group(of: object, kind: AdmissionPolicy.kind)
        name = try AdmissionPolicy.name(of: object)
        let spec = try ObjectFields(object["spec"], at: "spec")
        var paramKind: ParamKind?
        if spec.value("paramKind") != nil {
            let fields = try spec.object("paramKind")
            paramKind = ParamKind(apiVersion: try fields.required("apiVersion"), kind: try fields.required("kind"))
        }
        self.paramKind = paramKind
        failurePolicy = try spec.word("failurePolicy", FailurePolicy.self) ?? .fail
        matchConstraints = try MatchResources(try spec.object("matchConstraints"), needsRules: true)
        var expressions = PolicyExpressions(hasParams: paramKind != nil)
        slots = expressions.slots
        conditions = try AdmissionPolicy.conditions(spec, expressions.conditions)
        variables = try AdmissionPolicy.variables(spec, &expressions)
        validations = try AdmissionPolicy.validations(spec, expressions)
        annotations = try AdmissionPolicy.annotations(spec, expressions.withoutAuthorizer)
        frame = CELFrame(expressions.environment, variables: variables.map { ($0.slot, $0.program) })
        var used: Set<Int> = []
        for condition in conditions { used.formUnion(condition.program.used) }
        for variable in variables { used.formUnion(variable.program.used) }
        for validation in validations {
            used.formUnion(validation.program.used)
            used.formUnion(validation.messageExpression?.used ?? [])
        }
        for annotation in annotations { used.formUnion(annotation.program.used) }
        asked = PolicyExpressions.Asked(used, slots)
        kept = KeptVariable.all(
            variables.map { KeptVariable(slot: $0.slot, program: $0.program) },
            seeing: paramKind == nil ? [] : [slots.params])
        ownActions = isKyverno ? try AdmissionPolicy.ownActions(spec) : []
        podControllers = isKyverno ? try AdmissionPolicy.controllers(spec, matchConstraints) : []
        guard !validations.isEmpty || !annotations.isEmpty else {
            throw GatekeeperError(.invalid, "spec.validations or spec.auditAnnotations must have an entry")
        }
        guard conditions.count + variables.count + 2 * validations.count + annotations.count <= Self.maxExpressions
        else { throw GatekeeperError(.invalid, "spec has more than \(Self.maxExpressions) expressions") }
    }

    static func group(of object: Node, kind: String) throws(GatekeeperError) -> String {
        let parts = (object["apiVersion"]?.string ?? "").split(separator: "/")
        guard parts.count == 2, groups.contains(String(parts[0])), object["kind"]?.string == kind else {
            throw GatekeeperError(.invalid, "not a \(kind) of \(groups.sorted().joined(separator: " or "))")
        }
        return String(parts[0])
    }

    static func name(of object: Node) throws(GatekeeperError) -> String {
        let name = try ObjectFields(object["metadata"], at: "metadata").required("name")
        guard name.utf8.count <= 253 else { throw GatekeeperError(.invalid, "metadata.name is longer than 253 bytes") }
        return name
    }

    private static func ownActions(_ spec: ObjectFields) throws(GatekeeperError) -> [AdmissionPolicyBinding.Action] {
        var actions: [AdmissionPolicyBinding.Action] = []
        for (index, word) in try spec.texts("validationActions").enumerated() {
            guard let action = AdmissionPolicyBinding.Action(rawValue: word) else {
                throw GatekeeperError(
                    .invalid, "spec.validationActions[\(index)] must be one of Deny, Warn, Audit, not \(word)")
            }
            actions.append(action)
        }
        return actions.isEmpty ? [.audit] : actions
    }

    /// All of them for a policy about pods alone, unless it names some.
    private static func controllers(
        _ spec: ObjectFields, _ match: MatchResources
    ) throws(GatekeeperError) -> Set<String> {
        guard match.rules.allSatisfy({ $0.resources.map(\.resource) == ["pods"] && $0.resources[0].subresource == nil })
        else { return [] }
        let chosen = try spec.object("autogen").object("podControllers")
        guard chosen.value("controllers") != nil else { return PodTemplateView.kinds }
        let words = Set(try chosen.texts("controllers").map { $0.lowercased() })
        return PodTemplateView.kinds.filter { kind in
            words.contains(kind.lowercased()) || words.contains(kind.lowercased() + "s")
        }
    }

    private static func conditions(
        _ spec: ObjectFields, _ environment: CELEnvironment
    ) throws(GatekeeperError) -> [Condition] {
        var found: [Condition] = []
        for entry in try spec.objects("matchConditions") {
            let name = try entry.required("name")
            guard !found.contains(where: { $0.name == name }) else {
                throw GatekeeperError(.invalid, "\(entry.at("name")): \(name) is there twice")
            }
            found.append(
                Condition(
                    name: name,
                    program: try PolicyExpressions.program(entry, "expression", in: environment, giving: [.bool])))
        }
        guard found.count <= 64 else {
            throw GatekeeperError(.invalid, "spec.matchConditions has more than 64 entries")
        }
        return found
    }

    private static func variables(
        _ spec: ObjectFields, _ expressions: inout PolicyExpressions
    ) throws(GatekeeperError) -> [Named] {
        var found: [Named] = []
        for entry in try spec.objects("variables") {
            let name = try entry.required("name")
            let isIdentifier =
                name.utf8.allSatisfy {
                    $0 == 0x5F || ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A || $0 >= 0x30 && $0 <= 0x39
                }
                && name.first?.isNumber == false
            guard isIdentifier else { throw GatekeeperError(.invalid, "\(entry.at("name")): \(name) is no name") }
            guard !found.contains(where: { $0.name == name }) else {
                throw GatekeeperError(.invalid, "\(entry.at("name")): \(name) is there twice")
            }
            let program = try PolicyExpressions.program(entry, "expression", in: expressions.environment)
            found.append(Named(name: name, slot: expressions.declare(variable: name, program), program: program))
        }
        return found
    }

    private static func validations(
        _ spec: ObjectFields, _ expressions: PolicyExpressions
    ) throws(GatekeeperError) -> [Validation] {
        var found: [Validation] = []
        for entry in try spec.objects("validations") {
            let program = try PolicyExpressions.program(
                entry, "expression", in: expressions.environment, giving: [.bool])
            var messageExpression: CELProgram?
            if try !entry.text("messageExpression").isEmpty {
                messageExpression = try PolicyExpressions.program(
                    entry, "messageExpression", in: expressions.withoutAuthorizer, giving: [.string])
            }
            let message = try entry.text("message").trimmingCharacters(in: .whitespacesAndNewlines)
            guard !message.contains("\n") else {
                throw GatekeeperError(.invalid, "\(entry.at("message")) must be one line")
            }
            found.append(
                Validation(
                    program: program, message: message, messageExpression: messageExpression,
                    reason: try entry.word("reason", Reason.self) ?? .invalid))
        }
        return found
    }

    private static func annotations(
        _ spec: ObjectFields, _ environment: CELEnvironment
    ) throws(GatekeeperError) -> [Annotation] {
        var found: [Annotation] = []
        for entry in try spec.objects("auditAnnotations") {
            let key = try entry.required("key")
            guard !key.contains("/"), !found.contains(where: { $0.key == key }) else {
                throw GatekeeperError(.invalid, "\(entry.at("key")): \(key) is there twice, or has a /")
            }
            found.append(
                Annotation(
                    key: key,
                    program: try PolicyExpressions.program(
                        entry, "valueExpression", in: environment, giving: [.string, .null])))
        }
        guard found.count <= 20 else {
            throw GatekeeperError(.invalid, "spec.auditAnnotations has more than 20 entries")
        }
        return found
    }
}

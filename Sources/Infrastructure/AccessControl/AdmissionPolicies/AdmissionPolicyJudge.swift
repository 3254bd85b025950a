// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import CEL
import Documents
import Foundation

/// One request, as expressions of policies see it.
package struct PolicyInput: Sendable {
    package private(set) var request: AdmissionRequest
    /// What stands for the request's object, where that is not what is judged.
    private(set) var object: CELValue?
    /// The request's namespace, where it has one and it is known.
    package let namespace: Node?
    package let authorizer: CELAuthorizer?

    package init(_ request: AdmissionRequest, namespace: Node?, authorizer: CELAuthorizer? = nil) {
        (self.request, self.namespace, self.authorizer) = (request, namespace, authorizer)
    }

    /// The request as if it were about the pod that its object will make; nil where the policy does not ask for that.
    func ofPod(for policy: AdmissionPolicy) -> PolicyInput? {
        guard policy.podControllers.contains(request.kind.name), request.subresource.isEmpty,
            let members = request.object.flatMap({ PodTemplateView.object($0, kind: request.kind.name) })
        else { return nil }
        var view = self
        view.object = .map(CELMap(members.map { (.string($0.0), .node($0.1)) }))
        view.request.resource = GroupVersionName(group: "", version: "v1", name: "pods")
        return view
    }

    /// `request`
    fileprivate static func value(_ request: AdmissionRequest) -> CELValue {
        func map(_ members: [(String, CELValue)]) -> CELValue { .map(CELMap(members.map { (.string($0.0), $0.1) })) }
        func name(_ name: GroupVersionName, _ key: String) -> CELValue {
            map([("group", .string(name.group)), ("version", .string(name.version)), (key, .string(name.name))])
        }
        let (kind, resource) = (name(request.kind, "kind"), name(request.resource, "resource"))
        return map([
            ("kind", kind), ("resource", resource), ("subResource", .string(request.subresource)),
            ("requestKind", kind), ("requestResource", resource),
            ("requestSubResource", .string(request.subresource)), ("name", .string(request.name)),
            ("namespace", .string(request.namespace)), ("operation", .string(request.operation.rawValue)),
            (
                "userInfo",
                map([
                    ("username", .string(request.user)),
                    ("uid", .string(request.userInfo?["uid"]?.string ?? "")),
                    ("groups", .list(request.groups.map { .string($0) })),
                    ("extra", request.userInfo?["extra"].map { .node($0) } ?? map([])),
                ])
            ),
            ("dryRun", .bool(request.dryRun)), ("options", request.options.map { .node($0) } ?? .null),
        ])
    }

    fileprivate var requestResource: CELAuthorizationQuestion {
        var question = CELAuthorizationQuestion()
        (question.group, question.resource) = (request.resource.group, request.resource.name)
        (question.subresource, question.namespace) = (request.subresource, request.namespace)
        question.name = request.name
        return question
    }
}

/// What one policy says about one request with one set of parameters.
package struct AdmissionPolicyResult: Sendable {
    package struct Failure: Sendable {
        /// Of the validation in the policy; nil where the policy itself could not be evaluated.
        package let index: Int?
        package let message: String
        package let reason: AdmissionPolicy.Reason
        /// Not a "no" but a question without an answer.
        package let isError: Bool
        /// Refuses whatever the binding does with a "no".
        package var isFinal = false
    }

    /// Validations that do not hold, and under failure policy Fail what could not be evaluated.
    package var failures: [Failure] = []
    /// What could not be evaluated under failure policy Ignore.
    package var ignored: [Failure] = []
    package var annotations: [(key: String, value: String)] = []
    /// Whether the match conditions left it out.
    package var isLeftOut = false
}

extension AdmissionPolicy {
    /// Bytes that a message of an expression may have.
    static let maxMessage = 5 * 1024
    static let maxAnnotation = 10 * 1024

    /// Judges a request that the policy means.
    package func judge(_ input: PolicyInput, params: Node?) -> AdmissionPolicyResult {
        let evaluator = CELEvaluator(frame, limits: .conditions, authorizer: input.authorizer)
        fill(evaluator, input, params)
        let known = kept.isEmpty ? nil : memo.values(for: params)
        known?.define(in: evaluator, kept)
        var result = AdmissionPolicyResult()
        guard meets(evaluator, &result) else { return result }
        evaluator.renew(.admission)
        validate(evaluator, &result)
        evaluator.renew(.admission)
        annotate(evaluator, &result)
        if !kept.isEmpty { memo.learn(from: evaluator, kept, for: params, beside: known) }
        return result
    }

    /// Brings what the expressions ask for; what takes work is made when they come to it.
    private func fill(_ evaluator: CELEvaluator, _ input: PolicyInput, _ params: Node?) {
        func node(_ node: Node?) -> CELValue { node.map { .node($0) } ?? .null }
        evaluator.set(slots.object, input.object ?? node(input.request.object))
        evaluator.set(slots.oldObject, node(input.request.oldObject))
        evaluator.set(slots.namespaceObject, input.request.isNamespace ? .null : node(input.namespace))
        if paramKind != nil { evaluator.set(slots.params, node(params)) }
        if asked.request { evaluator.define(slots.request) { PolicyInput.value(input.request) } }
        for (slot, place) in asked.parts {
            evaluator.set(slot, PolicyExpressions.parts[place].value(input.request))
        }
        if asked.authorizer {
            evaluator.define(slots.authorizer) { .authority(.authorizer(CELAuthorizationQuestion())) }
        }
        if asked.requestResource {
            evaluator.define(slots.requestResource) { .authority(.resource(input.requestResource)) }
        }
    }

    private func note(
        _ message: String, at index: Int?, isFinal: Bool = false, in result: inout AdmissionPolicyResult
    ) {
        let failure = AdmissionPolicyResult.Failure(
            index: index, message: message, reason: .invalid, isError: true, isFinal: isFinal)
        if failurePolicy == .fail { result.failures.append(failure) } else { result.ignored.append(failure) }
    }

    /// A condition that does not hold decides, whatever could not be evaluated.
    private func meets(_ evaluator: CELEvaluator, _ result: inout AdmissionPolicyResult) -> Bool {
        var problem: String?
        for condition in conditions {
            do throws(CELError) {
                guard let holds = try evaluator.evaluate(condition.program).bool else {
                    throw CELError(.evaluation, "it must give true or false")
                }
                if !holds {
                    result.isLeftOut = true
                    return false
                }
            } catch {
                problem = problem ?? "matchCondition '\(condition.name)' resulted in error: \(error.message)"
            }
        }
        guard let problem else { return true }
        note(problem, at: nil, in: &result)
        return false
    }

    private func validate(_ evaluator: CELEvaluator, _ result: inout AdmissionPolicyResult) {
        for (index, validation) in validations.enumerated() {
            do throws(CELError) {
                guard let holds = try evaluator.evaluate(validation.program).bool else {
                    throw CELError(.evaluation, "it must give true or false")
                }
                if holds { continue }
                result.failures.append(
                    .init(
                        index: index, message: message(validation, evaluator), reason: validation.reason,
                        isError: false))
            } catch {
                if error.code == .limit {
                    note(error.message, at: index, in: &result)
                    // The budget is of all of them; a limit of one concerns that one.
                    if evaluator.spent > CELLimits.admission.budget { return }
                } else {
                    let text = validation.program.text.trimmingCharacters(in: .whitespacesAndNewlines)
                    note("expression '\(text)' resulted in error: \(error.message)", at: index, in: &result)
                }
            }
        }
    }

    /// A message that cannot be made does not hide the "no".
    private func message(_ validation: Validation, _ evaluator: CELEvaluator) -> String {
        if let program = validation.messageExpression, let made = try? evaluator.evaluate(program).text {
            let text = made.trimmingCharacters(in: .whitespacesAndNewlines)
            if !text.isEmpty, text.utf8.count <= Self.maxMessage, !text.contains("\n") { return text }
        }
        if !validation.message.isEmpty { return validation.message }
        return "failed expression: \(validation.program.text.trimmingCharacters(in: .whitespacesAndNewlines))"
    }

    private func annotate(_ evaluator: CELEvaluator, _ result: inout AdmissionPolicyResult) {
        for annotation in annotations {
            do throws(CELError) {
                let value = try evaluator.evaluate(annotation.program)
                if value.isNull { continue }
                guard let text = value.text else { throw CELError(.evaluation, "it must give a string or null") }
                let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
                if trimmed.isEmpty { continue }
                let short = String(decoding: trimmed.utf8.prefix(Self.maxAnnotation), as: UTF8.self)
                result.annotations.append((annotation.key, short))
            } catch {
                note(
                    "auditAnnotation '\(annotation.key)' resulted in error: \(error.message)", at: nil, isFinal: true,
                    in: &result)
            }
        }
    }
}

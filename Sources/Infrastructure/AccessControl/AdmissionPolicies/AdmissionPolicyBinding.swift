// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// A ValidatingAdmissionPolicyBinding: where a policy counts, with which parameters, and what becomes of a "no".
package struct AdmissionPolicyBinding: Sendable {
    package static let kind = "ValidatingAdmissionPolicyBinding"

    package enum Action: String, Sendable, CaseIterable { case deny = "Deny", warn = "Warn", audit = "Audit" }

    /// What becomes of a request when there are no parameters.
    package enum NotFoundAction: String, Sendable, CaseIterable { case allow = "Allow", deny = "Deny" }

    package struct ParamReference: Sendable {
        /// Empty where a selector is given.
        package let name: String
        /// Empty for the request's own, or for parameters that live in none.
        package let namespace: String
        package let selector: LabelSelector?
        package let notFound: NotFoundAction
    }

    package let name: String
    package let group: String
    package let policyName: String
    package let actions: [Action]
    package let matchResources: MatchResources?
    package let params: ParamReference?

    /// That of a policy which needs none.
    init(impliedBy policy: AdmissionPolicy) {
        (name, group, policyName) = ("", policy.group, policy.name)
        (actions, matchResources, params) = (policy.ownActions, nil, nil)
    }

    /// That of a policy which has none, to try it: everywhere, without parameters, refusing.
    package init(trying policy: AdmissionPolicy) {
        (name, group, policyName) = ("", policy.group, policy.name)
        (actions, matchResources, params) = ([.deny], nil, nil)
    }

    /// - Throws: an error that names the field.
    package init(_ object: Node) throws(GatekeeperError) {
        group = try AdmissionPolicy.group(of: object, kind: AdmissionPolicyBinding.kind)
        name = try AdmissionPolicy.name(of: object)
        let spec = try ObjectFields(object["spec"], at: "spec")
        policyName = try spec.required("policyName")
        var actions: [Action] = []
        for (index, word) in try spec.texts("validationActions").enumerated() {
            guard let action = Action(rawValue: word) else {
                throw GatekeeperError(
                    .invalid, "spec.validationActions[\(index)] must be one of Deny, Warn, Audit, not \(word)")
            }
            guard !actions.contains(action) else {
                throw GatekeeperError(.invalid, "spec.validationActions[\(index)]: \(word) is there twice")
            }
            actions.append(action)
        }
        if actions.isEmpty {
            // The first version had no actions: it denied.
            guard object["apiVersion"]?.string?.hasSuffix("/v1alpha1") == true else {
                throw GatekeeperError(.invalid, "spec.validationActions is missing")
            }
            actions = [.deny]
        }
        guard !actions.contains(.deny) || !actions.contains(.warn) else {
            throw GatekeeperError(.invalid, "spec.validationActions: Deny and Warn say the same twice")
        }
        self.actions = actions
        matchResources =
            spec.value("matchResources") == nil
            ? nil : try MatchResources(try spec.object("matchResources"), needsRules: false)
        params = spec.value("paramRef") == nil ? nil : try Self.reference(try spec.object("paramRef"))
    }

    private static func reference(_ fields: ObjectFields) throws(GatekeeperError) -> ParamReference {
        let name = try fields.text("name")
        let selector = try LabelSelector(fields.value("selector"), at: fields.at("selector"))
        guard name.isEmpty != (selector == nil) else {
            throw GatekeeperError(.invalid, "\(fields.path) needs either name or selector")
        }
        // Before the field there was no choice.
        let notFound = try fields.word("parameterNotFoundAction", NotFoundAction.self) ?? .deny
        return ParamReference(
            name: name, namespace: try fields.text("namespace"), selector: selector, notFound: notFound)
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CEL
import Documents
import Rego

/// A constraint of constraints.gatekeeper.sh: which objects a template's code judges, with which parameters, and what
/// follows from a violation.
package struct Constraint: Sendable {
    package let kind: String
    package let name: String
    package let match: ConstraintMatch
    /// With the defaults of the template's schema.
    package let parameters: Value
    /// The same as expressions see them.
    let expressionParameters: CELValue
    package let action: EnforcementAction
    /// For `scoped`: the actions at each enforcement point.
    package let scopedActions: [ScopedAction]
    package let object: Node
    /// What expressions made of the parameters alone.
    let memo = ParamsMemo()

    package struct ScopedAction: Sendable {
        package let action: EnforcementAction
        /// `validation.gatekeeper.sh`, `audit.gatekeeper.sh`, `gator.gatekeeper.sh`, `vap.k8s.io` or `*`.
        package let points: [String]
    }

    package static let group = "constraints.gatekeeper.sh"

    package init(_ object: Node, schema: ParameterSchema?) throws(GatekeeperError) {
        guard object["apiVersion"]?.string?.hasPrefix(Constraint.group + "/") == true, let kind = object["kind"]?.string
        else { throw GatekeeperError(.invalid, "not a constraint of \(Constraint.group)") }
        self.kind = kind
        name = object["metadata"]?["name"]?.string ?? ""
        guard !name.isEmpty else { throw GatekeeperError(.invalid, "metadata.name is missing") }
        let spec = try ObjectFields(object["spec"], at: "spec").node
        match = try ConstraintMatch(spec?["match"])
        // What is absent has no members to require or to fill in, as for any kind of the API server.
        if let given = spec?["parameters"], !given.isNull {
            parameters = try schema?.filled(.node(given)) ?? .node(given)
        } else {
            parameters = .emptyObject
        }
        expressionParameters = CELValue(parameters)
        action = try EnforcementAction(spec?["enforcementAction"], at: "spec.enforcementAction")
        var scoped: [ScopedAction] = []
        for entry in try ObjectFields(spec, at: "spec").objects("scopedEnforcementActions") {
            _ = try entry.required("action")
            let action = try EnforcementAction(entry.value("action"), at: entry.at("action"))
            guard action != .scoped else {
                throw GatekeeperError(.invalid, "\(entry.at("action")) must be deny, dryrun or warn")
            }
            var points: [String] = []
            for point in try entry.objects("enforcementPoints") { points.append(try point.required("name")) }
            scoped.append(ScopedAction(action: action, points: points))
        }
        guard action != .scoped || !scoped.isEmpty else {
            throw GatekeeperError(.invalid, "spec.scopedEnforcementActions is missing for scoped")
        }
        scopedActions = scoped
        self.object = object
    }

    /// Whether a violation leads to anything at an enforcement point.
    func counts(at point: String) -> Bool {
        action != .scoped || scopedActions.contains { $0.points.contains(point) || $0.points.contains("*") }
    }

    /// What a violation leads to at an enforcement point; empty where the constraint does not count there.
    package func actions(at point: String) -> [EnforcementAction] {
        guard action == .scoped else { return [action] }
        let meant = Set(scopedActions.filter { $0.points.contains(point) || $0.points.contains("*") }.map(\.action))
        return EnforcementAction.allCases.filter(meant.contains)
    }
}

package enum EnforcementAction: String, Sendable, CaseIterable {
    case deny, dryrun, warn, scoped

    /// Deny where nothing is said.
    init(_ node: Node?, at path: String) throws(GatekeeperError) {
        guard let node, !node.isNull, !node.equals("") else {
            self = .deny
            return
        }
        let text = node.string ?? node.json(limit: 60)
        guard let action = EnforcementAction(rawValue: text) else {
            throw GatekeeperError(
                .invalid, "\(path) must be one of \(Self.allCases.map(\.rawValue).joined(separator: ", ")), not \(text)"
            )
        }
        self = action
    }
}

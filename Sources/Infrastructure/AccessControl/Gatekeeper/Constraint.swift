// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
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
    package let action: EnforcementAction
    /// For `scoped`: the actions at each enforcement point.
    package let scopedActions: [ScopedAction]
    package let object: Node

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
        let spec = object["spec"]
        match = try ConstraintMatch(spec?["match"])
        let given = spec?["parameters"].map { Value.node($0) } ?? .emptyObject
        parameters = try schema?.filled(given) ?? given
        action = try EnforcementAction(spec?["enforcementAction"], at: "spec.enforcementAction")
        var scoped: [ScopedAction] = []
        if let list = spec?["scopedEnforcementActions"] {
            for (index, entry) in list.elements.enumerated() {
                let path = "spec.scopedEnforcementActions[\(index)]"
                let points = entry["enforcementPoints"]?.elements.compactMap { $0["name"]?.string } ?? []
                scoped.append(
                    ScopedAction(action: try EnforcementAction(entry["action"], at: path + ".action"), points: points))
            }
        }
        scopedActions = scoped
        self.object = object
    }

    /// What a violation leads to at an enforcement point; empty where the constraint does not count there.
    package func actions(at point: String) -> [EnforcementAction] {
        guard action == .scoped else { return [action] }
        return scopedActions.filter { $0.points.contains(point) || $0.points.contains("*") }.map(\.action)
    }
}

package enum EnforcementAction: String, Sendable, CaseIterable {
    case deny, dryrun, warn, scoped

    /// Deny where nothing is said.
    init(_ node: Node?, at path: String) throws(GatekeeperError) {
        guard let text = node?.string, !text.isEmpty else {
            self = .deny
            return
        }
        guard let action = EnforcementAction(rawValue: text) else {
            throw GatekeeperError(
                .invalid, "\(path) must be one of \(Self.allCases.map(\.rawValue).joined(separator: ", ")), not \(text)"
            )
        }
        self = action
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings
import Kubernetes
import Rego

/// Judges objects as they stand in a cluster, one at a time.
package struct ConstraintAuditor: Sendable {
    /// The name that `scopedEnforcementActions` calls the audit by.
    package static let point = "audit.gatekeeper.sh"

    private let index: GatekeeperIndex
    private let cluster: String
    private let checks = ConstraintChecks()
    private let limits: EvaluationLimits
    private let external: ExternalData?

    package init(
        _ index: GatekeeperIndex, cluster: String, limits: EvaluationLimits = .standard, external: ExternalData? = nil
    ) {
        self.external = external
        self.index = index
        self.cluster = cluster
        self.limits = limits
    }

    package func subject(_ identity: ObjectIdentity) -> Subject {
        Subject(
            cluster: cluster, apiVersion: identity.apiVersion, kind: identity.kind, namespace: identity.namespace,
            name: identity.name
        ).underConstraints
    }

    /// What an object shows under all constraints; providers are asked where a template needs them.
    /// - Parameter node: the object itself, possibly without `apiVersion` and `kind`.
    /// - Throws: `CancellationError`.
    package func judge(_ node: Node, _ identity: ObjectIdentity) async throws -> InspectedObject {
        let providers = index.providers
        guard let external, !providers.isEmpty else { return judged(node, identity) }
        return try await external.answering(by: providers) { judged(node, identity) }
    }

    private func judged(_ node: Node, _ identity: ObjectIdentity) -> InspectedObject {
        var object = InspectedObject(subject: subject(identity), results: [])
        let isNamespace = identity.kind == "Namespace" && identity.apiVersion == "v1"
        let home = isNamespace ? identity.name : identity.namespace
        let moment = index.moment(namespace: identity.namespace)
        if moment.constraints.isEmpty { return object }
        if !home.isEmpty, moment.config?.excludes(namespace: home, from: .audit) == true { return object }
        let review = ReviewInput(
            listed: node, apiVersion: identity.apiVersion, kind: identity.kind,
            namespace: identity.namespace.isEmpty ? nil : moment.namespace)
        let judgement = moment.constraints.judge(
            review, inventory: moment.inventory, point: Self.point, limits: limits)
        if judgement.violations.isEmpty, judgement.errors.isEmpty { return object }
        func add(_ id: String, _ actions: [EnforcementAction], _ outcome: Outcome, _ message: String) {
            let check = checks.check(id, actions.contains(.deny) ? .deny : actions.first)
            let message = String(message.prefix(1_000))
            object.results.append(
                CheckResult(
                    check: check, outcome: outcome, subject: object.subject, message: message,
                    fingerprint: ConstraintChecks.fingerprint(object.subject, id, message)))
        }
        for violation in judgement.violations {
            let id = ConstraintChecks.id(kind: violation.constraintKind, name: violation.constraint)
            add(id, violation.actions, violation.actions.contains(.deny) ? .fail : .warn, violation.message)
        }
        for failure in judgement.errors {
            add(failure.constraint, failure.actions, .error, "could not be judged: \(failure.error)")
        }
        return object
    }
}

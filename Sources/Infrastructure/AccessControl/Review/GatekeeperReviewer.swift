// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import Documents
import Findings
import Foundation
import Rego

/// Takes part in admission: changes objects by mutators, judges them by constraints, and refuses templates, constraints
/// and mutators that could not be used.
package final class GatekeeperReviewer: Reviewer {
    /// Reads a namespace from the cluster: one so new that no watch has told of it.
    package typealias NamespaceReader = @Sendable (_ name: String) async throws -> Node

    /// The name that `scopedEnforcementActions` calls admission by.
    package static let point = "validation.gatekeeper.sh"

    package static let path = "gatekeeper"

    package let name = "gatekeeper"
    package var webhook: String { Self.path }
    package let failurePolicy: FailurePolicy
    private let index: GatekeeperIndex
    private let limits: EvaluationLimits
    private let readNamespace: NamespaceReader?
    private let external: ExternalData?
    /// Milliseconds since 1970.
    private let now: @Sendable () -> Int64

    package init(
        _ index: GatekeeperIndex, failurePolicy: FailurePolicy = .ignore, limits: EvaluationLimits = .standard,
        readNamespace: NamespaceReader? = nil, external: ExternalData? = nil,
        now: @escaping @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970 * 1000) }
    ) {
        self.index = index
        self.failurePolicy = failurePolicy
        self.limits = limits
        self.readNamespace = readNamespace
        self.external = external
        self.now = now
    }

    package var waitsFor: String? { index.waitsFor }

    private static let groups: Set<String> = [
        ConstraintTemplate.group, Constraint.group, Mutator.group, ExpansionTemplate.group, GatekeeperConfig.group,
        SyncSet.group, ExternalDataProvider.group,
    ]

    package func concerns(_ request: AdmissionRequest, in phase: ReviewPhase) -> Bool {
        // What a status or a scale says is not what was asked to be judged.
        guard !["status", "scale"].contains(request.subresource) else { return false }
        switch phase {
        case .mutate:
            return request.object != nil && (request.operation == .create || request.operation == .update)
                && !Self.groups.contains(request.kind.group)
        case .validate: return true
        case .advise: return false
        }
    }

    package func mayWait(_ request: AdmissionRequest, in phase: ReviewPhase) -> Bool {
        let moment = index.moment(namespace: request.namespace)
        return external != nil && !moment.providers.isEmpty
            || readNamespace != nil && !request.namespace.isEmpty && moment.namespace == nil
    }

    package func review(_ request: AdmissionRequest, in phase: ReviewPhase) async throws -> Review {
        guard concerns(request, in: phase) else { return .allow }
        let moment = index.moment(namespace: request.namespace)
        if Self.groups.contains(request.kind.group) { return try reviewOwn(request, moment) }
        if Self.isKindOfConstraint(request) { return .allow }
        let home = request.kind.group.isEmpty && request.kind.name == "Namespace" ? request.name : request.namespace
        if moment.config?.excludes(namespace: home, from: phase == .mutate ? .mutation : .webhook) == true {
            return .allow
        }
        var namespace = moment.namespace
        if namespace == nil, !request.namespace.isEmpty, let readNamespace {
            namespace = try await readNamespace(request.namespace)
        }
        let place = namespace
        func answer() throws -> Review {
            phase == .mutate ? try mutate(request, moment, place) : try judge(request, moment, place)
        }
        guard let external, !moment.providers.isEmpty else { return try answer() }
        return try await external.answering(by: moment.providers, answer)
    }

    /// Whether it is about the definition of a kind of constraint. A template makes it, and no constraint may stand in
    /// the way: one that means everything would keep its own kind from being repaired.
    private static func isKindOfConstraint(_ request: AdmissionRequest) -> Bool {
        request.kind.group == "apiextensions.k8s.io" && request.kind.name == "CustomResourceDefinition"
            && request.name.hasSuffix("." + Constraint.group)
    }

    private func mutate(
        _ request: AdmissionRequest, _ moment: GatekeeperIndex.Moment, _ namespace: Node?
    ) throws(GatekeeperError) -> Review {
        guard let object = request.object, !moment.mutators.isEmpty else { return .allow }
        let about = MutationRequest(
            group: request.kind.group, version: request.kind.version, kind: request.kind.name,
            operation: request.operation.rawValue, namespace: namespace, user: request.user)
        guard let changed = try moment.mutators.mutated(object, in: about) else { return .allow }
        return Review(
            auditAnnotations: ["mutators": changed.by.joined(separator: ",")],
            patch: PatchText.steps(from: .node(object), to: .node(changed.object)))
    }

    private func judge(
        _ request: AdmissionRequest, _ moment: GatekeeperIndex.Moment, _ namespace: Node?
    ) throws(GatekeeperError) -> Review {
        let input = try ReviewInput(request, namespace: namespace)
        let judgement = moment.constraints.judge(
            input, inventory: moment.inventory, point: Self.point, expansions: moment.expansions,
            mutators: moment.mutators, limits: limits)
        func lines(_ action: EnforcementAction) -> [String] {
            judgement.violations.filter { $0.actions.contains(action) }.map { "[\($0.constraint)] \($0.message)" }
        }
        let denied = lines(.deny)
        // A judged "no" needs no more; else what could have said "no" has to be heard.
        if denied.isEmpty, let failure = judgement.errors.first(where: { $0.actions.contains(.deny) }) {
            throw failure.error
        }
        var review = Review(
            allowed: denied.isEmpty, message: denied.joined(separator: "\n"), warnings: lines(.warn))
        review.warnings += judgement.errors.map { "[\($0.constraint)] could not be judged: \($0.error)" }
        guard !judgement.violations.isEmpty else { return review }
        let action: AdmissionDecision.Action = denied.isEmpty ? (review.warnings.isEmpty ? .audit : .warn) : .deny
        review.decision = AdmissionDecision(
            uid: request.uid, time: now(), reviewer: name, action: action, allowed: review.allowed,
            operation: request.operation.rawValue,
            subject: Subject(
                apiVersion: request.kind.apiVersion, kind: request.kind.name, namespace: request.namespace,
                name: request.name),
            workload: request.name, user: request.user,
            policy: judgement.violations.first.map { "\($0.constraintKind)/\($0.constraint)" } ?? "",
            reasons: judgement.violations.map { violation in
                .init(policy: "\(violation.constraintKind)/\(violation.constraint)", message: violation.message)
            }, dryRun: request.dryRun)
        return review
    }

    /// Judges templates, constraints and mutators themselves: what could not be used later is refused with its field.
    private func reviewOwn(_ request: AdmissionRequest, _ moment: GatekeeperIndex.Moment) throws -> Review {
        guard request.operation == .create || request.operation == .update, let object = request.object else {
            return .allow
        }
        // Finalizers and labels may always change, even those of an object that slipped in unread.
        if request.operation == .update, let old = request.oldObject, old["spec"]?.json() == object["spec"]?.json() {
            return .allow
        }
        var review = Review.allow
        do throws(GatekeeperError) {
            switch request.kind.group {
            case ConstraintTemplate.group: _ = try TemplateProgram(try ConstraintTemplate(object))
            case Constraint.group:
                var constraints = moment.constraints
                if constraints.hasTemplate(for: request.kind.name) {
                    try constraints.add(constraint: object)
                } else {
                    _ = try Constraint(object, schema: nil)
                    review.warnings = ["there is no template that can be used for \(request.kind.name) yet"]
                }
            case Mutator.group:
                var mutators = moment.mutators
                try mutators.add(object)
                let new = mutators.conflicts.subtracting(moment.mutators.conflicts).sorted()
                if !new.isEmpty {
                    let all = new.joined(separator: ", ")
                    throw GatekeeperError(.invalid, "they would contradict each other about the same place: \(all)")
                }
            case ExpansionTemplate.group: _ = try ExpansionTemplate(object)
            case SyncSet.group: _ = try SyncSet(object)
            case ExternalDataProvider.group: _ = try ExternalDataProvider(object)
            default: if request.kind.name == "Config" { _ = try GatekeeperConfig(object) }
            }
        } catch {
            return Review(
                allowed: false, message: "\(request.kind.name) \(request.name) is not valid: \(error)", code: 422)
        }
        return review
    }
}

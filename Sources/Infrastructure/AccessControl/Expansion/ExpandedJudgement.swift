// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Rego

extension ConstraintSet {
    /// Judges an object and all that comes of it.
    package func judge(
        _ review: ReviewInput, inventory: Value, point: String, expansions: ExpansionSet, mutators: MutatorSet,
        limits: EvaluationLimits = .standard
    ) -> Judgement {
        var judgement = judge(review, inventory: inventory, point: point, limits: limits)
        guard !expansions.isEmpty, let object = review.object else { return judgement }
        do throws(GatekeeperError) {
            let resultants = try expansions.expanded(
                object, group: review.group, version: review.version, kind: review.kind, namespace: review.namespace,
                mutators: mutators)
            for resultant in resultants {
                let implied = try ReviewInput(resultant.object) { _ in review.namespace }
                let found = judge(implied, inventory: inventory, point: point, isGenerated: true, limits: limits)
                judgement.add(found, from: resultant)
            }
        } catch {
            judgement.errors.append(
                ConstraintSet.Failure(constraint: "expansion", error: error, actions: [.deny]))
        }
        return judgement
    }
}

extension ConstraintSet.Judgement {
    fileprivate mutating func add(_ found: ConstraintSet.Judgement, from resultant: ExpansionSet.Resultant) {
        count += found.count
        errors += found.errors
        violations += found.violations.map { violation in
            ConstraintViolation(
                constraintKind: violation.constraintKind, constraint: violation.constraint,
                message: "[Implied by \(resultant.template)] \(violation.message)", details: violation.details,
                actions: resultant.action.map { [$0] } ?? violation.actions)
        }
    }
}

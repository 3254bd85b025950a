// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// What keeps a workload up while nodes come and go.
enum Availability {
    static let budgetKinds: [ObjectKind] = [.deployment, .statefulSet, .podDisruptionBudget]
    static let spreadKinds: [ObjectKind] = [.deployment, .statefulSet, .deploymentConfig]

    static func disruptionBudget(_ target: Target, context: InspectionContext) throws(UnreadableField) -> Verdict {
        guard target.kind == .podDisruptionBudget else {
            // A single pod has no budget to keep; that it is single is another check's business.
            if let replicas = try target.object["spec"]?.int("replicas"), replicas < 2 { return .notApplicable }
            if context.hasBudget(namespace: target.namespace, labels: target.podLabels) { return .pass }
            try context.require(.podDisruptionBudget, path: "spec")
            return .fail("No pod disruption budget selects the pods.", .template("metadata.labels"), target.podLabels)
        }
        guard let spec = try target.object.object("spec") else { return .pass }
        for key: StaticString in ["maxUnavailable", "minAvailable"] {
            guard let value = spec[key], !value.isNull, value.kind != .string, value.int == nil else { continue }
            throw UnreadableField(
                message: "\(key) should be a number or a share, not \(value.described)", path: "spec.\(key)")
        }
        if let most = spec["maxUnavailable"], isZero(most) {
            return .fail(
                "The budget allows no disruption, so nodes cannot be drained.", .object("spec.maxUnavailable"), most)
        }
        if let least = spec["minAvailable"], least.string == "100%" {
            return .fail(
                "The budget allows no disruption, so nodes cannot be drained.", .object("spec.minAvailable"), least)
        }
        return .pass
    }

    private static func isZero(_ node: Node) -> Bool { node.int == 0 || node.string == "0%" || node.string == "0" }

    static func tooFewReplicas(_ target: Target, _: InspectionContext) throws(UnreadableField) -> Verdict {
        let spec = try target.object.object("spec")
        let replicas = try spec?.int("replicas") ?? 1
        if replicas >= 2 || replicas == 0 { return .pass }
        return .fail(
            "A single pod: when its node goes, so does the service.", .object("spec.replicas"), spec?["replicas"])
    }

    static func notSpread(_ target: Target, _: InspectionContext) throws(UnreadableField) -> Verdict {
        guard let spec = target.podSpec else { return .notApplicable }
        if let replicas = try target.object["spec"]?.int("replicas"), replicas < 2 { return .notApplicable }
        if let constraints = try spec.array("topologySpreadConstraints"), constraints.count > 0 { return .pass }
        if let affinity = try spec.object("affinity")?.object("podAntiAffinity"), affinity.count > 0 { return .pass }
        return .fail(
            "Nothing keeps the pods apart: they may all share one node.", .pod("topologySpreadConstraints"),
            spec["topologySpreadConstraints"])
    }
}

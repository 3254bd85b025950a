// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings

/// The labels that Kubernetes recommends.
enum Labels {
    static func missing(_ target: Target, _: InspectionContext) throws(UnreadableField) -> Verdict {
        if !names(target.metadata?["labels"], target) {
            return .fail(
                "The label app.kubernetes.io/name is missing.", .object("metadata.labels"), target.metadata?["labels"])
        }
        if target.kind != .pod, !names(target.podLabels, target) {
            return .fail(
                "The pods lack the label app.kubernetes.io/name.", .template("metadata.labels"), target.podLabels)
        }
        return .pass
    }

    /// The name, or an instance that is the object's own name.
    private static func names(_ labels: Node?, _ target: Target) -> Bool {
        if let name = labels?["app.kubernetes.io/name"]?.string, !name.isEmpty { return true }
        return labels?["app.kubernetes.io/instance"]?.string == target.subject.name && !target.subject.name.isEmpty
    }
}

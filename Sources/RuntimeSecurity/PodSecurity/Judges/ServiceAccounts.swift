// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings

/// Which identity a pod has towards the API server.
enum ServiceAccounts {
    static func tokenMounted(_ target: Target, context: InspectionContext) throws(UnreadableField) -> Verdict {
        guard let spec = target.podSpec else { return .notApplicable }
        if let own = try spec.bool("automountServiceAccountToken") {
            return own
                ? .fail(
                    "The service account's token is mounted.", .pod("automountServiceAccountToken"),
                    spec["automountServiceAccountToken"])
                : .pass
        }
        if context.automount(account: name(spec), namespace: target.namespace) == false { return .pass }
        try context.require(.serviceAccount, path: "automountServiceAccountToken")
        return .fail(
            "The service account's token is mounted: automountServiceAccountToken is not set to false.",
            .pod("automountServiceAccountToken"))
    }

    static func missing(_ target: Target, context: InspectionContext) throws(UnreadableField) -> Verdict {
        guard let spec = target.podSpec else { return .notApplicable }
        let current = try spec.string("serviceAccountName") ?? ""
        if let old = try spec.string("serviceAccount"), !old.isEmpty, old != current {
            return .fail(
                "The field serviceAccount is deprecated; serviceAccountName is read.", .pod("serviceAccount"),
                spec["serviceAccount"])
        }
        if current.isEmpty || current == "default" { return .pass }
        if context.hasAccount(current, namespace: target.namespace) { return .pass }
        try context.require(.serviceAccount, path: "serviceAccountName")
        return .fail(
            "The service account \(current) is not among the inspected objects.", .pod("serviceAccountName"),
            spec["serviceAccountName"])
    }

    static let defaultKinds =
        ObjectKind.allCases.filter(\.isWorkload) + [.serviceAccount, .roleBinding, .clusterRoleBinding]

    static func defaultUsed(_ target: Target, context: InspectionContext) throws(UnreadableField) -> Verdict {
        switch target.kind {
        case .serviceAccount:
            guard target.subject.name == "default" else { return .pass }
            if try target.object.bool("automountServiceAccountToken") == false { return .pass }
            return .fail(
                "The default service account gives its token to every pod that names no other.",
                .object("automountServiceAccountToken"), target.object["automountServiceAccountToken"])
        case .roleBinding, .clusterRoleBinding:
            for (index, subject) in try Bindings.subjects(target).enumerated() {
                let (kind, name) = (try subject.string("kind"), try subject.string("name"))
                guard kind == "ServiceAccount", name == "default" else { continue }
                return .fail(
                    "Rights are given to a default service account, so to every pod that names no other.",
                    .object("subjects[\(index)].name"), subject["name"])
            }
            return .pass
        default:
            guard let spec = target.podSpec else { return .notApplicable }
            guard name(spec) == "default" else { return .pass }
            if try spec.bool("automountServiceAccountToken") == false { return .pass }
            if spec["automountServiceAccountToken"] == nil,
                context.automount(account: "default", namespace: target.namespace) == false
            {
                return .pass
            }
            return .fail(
                "The pod acts as the default service account.", .pod("serviceAccountName"), spec["serviceAccountName"])
        }
    }

    static func name(_ spec: Node) -> String {
        for key: StaticString in ["serviceAccountName", "serviceAccount"] {
            if let name = spec[key]?.string, !name.isEmpty { return name }
        }
        return "default"
    }
}

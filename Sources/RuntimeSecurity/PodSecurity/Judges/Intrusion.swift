// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings

/// Ways in that people leave open.
enum Intrusion {
    static func remoteShell(_ container: Container, _ target: Target, context: InspectionContext)
        throws(UnreadableField) -> Verdict
    {
        let offered: Verdict? = try container.node.first(of: "ports") { (index, port) throws(UnreadableField) in
            guard let number = try port.int("containerPort"), number == 22 else { return nil }
            return .fail(
                "The container offers port \(number), where SSH listens.",
                .relative("ports[\(index)].containerPort"), port["containerPort"])
        }
        if let offered { return offered }
        for key: StaticString in ["command", "args"] {
            guard try container.node.list(key, holds: "sudo") else { continue }
            for (index, text) in try container.node.strings(key).enumerated() {
                if text.split(whereSeparator: { " ;|&\n\t\"'`()".contains($0) }).contains(where: {
                    $0 == "sudo" || $0.hasSuffix("/sudo")
                }) {
                    return .fail("The container starts with sudo.", .relative("\(key)[\(index)]"))
                }
            }
        }
        if container.role == .main, container.index == 0,
            context.hasShellService(namespace: target.namespace, labels: target.podLabels)
        {
            return .fail(
                "A Service leads to the pod on a port where SSH listens.", .template("metadata.labels"),
                target.podLabels)
        }
        return .pass
    }

    // MARK: Dashboard and Tiller

    static let dashboardKinds =
        ObjectKind.allCases.filter(\.isWorkload) + [.roleBinding, .clusterRoleBinding, .service]
    private static let dashboard = "kubernetes-dashboard"

    /// Cluster-wide control panels of old: a web page and a server that act with their own wide rights.
    static func dashboardOrTiller(_ target: Target, _: InspectionContext) throws(UnreadableField) -> Verdict {
        switch target.kind {
        case .roleBinding, .clusterRoleBinding:
            guard let role = try target.object.object("roleRef"), try role.string("name") == dashboard else {
                return .pass
            }
            // The dashboard's own account belongs there; people do not.
            let others =
                target.object["subjects"]?.elements.contains { $0["name"]?.equals("kubernetes-dashboard") != true }
                ?? false
            return others
                ? .fail("The dashboard's role is given to others.", .object("roleRef.name"), role["name"]) : .pass
        case .service:
            let labels = target.metadata?["labels"]
            guard labels?["name"]?.equals("tiller") == true || target.subject.name == "tiller-deploy" else {
                return .pass
            }
            return .fail(
                "The Service leads to Tiller, which obeys anybody who reaches it.", .object("metadata.name"),
                target.metadata?["name"])
        default:
            return try workload(target)
        }
    }

    private static func workload(_ target: Target) throws(UnreadableField) -> Verdict {
        for labels in [target.metadata?["labels"], target.podLabels] {
            if labels?["app"]?.equals("kubernetes-dashboard") == true
                || labels?["k8s-app"]?.equals("kubernetes-dashboard") == true
            {
                return .fail("The workload is the Kubernetes dashboard.", .template("metadata.labels"), labels)
            }
        }
        // The labels that `helm init` gave it. Clients of Helm 3 run nothing in the cluster.
        if target.podLabels?["name"]?.equals("tiller") == true || target.podLabels?["app"]?.equals("helm") == true {
            return .fail(
                "The workload is Tiller, which obeys anybody who reaches it.", .template("metadata.labels"),
                target.podLabels)
        }
        let account = try target.podSpec?.string("serviceAccountName") ?? target.podSpec?["serviceAccount"]?.string
        if account == dashboard {
            return .fail(
                "The workload uses the dashboard's service account.", .pod("serviceAccountName"),
                target.podSpec?["serviceAccountName"])
        }
        for container in target.containers {
            guard let image = try container.node.text("image") else { continue }
            let isNear = image.withUTF8 { $0.holds("dashboard") || $0.holds("tiller") || $0.holds("kubernetesui") }
            guard isNear == true, let text = image.string else { continue }
            let name = Images.Reference(text).repository.split(separator: "/").suffix(2).joined(separator: "/")
            let last = name.split(separator: "/").last ?? ""
            let path = "\(container.role.list)[\(container.index)].image"
            if last.contains("kubernetes-dashboard") || name.hasPrefix("kubernetesui/") {
                return .fail("The image is the Kubernetes dashboard.", .pod(path), container.node["image"])
            }
            if last.contains("tiller") {
                return .fail(
                    "The image is Tiller, which obeys anybody who reaches it.", .pod(path), container.node["image"])
            }
        }
        return .pass
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import Documents

/// Who is never locked out, and exactly how far. The controllers in kube-system make nearly every pod of a cluster, so
/// their requests are judged like any other: what they make for users must not slip through because of who sends it.
enum ControlPlane {
    enum Standing: Equatable {
        case judged
        /// Let through; why, for the audit log.
        case passes(String)
        /// A node that poses as another.
        case refused(String)
    }

    static let mirrorAnnotation = "kubernetes.io/config.mirror"

    /// - Parameter protected: namespaces where the control plane lives (kube-system, our own).
    static func standing(of request: AdmissionRequest, protected: Set<String>) -> Standing {
        if protected.contains(request.namespace) { return .passes("the namespace \(request.namespace) is protected") }
        guard request.operation == .create, request.subresource.isEmpty, request.groups.contains("system:nodes"),
            let object = request.object,
            object["metadata"]?["annotations"]?[dynamic: mirrorAnnotation]?.string?.isEmpty == false
        else { return .judged }
        // A static pod that a node shows the API server: it runs already, and refusing its mirror would only hide it.
        let node = object["spec"]?["nodeName"]?.string ?? ""
        guard !node.isEmpty, request.user == "system:node:\(node)" else {
            return .refused(
                "\(request.user) may not make a mirror pod of the node \(node.isEmpty ? "(none)" : node): "
                    + "a mirror pod is made by its own node")
        }
        // A static pod has no account; one that names one is no mirror of anything.
        guard (object["spec"]?["serviceAccountName"]?.string ?? "").isEmpty else { return .judged }
        return .passes("a mirror pod of its own node")
    }
}

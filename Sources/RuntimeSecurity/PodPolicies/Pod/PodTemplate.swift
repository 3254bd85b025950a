// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// Where an object keeps its pod.
package enum PodSource {
    /// The pod of an object: its own, or the one that its template makes. `path` stands before the pod's own paths:
    /// `spec.template.` makes `spec.containers[0]` the object's. Nil for kinds without pods.
    ///
    /// `apiVersion` and `kind` count where the object does not say its own, as an item of a typed list.
    package static func find(
        in object: Node, apiVersion: String? = nil, kind: String? = nil
    ) throws(PodFieldError) -> (pod: Pod, path: String, isTemplate: Bool)? {
        guard object.isObject else { throw PodFieldError(object, expected: "an object").below(object) }
        guard let steps = try steps(object, apiVersion, kind) else { return nil }
        if steps.isEmpty { return (try Pod(object), "", false) }
        var holder = object
        var path = ""
        for step in steps {
            path += path.isEmpty ? "\(step)" : ".\(step)"
            guard let next = holder[step], !next.isNull else {
                throw PodFieldError(path: path, message: "must be an object and is missing")
            }
            guard next.isObject else { throw PodFieldError(next, expected: "an object").below(object) }
            holder = next
        }
        var pod = try Pod(template: holder, base: object)
        if let metadata = object["metadata"], let namespace = metadata["namespace"] {
            do throws(PodFieldError) {
                pod.namespace = try namespace.text() ?? ""
            } catch {
                throw error.below(object)
            }
        }
        return (pod, path + ".", true)
    }

    private static let workload: [StaticString] = ["spec", "template"]
    private static let cronJob: [StaticString] = ["spec", "jobTemplate", "spec", "template"]
    private static let podTemplate: [StaticString] = ["template"]

    /// The way to the template, empty for a pod, nil for kinds without pods.
    private static func steps(
        _ object: Node, _ listVersion: String?, _ listKind: String?
    ) throws(PodFieldError) -> [StaticString]? {
        let (kind, apiVersion): (String?, String?)
        do throws(PodFieldError) {
            kind = try object["kind"]?.text() ?? listKind
            apiVersion = try object["apiVersion"]?.text() ?? listVersion
        } catch {
            throw error.below(object)
        }
        guard let kind else { return nil }
        let groups: [String]
        let steps: [StaticString]
        switch kind {
        case "Pod": (groups, steps) = ([], [])
        case "Deployment", "ReplicaSet", "DaemonSet": (groups, steps) = (["apps", "extensions"], workload)
        case "StatefulSet": (groups, steps) = (["apps"], workload)
        case "Job": (groups, steps) = (["batch"], workload)
        case "CronJob": (groups, steps) = (["batch"], cronJob)
        case "ReplicationController": (groups, steps) = ([], workload)
        case "PodTemplate": (groups, steps) = ([], podTemplate)
        case "DeploymentConfig": (groups, steps) = (["apps.openshift.io"], workload)
        default: return nil
        }
        // A custom resource may borrow a name. Without a group it is the kind that everybody knows.
        guard let apiVersion, let slash = apiVersion.firstIndex(of: "/") else { return steps }
        return groups.contains(String(apiVersion[..<slash])) ? steps : nil
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings

/// An object of a cluster that a policy may be tried on: a pod, or a template that more will be made of.
package struct PreviewCandidate {
    package struct Found {
        package var pod: Pod
        /// Who will ask for the pods.
        package var requester: Requester
        /// Stands before the pod's own paths: `spec.template.`
        package var path: String

        /// `shop/cart`; the account of its pods.
        package var serviceAccount: String { "\(requester.namespace)/\(requester.serviceAccount)" }
    }

    package let subject: Subject
    private let object: Node
    private let owner: Node?

    package init(_ object: Node, apiVersion: String, kind: String) {
        self.object = object
        let metadata = object["metadata"]
        owner = metadata?["ownerReferences"]?.elements.first { $0["controller"]?.bool == true }
        subject = Subject(
            apiVersion: apiVersion, kind: kind, namespace: metadata?["namespace"]?.string ?? "",
            name: metadata?["name"]?.string ?? "")
    }

    /// The same for all pods of one controller.
    package var whose: String {
        guard let name = owner?["name"]?.string, !name.isEmpty else { return subject.display }
        return "\(subject.namespace)/\(name)/"
    }

    /// Nil for what runs no pods, has run to its end, or is made of another object's template, which is tried itself.
    package func pod() throws(PodFieldError) -> Found? {
        let kind = subject.kind
        guard !Self.isOver(object, kind), kind == "Pod" || owner == nil,
            let source = try PodSource.find(in: object, apiVersion: subject.apiVersion, kind: kind)
        else { return nil }
        var pod = source.pod
        pod.namespace = subject.namespace
        let controller =
            kind == "Pod"
            ? owner.map { Self.group($0["apiVersion"]?.string ?? "") + "/" + ($0["kind"]?.string ?? "") } ?? ""
            : "\(subject.group)/\(kind)"
        return Found(
            pod: pod, requester: .controller(of: controller, namespace: subject.namespace, pod: pod),
            path: source.path)
    }

    /// Whether a pod has run to its end, or is the mirror of a static one, which no policy keeps from running.
    static func isOver(_ object: Node, _ kind: String) -> Bool {
        guard kind == "Pod" else { return false }
        let phase = object["status"]?["phase"]?.string
        return phase == "Succeeded" || phase == "Failed"
            || object["metadata"]?["annotations"]?[dynamic: ControlPlane.mirrorAnnotation] != nil
    }

    private static func group(_ apiVersion: String) -> String {
        apiVersion.split(separator: "/").count == 2 ? String(apiVersion.prefix { $0 != "/" }) : ""
    }
}

/// How the objects of a cluster would fare. Pods of one controller that fare alike are one entry.
package struct PreviewEntries: Sendable {
    private var entries: [String: PolicyPreview.Entry] = [:]
    /// Objects judged, and those that the policy does not count for.
    package var judged = 0
    package var untouched = 0

    package init() {}

    /// - Parameter key: the same for objects that fare alike.
    package mutating func keep(_ entry: PolicyPreview.Entry, key: String) {
        guard var same = entries[key] else {
            entries[key] = entry
            return
        }
        same.count += 1
        if entry.subject < same.subject { same.subject = entry.subject }
        entries[key] = same
    }

    /// By outcome, then by subject.
    package var results: [PolicyPreview.Entry] {
        let order = Dictionary(uniqueKeysWithValues: zip(PolicyPreview.Outcome.allCases, 0...))
        return entries.values.sorted {
            let (one, other) = (order[$0.outcome] ?? 0, order[$1.outcome] ?? 0)
            return one != other ? one < other : ($0.subject, $0.policy) < ($1.subject, $1.policy)
        }
    }

    /// How many objects fare how.
    package var counts: [PolicyPreview.Outcome: Int] {
        entries.values.reduce(into: [:]) { $0[$1.outcome, default: 0] += $1.count }
    }
}

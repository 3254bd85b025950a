// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings

/// One object under inspection, opened once for all checks.
final class Target {
    let object: Node
    let kind: ObjectKind
    let subject: Subject
    /// The object's metadata.
    let metadata: Node?
    /// Where the pod's metadata and spec stand; empty for a Pod.
    let templatePath: String
    /// The pod template's metadata; the object's own for a Pod.
    let podMetadata: Node?
    let podSpec: Node?
    let podSecurity: Node?
    let containers: [Container]
    /// Why pod or containers cannot be read; then no check about them can be answered.
    let unreadable: UnreadableField?
    /// Whether an annotation can be one of those that named seccomp and AppArmor profiles before there were fields.
    private(set) lazy var hasProfileAnnotations =
        podMetadata?["annotations"]?.members.contains { key, _ in
            key.withUTF8 { $0.starts(with: "container.".utf8) || $0.starts(with: "seccomp.".utf8) }
        } ?? false
    /// What it mounts of its node.
    private(set) lazy var hostPaths = Result { () throws(UnreadableField) in try Volumes.hostPaths(of: podSpec) }

    /// What a role allows.
    private(set) lazy var rules = Result { () throws(UnreadableField) in try PolicyRule.rules(of: object) }

    init(object: Node, kind: ObjectKind, subject: Subject) {
        self.object = object
        self.kind = kind
        self.subject = subject
        metadata = object["metadata"]
        templatePath = kind.isWorkload ? kind.templatePath : ""
        var opened: (metadata: Node?, spec: Node?, security: Node?, containers: [Container]) = (nil, nil, nil, [])
        var problem: UnreadableField?
        if kind.isWorkload {
            do throws(UnreadableField) { opened = try Self.open(object, kind) } catch { problem = error }
        }
        (podMetadata, podSpec, podSecurity, containers) = opened
        unreadable = problem
    }

    /// The namespace that Kubernetes would use: `default` when the object names none.
    var namespace: String { subject.namespace.isEmpty ? "default" : subject.namespace }

    /// The labels of the pods that the workload makes.
    var podLabels: Node? { podMetadata?["labels"] }

    /// The number of pods asked for; 1 when unset.
    var replicas: Int { object["spec"]?["replicas"]?.int ?? 1 }

    private static func open(
        _ object: Node, _ kind: ObjectKind
    ) throws(UnreadableField) -> (Node?, Node?, Node?, [Container]) {
        let template = kind.templatePath
        var holder = object
        for step in kind.templateSteps {
            guard let next = try at(template, { () throws(UnreadableField) in try holder.object(step) }) else {
                throw UnreadableField(message: "there is no pod template", path: template)
            }
            holder = next
        }
        let base = kind.podSpecPath
        let metadata = try at(template) { () throws(UnreadableField) in try holder.object("metadata") }
        guard let spec = try at(base, { () throws(UnreadableField) in try holder.object("spec") }) else {
            throw UnreadableField(message: "there is no pod spec", path: base)
        }
        let security = try at(base, { () throws(UnreadableField) in try spec.object("securityContext") })
        var containers: [Container] = []
        containers.reserveCapacity(4)
        for role in Container.Role.allCases {
            guard let list = try at(base, { () throws(UnreadableField) in try spec.array(role.key) }) else { continue }
            var index = 0
            for node in list.elements {
                guard node.kind == .object else {
                    throw UnreadableField(
                        message: "a container should be an object, not \(node.described)",
                        path: "\(base).\(role.list)[\(index)]")
                }
                do throws(UnreadableField) {
                    containers.append(
                        try Container(node: node, role: role, index: index, podSecurity: security, base: base))
                } catch {
                    throw UnreadableField(
                        message: error.message, path: "\(base).\(role.list)[\(index)].\(error.path)")
                }
                index += 1
            }
        }
        return (metadata, spec, security, containers)
    }

    /// Puts the place of what was read before an error's own path.
    private static func at<Value>(
        _ base: String, _ read: () throws(UnreadableField) -> Value
    ) throws(UnreadableField) -> Value {
        do {
            return try read()
        } catch {
            throw UnreadableField(message: error.message, path: base.isEmpty ? error.path : "\(base).\(error.path)")
        }
    }
}

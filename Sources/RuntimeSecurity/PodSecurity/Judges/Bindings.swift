// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings

/// RoleBinding and ClusterRoleBinding: who gets a role.
enum Bindings {
    static let kinds: [ObjectKind] = [.roleBinding, .clusterRoleBinding]

    static func anonymous(_ target: Target, context: InspectionContext) throws(UnreadableField) -> Verdict {
        let subjects = try subjects(target)
        for (index, subject) in subjects.enumerated() {
            guard let name = try subject.string("name"), name == "system:anonymous" || name == "system:unauthenticated"
            else { continue }
            // Kubernetes itself lets everybody read its version and health.
            if isPublicInfo(target) { continue }
            return .fail(
                "Rights are given to people who did not log in (\(name)).", .object("subjects[\(index)].name"),
                subject["name"])
        }
        return .pass
    }

    static func everyone(_ target: Target, context: InspectionContext) throws(UnreadableField) -> Verdict {
        for (index, subject) in try subjects(target).enumerated() {
            guard try subject.string("name") == "system:authenticated" else { continue }
            guard let role = try roleRef(target) else { continue }
            if let granted = context.permissions(kind: role.kind, name: role.name, namespace: target.namespace),
                granted.isDisjoint(with: [.sensitive, .exec, .everything])
            {
                continue
            }
            return .fail(
                "Rights are given to everybody who can log in.", .object("subjects[\(index)].name"), subject["name"])
        }
        return .pass
    }

    static func masters(_ target: Target, context: InspectionContext) throws(UnreadableField) -> Verdict {
        if target.kind == .clusterRoleBinding, target.subject.name == "cluster-admin" { return .pass }
        for (index, subject) in try subjects(target).enumerated() {
            if try subject.string("name") == "system:masters", try subject.string("kind") ?? "Group" == "Group" {
                return .fail(
                    "Rights are given to system:masters, which no policy can hold back.",
                    .object("subjects[\(index)].name"), subject["name"])
            }
        }
        return .pass
    }

    static func clusterAdmin(_ target: Target, context: InspectionContext) throws(UnreadableField) -> Verdict {
        if Roles.isBuiltIn(target.subject.name) { return .pass }
        guard let role = try roleRef(target) else { return .pass }
        let path = FieldPath.object("roleRef.name")
        if role.kind == "ClusterRole", role.name == "cluster-admin" {
            return .fail("The binding gives cluster-admin.", path, role.node)
        }
        // A cluster binding of a namespaced role is refused by the API server.
        if role.kind == "Role", target.kind == .clusterRoleBinding { return .pass }
        guard let granted = context.permissions(kind: role.kind, name: role.name, namespace: target.namespace) else {
            return .warn(
                "The binding gives \(role.name), which is not among the inspected objects: what it allows is unknown.",
                path, role.node)
        }
        if granted.contains(.everything) {
            return .fail("The binding gives \(role.name), which allows everything.", path, role.node)
        }
        return .pass
    }

    /// The role that a binding gives; nil when it names none.
    static func roleRef(_ target: Target) throws(UnreadableField) -> (kind: String, name: String, node: Node?)? {
        guard let reference = try target.object.object("roleRef"), let name = try reference.string("name") else {
            return nil
        }
        return (try reference.string("kind") ?? "ClusterRole", name, reference["name"])
    }

    static func subjects(_ target: Target) throws(UnreadableField) -> [Node] {
        guard let list = try target.object.array("subjects") else { return [] }
        for (index, subject) in list.elements.enumerated() where subject.kind != .object {
            throw UnreadableField(message: "a subject should be an object", path: "subjects[\(index)]")
        }
        return Array(list.elements)
    }

    private static func isPublicInfo(_ target: Target) -> Bool {
        target.subject.name == "system:public-info-viewer"
            && target.object["roleRef"]?["name"]?.equals("system:public-info-viewer") == true
    }
}

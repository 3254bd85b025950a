// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// One field of a pod that a policy sets.
package struct PodChange: Sendable, Equatable {
    /// As in `Violation`.
    package var control: String
    /// The container's name; empty for the pod.
    package var container: String
    /// The steps to the field from the object's root: `spec`, `containers`, `0`, `securityContext`, `runAsUser`.
    package var steps: [String]
    /// Nil where nothing stood.
    package var old: EditValue?
    package var new: EditValue

    /// `spec.containers[0].securityContext.runAsUser`
    package var path: String {
        var text = ""
        for step in steps {
            if !step.isEmpty, step.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }) {
                text += "[\(step)]"
            } else if steps.starts(with: ["metadata", "annotations"]), text == "metadata.annotations" {
                text += "[\(step)]"
            } else {
                text += text.isEmpty ? step : ".\(step)"
            }
        }
        return text
    }
}

extension Pod {
    /// What must be set in this pod to make it `other`, for the fields that policies fill in: annotations, the runtime
    /// class and the security contexts. `other` has the same containers.
    package func changes(to other: Pod) -> [PodChange] {
        var changes = ChangeList()
        for (key, value) in other.annotations.sorted(by: { $0.key < $1.key }) {
            changes.add(
                "annotations", ["metadata", "annotations", key], annotations[key].map(EditValue.string),
                .string(value))
        }
        changes.add(
            "runtimeClass", ["spec", "runtimeClassName"], runtimeClassName.map(EditValue.string),
            other.runtimeClassName.map(EditValue.string))
        if security != other.security { changes.add(security, other.security) }
        for (one, other) in zip(allContainers, other.allContainers) where one.security != other.security {
            changes.add(one, other)
        }
        return changes.list
    }
}

private struct ChangeList {
    var list: [PodChange] = []
    var container = ""
    var steps = ["spec", "securityContext"]

    mutating func add(_ control: String, _ steps: [String], _ old: EditValue?, _ new: EditValue?) {
        guard let new, old != new else { return }
        list.append(PodChange(control: control, container: container, steps: steps, old: old, new: new))
    }

    private mutating func add(_ control: String, _ field: String, _ old: EditValue?, _ new: EditValue?) {
        add(control, steps + [field], old, new)
    }

    mutating func add(_ one: PodSecurityContext?, _ other: PodSecurityContext?) {
        add("seLinux", "seLinuxOptions", one?.seLinux?.edit, other?.seLinux?.edit)
        add("runAsUser", "runAsUser", one?.runAsUser?.edit, other?.runAsUser?.edit)
        add("runAsGroup", "runAsGroup", one?.runAsGroup?.edit, other?.runAsGroup?.edit)
        add(
            "runAsNonRoot", "runAsNonRoot", one?.runAsNonRoot.map(EditValue.bool),
            other?.runAsNonRoot.map(EditValue.bool))
        add(
            "supplementalGroups", "supplementalGroups", one?.supplementalGroups.map { .array($0.map(\.edit)) },
            other?.supplementalGroups.map { .array($0.map(\.edit)) })
        add("fsGroup", "fsGroup", one?.fsGroup?.edit, other?.fsGroup?.edit)
        add("seccomp", "seccompProfile", one?.seccomp?.edit, other?.seccomp?.edit)
        add("appArmor", "appArmorProfile", one?.appArmor?.edit, other?.appArmor?.edit)
    }

    mutating func add(_ one: Container, _ other: Container) {
        container = one.name
        steps = ["spec", one.role.rawValue, String(one.index), "securityContext"]
        let one = one.security
        let other = other.security
        add("capabilities", "capabilities", one?.capabilities?.edit, other?.capabilities?.edit)
        add("privileged", "privileged", one?.privileged.map(EditValue.bool), other?.privileged.map(EditValue.bool))
        add("seLinux", "seLinuxOptions", one?.seLinux?.edit, other?.seLinux?.edit)
        add("runAsUser", "runAsUser", one?.runAsUser?.edit, other?.runAsUser?.edit)
        add("runAsGroup", "runAsGroup", one?.runAsGroup?.edit, other?.runAsGroup?.edit)
        add(
            "runAsNonRoot", "runAsNonRoot", one?.runAsNonRoot.map(EditValue.bool),
            other?.runAsNonRoot.map(EditValue.bool))
        add(
            "readOnlyRootFilesystem", "readOnlyRootFilesystem", one?.readOnlyRootFilesystem.map(EditValue.bool),
            other?.readOnlyRootFilesystem.map(EditValue.bool))
        add(
            "allowPrivilegeEscalation", "allowPrivilegeEscalation",
            one?.allowPrivilegeEscalation.map(EditValue.bool), other?.allowPrivilegeEscalation.map(EditValue.bool))
        add("seccomp", "seccompProfile", one?.seccomp?.edit, other?.seccomp?.edit)
        add("appArmor", "appArmorProfile", one?.appArmor?.edit, other?.appArmor?.edit)
    }
}

extension Int {
    var edit: EditValue { .number(String(self)) }
}

extension SELinuxOptions {
    var edit: EditValue {
        .object(
            [("user", user), ("role", role), ("type", type), ("level", level)].filter { !$0.1.isEmpty }
                .map { ($0.0, .string($0.1)) })
    }
}

extension Capabilities {
    var edit: EditValue {
        .object(
            [("add", add), ("drop", drop)].filter { !$0.1.isEmpty }
                .map { ($0.0, .array($0.1.map(EditValue.string))) })
    }
}

extension Profile {
    var edit: EditValue {
        .object([("type", .string(type))] + (localhostProfile.map { [("localhostProfile", .string($0))] } ?? []))
    }
}

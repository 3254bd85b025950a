// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

extension RulesJudge {
    /// Judges one container with what it inherits from the pod.
    mutating func judge(_ container: Container) {
        let own = container.security
        let inherited = pod.security
        let at = "\(container.path).securityContext"
        judgeUser(container, at: at)
        if let rule = rules.runAsGroup {
            let group = own?.runAsGroup ?? inherited?.runAsGroup
            judge(
                group.map { [$0] } ?? [], by: rule, "runAsGroup", path: "\(at).runAsGroup", container: container.name)
        }
        judge(own?.seLinux ?? inherited?.seLinux, path: "\(at).seLinuxOptions", container: container.name)
        judgeAppArmor(container, at: at)
        judgeSeccomp(
            pod.seccomp(of: container),
            annotation: pod.annotations[ProfileAnnotation.seccomp(ofContainer: container.name)], field: own?.seccomp,
            path: "\(at).seccompProfile", container: container.name)
        if own?.privileged == true, !rules.privileged {
            add(
                "privileged", container: container.name, path: "\(at).privileged", value: true,
                message: "privileged containers are not allowed", remedy: "set it to false or remove it")
        }
        let procMount = own?.procMount ?? "Default"
        let procMounts = rules.allowedProcMountTypes.isEmpty ? ["Default"] : rules.allowedProcMountTypes
        if !procMounts.contains(procMount) {
            add(
                "allowedProcMountTypes", container: container.name, path: "\(at).procMount",
                value: .string(procMount), message: "the proc mount \(procMount) is not allowed",
                remedy: remedy(procMounts, orRemove: procMounts.contains("Default")))
        }
        judgeCapabilities(own?.capabilities, of: container, at: "\(at).capabilities")
        judgePorts(container)
        if rules.readOnlyRootFilesystem, own?.readOnlyRootFilesystem != true {
            add(
                "readOnlyRootFilesystem", container: container.name, path: "\(at).readOnlyRootFilesystem",
                value: own?.readOnlyRootFilesystem.map(EditValue.bool),
                message: "the root filesystem must be read-only", remedy: "set it to true")
        }
        if rules.allowPrivilegeEscalation == false, own?.allowPrivilegeEscalation != false {
            add(
                "allowPrivilegeEscalation", container: container.name, path: "\(at).allowPrivilegeEscalation",
                value: own?.allowPrivilegeEscalation.map(EditValue.bool),
                message: "privilege escalation is not allowed", remedy: "set it to false")
        }
    }

    private mutating func judgeUser(_ container: Container, at: String) {
        let user = container.security?.runAsUser ?? pod.security?.runAsUser
        switch rules.runAsUser {
        case .runAsAny: return
        case .mustRunAs:
            if let user, rules.runAsUserRanges.contains(where: { $0.contains(user) }) { return }
            add(
                "runAsUser", container: container.name, path: "\(at).runAsUser", value: user?.edit,
                message: user.map { "the user \($0) is not allowed" } ?? "a user must be set",
                remedy: "set it to a user \(rules.runAsUserRanges.text)")
        case .mustRunAsNonRoot:
            let nonRoot = container.security?.runAsNonRoot ?? pod.security?.runAsNonRoot
            if nonRoot == false || (nonRoot == nil && user == nil) {
                add(
                    "runAsUser", container: container.name, path: "\(at).runAsNonRoot",
                    value: nonRoot.map(EditValue.bool), message: "running as root must be ruled out",
                    remedy: "set it to true")
            } else if user == 0 {
                add(
                    "runAsUser", container: container.name, path: "\(at).runAsUser", value: 0,
                    message: "running as root is not allowed", remedy: "set it to another user or remove it")
            }
        }
    }

    private mutating func judgeAppArmor(_ container: Container, at: String) {
        let allowed = rules.allowedAppArmorProfiles
        let profile = pod.appArmor(of: container)
        // No list allows every profile; with a list there must be one.
        guard !allowed.isEmpty, profile.isEmpty || !allowed.contains(profile) else { return }
        let hasField = container.security?.appArmor != nil || pod.security?.appArmor != nil
        let annotation = ProfileAnnotation.appArmor(ofContainer: container.name)
        add(
            "allowedAppArmorProfiles", container: container.name,
            path: hasField ? "\(at).appArmorProfile" : "metadata.annotations[\(annotation)]",
            value: profile.isEmpty ? nil : .string(profile),
            message: profile.isEmpty
                ? "an AppArmor profile must be set" : "the AppArmor profile \(profile) is not allowed",
            remedy: remedy(allowed, orRemove: false))
    }

    private mutating func judgeCapabilities(_ capabilities: Capabilities?, of container: Container, at: String) {
        guard let capabilities else {
            if rules.defaultAddCapabilities.isEmpty, rules.requiredDropCapabilities.isEmpty { return }
            // Even where every capability is allowed.
            let drops = rules.requiredDropCapabilities
            add(
                drops.isEmpty ? "defaultAddCapabilities" : "requiredDropCapabilities", container: container.name,
                path: at, message: "capabilities must be set",
                remedy: drops.isEmpty
                    ? "add \(rules.defaultAddCapabilities.joined(separator: ", "))"
                    : "drop \(drops.joined(separator: ", "))")
            return
        }
        if rules.allowedCapabilities.contains("*") { return }
        for name in capabilities.add
        where !rules.defaultAddCapabilities.contains(name) && !rules.allowedCapabilities.contains(name) {
            add(
                "allowedCapabilities", container: container.name, path: "\(at).add", value: .string(name),
                message: "the capability \(name) may not be added", remedy: "remove it")
        }
        if rules.requiredDropCapabilities.isEmpty { return }
        let drops = Set(capabilities.drop)
        for name in rules.requiredDropCapabilities where !drops.contains(name) {
            add(
                "requiredDropCapabilities", container: container.name, path: "\(at).drop",
                value: .array(capabilities.drop.prefix(20).map(EditValue.string)),
                message: "the capability \(name) must be dropped", remedy: "add \(name) to the list")
        }
    }

    private mutating func judgePorts(_ container: Container) {
        for (index, port) in container.ports.enumerated() where port.hostPort > 0 {
            if rules.hostPorts.contains(where: { port.hostPort >= $0.min && port.hostPort <= $0.max }) { continue }
            let ranges = rules.hostPorts.map { SecurityRules.IDRange(min: $0.min, max: $0.max) }
            add(
                "hostPorts", container: container.name, path: "\(container.path).ports[\(index)].hostPort",
                value: port.hostPort.edit, message: "the host port \(port.hostPort) is not allowed",
                remedy: ranges.isEmpty ? "remove it" : "choose a port \(ranges.text), or remove it")
        }
    }
}

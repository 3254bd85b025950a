// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Console
import PodPolicies

/// A pod policy in words.
enum PolicyWords {
    static func detail(_ policy: PodPolicy) -> PolicyDetail {
        let (kind, rules): (String, [PolicyDetail.Rule]) =
            switch policy.rules {
            case .standard(let standard): (standard.text, Self.rules(standard))
            case .fields(let rules): ("fields", Self.rules(rules))
            }
        return PolicyDetail(
            name: policy.name, mode: policy.mode.rawValue, kind: kind, isEnabled: policy.isEnabled,
            isDefault: policy.isDefault, rules: rules,
            exemptions: policy.exemptions.map {
                .init(
                    users: $0.users, namespaces: $0.namespaces, runtimeClasses: $0.runtimeClasses, owner: $0.owner,
                    reason: $0.reason, expiry: $0.expiry)
            })
    }

    /// `team in (pay, shop), !legacy`
    static func selector(_ requirements: [NamespaceSelection.Requirement]) -> String {
        if requirements.isEmpty { return "every namespace" }
        return requirements.map { requirement in
            let values = "(\(requirement.values.joined(separator: ", ")))"
            return switch requirement.operator {
            case .isIn: "\(requirement.key) in \(values)"
            case .notIn: "\(requirement.key) not in \(values)"
            case .exists: requirement.key
            case .doesNotExist: "!\(requirement.key)"
            }
        }.joined(separator: ", ")
    }

    /// The controls of https://kubernetes.io/docs/concepts/security/pod-security-standards/ by their names there.
    private static func rules(_ standard: PodSecurityStandard) -> [PolicyDetail.Rule] {
        if standard.level == .privileged { return [.init("Everything", "allowed", isRestricting: false)] }
        let baseline: [PolicyDetail.Rule] = [
            .init("Host namespaces", "none"), .init("Privileged containers", "no"),
            .init(
                "Capabilities",
                standard.level == .restricted
                    ? "drop ALL; only NET_BIND_SERVICE may be added"
                    : "only those that runtimes give anyway may be added"),
            .init("Host path volumes", "none"), .init("Host ports", "none"), .init("Host process (Windows)", "no"),
            .init("AppArmor, SELinux", "no weaker than the runtime's own"), .init("/proc mount", "default"),
            .init("Sysctls", "the safe ones"),
            .init(
                "Seccomp",
                standard.level == .restricted ? "RuntimeDefault or Localhost, said explicitly" : "not Unconfined"),
        ]
        guard standard.level == .restricted else { return baseline }
        return baseline + [
            .init(
                "Volume types",
                "configMap, csi, downwardAPI, emptyDir, ephemeral, persistentVolumeClaim, projected, secret"),
            .init("Privilege escalation", "not allowed"), .init("User", "must not be root, said explicitly"),
        ]
    }

    private static func rules(_ rules: SecurityRules) -> [PolicyDetail.Rule] {
        var list: [PolicyDetail.Rule] = []
        func add(_ title: String, _ value: String, _ isRestricting: Bool = true) {
            list.append(.init(title, value, isRestricting: isRestricting))
        }
        func flag(_ title: String, _ isAllowed: Bool) { add(title, isAllowed ? "allowed" : "not allowed", !isAllowed) }
        flag("Privileged containers", rules.privileged)
        flag("Host network", rules.hostNetwork)
        flag("Host process ids", rules.hostPID)
        flag("Host IPC", rules.hostIPC)
        add(
            "Host ports",
            rules.hostPorts.isEmpty ? "none" : rules.hostPorts.map { range($0.min, $0.max) }.joined(separator: ", "))
        add("Volume types", names(rules.volumes, "none"), !rules.volumes.contains("*"))
        if !rules.allowedHostPaths.isEmpty {
            let paths = rules.allowedHostPaths.map { $0.pathPrefix + ($0.readOnly ? " (read only)" : "") }
            add("Host paths", paths.joined(separator: ", "))
        }
        if !rules.allowedFlexVolumes.isEmpty { add("Flex volume drivers", names(rules.allowedFlexVolumes, "any")) }
        if !rules.allowedCSIDrivers.isEmpty { add("CSI drivers", names(rules.allowedCSIDrivers, "any")) }
        add(
            "Capabilities that may be added", names(rules.allowedCapabilities, "none"),
            !rules.allowedCapabilities.contains("*"))
        if !rules.requiredDropCapabilities.isEmpty {
            add("Capabilities to drop", names(rules.requiredDropCapabilities, "") + "; filled in")
        }
        if !rules.defaultAddCapabilities.isEmpty {
            add("Capabilities added", names(rules.defaultAddCapabilities, "") + "; filled in", false)
        }
        add("User", user(rules), rules.runAsUser != .runAsAny)
        if let group = rules.runAsGroup { add("Group", groups(group), group.rule != .runAsAny) }
        add("Supplemental groups", groups(rules.supplementalGroups), rules.supplementalGroups.rule != .runAsAny)
        add("File system group", groups(rules.fsGroup), rules.fsGroup.rule != .runAsAny)
        add(
            "SELinux", rules.seLinux == .mustRunAs ? "as the policy says; filled in" : "any",
            rules.seLinux == .mustRunAs)
        add(
            "Root file system", rules.readOnlyRootFilesystem ? "read only; filled in" : "any",
            rules.readOnlyRootFilesystem)
        var escalation = rules.allowPrivilegeEscalation ?? true ? "allowed" : "not allowed"
        if let standard = rules.defaultAllowPrivilegeEscalation { escalation += "; filled in as \(standard)" }
        add("Privilege escalation", escalation, !(rules.allowPrivilegeEscalation ?? true))
        add("Unsafe sysctls", names(rules.allowedUnsafeSysctls, "none"))
        if !rules.forbiddenSysctls.isEmpty { add("Forbidden sysctls", names(rules.forbiddenSysctls, "")) }
        add("/proc mount", names(rules.allowedProcMountTypes, "Default"))
        if let classes = rules.runtimeClass {
            let standard = classes.defaultName.map { "; filled in as \($0)" } ?? ""
            add("Runtime class", names(classes.allowed, "none") + standard, !classes.allowed.contains("*"))
        }
        profile("Seccomp", rules.allowedSeccompProfiles, rules.defaultSeccompProfile)
        profile("AppArmor", rules.allowedAppArmorProfiles, rules.defaultAppArmorProfile)
        func profile(_ title: String, _ allowed: [String], _ standard: String) {
            guard !allowed.isEmpty || !standard.isEmpty else { return }
            let filled = standard.isEmpty ? "" : "; filled in as \(standard)"
            add("\(title) profiles", names(allowed, "none but an unset one") + filled, !allowed.contains("*"))
        }
        return list
    }

    private static func user(_ rules: SecurityRules) -> String {
        switch rules.runAsUser {
        case .mustRunAs: "one of \(ranges(rules.runAsUserRanges)); filled in"
        case .mustRunAsNonRoot: "must not be root"
        case .runAsAny: "any"
        }
    }

    private static func groups(_ groups: SecurityRules.Groups) -> String {
        switch groups.rule {
        case .mustRunAs: "one of \(ranges(groups.ranges)); filled in"
        case .mayRunAs: "if set, one of \(ranges(groups.ranges))"
        case .runAsAny: "any"
        }
    }

    private static func ranges(_ ranges: [SecurityRules.IDRange]) -> String {
        ranges.map { range($0.min, $0.max) }.joined(separator: ", ")
    }

    private static func range(_ min: Int, _ max: Int) -> String { min == max ? "\(min)" : "\(min) to \(max)" }

    private static func names(_ names: [String], _ none: String) -> String {
        names.isEmpty ? none : names.contains("*") ? "any" : names.joined(separator: ", ")
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// Judges one pod by one policy's rules, field by field as PodSecurityPolicy's admission did (Kubernetes 1.20).
struct RulesJudge {
    let rules: SecurityRules
    let pod: Pod
    private(set) var found: [Violation] = []
    /// More are not told: a hostile pod could have millions.
    static let maxViolations = 1000

    init(rules: SecurityRules, pod: Pod) {
        self.rules = rules
        self.pod = pod
    }

    consuming func violations() -> [Violation] {
        // PodSecurityPolicy dropped such a policy without a word; it accepts nothing.
        for problem in rules.unusable {
            add(
                problem.field, path: "", message: "the policy's \(problem.field) should be \(problem.expected)",
                remedy: "correct the policy")
        }
        judgePod()
        judgeVolumes()
        for container in pod.allContainers { judge(container) }
        return found
    }

    mutating func add(
        _ control: String, container: String = "", path: String, value: EditValue? = nil, message: String,
        remedy: String
    ) {
        guard found.count < Self.maxViolations else { return }
        found.append(
            Violation(
                control, container: container, path: path, value: value.map { $0.json.cut(to: 200) } ?? "",
                message: message, remedy: remedy))
    }

    // MARK: The pod

    private mutating func judgePod() {
        let security = pod.security
        let at = "spec.securityContext"
        judge(
            security?.fsGroup.map { [$0] } ?? [], by: rules.fsGroup, "fsGroup", path: "\(at).fsGroup", container: "")
        judge(
            security?.supplementalGroups ?? [], by: rules.supplementalGroups, "supplementalGroups",
            path: "\(at).supplementalGroups", container: "")
        judgeSeccomp(
            pod.seccompOfPod, annotation: pod.annotations[ProfileAnnotation.seccompOfPod], field: security?.seccomp,
            path: "\(at).seccompProfile", container: "")
        judge(security?.seLinux, path: "\(at).seLinuxOptions", container: "")
        judgeHost(pod.hostNetwork, allowed: rules.hostNetwork, "hostNetwork", "the node's network")
        judgeHost(pod.hostPID, allowed: rules.hostPID, "hostPID", "the node's process namespace")
        judgeHost(pod.hostIPC, allowed: rules.hostIPC, "hostIPC", "the node's IPC namespace")
        for (index, sysctl) in (security?.sysctls ?? []).enumerated() {
            judge(sysctl, path: "\(at).sysctls[\(index)]")
        }
        judgeRuntimeClass()
    }

    private mutating func judgeHost(_ used: Bool, allowed: Bool, _ field: String, _ what: String) {
        guard used, !allowed else { return }
        add(
            field, path: "spec.\(field)", value: true, message: "sharing \(what) is not allowed",
            remedy: "set it to false or remove it")
    }

    private mutating func judgeRuntimeClass() {
        guard let rule = rules.runtimeClass, let name = pod.runtimeClassName, !rule.allowed.contains("*"),
            !rule.allowed.contains(name)
        else { return }
        add(
            "runtimeClass", path: "spec.runtimeClassName", value: .string(name),
            message: "the runtime class \(name) is not allowed", remedy: remedy(rule.allowed, orRemove: true))
    }

    private mutating func judge(_ sysctl: Sysctl, path: String) {
        let name = sysctl.name
        let isForbidden = rules.forbiddenSysctls.contains { Self.matches($0, name) }
        if !isForbidden, Self.safeSysctls.contains(name) { return }
        if !isForbidden, rules.allowedUnsafeSysctls.contains(where: { Self.matches($0, name) }) { return }
        add(
            isForbidden ? "forbiddenSysctls" : "allowedUnsafeSysctls", path: path, value: .string(name),
            message: isForbidden ? "the sysctl \(name) is forbidden" : "the unsafe sysctl \(name) is not allowed",
            remedy: "remove it")
    }

    /// What every version since 1.11 takes as safe. Newer versions know more; PodSecurityPolicy did not.
    private static let safeSysctls: Set<String> = [
        "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies",
        "net.ipv4.ping_group_range",
    ]

    /// An exact name, or a prefix that ends in `*`.
    private static func matches(_ pattern: String, _ name: String) -> Bool {
        pattern.hasSuffix("*") ? name.utf8.starts(with: pattern.utf8.dropLast()) : pattern == name
    }

    // MARK: Of pods and containers

    mutating func judge(
        _ groups: [Int], by rule: SecurityRules.Groups, _ control: String, path: String, container: String
    ) {
        guard rule.rule != .runAsAny else { return }
        if groups.isEmpty, rule.rule == .mustRunAs {
            add(
                control, container: container, path: path, message: "a group must be set",
                remedy: "set it to a group \(rule.ranges.text)")
        }
        for group in groups where !rule.contains(group) {
            add(
                control, container: container, path: path, value: group.edit,
                message: "the group \(group) is not allowed", remedy: "choose a group \(rule.ranges.text)")
        }
    }

    mutating func judge(_ options: SELinuxOptions?, path: String, container: String) {
        guard rules.seLinux == .mustRunAs, let wanted = rules.seLinuxOptions else { return }
        guard let options else {
            add(
                "seLinux", container: container, path: path, message: "SELinux options must be set",
                remedy: "set it to \(wanted.edit.json)")
            return
        }
        let parts: [(String, String, String, Bool)] = [
            ("level", options.level, wanted.level, SELinuxLevel.equal(wanted.level, options.level)),
            ("role", options.role, wanted.role, options.role == wanted.role),
            ("type", options.type, wanted.type, options.type == wanted.type),
            ("user", options.user, wanted.user, options.user == wanted.user),
        ]
        for (name, value, wanted, isEqual) in parts where !isEqual {
            add(
                "seLinux", container: container, path: "\(path).\(name)", value: .string(value),
                message: "the SELinux \(name) must be \(wanted.isEmpty ? "unset" : wanted)",
                remedy: wanted.isEmpty ? "remove it" : "set it to \(wanted)")
        }
    }

    /// `profile` is what counts, of the annotation and the field that stand there.
    mutating func judgeSeccomp(
        _ profile: String, annotation: String?, field: Profile?, path: String, container: String
    ) {
        if let annotation, !annotation.isEmpty, let field, Profile(seccompAnnotation: annotation) != field {
            // API servers from 1.19 to 1.26 refused this; later ones go by the field alone.
            add(
                "allowedSeccompProfiles", container: container, path: path, value: field.edit,
                message: "the seccomp profile contradicts the annotation \(annotation)",
                remedy: "remove the annotation")
        }
        let allowed = rules.allowedSeccompProfiles
        if allowed.contains("*") || allowed.contains(profile) || (profile.isEmpty && allowed.isEmpty) { return }
        // Two names of one profile.
        let names = ["runtime/default", "docker/default"]
        if names.contains(profile), allowed.contains(where: names.contains) { return }
        let isUnset = profile.isEmpty
        add(
            "allowedSeccompProfiles", container: container, path: path, value: isUnset ? nil : .string(profile),
            message: isUnset ? "a seccomp profile must be set" : "the seccomp profile \(profile) is not allowed",
            remedy: remedy(allowed, orRemove: allowed.isEmpty))
    }

    /// What may stand there instead.
    func remedy(_ allowed: [String], orRemove: Bool) -> String {
        let names = allowed.filter { !$0.isEmpty }
        if names.isEmpty { return "remove it" }
        let list = names.prefix(20).joined(separator: ", ") + (names.count > 20 ? ", …" : "")
        return (names.count == 1 ? "set it to \(list)" : "set it to one of \(list)")
            + (orRemove ? ", or remove it" : "")
    }
}

/// SELinux levels, which may list their categories in any order: `s0:c1,c0` is `s0:c0,c1`.
enum SELinuxLevel {
    static func equal(_ one: String, _ other: String) -> Bool {
        if one == other { return true }
        let one = one.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let other = other.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard one.count == 2, other.count == 2, one[0] == other[0] else { return false }
        return categories(one[1]) == categories(other[1])
    }

    private static func categories(_ text: Substring) -> [Substring] {
        text.split(separator: ",", omittingEmptySubsequences: false).sorted()
    }
}

extension [SecurityRules.IDRange] {
    /// `from 1 to 5, or 7`
    var text: String {
        let parts = prefix(20).map { $0.min == $0.max ? "\($0.min)" : "from \($0.min) to \($0.max)" }
        return parts.joined(separator: ", or ") + (count > 20 ? ", …" : "")
    }
}

extension String {
    /// At most `limit` characters; a longer text ends with `…`.
    func cut(to limit: Int) -> String { utf8.count <= limit ? self : String(prefix(limit - 1)) + "…" }
}

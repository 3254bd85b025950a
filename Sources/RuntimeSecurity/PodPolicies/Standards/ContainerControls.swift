// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// The controls over containers, and those that pod and container share (`container` is nil for the pod).
extension StandardJudge {
    mutating func privileged(_ security: SecurityContext, _ container: Container) {
        guard security.privileged == true else { return }
        refuse(
            "privileged", container, "securityContext.privileged", value: .bool(true),
            "privileged containers are not allowed", remedy: "set it to false or remove it")
    }

    mutating func hostPorts(_ container: Container) {
        for (index, port) in container.ports.enumerated() where port.hostPort != 0 {
            refuse(
                "hostPorts", container, "ports[\(index)].hostPort", value: .number(String(port.hostPort)),
                "ports of the node are not allowed", remedy: "remove it")
        }
    }

    mutating func handlerHosts(_ container: Container) {
        for handler in container.handlerHosts where !handler.host.isEmpty {
            refuse(
                "hostProbesAndHostLifecycle", container, handler.path, value: .string(handler.host),
                "probes and lifecycle handlers may not name a host", remedy: "remove it: the pod's own address is meant"
            )
        }
    }

    mutating func hostProcess(_ options: WindowsOptions?, _ container: Container?) {
        guard options?.hostProcess == true else { return }
        refuse(
            "hostProcess", container, "securityContext.windowsOptions.hostProcess", value: .bool(true),
            "processes of the Windows node are not allowed", remedy: "set it to false or remove it")
    }

    mutating func seLinux(_ options: SELinuxOptions?, _ container: Container?) {
        guard let options else { return }
        let allowed = minor >= 31 ? Self.seLinuxTypes : Self.seLinuxTypes.dropLast()
        if !options.type.isEmpty, !allowed.contains(options.type) {
            refuse(
                "seLinuxOptions", container, "securityContext.seLinuxOptions.type", value: .string(options.type),
                "this SELinux type is not allowed", remedy: "use \(allowed.joined(separator: ", ")), or remove it")
        }
        for (value, field) in [(options.user, "user"), (options.role, "role")] where !value.isEmpty {
            refuse(
                "seLinuxOptions", container, "securityContext.seLinuxOptions.\(field)", value: .string(value),
                "setting an SELinux \(field) is not allowed", remedy: "remove it")
        }
    }

    /// The last one since 1.31.
    private static let seLinuxTypes = ["container_t", "container_init_t", "container_kvm_t", "container_engine_t"]

    mutating func appArmor(_ profile: Profile, _ container: Container?) {
        guard profile.type != "RuntimeDefault", profile.type != "Localhost" else { return }
        refuse(
            "appArmorProfile", container, "securityContext.appArmorProfile.type", value: .string(profile.type),
            "this AppArmor profile is not allowed",
            remedy: "set it to RuntimeDefault or Localhost, or remove the profile")
    }

    /// Restricted forbids it even where user namespaces would make it harmless.
    mutating func procMount(_ security: SecurityContext, _ container: Container) {
        guard let mount = security.procMount, mount != "Default", isRestricted || !hasOwnUsers else { return }
        refuse(
            "procMount", container, "securityContext.procMount", value: .string(mount),
            "a /proc without the usual masks is not allowed", remedy: "set it to Default or remove it")
    }

    mutating func baselineCapabilities(_ capabilities: Capabilities?, _ container: Container) {
        for (index, capability) in (capabilities?.add ?? []).enumerated()
        where !Self.defaultCapabilities.contains(capability) {
            refuse(
                "capabilities", container, "securityContext.capabilities.add[\(index)]", value: .string(capability),
                "adding this capability is not allowed", remedy: "remove it")
        }
    }

    /// What container runtimes grant anyway. The API's names: upper case, without `CAP_`.
    private static let defaultCapabilities: Set<String> = [
        "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
        "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
    ]

    /// Since 1.19; before, annotations say it.
    mutating func seccomp(_ profile: Profile, _ container: Container?) {
        guard profile.type != "RuntimeDefault", profile.type != "Localhost", !isRestricted || !isWindows else { return }
        refuse(
            "seccompProfile", container, "securityContext.seccompProfile.type", value: .string(profile.type),
            "this seccomp profile is not allowed",
            remedy: "set it to RuntimeDefault or Localhost" + (isRestricted ? "" : ", or remove the profile"))
    }

    // MARK: Restricted only

    mutating func missingSeccomp(_ container: Container) {
        guard pod.security?.seccomp == nil, !isWindows else { return }
        refuse(
            "seccompProfile", container, "securityContext.seccompProfile.type", "a seccomp profile is missing",
            remedy: "set it, or spec.securityContext.seccompProfile.type, to RuntimeDefault or Localhost")
    }

    mutating func restrictedCapabilities(_ capabilities: Capabilities?, _ container: Container) {
        if isWindows { return }
        let drop = capabilities?.drop ?? []
        if !drop.contains("ALL") {
            refuse(
                "capabilities", container, "securityContext.capabilities.drop",
                value: drop.isEmpty ? nil : .array(drop.prefix(20).map { .string($0) }),
                "all capabilities must be dropped", remedy: "set it to [\"ALL\"]")
        }
        for (index, capability) in (capabilities?.add ?? []).enumerated() where capability != "NET_BIND_SERVICE" {
            refuse(
                "capabilities", container, "securityContext.capabilities.add[\(index)]", value: .string(capability),
                "no capability but NET_BIND_SERVICE may be added", remedy: "remove it")
        }
    }

    /// Since 1.8.
    mutating func privilegeEscalation(_ security: SecurityContext?, _ container: Container) {
        guard security?.allowPrivilegeEscalation != false, !isWindows else { return }
        refuse(
            "allowPrivilegeEscalation", container, "securityContext.allowPrivilegeEscalation",
            value: security?.allowPrivilegeEscalation.map { .bool($0) },
            "gaining privileges must be ruled out", remedy: "set it to false")
    }

    mutating func users(_ nonRoot: Bool?, _ user: Int?, _ container: Container?) {
        if hasOwnUsers { return }
        if nonRoot == false {
            refuse(
                "runAsNonRoot", container, "securityContext.runAsNonRoot", value: .bool(false),
                "running as root must be ruled out", remedy: "set it to true")
        } else if nonRoot == nil, let container, pod.security?.runAsNonRoot == nil {
            refuse(
                "runAsNonRoot", container, "securityContext.runAsNonRoot", "running as root must be ruled out",
                remedy: "set it, or spec.securityContext.runAsNonRoot, to true")
        }
        if minor >= 23, user == 0 {
            refuse(
                "runAsUser", container, "securityContext.runAsUser", value: .number("0"),
                "running as user 0 is not allowed", remedy: "set it to another user's id or remove it")
        }
    }
}

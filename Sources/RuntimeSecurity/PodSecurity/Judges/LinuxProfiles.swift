// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// What confines a process on Linux: seccomp, AppArmor, SELinux, sysctls.
enum LinuxProfiles {
    static func seccompUnset(_ container: Container, _ target: Target, _: InspectionContext) throws(UnreadableField)
        -> Verdict
    {
        guard let profile = try seccomp(container, target) else {
            return .fail(
                "No seccomp profile is set, so every system call is open.",
                .relative("securityContext.seccompProfile.type"))
        }
        if profile.isConfined { return .pass }
        return .fail("The seccomp profile is \(profile.type).", profile.path, profile.value)
    }

    static func seccompUnconfined(
        _ container: Container, _ target: Target, _: InspectionContext
    ) throws(UnreadableField) -> Verdict {
        guard let profile = try seccomp(container, target), profile.type.lowercased() == "unconfined" else {
            return .pass
        }
        return .fail("Seccomp is switched off: the profile is \(profile.type).", profile.path, profile.value)
    }

    static func appArmor(_ container: Container, _ target: Target, _: InspectionContext) throws(UnreadableField)
        -> Verdict
    {
        guard let profile = try appArmorProfile(container, target), !profile.isConfined else { return .pass }
        return .fail("The AppArmor profile is \(profile.type).", profile.path, profile.value)
    }

    /// The types that Pod Security Standards (baseline) allow.
    private static let allowedSELinuxTypes: Set<String> = [
        "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t",
    ]

    static func seLinux(_ container: Container, _ target: Target, _: InspectionContext) throws(UnreadableField)
        -> Verdict
    {
        for (options, isOwn) in [
            (container.security?["seLinuxOptions"], true), (container.podSecurity?["seLinuxOptions"], false),
        ] {
            guard let options, !options.isNull else { continue }
            guard options.kind == .object else {
                throw UnreadableField(
                    message: "seLinuxOptions should be an object", path: "securityContext.seLinuxOptions")
            }
            let type = try options.string("type") ?? ""
            if !allowedSELinuxTypes.contains(type) {
                return .fail(
                    "The SELinux type \(type) is a custom one.",
                    container.inheritedPath("seLinuxOptions.type", isOwn: isOwn), options["type"])
            }
            for key: StaticString in ["user", "role"] {
                if let value = try options.string(key), !value.isEmpty {
                    return .fail(
                        "The SELinux \(key) \(value) is a custom one.",
                        container.inheritedPath("seLinuxOptions.\(key)", isOwn: isOwn), options[key])
                }
            }
        }
        return .pass
    }

    static func notHardened(_ container: Container, _ target: Target, _: InspectionContext) throws(UnreadableField)
        -> Verdict
    {
        if try Capabilities.isReduced(container) { return .pass }
        if let profile = try seccomp(container, target), profile.isConfined { return .pass }
        if let profile = try appArmorProfile(container, target), profile.isConfined { return .pass }
        if let (options, _) = container.inherited("seLinuxOptions"),
            options.members.contains(where: { !$0.value.isNull })
        {
            return .pass
        }
        return .fail(
            "Nothing confines the container: no seccomp, AppArmor or SELinux setting, no capability dropped.",
            .relative("securityContext"), at: container.security)
    }

    /// The sysctls that Pod Security Standards (baseline, 1.32) allow: namespaced and harmless to other pods.
    private static let safeSysctls: Set<String> = [
        "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
    ]

    static func unsafeSysctls(_ target: Target, _: InspectionContext) throws(UnreadableField) -> Verdict {
        guard let list = try target.podSecurity?.array("sysctls") else { return .pass }
        for (index, sysctl) in list.elements.enumerated() {
            // Slashes and dots are interchangeable in sysctl names.
            var name = try sysctl.string("name") ?? ""
            if name.utf8.contains(UInt8(ascii: "/")) { name = String(name.map { $0 == "/" ? "." : $0 }) }
            if !safeSysctls.contains(name) {
                return .fail(
                    "The sysctl \(name) is outside the safe set.", .pod("securityContext.sysctls[\(index)].name"),
                    sysctl["name"])
            }
        }
        return .pass
    }

    // MARK: Profiles

    private struct Profile {
        let type: String
        let isConfined: Bool
        let path: FieldPath
        let value: Node?
    }

    private static func seccomp(_ container: Container, _ target: Target) throws(UnreadableField) -> Profile? {
        if let profile = try profile(container, "seccompProfile", "securityContext.seccompProfile.type") {
            return profile
        }
        guard let annotations = try annotations(target), target.hasProfileAnnotations else { return nil }
        for key in [
            "container.seccomp.security.alpha.kubernetes.io/\(container.name)",
            "seccomp.security.alpha.kubernetes.io/pod",
        ] {
            guard let (text, value) = try annotation(key, annotations) else { continue }
            let isConfined = text == "runtime/default" || text == "docker/default" || text.hasPrefix("localhost/")
            return Profile(
                type: text, isConfined: isConfined, path: .template("metadata.annotations[\(key)]"), value: value)
        }
        return nil
    }

    private static func annotations(_ target: Target) throws(UnreadableField) -> Node? {
        do throws(UnreadableField) {
            return try target.podMetadata?.object("annotations")
        } catch {
            throw UnreadableField(message: error.message, path: "metadata.\(error.path)")
        }
    }

    private static func annotation(_ key: String, _ annotations: Node) throws(UnreadableField) -> (String, Node)? {
        guard let value = annotations[dynamic: key], !value.isNull else { return nil }
        guard let text = value.string else {
            throw UnreadableField(
                message: "an annotation should be a string, not \(value.described)",
                path: "metadata.annotations[\(key)]")
        }
        return (text, value)
    }

    private static func appArmorProfile(_ container: Container, _ target: Target) throws(UnreadableField) -> Profile? {
        if let profile = try profile(container, "appArmorProfile", "securityContext.appArmorProfile.type") {
            return profile
        }
        guard let annotations = try annotations(target), target.hasProfileAnnotations else { return nil }
        let key = "container.apparmor.security.beta.kubernetes.io/\(container.name)"
        guard let (text, value) = try annotation(key, annotations) else { return nil }
        let isConfined = text.isEmpty || text == "runtime/default" || text.hasPrefix("localhost/")
        return Profile(
            type: text, isConfined: isConfined, path: .template("metadata.annotations[\(key)]"), value: value)
    }

    private static func profile(
        _ container: Container, _ key: StaticString, _ path: String
    ) throws(UnreadableField) -> Profile? {
        guard let (node, isOwn) = container.inherited(key) else { return nil }
        guard node.kind == .object else {
            throw UnreadableField(
                message: "\(key) should be an object, not \(node.described)", path: "securityContext.\(key)")
        }
        let type = try node.string("type") ?? ""
        // Localhost is no profile until it names one.
        let profile = try node.text("localhostProfile")
        let isNamed = type != "Localhost" || profile?.isEmptyText == false
        let isConfined = type == "RuntimeDefault" || type == "Localhost"
        return Profile(
            type: isNamed ? type : "Localhost without a name", isConfined: isConfined && isNamed,
            path: isOwn ? .relative(path) : .pod(path), value: node["type"])
    }
}

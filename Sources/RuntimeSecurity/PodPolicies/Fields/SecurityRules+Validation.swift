// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

// What PodSecurityPolicy's validation refused, and the contradictions that it let pass: see `unusable`.
extension SecurityRules {
    /// Refuses rules that contradict themselves or can never apply.
    func validate(path: String) throws(PodFieldError) {
        func problem(_ field: String, _ expected: String, _ found: String) -> PodFieldError {
            PodFieldError(
                path: path.isEmpty ? field : "\(path).\(field)", expected: expected,
                found: found.isEmpty ? "empty" : found.cut(to: 100))
        }
        if let (field, expected) = unusable.first { throw problem(field, expected, "nothing") }
        try validateCapabilities(problem)
        try validateRanges(problem)
        try validateVolumes(problem)
        try validateSysctls(problem)
        try validateRuntimeClass(problem)
        try validateProfiles(problem)
        if defaultAllowPrivilegeEscalation == true, allowPrivilegeEscalation == false {
            throw problem(
                "defaultAllowPrivilegeEscalation", "false or absent where allowPrivilegeEscalation is false", "true")
        }
        for (index, type) in allowedProcMountTypes.enumerated() where !["Default", "Unmasked"].contains(type) {
            throw problem("allowedProcMountTypes[\(index)]", "Default or Unmasked", type)
        }
    }

    private typealias Problem = (_ field: String, _ expected: String, _ found: String) -> PodFieldError

    private func validateCapabilities(_ problem: Problem) throws(PodFieldError) {
        if allowedCapabilities.contains("*"), !requiredDropCapabilities.isEmpty {
            throw problem(
                "requiredDropCapabilities", "empty where allowedCapabilities has *",
                requiredDropCapabilities.joined(separator: ", "))
        }
        let lists = [
            ("defaultAddCapabilities", defaultAddCapabilities), ("allowedCapabilities", allowedCapabilities),
        ]
        for (field, list) in lists {
            for (index, name) in list.enumerated() where requiredDropCapabilities.contains(name) {
                throw problem("\(field)[\(index)]", "a capability that is not in requiredDropCapabilities", name)
            }
        }
    }

    private func validateRanges(_ problem: Problem) throws(PodFieldError) {
        let lists = [
            ("runAsUser", runAsUserRanges), ("runAsGroup", runAsGroup?.ranges ?? []),
            ("supplementalGroups", supplementalGroups.ranges), ("fsGroup", fsGroup.ranges),
        ]
        for (field, ranges) in lists {
            for (index, range) in ranges.enumerated() {
                let at = "\(field).ranges[\(index)]"
                if range.min < 0 { throw problem("\(at).min", "0 or more", "\(range.min)") }
                if range.max < range.min { throw problem("\(at).max", "min or more", "\(range.max)") }
            }
        }
        if let group = runAsGroup, group.rule == .runAsAny, !group.ranges.isEmpty {
            throw problem("runAsGroup.ranges", "empty for RunAsAny", "\(group.ranges.count) of them")
        }
        for (index, range) in hostPorts.enumerated() {
            let at = "hostPorts[\(index)]"
            for (field, port) in [("min", range.min), ("max", range.max)] where !(0...65535).contains(port) {
                throw problem("\(at).\(field)", "a port between 0 and 65535", "\(port)")
            }
            if range.max < range.min { throw problem("\(at).max", "min or more", "\(range.max)") }
        }
    }

    private func validateVolumes(_ problem: Problem) throws(PodFieldError) {
        for (index, type) in volumes.enumerated() where type != "*" && !Self.volumeTypes.contains(type) {
            throw problem(
                "volumes[\(index)]", "* or one of \(Self.volumeTypes.sortedByBytes().joined(separator: ", "))", type)
        }
        for (index, entry) in allowedHostPaths.enumerated()
        where entry.pathPrefix.isEmpty || entry.pathPrefix.split(separator: "/").contains("..") {
            throw problem("allowedHostPaths[\(index)].pathPrefix", "a path without ..", entry.pathPrefix)
        }
        for (index, driver) in allowedFlexVolumes.enumerated() where driver.isEmpty {
            throw problem("allowedFlexVolumes[\(index)].driver", "a driver's name", driver)
        }
        for (index, driver) in allowedCSIDrivers.enumerated()
        where driver.utf8.count > 63 || !NameFormat.isSubdomain(driver.lowercased()) {
            throw problem("allowedCSIDrivers[\(index)].name", "a DNS name of at most 63 characters", driver)
        }
    }

    private func validateSysctls(_ problem: Problem) throws(PodFieldError) {
        for (field, list) in [("allowedUnsafeSysctls", allowedUnsafeSysctls), ("forbiddenSysctls", forbiddenSysctls)] {
            for (index, pattern) in list.enumerated() where !NameFormat.isSysctlPattern(pattern) {
                throw problem("\(field)[\(index)]", "a sysctl's name, or the start of one and *", pattern)
            }
            if list.count > 1, list.contains("*") { throw problem(field, "* alone", list.joined(separator: ", ")) }
        }
        for (index, allowed) in allowedUnsafeSysctls.enumerated()
        where forbiddenSysctls.contains(where: { Self.overlap(allowed, $0) }) {
            throw problem("allowedUnsafeSysctls[\(index)]", "apart from every one of forbiddenSysctls", allowed)
        }
    }

    private static func overlap(_ one: String, _ other: String) -> Bool {
        let start = one.hasSuffix("*") ? one.dropLast() : one[...]
        let otherStart = other.hasSuffix("*") ? other.dropLast() : other[...]
        return switch (one.hasSuffix("*"), other.hasSuffix("*")) {
        case (true, true): start.hasPrefix(otherStart) || otherStart.hasPrefix(start)
        case (true, false): other.hasPrefix(start)
        case (false, true): one.hasPrefix(otherStart)
        case (false, false): one == other
        }
    }

    private func validateRuntimeClass(_ problem: Problem) throws(PodFieldError) {
        guard let runtimeClass else { return }
        let names = runtimeClass.allowed
        let field = "runtimeClass.allowedRuntimeClassNames"
        for (index, name) in names.enumerated() {
            if name != "*", !NameFormat.isSubdomain(name) {
                throw problem("\(field)[\(index)]", "a runtime class's name or *", name)
            }
            if names[..<index].contains(name) { throw problem("\(field)[\(index)]", "named once", name) }
        }
        if names.contains("*"), names.count > 1 { throw problem(field, "* alone", names.joined(separator: ", ")) }
        guard let name = runtimeClass.defaultName else { return }
        if !NameFormat.isSubdomain(name) {
            throw problem("runtimeClass.defaultRuntimeClassName", "a runtime class's name", name)
        }
        if !names.contains(name), !names.contains("*") {
            throw problem(field, "a list with the default, \(name)", names.joined(separator: ", "))
        }
    }

    private func validateProfiles(_ problem: Problem) throws(PodFieldError) {
        let seccomp = "runtime/default, docker/default, unconfined, or localhost/ and a file without .."
        for (index, name) in allowedSeccompProfiles.enumerated() where name != "*" && !NameFormat.isSeccomp(name) {
            throw problem("allowedSeccompProfiles[\(index)]", "*, \(seccomp)", name)
        }
        if !defaultSeccompProfile.isEmpty, !NameFormat.isSeccomp(defaultSeccompProfile) {
            throw problem("defaultSeccompProfile", seccomp, defaultSeccompProfile)
        }
        let appArmor = "runtime/default, unconfined, or localhost/ and a profile's name"
        for (index, name) in allowedAppArmorProfiles.enumerated() where !NameFormat.isAppArmor(name) {
            throw problem("allowedAppArmorProfiles[\(index)]", appArmor, name)
        }
        if !defaultAppArmorProfile.isEmpty, !NameFormat.isAppArmor(defaultAppArmorProfile) {
            throw problem("defaultAppArmorProfile", appArmor, defaultAppArmorProfile)
        }
    }

    /// The volume types that a policy may name: PodSecurityPolicy's, and `image`, which came after it.
    package static let volumeTypes: Set<String> = [
        "azureFile", "flocker", "flexVolume", "hostPath", "emptyDir", "gcePersistentDisk", "awsElasticBlockStore",
        "gitRepo", "secret", "nfs", "iscsi", "glusterfs", "persistentVolumeClaim", "rbd", "cinder", "cephFS",
        "downwardAPI", "fc", "configMap", "vsphereVolume", "quobyte", "azureDisk", "photonPersistentDisk", "storageos",
        "projected", "portworxVolume", "scaleIO", "csi", "ephemeral", "image",
    ]
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

extension SecurityRules {
    /// These rules as they stand in a PodPolicy's `spec.fields`; what says nothing is left out.
    package var fields: EditValue {
        var members = Members()
        members.add("privileged", privileged)
        members.add("defaultAddCapabilities", defaultAddCapabilities)
        members.add("requiredDropCapabilities", requiredDropCapabilities)
        members.add("allowedCapabilities", allowedCapabilities)
        members.add("volumes", volumes)
        members.add("hostNetwork", hostNetwork)
        members.add("hostPorts", hostPorts.map { ["min": $0.min.edit, "max": $0.max.edit] })
        members.add("hostPID", hostPID)
        members.add("hostIPC", hostIPC)
        var options: [(String, EditValue)] = [("rule", .string(seLinux.rawValue))]
        if let seLinuxOptions { options.append(("seLinuxOptions", seLinuxOptions.edit)) }
        members.list.append(("seLinux", .object(options)))
        members.list.append(("runAsUser", Self.rule(runAsUser.rawValue, runAsUserRanges)))
        if let rule = runAsGroup { members.list.append(("runAsGroup", Self.rule(rule.rule.rawValue, rule.ranges))) }
        for (name, rule) in [("supplementalGroups", supplementalGroups), ("fsGroup", fsGroup)] {
            members.list.append((name, Self.rule(rule.rule.rawValue, rule.ranges)))
        }
        members.add("readOnlyRootFilesystem", readOnlyRootFilesystem)
        if let value = defaultAllowPrivilegeEscalation {
            members.list.append(("defaultAllowPrivilegeEscalation", .bool(value)))
        }
        if let value = allowPrivilegeEscalation { members.list.append(("allowPrivilegeEscalation", .bool(value))) }
        members.add(
            "allowedHostPaths",
            allowedHostPaths.map {
                let prefix = ("pathPrefix", EditValue.string($0.pathPrefix))
                return .object($0.readOnly ? [prefix, ("readOnly", true)] : [prefix])
            })
        members.add("allowedFlexVolumes", allowedFlexVolumes.map { ["driver": .string($0)] })
        members.add("allowedCSIDrivers", allowedCSIDrivers.map { ["name": .string($0)] })
        members.add("allowedUnsafeSysctls", allowedUnsafeSysctls)
        members.add("forbiddenSysctls", forbiddenSysctls)
        members.add("allowedProcMountTypes", allowedProcMountTypes)
        if let runtimeClass {
            var rule: [(String, EditValue)] = [
                ("allowedRuntimeClassNames", .array(runtimeClass.allowed.map(EditValue.string)))
            ]
            if let name = runtimeClass.defaultName { rule.append(("defaultRuntimeClassName", .string(name))) }
            members.list.append(("runtimeClass", .object(rule)))
        }
        members.add("allowedSeccompProfiles", allowedSeccompProfiles)
        members.add("defaultSeccompProfile", defaultSeccompProfile)
        members.add("allowedAppArmorProfiles", allowedAppArmorProfiles)
        members.add("defaultAppArmorProfile", defaultAppArmorProfile)
        return .object(members.list)
    }

    private static func rule(_ name: String, _ ranges: [IDRange]) -> EditValue {
        let rule = ("rule", EditValue.string(name))
        if ranges.isEmpty { return .object([rule]) }
        return .object([rule, ("ranges", .array(ranges.map { ["min": $0.min.edit, "max": $0.max.edit] }))])
    }

    private struct Members {
        var list: [(key: String, value: EditValue)] = []

        mutating func add(_ name: String, _ value: Bool) { if value { list.append((name, true)) } }
        mutating func add(_ name: String, _ value: String) { if !value.isEmpty { list.append((name, .string(value))) } }
        mutating func add(_ name: String, _ values: [String]) { add(name, values.map(EditValue.string)) }
        mutating func add(_ name: String, _ values: [EditValue]) {
            if !values.isEmpty { list.append((name, .array(values))) }
        }
    }
}

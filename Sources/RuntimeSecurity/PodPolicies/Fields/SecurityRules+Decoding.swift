// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

// The names and shapes of PodSecurityPolicySpec (policy/v1beta1), and four fields for what PodSecurityPolicy took from
// annotations. `?` marks what may be absent:
//
//     privileged?: bool                              hostNetwork?, hostPID?, hostIPC?: bool
//     defaultAddCapabilities?: [string]              hostPorts?: [{min: int, max: int}]
//     requiredDropCapabilities?: [string]            volumes?: [string]
//     allowedCapabilities?: [string]                 allowedHostPaths?: [{pathPrefix: string, readOnly?: bool}]
//     seLinux: {rule: string, seLinuxOptions?: {user?, role?, type?, level?: string}}
//     runAsUser: {rule: string, ranges?: [{min: int, max: int}]}
//     runAsGroup?, supplementalGroups, fsGroup: {rule: string, ranges?: [{min: int, max: int}]}
//     readOnlyRootFilesystem?: bool                  allowedFlexVolumes?: [{driver: string}]
//     defaultAllowPrivilegeEscalation?: bool         allowedCSIDrivers?: [{name: string}]
//     allowPrivilegeEscalation?: bool                allowedUnsafeSysctls?, forbiddenSysctls?: [string]
//     allowedProcMountTypes?: [string]
//     runtimeClass?: {allowedRuntimeClassNames: [string], defaultRuntimeClassName?: string}
//     allowedSeccompProfiles?: [string]              defaultSeccompProfile?: string
//     allowedAppArmorProfiles?: [string]             defaultAppArmorProfile?: string
extension SecurityRules {
    /// Every name in `spec.fields`.
    package static let fieldNames: Set<String> = policyFieldNames.union(profileFieldNames)

    /// What PodSecurityPolicy has as fields.
    static let policyFieldNames: Set<String> = [
        "privileged", "defaultAddCapabilities", "requiredDropCapabilities", "allowedCapabilities", "volumes",
        "hostNetwork", "hostPorts", "hostPID", "hostIPC", "seLinux", "runAsUser", "runAsGroup", "supplementalGroups",
        "fsGroup", "readOnlyRootFilesystem", "defaultAllowPrivilegeEscalation", "allowPrivilegeEscalation",
        "allowedHostPaths", "allowedFlexVolumes", "allowedCSIDrivers", "allowedUnsafeSysctls", "forbiddenSysctls",
        "allowedProcMountTypes", "runtimeClass",
    ]

    /// What PodSecurityPolicy took from annotations.
    static let profileFieldNames: Set<String> = [
        "allowedSeccompProfiles", "defaultSeccompProfile", "allowedAppArmorProfiles", "defaultAppArmorProfile",
    ]

    /// Reads and validates a PodPolicy's `spec.fields`. Nothing that could not be applied later gets through.
    /// - Throws: the first problem, with its field.
    package init(reading node: Node, path: String = "spec.fields") throws(PodFieldError) {
        self.init()
        let reader = try FieldReader(node, path: path, known: Self.fieldNames)
        try read(reader)
        allowedSeccompProfiles = try reader.strings("allowedSeccompProfiles")
        defaultSeccompProfile = try reader.string("defaultSeccompProfile") ?? ""
        allowedAppArmorProfiles = try reader.strings("allowedAppArmorProfiles")
        defaultAppArmorProfile = try reader.string("defaultAppArmorProfile") ?? ""
        try validate(path: path)
    }

    /// Reads what PodSecurityPolicy has as fields.
    mutating func read(_ reader: FieldReader) throws(PodFieldError) {
        privileged = try reader.bool("privileged") ?? false
        defaultAddCapabilities = try reader.strings("defaultAddCapabilities")
        requiredDropCapabilities = try reader.strings("requiredDropCapabilities")
        allowedCapabilities = try reader.strings("allowedCapabilities")
        volumes = try reader.strings("volumes")
        hostNetwork = try reader.bool("hostNetwork") ?? false
        hostPID = try reader.bool("hostPID") ?? false
        hostIPC = try reader.bool("hostIPC") ?? false
        for range in try reader.objects("hostPorts", known: ["min", "max"]) {
            hostPorts.append(HostPortRange(min: try range.int("min"), max: try range.int("max")))
        }
        try readSELinux(reader)
        (runAsUser, runAsUserRanges) = try Self.rule(reader, "runAsUser") ?? (.runAsAny, [])
        runAsGroup = try Self.rule(reader, "runAsGroup", isRequired: false).map { Groups($0, ranges: $1) }
        supplementalGroups = try Self.rule(reader, "supplementalGroups").map { Groups($0, ranges: $1) } ?? Groups()
        fsGroup = try Self.rule(reader, "fsGroup").map { Groups($0, ranges: $1) } ?? Groups()
        readOnlyRootFilesystem = try reader.bool("readOnlyRootFilesystem") ?? false
        defaultAllowPrivilegeEscalation = try reader.bool("defaultAllowPrivilegeEscalation")
        allowPrivilegeEscalation = try reader.bool("allowPrivilegeEscalation")
        for entry in try reader.objects("allowedHostPaths", known: ["pathPrefix", "readOnly"]) {
            allowedHostPaths.append(
                AllowedHostPath(
                    pathPrefix: try entry.string("pathPrefix") ?? "", readOnly: try entry.bool("readOnly") ?? false))
        }
        for entry in try reader.objects("allowedFlexVolumes", known: ["driver"]) {
            allowedFlexVolumes.append(try entry.string("driver") ?? "")
        }
        for entry in try reader.objects("allowedCSIDrivers", known: ["name"]) {
            allowedCSIDrivers.append(try entry.string("name") ?? "")
        }
        allowedUnsafeSysctls = try reader.strings("allowedUnsafeSysctls")
        forbiddenSysctls = try reader.strings("forbiddenSysctls")
        allowedProcMountTypes = try reader.strings("allowedProcMountTypes")
        if let entry = try reader.object(
            "runtimeClass", known: ["allowedRuntimeClassNames", "defaultRuntimeClassName"])
        {
            runtimeClass = RuntimeClassRule(
                allowed: try entry.strings("allowedRuntimeClassNames"),
                defaultName: try entry.string("defaultRuntimeClassName"))
        }
    }

    private mutating func readSELinux(_ reader: FieldReader) throws(PodFieldError) {
        guard let entry = try reader.object("seLinux", known: ["rule", "seLinuxOptions"]) else {
            throw reader.missing("seLinux", "an object")
        }
        seLinux = try Self.choice(entry)
        if let options = try entry.object("seLinuxOptions", known: ["user", "role", "type", "level"]) {
            seLinuxOptions = SELinuxOptions(
                user: try options.string("user") ?? "", role: try options.string("role") ?? "",
                type: try options.string("type") ?? "", level: try options.string("level") ?? "")
        }
    }

    private static func rule<Rule: RawRepresentable<String> & CaseIterable>(
        _ reader: FieldReader, _ field: String, isRequired: Bool = true
    ) throws(PodFieldError) -> (Rule, [IDRange])? {
        guard let entry = try reader.object(field, known: ["rule", "ranges"]) else {
            if isRequired { throw reader.missing(field, "an object") }
            return nil
        }
        var ranges: [IDRange] = []
        for range in try entry.objects("ranges", known: ["min", "max"]) {
            ranges.append(IDRange(min: try range.int("min"), max: try range.int("max")))
        }
        return (try choice(entry), ranges)
    }

    private static func choice<Rule: RawRepresentable<String> & CaseIterable>(
        _ entry: FieldReader
    ) throws(PodFieldError) -> Rule {
        let text = try entry.string("rule")
        if let rule = text.flatMap({ Rule(rawValue: $0) }) { return rule }
        throw PodFieldError(
            path: entry.path(of: "rule"), expected: Rule.allCases.map(\.rawValue).joined(separator: ", or "),
            found: text?.cut(to: 100) ?? "nothing")
    }
}

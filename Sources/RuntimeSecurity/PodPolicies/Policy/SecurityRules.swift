// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// The fields of a PodSecurityPolicy (policy/v1beta1), with its meaning of absent and empty values.
package struct SecurityRules: Sendable, Equatable {
    package struct IDRange: Sendable, Equatable {
        package var min: Int
        package var max: Int

        package init(min: Int, max: Int) {
            self.min = min
            self.max = max
        }

        package func contains(_ id: Int) -> Bool { id >= min && id <= max }
    }

    package struct HostPortRange: Sendable, Equatable {
        package var min: Int
        package var max: Int

        package init(min: Int, max: Int) {
            self.min = min
            self.max = max
        }
    }

    package struct AllowedHostPath: Sendable, Equatable {
        package var pathPrefix: String
        package var readOnly: Bool

        package init(pathPrefix: String, readOnly: Bool = false) {
            self.pathPrefix = pathPrefix
            self.readOnly = readOnly
        }
    }

    /// `runAsUser.rule`
    package enum UserRule: String, Sendable, CaseIterable {
        case mustRunAs = "MustRunAs"
        case mustRunAsNonRoot = "MustRunAsNonRoot"
        case runAsAny = "RunAsAny"
    }

    /// `runAsGroup.rule`, `fsGroup.rule`, `supplementalGroups.rule`
    package enum GroupRule: String, Sendable, CaseIterable {
        case mustRunAs = "MustRunAs"
        case mayRunAs = "MayRunAs"
        case runAsAny = "RunAsAny"
    }

    package enum SELinuxRule: String, Sendable, CaseIterable {
        case mustRunAs = "MustRunAs"
        case runAsAny = "RunAsAny"
    }

    package struct Groups: Sendable, Equatable {
        package var rule: GroupRule
        package var ranges: [IDRange]

        package init(_ rule: GroupRule = .runAsAny, ranges: [IDRange] = []) {
            self.rule = rule
            self.ranges = ranges
        }
    }

    package var privileged = false
    package var defaultAddCapabilities: [String] = []
    package var requiredDropCapabilities: [String] = []
    package var allowedCapabilities: [String] = []
    /// Volume types; `*` is all. Empty allows none.
    package var volumes: [String] = []
    package var hostNetwork = false
    package var hostPorts: [HostPortRange] = []
    package var hostPID = false
    package var hostIPC = false
    package var seLinux = SELinuxRule.runAsAny
    package var seLinuxOptions: SELinuxOptions?
    package var runAsUser = UserRule.runAsAny
    package var runAsUserRanges: [IDRange] = []
    /// Nil leaves the group alone, as `RunAsAny` does.
    package var runAsGroup: Groups?
    package var supplementalGroups = Groups()
    package var fsGroup = Groups()
    package var readOnlyRootFilesystem = false
    package var defaultAllowPrivilegeEscalation: Bool?
    /// Nil is true.
    package var allowPrivilegeEscalation: Bool?
    /// Empty allows every path.
    package var allowedHostPaths: [AllowedHostPath] = []
    /// Drivers; empty allows every driver (where `volumes` allows flexVolume).
    package var allowedFlexVolumes: [String] = []
    package var allowedCSIDrivers: [String] = []
    /// Exact names, or prefixes that end in `*`.
    package var allowedUnsafeSysctls: [String] = []
    package var forbiddenSysctls: [String] = []
    /// Empty allows `Default` alone.
    package var allowedProcMountTypes: [String] = []
    /// Nil leaves the runtime class alone.
    package var runtimeClass: RuntimeClassRule?
    /// PSP's annotations `seccomp.security.alpha.kubernetes.io/allowedProfileNames` and `…/defaultProfileName`.
    package var allowedSeccompProfiles: [String] = []
    package var defaultSeccompProfile = ""
    /// PSP's annotations `apparmor.security.beta.kubernetes.io/allowedProfileNames` and `…/defaultProfileName`.
    package var allowedAppArmorProfiles: [String] = []
    package var defaultAppArmorProfile = ""

    package struct RuntimeClassRule: Sendable, Equatable {
        /// `*` is all; empty allows none but an unset one.
        package var allowed: [String]
        package var defaultName: String?

        package init(allowed: [String], defaultName: String? = nil) {
            self.allowed = allowed
            self.defaultName = defaultName
        }
    }

    package init() {}
}

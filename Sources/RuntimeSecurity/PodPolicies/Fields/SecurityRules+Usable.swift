// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

extension SecurityRules {
    /// What keeps these rules from being applied at all. PodSecurityPolicy's validation let such policies in, and its
    /// admission then passed over them.
    var unusable: [(field: String, reason: String)] {
        var found: [(field: String, reason: String)] = []
        if runAsUser == .mustRunAs, runAsUserRanges.isEmpty {
            found.append(("runAsUser.ranges", "MustRunAs needs at least one range"))
        }
        if seLinux == .mustRunAs, seLinuxOptions == nil {
            found.append(("seLinux.seLinuxOptions", "MustRunAs needs it"))
        }
        for (name, rule) in [
            ("runAsGroup", runAsGroup), ("supplementalGroups", supplementalGroups), ("fsGroup", fsGroup),
        ] {
            guard let rule, rule.rule != .runAsAny, rule.ranges.isEmpty else { continue }
            found.append(("\(name).ranges", "\(rule.rule.rawValue) needs at least one range"))
        }
        return found
    }
}

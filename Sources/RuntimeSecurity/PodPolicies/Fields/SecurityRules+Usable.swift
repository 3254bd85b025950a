// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

extension SecurityRules {
    /// What keeps these rules from being applied at all. PodSecurityPolicy's validation let such policies in, and its
    /// admission then passed over them.
    var unusable: [(field: String, expected: String)] {
        var found: [(field: String, expected: String)] = []
        if runAsUser == .mustRunAs, runAsUserRanges.isEmpty {
            found.append(("runAsUser.ranges", "at least one range for MustRunAs"))
        }
        if seLinux == .mustRunAs, seLinuxOptions == nil {
            found.append(("seLinux.seLinuxOptions", "an object for MustRunAs"))
        }
        for (name, rule) in [
            ("runAsGroup", runAsGroup), ("supplementalGroups", supplementalGroups), ("fsGroup", fsGroup),
        ] {
            guard let rule, rule.rule != .runAsAny, rule.ranges.isEmpty else { continue }
            found.append(("\(name).ranges", "at least one range for \(rule.rule.rawValue)"))
        }
        return found
    }
}

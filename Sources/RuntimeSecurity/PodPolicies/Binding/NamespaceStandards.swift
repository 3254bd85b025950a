// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// What a namespace's Pod Security Admission labels ask for (pod-security.kubernetes.io/…). Nil where they ask for
/// nothing. Unknown levels and versions count as that admission counts them: an unreadable enforced level is
/// `restricted`, another one asks for nothing, an unreadable version is the latest.
package struct NamespaceStandards: Sendable, Equatable {
    package var enforce: PodSecurityStandard?
    package var warn: PodSecurityStandard?
    package var audit: PodSecurityStandard?

    package init(labels: [String: String]) {
        enforce = Self.standard("enforce", labels, unreadable: .restricted)
        warn = Self.standard("warn", labels, unreadable: nil)
        audit = Self.standard("audit", labels, unreadable: nil)
    }

    private static func standard(
        _ mode: String, _ labels: [String: String], unreadable: PodSecurityStandard.Level?
    ) -> PodSecurityStandard? {
        let key = "pod-security.kubernetes.io/\(mode)"
        guard let text = labels[key], let level = PodSecurityStandard.Level(rawValue: text) ?? unreadable else {
            return nil
        }
        return PodSecurityStandard(level, labels[key + "-version"].flatMap { .init($0) } ?? .latest)
    }
}

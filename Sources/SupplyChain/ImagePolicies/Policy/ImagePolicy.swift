// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// An ImagePolicy object (policy.bulwark.dev/v1): which images may run where, by what their scans said.
///
/// Every policy that reaches an image counts; one cannot allow what another refuses.
package struct ImagePolicy: Sendable, Equatable {
    package enum Mode: String, Sendable, CaseIterable {
        /// Refuse the pod.
        case enforce
        /// Tell whoever asks.
        case warn
        /// Tell the audit log.
        case audit
    }

    /// What becomes of an image without a result.
    package enum WhenMissing: String, Sendable, CaseIterable {
        case allow, warn, deny
        /// Wait for the scan, and then as `deny`.
        case wait
    }

    /// What becomes of an image that could be read in part only.
    package enum WhenIncomplete: String, Sendable, CaseIterable { case allow, warn, deny }

    package var name: String
    package var generation = 1
    package var mode = Mode.enforce
    /// Switched off, it counts for nothing.
    package var isEnabled = true
    /// Nil for every namespace.
    package var namespaces: NamespaceSelection?
    /// Patterns of the images that it is for; empty for all.
    package var images: [ReferencePattern] = []
    package var rules = Rules()
    package var whenMissing = WhenMissing.deny
    /// How long a pod is held for a scan with `wait`; the webhook's own deadline counts when that is shorter.
    package var waitSeconds = 8
    package var whenIncomplete = WhenIncomplete.deny
    package var exemptions: [ImageExemption] = []
    /// Whether an image needs a result at all: where a rule or `whenMissing` or `whenIncomplete` asks for it, or no rule
    /// says anything else.
    package var needsScan = true

    /// Why the object cannot be read; nil for one that can be. No image can be judged by it then.
    package var problem: String?

    package init(name: String) { self.name = name }

    /// Each is only asked where it is set.
    package struct Rules: Sendable, Equatable {
        package var vulnerabilities: [VulnerabilityRule] = []
        /// No file may be malware.
        package var malware = false
        /// No file may hold credentials.
        package var secrets = false
        /// Seconds since the image was judged, and since a tag was looked up.
        package var maxScanAge: Int64?
        /// Seconds since the advisories that it was judged by.
        package var maxAdvisoryAge: Int64?
        /// The reference must name the content by its digest.
        package var requireDigest = false
        /// Where images may come from; nil for anywhere.
        package var registries: [ReferencePattern]?

        package init() {}

        var asksScan: Bool {
            !vulnerabilities.isEmpty || malware || secrets || maxScanAge != nil || maxAdvisoryAge != nil
        }
    }

    /// At most `maxCount` vulnerabilities of this severity or worse.
    package struct VulnerabilityRule: Sendable, Equatable {
        package var severity: Severity
        /// Only those that an upgrade mends.
        package var onlyFixable: Bool
        package var maxCount: Int

        package init(severity: Severity, onlyFixable: Bool = false, maxCount: Int = 0) {
            (self.severity, self.onlyFixable, self.maxCount) = (severity, onlyFixable, maxCount)
        }
    }
}

/// What is not held to a policy. Within one exemption every list that is not empty must match.
package struct ImageExemption: Sendable, Equatable {
    package var users: [String] = []
    package var namespaces: [String] = []
    package var images: [ReferencePattern] = []
    package var owner: String
    package var reason: String
    /// Seconds since 1970; nil never expires.
    package var expiry: Int64?

    package init(owner: String, reason: String) { (self.owner, self.reason) = (owner, reason) }

    /// - Parameter now: seconds since 1970.
    func covers(_ image: ScannedReference, user: String, namespace: String, now: Int64) -> Bool {
        if let expiry, expiry <= now { return false }
        if !users.isEmpty, !users.contains(user) { return false }
        if !namespaces.isEmpty, !namespaces.contains(namespace) { return false }
        return images.isEmpty || images.contains { $0.matches(image, untagged: false) }
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// What all policies that count for a pod say about it.
package struct PodVerdict: Sendable, Equatable {
    /// The one that accepted it in mode enforce; empty when none was asked or none accepts.
    package var policy = ""
    /// The pod with what that policy filled in.
    package var pod: Pod
    /// The exemption by which it accepted, if it was one.
    package var exemption: PolicyExemption?
    /// The enforced policies, each with why it does not accept; empty when the pod is accepted. Namespace labels stand
    /// among them as `pod-security.kubernetes.io/enforce: LEVEL@VERSION`.
    package var refusals: [PolicyChoice.Refusal] = []
    /// The same for the modes warn and audit.
    package var warnings: [PolicyChoice.Refusal] = []
    package var audits: [PolicyChoice.Refusal] = []
    /// How many policies were asked, in any mode.
    package var asked = 0

    package var isAccepted: Bool { refusals.isEmpty }

    /// Judges a pod by the policies that count for whoever asks.
    /// - Parameters:
    ///   - labels: the namespace's.
    ///   - mayChange: whether the accepting policy may fill in its defaults.
    ///   - hint: the policy to ask first where nothing may be changed.
    ///   - now: seconds since 1970, for exemptions.
    package init(
        of pod: Pod, for requester: Requester, in set: PolicySet, labels: [String: String], mayChange: Bool,
        hint: String? = nil, now: Int64
    ) {
        self.pod = pod
        let bound = set.bound(to: requester, labels: labels)
        asked = bound.enforce.count + bound.warn.count + bound.audit.count
        if !bound.enforce.isEmpty { enforce(bound.enforce, requester, mayChange, hint, now) }
        warnings = Self.objections(bound.warn, pod, requester, now)
        audits = Self.objections(bound.audit, pod, requester, now)
        if set.control.podSecurityLabels { judge(NamespaceStandards(labels: labels)) }
    }

    private mutating func enforce(
        _ policies: [PodPolicy], _ requester: Requester, _ mayChange: Bool, _ hint: String?, _ now: Int64
    ) {
        for candidate in policies {
            guard let exemption = candidate.exemptions.first(where: { $0.covers(requester, now: now) }) else {
                continue
            }
            // It accepts as it is, and what changes nothing is preferred.
            policy = candidate.name
            self.exemption = exemption
            return
        }
        let choice = PolicyChoice.among(policies, for: pod, mayChange: mayChange, hint: hint)
        switch choice {
        case .accepted(let name, let filled):
            policy = name
            pod = filled
        case .refused(let reasons): refusals = reasons
        }
    }

    /// Why none of the policies accepts; empty when one does. A policy that would fill something in accepts what it
    /// would have made of the pod.
    private static func objections(
        _ policies: [PodPolicy], _ pod: Pod, _ requester: Requester, _ now: Int64
    ) -> [PolicyChoice.Refusal] {
        if policies.isEmpty { return [] }
        if policies.contains(where: { $0.exemptions.contains { $0.covers(requester, now: now) } }) { return [] }
        let choice = PolicyChoice.among(policies, for: pod, mayChange: true)
        guard case .refused(let reasons) = choice else { return [] }
        return reasons
    }

    /// Labels bind beside the policies: neither can allow what the other refuses.
    private mutating func judge(_ standards: NamespaceStandards) {
        func objection(_ mode: String, _ standard: PodSecurityStandard?) -> [PolicyChoice.Refusal] {
            guard let standard else { return [] }
            asked += 1
            let violations = standard.violations(in: pod)
            if violations.isEmpty { return [] }
            return [.init(policy: "pod-security.kubernetes.io/\(mode): \(standard.text)", violations: violations)]
        }
        refusals += objection("enforce", standards.enforce)
        warnings += objection("warn", standards.warn)
        audits += objection("audit", standards.audit)
    }
}

extension [PolicyChoice.Refusal] {
    /// The same with every path told from the root of the object that holds the pod's template.
    /// - Parameter prefix: `spec.template.`
    func within(_ prefix: String) -> Self {
        if prefix.isEmpty { return self }
        return map { refusal in
            var refusal = refusal
            for index in refusal.violations.indices {
                refusal.violations[index].path = prefix + refusal.violations[index].path
            }
            return refusal
        }
    }
}

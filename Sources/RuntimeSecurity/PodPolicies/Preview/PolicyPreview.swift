// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings

/// Says what a policy would do to what runs already, before it counts: which workloads it would refuse or change,
/// container by container and field by field.
package struct PolicyPreview: Sendable {
    /// For whom it is tried.
    package enum Scope: Sendable, Equatable {
        /// For everything, as if it were the only policy.
        case alone
        /// For whom its bindings, or its being a default, make it count, beside all other policies.
        case bound
    }

    package enum Outcome: String, Sendable, CaseIterable {
        case refused, warned, audited, changed, unchanged
        /// It could not be judged.
        case error
    }

    /// What it would do to one workload. Running pods of one controller that fare alike are told once.
    package struct Entry: Sendable {
        package var subject: Subject
        /// `shop/cart`; the account of its pods.
        package var serviceAccount: String
        package var outcome: Outcome
        /// The policy that would accept or refuse.
        package var policy: String
        package var refusals: [PolicyChoice.Refusal]
        package var changes: [PodChange]
        /// For `error`.
        package var message: String
        /// How many objects fare like this.
        package var count: Int
        /// Whether it fares so already, without the policy.
        package var isNew: Bool

        package init(
            _ subject: Subject, _ outcome: Outcome, serviceAccount: String = "", policy: String = "",
            refusals: [PolicyChoice.Refusal] = [], changes: [PodChange] = [], message: String = "", isNew: Bool = true
        ) {
            (self.subject, self.outcome, self.serviceAccount) = (subject, outcome, serviceAccount)
            (self.policy, self.refusals, self.changes) = (policy, refusals, changes)
            (self.message, self.isNew, count) = (message, isNew, 1)
        }
    }

    package let policy: PodPolicy
    package let scope: Scope
    private let before: PolicySet
    private let after: PolicySet
    private let labels: [String: [String: String]]
    private let protected: Set<String>
    private let now: Int64
    package private(set) var entries = PreviewEntries()

    /// - Parameters:
    ///   - set: what counts now.
    ///   - bindings: new or changed ones; they replace their namesakes.
    ///   - namespaces: the labels of every namespace.
    ///   - now: seconds since 1970.
    package init(
        _ policy: PodPolicy, bindings: [PodPolicyBinding], in set: PolicySet, namespaces: [String: [String: String]],
        protected: Set<String> = ["kube-system"], now: Int64
    ) {
        // Switched off it does nothing, and the question is what it would do.
        var policy = policy
        policy.isEnabled = true
        self.policy = policy
        self.labels = namespaces
        self.protected = protected
        self.now = now
        before = set
        let bound = set.with(policies: [policy], bindings: bindings)
        scope = bound.bindings(of: policy.name).isEmpty && !policy.isDefault ? .alone : .bound
        if scope == .alone {
            policy.isDefault = true
            after = PolicySet(policies: [policy], bindings: [])
        } else {
            after = bound
        }
    }

    /// Takes what the cluster holds, an object at a time. What runs no pods, has run to its end, or belongs to the
    /// control plane is passed over.
    package mutating func add(_ object: Node, apiVersion: String, kind: String) {
        let candidate = PreviewCandidate(object, apiVersion: apiVersion, kind: kind)
        guard !protected.contains(candidate.subject.namespace) else { return }
        do throws(PodFieldError) {
            guard let found = try candidate.pod() else { return }
            judge(found, of: candidate)
        } catch {
            entries.keep(Entry(candidate.subject, .error, message: error.description), key: candidate.subject.display)
        }
    }

    private mutating func judge(_ found: PreviewCandidate.Found, of candidate: PreviewCandidate) {
        let (pod, requester, path, subject) = (found.pod, found.requester, found.path, candidate.subject)
        let labels = labels[subject.namespace] ?? [:]
        let bound = after.bound(to: requester, labels: labels)
        entries.judged += 1
        guard bound[policy.mode].contains(where: { $0.name == policy.name }) else {
            entries.untouched += 1
            return
        }
        let verdict = PodVerdict(of: pod, for: requester, in: after, labels: labels, mayChange: true, now: now)
        let was = PodVerdict(of: pod, for: requester, in: before, labels: labels, mayChange: true, now: now)
        let (outcome, reached) = Self.outcome(verdict, pod)
        let refusals = reached.within(path)
        let old = Self.outcome(was, pod)
        let entry = Entry(
            subject, outcome, serviceAccount: found.serviceAccount,
            policy: verdict.policy.isEmpty ? refusals.first?.policy ?? "" : verdict.policy, refusals: refusals,
            changes: outcome == .refused ? [] : pod.changes(to: verdict.pod).within(path), isNew: old.0 != outcome)
        let reasons = refusals.flatMap { $0.violations.map { "\($0.path) \($0.message)" } } + entry.changes.map(\.path)
        entries.keep(entry, key: "\(candidate.whose) \(outcome) \(reasons.joined(separator: ";"))")
    }

    private static func outcome(_ verdict: PodVerdict, _ pod: Pod) -> (Outcome, [PolicyChoice.Refusal]) {
        if !verdict.isAccepted { return (.refused, verdict.refusals) }
        if !verdict.warnings.isEmpty { return (.warned, verdict.warnings) }
        if !verdict.audits.isEmpty { return (.audited, verdict.audits) }
        return (pod.changes(to: verdict.pod).isEmpty ? .unchanged : .changed, [])
    }

    package var results: [Entry] { entries.results }
    package var counts: [Outcome: Int] { entries.counts }
    package var judged: Int { entries.judged }
    package var untouched: Int { entries.untouched }
}

extension [PodChange] {
    /// The same with every path told from the root of the object that holds the pod's template.
    fileprivate func within(_ prefix: String) -> Self {
        let steps = prefix.split(separator: ".").map(String.init)
        return map { change in
            var change = change
            change.steps = steps + change.steps
            return change
        }
    }
}

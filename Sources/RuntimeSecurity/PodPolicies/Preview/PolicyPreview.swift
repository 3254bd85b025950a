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
    }

    package let policy: PodPolicy
    package let scope: Scope
    private let before: PolicySet
    private let after: PolicySet
    private let labels: [String: [String: String]]
    private let protected: Set<String>
    private let now: Int64
    private var entries: [String: Entry] = [:]
    /// Objects judged, and those that the policy does not count for.
    package private(set) var judged = 0
    package private(set) var untouched = 0

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
        let metadata = object["metadata"]
        let namespace = metadata?["namespace"]?.string ?? ""
        guard !protected.contains(namespace), !Self.isOver(object, kind) else { return }
        let owner = metadata?["ownerReferences"]?.elements.first { $0["controller"]?.bool == true }
        // The template of what has an owner is its owner's.
        if kind != "Pod", owner != nil { return }
        let name = metadata?["name"]?.string ?? ""
        let subject = Subject(apiVersion: apiVersion, kind: kind, namespace: namespace, name: name)
        do throws(PodFieldError) {
            guard let source = try PodSource.find(in: object, apiVersion: apiVersion, kind: kind) else { return }
            var pod = source.pod
            pod.namespace = namespace
            let controller =
                kind == "Pod"
                ? owner.map { Self.group($0["apiVersion"]?.string ?? "") + "/" + ($0["kind"]?.string ?? "") } ?? ""
                : Self.group(apiVersion) + "/" + kind
            judge(pod, of: subject, controller: controller, owner: owner?["name"]?.string ?? "", path: source.path)
        } catch {
            keep(
                Entry(
                    subject: subject, serviceAccount: "", outcome: .error, policy: "", refusals: [], changes: [],
                    message: error.description, count: 1, isNew: true), key: subject.display)
        }
    }

    private mutating func judge(_ pod: Pod, of subject: Subject, controller: String, owner: String, path: String) {
        let requester = Requester.controller(of: controller, namespace: subject.namespace, pod: pod)
        let labels = labels[subject.namespace] ?? [:]
        let bound = after.bound(to: requester, labels: labels)
        judged += 1
        guard bound[policy.mode].contains(where: { $0.name == policy.name }) else {
            untouched += 1
            return
        }
        let verdict = PodVerdict(of: pod, for: requester, in: after, labels: labels, mayChange: true, now: now)
        let was = PodVerdict(of: pod, for: requester, in: before, labels: labels, mayChange: true, now: now)
        let (outcome, found) = Self.outcome(verdict, pod)
        let refusals = found.within(path)
        let old = Self.outcome(was, pod)
        let entry = Entry(
            subject: subject, serviceAccount: "\(subject.namespace)/\(requester.serviceAccount)", outcome: outcome,
            policy: verdict.policy.isEmpty ? refusals.first?.policy ?? "" : verdict.policy, refusals: refusals,
            changes: outcome == .refused ? [] : pod.changes(to: verdict.pod).within(path), message: "", count: 1,
            isNew: old.0 != outcome)
        let reasons = refusals.flatMap { $0.violations.map { "\($0.path) \($0.message)" } } + entry.changes.map(\.path)
        let whose = owner.isEmpty ? subject.display : "\(subject.namespace)/\(owner)/"
        keep(entry, key: "\(whose) \(outcome) \(reasons.joined(separator: ";"))")
    }

    private mutating func keep(_ entry: Entry, key: String) {
        guard var same = entries[key] else {
            entries[key] = entry
            return
        }
        same.count += 1
        if entry.subject < same.subject { same.subject = entry.subject }
        entries[key] = same
    }

    private static func outcome(_ verdict: PodVerdict, _ pod: Pod) -> (Outcome, [PolicyChoice.Refusal]) {
        if !verdict.isAccepted { return (.refused, verdict.refusals) }
        if !verdict.warnings.isEmpty { return (.warned, verdict.warnings) }
        if !verdict.audits.isEmpty { return (.audited, verdict.audits) }
        return (pod.changes(to: verdict.pod).isEmpty ? .unchanged : .changed, [])
    }

    private static func isOver(_ object: Node, _ kind: String) -> Bool {
        guard kind == "Pod" else { return false }
        let phase = object["status"]?["phase"]?.string
        return phase == "Succeeded" || phase == "Failed"
            || object["metadata"]?["annotations"]?[dynamic: ControlPlane.mirrorAnnotation] != nil
    }

    private static func group(_ apiVersion: String) -> String {
        apiVersion.split(separator: "/").count == 2 ? String(apiVersion.prefix { $0 != "/" }) : ""
    }

    /// By outcome, then by subject.
    package var results: [Entry] {
        let order = Dictionary(uniqueKeysWithValues: zip(Outcome.allCases, 0...))
        return entries.values.sorted {
            let (one, other) = (order[$0.outcome] ?? 0, order[$1.outcome] ?? 0)
            return one != other ? one < other : ($0.subject, $0.policy) < ($1.subject, $1.policy)
        }
    }

    /// How many objects fare how.
    package var counts: [Outcome: Int] {
        entries.values.reduce(into: [:]) { $0[$1.outcome, default: 0] += $1.count }
    }
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

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import ArgumentParser
import Console
import Documents
import Findings
import Kubernetes
import PodPolicies
import Store

/// The console's handle on the pod policies: lists from the index that reviews use, changes by the API server, whose
/// webhooks judge them like anybody's.
struct ServerPolicyControl: PolicyControl {
    let index: PolicyIndex
    let client: APIClient
    let failurePolicy: FailurePolicy
    /// Namespaces that are never judged.
    let protected: [String]
    let store: Store

    func state() async -> PolicyState {
        let control = index.set.control
        return PolicyState(
            isEnabled: control.isEnabled, waitsFor: index.waitsFor, failurePolicy: failurePolicy.rawValue,
            disabledNamespaces: control.disabledNamespaces.sorted(), excludedNamespaces: protected.sorted(),
            dropped: store.admission.counts.dropped)
    }

    func policies() async -> [PolicyDetail] {
        let (set, problems) = (index.set, index.problems.filter { $0.kind == "PodPolicy" })
        var details = set.policies.map { policy in
            var detail = PolicyWords.detail(policy)
            detail.problem = problems.first { $0.name == policy.name }.map(Self.words) ?? ""
            return detail
        }
        // What was never readable counts for nothing, which must be seen.
        for problem in problems where set.policy(problem.name) == nil {
            details.append(
                PolicyDetail(
                    name: problem.name, mode: "enforce", kind: "unreadable", isEnabled: false, rules: [],
                    problem: Self.words(problem)))
        }
        return details.sorted { $0.name < $1.name }
    }

    func bindings() async -> [BindingDetail] {
        let (set, problems) = (index.set, index.problems.filter { $0.kind == "PodPolicyBinding" })
        var details = set.bindings.map { binding in
            var problem = problems.first { $0.name == binding.name }.map(Self.words) ?? ""
            if problem.isEmpty {
                switch set.policy(binding.policy) {
                case nil: problem = "it binds nobody: there is no PodPolicy \(binding.policy)"
                case .some(let policy) where !policy.isEnabled: problem = "it binds nobody: the policy is switched off"
                default: break
                }
            }
            return BindingDetail(
                name: binding.name, policy: binding.policy, subjects: binding.subjects.map(Self.subject),
                namespaces: binding.namespaces?.names ?? [],
                selector: binding.namespaces?.selector.map(PolicyWords.selector) ?? "", problem: problem)
        }
        for problem in problems where !set.bindings.contains(where: { $0.name == problem.name }) {
            details.append(
                BindingDetail(name: problem.name, policy: "", subjects: [], problem: Self.words(problem)))
        }
        return details.sorted { $0.name < $1.name }
    }

    private static func words(_ problem: PolicyIndex.Problem) -> String {
        problem.message + (problem.keepsLast ? "; the version before it still counts" : "")
    }

    private static func subject(_ subject: PodPolicyBinding.Subject) -> BindingSubject {
        switch subject {
        case .user(let name): .user(name)
        case .group(let name): .group(name)
        case .serviceAccount(let namespace, let name): .serviceAccount(namespace: namespace, name: name)
        }
    }

    func preview(_ draft: BindingDraft) async throws -> BindingPreview {
        if let reason = index.waitsFor { throw ConsoleError(.unavailable, "Nothing can be judged yet: \(reason).") }
        let set = index.set
        guard let policy = set.policy(draft.policy) else {
            throw ConsoleError(.notFound, "There is no pod policy \(draft.policy).")
        }
        let subjects = draft.subjects.map { subject -> PodPolicyBinding.Subject in
            switch subject {
            case .user(let name): .user(name)
            case .group(let name): .group(name)
            case .serviceAccount(let namespace, let name): .serviceAccount(namespace: namespace, name: name)
            }
        }
        let binding = PodPolicyBinding(
            name: draft.name, policy: draft.policy, subjects: subjects,
            namespaces: draft.namespaces.isEmpty ? nil : NamespaceSelection(names: draft.namespaces))
        var preview = PolicyPreview(
            policy, bindings: [binding], in: set, namespaces: index.namespaces, protected: Set(protected),
            now: Store.wallClock())
        try await asking {
            try await RunningWorkloads(client).each(namespace: nil) { object in
                preview.add(object.node, apiVersion: object.identity.apiVersion, kind: object.identity.kind)
            }
        }
        var counts: [BindingPreview.Workload.Verdict: Int] = [:]
        for (outcome, count) in preview.counts { counts[Self.verdict(outcome), default: 0] += count }
        let order = BindingPreview.Workload.Verdict.allCases
        let workloads = preview.results.filter { $0.outcome != .unchanged }.map(Self.workload).sorted {
            (order.firstIndex(of: $0.verdict) ?? 0, $0.subject) < (order.firstIndex(of: $1.verdict) ?? 0, $1.subject)
        }
        return BindingPreview(workloads: workloads, counts: counts)
    }

    private static func verdict(_ outcome: PolicyPreview.Outcome) -> BindingPreview.Workload.Verdict {
        switch outcome {
        case .refused: .refused
        case .warned, .audited: .warned
        case .changed: .changed
        case .unchanged: .accepted
        case .error: .error
        }
    }

    private static func workload(_ entry: PolicyPreview.Entry) -> BindingPreview.Workload {
        var reasons = entry.refusals.flatMap { refusal in
            refusal.violations.map {
                AdmissionDecision.Reason(
                    policy: refusal.policy, container: $0.container, path: $0.path, value: $0.value,
                    message: $0.message, remedy: $0.remedy)
            }
        }
        if !entry.message.isEmpty { reasons.append(.init(policy: entry.policy, message: entry.message)) }
        return BindingPreview.Workload(
            subject: entry.subject, serviceAccount: entry.serviceAccount, verdict: verdict(entry.outcome),
            policy: entry.policy, reasons: reasons,
            changes: entry.changes.map { change in
                .init(
                    container: change.container, path: change.path, before: change.old?.json ?? "",
                    after: change.new.json)
            })
    }

    func bind(_ draft: BindingDraft, by: String) async throws {
        let subjects = draft.subjects.map { subject -> ManifestValue in
            switch subject {
            case .user(let name): ["kind": "User", "name": .string(name)]
            case .group(let name): ["kind": "Group", "name": .string(name)]
            case .serviceAccount(let namespace, let name):
                ["kind": "ServiceAccount", "name": .string(name), "namespace": .string(namespace)]
            }
        }
        var spec: ManifestValue = ["policy": .string(draft.policy), "subjects": .array(subjects)]
        if !draft.namespaces.isEmpty { spec["namespaces"] = ["names": .strings(draft.namespaces)] }
        let object: ManifestValue = [
            "apiVersion": .string(PolicyResources.apiVersion), "kind": .string(PolicyResources.bindings.kind),
            "metadata": [
                "name": .string(draft.name), "annotations": ["\(PolicyResources.group)/made-by": .string(by)],
            ],
            "spec": spec,
        ]
        try await asking {
            _ = try await client.create(PolicyResources.bindings, namespace: nil, .json(object.json))
        }
    }

    func unbind(_ name: String, by: String) async throws {
        try await asking { try await client.delete(PolicyResources.bindings, namespace: nil, name: name) }
    }

    func setPolicy(_ name: String, isEnabled: Bool, by: String) async throws {
        try await asking {
            _ = try await AdmissionPart.parse(["--policy=\(name)"]).set(isOn: isEnabled, client)
        }
    }

    func setNamespace(_ name: String, isEnabled: Bool, by: String) async throws {
        try await asking {
            _ = try await AdmissionPart.parse(["--only-namespace=\(name)"]).set(isOn: isEnabled, client)
        }
    }

    func setControl(isEnabled: Bool, by: String) async throws {
        let change: ManifestValue = [
            "apiVersion": .string(PolicyResources.apiVersion), "kind": .string(PolicyResources.controls.kind),
            "metadata": ["name": .string(AdmissionControl.name)], "spec": ["enabled": .bool(isEnabled)],
        ]
        try await asking {
            do {
                _ = try await client.patch(
                    PolicyResources.controls, namespace: nil, name: AdmissionControl.name, change.json)
            } catch let error as KubernetesError where error.code == .notFound {
                _ = try await client.create(PolicyResources.controls, namespace: nil, .json(change.json))
            }
        }
    }

    /// Says in the console's words why the cluster did not do it.
    private func asking(_ body: () async throws -> Void) async throws {
        do { try await body() } catch let error as KubernetesError {
            let code: ConsoleError.Code =
                switch error.code {
                case .forbidden: .forbidden
                case .notFound: .notFound
                case .conflict: .conflict
                case .invalid: .invalid
                default: .unavailable
                }
            throw ConsoleError(code, "The cluster says: \(error.message)", cause: error)
        }
    }
}

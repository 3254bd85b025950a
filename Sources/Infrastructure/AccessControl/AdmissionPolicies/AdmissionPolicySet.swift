// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import Documents

/// Policies with their bindings and the parameters that they may take, and what all of them say about a request.
package struct AdmissionPolicySet: Sendable {
    struct Key: Hashable, Sendable {
        let group: String
        let name: String
    }

    /// What became of a "no", or of a question without an answer.
    package struct Violation: Sendable {
        package let policy: String
        /// Empty where no binding could be asked.
        package let binding: String
        /// Of the validation in the policy.
        package let index: Int?
        package let message: String
        package let reason: AdmissionPolicy.Reason
        package let actions: [AdmissionPolicyBinding.Action]
        package let isError: Bool

        /// As Kubernetes words a refusal.
        package var refusal: String {
            let origin = "\(AdmissionPolicy.kind) '\(policy)'"
            return binding.isEmpty
                ? "\(origin) denied request: \(message)"
                : "\(origin) with binding '\(binding)' denied request: \(message)"
        }

        /// As Kubernetes words a warning.
        package var warning: String {
            "Validation failed for \(AdmissionPolicy.kind) '\(policy)' with binding '\(binding)': \(message)"
        }
    }

    package struct Judgement: Sendable {
        package var violations: [Violation] = []
        /// What could not be evaluated under failure policy Ignore.
        package var ignored: [Violation] = []
        /// By `POLICY.KEY`.
        package var annotations: [String: [String]] = [:]
        /// Policies that had something to say, whatever they said.
        package var judged: [String] = []

        package init() {}
    }

    private var policies: [Key: AdmissionPolicy] = [:] { didSet { arrange() } }
    private var bindings: [Key: AdmissionPolicyBinding] = [:] { didSet { arrange() } }
    /// Policies that are bound, with their bindings, in the order of their names.
    private var bound: [(policy: AdmissionPolicy, bindings: [AdmissionPolicyBinding])] = []
    private var params = PolicyParams()

    package init() {}

    package var isEmpty: Bool { bound.isEmpty }

    /// Whether a policy in force asks `authorizer` anything.
    package var asksAboutRights: Bool {
        bound.contains { $0.policy.asked.authorizer || $0.policy.asked.requestResource }
    }

    private mutating func arrange() {
        let all = Dictionary(grouping: bindings.values) { Key(group: $0.group, name: $0.policyName) }
        bound = []
        for (key, policy) in policies.sorted(by: { ($0.key.name, $0.key.group) < ($1.key.name, $1.key.group) }) {
            guard let own = all[key] else { continue }
            bound.append((policy, own.sorted { $0.name < $1.name }))
        }
    }

    /// The kinds whose objects are parameters.
    package var paramKinds: Set<AdmissionPolicy.ParamKind> { Set(policies.values.compactMap(\.paramKind)) }

    /// Adds or replaces a policy or a binding.
    package mutating func add(_ object: Node) throws(GatekeeperError) {
        if object["kind"]?.string == AdmissionPolicyBinding.kind {
            let binding = try AdmissionPolicyBinding(object)
            bindings[Key(group: binding.group, name: binding.name)] = binding
        } else {
            let policy = try AdmissionPolicy(object)
            let key = Key(group: policy.group, name: policy.name)
            policies[key] = policy
            if !policy.ownActions.isEmpty { bindings[key] = AdmissionPolicyBinding(impliedBy: policy) }
        }
    }

    /// Binds the policies that have no binding, to try them; gives their names.
    package mutating func bindTheRest() -> [String] {
        let known = Set(bindings.values.map { Key(group: $0.group, name: $0.policyName) })
        let rest = policies.filter { !known.contains($0.key) }
        for (key, policy) in rest { bindings[key] = AdmissionPolicyBinding(trying: policy) }
        return rest.values.map(\.name).sorted()
    }

    /// Takes the policies and bindings of another set.
    mutating func merge(_ other: AdmissionPolicySet) {
        policies.merge(other.policies) { $1 }
        bindings.merge(other.bindings) { $1 }
    }

    package mutating func remove(group: String, kind: String, name: String) {
        let key = Key(group: group, name: name)
        if kind == AdmissionPolicyBinding.kind {
            bindings[key] = nil
        } else if let policy = policies.removeValue(forKey: key), !policy.ownActions.isEmpty {
            bindings[key] = nil
        }
    }

    package mutating func add(param object: Node) throws(GatekeeperError) { try params.add(object) }

    package mutating func remove(param apiVersion: String, kind: String, namespace: String, name: String) {
        params.remove(apiVersion: apiVersion, kind: kind, namespace: namespace, name: name)
    }

    /// Bindings to policies that are not there, by name.
    package var danglingBindings: [(binding: String, policy: String)] {
        bindings.filter { policies[Key(group: $0.key.group, name: $0.value.policyName)] == nil }
            .map { ($0.value.name, $0.value.policyName) }.sorted { $0.0 < $1.0 }
    }

    package func hasPolicy(group: String, name: String) -> Bool { policies[Key(group: group, name: name)] != nil }

    /// What all policies say, in the order of their names and their bindings' names.
    package func judge(_ input: PolicyInput) -> Judgement {
        var judgement = Judgement()
        for (policy, bindings) in bound { judge(input, policy, bindings, &judgement) }
        return judgement
    }

    private func judge(
        _ input: PolicyInput, _ policy: AdmissionPolicy, _ bindings: [AdmissionPolicyBinding],
        _ judgement: inout Judgement
    ) {
        do throws(GatekeeperError) {
            if try policy.matchConstraints.means(input.request, namespace: input.namespace) {
                judgeMeant(input, policy, bindings, &judgement)
            } else if let view = input.ofPod(for: policy),
                try policy.matchConstraints.means(view.request, namespace: input.namespace)
            {
                judgeMeant(view, policy, bindings, &judgement)
            }
        } catch {
            note("failed to configure policy: \(error)", policy, nil, &judgement)
        }
    }

    private func judgeMeant(
        _ input: PolicyInput, _ policy: AdmissionPolicy, _ bindings: [AdmissionPolicyBinding],
        _ judgement: inout Judgement
    ) {
        for binding in bindings {
            do throws(GatekeeperError) {
                if let resources = binding.matchResources,
                    try !resources.means(input.request, namespace: input.namespace)
                {
                    continue
                }
                for param in try params.all(for: policy, binding, namespace: input.request.namespace) {
                    take(policy.judge(input, params: param), policy, binding, &judgement)
                }
            } catch {
                note("failed to configure binding: \(error)", policy, binding, &judgement)
            }
        }
    }

    private func note(
        _ message: String, _ policy: AdmissionPolicy, _ binding: AdmissionPolicyBinding?,
        _ judgement: inout Judgement
    ) {
        let violation = Violation(
            policy: policy.name, binding: binding?.name ?? "", index: nil, message: message, reason: .invalid,
            actions: [.deny], isError: true)
        if policy.failurePolicy == .fail {
            judgement.violations.append(violation)
        } else {
            judgement.ignored.append(violation)
        }
    }

    private func take(
        _ result: AdmissionPolicyResult, _ policy: AdmissionPolicy, _ binding: AdmissionPolicyBinding,
        _ judgement: inout Judgement
    ) {
        if !result.isLeftOut, !judgement.judged.contains(policy.name) { judgement.judged.append(policy.name) }
        func violation(_ failure: AdmissionPolicyResult.Failure) -> Violation {
            Violation(
                policy: policy.name, binding: binding.name, index: failure.index, message: failure.message,
                reason: failure.reason, actions: failure.isFinal ? [.deny] : binding.actions, isError: failure.isError)
        }
        if !result.failures.isEmpty { judgement.violations += result.failures.map(violation) }
        if !result.ignored.isEmpty { judgement.ignored += result.ignored.map(violation) }
        for (key, value) in result.annotations {
            let name = "\(policy.name).\(key)"
            if judgement.annotations[name]?.contains(value) != true {
                judgement.annotations[name, default: []].append(value)
            }
        }
    }
}

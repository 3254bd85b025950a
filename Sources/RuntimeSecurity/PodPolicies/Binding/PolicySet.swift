// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// All policies and bindings of one moment, compiled: from who asks to the policies that count. Looking up costs what
/// binds those who ask, however many policies are bound to others.
package struct PolicySet: Sendable {
    /// What counts for one request, each list ordered by name.
    package struct Bound: Sendable, Equatable {
        package var enforce: [PodPolicy] = []
        package var warn: [PodPolicy] = []
        package var audit: [PodPolicy] = []

        package var isEmpty: Bool { enforce.isEmpty && warn.isEmpty && audit.isEmpty }

        package subscript(mode: PodPolicy.Mode) -> [PodPolicy] {
            switch mode {
            case .enforce: enforce
            case .warn: warn
            case .audit: audit
            }
        }
    }

    /// Ordered by name.
    package let policies: [PodPolicy]
    /// Ordered by name.
    package let bindings: [PodPolicyBinding]
    package let control: AdmissionControl

    private struct Reach: Sendable {
        /// Into `policies`.
        var policy: Int
        var namespaces: NamespaceSelection?
    }

    private var byUser: [String: [Reach]] = [:]
    private var byGroup: [String: [Reach]] = [:]
    /// Switched-on default policies, into `policies`.
    private let defaults: [Int]
    /// Whether any binding needs a namespace's labels.
    package let usesLabels: Bool

    package static let empty = PolicySet(policies: [], bindings: [])

    package init(policies: [PodPolicy], bindings: [PodPolicyBinding], control: AdmissionControl = .init()) {
        self.policies = policies.sorted { $0.name < $1.name }
        self.bindings = bindings.sorted { $0.name < $1.name }
        self.control = control
        var places: [String: Int] = [:]
        for (index, policy) in self.policies.enumerated() where policy.isEnabled { places[policy.name] = index }
        defaults = self.policies.indices.filter { [policies = self.policies] in
            policies[$0].isEnabled && policies[$0].isDefault
        }
        var usesLabels = control.podSecurityLabels
        for binding in self.bindings {
            // A binding to nothing, or to what is switched off, binds nobody.
            guard let policy = places[binding.policy] else { continue }
            let reach = Reach(policy: policy, namespaces: binding.namespaces)
            if binding.namespaces?.selector != nil { usesLabels = true }
            for subject in Set(binding.subjects) {
                switch subject {
                case .user(let name): byUser[name, default: []].append(reach)
                case .group(let name): byGroup[name, default: []].append(reach)
                case .serviceAccount(let namespace, let name):
                    byUser[Requester.userName(namespace: namespace, account: name), default: []].append(reach)
                }
            }
        }
        self.usesLabels = usesLabels
    }

    package func policy(_ name: String) -> PodPolicy? { policies.first { $0.name == name } }

    /// The policies that count for a request.
    ///
    /// A default policy counts where no binding of its mode or a stricter one does: to try a policy out in mode warn or
    /// audit never takes an enforced default away.
    /// - Parameter labels: the namespace's.
    package func bound(to requester: Requester, labels: [String: String]) -> Bound {
        var found: Set<Int> = []
        func add(_ reaches: [Reach]?) {
            for reach in reaches ?? [] where !found.contains(reach.policy) {
                if let selection = reach.namespaces, !selection.reaches(requester.namespace, labels: labels) {
                    continue
                }
                found.insert(reach.policy)
            }
        }
        for user in requester.users { add(byUser[user]) }
        for group in requester.allGroups { add(byGroup[group]) }
        let strictest = found.lazy.map { policies[$0].mode.strictness }.max() ?? 0
        for index in defaults where policies[index].mode.strictness > strictest { found.insert(index) }
        var bound = Bound()
        for index in found.sorted() {
            switch policies[index].mode {
            case .enforce: bound.enforce.append(policies[index])
            case .warn: bound.warn.append(policies[index])
            case .audit: bound.audit.append(policies[index])
            }
        }
        return bound
    }

    /// The bindings of a policy, by name.
    package func bindings(of policy: String) -> [PodPolicyBinding] { bindings.filter { $0.policy == policy } }

    /// Bindings whose policy does not exist.
    package var bindingsToNothing: [PodPolicyBinding] {
        let names = Set(policies.map(\.name))
        return bindings.filter { !names.contains($0.policy) }
    }

    /// The same set with a policy put in or replaced, and bindings likewise: what a preview judges.
    package func with(policies changed: [PodPolicy], bindings added: [PodPolicyBinding]) -> PolicySet {
        let (names, bindingNames) = (Set(changed.map(\.name)), Set(added.map(\.name)))
        return PolicySet(
            policies: policies.filter { !names.contains($0.name) } + changed,
            bindings: bindings.filter { !bindingNames.contains($0.name) } + added, control: control)
    }
}

extension PodPolicy.Mode {
    /// audit 1, warn 2, enforce 3.
    var strictness: Int {
        switch self {
        case .audit: 1
        case .warn: 2
        case .enforce: 3
        }
    }
}

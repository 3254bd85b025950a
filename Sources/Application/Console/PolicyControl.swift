// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// What the console asks of whatever holds the pod policies: which there are and for whom, what a binding would do, and
/// to bind, unbind and switch. Lists come from memory; `preview` and the changes ask the cluster.
///
/// An error of a change or a preview whose description tells a person what is wrong is a `ConsoleError`; anything else is
/// shown as "something went wrong".
package protocol PolicyControl: Sendable {
    func state() async -> PolicyState
    /// By name.
    func policies() async -> [PolicyDetail]
    /// By name.
    func bindings() async -> [BindingDetail]
    /// What would be refused or changed of what runs now, if the binding were made.
    func preview(_ draft: BindingDraft) async throws -> BindingPreview
    /// Makes the binding. `by` names who asked, in this and in all changes.
    func bind(_ draft: BindingDraft, by: String) async throws
    func unbind(_ name: String, by: String) async throws
    func setPolicy(_ name: String, isEnabled: Bool, by: String) async throws
    func setNamespace(_ name: String, isEnabled: Bool, by: String) async throws
    /// The whole control.
    func setControl(isEnabled: Bool, by: String) async throws
}

/// How admission is.
package struct PolicyState: Sendable, Equatable {
    /// False when somebody switched the whole control off.
    package var isEnabled: Bool
    /// Nil when it judges; else what it waits for.
    package var waitsFor: String?
    /// What becomes of requests that cannot be judged: `Fail` or `Ignore`.
    package var failurePolicy: String
    /// Namespaces that were switched off, by name.
    package var disabledNamespaces: [String]
    /// Namespaces that are never judged, so that the cluster cannot lock itself up.
    package var excludedNamespaces: [String]
    /// Decisions that were dropped because they came too quickly.
    package var dropped: Int

    package init(
        isEnabled: Bool = true, waitsFor: String? = nil, failurePolicy: String = "Fail",
        disabledNamespaces: [String] = [], excludedNamespaces: [String] = [], dropped: Int = 0
    ) {
        self.isEnabled = isEnabled
        self.waitsFor = waitsFor
        self.failurePolicy = failurePolicy
        self.disabledNamespaces = disabledNamespaces
        self.excludedNamespaces = excludedNamespaces
        self.dropped = dropped
    }
}

package struct PolicyDetail: Sendable, Equatable {
    /// One rule in words: `Volumes`, `configMap, emptyDir, secret`.
    package struct Rule: Sendable, Equatable {
        package var title: String
        package var value: String
        /// It is stricter than no policy at all.
        package var isRestricting: Bool

        package init(_ title: String, _ value: String, isRestricting: Bool = true) {
            self.title = title
            self.value = value
            self.isRestricting = isRestricting
        }
    }

    package struct Exemption: Sendable, Equatable {
        package var users: [String]
        package var namespaces: [String]
        package var runtimeClasses: [String]
        package var owner: String
        package var reason: String
        /// Seconds since 1970; nil never expires.
        package var expiry: Int64?

        package init(
            users: [String] = [], namespaces: [String] = [], runtimeClasses: [String] = [], owner: String,
            reason: String, expiry: Int64? = nil
        ) {
            self.users = users
            self.namespaces = namespaces
            self.runtimeClasses = runtimeClasses
            self.owner = owner
            self.reason = reason
            self.expiry = expiry
        }
    }

    package var name: String
    /// `enforce`, `warn` or `audit`.
    package var mode: String
    /// `restricted@latest`, or `fields`.
    package var kind: String
    package var isEnabled: Bool
    package var isDefault: Bool
    package var rules: [Rule]
    package var exemptions: [Exemption]
    /// Why it is not in force; empty when it is.
    package var problem: String

    package init(
        name: String, mode: String, kind: String, isEnabled: Bool = true, isDefault: Bool = false, rules: [Rule],
        exemptions: [Exemption] = [], problem: String = ""
    ) {
        self.name = name
        self.mode = mode
        self.kind = kind
        self.isEnabled = isEnabled
        self.isDefault = isDefault
        self.rules = rules
        self.exemptions = exemptions
        self.problem = problem
    }
}

package struct BindingDetail: Sendable, Equatable {
    package var name: String
    package var policy: String
    package var subjects: [BindingSubject]
    /// Namespaces by name; empty for all, unless there is a selector.
    package var namespaces: [String]
    /// In words: `team in (shop, pay), !legacy`; empty without one.
    package var selector: String
    /// Why it binds nobody, such as a policy that does not exist; empty when it does.
    package var problem: String

    package init(
        name: String, policy: String, subjects: [BindingSubject], namespaces: [String] = [], selector: String = "",
        problem: String = ""
    ) {
        self.name = name
        self.policy = policy
        self.subjects = subjects
        self.namespaces = namespaces
        self.selector = selector
        self.problem = problem
    }
}

package enum BindingSubject: Sendable, Hashable {
    case user(String)
    case group(String)
    case serviceAccount(namespace: String, name: String)

    /// Reads `user:alice`, `group:devs`, `serviceaccount:shop/cart`, and `shop/cart` for the last.
    package init?(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        if parts.count == 2, parts[0] == "user" || parts[0] == "group" {
            guard !parts[1].isEmpty else { return nil }
            self = parts[0] == "user" ? .user(parts[1]) : .group(parts[1])
            return
        }
        let name = parts.count == 2 && parts[0] == "serviceaccount" ? parts[1] : text
        let sides = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard sides.count == 2, sides.allSatisfy({ !$0.isEmpty && !$0.contains(":") }) else { return nil }
        self = .serviceAccount(namespace: sides[0], name: sides[1])
    }

    package var text: String {
        switch self {
        case .user(let name): "user:\(name)"
        case .group(let name): "group:\(name)"
        case .serviceAccount(let namespace, let name): "serviceaccount:\(namespace)/\(name)"
        }
    }
}

/// A binding that somebody thinks of.
package struct BindingDraft: Sendable, Equatable {
    package var name: String
    package var policy: String
    package var subjects: [BindingSubject]
    /// Empty for all.
    package var namespaces: [String]

    package init(name: String, policy: String, subjects: [BindingSubject], namespaces: [String] = []) {
        self.name = name
        self.policy = policy
        self.subjects = subjects
        self.namespaces = namespaces
    }
}

/// What a binding would do to what runs now.
package struct BindingPreview: Sendable, Equatable {
    package struct Workload: Sendable, Equatable {
        package enum Verdict: String, Sendable, CaseIterable {
            case refused
            /// Fields would be filled in.
            case changed
            case warned
            case accepted
            /// It could not be judged.
            case error
        }

        package struct Change: Sendable, Equatable {
            package var container: String
            package var path: String
            /// As JSON text; empty when nothing stands there.
            package var before: String
            package var after: String

            package init(container: String = "", path: String, before: String = "", after: String = "") {
                self.container = container
                self.path = path
                self.before = before
                self.after = after
            }
        }

        package var subject: Subject
        /// `namespace/name`
        package var serviceAccount: String
        package var verdict: Verdict
        /// The policy that would count.
        package var policy: String
        package var reasons: [AdmissionDecision.Reason]
        package var changes: [Change]

        package init(
            subject: Subject, serviceAccount: String = "", verdict: Verdict, policy: String = "",
            reasons: [AdmissionDecision.Reason] = [], changes: [Change] = []
        ) {
            self.subject = subject
            self.serviceAccount = serviceAccount
            self.verdict = verdict
            self.policy = policy
            self.reasons = reasons
            self.changes = changes
        }
    }

    /// The worst first; those that stay as they are may be left out.
    package var workloads: [Workload]
    /// How many there are of each verdict, also of those that are left out.
    package var counts: [Workload.Verdict: Int]

    package init(workloads: [Workload], counts: [Workload.Verdict: Int]) {
        self.workloads = workloads
        self.counts = counts
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// A PodPolicy object (policy.bulwark.dev/v1): what pods may be, how strictly, and who is exempt.
package struct PodPolicy: Sendable, Equatable {
    package enum Mode: String, Sendable, CaseIterable {
        /// Refuse what no enforced policy accepts, and fill in the chosen one's defaults.
        case enforce
        /// Tell whoever asks.
        case warn
        /// Tell the audit log.
        case audit
    }

    package enum Rules: Sendable, Equatable {
        case standard(PodSecurityStandard)
        /// A PodSecurityPolicy's fields with its semantics.
        case fields(SecurityRules)
    }

    package var name: String
    package var uid: String
    package var generation: Int
    package var mode: Mode
    package var rules: Rules
    /// Switched off, it is bound to nobody.
    package var isEnabled: Bool
    /// Applies to the requests that no binding matches.
    package var isDefault: Bool
    package var exemptions: [PolicyExemption]

    package init(
        name: String, uid: String = "", generation: Int = 1, mode: Mode = .enforce, rules: Rules,
        isEnabled: Bool = true,
        isDefault: Bool = false, exemptions: [PolicyExemption] = []
    ) {
        self.name = name
        self.uid = uid
        self.generation = generation
        self.mode = mode
        self.rules = rules
        self.isEnabled = isEnabled
        self.isDefault = isDefault
        self.exemptions = exemptions
    }
}

/// Who is not held to a policy. Within one exemption every list that is not empty must match.
package struct PolicyExemption: Sendable, Equatable {
    package var users: [String]
    package var namespaces: [String]
    package var runtimeClasses: [String]
    package var owner: String
    package var reason: String
    /// Seconds since 1970; nil never expires.
    package var expiry: Int64?

    package init(
        users: [String] = [], namespaces: [String] = [], runtimeClasses: [String] = [], owner: String, reason: String,
        expiry: Int64? = nil
    ) {
        self.users = users
        self.namespaces = namespaces
        self.runtimeClasses = runtimeClasses
        self.owner = owner
        self.reason = reason
        self.expiry = expiry
    }
}

/// A PodPolicyBinding object: which policy for whom and where.
package struct PodPolicyBinding: Sendable, Equatable {
    package enum Subject: Sendable, Hashable {
        case user(String)
        case group(String)
        case serviceAccount(namespace: String, name: String)
    }

    package var name: String
    package var policy: String
    package var subjects: [Subject]
    /// Nil for every namespace.
    package var namespaces: NamespaceSelection?

    package init(name: String, policy: String, subjects: [Subject], namespaces: NamespaceSelection? = nil) {
        self.name = name
        self.policy = policy
        self.subjects = subjects
        self.namespaces = namespaces
    }
}

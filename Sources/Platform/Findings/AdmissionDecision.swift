// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// What was decided about one request to an API server, and why: the record that goes to the log stream `admission`.
package struct AdmissionDecision: Sendable, Hashable {
    package enum Action: String, Sendable, CaseIterable {
        case allow
        /// Allowed, and the one who asked was warned.
        case warn
        /// Allowed, and written into the API server's audit log only.
        case audit
        case deny
        /// It could not be judged; `allowed` says what the failure policy made of that.
        case error
    }

    /// One reason inside a decision.
    package struct Reason: Sendable, Hashable {
        /// The policy that gives it.
        package var policy: String
        /// The container's name; empty when it is about the whole object.
        package var container: String
        /// `spec.containers[0].securityContext.privileged`
        package var path: String
        /// What stands there, as JSON text; empty when nothing does.
        package var value: String
        /// What is wrong, in one sentence.
        package var message: String
        /// What would make it pass; empty when nothing would.
        package var remedy: String

        package init(
            policy: String, container: String = "", path: String = "", value: String = "", message: String,
            remedy: String = ""
        ) {
            self.policy = policy
            self.container = container
            self.path = path
            self.value = value
            self.message = message
            self.remedy = remedy
        }
    }

    /// The request's uid: the same for every webhook call about it.
    package var uid: String
    /// Milliseconds since 1970.
    package var time: Int64
    /// The reviewer that decided: `pod-policies`.
    package var reviewer: String
    package var action: Action
    package var allowed: Bool
    package var operation: String
    package var subject: Subject
    /// The controller that the object belongs to or the stem of its generated name; the subject's name without either.
    package var workload: String
    package var user: String
    /// `namespace/name`; empty for what has none.
    package var serviceAccount: String
    /// The policy that accepted or refused it; empty without one.
    package var policy: String
    package var reasons: [Reason]
    package var dryRun: Bool
    /// Whether fields were filled in.
    package var changed: Bool
    /// From the first byte of the request to the answer.
    package var microseconds: Int

    package init(
        uid: String, time: Int64, reviewer: String, action: Action, allowed: Bool, operation: String,
        subject: Subject, workload: String = "", user: String, serviceAccount: String = "", policy: String = "",
        reasons: [Reason] = [], dryRun: Bool = false, changed: Bool = false, microseconds: Int = 0
    ) {
        self.uid = uid
        self.time = time
        self.reviewer = reviewer
        self.action = action
        self.allowed = allowed
        self.operation = operation
        self.subject = subject
        self.workload = workload
        self.user = user
        self.serviceAccount = serviceAccount
        self.policy = policy
        self.reasons = reasons
        self.dryRun = dryRun
        self.changed = changed
        self.microseconds = microseconds
    }
}

/// Where admission hands its decisions. Taking one never waits: what cannot be taken is counted by whoever refuses it.
package protocol DecisionRecorder: Sendable {
    func record(_ decision: AdmissionDecision)
}

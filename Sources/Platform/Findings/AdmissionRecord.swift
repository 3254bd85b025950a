// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// What admission leaves behind, in the form in which it is kept and handed over.
package enum AdmissionRecord: Sendable, Hashable {
    /// A decision that is worth a record of its own.
    case decision(AdmissionDecision)
    case tally(AdmissionTally)
    /// A workload was admitted and nothing was wrong with it. Time in milliseconds since 1970.
    case clean(workload: Subject, time: Int64)
}

/// How many decisions of one sort were taken within one minute. Tallies of the same sort add up.
package struct AdmissionTally: Sendable, Hashable {
    /// Seconds since 1970, a multiple of 60.
    package var minute: Int64
    /// The policy that accepted or refused; empty without one.
    package var policy: String
    package var action: AdmissionDecision.Action
    package var count: Int
    /// How many of them had fields filled in.
    package var changed: Int
    /// All their times together.
    package var microseconds: Int

    package init(
        minute: Int64, policy: String, action: AdmissionDecision.Action, count: Int, changed: Int = 0,
        microseconds: Int = 0
    ) {
        self.minute = minute
        self.policy = policy
        self.action = action
        self.count = count
        self.changed = changed
        self.microseconds = microseconds
    }
}

/// Records with the numbers that their sender gave them, by which it is seen that they came twice.
package struct AdmissionBatch: Sendable {
    /// Names one spool: a random text that it was given when it was made. Empty for what needs no such memory.
    package var sender: String
    /// The first record's number; the others follow without a gap.
    package var first: Int64
    package var records: [AdmissionRecord]

    package init(sender: String = "", first: Int64 = 0, records: [AdmissionRecord]) {
        self.sender = sender
        self.first = first
        self.records = records
    }
}

/// Keeps what admission hands over; the server's is the store. All of it is on the disk when it returns, and what was
/// kept before is passed over.
package protocol AdmissionKeeper: Sendable {
    func keep(_ batch: AdmissionBatch) async throws
}

extension AdmissionDecision {
    /// An allowed request about which there is nothing to say: counted, not kept.
    package var isPlain: Bool { action == .allow && reasons.isEmpty }

    /// What findings of admission are about: the admission of a workload, apart from the workload itself, which
    /// inspection judges.
    package var admission: Subject {
        Subject(
            cluster: subject.cluster, apiVersion: Self.group + "/v1",
            kind: reviewer == Self.podPolicies
                ? "\(subject.kind) admission" : "\(subject.kind) admission by \(reviewer)",
            namespace: subject.namespace, name: workload.isEmpty ? subject.name : workload)
    }

    /// The reviewer of pod policies.
    package static let podPolicies = "pod-policies"

    /// The group of the subjects of admission's findings.
    package static let group = "admission.bulwark.dev"

    package static let maxReasons = 100

    /// The same within bounds, whatever a request held: texts are cut, and reasons beyond the hundredth are left out.
    package var bounded: AdmissionDecision {
        var copy = self
        copy.uid = Self.clip(uid, 128)
        copy.operation = Self.clip(operation, 32)
        copy.user = Self.clip(user, 512)
        copy.serviceAccount = Self.clip(serviceAccount, 512)
        copy.policy = Self.clip(policy, 253)
        copy.workload = Self.clip(workload, 253)
        copy.subject.apiVersion = Self.clip(subject.apiVersion, 253)
        copy.subject.kind = Self.clip(subject.kind, 63)
        copy.subject.namespace = Self.clip(subject.namespace, 253)
        copy.subject.name = Self.clip(subject.name, 253)
        copy.reasons = reasons.prefix(Self.maxReasons).map { reason in
            Reason(
                policy: Self.clip(reason.policy, 253), container: Self.clip(reason.container, 253),
                path: Self.clip(reason.path, 500), value: Self.clip(reason.value, 200),
                message: Self.clip(reason.message, 500), remedy: Self.clip(reason.remedy, 500))
        }
        let omitted = reasons.count - copy.reasons.count
        if omitted > 0, let last = copy.reasons.indices.last {
            copy.reasons[last] = Reason(
                policy: copy.reasons[last].policy, message: "and \(omitted + 1) more reasons, which are not kept")
        }
        return copy
    }

    /// At most `limit` bytes, cut between characters.
    private static func clip(_ text: String, _ limit: Int) -> String {
        guard text.utf8.count > limit else { return text }
        var cut = ""
        var size = 0
        for scalar in text.unicodeScalars {
            size += UTF8.width(scalar)
            if size > limit { break }
            cut.unicodeScalars.append(scalar)
        }
        return cut
    }
}

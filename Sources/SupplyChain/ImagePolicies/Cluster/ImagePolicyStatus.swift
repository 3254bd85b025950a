// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Reporting

/// What a policy refused lately.
package struct ImageRefusals: Sendable, Equatable {
    package struct Recent: Sendable, Equatable {
        /// Seconds since 1970.
        package var time: Int64
        package var object: String
        package var user: String
        package var message: String

        package init(time: Int64, object: String, user: String, message: String) {
            (self.time, self.object, self.user, self.message) = (time, object, user, message)
        }
    }

    package var lastHour = 0
    package var recent: [Recent] = []

    package init(lastHour: Int = 0, recent: [Recent] = []) { (self.lastHour, self.recent) = (lastHour, recent) }
}

/// The status of an ImagePolicy, as it is written into the object.
struct ImagePolicyStatus: Equatable {
    struct Condition: Equatable {
        var type: String
        var isTrue: Bool
        var reason: String
        var message: String
        /// RFC 3339; empty when it is not known.
        var since = ""
    }

    var generation: Int
    var conditions: [Condition]
    var refusals: ImageRefusals

    init(
        of policy: ImagePolicy, problem: ImagePolicyIndex.Problem?, remarks: [String], refusals: ImageRefusals,
        unreadable: (total: Int, first: [(name: String, message: String)])
    ) {
        generation = policy.generation
        self.refusals = refusals
        let ready: Condition
        if let problem {
            ready = Condition(
                type: "Ready", isTrue: false, reason: "Unreadable",
                message: ImageScan.cut(problem.message, 1000)
                    + (problem.keepsLast
                        ? "; the version before it still counts"
                        : "; no image can be judged by it, and the failure policy decides"))
        } else if !policy.isEnabled {
            ready = Condition(
                type: "Ready", isTrue: false, reason: "SwitchedOff", message: "the policy is switched off")
        } else {
            ready = Condition(
                type: "Ready", isTrue: true, reason: "Counts",
                message: (["the policy can be read and counts"] + remarks).joined(separator: "; "))
        }
        conditions = [ready]
        guard policy.needsScan else { return }
        let names = unreadable.first.map { "\($0.name): \(ImageScan.cut($0.message, 200))" }.joined(separator: "; ")
        conditions.append(
            unreadable.total == 0
                ? Condition(
                    type: "ScansReadable", isTrue: true, reason: "AllReadable", message: "every ImageScan can be read")
                : Condition(
                    type: "ScansReadable", isTrue: false, reason: "Unreadable",
                    message: "\(unreadable.total) ImageScan objects cannot be read, and their images cannot be judged: "
                        + names + (unreadable.total > unreadable.first.count ? "; and more" : "")))
    }

    /// A merge patch of the whole object.
    var patch: String {
        let conditions = conditions.map { condition in
            EditValue.object([
                ("type", .string(condition.type)), ("status", condition.isTrue ? "True" : "False"),
                ("reason", .string(condition.reason)), ("message", .string(condition.message)),
                ("lastTransitionTime", .string(condition.since)),
                ("observedGeneration", .number(String(generation))),
            ])
        }
        let recent = refusals.recent.map { refusal in
            EditValue.object([
                ("time", .string(Timestamp.iso8601(refusal.time))), ("object", .string(refusal.object)),
                ("user", .string(refusal.user)), ("message", .string(refusal.message)),
            ])
        }
        return EditValue.object([
            (
                "status",
                .object([
                    ("observedGeneration", .number(String(generation))), ("conditions", .array(conditions)),
                    (
                        "refusals",
                        .object([("lastHour", .number(String(refusals.lastHour))), ("recent", .array(recent))])
                    ),
                ])
            )
        ]).json
    }
}

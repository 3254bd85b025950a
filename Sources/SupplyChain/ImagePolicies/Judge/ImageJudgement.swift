// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// What all policies that count say about the images of one pod.
package struct ImageJudgement: Sendable, Equatable {
    package var refusals: [ImageObjection] = []
    package var warnings: [ImageObjection] = []
    package var audits: [ImageObjection] = []
    /// Of enforced policies: what could not be judged. The failure policy decides.
    package var errors: [ImageObjection] = []
    /// `POLICY: OWNER: REASON` of the exemptions that were used.
    package var exemptions: [String] = []
    /// How many times a policy was asked about an image.
    package var asked = 0
    /// Nil where the request was not held for a scan.
    var hold: ImageHold?

    package init() {}

    mutating func add(_ objections: [ImageObjection], mode: ImagePolicy.Mode) {
        asked += 1
        for objection in objections {
            switch (mode, objection.effect) {
            case (.enforce, .deny): refusals.append(objection)
            case (.enforce, .error): errors.append(objection)
            case (.enforce, .warn), (.warn, _): warnings.append(objection)
            case (.audit, _): audits.append(objection)
            }
        }
    }
}

/// Where and by whom images are to run.
package struct ImageRequest: Sendable {
    package var user: String
    package var namespace: String
    /// The namespace's.
    package var labels: [String: String]

    package init(user: String = "", namespace: String, labels: [String: String] = [:]) {
        (self.user, self.namespace, self.labels) = (user, namespace, labels)
    }
}

extension ImagePolicy {
    /// Whether it counts for an image of a request. What is no reference counts for every policy: nobody knows what it is.
    func reaches(_ reference: ScannedReference?, _ request: ImageRequest) -> Bool {
        guard isEnabled, namespaces?.reaches(request.namespace, labels: request.labels) ?? true else { return false }
        guard !images.isEmpty, let reference else { return true }
        return images.contains { $0.matches(reference, untagged: true) }
    }

    func exemption(for reference: ScannedReference?, _ request: ImageRequest, now: Int64) -> ImageExemption? {
        guard let reference else { return nil }
        return exemptions.first {
            $0.covers(reference, user: request.user, namespace: request.namespace, now: now)
        }
    }
}

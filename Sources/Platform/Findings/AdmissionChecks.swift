// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// The checks that admission's findings belong to. They are judged by policies when a request comes in, not by
/// inspection, so that they are not in its catalogue.
package enum AdmissionChecks {
    /// The API server was told to refuse the workload.
    package static let refused = Check(
        id: "BW-ADM-001", slug: "refused-at-admission", area: "admission",
        title: "A pod policy refuses this workload", severity: .high,
        why: "The workload cannot be created or changed as it is written: whoever deploys it waits in vain, and what "
            + "runs of it now may not come back after a restart of its node.",
        remediation: "Change the fields that the finding names, or bind its service account to a policy that allows "
            + "them. `bulwark policy preview` says beforehand what would be refused.")

    /// Admitted although it is below a policy that only warns or audits.
    package static let below = Check(
        id: "BW-ADM-002", slug: "below-policy", area: "admission",
        title: "A workload is below a pod policy that warns", severity: .medium,
        why: "It was admitted because the policy warns or audits. It will be refused once the policy is enforced.",
        remediation: "Change the fields that the finding names before the policy's mode becomes `enforce`.")

    /// Neither a yes nor a no.
    package static let unjudged = Check(
        id: "BW-ADM-003", slug: "not-judged-at-admission", area: "admission",
        title: "A request could not be judged", severity: .high,
        why: "The question whether a workload may run had no answer, so that the failure policy decided: where that is "
            + "`Ignore`, something runs that nobody looked at.",
        remediation: "Look at the message and at the log stream `admission`, mend what kept it from being judged, and "
            + "create the workload again.")

    package static let all = [refused, below, unjudged]
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// What is said of a workload for the images that it runs: one finding for each container and class, not one for each
/// vulnerability. Findings have the severity of the worst that the image holds.
package enum WorkloadImageChecks {
    /// Each once, for catalogues.
    package static let all = [vulnerable, infected, credentials, unread].map { $0[.high] }

    static let vulnerable = BySeverity(
        201, "runs-vulnerable-image", "Runs an image with known vulnerabilities",
        "Whoever knows the advisory knows the way in: it was written for the version that runs here.",
        "Build the image anew with the packages that mend it, and let the workload run that one. The page of the image lists them."
    )
    static let infected = BySeverity(
        202, "runs-malicious-image", "Runs an image with malware",
        "A file of the image is known to be malicious or looks like it: what it does, it does with the rights of the workload.",
        "Stop the workload, find out how the file came into the image, and build it from sources that you trust.")
    static let credentials = BySeverity(
        203, "runs-image-with-credentials", "Runs an image with credentials in it",
        "Whoever can pull the image can read them, also those that a later layer deletes.",
        "Revoke the credential, build the image without it, and give it to the container as a Secret.")
    static let unread = BySeverity(
        204, "runs-unscanned-image", "Runs an image that could not be scanned as a whole",
        "What was not read or judged is not known to be good.",
        "See what stands in the way: access to the registry, advisories that are missing, or a damaged layer.")

    /// A check for each severity, as findings take theirs from it.
    struct BySeverity: Sendable {
        private let checks: [Check]

        init(_ number: Int, _ slug: String, _ title: String, _ why: String, _ remediation: String) {
            checks = Severity.allCases.map {
                Check(
                    id: "BW-IMG-\(number)", slug: slug, area: "image", title: title, severity: $0, why: why,
                    remediation: remediation)
            }
        }

        subscript(severity: Severity) -> Check { checks[severity.rawValue] }
    }
}

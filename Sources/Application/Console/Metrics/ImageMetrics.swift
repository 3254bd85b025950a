// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// How scans of running images are doing, in numbers.
package struct ImageMetrics: Sendable {
    /// Images that run, those of them with a report, and those whose last scan failed.
    package var images = 0
    package var scanned = 0
    package var failed = 0
    /// Sums over the images that run.
    package var vulnerabilities: [Severity: Int] = [:]
    package var fixable: [Severity: Int] = [:]
    package var running = 0
    package var waiting = 0
    package var heldRegistries = 0
    /// Since the start of the process; seconds are those of all scans together.
    package var scans = 0
    package var judgements = 0
    package var failures = 0
    package var seconds: Double = 0
    /// Seconds since 1970; nil without advisories.
    package var advisoriesUpdated: Int64?

    package init() {}

    func write(to text: inout MetricsText) {
        text.family("bulwark_images", .gauge, "Images that run, by what is known of them.")
        for (state, count) in [("scanned", scanned), ("waiting", max(images - scanned, 0)), ("failed", failed)] {
            text.sample("bulwark_images", [("state", state)], count)
        }
        for (name, help, counts) in [
            ("bulwark_image_vulnerabilities", "Vulnerabilities of the images that run, by severity.", vulnerabilities),
            ("bulwark_image_fixable_vulnerabilities", "Those that an upgrade mends.", fixable),
        ] {
            text.family(name, .gauge, help)
            for severity in Severity.allCases {
                text.sample(name, [("severity", severity.description)], counts[severity] ?? 0)
            }
        }
        text.family("bulwark_image_queue", .gauge, "Images that are scanned now, and that wait for it.")
        text.sample("bulwark_image_queue", [("state", "running")], running)
        text.sample("bulwark_image_queue", [("state", "waiting")], waiting)
        text.family("bulwark_image_registries_held", .gauge, "Registries that are left alone for a while.")
        text.sample("bulwark_image_registries_held", [], heldRegistries)
        text.family("bulwark_image_scans_total", .counter, "Scans and judgements by their outcome.")
        for (outcome, count) in [("scanned", scans), ("judged", judgements), ("failed", failures)] {
            text.sample("bulwark_image_scans_total", [("outcome", outcome)], count)
        }
        text.family("bulwark_image_scan_seconds_total", .counter, "Time of all scans together.")
        text.sample("bulwark_image_scan_seconds_total", [], seconds)
        guard let advisoriesUpdated else { return }
        text.family(
            "bulwark_advisories_timestamp_seconds", .gauge, "When the oldest advisories were last brought up to date.")
        text.sample("bulwark_advisories_timestamp_seconds", [], Int(clamping: advisoriesUpdated))
    }
}

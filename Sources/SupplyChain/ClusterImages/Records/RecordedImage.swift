// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import ImageScanning

/// Numbers of what was found in an image. Vulnerabilities that are excepted or in doubt are not among them.
package struct ImageTally: Sendable, Equatable {
    package var vulnerabilities: [Severity: Int] = [:]
    /// Those that an upgrade mends.
    package var fixable: [Severity: Int] = [:]
    package var malware = 0
    package var secrets = 0
    package var misconfigurations = 0
    /// What could not be read or judged.
    package var errors = 0

    package init() {}
}

/// An image as it is remembered. Times are seconds since 1970.
package struct RecordedImage: Sendable {
    package enum State: String, Sendable {
        /// There is no report yet, or somebody asked for a new one.
        case waiting
        case complete
        /// A part could not be read or judged.
        case incomplete
        /// The last scan failed. What an earlier one found is kept.
        case failed
    }

    package var digest: String
    /// What pods call it, the most used first.
    package var references: [String]
    package var state: State
    package var tally = ImageTally()
    package var packages = 0
    /// Bytes of all layers as they are stored.
    package var size: Int64 = 0
    /// Containers of pods that run it now, in how many workloads.
    package var containers = 0
    package var workloads = 0
    package var firstSeen: Int64 = 0
    /// When its layers were last read, and when it was last judged by advisories.
    package var scanned: Int64?
    package var judged: Int64?
    /// Of when these advisories are.
    package var advisories: Int64?
    /// Why the last scan failed, how often in a row, and when it is tried again; nil when only a wish brings it back.
    package var failure = ""
    package var attempts = 0
    package var next: Int64?
    /// The first of what could not be read or judged.
    package var problem = ""
    /// `linux/amd64`
    package var platform = ""
    /// `Debian GNU/Linux 12`; empty where unknown.
    package var distribution = ""
    package var created = ""

    package init(digest: String, references: [String], state: State) {
        (self.digest, self.references, self.state) = (digest, references, state)
    }
}

/// All that is known of an image.
package struct RecordedImageDetail: Sendable {
    package var image: RecordedImage
    /// What was read of it; nil before the first scan, or when another version of the program kept it.
    package var content: ImageReport?
    /// Worst first.
    package var vulnerabilities: [RecordedVulnerability]
    package var uses: [ImageUse]
    package var problems: [ScanProblem]
}

/// A vulnerability of a package of an image.
package struct RecordedVulnerability: Sendable {
    package var id: String
    package var title: String
    package var severity: Severity
    /// Who rates it so.
    package var severitySource: String
    package var score: Double?
    /// `deb`, `pypi`, …
    package var kind: String
    package var package: String
    package var version: String
    package var path: String
    /// The lowest version without it; empty where there is none.
    package var fixedVersion: String
    package var status: ImageVulnerability.Status
    package var exploitProbability: Double?
    package var isKnownExploited: Bool
    /// Why it does not count; empty when it does.
    package var exception: String
    /// What went wrong, for the status `error`.
    package var message: String
}

/// Something to do about an image.
package struct DueImage: Sendable, Equatable {
    package enum Need: Sendable {
        /// Its layers are to be read.
        case scan
        /// What is kept of it is to be judged by other advisories.
        case judgement
    }

    package var digest: String
    /// The most used first; empty when only the digest is known.
    package var references: [String]
    package var need: Need
    /// Failures in a row before this.
    package var attempts: Int
    package var firstSeen: Int64
    package var containers: Int
    /// Somebody asked for it.
    package var isWanted: Bool
}

/// Which images a list shows.
package struct ImageFilter: Sendable, Equatable {
    package enum Sort: Sendable { case worst, fixable, name, scanned }
    /// Part of a reference or of the digest, in any case (ASCII).
    package var text = ""
    /// Only images that run in this namespace.
    package var namespace = ""
    /// Only images with a vulnerability of this severity or worse.
    package var severity: Severity?
    package var onlyFixable = false
    package var onlyMalware = false
    /// Also those that run no longer.
    package var includesPast = false
    package var sort = Sort.worst

    package init() {}
}

/// What runs, in numbers.
package struct ImageTotals: Sendable, Equatable {
    /// Images that run, those of them that have a report, and those whose last scan failed.
    package var images = 0
    package var scanned = 0
    package var failed = 0
    /// Sums over the images that run.
    package var tally = ImageTally()

    package init() {}
}

/// What ran on a day.
package struct ImageTrend: Sendable, Equatable {
    package var time: Int64
    package var images: Int
    package var vulnerabilities: [Severity: Int]
    package var fixable: Int
}

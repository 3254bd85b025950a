// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// Which vulnerabilities of images that run a list shows.
package struct VulnerabilityFilter: Sendable, Equatable {
    /// Part of the identifier, an alias, the title or a package's name, in any case (ASCII).
    package var text = ""
    /// This severity and worse.
    package var severity: Severity?
    package var onlyFixable = false
    package var onlyExploited = false

    package init() {}
}

/// A vulnerability over all images that run.
package struct VulnerabilityOverview: Sendable {
    package var id: String
    package var title: String
    /// The worst that it has in an image that runs.
    package var severity: Severity
    package var score: Double?
    package var exploitProbability: Double?
    package var isKnownExploited: Bool
    /// Names of packages, a few.
    package var packages: [String]
    package var images: Int
    package var workloads: Int
    /// Whether an upgrade mends it in one of the images.
    package var isFixable: Bool
}

/// A vulnerability and where it is. The images that most pods run come first.
package struct VulnerabilityPlaces: Sendable {
    package struct Place: Sendable {
        package var digest: String
        package var reference: String
        package var package: String
        package var version: String
        package var fixedVersion: String
        package var path: String
        package var uses: [ImageUse]
    }

    package var overview: VulnerabilityOverview
    package var aliases: [String]
    package var details: String
    package var vector: String
    package var references: [String]
    package var published: Int64
    /// At most five hundred.
    package var places: [Place]
}

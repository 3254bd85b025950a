// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings

/// What the console asks of whatever scans the images of a cluster. Times are seconds since 1970.
package protocol ImageControl: Sendable {
    func state() async -> ImageScanState
    /// A page of the images, and how many there are in all.
    func images(_ query: ImageQuery, limit: Int, offset: Int) async throws -> (images: [ImageSummary], total: Int)
    /// Nil for a digest that is not known.
    func image(_ digest: String) async throws -> ImageDetail?
    /// A page of the vulnerabilities of images that run, and how many there are in all.
    func vulnerabilities(
        _ query: VulnerabilityQuery, limit: Int, offset: Int
    ) async throws -> (vulnerabilities: [VulnerabilitySummary], total: Int)
    /// Nil for an identifier that no known image has.
    func vulnerability(_ id: String) async throws -> VulnerabilityDetail?
    /// The image's bill of materials as a whole document; nil for a digest that is not known or not scanned yet.
    func bill(_ digest: String, _ format: BillFormat) async throws -> [UInt8]?
    /// Puts the image into the queue, in front. False when it is not known or waits already.
    func rescan(_ digest: String, by: String) async throws -> Bool
    /// A point a day at most, oldest first, over what ran at that time.
    func trend(days: Int) async throws -> [ImageTrendPoint]
    /// What a workload runs, by container; empty for one that is not known. The API version of `workload` does not
    /// matter, only its group.
    func containers(of workload: Subject) async throws -> [ContainerImage]
}

/// A container of a workload and the image that it runs.
package struct ContainerImage: Sendable, Equatable {
    package var container: String
    /// As the pod writes it, made whole.
    package var reference: String
    package var pods: Int
    /// Nil before its digest is known.
    package var image: ImageSummary?

    package init(container: String, reference: String, pods: Int, image: ImageSummary?) {
        (self.container, self.reference, self.pods, self.image) = (container, reference, pods, image)
    }
}

package enum BillFormat: String, Sendable, CaseIterable { case cyclonedx, spdx }

package struct ImageScanState: Sendable, Equatable {
    package struct Job: Sendable, Equatable {
        package var reference: String
        package var digest: String
        package var layersDone: Int
        package var layers: Int
        package var started: Int64

        package init(reference: String, digest: String, layersDone: Int = 0, layers: Int = 0, started: Int64) {
            (self.reference, self.digest, self.layersDone, self.layers) = (reference, digest, layersDone, layers)
            self.started = started
        }
    }

    package struct Failure: Sendable, Equatable {
        package var reference: String
        package var digest: String
        package var message: String
        package var attempts: Int
        /// When it is tried again; nil when only a change of the cluster or somebody's word brings it back.
        package var next: Int64?

        package init(reference: String, digest: String, message: String, attempts: Int, next: Int64?) {
            (self.reference, self.digest, self.message) = (reference, digest, message)
            (self.attempts, self.next) = (attempts, next)
        }
    }

    package var running: [Job] = []
    package var waiting = 0
    package var failures: [Failure] = []
    /// Digests that run, and of these those that have a report.
    package var images = 0
    package var scanned = 0
    /// Age of the oldest advisories; nil without any.
    package var advisoriesUpdated: Int64?
    package var advisoryRecords = 0
    /// Why nothing is judged, in a sentence with what to do; empty when all is well.
    package var problem = ""

    package init() {}
}

/// Numbers of findings of an image. Indexed by severity.
package struct ImageCounts: Sendable, Equatable {
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

package struct ImageQuery: Sendable, Equatable {
    package enum Sort: String, Sendable, CaseIterable { case worst, fixable, name, scanned }
    /// Part of the reference or digest.
    package var text = ""
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

package struct ImageSummary: Sendable, Equatable {
    package enum State: String, Sendable, CaseIterable { case waiting, scanning, complete, incomplete, failed }
    /// Of the manifest, `sha256:…`: names the image everywhere.
    package var digest: String
    /// What pods call it, the most used first; never empty.
    package var references: [String]
    package var state: State
    package var counts = ImageCounts()
    package var packages = 0
    /// Bytes of all layers as they are stored.
    package var size: Int64 = 0
    /// Containers that run it now, in how many workloads.
    package var containers = 0
    package var workloads = 0
    package var scanned: Int64?
    package var firstSeen: Int64 = 0
    package var message = ""

    package init(digest: String, references: [String], state: State) {
        (self.digest, self.references, self.state) = (digest, references, state)
    }
}

package struct ImageDetail: Sendable {
    package var summary: ImageSummary
    /// `linux/amd64`
    package var platform = ""
    /// `Debian GNU/Linux 12`; empty where unknown.
    package var distribution = ""
    package var created = ""
    package var layers: [Layer] = []
    package var packages: [Package] = []
    /// Worst first.
    package var vulnerabilities: [Vulnerability] = []
    package var malware: [FoundFile] = []
    package var secrets: [FoundFile] = []
    package var misconfigurations: [FoundFile] = []
    package var users: [ImageUser] = []
    /// What could not be read or judged.
    package var problems: [String] = []

    package init(summary: ImageSummary) { self.summary = summary }

    package struct Layer: Sendable {
        package var digest: String
        package var createdBy: String
        package var size: Int64
        package var packages: Int

        package init(digest: String, createdBy: String, size: Int64, packages: Int) {
            (self.digest, self.createdBy, self.size, self.packages) = (digest, createdBy, size, packages)
        }
    }

    package struct Package: Sendable {
        package var name: String
        package var version: String
        /// `deb`, `pypi`, …
        package var kind: String
        package var path: String
        /// Index into the layers; nil where unknown.
        package var layer: Int?

        package init(name: String, version: String, kind: String, path: String, layer: Int?) {
            (self.name, self.version, self.kind, self.path, self.layer) = (name, version, kind, path, layer)
        }
    }

    package struct Vulnerability: Sendable {
        package var id: String
        package var title: String
        package var severity: Severity
        package var severitySource: String
        package var score: Double?
        package var package: String
        package var version: String
        package var path: String
        /// Empty where there is none.
        package var fixedVersion: String
        /// `fixed`, `affected`, `won't fix` or `error`.
        package var status: String
        package var exploitProbability: Double?
        package var isKnownExploited: Bool
        /// Why it does not count; empty when it does.
        package var exception: String

        package init(
            id: String, title: String, severity: Severity, severitySource: String = "", score: Double? = nil,
            package: String, version: String, path: String = "", fixedVersion: String = "", status: String,
            exploitProbability: Double? = nil, isKnownExploited: Bool = false, exception: String = ""
        ) {
            (self.id, self.title, self.severity, self.severitySource) = (id, title, severity, severitySource)
            (self.score, self.package, self.version, self.path) = (score, package, version, path)
            (self.fixedVersion, self.status, self.exploitProbability) = (fixedVersion, status, exploitProbability)
            (self.isKnownExploited, self.exception) = (isKnownExploited, exception)
        }
    }

    /// Malware, a secret or a misconfiguration.
    package struct FoundFile: Sendable {
        package var rule: String
        package var title: String
        package var severity: Severity
        package var path: String
        package var message: String
        /// What to do about it.
        package var remedy: String

        package init(
            rule: String, title: String, severity: Severity, path: String, message: String, remedy: String
        ) {
            (self.rule, self.title, self.severity) = (rule, title, severity)
            (self.path, self.message, self.remedy) = (path, message, remedy)
        }
    }
}

/// A workload that runs an image.
package struct ImageUser: Sendable, Equatable {
    package var subject: Subject
    package var container: String
    package var reference: String
    package var pods: Int

    package init(subject: Subject, container: String, reference: String, pods: Int) {
        (self.subject, self.container, self.reference, self.pods) = (subject, container, reference, pods)
    }
}

package struct VulnerabilityQuery: Sendable, Equatable {
    /// Part of the identifier, an alias, the title or a package's name.
    package var text = ""
    package var severity: Severity?
    package var onlyFixable = false
    package var onlyExploited = false

    package init() {}
}

package struct VulnerabilitySummary: Sendable {
    package var id: String
    package var title: String
    package var severity: Severity
    package var score: Double?
    package var exploitProbability: Double?
    package var isKnownExploited: Bool
    /// Names of packages, a few.
    package var packages: [String]
    package var images: Int
    package var workloads: Int
    package var isFixable: Bool

    package init(
        id: String, title: String, severity: Severity, score: Double? = nil, exploitProbability: Double? = nil,
        isKnownExploited: Bool = false, packages: [String], images: Int, workloads: Int, isFixable: Bool
    ) {
        (self.id, self.title, self.severity, self.score) = (id, title, severity, score)
        (self.exploitProbability, self.isKnownExploited) = (exploitProbability, isKnownExploited)
        (self.packages, self.images, self.workloads, self.isFixable) = (packages, images, workloads, isFixable)
    }
}

package struct VulnerabilityDetail: Sendable {
    package struct Place: Sendable {
        package var digest: String
        package var reference: String
        package var package: String
        package var version: String
        package var fixedVersion: String
        package var path: String
        package var users: [ImageUser]

        package init(
            digest: String, reference: String, package: String, version: String, fixedVersion: String, path: String,
            users: [ImageUser]
        ) {
            (self.digest, self.reference, self.package) = (digest, reference, package)
            (self.version, self.fixedVersion, self.path, self.users) = (version, fixedVersion, path, users)
        }
    }

    package var summary: VulnerabilitySummary
    package var aliases: [String] = []
    package var details = ""
    package var vector = ""
    package var references: [String] = []
    package var published: Int64 = 0
    /// Where to mend first: the images that most pods run come first.
    package var places: [Place] = []

    package init(summary: VulnerabilitySummary) { self.summary = summary }
}

package struct ImageTrendPoint: Sendable, Equatable {
    package var time: Int64
    package var images: Int
    package var vulnerabilities: [Severity: Int]
    package var fixable: Int

    package init(time: Int64, images: Int, vulnerabilities: [Severity: Int], fixable: Int) {
        (self.time, self.images, self.vulnerabilities, self.fixable) = (time, images, vulnerabilities, fixable)
    }
}

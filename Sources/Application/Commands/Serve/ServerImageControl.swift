// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import ClusterImages
import Console
import Findings
import ImageScanning
import Inventory
import Logging
import Malware
import Secrets

/// The console's handle on the images of clusters: what is remembered of them, and what the queue does just now.
struct ServerImageControl: ImageControl {
    /// What only the queue knows, as it is at one moment.
    struct Live: Sendable {
        var running: [ImageScanState.Job] = []
        var waiting = 0
        /// Age of the oldest advisories; nil without any.
        var advisoriesUpdated: Int64?
        var advisoryRecords = 0
        /// Why nothing is judged, in a sentence with what to do; empty when all is well.
        var problem = ""
    }

    let records: ImageRecords
    let live: @Sendable () async -> Live
    /// Tells the queue that there is something new to do.
    let wake: @Sendable () -> Void
    let logger: Logger

    func state() async -> ImageScanState {
        let live = await live()
        var state = ImageScanState()
        state.running = live.running
        state.waiting = live.waiting
        (state.advisoriesUpdated, state.advisoryRecords) = (live.advisoriesUpdated, live.advisoryRecords)
        state.problem = live.problem
        do {
            let totals = try await records.totals()
            (state.images, state.scanned) = (totals.images, totals.scanned)
            state.failures = try await records.failures().map {
                ImageScanState.Failure(
                    reference: $0.references.first ?? $0.digest, digest: $0.digest, message: $0.failure,
                    attempts: $0.attempts, next: $0.next)
            }
        } catch {
            state.problem = "what is known of images cannot be read: \(error)"
        }
        return state
    }

    func images(_ query: ImageQuery, limit: Int, offset: Int) async throws -> (images: [ImageSummary], total: Int) {
        var filter = ImageFilter()
        (filter.text, filter.namespace, filter.severity) = (query.text, query.namespace, query.severity)
        (filter.onlyFixable, filter.onlyMalware) = (query.onlyFixable, query.onlyMalware)
        filter.includesPast = query.includesPast
        switch query.sort {
        case .worst: filter.sort = .worst
        case .fixable: filter.sort = .fixable
        case .name: filter.sort = .name
        case .scanned: filter.sort = .scanned
        }
        let scanning = Set(await live().running.map(\.digest))
        let page = try await records.images(filter, limit: limit, offset: offset)
        return (page.images.map { ImageSummary($0, scanning) }, page.total)
    }

    func image(_ digest: String) async throws -> ImageDetail? {
        guard let known = try await records.detail(digest) else { return nil }
        return ImageDetail(known, Set(await live().running.map(\.digest)))
    }

    func vulnerabilities(
        _ query: VulnerabilityQuery, limit: Int, offset: Int
    ) async throws -> (vulnerabilities: [VulnerabilitySummary], total: Int) {
        var filter = VulnerabilityFilter()
        (filter.text, filter.severity) = (query.text, query.severity)
        (filter.onlyFixable, filter.onlyExploited) = (query.onlyFixable, query.onlyExploited)
        let page = try await records.vulnerabilities(filter, limit: limit, offset: offset)
        return (page.vulnerabilities.map { VulnerabilitySummary($0) }, page.total)
    }

    func vulnerability(_ id: String) async throws -> VulnerabilityDetail? {
        guard let known = try await records.vulnerability(id) else { return nil }
        var detail = VulnerabilityDetail(summary: VulnerabilitySummary(known.overview))
        (detail.aliases, detail.details, detail.vector) = (known.aliases, known.details, known.vector)
        (detail.references, detail.published) = (known.references, known.published)
        detail.places = known.places.map { place in
            VulnerabilityDetail.Place(
                digest: place.digest, reference: place.reference.isEmpty ? place.digest : place.reference,
                package: place.package, version: place.version, fixedVersion: place.fixedVersion, path: place.path,
                users: place.uses.map { ImageUser($0) })
        }
        return detail
    }

    func bill(_ digest: String, _ format: BillFormat) async throws -> [UInt8]? {
        guard let report = try await records.content(of: digest) else { return nil }
        let bill = report.bill(toolVersion: Version.current)
        let output = BillBytes()
        switch format {
        case .cyclonedx: try CycloneDX.write(bill) { output.bytes += $0 }
        case .spdx: try SPDX.write(bill) { output.bytes += $0 }
        }
        return output.bytes
    }

    func rescan(_ digest: String, by account: String) async throws -> Bool {
        guard try await records.want(digest) else { return false }
        logger.notice("An image is scanned again", metadata: ["digest": "\(digest)", "by": "\(account)"])
        wake()
        return true
    }

    func containers(of workload: Subject) async throws -> [ContainerImage] {
        let uses = try await records.uses(of: workload)
        guard !uses.isEmpty else { return [] }
        let scanning = Set(await live().running.map(\.digest))
        return uses.map { use, image in
            ContainerImage(
                container: use.container, reference: use.reference, pods: use.pods,
                image: image.map { ImageSummary($0, scanning) })
        }
    }

    func trend(days: Int) async throws -> [ImageTrendPoint] {
        try await records.trend(days: days).map {
            ImageTrendPoint(
                time: $0.time, images: $0.images, vulnerabilities: $0.vulnerabilities, fixable: $0.fixable)
        }
    }
}

/// Where a bill is written to, which a closure cannot change by itself.
private final class BillBytes {
    var bytes: [UInt8] = []
}

extension ImageSummary {
    init(_ image: RecordedImage, _ scanning: Set<String>) {
        let state: State
        if scanning.contains(image.digest) {
            state = .scanning
        } else {
            switch image.state {
            case .waiting: state = .waiting
            case .complete: state = .complete
            case .incomplete: state = .incomplete
            case .failed: state = .failed
            }
        }
        // Never empty: an image that only its digest names is called by it.
        self.init(
            digest: image.digest, references: image.references.isEmpty ? [image.digest] : image.references,
            state: state)
        counts.vulnerabilities = image.tally.vulnerabilities
        counts.fixable = image.tally.fixable
        (counts.malware, counts.secrets) = (image.tally.malware, image.tally.secrets)
        (counts.misconfigurations, counts.errors) = (image.tally.misconfigurations, image.tally.errors)
        (packages, size) = (image.packages, image.size)
        (containers, workloads) = (image.containers, image.workloads)
        (scanned, firstSeen) = (image.judged, image.firstSeen)
        message = image.failure.isEmpty ? image.problem : image.failure
    }
}

extension ImageUser {
    init(_ use: ImageUse) {
        self.init(subject: use.workload, container: use.container, reference: use.reference, pods: use.pods)
    }
}

extension VulnerabilitySummary {
    init(_ overview: VulnerabilityOverview) {
        self.init(
            id: overview.id, title: overview.title, severity: overview.severity, score: overview.score,
            exploitProbability: overview.exploitProbability, isKnownExploited: overview.isKnownExploited,
            packages: overview.packages, images: overview.images, workloads: overview.workloads,
            isFixable: overview.isFixable)
    }
}

extension ImageDetail {
    init(_ known: RecordedImageDetail, _ scanning: Set<String>) {
        self.init(summary: ImageSummary(known.image, scanning))
        (platform, distribution, created) = (known.image.platform, known.image.distribution, known.image.created)
        users = known.uses.map { ImageUser($0) }
        problems = known.problems.map { $0.path.isEmpty ? $0.message : "\($0.path): \($0.message)" }
        vulnerabilities = known.vulnerabilities.map { item in
            Vulnerability(
                id: item.id, title: item.title, severity: item.severity, severitySource: item.severitySource,
                score: item.score, package: item.package, version: item.version, path: item.path,
                fixedVersion: item.fixedVersion, status: item.status.rawValue,
                exploitProbability: item.exploitProbability, isKnownExploited: item.isKnownExploited,
                exception: item.exception)
        }
        guard let inventory = known.content?.inventory else { return }
        layers = inventory.layers.map {
            Layer(
                digest: $0.digest.isEmpty ? $0.diffID : $0.digest, createdBy: $0.createdBy, size: $0.bytes,
                packages: $0.packages)
        }
        let layerCount = layers.count
        packages = inventory.packages.map { package in
            Package(
                name: package.name, version: package.version, kind: package.kind.rawValue,
                path: package.innerPath.isEmpty ? package.path : "\(package.path)!/\(package.innerPath)",
                layer: package.layer.flatMap { (0..<layerCount).contains($0) ? $0 : nil })
        }
        malware = inventory.malware.map { finding in
            FoundFile(
                rule: finding.match.rule, title: finding.match.title, severity: finding.match.severity,
                path: finding.match.path,
                message: [finding.match.description, finding.fateText].filter { !$0.isEmpty }.joined(separator: ", "),
                remedy: "Take the file out of the image and find out how it came there.")
        }
        secrets = inventory.secrets.map { finding in
            FoundFile(
                rule: finding.match.rule, title: finding.match.title, severity: finding.match.severity,
                path: "\(finding.match.path):\(finding.match.line)",
                message: [finding.match.excerpt, finding.fateText].filter { !$0.isEmpty }.joined(separator: ", "),
                remedy: "Revoke the credential, build the image without it, and give it to the container as a Secret.")
        }
        misconfigurations = inventory.misconfigurations.map { finding in
            FoundFile(
                rule: finding.match.check.id, title: finding.match.check.title, severity: finding.match.check.severity,
                path: finding.match.path, message: finding.match.message, remedy: finding.match.check.remediation)
        }
    }
}

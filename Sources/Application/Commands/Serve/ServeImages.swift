// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Advisories
import ArgumentParser
import ClusterImages
import Console
import Foundation
import ImageScanning
import Kubernetes
import Logging
import Malware
import OCI
import PodSecurity
import Secrets
import ServiceLifecycle
import Store

/// Whether and how `bulwark serve` scans the images that a cluster runs.
struct ServeImages: ParsableArguments {
    @Flag(name: .customLong("images"), help: "Scan the images that the cluster runs, from their registries.")
    var isOn = false

    @Option(name: .customLong("images-concurrency"), help: "Images that are scanned at a time.")
    var concurrency = 2

    @Option(name: .customLong("images-time-limit"), help: "Minutes that the scan of one image may take.")
    var timeLimit = 30

    @Option(name: .customLong("images-size-limit"), help: "MiB that the layers of one image may have as stored.")
    var sizeLimit = 32_768

    @Option(
        name: .customLong("images-registry"),
        help: "Ask only this registry: HOST[:PORT], or *.DOMAIN. Repeatable. Else all but this machine's own.")
    var registries: [String] = []

    @Option(
        name: .customLong("images-inner-host"),
        help: "Let registries outside lead to this host of an inner network: HOST[:PORT], or *.DOMAIN. Repeatable.")
    var innerHosts: [String] = []

    @Option(
        name: .customLong("images-mirror"),
        help: "A registry to ask before an image's own: HOST[:PORT]. Repeatable, asked in turn.")
    var mirrors: [String] = []

    @Option(name: .customLong("images-registry-ca"), help: "PEM file with authorities that registries are trusted by.")
    var registryCa: String?

    @Option(
        name: .customLong("images-registry-config"),
        help: "Logins at registries, as Docker's config.json has them; else those of this user.")
    var registryConfig: String?

    @Flag(
        name: .customLong("images-pull-secrets"),
        help: "Use the logins of pods too: read the Secrets that they name as imagePullSecrets.")
    var pullSecrets = false

    @Flag(
        name: .customLong("images-insecure"),
        help: "Ask registries without TLS, or without checking their certificates.")
    var insecure = false

    @Option(name: .customLong("images-platform"), help: "Of images for several platforms: linux/arm64.")
    var platform: String?

    @Option(
        name: .customLong("images-scanners"),
        help: "Only these, between commas: vulnerabilities, secrets, malware, configuration.")
    var scanners: ScannerSet = .all

    @Option(
        name: .customLong("images-vex"), help: "A VEX document: OpenVEX, CycloneDX (JSON or XML) or CSAF. Repeatable.")
    var vex: [String] = []

    @Option(name: .customLong("images-ignore-file"), help: "A .trivyignore or .trivyignore.yaml. Repeatable.")
    var ignoreFiles: [String] = []

    @Option(
        name: .customLong("advisories-database"),
        help: "The folder of the advisories; else BULWARK_ADVISORIES, else bulwark/advisories in the user's cache.")
    var database: String?

    @Option(name: .customLong("advisories-update"), help: "Fetch new advisories each so many hours.")
    var updateHours: Int?

    @Option(name: .customLong("advisories-from"), help: "The URL of a mirror of OSV's bucket, or a folder like it.")
    var updateSource = AdvisoryUpdater.publicBucket

    /// Seconds between two looks at the advisories.
    @Option(name: .customLong("images-look"), help: .hidden)
    var look = 60

    func validate() throws {
        guard (1...64).contains(concurrency) else {
            throw ValidationError("--images-concurrency should be from 1 to 64")
        }
        guard (1...1_440).contains(timeLimit) else {
            throw ValidationError("--images-time-limit should be from 1 to 1,440 minutes")
        }
        guard (1...1_048_576).contains(sizeLimit) else {
            throw ValidationError("--images-size-limit should be from 1 to 1,048,576 MiB")
        }
        guard updateHours.map({ (1...720).contains($0) }) ?? true else {
            throw ValidationError("--advisories-update should be from 1 to 720 hours")
        }
        guard (1...3_600).contains(look) else { throw ValidationError("--images-look should be from 1 to 3,600") }
        let isPlain =
            registries.isEmpty && innerHosts.isEmpty && mirrors.isEmpty && registryCa == nil && registryConfig == nil
            && !insecure
            && platform == nil && vex.isEmpty && ignoreFiles.isEmpty && updateHours == nil
        guard isOn || isPlain else {
            throw ValidationError("the --images-… options and --advisories-update go with --images")
        }
    }

    /// What a server that scans images runs, and what its console asks.
    struct Parts: Sendable {
        let services: [any Service]
        let control: ServerImageControl
        let queue: ImageScanQueue
        let records: ImageRecords

        @Sendable func metrics() async -> ImageMetrics {
            var metrics = ImageMetrics()
            let state = queue.state
            (metrics.running, metrics.waiting) = (state.running.count, state.waiting)
            (metrics.scans, metrics.judgements, metrics.failures) = (state.scans, state.judgements, state.failures)
            (metrics.seconds, metrics.heldRegistries) = (state.seconds, state.heldRegistries)
            metrics.advisoriesUpdated = state.advisoriesUpdated
            guard let totals = try? await records.totals() else { return metrics }
            (metrics.images, metrics.scanned, metrics.failed) = (totals.images, totals.scanned, totals.failed)
            (metrics.vulnerabilities, metrics.fixable) = (totals.tally.vulnerabilities, totals.tally.fixable)
            return metrics
        }
    }

    /// - Parameter source: whose watches are read; it must not have begun.
    func parts(_ source: ClusterSource, _ client: APIClient, _ store: Store, state: String, logger: Logger) throws
        -> Parts
    {
        do {
            let records = try ImageRecords(store)
            let running = try running(source, logger: logger)
            let registry = try registry(pullSecrets ? PullSecrets(running, client) : nil, logger)
            let reader = try reader(registry, state: state)
            let advisories = CurrentAdvisories(path: folder, salt: try salt())
            var options = ImageScanQueue.Options()
            options.width = concurrency
            options.interval = .seconds(look)
            let done = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingNewest(10_000))
            let queue = ImageScanQueue(
                records, reader, advisories, options: options, logger: logger,
                onDone: { done.continuation.yield($0) })
            let keeper = UseKeeper(running, records, registry, logger: logger, onChange: { queue.wake() })
            let objects = ImageScanObjects(
                client, records, registry, running, logger: logger, isScanning: { queue.isRunning($0) },
                wakeQueue: { queue.wake() })
            var services: [any Service] = [
                Stopping { try await keeper.run() }, Stopping { try await queue.run() },
                Stopping { try await objects.run() },
                Stopping { for await digest in done.stream { objects.changed(digest) } },
            ]
            if let updateHours { services.append(Stopping { try await update(each: updateHours, logger) }) }
            let control = ServerImageControl(
                records: records, live: { ServerImageControl.Live(queue.state) }, wake: { queue.wake() },
                logger: logger)
            return Parts(services: services, control: control, queue: queue, records: records)
        } catch let error as StoreError {
            throw UserError("\(error)", .unfinished)
        } catch let error as OCIError {
            throw UserError("\(error)")
        }
    }

    private var folder: String { database ?? AdvisoriesOptions.standard(ProcessInfo.processInfo.environment) }

    private func registry(_ pullSecrets: PullSecrets?, _ logger: Logger) throws -> RegistryImages {
        var options = RegistryOptions()
        options.authorities = registryCa
        options.allowsPlainHTTP = insecure
        options.skipsVerification = insecure
        if !mirrors.isEmpty { options.mirrors["*"] = mirrors }
        if let registryConfig {
            guard FileManager.default.isReadableFile(atPath: registryConfig) else {
                throw UserError("--images-registry-config: \(registryConfig) cannot be read")
            }
            options.environment["REGISTRY_AUTH_FILE"] = registryConfig
        }
        var wanted: ImagePlatform?
        if let platform {
            do throws(OCIError) { wanted = try ImagePlatform(platform) } catch {
                throw UserError("--images-platform: \(error)")
            }
        }
        return try RegistryImages(
            options, platform: wanted, rules: RegistryRules(allowed: registries, inner: innerHosts),
            pullSecrets: pullSecrets, sizeLimit: Int64(sizeLimit) << 20, logger: logger)
    }

    /// Who runs what, from the watches that inspection has.
    private func running(_ source: ClusterSource, logger: Logger) throws -> RunningImages {
        let readable = Set(source.kindNames)
        guard readable.contains("Pod") else {
            throw UserError("--images needs the right to list and watch pods", .unfinished)
        }
        let running = RunningImages(
            cluster: source.name, kinds: RunningImages.kinds.filter { readable.contains($0) },
            keepsPullSecrets: pullSecrets)
        for kind in RunningImages.kinds {
            guard try !source.add(readerOf: kind, running.reader(of: kind)) else { continue }
            logger.warning(
                "Images are told of these alone, not of what made them, for they cannot be listed",
                metadata: ["kind": "\(kind)"])
        }
        return running
    }

    private func reader(_ source: RegistryImages, state: String) throws -> ImageReader {
        var reader = ImageReader(source)
        reader.timeLimit = .seconds(60 * timeLimit)
        reader.exceptions = try exceptions()
        reader.judgesConfiguration = scanners.contains(.configuration)
        var content = ContentScanners(judgesBehaviour: scanners.contains(.configuration))
        do throws(SecretError) {
            let secrets = try SecretScanner.standard()
            if scanners.contains(.secrets) { content.secrets = secrets }
            reader.secrets = secrets
        } catch { throw UserError("\(error)", .unfinished) }
        do throws(MalwareError) {
            if scanners.contains(.malware) { content.malware = try MalwareScanner(rules: [], hashes: nil, clamd: nil) }
        } catch { throw UserError("\(error)", .unfinished) }
        reader.scanner.layers.content = content
        // Several images are read at a time already.
        reader.scanner.width = 2
        reader.scanner.cache = LayerCache(folder: state + "/layers")
            .of("\(Version.current)-\(scanners.subtracting(.vulnerabilities).rawValue)")
        return reader
    }

    private func exceptions() throws -> Exceptions {
        var exceptions = Exceptions()
        do throws(ScanError) {
            for path in ignoreFiles { exceptions.ignored.append(try IgnoreFile(try Self.text(path), source: path)) }
            for path in vex { exceptions.statements.append(try VEXDocument(try Self.text(path), source: path)) }
        } catch { throw UserError("\(error)") }
        return exceptions
    }

    private static func text(_ path: String) throws(ScanError) -> [UInt8] {
        do { return try InputFile.text(path, limit: 64 << 20) } catch {
            throw ScanError(.unreadable, (error as? UserError)?.message ?? "\(path): \(error)")
        }
    }

    /// What a judgement depends on beside the advisories: with another program or other exceptions all is judged again.
    private func salt() throws -> String {
        var salt = "\(Version.current) \(scanners.rawValue)"
        for path in ignoreFiles + vex { salt += " " + String(decoding: try Self.text(path), as: UTF8.self) }
        return salt
    }

    private func update(each hours: Int, _ logger: Logger) async throws {
        var options = AdvisoryUpdater.Options()
        options.environment = ProcessInfo.processInfo.environment
        let updater = AdvisoryUpdater(database: folder, source: updateSource, options: options) { event in
            guard case .finished(let outcome) = event else { return }
            logger.notice(
                "Advisories were updated",
                metadata: ["ecosystem": "\(outcome.ecosystem)", "records": "\(outcome.records)"])
        }
        while true {
            // Not by every restart.
            let age = Int64(Date().timeIntervalSince1970) - AdvisoryStatus(path: folder).oldest
            let left = Int64(hours) * 3_600 - age
            if left > 0 { try await Task.sleep(for: .seconds(left)) }
            do throws(AdvisoryError) { try await updater.update() } catch {
                try Task.checkCancellation()
                logger.error("Advisories could not be updated", metadata: ["reason": "\(error)"])
                try await Task.sleep(for: .seconds(600))
            }
        }
    }
}

extension ServerImageControl.Live {
    init(_ state: ImageQueueState) {
        self.init()
        running = state.running.map {
            ImageScanState.Job(
                reference: $0.reference, digest: $0.digest, layersDone: $0.layersDone, layers: $0.layers,
                started: $0.started)
        }
        waiting = state.waiting
        (advisoriesUpdated, advisoryRecords) = (state.advisoriesUpdated, state.advisoryRecords)
        problem = state.problem
    }
}

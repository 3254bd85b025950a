// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Foundation
import ImagePolicies
import ImageScanning
import Kubernetes
import Logging
import OCI
import Synchronization

/// Tells the cluster in `ImageScan` objects what scans said of the references that pods use, and scans what is asked for
/// by objects that others make. Rests where the kind is not installed.
package final class ImageScanObjects: Sendable {
    package struct Options: Sendable {
        /// Seconds after which it is looked again what a tag means.
        package var meaning: Int64 = 6 * 3_600
        /// Objects at most; more references go without.
        package var limit = 10_000
        /// References looked up at a time, and of one registry: one that does not answer must not hold up others.
        package var width = 8
        package var registryWidth = 2
        /// Between looks whether the kind is installed.
        package var rest = Duration.seconds(10)
        package init() {}
    }

    private struct Entry {
        /// As the object tells it.
        var told: ImageVerdict
        /// When this process saw it first.
        var seen: Int64
        /// What the registry says that the reference means, since when, and when it is asked again.
        var digest = ""
        var resolved: Int64 = 0
        var next: Int64 = 0
        var failures = 0
        var failure = ""
        /// Whether the records were told that somebody asks about it.
        var isAsked = false
        var isResolving = false
    }

    private struct State {
        var entries: [String: Entry] = [:]
        var dirty: Set<String> = []
        /// Names of objects that are there and mean nothing.
        var unreadable: Set<String> = []
        var isSynced = false
        /// Look-ups under way by registry.
        var busy: [String: Int] = [:]
    }

    private let client: APIClient
    private let records: ImageRecords
    private let source: any ImageSource
    private let running: RunningImages
    private let options: Options
    private let logger: Logger
    private let now: @Sendable () -> Int64
    private let state = Mutex(State())
    /// Whether an image is being scanned; and to tell that one waits for it.
    private let isScanning: @Sendable (_ digest: String) -> Bool
    private let wakeQueue: @Sendable () -> Void

    package init(
        _ client: APIClient, _ records: ImageRecords, _ source: any ImageSource, _ running: RunningImages,
        options: Options = Options(), logger: Logger,
        now: @escaping @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) },
        isScanning: @escaping @Sendable (_ digest: String) -> Bool, wakeQueue: @escaping @Sendable () -> Void
    ) {
        (self.client, self.records, self.source, self.running) = (client, records, source, running)
        (self.options, self.logger, self.now) = (options, logger, now)
        (self.isScanning, self.wakeQueue) = (isScanning, wakeQueue)
    }

    /// Something new is known of an image.
    package func changed(_ digest: String) {
        state.withLock { state in
            for (name, entry) in state.entries where entry.digest == digest { state.dirty.insert(name) }
        }
    }

    /// Runs until the task is cancelled.
    package func run() async throws {
        while true {
            let isServed = (try? await client.discover(groups: [ImageScan.resource.group]))?.resource(
                apiVersion: ImageScan.resource.apiVersion, kind: ImageScan.resource.kind)
            if isServed != nil {
                try await serve()
                state.withLock { $0 = State() }
            }
            try Task.checkCancellation()
            try await Task.sleep(for: options.rest)
        }
    }

    /// Until the kind is gone.
    private func serve() async throws {
        let informer = try Informer(client, ImageScan.resource)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await informer.run { self.read($0) } }
            group.addTask {
                while !informer.status.isUnserved { try await Task.sleep(for: .seconds(1)) }
            }
            group.addTask { try await self.resolve() }
            group.addTask { try await self.tell() }
            try await group.next()
            group.cancelAll()
            while let result = await group.nextResult() {
                if case .failure(let error) = result, !(error is CancellationError) { throw error }
            }
        }
    }

    private func read(_ event: InformerEvent) {
        switch event {
        case .upsert(let object, _):
            let name = object.identity.name
            let verdict: ImageVerdict
            do throws(ImagePolicyError) { verdict = try ImageScan.verdict(of: object.node) } catch {
                logger.warning(
                    "an ImageScan cannot be read and is left alone",
                    metadata: ["name": "\(name)", "reason": "\(error)"])
                return state.withLock { state in
                    state.entries[name] = nil
                    if state.unreadable.count < options.limit { state.unreadable.insert(name) }
                }
            }
            state.withLock { state in
                state.unreadable.remove(name)
                guard state.entries[name] != nil || state.entries.count < options.limit else { return }
                var entry = state.entries[name] ?? Entry(told: verdict, seen: now())
                if state.entries[name] == nil {
                    // What an earlier process found out counts until it is looked again.
                    (entry.digest, entry.resolved) = (verdict.digest, verdict.resolved)
                    entry.next = verdict.digest.isEmpty ? 0 : verdict.resolved &+ options.meaning
                }
                entry.told = verdict
                state.entries[name] = entry
                state.dirty.insert(name)
            }
        case .delete(let identity):
            state.withLock {
                $0.entries[identity.name] = nil
                $0.dirty.remove(identity.name)
                $0.unreadable.remove(identity.name)
            }
        case .synced, .relisted: state.withLock { $0.isSynced = true }
        }
    }

    // MARK: What references mean

    private func resolve() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            while true {
                for (name, reference) in takeUnresolved() {
                    group.addTask { try await self.resolve(name, reference) }
                }
                try await Task.sleep(for: .milliseconds(250))
            }
        }
    }

    /// What nobody knows yet comes first.
    private func takeUnresolved() -> [(name: String, reference: String)] {
        let time = now()
        return state.withLock { state in
            let room = options.width - state.busy.values.reduce(0, +)
            guard room > 0 else { return [] }
            let due = state.entries.filter { $0.value.next <= time && !$0.value.isResolving }
            let first = due.sorted {
                ($0.value.digest.isEmpty ? 0 : 1, $0.value.failures, $0.value.seen)
                    < ($1.value.digest.isEmpty ? 0 : 1, $1.value.failures, $1.value.seen)
            }
            var taken: [(name: String, reference: String)] = []
            for (name, entry) in first where taken.count < room {
                let registry = Self.registry(entry.told.reference)
                guard state.busy[registry, default: 0] < options.registryWidth else { continue }
                state.busy[registry, default: 0] += 1
                state.entries[name]?.isResolving = true
                taken.append((name, entry.told.reference))
            }
            return taken
        }
    }

    private static func registry(_ reference: String) -> String { String(reference.prefix { $0 != "/" }) }

    private func resolve(_ name: String, _ reference: String) async throws {
        defer {
            state.withLock { state in
                let registry = Self.registry(reference)
                let left = (state.busy[registry] ?? 1) - 1
                state.busy[registry] = left > 0 ? left : nil
            }
        }
        var found: String?
        var failure = OCIError(.malformed, "it is no reference")
        do throws(OCIError) {
            let parsed = try ImageReference(reference)
            // A digest means itself; whether a registry has it shows when it is scanned.
            if let digest = parsed.digest {
                found = digest.description
            } else {
                found = try await source.digest(of: parsed).description
            }
        } catch { failure = error }
        try Task.checkCancellation()
        let time = now()
        let runs = running.references(limit: options.limit)[reference] != nil
        state.withLock { state in
            guard var entry = state.entries[name] else { return }
            entry.isResolving = false
            if let found {
                if entry.digest != found || runs { (entry.digest, entry.isAsked) = (found, false) }
                (entry.resolved, entry.failures, entry.failure) = (time, 0, "")
                entry.next = reference.contains("@") ? .max : time + options.meaning
            } else {
                entry.failures += 1
                entry.failure = failure.description
                entry.next = time + RetryTimes.wait(after: entry.failures, isLasting: failure.isLasting)
            }
            state.entries[name] = entry
            state.dirty.insert(name)
        }
    }

    // MARK: What is told

    private func tell() async throws {
        var references: [String: String] = [:]
        var read: ContinuousClock.Instant?
        while true {
            try await Task.sleep(for: .milliseconds(250))
            guard state.withLock({ $0.isSynced }), running.isSynced else { continue }
            do {
                if read.map({ $0.duration(to: .now) > .seconds(2) }) ?? true {
                    references = running.references(limit: options.limit)
                    read = .now
                    try await make(references)
                }
                let dirty = state.withLock { state in
                    defer { state.dirty = [] }
                    return state.dirty
                }
                var left = dirty
                do {
                    for name in dirty.sorted() {
                        try await update(name, references)
                        left.remove(name)
                    }
                } catch {
                    state.withLock { $0.dirty.formUnion(left) }
                    throw error
                }
            } catch {
                try Task.checkCancellation()
                logger.warning("ImageScan objects could not be written", metadata: ["reason": "\(error)"])
                try await Task.sleep(for: .seconds(10))
            }
        }
    }

    /// Makes the objects of what runs.
    private func make(_ references: [String: String]) async throws {
        let (known, unreadable, count) = state.withLock { state in
            (Set(state.entries.values.map(\.told.reference)), state.unreadable, state.entries.count)
        }
        let missing = references.keys.filter { !known.contains($0) }.sorted()
        for reference in missing.prefix(max(0, min(50, options.limit - count))) {
            // What pods write that is no reference gets no object.
            guard (try? ImageScan.reference(reference)) == reference,
                !unreadable.contains(ImageScan.name(of: reference))
            else { continue }
            do {
                _ = try await client.create(ImageScan.resource, namespace: nil, .json(ImageScan.object(reference)))
            } catch let error as KubernetesError where error.code == .conflict {
                // Admission asked for it, and the watch will tell.
            }
        }
    }

    private func update(_ name: String, _ references: [String: String]) async throws {
        guard let entry = state.withLock({ $0.entries[name] }) else { return }
        let reference = entry.told.reference
        guard let verdict = try await verdict(entry, runs: references[reference], name) else {
            // Nobody runs it or has asked about it for as long as images are kept.
            do {
                try await client.delete(ImageScan.resource, namespace: nil, name: name)
            } catch let error as KubernetesError where error.code == .notFound {}
            return
        }
        guard verdict != entry.told else { return }
        do {
            _ = try await client.patch(
                ImageScan.resource, namespace: nil, name: name, ImageScan.statusPatch(verdict), subresource: "status")
        } catch let error as KubernetesError where error.code == .notFound {
            // Gone meanwhile; the watch will tell.
        }
    }

    /// What the object should say; nil when it should go.
    /// - Parameter digest: which its pods run; nil when nobody runs it.
    private func verdict(_ entry: Entry, runs digest: String?, _ name: String) async throws -> ImageVerdict? {
        let (reference, runs) = (entry.told.reference, digest != nil)
        guard !entry.digest.isEmpty else {
            if !runs, !entry.failure.isEmpty, now() - entry.seen > 7 * 86_400 { return nil }
            var verdict = ImageVerdict(reference: reference, phase: entry.failure.isEmpty ? .pending : .failed)
            verdict.message = entry.failure
            return verdict
        }
        var known = try await records.image(entry.digest)
        if known == nil, entry.isAsked, !runs { return nil }
        if !entry.isAsked {
            // What runs is kept and judged anew without anybody's word; a tag may mean something else by now.
            if digest != entry.digest || known == nil {
                try await records.ask(about: reference, digest: entry.digest)
                known = try await records.image(entry.digest)
                wakeQueue()
            }
            state.withLock { $0.entries[name]?.isAsked = true }
        }
        guard let known, var verdict = try await records.verdict(of: entry.digest, reference: reference) else {
            return entry.told
        }
        verdict.resolved = entry.resolved
        if verdict.hasResult, !verdict.vulnerabilities.isEmpty {
            verdict.worst = Self.worst(try await records.detail(entry.digest)?.vulnerabilities ?? [])
        }
        if verdict.phase == .failed, verdict.scanned > 0 {
            // An earlier result counts, by its age, until there is a new one.
            verdict.phase = known.tally.errors > 0 ? .incomplete : .complete
        }
        if verdict.phase == .pending, isScanning(entry.digest) { verdict.phase = .scanning }
        if !entry.failure.isEmpty { verdict.message = "what it means could not be looked up: \(entry.failure)" }
        return verdict
    }

    /// The worst, those that an upgrade mends before the others of their severity.
    static func worst(_ found: [RecordedVulnerability]) -> [ImageVerdict.Vulnerability] {
        let counted = found.filter { $0.exception.isEmpty && $0.status != .error }
        let sorted = counted.sorted { left, right in
            if left.severity != right.severity { return left.severity > right.severity }
            if left.fixedVersion.isEmpty != right.fixedVersion.isEmpty { return right.fixedVersion.isEmpty }
            return left.id < right.id
        }
        return sorted.prefix(ImageVerdict.maxWorst).map {
            ImageVerdict.Vulnerability(
                id: $0.id, severity: $0.severity, package: $0.package, version: $0.version,
                fixedVersion: $0.fixedVersion)
        }
    }
}

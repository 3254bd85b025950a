// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Logging
import OCI

/// Carries who runs what into the records, and finds out what tags mean whose pods have no status yet.
package struct UseKeeper: Sendable {
    private let running: RunningImages
    private let records: ImageRecords
    private let source: any ImageSource
    private let logger: Logger
    /// Told when something else runs.
    private let onChange: @Sendable () -> Void
    /// How long changes gather.
    package var settling = Duration.milliseconds(500)
    /// How long a pod may take to tell its digests before the registry is asked.
    package var patience = Duration.seconds(10)

    package init(
        _ running: RunningImages, _ records: ImageRecords, _ source: any ImageSource, logger: Logger,
        onChange: @escaping @Sendable () -> Void
    ) {
        (self.running, self.records, self.source) = (running, records, source)
        (self.logger, self.onChange) = (logger, onChange)
    }

    /// Runs until the task is cancelled.
    package func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await keep() }
            group.addTask { try await resolve() }
            try await group.next()
            group.cancelAll()
        }
    }

    private func keep() async throws {
        while !running.isSynced { try await Task.sleep(for: .milliseconds(50)) }
        var told: [String: [Subject: Set<ImageUse>]] = [:]
        var isFirst = true
        while true {
            var namespaces = running.takeDirty()
            do {
                if isFirst {
                    for namespace in running.namespaces {
                        told[namespace] = running.uses(in: namespace).mapValues { Set($0) }
                    }
                    try await records.replaceUses(
                        cluster: running.cluster, told.values.flatMap { $0.values.flatMap { $0 } })
                    isFirst = false
                    onChange()
                } else if !namespaces.isEmpty {
                    for namespace in namespaces {
                        let new = running.uses(in: namespace)
                        let old = told[namespace] ?? [:]
                        for (workload, uses) in new where old[workload] != Set(uses) {
                            try await records.setUses(uses, of: workload)
                        }
                        try await records.removeUses(of: old.keys.filter { new[$0] == nil })
                        told[namespace] = new.isEmpty ? nil : new.mapValues { Set($0) }
                        namespaces.remove(namespace)
                    }
                    onChange()
                }
            } catch {
                try Task.checkCancellation()
                if isFirst { told = [:] }
                running.putBack(namespaces)
                logger.error("who runs which image could not be kept", metadata: ["reason": "\(error)"])
                try await Task.sleep(for: .seconds(5))
            }
            try await Task.sleep(for: settling)
        }
    }

    // MARK: Pods without a status

    private struct Try {
        var next: ContinuousClock.Instant
        var failures = 0
    }

    /// Asks registries, one reference after the other: they are few, for pods tell their digests once they run.
    private func resolve() async throws {
        var tries: [String: Try] = [:]
        var registries = HeldRegistries()
        let start = ContinuousClock.now
        while true {
            try await Task.sleep(for: min(patience, .seconds(2)))
            let unknown = running.unknownReferences()
            tries = tries.filter { unknown.contains($0.key) }
            for reference in unknown.sorted() {
                let now = ContinuousClock.now
                let known = tries[reference] ?? Try(next: now + patience)
                tries[reference] = known
                let seconds = start.duration(to: now).components.seconds
                guard known.next <= now, let parsed = try? ImageReference(reference),
                    registries.until(parsed.registry) <= seconds
                else { continue }
                do throws(OCIError) {
                    running.learn(reference, means: try await source.digest(of: parsed).description)
                    registries.worked(parsed.registry)
                } catch {
                    try Task.checkCancellation()
                    if error.concernsRegistry { registries.failed(parsed.registry, now: seconds) }
                    logger.debug(
                        "what an image's name means is not known",
                        metadata: ["image": "\(reference)", "reason": "\(error)"])
                    let wait = RetryTimes.wait(after: known.failures + 1, isLasting: error.isLasting)
                    tries[reference] = Try(next: .now + .seconds(wait), failures: known.failures + 1)
                }
            }
        }
    }
}

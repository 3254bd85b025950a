// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Foundation
import Kubernetes
import Logging
import Synchronization

/// Judges everything in a cluster by its constraints: each object when it changes, and all of them on a schedule and
/// whenever what is judged by changes. Memory is that of a page and of who exists.
package final class ConstraintAudit: Sendable {
    package struct Options: Sendable {
        /// Between whole audits, which also see what changed with other objects (`data.inventory`, namespaces' labels).
        package var interval = Duration.seconds(300)
        /// How long changes of templates and constraints gather before a whole audit.
        package var settling = Duration.seconds(1)
        package var pageSize = 500
        package var informer = InformerOptions()

        package init() {}
    }

    /// How the last whole audit went.
    package struct Summary: Sendable, Equatable {
        /// When it ended, in seconds since 1970; 0 before the first.
        package var time: Int64 = 0
        package var milliseconds = 0
        package var objects = 0
        /// Kinds that could not be audited, and why: their objects are in no result.
        package var missing: [String] = []
    }

    private struct State {
        var watches: [APIResource: (informer: Informer, task: Task<Void, Never>)] = [:]
        var summary = Summary()
    }

    private let index: GatekeeperIndex
    private let client: APIClient
    private let recorder: any ConstraintAuditRecorder
    private let queue: AuditQueue
    private let auditor: ConstraintAuditor
    private let options: Options
    private let logger: Logger
    private let cluster: String
    private let state = Mutex(State())

    package init(
        _ index: GatekeeperIndex, _ client: APIClient, recorder: any ConstraintAuditRecorder,
        external: ExternalData? = nil, options: Options = .init(),
        logger: Logger
    ) {
        self.index = index
        self.client = client
        self.recorder = recorder
        self.options = options
        self.logger = logger
        cluster = client.connection.cluster
        queue = AuditQueue(recorder, logger: logger)
        auditor = ConstraintAuditor(index, cluster: cluster, external: external)
    }

    package var summary: Summary { state.withLock { $0.summary } }

    /// What the audit found under a constraint; nil before the first whole one.
    package func result(of constraint: Constraint) async throws -> ConstraintAuditResult? {
        let time = summary.time
        guard time > 0 else { return nil }
        let id = ConstraintChecks.id(kind: constraint.kind, name: constraint.name)
        let found = try await recorder.violations(of: id, limit: ConstraintAuditResult.maxViolations)
        return ConstraintAuditResult(
            time: time, total: found.total, violations: found.first, action: constraint.action.rawValue)
    }

    /// Audits until the task is cancelled. Trouble with the cluster or the store is waited out.
    /// - Throws: `CancellationError`.
    package func run() async throws {
        defer { for (_, task) in state.withLock({ $0.watches.values.map { $0 } }) { task.cancel() } }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.flushing() }
            group.addTask { try await self.auditing() }
            try await group.next()
            group.cancelAll()
        }
    }

    private func flushing() async throws {
        while true {
            try await Task.sleep(for: .milliseconds(100))
            do { try await queue.flush() } catch {
                try Task.checkCancellation()
                logger.error("What an audit found could not be stored, and waits", metadata: ["reason": "\(error)"])
                try await Task.sleep(for: .seconds(1))
            }
        }
    }

    private func auditing() async throws {
        while index.waitsFor != nil { try await Task.sleep(for: .milliseconds(100)) }
        while true {
            let revision = index.revision
            do { try await audit() } catch {
                try Task.checkCancellation()
                logger.warning("An audit by constraints broke off", metadata: ["reason": "\(error)"])
                try await Task.sleep(for: .seconds(5))
                continue
            }
            let end = ContinuousClock.now + options.interval
            while index.revision == revision, ContinuousClock.now < end {
                try await Task.sleep(for: .milliseconds(100))
            }
            if index.revision != revision { try await Task.sleep(for: options.settling) }
        }
    }

    // MARK: A whole audit

    private func audit() async throws {
        let (started, clock) = (Int64(Date().timeIntervalSince1970), ContinuousClock.now)
        let kinds = try await AuditedKinds(index.moment(namespace: "").constraints, client)
        let wanted = kinds.resources
        var missing = kinds.missing
        let new = watch(wanted)
        var objects = 0
        for resource in wanted where !new.contains(resource) {
            do { objects += try await pass(resource) } catch let error as KubernetesError {
                missing.append("\(resource): \(error.message)")
            }
        }
        // The first list of a new watch is its audit.
        let deadline = ContinuousClock.now + .seconds(120)
        for resource in new {
            guard let informer = state.withLock({ $0.watches[resource]?.informer }) else { continue }
            while !informer.status.isSynced, informer.status.lastError == nil, ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(50))
            }
            let status = informer.status
            objects += status.objects
            if !status.isSynced { missing.append("\(resource): \(status.lastError ?? "not listed in time")") }
        }
        try await queue.flush()
        // What a kind that could not be listed showed before may show still.
        if missing.count == kinds.missing.count { try await recorder.settle(cluster: cluster, before: started) }
        let elapsed = (ContinuousClock.now - clock).components
        let summary = Summary(
            time: Int64(Date().timeIntervalSince1970),
            milliseconds: Int(elapsed.seconds * 1000 + elapsed.attoseconds / 1_000_000_000_000_000), objects: objects,
            missing: missing.sorted())
        state.withLock { $0.summary = summary }
        for line in missing { logger.warning("Not audited", metadata: ["kind": "\(line)"]) }
    }

    /// Starts and ends watches; returns those that are new.
    private func watch(_ wanted: [APIResource]) -> Set<APIResource> {
        let (gone, new) = state.withLock { state in
            (Set(state.watches.keys).subtracting(wanted), Set(wanted).subtracting(state.watches.keys))
        }
        for resource in gone { state.withLock { $0.watches.removeValue(forKey: resource)?.task.cancel() } }
        for resource in new {
            guard let informer = try? Informer(client, resource, options: options.informer) else { continue }
            let task = Task { [self] in
                do { try await informer.run { [self] event in try await read(event) } } catch {
                    if !Task.isCancelled {
                        logger.error("A watch for the audit ended", metadata: ["reason": "\(error)"])
                    }
                }
            }
            state.withLock { $0.watches[resource] = (informer, task) }
        }
        return new
    }

    private func read(_ event: InformerEvent) async throws {
        switch event {
        case .upsert(let object, _): try await queue.add(try await auditor.judge(object.node, object.identity))
        case .delete(let identity): await queue.forget(auditor.subject(identity))
        case .synced, .relisted: break
        }
    }

    /// Judges all objects of a kind again. An object that the watch knows in another version, or not at all, is left to
    /// the watch, which tells of it soon or has told of its end: nothing older is recorded after something newer.
    private func pass(_ resource: APIResource) async throws -> Int {
        guard let informer = state.withLock({ $0.watches[resource]?.informer }) else { return 0 }
        var count = 0
        var left: [(listed: ObjectIdentity, known: ObjectIdentity?)] = []
        for try await page in try client.list(resource, limit: options.pageSize) {
            for object in page.objects {
                let known = informer.identity(namespace: object.identity.namespace, name: object.identity.name)
                if known?.resourceVersion == object.identity.resourceVersion {
                    try await queue.add(try await auditor.judge(object.node, object.identity))
                } else {
                    left.append((object.identity, known))
                }
            }
            count += page.objects.count
        }
        // Until the watch has told of those; or for a moment, since a list may also be older than the watch.
        let deadline = ContinuousClock.now + .seconds(2)
        while !left.isEmpty, ContinuousClock.now < deadline {
            left.removeAll { listed, known in
                let now = informer.identity(namespace: listed.namespace, name: listed.name)
                return now?.resourceVersion != known?.resourceVersion
            }
            if !left.isEmpty { try await Task.sleep(for: .milliseconds(20)) }
        }
        return count
    }
}

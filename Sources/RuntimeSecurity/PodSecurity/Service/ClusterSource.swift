// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings
import Foundation
import Kubernetes
import Logging
import Synchronization

/// A watched cluster: one informer a kind feeds one queue, and one consumer judges and records in order.
///
/// A changed object is judged at once. A change of what others depend on (a network policy, a role, a controller) marks their
/// namespace, which is listed and judged anew a moment later. A full inspection sends its pages through the same queue; an
/// object of a page that the informer knows in another version is left to the event that tells of it, so nothing stale is
/// recorded after something newer, and no owner is remembered as it was.
package final class ClusterSource: InspectionSource {
    package let name: String
    let client: APIClient
    let kinds: ClusterKinds
    private let informers: InformerSet
    private let byKind: [ObjectKind: Informer]
    private let queue: WorkQueue<Work>
    private let judging: Mutex<ClusterJudge>
    private let recorder: any InspectionRecorder
    private let logger: Logger
    /// How long changes gather before their namespaces are judged anew.
    private let settling: Duration

    enum Work: Sendable {
        case changed(ObjectKind, APIObject)
        case gone(ObjectKind, ObjectIdentity)
        case page(ObjectKind, [APIObject], report: Int64?)
        /// Opened when all before it is recorded.
        case barrier(Gate)

        /// Objects that it keeps in memory.
        var weight: Int {
            if case .page(_, let objects, _) = self { max(1, objects.count) } else { 1 }
        }
    }

    package init(
        client: APIClient, kinds: ClusterKinds, inspector: Inspector, recorder: any InspectionRecorder, logger: Logger,
        informerOptions: InformerOptions = InformerOptions(), settling: Duration = .milliseconds(250)
    ) throws {
        self.client = client
        self.kinds = kinds
        self.recorder = recorder
        self.logger = logger
        self.settling = settling
        name = client.connection.cluster
        let queue = WorkQueue<Work>(capacity: 512, weight: \.weight)
        self.queue = queue
        informers = InformerSet(client, options: informerOptions)
        var byKind: [ObjectKind: Informer] = [:]
        for (kind, resource) in kinds.all {
            byKind[kind] = try informers.add(resource) { event in
                switch event {
                case .upsert(let object, _): try await queue.send(.changed(kind, object))
                case .delete(let identity): try await queue.send(.gone(kind, identity))
                case .synced, .relisted: break
                }
            }
        }
        self.byKind = byKind
        var inspector = inspector
        inspector.context.unknownKinds = Set(kinds.refused.map(\.kind))
        judging = Mutex(ClusterJudge(inspector: inspector, cluster: name))
        for (kind, reason) in kinds.refused {
            logger.warning("not inspected", metadata: ["kind": "\(kind.name)", "reason": "\(reason)"])
        }
    }

    /// The kinds that are watched.
    package var kindNames: [String] { kinds.all.map(\.kind.name) }

    /// Lets somebody else read what is watched of a kind, before `watch` begins: nobody opens a second watch.
    /// False when the kind cannot be read.
    package func add(readerOf kind: String, _ reader: @escaping Informer.Handler) throws -> Bool {
        guard let resource = kinds.all.first(where: { $0.kind.name == kind })?.resource else { return false }
        try informers.add(resource, reader: reader)
        return true
    }

    package func watch() async throws {
        defer {
            // Nobody takes from the queue any more: those who wait for it or for what is in it must not wait for ever.
            queue.close()
            openGates(queue.drain(), false)
        }
        try await withTaskCancellationHandler {
            try await withThrowingTaskGroup(of: Void.self) { group in
                defer { queue.close() }
                group.addTask { try await self.informers.run() }
                group.addTask { try await self.consume() }
                group.addTask { try await self.rejudge() }
                try await group.next()
                group.cancelAll()
            }
        } onCancel: {
            queue.close()
        }
    }

    package func becomeReady() async throws {
        while !informers.isSynced { try await Task.sleep(for: .milliseconds(50)) }
        try await barrier()
        judging.withLock { $0.isReady = true }
    }

    package func health() -> [SourceHealth] {
        informers.statuses.map { status in
            SourceHealth(
                kind: status.resource.kind, isReady: status.isSynced,
                message: status.isSynced
                    ? (status.isWatching ? "" : "not watching at the moment") : "the first list is not done",
                objects: status.objects, restarts: max(0, status.watches - 1))
        }
    }

    package func suggestedPatch(for subject: Subject) async throws -> String? {
        guard let kind = ObjectKind(apiVersion: subject.apiVersion, kind: subject.kind),
            let resource = kinds.resource(kind)
        else { return nil }
        let object = try await client.get(
            resource, namespace: kind.isClusterScoped ? nil : subject.namespace, name: subject.name)
        let input = Inspector.Input(object: object.node, kind: kind, subject: subject)
        let edits = judging.withLock { $0.plannedEdits(for: input) }
        return PatchText.yaml(edits, of: object.node, subject: subject)
    }

    // MARK: A full inspection

    package func inspectAll(report: Int64, progress: @Sendable (Int, Int) -> Void) async throws -> Summary {
        judging.withLock { $0.beginReport(report) }
        do {
            let total = byKind.values.reduce(0) { $0 + $1.status.objects }
            var done = 0
            every: for (kind, resource) in kinds.all {
                for try await page in try client.list(resource) {
                    // Nothing more of a report that failed: its reason is told at the end.
                    guard judging.withLock({ $0.isRunning(report) }) else { break every }
                    try await queue.send(.page(kind, page.objects, report: report))
                    done += page.objects.count
                    progress(done, max(total, done))
                }
            }
            try await barrier()
            try await awaitEvents()
            try await barrier()
            return try judging.withLock { try $0.endReport() }
        } catch {
            judging.withLock { $0.dropReport() }
            // Nothing of it may still be on its way to the ledger when the report is closed.
            try? await barrier()
            throw error
        }
    }

    /// What pages left to its events must be recorded before the report closes, or it would count as gone.
    private func awaitEvents() async throws {
        let deadline = ContinuousClock.now + .seconds(15)
        while true {
            let left = judging.withLock { $0.awaitedEvents(version) }
            if left == 0 { return }
            guard ContinuousClock.now < deadline else {
                throw KubernetesError(
                    .timeout, "\(client.name) lists \(left) objects in newer versions than its watches tell of")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    private func version(_ kind: ObjectKind, _ namespace: String, _ name: String) -> String? {
        byKind[kind]?.identity(namespace: namespace, name: name)?.resourceVersion
    }

    /// Waits until all that is in the queue is recorded; throws when it will not be.
    private func barrier() async throws {
        let gate = Gate()
        try await queue.send(.barrier(gate))
        guard await gate.wait() else { throw CancellationError() }
    }

    // MARK: The consumer

    private func consume() async throws {
        while let work = await queue.receive() {
            do {
                for step in await judge(work) { try await record(step) }
            } catch {
                openGates(work, false)
                throw error
            }
            openGates(work, true)
        }
    }

    private func openGates(_ work: [Work], _ isDone: Bool) {
        for case .barrier(let gate) in work { gate.open(isDone) }
    }

    private func judge(_ work: [Work]) async -> [ClusterJudge.Step] {
        var exemptions: [Exemption]?
        do { exemptions = try await recorder.exemptions() } catch {
            // Those known before stay in force; the ledger itself will say more about what is wrong with it.
            logger.warning("exemptions cannot be read", metadata: ["reason": "\(error)"])
        }
        let now = Int64(Date().timeIntervalSince1970)
        return judging.withLock { judge in
            judge.update(exemptions: exemptions, now: now)
            return judge.judge(work, version: version)
        }
    }

    /// Records a step. When the store cannot take it, a report is not whole any more and fails; what the step tells of
    /// the present is tried again for a while, and then left to the next full inspection.
    private func record(_ step: ClusterJudge.Step) async throws {
        var step = step
        var wait = Duration.milliseconds(200)
        while true {
            do {
                switch step {
                case .record(let objects, let report): try await recorder.record(objects, report: report)
                case .forget(let subjects): try await recorder.forget(subjects)
                }
                return
            } catch let error as CancellationError {
                throw error
            } catch {
                if case .record(let objects, .some) = step {
                    judging.withLock { $0.failReport(error) }
                    step = .record(objects, report: nil)
                    continue
                }
                logger.error("recording failed", metadata: ["reason": "\(error)"])
                guard wait < .seconds(10) else {
                    judging.withLock { $0.failReport(error) }
                    return
                }
            }
            try await Task.sleep(for: wait)
            wait *= 2
        }
    }

    /// Judges anew what depends on something that changed.
    private func rejudge() async throws {
        while true {
            try await Task.sleep(for: settling)
            for scope in judging.withLock({ $0.takeDirty() }) {
                do {
                    for kind in scope.kinds {
                        guard let resource = kinds.resource(kind) else { continue }
                        let namespace = kind.isClusterScoped || scope.namespace.isEmpty ? nil : scope.namespace
                        for try await page in try client.list(resource, Selection(namespace: namespace)) {
                            try await queue.send(.page(kind, page.objects, report: nil))
                        }
                    }
                } catch let error as KubernetesError {
                    logger.warning(
                        "cannot judge anew",
                        metadata: ["namespace": "\(scope.namespace)", "reason": "\(error.message)"])
                    judging.withLock { $0.putBack(scope) }
                    try await Task.sleep(for: .seconds(1))
                }
            }
        }
    }
}

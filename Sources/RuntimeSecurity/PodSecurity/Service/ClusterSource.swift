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
/// recorded after something newer.
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
        /// Resumed when all before it is recorded.
        case barrier(CheckedContinuation<Void, Never>)
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
        let queue = WorkQueue<Work>(capacity: 512)
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
        judging = Mutex(ClusterJudge(inspector: inspector, cluster: name))
    }

    package func watch() async throws {
        try await withTaskCancellationHandler {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await self.informers.run() }
                group.addTask { try await self.consume() }
                group.addTask { try await self.rejudge() }
                try await group.next()
                group.cancelAll()
                self.queue.close()
            }
        } onCancel: {
            queue.close()
        }
    }

    package func becomeReady() async throws {
        while !informers.isSynced { try await Task.sleep(for: .milliseconds(50)) }
        await barrier()
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

    // MARK: A full inspection

    package func inspectAll(report: Int64, progress: @Sendable (Int, Int) -> Void) async throws -> Summary {
        judging.withLock { $0.beginReport() }
        let total = byKind.values.reduce(0) { $0 + $1.status.objects }
        var done = 0
        for (kind, resource) in kinds.all {
            for try await page in try client.list(resource) {
                try await queue.send(.page(kind, page.objects, report: report))
                done += page.objects.count
                progress(done, max(total, done))
            }
        }
        await barrier()
        // What a page left to its event must be recorded before the report closes, or it would count as gone.
        for _ in 0..<200 where judging.withLock({ $0.hasOpenEvents }) { try await Task.sleep(for: .milliseconds(50)) }
        await barrier()
        return judging.withLock { $0.endReport() }
    }

    private func barrier() async {
        await withCheckedContinuation { continuation in
            let queue = queue
            Task {
                do { try await queue.send(.barrier(continuation)) } catch { continuation.resume() }
            }
        }
    }

    // MARK: The consumer

    private func consume() async throws {
        while let work = await queue.receive() {
            do {
                try await settle(work)
            } catch let error as CancellationError {
                resumeBarriers(work)
                throw error
            } catch {
                // The store is not able to take it now. What was not recorded is found again by the next full inspection.
                logger.error("recording failed", metadata: ["reason": "\(error)"])
                resumeBarriers(work)
            }
        }
    }

    private func resumeBarriers(_ work: [Work]) {
        for case .barrier(let continuation) in work { continuation.resume() }
    }

    private func settle(_ work: [Work]) async throws {
        let exemptions = try await recorder.exemptions()
        let now = Int64(Date().timeIntervalSince1970)
        let steps = judging.withLock { judge in
            judge.update(exemptions: exemptions, now: now)
            return judge.judge(work) { kind, identity in
                byKind[kind]?.identity(namespace: identity.namespace, name: identity.name)?.resourceVersion
            }
        }
        for step in steps {
            switch step {
            case .record(let objects, let report): try await recorder.record(objects, report: report)
            case .forget(let subjects): try await recorder.forget(subjects)
            }
        }
        resumeBarriers(work)
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

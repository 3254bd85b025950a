// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import FoundationEssentials
import Logging
import Synchronization

/// What an informer tells, in order.
package enum InformerEvent: Sendable {
    /// An object is new (`replaces` is nil) or changed.
    case upsert(APIObject, replaces: ObjectIdentity?)
    /// An object is gone; told also for what vanished while nobody watched.
    case delete(ObjectIdentity)
    /// The first full list has been told.
    case synced
    /// After a gap, everything was listed again and the differences have been told.
    case relisted
}

/// How an informer behaves.
package struct InformerOptions: Sendable {
    package var pageSize = 500
    /// After it the server ends a watch and the informer opens the next, spread by up to a fifth.
    package var watchTimeout = Duration.seconds(300)
    /// Waits between failures: doubling, with jitter.
    package var retry = RetryPolicy(attempts: .max, base: .milliseconds(500), ceiling: .seconds(30))
    /// Up to this long an expired watch waits before it lists again, so that many do not list at once.
    package var relistJitter = Duration.seconds(1)

    package init() {}
}

/// How an informer is doing, for readiness and metrics.
package struct InformerStatus: Sendable {
    package var resource: APIResource
    /// Whether everything was told at least once.
    package var isSynced = false
    /// Whether a watch is open now.
    package var isWatching = false
    package var objects = 0
    /// Estimated memory of the snapshot.
    package var bytes = 0
    /// When the server was last heard: an event, a bookmark, a list.
    package var lastHeard: Date?
    /// Full lists since the start.
    package var lists = 0
    /// Watches opened since the start.
    package var watches = 0
    /// How often a watch or list broke.
    package var failures = 0
    /// Why it is not watching, for people.
    package var lastError: String?
    /// Whether that is because the server does not serve the resource.
    package var isUnserved = false
}

/// Keeps up with one resource of one cluster: lists it, watches it, and after any gap finds out what was missed.
///
/// Keeps no objects, only who exists in which version. Readers are told one event at a time and set the pace; the
/// server's stream waits for them. There is one informer per resource and process: see `InformerSet`.
package final class Informer: Sendable {
    package typealias Handler = @Sendable (InformerEvent) async throws -> Void

    package let resource: APIResource
    package let selection: Selection
    private let client: APIClient
    private let options: InformerOptions
    private let logger: Logger

    private struct State {
        var snapshot: Snapshot
        var status: InformerStatus
    }
    private let state: Mutex<State>

    package init(
        _ client: APIClient, _ resource: APIResource, _ selection: Selection = .init(),
        options: InformerOptions = .init()
    ) throws {
        try client.refuseSecrets(resource)
        self.client = client
        self.resource = resource
        self.selection = selection
        self.options = options
        var logger = client.logger
        logger[metadataKey: "resource"] = "\(resource)"
        self.logger = logger
        state = Mutex(State(snapshot: Snapshot(resource), status: InformerStatus(resource: resource)))
    }

    package var status: InformerStatus {
        state.withLock {
            $0.status.objects = $0.snapshot.count
            $0.status.bytes = $0.snapshot.bytes
            return $0.status
        }
    }

    /// Who exists, as far as told. In no order.
    package var identities: [ObjectIdentity] { state.withLock { $0.snapshot.identities } }

    /// The identity of one object, nil when there is none.
    package func identity(namespace: String, name: String) -> ObjectIdentity? {
        state.withLock { $0.snapshot[namespace: namespace, name: name] }
    }

    /// Tells events until the task is cancelled. Trouble with the cluster is waited out, for ever.
    /// - Throws: what `handler` throws, and `CancellationError`.
    package func run(_ handler: Handler) async throws {
        var version: String?
        var failures = 0
        while true {
            try Task.checkCancellation()
            let started = ContinuousClock.now
            do {
                guard let from = version else {
                    version = try await list(handler)
                    continue
                }
                let (reached, progressed) = try await watch(from: from, handler)
                version = reached
                failures = progressed || started.duration(to: .now) > .seconds(1) ? 0 : failures + 1
                // A server that ends every watch at once must not be stormed.
                if failures > 0 { try await Task.sleep(for: options.retry.wait(after: failures, retryAfter: nil)) }
            } catch let stop as HandlerFailure {
                throw stop.error
            } catch let interrupted as Interrupted {
                try Task.checkCancellation()
                let failure = interrupted.error
                version = interrupted.version
                failures = interrupted.progressed ? 1 : failures + 1
                note(failure)
                if failure.code == .expired || failure.code == .malformedAnswer || failure.code == .invalid {
                    // The version is of no use any more; list again, soon but not all at the same moment.
                    version = nil
                    if failures == 1 {
                        try await Task.sleep(for: options.relistJitter * Double.random(in: 0...1))
                        continue
                    }
                }
                // Silence is no failure of ours: open the next watch at once.
                if failure.code == .timeout, failures == 1 { continue }
                try await Task.sleep(for: options.retry.wait(after: failures, retryAfter: failure.retryAfter))
            }
        }
    }

    // MARK: List

    private func list(_ handler: Handler) async throws -> String {
        do {
            var version = ""
            var isConsistent = true
            repeat {
                (version, isConsistent) = try await pass(handler)
                // A reader so slow that the server forgot the beginning: the list told all there is, but not as of one
                // moment, so no watch can follow. The next pass has little to tell and is quick.
            } while !isConsistent
            let isFirst = state.withLock { state in
                defer { state.status.isSynced = true }
                state.status.lists += 1
                state.status.lastError = nil
                state.status.isUnserved = false
                return !state.status.isSynced
            }
            try await tell(isFirst ? .synced : .relisted, handler)
            return version
        } catch {
            throw interruption(error, version: nil, progressed: false)
        }
    }

    /// Tells the differences between what is known and a list of everything.
    private func pass(_ handler: Handler) async throws -> (version: String, isConsistent: Bool) {
        state.withLock { $0.snapshot.beginPass() }
        var version = ""
        var isConsistent = true
        var pages = try client.list(resource, selection, limit: options.pageSize).makeAsyncIterator()
        while let page = try await pages.next() {
            heard()
            version = page.resourceVersion
            isConsistent = page.isConsistent
            for object in page.objects { try await observe(object, handler) }
        }
        // What exists is on a page of either state, so what was on none is gone.
        for identity in state.withLock({ $0.snapshot.endPass() }) { try await tell(.delete(identity), handler) }
        return (version, isConsistent)
    }

    // MARK: Watch

    private func watch(from start: String, _ handler: Handler) async throws -> (version: String, progressed: Bool) {
        var version = start
        var progressed = false
        defer { state.withLock { $0.status.isWatching = false } }
        do {
            let spread = options.watchTimeout * Double.random(in: 0.8...1)
            let events = try await client.watch(resource, selection, from: version, timeout: spread)
            state.withLock {
                $0.status.isWatching = true
                $0.status.watches += 1
                $0.status.lastError = nil
                $0.status.isUnserved = false
            }
            for try await event in events {
                heard()
                switch event {
                case .added(let object), .modified(let object):
                    try await observe(object, handler)
                    version = object.identity.resourceVersion
                case .deleted(let object):
                    if state.withLock({ $0.snapshot.remove(object.identity) }) {
                        try await tell(.delete(object.identity), handler)
                    }
                    version = object.identity.resourceVersion
                case .bookmark(let reached):
                    if !reached.isEmpty { version = reached }
                }
                progressed = true
            }
            return (version, progressed)
        } catch {
            throw interruption(error, version: version, progressed: progressed)
        }
    }

    private func observe(_ object: APIObject, _ handler: Handler) async throws {
        switch state.withLock({ $0.snapshot.observe(object.identity) }) {
        case .same: break
        case .new: try await tell(.upsert(object, replaces: nil), handler)
        case .changed(let old): try await tell(.upsert(object, replaces: old), handler)
        case .recreated(let old):
            try await tell(.delete(old), handler)
            try await tell(.upsert(object, replaces: nil), handler)
        }
    }

    private func tell(_ event: InformerEvent, _ handler: Handler) async throws {
        do {
            try await handler(event)
        } catch {
            throw HandlerFailure(error: error)
        }
    }

    // MARK: Trouble

    /// The reader gave up; not to be taken for trouble with the cluster.
    private struct HandlerFailure: Error { var error: any Error }

    /// A list or watch broke.
    private struct Interrupted: Error {
        var error: KubernetesError
        /// Where a watch can go on.
        var version: String?
        var progressed: Bool
    }

    private func interruption(_ error: any Error, version: String?, progressed: Bool) -> any Error {
        if error is HandlerFailure || error is CancellationError { return error }
        let failure = error as? KubernetesError ?? client.describe(error, APIRequest(path: resource.plural))
        return Interrupted(error: failure, version: version, progressed: progressed)
    }

    private func heard() {
        state.withLock { $0.status.lastHeard = Date() }
    }

    private func note(_ failure: KubernetesError) {
        state.withLock {
            $0.status.failures += 1
            $0.status.lastError = failure.message
            $0.status.isUnserved = failure.code == .notFound
        }
        // An expired watch or a quiet one is everyday life.
        let level: Logger.Level = failure.code == .expired || failure.code == .timeout ? .debug : .warning
        logger.log(level: level, "watch interrupted", metadata: ["reason": "\(failure.message)"])
    }
}

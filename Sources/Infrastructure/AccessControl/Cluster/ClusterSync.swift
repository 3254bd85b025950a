// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Kubernetes
import Logging
import Rego
import Synchronization

/// Keeps an index like its cluster: policies of whatever kinds there are, namespaces, and the objects of the kinds that
/// policies look at.
package final class ClusterSync: Sendable {
    private enum Purpose: Hashable { case policy, inventory, namespaces }

    private struct Watched: Hashable {
        let resource: APIResource
        let purpose: Purpose
    }

    private struct State {
        /// Ends the watch of a resource.
        var stops: [Watched: AsyncStream<Void>.Continuation] = [:]
        var unread: Set<Watched> = []
        /// Whether a look at the cluster's kinds, after all policies were read, brought nothing new.
        var isSettled = false
        var looksAgain = false
        var dataKinds: Set<SyncedKind> = []
    }

    private let index: any SyncedIndex
    private let client: APIClient
    private let logger: Logger
    private let interval: Duration
    private let options: InformerOptions
    private let state = Mutex(State())

    /// - Parameter interval: between looks at which kinds the cluster has; a template makes new ones.
    package init(
        _ index: any SyncedIndex, _ client: APIClient, interval: Duration = .seconds(5),
        options: InformerOptions = .init(), logger: Logger
    ) {
        self.index = index
        self.client = client
        self.interval = interval
        self.options = options
        self.logger = logger
    }

    /// There is a new kind of constraint: look soon.
    package func lookAgain() { state.withLock { $0.looksAgain = true } }

    /// Watches until the task is cancelled. Trouble with the cluster is waited out.
    /// - Throws: `CancellationError`.
    package func run() async throws {
        try await withThrowingDiscardingTaskGroup { group in
            while true {
                do {
                    let isRead = state.withLock { state in
                        state.looksAgain = false
                        return !state.stops.isEmpty && state.unread.isEmpty
                    }
                    let wanted = try await wantedResources()
                    let new = changes(to: wanted)
                    for (watched, stop) in new {
                        group.addTask { [self] in try await watch(watched, until: stop) }
                    }
                    if isRead, new.isEmpty { state.withLock { $0.isSettled = true } }
                    tellWhatIsMissing()
                } catch let error as KubernetesError {
                    logger.warning("The kinds of constraints are not known", metadata: ["reason": "\(error)"])
                }
                try await pause()
            }
        }
    }

    /// Until the next look: a moment while the first ones go on, else the interval, cut short by `lookAgain`.
    private func pause() async throws {
        let (step, end) = (min(interval, .milliseconds(250)), ContinuousClock.now + interval)
        repeat {
            try await Task.sleep(for: step)
            let (isSettled, looksAgain) = state.withLock { ($0.isSettled, $0.looksAgain) }
            if !isSettled || looksAgain { return }
        } while ContinuousClock.now < end
    }

    private func wantedResources() async throws -> Set<Watched> {
        let synced = index.dataKinds
        state.withLock { $0.dataKinds = synced }
        let groups = index.groups.union(synced.map(\.group))
        let resources = try await client.discover(groups: groups)
        if let failure = resources.failures.first { throw failure.error }
        var wanted: Set<Watched> = [Watched(resource: .namespaces, purpose: .namespaces)]
        var seen: Set<String> = []
        // Preferred versions come first, and one version of a kind tells all of its objects.
        for resource in resources.all where index.isPolicy(resource) {
            guard resource.verbs.contains("watch"), seen.insert("\(resource.group)/\(resource.kind)").inserted else {
                continue
            }
            wanted.insert(Watched(resource: resource, purpose: .policy))
        }
        for kind in synced {
            let version = kind.group.isEmpty ? kind.version : "\(kind.group)/\(kind.version)"
            guard let resource = resources.resource(apiVersion: version, kind: kind.kind) else {
                logger.warning("A kind to sync is not served", metadata: ["kind": "\(version) \(kind.kind)"])
                continue
            }
            guard !resource.isSecret else {
                logger.warning("Secrets are never read, also not for policies", metadata: ["kind": "\(kind.kind)"])
                continue
            }
            wanted.insert(Watched(resource: resource, purpose: .inventory))
        }
        return wanted
    }

    /// What is to be watched from now on; ends the watches that are no longer wanted.
    private func changes(to wanted: Set<Watched>) -> [(Watched, AsyncStream<Void>)] {
        state.withLock { state in
            for watched in Set(state.stops.keys).subtracting(wanted) {
                state.stops.removeValue(forKey: watched)?.finish()
                state.unread.remove(watched)
            }
            return wanted.subtracting(state.stops.keys).map { watched in
                let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
                state.stops[watched] = continuation
                state.unread.insert(watched)
                return (watched, stream)
            }
        }
    }

    private func watch(_ watched: Watched, until stop: AsyncStream<Void>) async throws {
        let informer = try Informer(client, watched.resource, .init(), options: options)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await informer.run { [self] event in try read(event, of: watched) } }
            group.addTask { for await _ in stop {} }
            try await group.next()
            group.cancelAll()
        }
        try Task.checkCancellation()
        for identity in informer.identities { remove(identity, watched) }
    }

    private func read(_ event: InformerEvent, of watched: Watched) throws {
        switch event {
        case .upsert(let object, _):
            let node = try Self.whole(object)
            switch watched.purpose {
            case .namespaces: index.put(namespace: object.identity.name, node)
            case .inventory: try index.put(data: node)
            case .policy:
                index.put(node)
                let dataKinds = index.dataKinds
                state.withLock { if $0.dataKinds != dataKinds { $0.looksAgain = true } }
                let id = "\(object.identity.kind)/\(object.identity.name)"
                if let problem = index.problems[id] {
                    logger.warning(
                        "an object that cannot be used counts for nothing new",
                        metadata: ["object": "\(id)", "reason": "\(problem)"])
                }
            }
        case .delete(let identity): remove(identity, watched)
        case .synced, .relisted:
            state.withLock { _ = $0.unread.remove(watched) }
            tellWhatIsMissing()
        }
    }

    private func remove(_ identity: ObjectIdentity, _ watched: Watched) {
        switch watched.purpose {
        case .namespaces: index.put(namespace: identity.name, nil)
        case .inventory:
            index.remove(
                data: identity.apiVersion, kind: identity.kind, namespace: identity.namespace,
                name: identity.name)
        case .policy: index.remove(group: watched.resource.group, kind: identity.kind, name: identity.name)
        }
    }

    /// A list leaves out of its items what it says once, and keeps its whole page for each: this is the object alone.
    private static func whole(_ object: APIObject) throws(GatekeeperError) -> Node {
        var members = ObjectValue(object.node)
        members.set(.string("apiVersion"), .string(object.identity.apiVersion))
        members.set(.string("kind"), .string(object.identity.kind))
        return try Value.object(members).document()
    }

    private func tellWhatIsMissing() {
        let missing = state.withLock { state -> String? in
            let names = state.unread.map(\.resource.description).sorted()
            if !names.isEmpty { return "\(names.joined(separator: ", ")) have not been read yet" }
            return state.isSettled ? nil : "the kinds of constraints are not known yet"
        }
        index.wait(for: missing)
    }
}

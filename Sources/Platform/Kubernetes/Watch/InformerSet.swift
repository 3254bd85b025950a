// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Synchronization

/// The informers of one cluster in this process, one per resource and selection, each with any number of readers:
/// nobody opens a second watch.
package final class InformerSet: Sendable {
    private struct Key: Hashable {
        var resource: String
        var namespace: String
        var fields: String
        var labels: String
    }

    private struct Member: Sendable {
        var informer: Informer
        var readers: [Informer.Handler]
    }

    private struct State {
        var members: [Key: Member] = [:]
        var isRunning = false
    }

    private let client: APIClient
    private let options: InformerOptions
    private let state = Mutex(State())

    package init(_ client: APIClient, options: InformerOptions = .init()) {
        self.client = client
        self.options = options
    }

    /// Adds a reader; all must be added before `run`. Readers of one resource are told in the order of adding, one
    /// after the other, so a slow one holds up the rest of that resource.
    @discardableResult
    package func add(
        _ resource: APIResource, _ selection: Selection = .init(), reader: @escaping Informer.Handler
    ) throws -> Informer {
        let key = Key(
            resource: "\(resource.apiVersion)/\(resource.plural)", namespace: selection.namespace ?? "",
            fields: selection.fieldSelector, labels: selection.labelSelector)
        return try state.withLock { state in
            guard !state.isRunning else {
                throw KubernetesError(.refused, "a reader of \(resource) came after the informers had started")
            }
            if let member = state.members[key] {
                state.members[key]?.readers.append(reader)
                return member.informer
            }
            let informer = try Informer(client, resource, selection, options: options)
            state.members[key] = Member(informer: informer, readers: [reader])
            return informer
        }
    }

    package var informers: [Informer] { state.withLock { $0.members.values.map(\.informer) } }

    package var statuses: [InformerStatus] {
        informers.map(\.status).sorted { "\($0.resource)" < "\($1.resource)" }
    }

    /// Whether every resource has been told in full.
    package var isSynced: Bool { statuses.allSatisfy(\.isSynced) }

    /// Runs all informers until the task is cancelled.
    /// - Throws: what a reader throws, which ends them all; `CancellationError`.
    package func run() async throws {
        let members = state.withLock {
            $0.isRunning = true
            return Array($0.members.values)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for member in members {
                group.addTask {
                    try await member.informer.run { event in
                        for reader in member.readers { try await reader(event) }
                    }
                }
            }
            try await group.waitForAll()
        }
    }
}

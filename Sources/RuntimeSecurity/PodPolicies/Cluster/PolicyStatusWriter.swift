// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import Kubernetes
import Logging

/// Writes the status of policies and bindings: who is bound, what was refused lately, what cannot be read. One process
/// of a cluster runs it, the holder of the Lease.
package actor PolicyStatusWriter {
    private struct Key: Hashable {
        var kind: String
        var name: String
    }

    private let client: APIClient
    private let index: PolicyIndex
    private let refusals: PolicyRefusals
    private let logger: Logger
    private let interval: Duration
    private let now: @Sendable () -> Int64
    private var written: [Key: PolicyStatus] = [:]

    /// - Parameters:
    ///   - interval: between rounds; a round writes at most `maxWrites` objects, and only those whose status changed.
    ///   - now: seconds since 1970.
    package init(
        _ client: APIClient, _ index: PolicyIndex, _ refusals: PolicyRefusals, interval: Duration = .seconds(10),
        logger: Logger, now: @escaping @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) }
    ) {
        self.client = client
        self.index = index
        self.refusals = refusals
        self.interval = interval
        self.logger = logger
        self.now = now
    }

    static let maxWrites = 20

    /// Writes until the task is cancelled: run it while the Lease is held.
    /// - Throws: `CancellationError`.
    package func run() async throws {
        // Another may have written since this one did.
        written = [:]
        while true {
            if index.waitsFor == nil { try await writeRound() }
            try await Task.sleep(for: interval)
        }
    }

    /// Writes what changed, at most `maxWrites` objects. Returns how many are left for the next round.
    @discardableResult
    package func writeRound() async throws -> Int {
        let wanted = statuses()
        let names = Set(wanted.map(\.key))
        written = written.filter { names.contains($0.key) }
        var writes = 0
        var left = 0
        for (key, status, resource) in wanted where !isWritten(key, status) {
            guard writes < Self.maxWrites else {
                left += 1
                continue
            }
            writes += 1
            try Task.checkCancellation()
            do {
                try await write(key, status, resource)
            } catch let error as KubernetesError where error.code == .notFound {
                continue  // It is gone, and the watch will tell.
            } catch let error as KubernetesError {
                // The next round tries again; a cluster in trouble is not asked for the rest now.
                logger.warning(
                    "a policy's status was not written", metadata: ["policy": "\(key.name)", "reason": "\(error)"])
                return left + 1
            }
        }
        return left
    }

    private func isWritten(_ key: Key, _ status: PolicyStatus) -> Bool {
        guard var last = written[key] else { return false }
        last.ready.since = ""
        return last == status
    }

    private func statuses() -> [(key: Key, status: PolicyStatus, resource: APIResource)] {
        let set = index.set
        let problems = Dictionary(
            index.problems.map { (Key(kind: $0.kind, name: $0.name), $0) }, uniquingKeysWith: { first, _ in first })
        var found: [(key: Key, status: PolicyStatus, resource: APIResource)] = []
        refusals.forget(allBut: Set(set.policies.map(\.name)))
        for policy in set.policies {
            let key = Key(kind: "PodPolicy", name: policy.name)
            guard problems[key] == nil else { continue }
            let refused = refusals.counts(of: policy.name, now: now())
            found.append((key, PolicyStatus(of: policy, in: set, refused: refused), PolicyResources.policies))
        }
        for binding in set.bindings {
            let key = Key(kind: "PodPolicyBinding", name: binding.name)
            guard problems[key] == nil else { continue }
            found.append((key, PolicyStatus(of: binding, in: set), PolicyResources.bindings))
        }
        for (key, problem) in problems where key.kind != "AdmissionControl" {
            found.append(
                (
                    key, PolicyStatus(of: problem),
                    key.kind == "PodPolicy" ? PolicyResources.policies : PolicyResources.bindings
                ))
        }
        return found
    }

    private func write(_ key: Key, _ status: PolicyStatus, _ resource: APIResource) async throws {
        var status = status
        let text = status.ready.isTrue ? "True" : "False"
        if let last = written[key] {
            status.ready.since = last.ready.isTrue == status.ready.isTrue ? last.ready.since : RFC3339.text(now())
        } else {
            // Whoever wrote before knew since when.
            let stored = try await client.get(resource, namespace: nil, name: key.name).node
            let before = stored["status"]?["conditions"]?.elements.first { $0["type"]?.string == "Ready" }
            let since = before?["status"]?.string == text ? before?["lastTransitionTime"]?.string : nil
            status.ready.since = since ?? RFC3339.text(now())
        }
        _ = try await client.patch(
            resource, namespace: nil, name: key.name, status.patch, subresource: "status")
        written[key] = status
    }
}

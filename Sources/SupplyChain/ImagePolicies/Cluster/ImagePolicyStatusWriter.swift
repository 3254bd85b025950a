// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import Kubernetes
import Logging
import Reporting

/// Keeps the status of image policies: whether they can be read, whether the scans can be, and what was refused lately. One
/// process of a cluster runs it, the holder of the Lease.
package actor ImagePolicyStatusWriter {
    private let client: APIClient
    private let index: ImagePolicyIndex
    private let refusals: @Sendable (_ policy: String, _ now: Int64) -> ImageRefusals
    private let longestHold: Int
    private let logger: Logger
    private let now: @Sendable () -> Int64
    private var written: [String: ImagePolicyStatus] = [:]

    /// - Parameters:
    ///   - refusals: what a policy refused lately.
    ///   - longestHold: how long the webhook can hold a pod, in seconds.
    ///   - now: seconds since 1970.
    package init(
        _ client: APIClient, _ index: ImagePolicyIndex, longestHold: Int, logger: Logger,
        refusals: @escaping @Sendable (_ policy: String, _ now: Int64) -> ImageRefusals,
        now: @escaping @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) }
    ) {
        (self.client, self.index, self.refusals) = (client, index, refusals)
        (self.longestHold, self.logger, self.now) = (longestHold, logger, now)
    }

    static let maxWrites = 20

    /// Writes what changed, at most `maxWrites` objects.
    /// - Throws: `CancellationError`.
    package func round() async throws {
        guard index.waitsFor == nil else { return }
        let unreadable = index.unreadableScans(limit: 5)
        let problems = Dictionary(index.problems.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let policies = index.policies
        let names = Set(policies.map(\.name))
        written = written.filter { names.contains($0.key) }
        var writes = 0
        for policy in policies {
            let status = ImagePolicyStatus(
                of: policy, problem: problems[policy.name], remarks: policy.remarks(longestHold: longestHold),
                refusals: refusals(policy.name, now()), unreadable: unreadable)
            guard status != unstamped(written[policy.name]) else { continue }
            guard writes < Self.maxWrites else { return }
            writes += 1
            try Task.checkCancellation()
            do { try await write(policy.name, status) } catch let error as KubernetesError
                where error.code == .notFound
            {
                continue  // It is gone, and the watch will tell.
            } catch let error as KubernetesError {
                // The next round tries again; a cluster in trouble is not asked for the rest now.
                logger.warning(
                    "an image policy's status was not written",
                    metadata: ["policy": "\(policy.name)", "reason": "\(error.message)"])
                return
            }
        }
    }

    /// Another may have written since this one did.
    package func forget() { written = [:] }

    private func unstamped(_ status: ImagePolicyStatus?) -> ImagePolicyStatus? {
        guard var status else { return nil }
        for index in status.conditions.indices { status.conditions[index].since = "" }
        return status
    }

    private func write(_ name: String, _ status: ImagePolicyStatus) async throws {
        var status = status
        let resource = ImagePolicyResources.policies
        var before: [String: (isTrue: Bool, since: String)] = [:]
        if let last = written[name] {
            for condition in last.conditions { before[condition.type] = (condition.isTrue, condition.since) }
        } else {
            // Whoever wrote before knew since when.
            let stored = try await client.get(resource, namespace: nil, name: name).node
            if let conditions = stored["status"]?["conditions"]?.elements {
                for condition in conditions {
                    guard let type = condition["type"]?.string, let since = condition["lastTransitionTime"]?.string
                    else { continue }
                    before[type] = (condition["status"]?.string == "True", since)
                }
            }
        }
        for index in status.conditions.indices {
            let (condition, last) = (status.conditions[index], before[status.conditions[index].type])
            status.conditions[index].since =
                last.flatMap { $0.isTrue == condition.isTrue ? $0.since : nil } ?? Timestamp.iso8601(now())
        }
        _ = try await client.patch(resource, namespace: nil, name: name, status.patch, subresource: "status")
        written[name] = status
    }
}

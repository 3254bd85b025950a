// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Kubernetes

/// The kinds of a cluster that its constraints mean at an audit.
package struct AuditedKinds: Sendable {
    /// As the server serves them, one version of each.
    package var resources: [APIResource] = []
    /// Kinds whose objects are in no audit, and why.
    package var missing: [String] = []

    /// Asks the server. What changes all the time is audited only where a constraint names it.
    package init(_ constraints: ConstraintSet, _ client: APIClient) async throws {
        let meant = constraints.constraints.filter { !$0.actions(at: ConstraintAuditor.point).isEmpty }
        guard !meant.isEmpty else { return }
        let served = try await client.discover()
        missing = served.failures.map { "\($0.groupVersion): \($0.error.message)" }
        var seen: Set<String> = []
        for resource in served.all where resource.verbs.contains("list") && resource.verbs.contains("watch") {
            guard seen.insert("\(resource.group)/\(resource.kind)").inserted else { continue }
            let isBusy = ["Event", "Lease"].contains(resource.kind)
            guard
                meant.contains(where: { $0.match.means(group: resource.group, kind: resource.kind, byName: isBusy) })
            else { continue }
            if resource.isSecret {
                missing.append("secrets: never read, so only admission judges them")
            } else {
                resources.append(resource)
            }
        }
    }
}

/// One audit of a cluster, page by page, for whoever asks once. Memory is that of a page and of the inventory.
package struct ConstraintSweep: Sendable {
    private let index: GatekeeperIndex
    private let client: APIClient
    private let auditor: ConstraintAuditor
    private let pageSize: Int

    package init(_ index: GatekeeperIndex, _ client: APIClient, external: ExternalData? = nil, pageSize: Int = 500) {
        self.index = index
        self.client = client
        self.pageSize = pageSize
        auditor = ConstraintAuditor(index, cluster: client.connection.cluster, external: external)
    }

    /// Judges everything. `progress` is told a kind and how many of its objects are done; `emit` gets every object that
    /// shows something.
    /// - Returns: how many objects were judged, and what could not be.
    package func run(
        progress: (APIResource, Int) -> Void, emit: (InspectedObject) -> Void
    ) async throws -> (objects: Int, missing: [String]) {
        let kinds = try await AuditedKinds(index.moment(namespace: "").constraints, client)
        var (objects, missing) = (0, kinds.missing)
        for resource in kinds.resources {
            var done = 0
            do {
                for try await page in try client.list(resource, limit: pageSize) {
                    for object in page.objects {
                        let judged = try await auditor.judge(object.node, object.identity)
                        if !judged.results.isEmpty { emit(judged) }
                    }
                    done += page.objects.count
                    progress(resource, done)
                }
            } catch let error as KubernetesError {
                missing.append("\(resource): \(error.message)")
            }
            objects += done
        }
        return (objects, missing)
    }
}

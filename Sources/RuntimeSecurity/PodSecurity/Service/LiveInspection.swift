// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Kubernetes

/// One full inspection of a cluster, page by page: first what checks need to know of other objects, then every object.
/// Memory is that of a page and of the index.
package struct LiveInspection {
    private let client: APIClient
    private let kinds: ClusterKinds
    private let cluster: String
    package var inspector: Inspector
    /// Objects a page.
    package var pageSize = 500
    /// Only these namespaces; empty for all, and for what lives in none.
    package var namespaces: Set<String> = []
    /// Only these kinds are judged; nil for all.
    package var judgedKinds: Set<ObjectKind>?

    package init(client: APIClient, kinds: ClusterKinds, inspector: Inspector) {
        self.client = client
        self.kinds = kinds
        self.inspector = inspector
        self.inspector.context.unknownKinds = Set(kinds.refused.map(\.kind))
        cluster = client.connection.cluster
    }

    /// Judges everything. `progress` is told the kind and how many of its objects are done; `emit` gets each result.
    package mutating func run(
        progress: (ObjectKind, Int) -> Void, emit: (CheckResult) -> Void
    ) async throws -> Tally {
        for (kind, resource) in kinds.all where InspectionContext.indexedKinds.contains(kind) {
            for try await page in try client.list(resource, Selection(namespace: nil), limit: pageSize) {
                for object in page.objects { inspector.context.add(object.node, kind: kind) }
            }
        }
        var tally = Tally()
        var owners = OwnerIndex()
        for (kind, resource) in kinds.all where judgedKinds?.contains(kind) != false {
            if !namespaces.isEmpty, kind.isClusterScoped { continue }
            var done = 0
            let selection = Selection(namespace: namespaces.count == 1 ? namespaces.first : nil)
            for try await page in try client.list(resource, selection, limit: pageSize) {
                for object in page.objects
                where namespaces.isEmpty || namespaces.contains(object.identity.namespace) {
                    let found = FoundObject(
                        object.node, object.identity.apiVersion, object.identity.kind, cluster)
                    tally.objects += 1
                    let input = Inspector.Input(
                        object: found.object, kind: kind, subject: found.subject,
                        ownerProblems: owners.problems(ofOwnerOf: found))
                    let problems = inspector.inspect(input, tally: &tally, emit: emit)
                    owners.note(problems, of: found)
                }
                done += page.objects.count
                progress(kind, done)
            }
        }
        return tally
    }
}

/// What the controllers of a run showed, by their id.
struct OwnerIndex: Sendable {
    private var problems: [String: ProblemSet] = [:]

    /// What the controller of an object shows; nil without one, or when it was not judged.
    func problems(ofOwnerOf found: FoundObject) -> ProblemSet? {
        found.controllerUID.flatMap { problems[$0] }
    }

    /// Keeps what a controller shows. Returns whether that is news.
    @discardableResult
    mutating func note(_ shown: ProblemSet, of found: FoundObject) -> Bool {
        guard let kind = found.kind, kind.isWorkload, kind != .pod, let uid = found.uid else { return false }
        if problems[uid] == shown { return false }
        problems[uid] = shown
        return true
    }

    mutating func forget(uid: String) -> Bool { problems.removeValue(forKey: uid) != nil }
}

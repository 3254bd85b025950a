// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings
import Kubernetes

/// What the consumer of a watched cluster knows, and how it turns work into records. Pure: no I/O, no waiting.
struct ClusterJudge: Sendable {
    enum Step: Sendable {
        case record([InspectedObject], report: Int64?)
        case forget([Subject])
    }

    /// Objects to judge anew; an empty namespace is all of them.
    struct Scope: Hashable, Sendable {
        let kinds: [ObjectKind]
        let namespace: String
    }

    private struct Key: Hashable {
        let kind: ObjectKind
        let namespace: String
        let name: String
    }

    /// Before everything was listed once, the context is incomplete and nothing is judged.
    var isReady = false
    private var inspector: Inspector
    private let cluster: String
    private var owners = OwnerIndex()
    /// Controllers that some judged object names: their news concern others.
    private var awaitedOwners: Set<String> = []
    private var dirty: Set<Scope> = []
    private var running: Running?

    /// The full inspection that runs.
    private struct Running: Sendable {
        let report: Int64
        var tally = Tally()
        /// Objects whose events were judged since its start. A page may show such an object as it was before.
        var told: Set<Key> = []
        /// Objects that a page left to an event that is still to come.
        var awaited: Set<Key> = []
        /// Controllers that objects of this run name; what only older objects named is forgotten with its end.
        var owners: Set<String> = []
        var failure: (any Error)?
    }

    private static let workloads = ClusterKinds.order.filter(\.isWorkload)
    private static let owned: [ObjectKind] = [.replicationController, .replicaSet, .job, .pod]

    init(inspector: Inspector, cluster: String) {
        self.inspector = inspector
        self.cluster = cluster
    }

    mutating func update(exemptions: [Exemption]?, now: Int64) {
        if let exemptions { inspector.exemptions = exemptions }
        inspector.now = now
    }

    func plannedEdits(for input: Inspector.Input) -> [PlannedEdit] { inspector.plannedEdits(for: input) }

    // MARK: Reports

    mutating func beginReport(_ report: Int64) { running = Running(report: report) }

    /// How many objects of the report wait for an event that their informer knows to come.
    func awaitedEvents(_ version: (ObjectKind, _ namespace: String, _ name: String) -> String?) -> Int {
        running?.awaited.count { version($0.kind, $0.namespace, $0.name) != nil } ?? 0
    }

    /// Notes that something could not be recorded: the running report is not whole any more.
    mutating func failReport(_ failure: any Error) {
        if running?.failure == nil { running?.failure = failure }
    }

    /// Whether what remains of a report is still wanted.
    func isRunning(_ report: Int64) -> Bool { running?.report == report && running?.failure == nil }

    /// Ends the report. Pages of it that are still to come are not recorded.
    mutating func endReport() throws -> Summary {
        guard let ended = running else { throw CancellationError() }
        running = nil
        if let failure = ended.failure { throw failure }
        awaitedOwners = ended.owners
        return ended.tally.summary
    }

    /// Ends a report that cannot be completed.
    mutating func dropReport() { running = nil }

    // MARK: Dirty scopes

    mutating func takeDirty() -> [Scope] {
        guard isReady else { return [] }
        defer { dirty = [] }
        // What is marked for all namespaces need not be judged for one of them once more.
        let everywhere = Set(dirty.filter(\.namespace.isEmpty).map(\.kinds))
        return dirty.filter { $0.namespace.isEmpty || !everywhere.contains($0.kinds) }
    }

    mutating func putBack(_ scope: Scope) { dirty.insert(scope) }

    private mutating func markDependents(of kind: ObjectKind, namespace: String) {
        switch kind {
        case .networkPolicy, .ciliumNetworkPolicy, .podDisruptionBudget, .service, .serviceAccount:
            dirty.insert(Scope(kinds: Self.workloads, namespace: namespace))
        case .ciliumClusterwideNetworkPolicy: dirty.insert(Scope(kinds: Self.workloads, namespace: ""))
        case .role: dirty.insert(Scope(kinds: [.roleBinding], namespace: namespace))
        case .clusterRole: dirty.insert(Scope(kinds: [.roleBinding, .clusterRoleBinding], namespace: ""))
        case .ingress:
            dirty.insert(Scope(kinds: [.ingress], namespace: ""))
            dirty.insert(Scope(kinds: [.service], namespace: namespace))
        default: break
        }
    }

    // MARK: Judging

    /// `version` is the version in which the informer knows an object, nil when it knows none.
    mutating func judge(
        _ work: [ClusterSource.Work], version: (ObjectKind, _ namespace: String, _ name: String) -> String?
    ) -> [Step] {
        var steps: [Step] = []
        var batch: [InspectedObject] = []
        var batchReport: Int64?
        func flush() {
            if !batch.isEmpty { steps.append(.record(batch, report: batchReport)) }
            batch = []
        }
        func add(_ object: InspectedObject, _ report: Int64?) {
            if report != batchReport {
                flush()
                batchReport = report
            }
            batch.append(object)
        }
        for item in work {
            switch item {
            case .changed(let kind, let object):
                note(told: kind, object.identity)
                if inspector.context.add(object.node, kind: kind), isReady {
                    markDependents(of: kind, namespace: object.identity.namespace)
                }
                guard isReady else { continue }
                var unused = Tally()
                add(inspect(object, kind, &unused), nil)
            case .gone(let kind, let identity):
                note(told: kind, identity)
                if inspector.context.remove(kind: kind, namespace: identity.namespace, name: identity.name), isReady {
                    markDependents(of: kind, namespace: identity.namespace)
                }
                if owners.forget(uid: identity.uid), awaitedOwners.remove(identity.uid) != nil {
                    dirty.insert(Scope(kinds: Self.owned, namespace: identity.namespace))
                }
                flush()
                steps.append(.forget([subject(identity, kind)]))
            case .page(let kind, let objects, let report):
                if let report, !isRunning(report) { continue }
                for object in objects {
                    let isCurrent =
                        version(kind, object.identity.namespace, object.identity.name)
                        == object.identity.resourceVersion
                    if let inspected = inspect(page: object, kind, report, isCurrent: isCurrent) {
                        add(inspected, report)
                    }
                }
            case .barrier: break
            }
        }
        flush()
        return steps
    }

    private mutating func note(told kind: ObjectKind, _ identity: ObjectIdentity) {
        guard running != nil else { return }
        let key = Key(kind: kind, namespace: identity.namespace, name: identity.name)
        running?.told.insert(key)
        running?.awaited.remove(key)
    }

    /// Judges an object of a list. One that is not as the informer knows it counts in the report, and is otherwise left
    /// to its event: it may be gone or older than what was judged already, and would spoil what is known of it.
    private mutating func inspect(
        page object: APIObject, _ kind: ObjectKind, _ report: Int64?, isCurrent: Bool
    ) -> InspectedObject? {
        guard report != nil else {
            var unused = Tally()
            return isCurrent ? inspect(object, kind, &unused) : nil
        }
        var tally = running?.tally ?? Tally()
        tally.objects += 1
        let inspected = inspect(object, kind, &tally, remember: isCurrent)
        running?.tally = tally
        if isCurrent { return inspected }
        let key = Key(kind: kind, namespace: object.identity.namespace, name: object.identity.name)
        if running?.told.contains(key) == false { running?.awaited.insert(key) }
        return nil
    }

    private func subject(_ identity: ObjectIdentity, _ kind: ObjectKind) -> Subject {
        Subject(
            cluster: cluster, apiVersion: identity.apiVersion, kind: kind.name, namespace: identity.namespace,
            name: identity.name)
    }

    private mutating func inspect(
        _ object: APIObject, _ kind: ObjectKind, _ tally: inout Tally, remember: Bool = true
    ) -> InspectedObject {
        let found = FoundObject(object.node, object.identity.apiVersion, object.identity.kind, cluster)
        if kind.isWorkload, let owner = found.controllerUID {
            awaitedOwners.insert(owner)
            running?.owners.insert(owner)
        }
        let input = Inspector.Input(
            object: found.object, kind: kind, subject: found.subject, ownerProblems: owners.problems(ofOwnerOf: found))
        var results: [CheckResult] = []
        let problems = inspector.inspect(input, tally: &tally) { results.append($0) }
        if remember, owners.note(problems, of: found), let uid = found.uid, awaitedOwners.contains(uid) {
            dirty.insert(Scope(kinds: Self.owned, namespace: found.subject.namespace))
        }
        return InspectedObject(subject: found.subject, results: results)
    }
}

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
    private var tally: Tally?
    /// Objects that a page of the running report left to an event that is still to come.
    private var openEvents: Set<Key> = []

    private static let workloads = ObjectKind.allCases.filter(\.isWorkload)
    private static let owned: [ObjectKind] = [.replicaSet, .job, .pod]

    init(inspector: Inspector, cluster: String) {
        self.inspector = inspector
        self.cluster = cluster
    }

    mutating func update(exemptions: [Exemption], now: Int64) {
        inspector.exemptions = exemptions
        inspector.now = now
    }

    // MARK: Reports

    mutating func beginReport() {
        tally = Tally()
        openEvents = []
    }

    var hasOpenEvents: Bool { !openEvents.isEmpty }

    mutating func endReport() -> Summary {
        defer { tally = nil }
        return tally?.summary ?? Summary()
    }

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
        case .ingress: dirty.insert(Scope(kinds: [.ingress], namespace: ""))
        default: break
        }
    }

    // MARK: Judging

    /// `version` is the version in which the informer knows an object, nil when it knows none.
    mutating func judge(
        _ work: [ClusterSource.Work], version: (ObjectKind, ObjectIdentity) -> String?
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
                openEvents.remove(Key(kind: kind, namespace: object.identity.namespace, name: object.identity.name))
                if inspector.context.add(object.node, kind: kind), isReady {
                    markDependents(of: kind, namespace: object.identity.namespace)
                }
                guard isReady else { continue }
                var unused = Tally()
                add(inspect(object, kind, &unused), nil)
            case .gone(let kind, let identity):
                openEvents.remove(Key(kind: kind, namespace: identity.namespace, name: identity.name))
                if inspector.context.remove(kind: kind, namespace: identity.namespace, name: identity.name), isReady {
                    markDependents(of: kind, namespace: identity.namespace)
                }
                if owners.forget(uid: identity.uid), awaitedOwners.remove(identity.uid) != nil {
                    dirty.insert(Scope(kinds: Self.owned, namespace: identity.namespace))
                }
                flush()
                steps.append(.forget([subject(identity, kind)]))
            case .page(let kind, let objects, let report):
                for object in objects {
                    var counted = report == nil ? Tally() : tally ?? Tally()
                    counted.objects += 1
                    let inspected = inspect(object, kind, &counted)
                    if report != nil { tally = counted }
                    let known = version(kind, object.identity)
                    if known == object.identity.resourceVersion {
                        add(inspected, report)
                    } else if known != nil, report != nil {
                        openEvents.insert(
                            Key(kind: kind, namespace: object.identity.namespace, name: object.identity.name))
                    }
                }
            case .barrier: break
            }
        }
        flush()
        return steps
    }

    private func subject(_ identity: ObjectIdentity, _ kind: ObjectKind) -> Subject {
        Subject(
            cluster: cluster, apiVersion: identity.apiVersion, kind: kind.name, namespace: identity.namespace,
            name: identity.name)
    }

    private mutating func inspect(_ object: APIObject, _ kind: ObjectKind, _ tally: inout Tally) -> InspectedObject {
        let found = FoundObject(object.node, object.identity.apiVersion, object.identity.kind, cluster)
        if kind.isWorkload, let owner = found.controllerUID { awaitedOwners.insert(owner) }
        let input = Inspector.Input(
            object: found.object, kind: kind, subject: found.subject, ownerProblems: owners.problems(ofOwnerOf: found))
        var results: [CheckResult] = []
        let problems = inspector.inspect(input, tally: &tally) { results.append($0) }
        if owners.note(problems, of: found), let uid = found.uid, awaitedOwners.contains(uid) {
            dirty.insert(Scope(kinds: Self.owned, namespace: found.subject.namespace))
        }
        return InspectedObject(subject: found.subject, results: results)
    }
}

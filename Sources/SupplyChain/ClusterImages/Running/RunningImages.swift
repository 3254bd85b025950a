// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings
import Kubernetes
import OCI
import Synchronization

/// Who runs which image in a cluster, from the informers that the inspection has: pods, and the controllers between them
/// and what a user made.
///
/// Keeps of each pod its containers' names, references and digests: some 500 bytes.
package final class RunningImages: Sendable {
    /// Controllers that something else may control.
    private static let between: Set<String> = ["ReplicaSet", "Job", "ReplicationController"]
    /// The kinds that it wants to read.
    package static let kinds = ["Pod"] + between.sorted()

    struct Owner: Hashable, Sendable {
        var apiVersion: String
        var kind: String
        var name: String
        var uid: String

        /// The controller of an object, if it has one.
        init?(of object: Node) {
            guard let owners = object["metadata"]?["ownerReferences"], owners.isArray else { return nil }
            for owner in owners.elements.prefix(100) where owner["controller"]?.bool == true {
                guard let kind = owner["kind"]?.string, let name = owner["name"]?.string else { continue }
                self.init(
                    apiVersion: owner["apiVersion"]?.string ?? "", kind: kind, name: name,
                    uid: owner["uid"]?.string ?? "")
                return
            }
            return nil
        }

        init(apiVersion: String, kind: String, name: String, uid: String) {
            (self.apiVersion, self.kind, self.name, self.uid) = (apiVersion, kind, name, uid)
        }
    }

    private struct Pod {
        var owner: Owner?
        var apiVersion: String
        var containers: [PodContainer]
        var pullSecrets: [String] = []
    }

    private struct State {
        var pods: [String: [String: Pod]] = [:]
        /// Who controls a controller, by its uid.
        var owners: [String: Owner] = [:]
        /// Kinds whose first list is not done.
        var missing: Set<String>
        var dirty: Set<String> = []
        /// What tags mean, of pods that do not say it yet.
        var meanings: [String: String] = [:]
    }

    package let cluster: String
    /// Whether the names of pods' `imagePullSecrets` are kept too.
    private let keepsPullSecrets: Bool
    private let state: Mutex<State>

    /// - Parameters:
    ///   - cluster: as findings name it.
    ///   - kinds: those of `kinds` that can be read.
    package init(cluster: String, kinds: [String], keepsPullSecrets: Bool = false) {
        (self.cluster, self.keepsPullSecrets) = (cluster, keepsPullSecrets)
        state = Mutex(State(missing: Set(kinds)))
    }

    /// Whether all has been read once.
    package var isSynced: Bool { state.withLock { $0.missing.isEmpty } }

    /// The reader of a kind.
    package func reader(of kind: String) -> Informer.Handler {
        { [self] event in read(event, kind) }
    }

    private func read(_ event: InformerEvent, _ kind: String) {
        switch event {
        case .upsert(let object, _):
            let identity = object.identity
            let owner = Owner(of: object.node)
            if kind == "Pod" {
                let containers = PodContainer.all(of: object.node)
                var pod = Pod(owner: owner, apiVersion: identity.apiVersion, containers: containers)
                if keepsPullSecrets { pod.pullSecrets = PodContainer.pullSecrets(of: object.node) }
                put(pod, identity)
            } else if !identity.uid.isEmpty {
                state.withLock { state in
                    guard state.owners[identity.uid] != owner else { return }
                    state.owners[identity.uid] = owner
                    state.dirty.insert(identity.namespace)
                }
            }
        case .delete(let identity):
            if kind == "Pod" {
                put(nil, identity)
            } else {
                // Its pods go too, and until then belong where they did: the namespace is looked at when they go.
                state.withLock { _ = $0.owners.removeValue(forKey: identity.uid) }
            }
        case .synced, .relisted: state.withLock { _ = $0.missing.remove(kind) }
        }
    }

    private func put(_ pod: Pod?, _ identity: ObjectIdentity) {
        state.withLock { state in
            let old = state.pods[identity.namespace]?[identity.name]
            let new = pod.flatMap { $0.containers.isEmpty ? nil : $0 }
            guard
                old?.containers != new?.containers || old?.owner != new?.owner || old?.pullSecrets != new?.pullSecrets
            else { return }
            state.pods[identity.namespace, default: [:]][identity.name] = new
            if state.pods[identity.namespace]?.isEmpty == true { state.pods[identity.namespace] = nil }
            state.dirty.insert(identity.namespace)
        }
    }

    // MARK: Answers

    /// Namespaces where something changed since the last time.
    func takeDirty() -> Set<String> {
        state.withLock { state in
            defer { state.dirty = [] }
            return state.dirty
        }
    }

    func putBack(_ namespaces: Set<String>) { state.withLock { $0.dirty.formUnion(namespaces) } }

    /// All namespaces with pods.
    var namespaces: Set<String> { state.withLock { Set($0.pods.keys) } }

    /// What the workloads of a namespace run.
    func uses(in namespace: String) -> [Subject: [ImageUse]] {
        let (pods, owners, meanings) = state.withLock { state in
            (state.pods[namespace] ?? [:], state.owners, state.meanings)
        }
        var counts: [Subject: [PodContainer: Int]] = [:]
        for (name, pod) in pods {
            let subject: Subject
            if let owner = pod.owner {
                let top = Self.between.contains(owner.kind) ? owners[owner.uid] ?? owner : owner
                subject = Subject(
                    cluster: cluster, apiVersion: top.apiVersion, kind: top.kind, namespace: namespace, name: top.name)
            } else {
                subject = Subject(
                    cluster: cluster, apiVersion: pod.apiVersion, kind: "Pod", namespace: namespace, name: name)
            }
            for var container in pod.containers {
                if container.digest.isEmpty { container.digest = meanings[container.reference] ?? "" }
                counts[subject, default: [:]][container, default: 0] += 1
            }
        }
        var uses: [Subject: [ImageUse]] = [:]
        for (subject, containers) in counts {
            uses[subject] = containers.map { container, pods in
                ImageUse(
                    workload: subject, container: container.name, reference: container.reference,
                    digest: container.digest, pods: pods)
            }
        }
        return uses
    }

    /// References that run, with a digest that pods give; those without one have an empty one.
    package func references(limit: Int) -> [String: String] {
        state.withLock { state in
            var found: [String: String] = [:]
            for pods in state.pods.values {
                for container in pods.values.lazy.flatMap(\.containers) {
                    if let known = found[container.reference], !known.isEmpty { continue }
                    guard found.count < limit || found[container.reference] != nil else { continue }
                    found[container.reference] = container.digest
                }
            }
            return found
        }
    }

    /// References of pods that do not tell the digest and whose meaning is not known.
    func unknownReferences() -> Set<String> {
        state.withLock { state in
            var found: Set<String> = []
            var needed: Set<String> = []
            for pods in state.pods.values {
                for container in pods.values.lazy.flatMap(\.containers) where container.digest.isEmpty {
                    needed.insert(container.reference)
                    if state.meanings[container.reference] == nil { found.insert(container.reference) }
                }
            }
            // Those that pods know by themselves now are theirs to tell.
            state.meanings = state.meanings.filter { needed.contains($0.key) }
            return found
        }
    }

    /// The Secrets that pods with images of a repository name. Each namespace's first comes before any's second, so that
    /// nobody crowds out the others by naming many.
    func pullSecrets(of reference: ImageReference, limit: Int) -> [(namespace: String, secret: String)] {
        let repository = "\(reference.registry)/\(reference.repository)"
        let names = state.withLock { state in
            var names: [String: Set<String>] = [:]
            for (namespace, pods) in state.pods {
                for pod in pods.values where !pod.pullSecrets.isEmpty {
                    guard pod.containers.contains(where: { $0.runs(repository) }) else { continue }
                    names[namespace, default: []].formUnion(pod.pullSecrets)
                }
            }
            return names
        }
        var found: [(place: Int, namespace: String, secret: String)] = []
        for (namespace, secrets) in names {
            for (place, secret) in secrets.sorted().prefix(limit).enumerated() {
                found.append((place, namespace, secret))
            }
        }
        return found.sorted { ($0.place, $0.namespace) < ($1.place, $1.namespace) }.prefix(limit).map {
            ($0.namespace, $0.secret)
        }
    }

    func learn(_ reference: String, means digest: String) {
        state.withLock { state in
            state.meanings[reference] = digest
            for (namespace, pods) in state.pods
            where pods.values.contains(where: { $0.containers.contains { $0.reference == reference } }) {
                state.dirty.insert(namespace)
            }
        }
    }
}

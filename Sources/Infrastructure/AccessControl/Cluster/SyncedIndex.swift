// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Kubernetes

/// What a `ClusterSync` keeps like its cluster.
package protocol SyncedIndex: Sendable {
    /// The groups of its policies' kinds.
    var groups: Set<String> { get }
    func isPolicy(_ resource: APIResource) -> Bool
    /// The kinds of the other objects that policies look at.
    var dataKinds: Set<SyncedKind> { get }
    /// What is still unknown, in words; nil once everything was read at least once.
    var waitsFor: String? { get }
    func wait(for what: String?)
    /// What is wrong with objects that do not count, by `KIND/NAME`.
    var problems: [String: GatekeeperError] { get }
    func put(namespace name: String, _ object: Node?)
    func put(_ policy: Node)
    func remove(group: String, kind: String, name: String)
    func put(data object: Node) throws(GatekeeperError)
    /// - Parameter namespace: empty for what lives in none.
    func remove(data apiVersion: String, kind: String, namespace: String, name: String)
}

extension GatekeeperIndex: SyncedIndex {
    package var groups: Set<String> {
        [
            ConstraintTemplate.group, Constraint.group, Mutator.group, ExpansionTemplate.group, GatekeeperConfig.group,
            SyncSet.group, ExternalDataProvider.group,
        ]
    }

    package func isPolicy(_ resource: APIResource) -> Bool { groups.contains(resource.group) }
    package var dataKinds: Set<SyncedKind> { syncedKinds }
    package func put(data object: Node) throws(GatekeeperError) { try put(inventory: object) }
    package func remove(data apiVersion: String, kind: String, namespace: String, name: String) {
        remove(inventory: apiVersion, kind: kind, namespace: namespace, name: name)
    }
}

/// Only policies of Bulwark's own group: an API server that knows Kubernetes' kinds judges by them itself.
extension AdmissionPolicyIndex: SyncedIndex {
    package var groups: Set<String> { [AdmissionPolicy.ownGroup] }

    package func isPolicy(_ resource: APIResource) -> Bool {
        resource.group == AdmissionPolicy.ownGroup
            && [AdmissionPolicy.kind, AdmissionPolicyBinding.kind].contains(resource.kind)
    }

    package var dataKinds: Set<SyncedKind> {
        Set(
            paramKinds.map { kind in
                let version = kind.apiVersion.split(separator: "/").last.map(String.init) ?? ""
                return SyncedKind(group: kind.group, version: version, kind: kind.kind)
            })
    }

    package func put(data object: Node) throws(GatekeeperError) { try put(param: object) }
    package func remove(data apiVersion: String, kind: String, namespace: String, name: String) {
        remove(param: apiVersion, kind: kind, namespace: namespace, name: name)
    }
}

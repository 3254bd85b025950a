// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Synchronization

/// What is known of a cluster's admission policies now: read by every review, written by whoever watches the cluster.
///
/// An object that cannot be read does no harm to the others: it is a problem of its own, and its last good version counts
/// on.
package final class AdmissionPolicyIndex: Sendable {
    /// One moment, for one review.
    package struct Moment: Sendable {
        package let policies: AdmissionPolicySet
        /// The namespace that was asked for; nil when it is not known (yet).
        package let namespace: Node?
    }

    private struct State {
        /// By `KIND/NAME`.
        var objects: [String: GatekeeperIndex.PolicyObject] = [:]
        var revision = 0
        var policies = AdmissionPolicySet()
        var namespaces: [String: Node] = [:]
        /// By `KIND/NAME`.
        var problems: [String: GatekeeperError] = [:]
        var waitsFor: String? = "admission policies have not been read yet"
    }

    private let state = Mutex(State())

    package init() {}

    package func moment(namespace: String) -> Moment {
        state.withLock { Moment(policies: $0.policies, namespace: $0.namespaces[namespace]) }
    }

    /// What is wrong with objects that do not count, by `KIND/NAME`.
    package var problems: [String: GatekeeperError] { state.withLock { $0.problems } }

    /// What is still unknown, in words; nil once everything was read at least once.
    package var waitsFor: String? { state.withLock { $0.waitsFor } }

    /// Once everything was read, what comes later is read beside it: judging goes on.
    package func wait(for what: String?) {
        state.withLock { state in if state.waitsFor != nil { state.waitsFor = what } }
    }

    /// Grows with every change of policies and bindings.
    package var revision: Int { state.withLock { $0.revision } }

    /// All policies and bindings, in order.
    package var objects: [GatekeeperIndex.PolicyObject] {
        state.withLock { state in state.objects.values.sorted { ($0.kind, $0.name) < ($1.kind, $1.name) } }
    }

    /// The kinds whose objects are to be put as parameters.
    package var paramKinds: Set<AdmissionPolicy.ParamKind> { state.withLock { $0.policies.paramKinds } }

    package func put(namespace name: String, _ object: Node?) { state.withLock { $0.namespaces[name] = object } }

    /// Adds or replaces a policy or a binding.
    package func put(_ object: Node) {
        let parts = (object["apiVersion"]?.string ?? "").split(separator: "/").map(String.init)
        let found = GatekeeperIndex.PolicyObject(
            group: parts.first ?? "", version: parts.last ?? "", kind: object["kind"]?.string ?? "",
            name: object["metadata"]?["name"]?.string ?? "", uid: object["metadata"]?["uid"]?.string ?? "",
            generation: object["metadata"]?["generation"]?.int ?? 0)
        // A status changes often and says nothing new.
        if found.generation > 0, state.withLock({ $0.objects[found.id] == found }) { return }
        // Compiling takes its time: reviews go on meanwhile.
        var one = AdmissionPolicySet()
        var problem: GatekeeperError?
        do throws(GatekeeperError) { try one.add(object) } catch { problem = error }
        let (added, failure) = (one, problem)
        state.withLock { state in
            state.objects[found.id] = found
            state.revision += 1
            state.problems[found.id] = failure
            if failure == nil { state.policies.merge(added) }
        }
    }

    package func remove(group: String, kind: String, name: String) {
        state.withLock { state in
            state.problems["\(kind)/\(name)"] = nil
            state.objects["\(kind)/\(name)"] = nil
            state.revision += 1
            state.policies.remove(group: group, kind: kind, name: name)
        }
    }

    /// An object that policies may take as a parameter.
    package func put(param object: Node) throws(GatekeeperError) {
        let error = state.withLock { state -> GatekeeperError? in
            do throws(GatekeeperError) { try state.policies.add(param: object) } catch { return error }
            return nil
        }
        if let error { throw error }
    }

    /// - Parameter namespace: empty for what lives in none.
    package func remove(param apiVersion: String, kind: String, namespace: String, name: String) {
        state.withLock { state in
            state.policies.remove(param: apiVersion, kind: kind, namespace: namespace, name: name)
        }
    }
}

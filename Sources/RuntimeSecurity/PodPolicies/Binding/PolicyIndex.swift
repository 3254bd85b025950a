// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Synchronization

/// What is known of a cluster's policies now: read by every review, written by whoever watches the cluster.
package final class PolicyIndex: Sendable {
    /// One moment, for one review.
    package struct Moment: Sendable {
        package var set: PolicySet
        /// Of the namespace that was asked for; nil when it is not known (yet).
        package var labels: [String: String]?
    }

    /// An object that could not be read: the webhook was away when it was written.
    package struct Problem: Sendable, Equatable {
        /// `PodPolicy`
        package var kind: String
        package var name: String
        /// With the field's path.
        package var message: String
        /// Whether the version before it still counts.
        package var keepsLast: Bool
    }

    fileprivate struct Key: Hashable {
        var kind: String
        var name: String
    }

    fileprivate struct State {
        var policies: [String: PodPolicy] = [:]
        var bindings: [String: PodPolicyBinding] = [:]
        var control = AdmissionControl()
        var labels: [String: [String: String]] = [:]
        var problems: [Key: Problem] = [:]
        var set = PolicySet.empty
        var isStale = false
        var revision = 0
        var waitsFor: String? = "policies have not been read yet"
    }

    private let state = Mutex(State())

    package init() {}

    /// What counts now, with the labels of a namespace.
    package func moment(namespace: String) -> Moment {
        state.withLock { state in
            if state.isStale {
                // Built once for a burst of changes, by the first review that follows it.
                state.set = PolicySet(
                    policies: Array(state.policies.values), bindings: Array(state.bindings.values),
                    control: state.control)
                state.isStale = false
            }
            return Moment(set: state.set, labels: state.labels[namespace])
        }
    }

    package var set: PolicySet { moment(namespace: "").set }

    /// Counts the changes of policies and bindings: whoever derives something from the set notices by it.
    package var revision: Int { state.withLock { $0.revision } }

    /// By kind and name.
    package var problems: [Problem] {
        state.withLock { $0.problems.values.sorted { ($0.kind, $0.name) < ($1.kind, $1.name) } }
    }

    package func problem(kind: String, name: String) -> Problem? {
        state.withLock { $0.problems[Key(kind: kind, name: name)] }
    }

    package var namespaces: [String: [String: String]] { state.withLock { $0.labels } }

    /// What is still unknown, in words; nil once everything was read at least once.
    package var waitsFor: String? { state.withLock { $0.waitsFor } }

    // MARK: Changes

    package func wait(for reason: String?) { state.withLock { $0.waitsFor = reason } }

    package func put(policy node: Node, name: String) {
        let read = Result { () throws(PodFieldError) in try PodPolicy(node) }
        change("PodPolicy", name, read, into: \.policies)
    }

    package func put(binding node: Node, name: String) {
        let read = Result { () throws(PodFieldError) in try PodPolicyBinding(node) }
        change("PodPolicyBinding", name, read, into: \.bindings)
    }

    /// An object of another name than the one that counts is a problem and changes nothing.
    package func put(control node: Node, name: String) {
        let read = Result { () throws(PodFieldError) in try AdmissionControl(node) }
        state.withLock { state in
            let key = Key(kind: "AdmissionControl", name: name)
            switch read {
            case .success(let control):
                state.problems[key] = nil
                state.control = control
            case .failure(let error):
                state.problems[key] = Problem(
                    kind: key.kind, name: name, message: error.description, keepsLast: name == AdmissionControl.name)
            }
            state.changed()
        }
    }

    package func remove(policy name: String) {
        state.withLock { state in
            state.policies[name] = nil
            state.problems[Key(kind: "PodPolicy", name: name)] = nil
            state.changed()
        }
    }

    package func remove(binding name: String) {
        state.withLock { state in
            state.bindings[name] = nil
            state.problems[Key(kind: "PodPolicyBinding", name: name)] = nil
            state.changed()
        }
    }

    package func remove(control name: String) {
        state.withLock { state in
            if name == AdmissionControl.name { state.control = AdmissionControl() }
            state.problems[Key(kind: "AdmissionControl", name: name)] = nil
            state.changed()
        }
    }

    /// - Parameter labels: nil when the namespace is gone.
    package func put(namespace: String, labels: [String: String]?) {
        state.withLock { $0.labels[namespace] = labels }
    }

    private func change<Value>(
        _ kind: String, _ name: String, _ read: Result<Value, PodFieldError>,
        into values: WritableKeyPath<State, [String: Value]>
    ) {
        state.withLock { state in
            let key = Key(kind: kind, name: name)
            switch read {
            case .success(let value):
                state.problems[key] = nil
                state[keyPath: values][name] = value
            case .failure(let error):
                state.problems[key] = Problem(
                    kind: kind, name: name, message: error.description,
                    keepsLast: state[keyPath: values][name] != nil)
            }
            state.changed()
        }
    }
}

extension PolicyIndex.State {
    fileprivate mutating func changed() {
        isStale = true
        revision += 1
    }
}

/// The string labels of an object's metadata.
func labels(of object: Node) -> [String: String] {
    var labels: [String: String] = [:]
    if let members = object["metadata"]?["labels"]?.members {
        for (key, value) in members { labels[key.string] = value.string }
    }
    return labels
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Rego
import Synchronization

/// What is known of a cluster's constraints now: read by every review, written by whoever watches the cluster.
///
/// An object that cannot be read does no harm to the others: it is a problem of its own, and its last good version counts
/// on, for a mistake in a rule must not let through what the rule is there to stop.
package final class GatekeeperIndex: Sendable {
    /// One moment, for one review.
    package struct Moment: Sendable {
        package let constraints: ConstraintSet
        package let expansions: ExpansionSet
        package let mutators: MutatorSet
        package let config: GatekeeperConfig?
        /// By name.
        package let providers: [String: ExternalDataProvider]
        /// `data.inventory`.
        package let inventory: Value
        /// The namespace that was asked for; nil when it is not known (yet).
        package let namespace: Node?
    }

    /// A policy object of the cluster, whether or not it can be used.
    package struct PolicyObject: Sendable, Hashable {
        package var group: String
        package var version: String
        package var kind: String
        package var name: String
        package var uid: String
        package var generation: Int

        /// `KIND/NAME`
        package var id: String { "\(kind)/\(name)" }
    }

    fileprivate struct State {
        /// By `KIND/NAME`.
        var objects: [String: PolicyObject] = [:]
        /// Grows with every change of what is judged by.
        var revision = 0
        var constraints = ConstraintSet()
        var expansions = ExpansionSet()
        var mutators = MutatorSet()
        var config: GatekeeperConfig?
        var providers: [String: ExternalDataProvider] = [:]
        var syncSets: [String: SyncSet] = [:]
        var inventory = Inventory()
        var namespaces: [String: Node] = [:]
        /// By `KIND/NAME`.
        var problems: [String: GatekeeperError] = [:]
        /// Constraints that came before their template, by `KIND/NAME`.
        var orphans: [String: Node] = [:]
        var waitsFor: String? = "constraints have not been read yet"
    }

    private let state = Mutex(State())

    package init() {}

    package func moment(namespace: String) -> Moment {
        state.withLock { state in
            let inventory = state.inventory.makeValue()
            return Moment(
                constraints: state.constraints, expansions: state.expansions, mutators: state.mutators,
                config: state.config, providers: state.providers, inventory: inventory,
                namespace: state.namespaces[namespace])
        }
    }

    /// What is wrong with objects that do not count, by `KIND/NAME`.
    package var problems: [String: GatekeeperError] { state.withLock { $0.problems } }

    /// What is still unknown, in words; nil once everything was read at least once.
    package var waitsFor: String? { state.withLock { $0.waitsFor } }

    /// Once everything was read, what comes later is read beside it: judging goes on.
    package func wait(for what: String?) {
        state.withLock { state in if state.waitsFor != nil { state.waitsFor = what } }
    }

    /// Grows with every change of templates, constraints, mutators, expansions and the Config.
    package var revision: Int { state.withLock { $0.revision } }

    package var providers: [String: ExternalDataProvider] { state.withLock { $0.providers } }

    /// All policy objects, in order.
    package var objects: [PolicyObject] {
        state.withLock { state in state.objects.values.sorted { ($0.kind, $0.name) < ($1.kind, $1.name) } }
    }

    package func put(namespace name: String, _ object: Node?) { state.withLock { $0.namespaces[name] = object } }

    /// An object that templates may look at.
    package func put(inventory object: Node) throws(GatekeeperError) {
        let error = state.withLock { state -> GatekeeperError? in
            do throws(GatekeeperError) { try state.inventory.add(object) } catch { return error }
            return nil
        }
        if let error { throw error }
    }

    /// - Parameter namespace: empty for what lives in none.
    package func remove(inventory apiVersion: String, kind: String, namespace: String, name: String) {
        state.withLock { state in
            state.inventory.remove(apiVersion: apiVersion, kind: kind, namespace: namespace, name: name)
        }
    }

    /// The kinds whose objects are inventory: what the Config and all SyncSets name.
    package var syncedKinds: Set<SyncedKind> {
        state.withLock { state in
            Set(state.config?.kinds ?? []).union(state.syncSets.values.flatMap(\.kinds))
        }
    }

    /// Adds or replaces a template, constraint, mutator, expansion template or the Config.
    package func put(_ object: Node) {
        state.withLock { state in
            let (kind, name) = (object["kind"]?.string ?? "", object["metadata"]?["name"]?.string ?? "")
            let version = object["apiVersion"]?.string?.split(separator: "/").last.map(String.init) ?? ""
            let found = PolicyObject(
                group: object.group, version: version, kind: kind, name: name,
                uid: object["metadata"]?["uid"]?.string ?? "", generation: object["metadata"]?["generation"]?.int ?? 0)
            // A status changes often, our own hand among them, and says nothing new.
            if found.generation > 0, state.objects[found.id] == found { return }
            state.objects[found.id] = found
            state.revision += 1
            state.problems["\(kind)/\(name)"] = nil
            var next = state
            do throws(GatekeeperError) {
                try next.add(object, kind, name)
                state = next
            } catch {
                state.problems["\(kind)/\(name)"] = error
                if object.group == Constraint.group, !state.constraints.hasTemplate(for: kind) {
                    state.orphans["\(kind)/\(name)"] = object
                }
            }
        }
    }

    package func remove(group: String, kind: String, name: String) {
        state.withLock { state in
            state.problems["\(kind)/\(name)"] = nil
            state.objects["\(kind)/\(name)"] = nil
            state.revision += 1
            state.remove(group, kind, name)
        }
    }
}

extension GatekeeperIndex.State {
    fileprivate mutating func add(_ object: Node, _ kind: String, _ name: String) throws(GatekeeperError) {
        switch object.group {
        case ConstraintTemplate.group:
            try constraints.add(template: object)
            let made = object.constraintKind
            for (id, orphan) in orphans where orphan["kind"]?.string == made {
                orphans[id] = nil
                problems[id] = nil
                do throws(GatekeeperError) { try constraints.add(constraint: orphan) } catch { problems[id] = error }
            }
        case Constraint.group:
            try constraints.add(constraint: object)
        case Mutator.group: try mutators.add(object)
        case ExpansionTemplate.group: try expansions.add(object)
        case GatekeeperConfig.group: config = try GatekeeperConfig(object)
        case SyncSet.group: syncSets[name] = try SyncSet(object)
        case ExternalDataProvider.group: providers[name] = try ExternalDataProvider(object)
        case let group: throw GatekeeperError(.invalid, "\(group) is no group of Gatekeeper's")
        }
    }

    fileprivate mutating func remove(_ group: String, _ kind: String, _ name: String) {
        switch group {
        case ConstraintTemplate.group:
            // A template is named as the kind that it makes, in small letters.
            guard let made = constraints.kinds.first(where: { $0.lowercased() == name }) else { return }
            // The constraints outlive their template: they count again when it comes back.
            for constraint in constraints.constraints(of: made) {
                orphans["\(constraint.kind)/\(constraint.name)"] = constraint.object
                problems["\(constraint.kind)/\(constraint.name)"] = GatekeeperError(
                    .invalid, "there is no template for constraints of kind \(made)")
            }
            constraints.remove(templateKind: made)
        case Constraint.group:
            constraints.remove(constraintKind: kind, name: name)
            orphans["\(kind)/\(name)"] = nil
        case SyncSet.group: syncSets[name] = nil
        case ExternalDataProvider.group: providers[name] = nil
        case Mutator.group: if let word = Mutator.Kind(rawValue: kind) { mutators.remove(kind: word, name: name) }
        case ExpansionTemplate.group: expansions.remove(name: name)
        case GatekeeperConfig.group: if name == GatekeeperConfig.name { config = nil }
        default: break
        }
    }
}

extension Node {
    fileprivate var group: String { self["apiVersion"]?.string?.split(separator: "/").first.map(String.init) ?? "" }
    fileprivate var constraintKind: String? { self["spec"]?["crd"]?["spec"]?["names"]?["kind"]?.string }
}

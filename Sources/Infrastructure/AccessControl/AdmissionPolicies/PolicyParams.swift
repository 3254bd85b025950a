// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// The objects that policies may take as parameters.
struct PolicyParams: Sendable {
    private struct Place: Hashable, Sendable {
        let namespace: String
        let name: String
    }

    private struct Kind: Sendable {
        var objects: [Place: Node] = [:]
        /// How many of them live in a namespace.
        var namespaced = 0
        /// Whether they do even where there is none yet.
        let isNamespaced: Bool

        mutating func set(_ place: Place, _ object: Node?) {
            let old = objects[place]
            objects[place] = object
            if !place.namespace.isEmpty { namespaced += (object == nil ? 0 : 1) - (old == nil ? 0 : 1) }
        }
    }

    private var kinds: [AdmissionPolicy.ParamKind: Kind] = [:]

    mutating func add(_ object: Node) throws(GatekeeperError) {
        guard let apiVersion = object["apiVersion"]?.string, let kind = object["kind"]?.string,
            let name = object["metadata"]?["name"]?.string
        else { throw GatekeeperError(.invalid, "the object has no apiVersion, kind and name") }
        let place = Place(namespace: object["metadata"]?["namespace"]?.string ?? "", name: name)
        let id = AdmissionPolicy.ParamKind(apiVersion: apiVersion, kind: kind)
        kinds[id, default: Kind(isNamespaced: Self.namespaced.contains(id))].set(place, object)
    }

    mutating func remove(apiVersion: String, kind: String, namespace: String, name: String) {
        let place = Place(namespace: namespace, name: name)
        kinds[AdmissionPolicy.ParamKind(apiVersion: apiVersion, kind: kind)]?.set(place, nil)
    }

    /// What a policy is evaluated with under a binding, in the order of their names: one nil where it takes none.
    /// - Throws: where they are missing and the binding says that this is a "no", or where they cannot be named.
    func all(
        for policy: AdmissionPolicy, _ binding: AdmissionPolicyBinding, namespace: String
    ) throws(GatekeeperError) -> [Node?] {
        guard let kind = policy.paramKind, let reference = binding.params else { return [nil] }
        let all = kinds[kind]
        let known = all?.objects ?? [:]
        let isNamespaced = all.map { $0.namespaced > 0 || $0.isNamespaced } ?? Self.namespaced.contains(kind)
        var home = ""
        if isNamespaced {
            home = reference.namespace.isEmpty ? namespace : reference.namespace
            guard !home.isEmpty else {
                throw GatekeeperError(
                    .evaluation,
                    "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources")
            }
        } else if !reference.namespace.isEmpty, !known.isEmpty {
            throw GatekeeperError(
                .evaluation, "paramRef.namespace must not be provided for a cluster-scoped `paramKind`")
        }
        var found: [Node?] = []
        if let selector = reference.selector {
            let places = known.filter { $0.key.namespace == home && selector.matches($0.value["metadata"]?["labels"]) }
            found = places.sorted { $0.key.name < $1.key.name }.map(\.value)
        } else if let object = known[Place(namespace: home, name: reference.name)] {
            found = [object]
        }
        if found.isEmpty, reference.notFound == .deny {
            throw GatekeeperError(
                .evaluation, "no params found for policy binding with `Deny` parameterNotFoundAction")
        }
        return found
    }

    private static let namespaced: Set<AdmissionPolicy.ParamKind> = [
        AdmissionPolicy.ParamKind(apiVersion: "v1", kind: "ConfigMap"),
        AdmissionPolicy.ParamKind(apiVersion: "v1", kind: "Secret"),
    ]
}

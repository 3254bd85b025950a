// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Rego

/// The objects that templates may look at: `data.inventory.cluster[apiVersion][kind][name]` and
/// `data.inventory.namespace[namespace][apiVersion][kind][name]`.
package struct Inventory: Sendable {
    private var root = Branch()
    private var namespaces: [String: Node] = [:]

    /// A part of the tree. Its value is kept until something below it changes, so that one change of one object makes
    /// only the branches on its path anew.
    private struct Branch: Sendable {
        var children: [String: Branch] = [:]
        var leaf: Node?
        var made: Value?

        mutating func set(_ path: ArraySlice<String>, _ object: Node?) {
            made = nil
            guard let first = path.first else {
                leaf = object
                return
            }
            children[first, default: Branch()].set(path.dropFirst(), object)
            if let child = children[first], child.leaf == nil, child.children.isEmpty { children[first] = nil }
        }

        mutating func value() -> Value {
            if let leaf { return .node(leaf) }
            if let made { return made }
            var entries: [(Value, Value)] = []
            entries.reserveCapacity(children.count)
            for key in children.keys {
                // In place: a copy of the branch would keep its value nowhere.
                if let value = children[key]?.value() { entries.append((.string(key), value)) }
            }
            let value = Value.object(ObjectValue(entries))
            made = value
            return value
        }
    }

    package init() {}

    /// Adds or replaces an object.
    package mutating func add(_ object: Node) throws(GatekeeperError) {
        guard let path = Inventory.path(of: object) else {
            throw GatekeeperError(.invalid, "an inventory object has no apiVersion, kind and metadata.name")
        }
        root.set(path[...], object)
        if object["kind"]?.string == "Namespace", object["apiVersion"]?.string == "v1" {
            namespaces[path.last ?? ""] = object
        }
    }

    package mutating func remove(apiVersion: String, kind: String, namespace: String, name: String) {
        let path =
            namespace.isEmpty ? ["cluster", apiVersion, kind, name] : ["namespace", namespace, apiVersion, kind, name]
        root.set(path[...], nil)
        if kind == "Namespace", apiVersion == "v1" { namespaces[name] = nil }
    }

    package func namespace(_ name: String) -> Node? { namespaces[name] }

    static func path(of object: Node) -> [String]? {
        guard let version = object["apiVersion"]?.string, let kind = object["kind"]?.string,
            let name = object["metadata"]?["name"]?.string
        else { return nil }
        let home = object["metadata"]?["namespace"]?.string ?? ""
        return home.isEmpty ? ["cluster", version, kind, name] : ["namespace", home, version, kind, name]
    }

    /// `data.inventory`.
    package mutating func makeValue() -> Value { root.value() }

    /// The same, where it is not kept.
    package var value: Value {
        var copy = self
        return copy.makeValue()
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Rego

/// The objects that templates may look at: `data.inventory.cluster[apiVersion][kind][name]` and
/// `data.inventory.namespace[namespace][apiVersion][kind][name]`.
package struct Inventory: Sendable {
    private var objects: [[String]: Node] = [:]
    private var namespaces: [String: Node] = [:]

    package init() {}

    /// Adds or replaces an object.
    package mutating func add(_ object: Node) throws(GatekeeperError) {
        guard let path = Inventory.path(of: object) else {
            throw GatekeeperError(.invalid, "an inventory object has no apiVersion, kind and metadata.name")
        }
        objects[path] = object
        if object["kind"]?.string == "Namespace", object["apiVersion"]?.string == "v1" {
            namespaces[path.last ?? ""] = object
        }
    }

    package mutating func remove(apiVersion: String, kind: String, namespace: String, name: String) {
        objects[
            namespace.isEmpty ? ["cluster", apiVersion, kind, name] : ["namespace", namespace, apiVersion, kind, name]] =
            nil
        if kind == "Namespace", apiVersion == "v1" { namespaces[name] = nil }
    }

    package mutating func remove(apiVersion: String, kind: String) {
        objects = objects.filter { path, _ in !path.dropLast().suffix(2).elementsEqual([apiVersion, kind]) }
        if kind == "Namespace", apiVersion == "v1" { namespaces = [:] }
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
    package var value: Value { Inventory.tree(objects.map { ($0.key[...], $0.value) }) }

    private static func tree(_ entries: [(path: ArraySlice<String>, object: Node)]) -> Value {
        if entries.count == 1, let only = entries.first, only.path.isEmpty { return .node(only.object) }
        var groups: [String: [(path: ArraySlice<String>, object: Node)]] = [:]
        for (path, object) in entries {
            guard let first = path.first else { continue }
            groups[first, default: []].append((path.dropFirst(), object))
        }
        return .object(ObjectValue(groups.map { (.string($0.key), tree($0.value)) }))
    }
}

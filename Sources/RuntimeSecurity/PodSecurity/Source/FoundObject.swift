// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings

/// A Kubernetes object found in a document.
package struct FoundObject {
    package let object: Node
    /// Nil for a kind that inspection does not judge.
    package let kind: ObjectKind?
    package let subject: Subject
    /// Where in its document the object stands: empty, or through the items of lists.
    package let path: [PathComponent]

    /// Lists inside lists are opened this deep.
    private static let listDepth = 3

    /// Finds the objects of a document: the one it is, or those of a list. A document that is no object (a values file, say)
    /// holds none; one that should be and cannot be read is a message for `problem`.
    package static func all(
        in root: Node, cluster: String = "", problem: (String, Int) -> Void, body: (FoundObject) -> Void
    ) {
        visit(root, [], cluster, inherited: nil, listDepth, problem, body)
    }

    /// The same for one item of a list that is read item by item. `listKind` and `listVersion` are what the list has said of
    /// itself by then.
    package static func all(
        inItem root: Node, listKind: String?, listVersion: String?, cluster: String = "",
        problem: (String, Int) -> Void, body: (FoundObject) -> Void
    ) {
        guard let listKind, listKind != "List", listKind.hasSuffix("List") else {
            // Nothing says what it is: that must not look as if there were nothing to judge.
            if root["kind"] == nil { problem("an item of the list does not say its kind", root.line) }
            return visit(root, [], cluster, inherited: nil, listDepth, problem, body)
        }
        visit(root, [], cluster, inherited: (listVersion ?? "", String(listKind.dropLast(4))), listDepth, problem, body)
    }

    private static func visit(
        _ node: Node, _ path: [PathComponent], _ cluster: String, inherited: (apiVersion: String, kind: String)?,
        _ depth: Int,
        _ problem: (String, Int) -> Void, _ body: (FoundObject) -> Void
    ) {
        guard node.kind == .object else {
            if inherited != nil { problem("an item of a list should be an object, not \(node.described)", node.line) }
            return
        }
        guard node["kind"] != nil || inherited != nil else { return }
        for key: StaticString in ["kind", "apiVersion"] {
            guard let value = node[key], value.kind != .string, !value.isNull else { continue }
            return problem("\(key) should be a string, not \(value.described)", value.line)
        }
        guard let kind = node["kind"]?.string ?? inherited?.kind else {
            return problem("kind should be a string, not null", node.line)
        }
        let apiVersion = node["apiVersion"]?.string ?? inherited?.apiVersion ?? ""
        if kind.hasSuffix("List"), let items = node["items"] {
            guard depth > 0 else { return problem("lists are nested too deep", node.line) }
            if items.isNull { return }
            guard items.kind == .array else {
                return problem("items should be a list, not \(items.described)", items.line)
            }
            // The items of a typed list need not repeat what they are.
            let item = kind == "List" ? nil : (apiVersion, String(kind.dropLast(4)))
            for (index, element) in items.elements.enumerated() {
                visit(
                    element, path + ["items", .index(index)], cluster, inherited: item ?? ("", ""), depth - 1, problem,
                    body)
            }
            return
        }
        if let metadata = node["metadata"], metadata.kind != .object, !metadata.isNull {
            return problem("metadata should be an object, not \(metadata.described)", metadata.line)
        }
        for key: StaticString in ["name", "namespace"] {
            guard let value = node["metadata"]?[key], value.kind != .string, !value.isNull else { continue }
            return problem("metadata.\(key) should be a string, not \(value.described)", value.line)
        }
        body(FoundObject(node, apiVersion, kind, cluster, path: path))
    }

    /// An object whose group version and kind are known from elsewhere, e.g. the list that it came in.
    package init(
        _ node: Node, _ apiVersion: String, _ kind: String, _ cluster: String, path: [PathComponent] = []
    ) {
        self.path = path
        let known = ObjectKind(apiVersion: apiVersion, kind: kind)
        let metadata = node["metadata"]
        object = node
        self.kind = known
        let name = metadata?["name"]?.string ?? metadata?["generateName"]?.string.map { $0 + "*" } ?? ""
        let namespace = known?.isClusterScoped == true ? "" : metadata?["namespace"]?.string ?? ""
        subject = Subject(
            cluster: cluster, apiVersion: apiVersion, kind: known?.name ?? kind, namespace: namespace, name: name)
    }

    /// The object's own id, which its dependents name as their owner's.
    package var uid: String? { object["metadata"]?["uid"]?.string }

    /// The id of the object that controls this one.
    package var controllerUID: String? {
        guard let owners = object["metadata"]?["ownerReferences"] else { return nil }
        for owner in owners.elements where owner["controller"]?.bool == true { return owner["uid"]?.string }
        return nil
    }
}

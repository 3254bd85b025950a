// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// A mechanical remedy: edits of the failing object's source.
///
///     fix:
///       - set: securityContext.privileged
///         value: false
///       - remove: hostNetwork
package struct Fix: Sendable {
    package enum Edit: Sendable {
        /// Puts a value at a path, making what is missing on the way. The value is JSON text.
        case set(path: String, json: String)
        case remove(path: String)
        /// Puts a value at the end of a list, unless it is there, making the list when it is missing.
        case append(path: String, json: String)
    }

    /// Whether paths start at the container that failed, at the pod spec, or at the object.
    package enum Scope: String, Sendable {
        case container, pod, object
    }

    package let scope: Scope
    package let edits: [Edit]

    init(_ node: Node, slug: String) throws(InspectionError) {
        guard let scope = Scope(rawValue: node["scope"]?.string ?? "") else {
            throw InspectionError(.catalogue, "check \(slug): fix needs a scope: container, pod or object")
        }
        var edits: [Edit] = []
        for step in node.list("edits") {
            if let path = step["set"]?.string, let value = step["value"] {
                edits.append(.set(path: path, json: value.json()))
            } else if let path = step["remove"]?.string {
                edits.append(.remove(path: path))
            } else if let path = step["append"]?.string, let value = step["value"] {
                edits.append(.append(path: path, json: value.json()))
            } else {
                throw InspectionError(.catalogue, "check \(slug): an edit is set, remove or append")
            }
        }
        self.scope = scope
        self.edits = edits
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// A mechanical remedy: edits of the failing object's source.
///
///     fix:
///       scope: container                 # where paths start: container, pod or object
///       unless: {path: securityContext.privileged, is: true}
///       edits:
///         - set: securityContext.allowPrivilegeEscalation
///           value: false
///         - remove: tty
package struct Fix: Sendable {
    enum Edit: Sendable {
        /// Puts a value at a path, making what is missing on the way.
        case set(path: String, EditValue)
        case remove(path: String)
        /// Puts a value at the end of a list, unless it is there, making the list when it is missing.
        case append(path: String, EditValue)
    }

    enum Scope: String, Sendable {
        case container, pod, object
    }

    let scope: Scope
    let edits: [Edit]
    /// Where this holds, the fix would make what an API server refuses, and is left out.
    let unless: Condition?

    init(_ node: Node, slug: String) throws(InspectionError) {
        guard let scope = Scope(rawValue: node["scope"]?.string ?? "") else {
            throw InspectionError(.catalogue, "check \(slug): fix needs a scope: container, pod or object")
        }
        var edits: [Edit] = []
        for step in node.list("edits") {
            if let path = step["set"]?.string, let value = step["value"] {
                edits.append(.set(path: path, EditValue(value)))
            } else if let path = step["remove"]?.string {
                edits.append(.remove(path: path))
            } else if let path = step["append"]?.string, let value = step["value"] {
                edits.append(.append(path: path, EditValue(value)))
            } else {
                throw InspectionError(.catalogue, "check \(slug): an edit is set, remove or append")
            }
        }
        self.scope = scope
        self.edits = edits
        if let condition = node["unless"] {
            unless = try JudgeDecoding.condition(condition, slug)
        } else {
            unless = nil
        }
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// A Kubernetes label selector, read once and matched against many label sets.
struct LabelSelector: Sendable, Equatable {
    private enum Requirement: Sendable, Equatable {
        case isIn([String])
        case notIn([String])
        case exists
        case absent
    }

    private struct Term: Sendable, Equatable {
        let key: String
        let requirement: Requirement
    }

    private var terms: [Term] = []
    /// Set when the selector has a shape that Kubernetes would refuse: it then selects nothing.
    private var unreadable = false

    /// `node` holds matchLabels and matchExpressions; an empty selector matches everything, an absent one nothing.
    init(_ node: Node?) {
        guard let node, node.kind == .object else {
            unreadable = true
            return
        }
        if let labels = node["matchLabels"], !labels.isNull {
            if labels.kind != .object { unreadable = true }
            for (key, value) in labels.members {
                terms.append(
                    Term(key: Self.plain(key.string), requirement: .isIn([value.string ?? value.json(limit: 63)])))
            }
        }
        if let expressions = node["matchExpressions"], expressions.kind != .array, !expressions.isNull {
            unreadable = true
        }
        for expression in node.list("matchExpressions") {
            guard let key = expression["key"]?.string else {
                unreadable = true
                continue
            }
            let values = expression["values"]?.elements.compactMap(\.string) ?? []
            switch expression["operator"]?.string {
            case "In": terms.append(Term(key: Self.plain(key), requirement: .isIn(values)))
            case "NotIn": terms.append(Term(key: Self.plain(key), requirement: .notIn(values)))
            case "Exists": terms.append(Term(key: Self.plain(key), requirement: .exists))
            case "DoesNotExist": terms.append(Term(key: Self.plain(key), requirement: .absent))
            default: unreadable = true
            }
        }
    }

    /// A Service's selector: equality only, and an empty one selects nothing.
    init(equalities node: Node?) {
        guard let node, node.kind == .object, node.count > 0 else {
            unreadable = true
            return
        }
        for (key, value) in node.members {
            terms.append(Term(key: key.string, requirement: .isIn([value.string ?? value.json(limit: 63)])))
        }
    }

    /// Cilium marks the source of a label in front of its key.
    private static func plain(_ key: String) -> String {
        for source in ["any:", "k8s:"] where key.hasPrefix(source) { return String(key.dropFirst(source.count)) }
        return key
    }

    /// `given` are labels that the object has without carrying them itself.
    func matches(_ labels: Node?, given: [String: String] = [:]) -> Bool {
        if unreadable { return false }
        for term in terms {
            let value = given[term.key] ?? labels?[dynamic: term.key].map { $0.string ?? $0.json(limit: 63) }
            switch term.requirement {
            case .isIn(let values): guard let value, values.contains(value) else { return false }
            case .notIn(let values): if let value, values.contains(value) { return false }
            case .exists: if value == nil { return false }
            case .absent: if value != nil { return false }
            }
        }
        return true
    }
}

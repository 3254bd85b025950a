// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// The `match` block of constraints and mutators. All that is said in it must hold.
package struct ConstraintMatch: Sendable {
    package enum Source: String, Sendable { case all = "All", original = "Original", generated = "Generated" }

    private struct Kinds: Sendable {
        let groups: [String]
        let kinds: [String]
    }

    private let kinds: [Kinds]
    private let scope: String
    private let namespaces: [NamePattern]
    private let excludedNamespaces: [NamePattern]
    private let labels: LabelSelector?
    private let namespaceLabels: LabelSelector?
    private let name: NamePattern?
    private let source: Source

    package init(_ node: Node?, at path: String = "spec.match") throws(GatekeeperError) {
        if let node, !node.isNull, !node.isObject { throw GatekeeperError(.invalid, "\(path) is no object") }
        func strings(_ list: Node?, _ name: String) throws(GatekeeperError) -> [String] {
            guard let list, !list.isNull else { return [] }
            guard list.isArray else { throw GatekeeperError(.invalid, "\(path).\(name) is no list") }
            var found: [String] = []
            for element in list.elements {
                guard let text = element.string else {
                    throw GatekeeperError(.invalid, "\(path).\(name) holds what is no text")
                }
                found.append(text)
            }
            return found
        }
        var kinds: [Kinds] = []
        if let list = node?["kinds"], !list.isNull {
            guard list.isArray else { throw GatekeeperError(.invalid, "\(path).kinds is no list") }
            for (index, entry) in list.elements.enumerated() {
                guard entry.isObject else { throw GatekeeperError(.invalid, "\(path).kinds[\(index)] is no object") }
                kinds.append(
                    Kinds(
                        groups: try strings(entry["apiGroups"], "kinds[].apiGroups"),
                        kinds: try strings(entry["kinds"], "kinds[].kinds")))
            }
        }
        self.kinds = kinds
        for key in ["scope", "name", "source"] {
            guard let word = node?[dynamic: key], !word.isNull else { continue }
            guard word.string != nil else { throw GatekeeperError(.invalid, "\(path).\(key) is no text") }
        }
        scope = node?["scope"]?.string ?? "*"
        guard ["*", "", "Cluster", "Namespaced"].contains(scope) else {
            throw GatekeeperError(.invalid, "\(path).scope must be *, Cluster or Namespaced, not \(scope)")
        }
        namespaces = try strings(node?["namespaces"], "namespaces").map { NamePattern($0) }
        excludedNamespaces = try strings(node?["excludedNamespaces"], "excludedNamespaces").map { NamePattern($0) }
        labels = try LabelSelector(node?["labelSelector"], at: path + ".labelSelector")
        namespaceLabels = try LabelSelector(node?["namespaceSelector"], at: path + ".namespaceSelector")
        name = node?["name"]?.string.flatMap { $0.isEmpty ? nil : NamePattern($0) }
        let source = node?["source"]?.string ?? ""
        guard let known = source.isEmpty ? .all : Source(rawValue: source) else {
            throw GatekeeperError(.invalid, "\(path).source must be All, Original or Generated, not \(source)")
        }
        self.source = known
    }

    /// Whether objects of a kind may be meant.
    /// - Parameter byName: not by a wildcard alone.
    package func means(group: String, kind: String, byName: Bool = false) -> Bool {
        if kinds.isEmpty { return !byName }
        return kinds.contains { entry in
            (entry.groups.isEmpty || entry.groups.contains("*") || entry.groups.contains(group))
                && (entry.kinds.contains(kind) || !byName && (entry.kinds.isEmpty || entry.kinds.contains("*")))
        }
    }

    /// Whether an object is meant.
    /// - Parameter namespace: the object's namespace itself; nil for cluster-scoped objects, or where it is not known.
    /// Throws where labels of a namespace decide and it is not known.
    package func matches(
        _ object: Node, group: String, kind: String, namespace: Node?, isGenerated: Bool = false
    ) throws(GatekeeperError) -> Bool {
        if source == .original && isGenerated || source == .generated && !isGenerated { return false }
        if !means(group: group, kind: kind) { return false }
        let metadata = object["metadata"]
        let own = metadata?["name"]?.string ?? ""
        let isNamespace = kind == "Namespace" && group.isEmpty
        let home = isNamespace ? own : metadata?["namespace"]?.string ?? namespace?["metadata"]?["name"]?.string ?? ""
        let isNamespaced = !isNamespace && !home.isEmpty
        if scope == "Cluster" && isNamespaced || scope == "Namespaced" && !isNamespaced { return false }
        // What lies in no namespace cannot be told apart by one.
        if !home.isEmpty {
            if !namespaces.isEmpty, !namespaces.contains(where: { $0.matches(home) }) { return false }
            if excludedNamespaces.contains(where: { $0.matches(home) }) { return false }
        }
        if let name {
            let generated = metadata?["generateName"]?.string ?? ""
            if !name.matches(own), generated.isEmpty || !name.matches(beginning: generated) { return false }
        }
        if let labels, !labels.matches(metadata?["labels"]) { return false }
        guard let namespaceLabels, !home.isEmpty else { return true }
        if isNamespace { return namespaceLabels.matches(metadata?["labels"]) }
        guard let namespace else {
            throw GatekeeperError(.evaluation, "namespace \(home) is not known, and its labels decide")
        }
        return namespaceLabels.matches(namespace["metadata"]?["labels"])
    }
}

/// A name, or its beginning, end or middle with `*`.
struct NamePattern: Sendable {
    private let text: String
    private let isOpenAtStart: Bool
    private let isOpenAtEnd: Bool

    init(_ pattern: String) {
        isOpenAtStart = pattern.hasPrefix("*")
        isOpenAtEnd = pattern.hasSuffix("*") && pattern.utf8.count > 1 || pattern == "*"
        var body = pattern[...]
        if isOpenAtStart { body = body.dropFirst() }
        if body.hasSuffix("*") { body = body.dropLast() }
        text = String(body)
    }

    /// Whether a name that begins so and has yet to be made matches: its end is not known.
    func matches(beginning: String) -> Bool { isOpenAtEnd && matches(beginning) }

    func matches(_ name: String) -> Bool {
        switch (isOpenAtStart, isOpenAtEnd) {
        case (false, false): name.utf8.elementsEqual(text.utf8)
        case (false, true): name.utf8.starts(with: text.utf8)
        case (true, false): name.utf8.suffix(text.utf8.count).elementsEqual(text.utf8)
        case (true, true): text.isEmpty || name.contains(text)
        }
    }
}

/// A label selector of Kubernetes.
package struct LabelSelector: Sendable {
    private enum Requirement: Sendable {
        case isIn(String, [String])
        case isNotIn(String, [String])
        case exists(String)
        case isAbsent(String)
    }

    private var requirements: [Requirement] = []

    /// Nil where nothing is selected by.
    package init?(_ node: Node?, at path: String) throws(GatekeeperError) {
        guard let node, !node.isNull else { return nil }
        guard node.isObject else { throw GatekeeperError(.invalid, "\(path) is no object") }
        if let labels = node["matchLabels"], !labels.isNull {
            guard labels.isObject else { throw GatekeeperError(.invalid, "\(path).matchLabels is no object") }
            for member in labels.members {
                guard let value = member.value.string else {
                    throw GatekeeperError(.invalid, "\(path).matchLabels.\(member.key) is no text")
                }
                requirements.append(.isIn(member.key.string, [value]))
            }
        }
        guard let expressions = node["matchExpressions"], !expressions.isNull else { return }
        guard expressions.isArray else { throw GatekeeperError(.invalid, "\(path).matchExpressions is no list") }
        for (index, expression) in expressions.elements.enumerated() {
            let place = "\(path).matchExpressions[\(index)]"
            guard let key = expression["key"]?.string else {
                throw GatekeeperError(.invalid, "\(place).key is missing")
            }
            let values = try ObjectFields(expression, at: place).texts("values")
            let op = expression["operator"]?.string
            if ["In", "NotIn"].contains(op), values.isEmpty {
                throw GatekeeperError(.invalid, "\(place).values is missing for \(op ?? "")")
            }
            if ["Exists", "DoesNotExist"].contains(op), !values.isEmpty {
                throw GatekeeperError(.invalid, "\(place).values is not for \(op ?? "")")
            }
            switch op {
            case "In": requirements.append(.isIn(key, values))
            case "NotIn": requirements.append(.isNotIn(key, values))
            case "Exists": requirements.append(.exists(key))
            case "DoesNotExist": requirements.append(.isAbsent(key))
            case let other:
                throw GatekeeperError(
                    .invalid, "\(place).operator must be In, NotIn, Exists or DoesNotExist, not \(other ?? "nothing")")
            }
        }
    }

    package func matches(_ labels: Node?) -> Bool {
        requirements.allSatisfy { requirement in
            switch requirement {
            case .isIn(let key, let values): labels?[dynamic: key]?.string.map { values.contains($0) } ?? false
            case .isNotIn(let key, let values): labels?[dynamic: key]?.string.map { !values.contains($0) } ?? true
            case .exists(let key): labels?[dynamic: key] != nil
            case .isAbsent(let key): labels?[dynamic: key] == nil
            }
        }
    }
}

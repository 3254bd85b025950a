// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

extension PodPolicyBinding {
    /// Reads a PodPolicyBinding object.
    /// - Throws: the first field that is not what it should be; unknown fields too.
    package init(_ node: Node) throws(PodFieldError) {
        let (metadata, spec) = try FieldReader.object(
            node, kind: "PodPolicyBinding", spec: ["policy", "subjects", "namespaces"])
        var subjects: [Subject] = []
        for (index, element) in try spec.elements("subjects").enumerated() {
            subjects.append(try Subject(element, path: "spec.subjects[\(index)]"))
        }
        guard !subjects.isEmpty else { throw spec.problem("subjects", "must name at least one subject") }
        self.init(
            name: try FieldReader.name(of: metadata), policy: try spec.text("policy"), subjects: subjects,
            namespaces: try spec.member("namespaces").map { node throws(PodFieldError) in
                try NamespaceSelection(node, path: "spec.namespaces")
            })
    }
}

extension PodPolicyBinding.Subject {
    private enum Kind: String, CaseIterable { case serviceAccount = "ServiceAccount", user = "User", group = "Group" }

    init(_ node: Node, path: String) throws(PodFieldError) {
        let fields = try FieldReader(node, path: path, known: ["kind", "name", "namespace"])
        let kind: Kind = try fields.choice("kind", default: nil)
        let name = try fields.text("name")
        let namespace = try fields.string("namespace") ?? ""
        switch kind {
        case .serviceAccount:
            guard !namespace.isEmpty else { throw fields.problem("namespace", "is required for a ServiceAccount") }
            // A colon would let one account's name read as another's.
            guard !namespace.contains(":") && !name.contains(":") else {
                throw fields.problem("name", "must be the account's own name and namespace, without a colon")
            }
            self = .serviceAccount(namespace: namespace, name: name)
        case .user, .group:
            guard namespace.isEmpty else { throw fields.problem("namespace", "is only for a ServiceAccount") }
            self = kind == .user ? .user(name) : .group(name)
        }
    }

    /// `ServiceAccount shop/cart`, `User anna`, `Group dev`.
    package var display: String {
        switch self {
        case .user(let name): "User \(name)"
        case .group(let name): "Group \(name)"
        case .serviceAccount(let namespace, let name): "ServiceAccount \(namespace)/\(name)"
        }
    }
}

extension NamespaceSelection {
    init(_ node: Node, path: String) throws(PodFieldError) {
        let fields = try FieldReader(node, path: path, known: ["names", "selector"])
        let names = try fields.names("names")
        var selector: [Requirement]?
        if let given = fields.member("selector") {
            let parts = try FieldReader(given, path: "\(path).selector", known: ["matchLabels", "matchExpressions"])
            var requirements: [Requirement] = []
            if let labels = parts.member("matchLabels") {
                guard labels.isObject else { throw parts.problem("matchLabels", "must be an object") }
                for (key, value) in labels.members {
                    guard let text = value.string else {
                        throw parts.problem("matchLabels.\(key.string.prefix(100))", "must be a string")
                    }
                    requirements.append(Requirement(key: key.string, operator: .isIn, values: [text]))
                }
            }
            for (index, element) in try parts.elements("matchExpressions").enumerated() {
                requirements.append(try Requirement(element, path: "\(path).selector.matchExpressions[\(index)]"))
            }
            selector = requirements
        }
        guard !names.isEmpty || selector != nil else {
            throw PodFieldError(path: path, message: "must hold names or a selector; leave it out for every namespace")
        }
        self.init(names: names, selector: selector)
    }

    /// Whether it reaches a namespace. `labels` are asked for only when the name does not decide.
    func reaches(_ namespace: String, labels: [String: String]) -> Bool {
        names.contains(namespace) || (selector?.allSatisfy { $0.holds(for: labels) } ?? false)
    }

    /// In words: `namespaces a, b and those with team in (x)`.
    package var display: String {
        let named = names.isEmpty ? [] : [names.joined(separator: ", ")]
        return
            (named
            + (selector.map { ["labels " + ($0.isEmpty ? "*" : $0.map(\.display).joined(separator: ","))] } ?? []))
            .joined(separator: "; ")
    }
}

extension NamespaceSelection.Requirement.Operator: CaseIterable {
    package static var allCases: [Self] { [.isIn, .notIn, .exists, .doesNotExist] }
}

extension NamespaceSelection.Requirement {
    init(_ node: Node, path: String) throws(PodFieldError) {
        let fields = try FieldReader(node, path: path, known: ["key", "operator", "values"])
        self.init(
            key: try fields.text("key"), operator: try fields.choice("operator", default: nil),
            values: try fields.elements("values").compactMap(\.string))
        guard values.count == (fields.member("values")?.count ?? 0) else {
            throw fields.problem("values", "must hold strings")
        }
        let wantsValues = self.operator == .isIn || self.operator == .notIn
        guard values.isEmpty != wantsValues else {
            throw fields.problem(
                "values",
                wantsValues
                    ? "must not be empty for \(self.operator.rawValue)" : "must be empty for \(self.operator.rawValue)")
        }
    }

    /// As Kubernetes has it: `NotIn` holds too where the label is absent.
    func holds(for labels: [String: String]) -> Bool {
        let value = labels[key]
        switch self.operator {
        case .isIn: return value.map { values.contains($0) } ?? false
        case .notIn: return value.map { !values.contains($0) } ?? true
        case .exists: return value != nil
        case .doesNotExist: return value == nil
        }
    }

    package var display: String {
        switch self.operator {
        case .isIn: values.count == 1 ? "\(key)=\(values[0])" : "\(key) in (\(values.joined(separator: ",")))"
        case .notIn: "\(key) notin (\(values.joined(separator: ",")))"
        case .exists: key
        case .doesNotExist: "!\(key)"
        }
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import Documents

/// Which requests a policy or a binding means.
package struct MatchResources: Sendable {
    package enum Scope: String, Sendable, CaseIterable {
        case all = "*", cluster = "Cluster", namespaced = "Namespaced"
    }
    package enum MatchPolicy: String, Sendable, CaseIterable { case exact = "Exact", equivalent = "Equivalent" }

    struct Rule: Sendable {
        let operations: Words
        let groups: Words
        let versions: Words
        let resources: [Pattern]
        let names: Set<String>
        let scope: Scope
    }

    /// A short list, or `*`.
    struct Words: Sendable {
        private let isAny: Bool
        let texts: [String]

        init(_ texts: [String]) { (isAny, self.texts) = (texts.contains("*"), texts) }

        func mean(_ text: String) -> Bool { isAny || texts.contains(text) }
    }

    /// `pods`, `pods/status`, `*/scale`
    struct Pattern: Sendable {
        let resource: String
        /// Nil where no subresource is meant.
        let subresource: String?

        init(_ text: String) {
            let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            (resource, subresource) = (parts[0], parts.count == 2 ? parts[1] : nil)
        }
    }

    let rules: [Rule]
    private let excluded: [Rule]
    private let namespaces: LabelSelector?
    private let objects: LabelSelector?
    private let matchPolicy: MatchPolicy

    /// - Parameter needsRules: a policy has to say what it is about; a binding without rules means all that its policy
    ///   means.
    init(_ fields: ObjectFields, needsRules: Bool) throws(GatekeeperError) {
        rules = try MatchResources.rules(fields, "resourceRules")
        excluded = try MatchResources.rules(fields, "excludeResourceRules")
        if needsRules, rules.isEmpty {
            throw GatekeeperError(.invalid, "\(fields.at("resourceRules")) is missing")
        }
        /// An empty selector leaves nothing out.
        func selector(_ key: String) throws(GatekeeperError) -> LabelSelector? {
            let value = fields.value(key)
            if let value, value.isObject, value.count == 0 { return nil }
            return try LabelSelector(value, at: fields.at(key))
        }
        namespaces = try selector("namespaceSelector")
        objects = try selector("objectSelector")
        matchPolicy = try fields.word("matchPolicy", MatchPolicy.self) ?? .equivalent
    }

    private static func rules(_ fields: ObjectFields, _ key: String) throws(GatekeeperError) -> [Rule] {
        var rules: [Rule] = []
        for entry in try fields.objects(key) {
            func required(_ key: String) throws(GatekeeperError) -> [String] {
                let texts = try entry.texts(key)
                if texts.isEmpty { throw GatekeeperError(.invalid, "\(entry.at(key)) is missing") }
                if texts.contains("*"), texts.count > 1, key != "resources" {
                    throw GatekeeperError(.invalid, "\(entry.at(key)): * stands alone")
                }
                return texts
            }
            let operations = try required("operations")
            for operation in operations where !["*", "CREATE", "UPDATE", "DELETE", "CONNECT"].contains(operation) {
                throw GatekeeperError(
                    .invalid,
                    "\(entry.at("operations")) must be *, CREATE, UPDATE, DELETE or CONNECT, not \(operation)")
            }
            rules.append(
                Rule(
                    operations: Words(operations), groups: Words(try required("apiGroups")),
                    versions: Words(try required("apiVersions")),
                    resources: try required("resources").map { Pattern($0) },
                    names: Set(try entry.texts("resourceNames")),
                    scope: try entry.word("scope", Scope.self) ?? .all))
        }
        return rules
    }

    /// Groups that have served the same resource under another name.
    private static let moved: [String: Set<String>] = [
        "deployments": ["apps", "extensions"], "daemonsets": ["apps", "extensions"],
        "replicasets": ["apps", "extensions"], "ingresses": ["networking.k8s.io", "extensions"],
        "networkpolicies": ["networking.k8s.io", "extensions"], "events": ["", "events.k8s.io"],
        "podsecuritypolicies": ["policy", "extensions"],
    ]

    /// Whether one of the rules names the resource, in whatever version where the match policy says so.
    private func matches(_ rule: Rule, _ request: AdmissionRequest) -> Bool {
        guard rule.operations.mean(request.operation.rawValue) else { return false }
        guard rule.names.isEmpty || rule.names.contains(request.name) else { return false }
        let isNamespaced = !request.namespace.isEmpty && !request.isNamespace
        switch rule.scope {
        case .all: break
        case .cluster: if isNamespaced { return false }
        case .namespaced: if !isNamespaced { return false }
        }
        let (resource, sub) = (request.resource.name, request.subresource)
        let isNamed = rule.resources.contains { pattern in
            guard pattern.resource == "*" || pattern.resource == resource else { return false }
            guard let named = pattern.subresource else { return sub.isEmpty }
            return named == "*" || named == sub
        }
        guard isNamed else { return false }
        if rule.groups.mean(request.resource.group) {
            return matchPolicy == .equivalent || rule.versions.mean(request.resource.version)
        }
        guard matchPolicy == .equivalent, let groups = Self.moved[resource], groups.contains(request.resource.group)
        else { return false }
        return !groups.isDisjoint(with: rule.groups.texts)
    }

    /// - Parameter namespace: the request's namespace, where it is known.
    /// - Throws: where the answer depends on a namespace that is not known.
    package func means(_ request: AdmissionRequest, namespace: Node?) throws(GatekeeperError) -> Bool {
        if excluded.contains(where: { matches($0, request) }) { return false }
        guard rules.isEmpty || rules.contains(where: { matches($0, request) }) else { return false }
        if let objects {
            let isMeant = [request.object, request.oldObject].contains { object in
                object.map { objects.matches($0["metadata"]?["labels"]) } ?? false
            }
            if !isMeant { return false }
        }
        guard let namespaces else { return true }
        if request.isNamespace {
            return namespaces.matches((request.object ?? request.oldObject)?["metadata"]?["labels"])
        }
        // What lives in no namespace is not left out by one.
        if request.namespace.isEmpty { return true }
        guard let namespace else {
            throw GatekeeperError(.evaluation, "the namespace \(request.namespace) is not known")
        }
        return namespaces.matches(namespace["metadata"]?["labels"])
    }
}

extension AdmissionRequest {
    /// Whether it is about a namespace itself.
    var isNamespace: Bool { resource.group.isEmpty && resource.name == "namespaces" }
}

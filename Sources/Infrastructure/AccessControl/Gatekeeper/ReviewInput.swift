// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Admission
import Documents
import Rego

/// What is judged: a request to the API server, or an object as if one were about it.
package struct ReviewInput: Sendable {
    package let group: String
    package let version: String
    package let kind: String
    package let object: Node?
    package let oldObject: Node?
    /// The object's namespace, where it is known.
    package let namespace: Node?
    /// `input.review`.
    package let review: Value

    /// Of an `AdmissionReview`, or of any other object.
    package init(_ node: Node, namespace: (String) -> Node?) throws(GatekeeperError) {
        if node["kind"]?.string == "AdmissionReview", node["apiVersion"]?.string?.hasPrefix("admission.k8s.io/") == true
        {
            guard let request = node["request"], request.isObject else {
                throw GatekeeperError(.invalid, "the AdmissionReview has no request")
            }
            self = try ReviewInput(request: request, namespace: namespace)
            return
        }
        self = try ReviewInput(plain: node, namespace: namespace)
    }

    /// Of an object, as if it were about to be made.
    private init(plain node: Node, namespace: (String) -> Node?) throws(GatekeeperError) {
        guard let kind = node["kind"]?.string, !kind.isEmpty, let apiVersion = node["apiVersion"]?.string else {
            throw GatekeeperError(.invalid, "the object has no apiVersion and kind")
        }
        let home = node["metadata"]?["namespace"]?.string ?? ""
        self.init(node, .node(node), apiVersion, kind, home.isEmpty ? nil : namespace(home))
    }

    /// Of an object as it stands in a cluster. Lists leave `apiVersion` and `kind` out of their items.
    package init(listed node: Node, apiVersion: String, kind: String, namespace: Node?) {
        var members = ObjectValue(node)
        members.set(.string("apiVersion"), .string(apiVersion))
        members.set(.string("kind"), .string(kind))
        self.init(node, .object(members), apiVersion, kind, namespace)
    }

    private init(_ node: Node, _ value: Value, _ apiVersion: String, _ kind: String, _ namespace: Node?) {
        let parts = apiVersion.split(separator: "/", maxSplits: 1).map(String.init)
        group = parts.count == 2 ? parts[0] : ""
        version = parts.last ?? ""
        self.kind = kind
        object = node
        oldObject = nil
        let home = node["metadata"]?["namespace"]?.string ?? ""
        self.namespace = namespace
        let name = node["metadata"]?["name"]?.string ?? ""
        // Members as an AdmissionRequest without these has them: a name that is not there is absent, not empty.
        var members: [(String, Value)] = [
            ("kind", ReviewInput.kind(group, version, kind)), ("resource", ReviewInput.noResource),
            ("operation", .string("")), ("object", value), ("oldObject", .null), ("options", .null),
            ("uid", .string("")), ("userInfo", .emptyObject),
        ]
        if !name.isEmpty { members.append(("name", .string(name))) }
        if !home.isEmpty { members.append(("namespace", .string(home))) }
        review = ReviewInput.review(members, self.namespace)
    }

    /// Of a request that an API server asks about.
    package init(_ request: AdmissionRequest, namespace: Node?) throws(GatekeeperError) {
        (group, version, kind) = (request.kind.group, request.kind.version, request.kind.name)
        oldObject = request.oldObject
        object = request.object ?? (request.operation == .delete ? request.oldObject : nil)
        guard object != nil || oldObject != nil else {
            throw GatekeeperError(.invalid, "the request has neither object nor oldObject")
        }
        self.namespace = group.isEmpty && kind == "Namespace" ? nil : namespace
        let user = ObjectValue([
            (.string("username"), .string(request.user)),
            (.string("groups"), .array(request.groups.map { .string($0) })),
        ])
        let resource = ObjectValue([
            (.string("group"), .string(request.resource.group)), (.string("resource"), .string(request.resource.name)),
            (.string("version"), .string(request.resource.version)),
        ])
        var members: [(String, Value)] = [
            ("uid", .string(request.uid)), ("kind", ReviewInput.kind(group, version, kind)),
            ("resource", .object(resource)), ("operation", .string(request.operation.rawValue)),
            ("userInfo", request.userInfo.map { .node($0) } ?? .object(user)),
            ("object", object.map { .node($0) } ?? .null),
            ("oldObject", oldObject.map { .node($0) } ?? .null), ("dryRun", .bool(request.dryRun)),
            ("options", request.options.map { .node($0) } ?? .null),
        ]
        for (key, text) in [
            ("name", request.name), ("namespace", request.namespace), ("subResource", request.subresource),
        ] where !text.isEmpty { members.append((key, .string(text))) }
        review = ReviewInput.review(members, self.namespace)
    }

    /// Of the `request` of an AdmissionReview.
    package init(request: Node, namespace: (String) -> Node?) throws(GatekeeperError) {
        let kind = request["kind"]
        group = kind?["group"]?.string ?? ""
        version = kind?["version"]?.string ?? ""
        self.kind = kind?["kind"]?.string ?? ""
        func value(_ node: Node?) -> Node? { node.flatMap { $0.isNull ? nil : $0 } }
        oldObject = value(request["oldObject"])
        let isDeletion = request["operation"]?.string == "DELETE"
        // On a deletion what is deleted is judged.
        object = value(request["object"]) ?? (isDeletion ? oldObject : nil)
        guard object != nil || oldObject != nil else {
            throw GatekeeperError(.invalid, "the request has neither object nor oldObject")
        }
        let home = request["namespace"]?.string ?? ""
        self.namespace = home.isEmpty || self.kind == "Namespace" ? nil : namespace(home)
        var members = request.members.map { ($0.key.string, Value.node($0.value)) }
        if isDeletion, let object { members.append(("object", .node(object))) }
        review = ReviewInput.review(members, self.namespace)
    }

    private static func kind(_ group: String, _ version: String, _ kind: String) -> Value {
        .object(
            ObjectValue([
                (.string("group"), .string(group)), (.string("kind"), .string(kind)),
                (.string("version"), .string(version)),
            ]))
    }

    private static let noResource = Value.object(
        ObjectValue([
            (.string("group"), .string("")), (.string("resource"), .string("")), (.string("version"), .string("")),
        ]))

    private static func review(_ members: [(String, Value)], _ namespace: Node?) -> Value {
        var all = members.map { (Value.string($0.0), $0.1) }
        if let namespace {
            all.append((.string("_unstable"), .object(ObjectValue([(.string("namespace"), .node(namespace))]))))
        }
        return .object(ObjectValue(all))
    }

    /// Whether a constraint means it: the object or what it was before.
    package func isMeant(by match: ConstraintMatch, isGenerated: Bool = false) throws(GatekeeperError) -> Bool {
        for candidate in [object, oldObject] {
            guard let candidate else { continue }
            if try match.matches(candidate, group: group, kind: kind, namespace: namespace, isGenerated: isGenerated) {
                return true
            }
        }
        return false
    }
}

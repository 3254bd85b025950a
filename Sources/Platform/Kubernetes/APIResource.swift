// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// One resource in one version as a server serves it: `deployments` of `apps/v1`.
package struct APIResource: Sendable, Hashable, CustomStringConvertible {
    /// Empty for the core group.
    package var group: String
    package var version: String
    /// The name in paths: `deployments`.
    package var plural: String
    package var kind: String
    package var namespaced: Bool
    /// `list`, `watch`, `create`, …; empty when made by hand.
    package var verbs: [String]

    package init(
        group: String, version: String, plural: String, kind: String, namespaced: Bool, verbs: [String] = []
    ) {
        self.group = group
        self.version = version
        self.plural = plural
        self.kind = kind
        self.namespaced = namespaced
        self.verbs = verbs
    }

    /// `v1`, `apps/v1`.
    package var apiVersion: String { group.isEmpty ? version : "\(group)/\(version)" }

    /// `pods`, `deployments.apps`, as kubectl and RBAC messages name it.
    package var description: String { group.isEmpty ? plural : "\(plural).\(group)" }

    /// Whether its objects hold credentials. The client refuses to list or watch it.
    package var isSecret: Bool { group.isEmpty && plural == "secrets" }

    /// The path of the collection, or of one object.
    func path(namespace: String?, name: String? = nil) -> String {
        var path = group.isEmpty ? "/api/\(version.urlSegment)" : "/apis/\(group.urlSegment)/\(version.urlSegment)"
        if namespaced, let namespace, !namespace.isEmpty { path += "/namespaces/\(namespace.urlSegment)" }
        path += "/\(plural.urlSegment)"
        if let name { path += "/\(name.urlSegment)" }
        return path
    }
}

extension APIResource {
    package static let namespaces = APIResource(
        group: "", version: "v1", plural: "namespaces", kind: "Namespace", namespaced: false)
    package static let pods = APIResource(group: "", version: "v1", plural: "pods", kind: "Pod", namespaced: true)
    package static let events = APIResource(group: "", version: "v1", plural: "events", kind: "Event", namespaced: true)
    package static let configMaps = APIResource(
        group: "", version: "v1", plural: "configmaps", kind: "ConfigMap", namespaced: true)
    package static let customResourceDefinitions = APIResource(
        group: "apiextensions.k8s.io", version: "v1", plural: "customresourcedefinitions",
        kind: "CustomResourceDefinition", namespaced: false)
}

/// Who an object is, and which state of it.
package struct ObjectIdentity: Sendable, Hashable {
    package var apiVersion: String
    package var kind: String
    /// Empty for what lives in no namespace.
    package var namespace: String
    package var name: String
    package var uid: String
    /// Opaque: equal or not equal, nothing else.
    package var resourceVersion: String

    package init(
        apiVersion: String, kind: String, namespace: String, name: String, uid: String, resourceVersion: String
    ) {
        self.apiVersion = apiVersion
        self.kind = kind
        self.namespace = namespace
        self.name = name
        self.uid = uid
        self.resourceVersion = resourceVersion
    }
}

/// An object as the server gave it.
///
/// Lists leave `apiVersion` and `kind` out of their items, so read these two from the identity, never from the node.
package struct APIObject: Sendable {
    package var identity: ObjectIdentity
    /// The whole object. It keeps the page or event alive that it came in: do not store it.
    package var node: Node

    /// - Throws: `malformedAnswer` when there is no `metadata.name`.
    init(_ node: Node, of resource: APIResource) throws {
        guard let metadata = node["metadata"], let name = metadata["name"]?.string else {
            throw KubernetesError(.malformedAnswer, "an object of \(resource) without metadata.name")
        }
        identity = ObjectIdentity(
            apiVersion: resource.apiVersion, kind: resource.kind, namespace: metadata["namespace"]?.string ?? "",
            name: name, uid: metadata["uid"]?.string ?? "",
            resourceVersion: metadata["resourceVersion"]?.string ?? "")
        self.node = node
    }
}

extension String {
    /// Percent-encoded for use as one path segment or one query value (RFC 3986 unreserved characters stay).
    var urlSegment: String {
        var result = ""
        for byte in utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let hex = String(byte, radix: 16, uppercase: true)
                result += hex.utf8.count == 1 ? "%0\(hex)" : "%\(hex)"
            }
        }
        // A lone dot segment would be folded away by whoever normalises the path.
        return result == "." ? "%2E" : result == ".." ? "%2E%2E" : result
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// A group, a version, and a kind or a plural resource name.
package struct GroupVersionName: Sendable, Hashable, CustomStringConvertible {
    /// Empty for the core group.
    package var group: String
    package var version: String
    /// `Pod` for a kind, `pods` for a resource.
    package var name: String

    package init(group: String, version: String, name: String) {
        self.group = group
        self.version = version
        self.name = name
    }

    package var apiVersion: String { group.isEmpty ? version : "\(group)/\(version)" }
    package var description: String { "\(apiVersion) \(name)" }
}

/// What an API server asks about (admission.k8s.io/v1 AdmissionRequest).
package struct AdmissionRequest: Sendable {
    package enum Operation: String, Sendable {
        case create = "CREATE", update = "UPDATE", delete = "DELETE", connect = "CONNECT"
    }

    package var uid: String
    package var operation: Operation
    /// Of `object`, as converted for the webhook.
    package var kind: GroupVersionName
    package var resource: GroupVersionName
    /// `ephemeralcontainers`, `resize`, `status`; empty for the object itself.
    package var subresource: String
    /// Empty for what lives in no namespace.
    package var namespace: String
    /// Empty while the server has not made one (generateName).
    package var name: String
    package var user: String
    package var groups: [String]
    /// All that is known of the user, with uid and extra fields; nil when there is nothing beyond name and groups.
    package var userInfo: Node?
    /// CreateOptions and the like.
    package var options: Node?
    package var dryRun: Bool
    /// Nil on DELETE.
    package var object: Node?
    /// Nil on CREATE.
    package var oldObject: Node?
    /// When its review is cut off; set by the chain.
    package var deadline: ContinuousClock.Instant?

    package init(
        uid: String, operation: Operation, kind: GroupVersionName, resource: GroupVersionName, subresource: String = "",
        namespace: String = "", name: String = "", user: String = "", groups: [String] = [], userInfo: Node? = nil,
        options: Node? = nil, dryRun: Bool = false, object: Node? = nil, oldObject: Node? = nil
    ) {
        self.uid = uid
        self.operation = operation
        self.kind = kind
        self.resource = resource
        self.subresource = subresource
        self.namespace = namespace
        self.name = name
        self.user = user
        self.groups = groups
        self.userInfo = userInfo
        self.options = options
        self.dryRun = dryRun
        self.object = object
        self.oldObject = oldObject
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// What was judged: a Kubernetes object in a cluster. Empty strings stand for "none".
public struct Subject: Sendable, Hashable, Comparable {
    /// What all copies share: each result of a run holds its subject, and a pod has dozens.
    private final class Parts: Sendable {
        let cluster: String
        let apiVersion: String
        let kind: String
        let namespace: String
        let name: String

        init(_ cluster: String, _ apiVersion: String, _ kind: String, _ namespace: String, _ name: String) {
            self.cluster = cluster
            self.apiVersion = apiVersion
            self.kind = kind
            self.namespace = namespace
            self.name = name
        }
    }

    private var parts: Parts

    /// Names an object; what is left out is empty.
    public init(cluster: String = "", apiVersion: String, kind: String, namespace: String = "", name: String) {
        parts = Parts(cluster, apiVersion, kind, namespace, name)
    }

    /// The cluster's name; empty for files.
    public var cluster: String {
        get { parts.cluster }
        set { parts = Parts(newValue, apiVersion, kind, namespace, name) }
    }

    /// Group and version, e.g. `apps/v1`.
    public var apiVersion: String {
        get { parts.apiVersion }
        set { parts = Parts(cluster, newValue, kind, namespace, name) }
    }

    /// The kind, e.g. `Deployment`.
    public var kind: String {
        get { parts.kind }
        set { parts = Parts(cluster, apiVersion, newValue, namespace, name) }
    }

    /// The namespace; empty for what has none.
    public var namespace: String {
        get { parts.namespace }
        set { parts = Parts(cluster, apiVersion, kind, newValue, name) }
    }

    /// The object's name.
    public var name: String {
        get { parts.name }
        set { parts = Parts(cluster, apiVersion, kind, namespace, newValue) }
    }

    /// Compares all parts.
    public static func == (left: Subject, right: Subject) -> Bool {
        left.parts === right.parts
            || left.name == right.name && left.namespace == right.namespace && left.kind == right.kind
                && left.apiVersion == right.apiVersion && left.cluster == right.cluster
    }

    /// Whether both are copies of one value, which is cheaper to ask than whether they are equal.
    public func isSame(as other: Subject) -> Bool { parts === other.parts }

    /// Hashes all parts.
    public func hash(into hasher: inout Hasher) {
        for part in [cluster, apiVersion, kind, namespace, name] { hasher.combine(part) }
    }

    /// The API group without its version (`apps`), empty for the core group. Identity ignores versions.
    public var group: Substring {
        guard let slash = apiVersion.utf8.firstIndex(of: UInt8(ascii: "/")) else { return "" }
        return apiVersion[..<slash]
    }

    /// `Deployment shop/cart`, or `ClusterRole admin` without a namespace.
    public var display: String { namespace.isEmpty ? "\(kind) \(name)" : "\(kind) \(namespace)/\(name)" }

    /// Orders by namespace, kind, name: how tables list subjects.
    public static func < (left: Subject, right: Subject) -> Bool {
        (left.cluster, left.namespace, left.kind, left.name, left.apiVersion)
            < (right.cluster, right.namespace, right.kind, right.name, right.apiVersion)
    }
}

/// Where in an input a subject was read.
public struct SourceLocation: Sendable, Hashable {
    /// The path as the user named it; `-` for standard input.
    public var file: String
    /// Counted from 1; 0 when unknown.
    public var line: Int

    /// Names a line of a file.
    public init(file: String, line: Int) {
        self.file = file
        self.line = line
    }
}

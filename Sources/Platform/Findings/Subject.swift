// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// What was judged: a Kubernetes object in a cluster. Empty strings stand for "none".
package struct Subject: Sendable, Hashable, Comparable {
    /// The cluster's name; empty for files.
    package var cluster: String
    package var apiVersion: String
    package var kind: String
    package var namespace: String
    package var name: String

    package init(cluster: String = "", apiVersion: String, kind: String, namespace: String = "", name: String) {
        self.cluster = cluster
        self.apiVersion = apiVersion
        self.kind = kind
        self.namespace = namespace
        self.name = name
    }

    /// The API group without its version (`apps`), empty for the core group. Identity ignores versions.
    package var group: Substring {
        guard let slash = apiVersion.utf8.firstIndex(of: UInt8(ascii: "/")) else { return "" }
        return apiVersion[..<slash]
    }

    /// `Deployment shop/cart`, or `ClusterRole admin` without a namespace.
    package var display: String { namespace.isEmpty ? "\(kind) \(name)" : "\(kind) \(namespace)/\(name)" }

    /// Orders by namespace, kind, name: how tables list subjects.
    package static func < (left: Subject, right: Subject) -> Bool {
        (left.cluster, left.namespace, left.kind, left.name, left.apiVersion)
            < (right.cluster, right.namespace, right.kind, right.name, right.apiVersion)
    }
}

/// Where in an input a subject was read.
package struct SourceLocation: Sendable, Hashable {
    /// The path as the user named it; `-` for standard input.
    package var file: String
    /// Counted from 1; 0 when unknown.
    package var line: Int

    package init(file: String, line: Int) {
        self.file = file
        self.line = line
    }
}

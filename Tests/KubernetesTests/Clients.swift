// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import TestSupport

@testable import Kubernetes

/// A client of a made-up server, impatient enough for tests.
func client(
    _ server: String, credentials: CredentialSource = .init(.token(Secret("sesame-4711-sesame"))),
    prepare: (inout ClusterConnection, inout APIClientOptions) -> Void = { _, _ in }
) throws -> APIClient {
    var connection = ClusterConnection(
        cluster: "fake", context: "", server: server, namespace: "default", user: "user eve of /home/eve/.kube/config",
        credentials: credentials)
    var options = APIClientOptions()
    options.retries = RetryPolicy(attempts: 3, base: .milliseconds(10), ceiling: .milliseconds(50))
    options.requestTimeout = .seconds(2)
    options.idleTimeout = .seconds(1)
    options.connectTimeout = .seconds(2)
    options.watchIdleTimeout = .milliseconds(500)
    prepare(&connection, &options)
    return try APIClient(connection, options: options)
}

/// A pod as lists hold it.
func pod(_ name: String, uid: String = "u", version: Int = 1, namespace: String = "shop") -> String {
    #"{"metadata":{"name":"\#(name)","namespace":"\#(namespace)","uid":"\#(uid)","resourceVersion":"\#(version)"}}"#
}

/// A PodList.
func podList(_ pods: [String], version: Int, next: String = "") -> String {
    #"{"kind":"PodList","metadata":{"resourceVersion":"\#(version)","continue":"\#(next)"},"#
        + #""items":[\#(pods.joined(separator: ","))]}"#
}

/// A line of a watch.
func line(_ type: String, _ object: String) -> String { #"{"type":"\#(type)","object":\#(object)}"# }

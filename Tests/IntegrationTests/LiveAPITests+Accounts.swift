// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import Kubernetes
import TestSupport
import Testing

/// The ways to come with a token, with real tokens of a real API server.
@Suite(.enabled(if: TestCluster.isAvailable)) struct LiveAccountTests {
    private struct Account {
        var namespace: String
        var token: String
        var user: String { "system:serviceaccount:\(namespace):reader" }
    }

    /// A service account that may list pods once `grant` is called.
    private func makeAccount(_ client: APIClient) async throws -> Account {
        let namespace = try await client.makeNamespace("account")
        let accounts = "/api/v1/namespaces/\(namespace)/serviceaccounts"
        _ = try await client.send(APIRequest(.post, path: accounts, body: .json(#"{"metadata":{"name":"reader"}}"#)))
        let answer = try await client.send(
            APIRequest(
                .post, path: accounts + "/reader/token",
                body: .json(#"{"kind":"TokenRequest","apiVersion":"authentication.k8s.io/v1","spec":{}}"#)))
        return Account(namespace: namespace, token: try #require(answer.root["status"]?["token"]?.string))
    }

    private func grant(_ account: Account, _ client: APIClient) async throws {
        let path = "/apis/rbac.authorization.k8s.io/v1/namespaces/\(account.namespace)"
        _ = try await client.send(
            APIRequest(
                .post, path: path + "/roles",
                body: .json(
                    #"{"metadata":{"name":"r"},"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["list"]}]}"#)))
        _ = try await client.send(
            APIRequest(
                .post, path: path + "/rolebindings",
                body: .json(
                    #"{"metadata":{"name":"r"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"r"},"#
                        + #""subjects":[{"kind":"ServiceAccount","name":"reader","namespace":"\#(account.namespace)"}]}"#
                )))
    }

    /// The authority of the cluster, as PEM.
    private func authority(_ cluster: TestCluster) throws -> String {
        let config = try DocumentReader.documents(
            in: [UInt8](Data(contentsOf: URL(filePath: cluster.kubeconfig))), source: "kubeconfig"
        ).first?.get().root
        let encoded = try #require(config?["clusters"]?[0]?["cluster"]?["certificate-authority-data"]?.string)
        return String(decoding: try #require(Data(base64Encoded: encoded)), as: UTF8.self)
    }

    @Test func aPodReachesItsOwnCluster() async throws {
        let cluster = try await TestCluster.shared()
        let admin = try cluster.client()
        let account = try await makeAccount(admin)
        let folder = try ScratchFolder()
        try folder.write(account.token + "\n", to: "token")
        try folder.write(account.namespace, to: "namespace")
        try folder.write(authority(cluster), to: "ca.crt")
        let address = try #require(URL(string: admin.connection.server))
        let connection = try #require(
            try ClusterConnection.inCluster(
                environment: [
                    "KUBERNETES_SERVICE_HOST": address.host ?? "", "KUBERNETES_SERVICE_PORT": "\(address.port ?? 443)",
                ], folder: folder.path))
        let client = try APIClient(connection)
        let selection = Selection(namespace: connection.namespace)

        let denied = await #expect(throws: KubernetesError.self) { _ = try await client.everything(.pods, selection) }
        #expect(denied?.code == .forbidden)
        #expect(denied?.message.contains("User \"\(account.user)\" cannot list resource \"pods\"") == true)
        #expect(denied?.message.contains(account.token) == false)
        try await grant(account, admin)
        // The authorizer hears of new roles by watching.
        let deadline = ContinuousClock.now + .seconds(10)
        while (try? await client.everything(.pods, selection)) == nil, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(50))
        }
        #expect(try await client.everything(.pods, selection).isEmpty)

        // A token that is damaged, as after the cluster's keys changed; then a fresh one in its place.
        let broken = try folder.write(account.token.dropLast(8) + "AAAAAAAA", to: "token")
        let stale = try APIClient(
            try #require(
                try ClusterConnection.inCluster(
                    environment: [
                        "KUBERNETES_SERVICE_HOST": address.host ?? "",
                        "KUBERNETES_SERVICE_PORT": "\(address.port ?? 443)",
                    ], folder: folder.path)))
        let refused = await #expect(throws: KubernetesError.self) { _ = try await stale.everything(.pods, selection) }
        #expect(refused?.code == .unauthorized)
        #expect(refused?.message.contains("the token in \(broken)") == true, "\(refused?.message ?? "")")
        try folder.write(account.token, to: "token")
        #expect(try await stale.everything(.pods, selection).isEmpty)
    }

    @Test func aPluginAndImpersonation() async throws {
        let cluster = try await TestCluster.shared()
        let admin = try cluster.client()
        let account = try await makeAccount(admin)
        let folder = try ScratchFolder()
        try folder.write(
            """
            #!/bin/sh
            echo '{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","status":{"token":"\(account.token)"}}'
            """, to: "login", mode: 0o700)
        let text = try String(contentsOfFile: cluster.kubeconfig, encoding: .utf8)
        let users = try #require(text.range(of: "users:"))
        let plugin = try folder.write(
            text[..<users.lowerBound] + """
                users:
                - name: admin
                  user: {exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: ./login}}
                """, to: "config")
        let client = try APIClient(ClusterConnection.resolve(kubeconfig: plugin, environment: [:]))
        let denied = await #expect(throws: KubernetesError.self) { _ = try await client.everything(.pods) }
        #expect(denied?.message.contains(account.user) == true, "\(denied?.message ?? "")")

        // The same person, seen from the administrator's side.
        let other = try folder.write(text + "    as: \(account.user)\n", to: "as")
        let seen = try APIClient(ClusterConnection.resolve(kubeconfig: other, environment: [:]))
        let same = await #expect(throws: KubernetesError.self) { _ = try await seen.everything(.pods) }
        #expect(same?.message.contains(account.user) == true, "\(same?.message ?? "")")
    }
}

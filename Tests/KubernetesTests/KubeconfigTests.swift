// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing
import TestSupport

@testable import Kubernetes

@Suite struct KubeconfigTests {
    let folder: ScratchFolder
    init() throws { folder = try ScratchFolder() }

    private func config(_ text: String, name: String = "config") throws -> Kubeconfig {
        let file = try folder.write(text, to: name)
        return try #require(try Kubeconfig.load(path: file, environment: [:]))
    }

    private static func whole(cluster: String = "server: https://a.example:6443", user: String = "token: t") -> String {
        """
        apiVersion: v1
        kind: Config
        current-context: main
        contexts: [{name: main, context: {cluster: c, user: u, namespace: shop}}]
        clusters: [{name: c, cluster: {\(cluster)}}]
        users: [{name: u, user: {\(user)}}]
        """
    }

    @Test func currentContextNamesClusterUserAndNamespace() throws {
        let connection = try config(Self.whole(cluster: "server: https://a.example:6443/k8s/")).connection()
        #expect(connection.server == "https://a.example:6443/k8s")
        #expect(connection.cluster == "c")
        #expect(connection.context == "main")
        #expect(connection.namespace == "shop")
    }

    @Test func jsonIsReadToo() throws {
        let text =
            #"{"current-context":"x","contexts":[{"name":"x","context":{"cluster":"c"}}],"#
            + #""clusters":[{"name":"c","cluster":{"server":"http://127.0.0.1:8001"}}]}"#
        #expect(try config(text).connection().server == "http://127.0.0.1:8001")
    }

    @Test func earlierFilesWin() throws {
        let one = try folder.write("current-context: b\nclusters: [{name: c, cluster: {server: https://one}}]", to: "1")
        let two = try folder.write(
            """
            current-context: other
            contexts: [{name: b, context: {cluster: c}}]
            clusters: [{name: c, cluster: {server: https://two}}]
            """, to: "2")
        let merged = try #require(
            try Kubeconfig.load(path: nil, environment: ["KUBECONFIG": "\(one):\(folder.path)/missing:\(two)"]))
        #expect(merged.files == [one, two])
        #expect(try merged.connection().server == "https://one")
    }

    @Test func homeIsTheDefault() throws {
        #expect(try Kubeconfig.load(path: nil, environment: ["HOME": folder.path]) == nil)
        _ = try folder.write(Self.whole(), to: ".kube/config")
        let config = try #require(try Kubeconfig.load(path: nil, environment: ["HOME": folder.path]))
        #expect(config.contextNames == ["main"])
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        var text: String
        var code: KubernetesError.Code
        var says: [String]
        var testDescription: String { says.joined(separator: " … ") }
    }

    @Test(arguments: [
        Bad(text: "current-context: [", code: .invalidKubeconfig, says: ["config:"]),
        Bad(text: "just text", code: .invalidKubeconfig, says: ["expected a mapping"]),
        Bad(text: "kind: Pod", code: .invalidKubeconfig, says: ["kind is Pod"]),
        Bad(text: "contexts: 1", code: .invalidKubeconfig, says: ["config:1", "contexts must be a list"]),
        Bad(text: "\ncontexts:\n- context: {}", code: .invalidKubeconfig, says: ["config:3", "needs a name"]),
        Bad(text: "kind: Config", code: .invalidKubeconfig, says: ["defines no context"]),
        Bad(text: "contexts: [{name: a}, {name: b}]", code: .invalidKubeconfig, says: ["no current-context", "a, b"]),
        Bad(
            text: "current-context: x\ncontexts: [{name: a}]", code: .invalidKubeconfig,
            says: ["no context x", "has a"]),
        Bad(
            text: "current-context: a\ncontexts: [{name: a}]", code: .invalidKubeconfig,
            says: ["context a has no cluster"]),
        Bad(text: whole(cluster: "x: 1"), code: .invalidKubeconfig, says: ["c has no server"]),
        Bad(text: whole(cluster: "server: 7"), code: .invalidKubeconfig, says: ["c has a server that is no string"]),
        Bad(text: whole(cluster: "server: nowhere"), code: .invalidKubeconfig, says: ["no address: nowhere"]),
        Bad(text: whole(cluster: "server: ftp://x"), code: .invalidKubeconfig, says: ["scheme ftp"]),
        Bad(
            text: whole(cluster: "server: https://x, certificate-authority: ca.pem"), code: .unreadableFile,
            says: ["certificate-authority", "/ca.pem: there is no such file", "named by c in"]),
        Bad(
            text: whole(cluster: "server: https://x, certificate-authority-data: '%%%'"), code: .invalidKubeconfig,
            says: ["certificate-authority-data that is no base64"]),
        Bad(
            text: whole(cluster: "server: https://x, proxy-url: 'https://p:1'"), code: .unsupported,
            says: ["proxy-url with the scheme https"]),
        Bad(
            text: whole(cluster: "server: https://x, insecure-skip-tls-verify: maybe"), code: .invalidKubeconfig,
            says: ["neither true nor false"]),
        Bad(
            text: whole(user: "client-certificate: gone.crt, client-key: gone.key"), code: .unreadableFile,
            says: ["client-certificate", "/gone.crt: there is no such file"]),
        Bad(text: whole(user: "client-certificate-data: eHg="), code: .invalidKubeconfig, says: ["no client key"]),
        Bad(
            text: whole(user: "client-certificate-data: eHg=, client-key-data: eHg="), code: .unreadableFile,
            says: ["client-certificate-data of u", "no PEM certificate"]),
        Bad(text: whole(user: "auth-provider: {name: gcp}"), code: .unsupported, says: ["auth-provider gcp"]),
        Bad(
            text: whole(user: "exec: {apiVersion: client.authentication.k8s.io/v1}"), code: .invalidKubeconfig,
            says: ["without a command"]),
        Bad(
            text: whole(user: "exec: {command: x, apiVersion: client.authentication.k8s.io/v1alpha1}"),
            code: .unsupported, says: ["v1alpha1"]),
        Bad(text: whole(user: "token: t, as-groups: [g]"), code: .invalidKubeconfig, says: ["as-groups without as"]),
    ]) func mistakesAreNamed(_ bad: Bad) throws {
        let error = #expect(throws: KubernetesError.self) { _ = try config(bad.text).connection() }
        #expect(error?.code == bad.code)
        for words in bad.says { #expect(error?.message.contains(words) == true, "\(error?.message ?? "")") }
    }

    @Test func aNamedFileMustExist() {
        let error = #expect(throws: KubernetesError.self) {
            _ = try Kubeconfig.load(path: "/nonexistent/config", environment: [:])
        }
        #expect(error?.message.contains("/nonexistent/config: there is no such file") == true)
    }

    @Test func nothingConfiguredIsSaid() {
        let error = #expect(throws: KubernetesError.self) {
            _ = try ClusterConnection.resolve(environment: ["HOME": folder.path])
        }
        #expect(error?.code == .noKubeconfig)
    }

    @Test func aPodFindsItsOwnCluster() async throws {
        _ = try folder.write("first\n", to: "token")
        _ = try folder.write("kube-system", to: "namespace")
        _ = try folder.write("pem", to: "ca.crt")
        let environment = ["KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443"]
        let own = try #require(try ClusterConnection.inCluster(environment: environment, folder: folder.path))
        #expect(own.server == "https://[fd00::1]:6443")
        #expect(own.namespace == "kube-system")
        #expect(try await own.credentials.current().authorization == Secret("Bearer first"))
        // The kubelet rotates the file; a refusal makes us look again at once.
        _ = try folder.write("second\n", to: "token")
        #expect(try await own.credentials.current().authorization == Secret("Bearer first"))
        #expect(own.credentials.reject(try await own.credentials.current()))
        #expect(try await own.credentials.current().authorization == Secret("Bearer second"))
    }

    @Test func credentialsHideThemselves() throws {
        let password = "hunter2hunter2"
        let connection = try config(Self.whole(user: "username: eve, password: \(password)")).connection()
        var dumped = ""
        dump(connection, to: &dumped)
        for text in [dumped, "\(connection)", String(reflecting: connection)] {
            #expect(!text.contains(password))
            #expect(!text.contains(Data("eve:\(password)".utf8).base64EncodedString()))
        }
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import OCI
import Synchronization
import Testing

@testable import ClusterImages
@testable import Kubernetes

/// The logins that pods bring.
@Suite struct PullSecretsTests {
    private static func node(_ text: String) throws -> Node {
        try JSONReader.read(Array(text.utf8), source: "test").root
    }

    private static func running(_ pods: [(String, String, image: String, secrets: [String])]) async throws
        -> RunningImages
    {
        let running = RunningImages(cluster: "c1", kinds: ["Pod"], keepsPullSecrets: true)
        let resource = APIResource(group: "", version: "v1", plural: "pods", kind: "Pod", namespaced: true)
        for (namespace, name, image, secrets) in pods {
            let list = secrets.map { #"{"name":"\#($0)"}"# }.joined(separator: ",")
            let object = try node(
                #"{"metadata":{"namespace":"\#(namespace)","name":"\#(name)"},"spec":{"imagePullSecrets":[\#(list)],"containers":[{"name":"web","image":"\#(image)"}]}}"#
            )
            try await running.reader(of: "Pod")(.upsert(try APIObject(object, of: resource), replaces: nil))
        }
        return running
    }

    private static func secret(_ text: String, type: String = "kubernetes.io/dockerconfigjson") -> String {
        let key = type.hasSuffix("dockercfg") ? ".dockercfg" : ".dockerconfigjson"
        return #"{"type":"\#(type)","data":{"\#(key)":"\#(Data(text.utf8).base64EncodedString())"}}"#
    }

    @Test func countForTheirNamespaceAndImages() async throws {
        let running = try await Self.running([
            ("shop", "a", "r.example/team/app:1", ["one", "two", "one"]),
            ("shop", "b", "r.example/team/app@sha256:\(String(repeating: "a", count: 64))", ["three"]),
            ("shop", "c", "r.example/team/other:1", ["four"]), ("shop", "d", "r.example/team/app2:1", ["five"]),
            ("bank", "a", "r.example/team/app", ["uno", "due"]), ("free", "a", "r.example/team/app:1", []),
            (
                "odd", "a", "r.example/team/app:1",
                ["../../x", "a b", "", "UP", "-a", String(repeating: "a", count: 254)]
            ),
        ])
        let found = running.pullSecrets(of: try ImageReference("r.example/team/app:9"), limit: 8)
        #expect(
            found.map { "\($0.namespace)/\($0.secret)" } == [
                "bank/due", "shop/one", "bank/uno", "shop/three", "shop/two",
            ])
        // Nobody crowds out the others.
        let few = running.pullSecrets(of: try ImageReference("r.example/team/app:9"), limit: 2)
        #expect(few.map(\.namespace) == ["bank", "shop"])
        #expect(running.pullSecrets(of: try ImageReference("r.example/team"), limit: 8).isEmpty)
        // Not kept unless asked for.
        let plain = RunningImages(cluster: "c1", kinds: ["Pod"])
        let resource = APIResource(group: "", version: "v1", plural: "pods", kind: "Pod", namespaced: true)
        try await plain.reader(of: "Pod")(
            .upsert(
                try APIObject(
                    try Self.node(
                        #"{"metadata":{"namespace":"a","name":"b"},"spec":{"imagePullSecrets":[{"name":"one"}],"containers":[{"name":"web","image":"r.example/app"}]}}"#
                    ), of: resource), replaces: nil))
        #expect(plain.pullSecrets(of: try ImageReference("r.example/app"), limit: 8).isEmpty)
    }

    @Test func areReadByNameAndHeldAgainstTheRegistry() async throws {
        let running = try await Self.running([
            (
                "shop", "a", "r.example/app",
                ["good", "old", "other", "opaque", "missing", "forbidden", "broken", "down"]
            )
        ])
        let asked = Mutex<[String]>([])
        let secrets = PullSecrets(running) { namespace, name in
            asked.withLock { $0.append("\(namespace)/\(name)") }
            let entry = #"{"r.example":{"username":"tom","password":"s3cr3t"}}"#
            switch name {
            case "good": return try Self.node(Self.secret(#"{"auths":\#(entry)}"#))
            case "old": return try Self.node(Self.secret(entry, type: "kubernetes.io/dockercfg"))
            case "other":
                return try Self.node(
                    Self.secret(#"{"auths":{"other.example":{"username":"tom","password":"s3cr3t"}}}"#))
            case "opaque": return try Self.node(Self.secret(#"{"auths":\#(entry)}"#, type: "Opaque"))
            case "missing": throw KubernetesError(.notFound, "no")
            case "forbidden": throw KubernetesError(.forbidden, "no")
            case "broken":
                return try Self.node(
                    #"{"type":"kubernetes.io/dockerconfigjson","data":{".dockerconfigjson":"s3cr3t!"}}"#)
            default: throw KubernetesError(.server, "s3cr3t")
            }
        }
        let (logins, problems) = await secrets.logins(for: try ImageReference("r.example/app:1"))
        #expect(logins.map(\.name) == ["shop/good", "shop/old"])
        #expect(asked.withLock { $0.count } == 8)
        let text = problems.joined(separator: "\n")
        for name in ["opaque", "missing", "forbidden", "broken", "down"] { #expect(text.contains("shop/\(name)")) }
        #expect(!text.contains("s3cr3t") && problems.count == 5, "\(text)")
        asked.withLock { $0 = [] }
        #expect(await secrets.logins(for: try ImageReference("evil.example/app:1")).logins.isEmpty)
        #expect(asked.withLock { $0 }.isEmpty)
    }
}

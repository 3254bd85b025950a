// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import Kubernetes
import PodPolicies
import TestSupport
import Testing

/// The console's handle on the policies of a cluster where others judge: `bulwark serve` without --admission.
@Suite(.enabled(if: TestCluster.isAvailable), .serialized) struct ServePoliciesTests {
    @Test(.timeLimit(.minutes(5))) func previewsBindsAndSwitches() async throws {
        try await PolicyObjectsTests.withKinds { cluster, client in
            let namespace = try await client.makeNamespace("console")
            try await client.makePods([(namespace, "plain")])
            _ = try await client.create(
                .pods, namespace: namespace,
                .json(
                    """
                    {"metadata": {"name": "bad"}, "spec": {"hostNetwork": true,
                     "containers": [{"name": "box", "image": "a.example/b:1"}]}}
                    """))
            _ = try await client.create(
                PolicyResources.policies, namespace: nil,
                .json(
                    """
                    {"apiVersion": "policy.bulwark.dev/v1", "kind": "PodPolicy", "metadata": {"name": "firm"},
                     "spec": {"standard": {"level": "baseline"}}}
                    """))
            let folder = try ScratchFolder()
            let server = try await ServeProcess(
                ["--kubeconfig", cluster.kubeconfig, "--schedule", ""], state: folder.path + "/state")
            let token = try await server.token(password: try #require(server.password))
            try await server.wait("the policies") {
                try await server.get("admission", token)["state"]?["ready"]?.bool == true
            }
            let policies = try await server.get("policies", token)["items"]
            #expect(policies?.count == 1 && policies?[0]?["name"]?.string == "firm")

            let subject = "serviceaccount:\(namespace)/default"
            let preview = try await server.get("bindings/preview?policy=firm&subject=\(subject)", token)
            #expect(
                preview["counts"]?["refused"]?.int == 1 && preview["counts"]?["accepted"]?.int == 1, "\(preview.json())"
            )
            #expect(try await client.everything(PolicyResources.bindings).isEmpty, "a preview writes nothing")

            let made = try await server.send(
                "POST", "bindings", token, #"{"name": "b", "policy": "firm", "subjects": ["\#(subject)"]}"#)
            #expect(made.status == 201, "\(made.text)")
            let stored = try PodPolicyBinding(
                await client.get(PolicyResources.bindings, namespace: nil, name: "b").node)
            #expect(
                stored.policy == "firm" && stored.subjects == [.serviceAccount(namespace: namespace, name: "default")])
            try await server.wait("the binding is shown") {
                try await server.get("bindings", token)["items"]?[0]?["name"]?.string == "b"
            }

            #expect(try await server.send("PATCH", "policies/firm", token, #"{"enabled": false}"#).status == 200)
            let switched = try await client.get(PolicyResources.policies, namespace: nil, name: "firm")
            #expect(switched.node["spec"]?["enabled"]?.bool == false)
            #expect(
                try await server.send("PUT", "admission/namespaces/\(namespace)", token, #"{"enabled": false}"#).status
                    == 200)
            #expect(try await server.send("PUT", "admission", token, #"{"enabled": false}"#).status == 200)
            func control() async throws -> AdmissionControl {
                try AdmissionControl(await client.get(PolicyResources.controls, namespace: nil, name: "bulwark").node)
            }
            #expect(try await control() == AdmissionControl(isEnabled: false, disabledNamespaces: [namespace]))
            try await server.wait("the switches are shown") {
                try await server.get("admission", token)["state"]?["enabled"]?.bool == false
            }
            #expect(
                try await server.send("PUT", "admission/namespaces/\(namespace)", token, #"{"enabled": true}"#).status
                    == 200)
            #expect(try await server.send("PUT", "admission", token, #"{"enabled": true}"#).status == 200)
            #expect(try await control() == AdmissionControl())

            #expect(try await server.send("DELETE", "bindings/b", token).status == 204)
            #expect(try await client.everything(PolicyResources.bindings).isEmpty)
            #expect(try await server.end(SIGTERM).status == 0)
        }
    }

    /// Without the kinds the page says how to turn admission on, and nothing else is hurt.
    @Test(.timeLimit(.minutes(5))) func aClusterWithoutTheKinds() async throws {
        let cluster = try await TestCluster.start()
        let folder = try ScratchFolder()
        let server = try await ServeProcess(
            ["--kubeconfig", cluster.kubeconfig, "--schedule", ""], state: folder.path + "/state")
        let token = try await server.token(password: try #require(server.password))
        let headers = ["Authorization": "Bearer \(token)"]
        try await server.wait("the server knows that the kinds are missing") {
            try await server.get("admission", token)["on"]?.bool == false
        }
        #expect(try await server.request("GET", "/api/v1/policies", headers: headers).status == 503)
        #expect(try await server.get("findings?limit=1", token)["items"] != nil)
        #expect(try await server.end(SIGTERM).status == 0)
        try await cluster.down()
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import TestSupport
import Testing

/// What `deploy/` holds, in a real API server; and replicas with no more rights than it gives them.
@Suite(.serialized, .enabled(if: TestCluster.isAvailable)) struct AdmissionDeploymentTests {
    private static let paths: [String: String] = [
        "Namespace": "/api/v1/namespaces", "ServiceAccount": "/api/v1/namespaces/NS/serviceaccounts",
        "Service": "/api/v1/namespaces/NS/services",
        "PersistentVolumeClaim": "/api/v1/namespaces/NS/persistentvolumeclaims",
        "ConfigMap": "/api/v1/namespaces/NS/configmaps", "Secret": "/api/v1/namespaces/NS/secrets",
        "Deployment": "/apis/apps/v1/namespaces/NS/deployments",
        "StatefulSet": "/apis/apps/v1/namespaces/NS/statefulsets",
        "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
        "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
        "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/NS/roles",
        "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/NS/rolebindings",
        "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/NS/networkpolicies",
        "CustomResourceDefinition": "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
        // This server has no policy/v1 yet; the fields that are used are the same.
        "PodDisruptionBudget": "/apis/policy/v1beta1/namespaces/NS/poddisruptionbudgets",
    ]

    /// Puts every object of the kustomization in, as `kubectl apply -k` would.
    static func deploy(_ world: AdmissionWorld, more: [String] = []) async throws -> Int {
        let folder = TestCluster.root + "/deploy/"
        let index = [UInt8](try Data(contentsOf: URL(filePath: folder + "kustomization.yaml")))
        let root = try #require(DocumentReader.documents(in: index, source: "kustomization.yaml").first).get().root
        var count = 0
        for file in try #require(root["resources"]).elements.compactMap(\.string) + more {
            let bytes = [UInt8](try Data(contentsOf: URL(filePath: folder + file)))
            for document in DocumentReader.documents(in: bytes, source: file) {
                let object = try document.get().root
                if object.isNull { continue }
                let kind = try #require(object["kind"]?.string)
                let path = try #require(paths[kind], "\(file): \(kind)")
                let namespace = object["metadata"]?["namespace"]?.string ?? "default"
                let body =
                    kind == "PodDisruptionBudget"
                    ? object.json().replacing("policy/v1", with: "policy/v1beta1") : object.json()
                let made = try await world.send("POST", path.replacing("NS", with: namespace), body)
                #expect(made.status == 201 || made.status == 409, "\(file): \(kind): \(made.text)")
                count += 1
            }
        }
        return count
    }

    /// A kubeconfig for a service account, with a token that the API server made.
    static func kubeconfig(
        _ account: String, _ world: AdmissionWorld, _ folder: ScratchFolder
    ) async throws -> String {
        let answer = try await world.send(
            "POST", "/api/v1/namespaces/bulwark-system/serviceaccounts/\(account)/token",
            #"{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{"expirationSeconds":3600}}"#)
        let token = try #require(answer.json?["status"]?["token"]?.string, "\(answer.text)")
        let authority = try #require(world.cluster.directory) + "/pki/ca.crt"
        try folder.write(
            """
            apiVersion: v1
            kind: Config
            current-context: it
            contexts: [{name: it, context: {cluster: it, user: it}}]
            clusters: [{name: it, cluster: {server: '\(world.address)', certificate-authority: '\(authority)'}}]
            users: [{name: it, user: {token: \(token)}}]
            """, to: account + ".kubeconfig")
        return folder.path + "/\(account).kubeconfig"
    }

    @Test func replicasNeedNoMoreThanTheirRights() async throws {
        let folder = try ScratchFolder()
        let log = folder.path + "/audit.log"
        try folder.write(
            "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n", to: "audit.yaml")
        let flags = [
            "--feature-gates=EphemeralContainers=true", "--audit-policy-file=\(folder.path)/audit.yaml",
            "--audit-log-path=\(log)",
        ]
        try await AdmissionWorld.run(flags: flags) { world in
            #expect(try await Self.deploy(world) > 12)
            let config = try await Self.kubeconfig("bulwark-admission", world, folder)
            let replica = try await AdmissionProcess(config, url: world.url, ["--install"])
            defer { replica.end(SIGKILL) }
            world.balancer.set([replica.port])
            // All that a replica does: installs, reads policies and labels, asks for `use`, writes status, repairs.
            let made = try await world.policy("restricted", #"{"standard":{"level":"restricted"}}"#)
            #expect(made.status == 201, "\(made.text)")
            #expect(try await world.bind("restricted", account: "cart").status == 201)
            try await AdmissionInstallTests.wait {
                try await world.pod("probe", good: false, query: "?dryRun=All").status == 403
            }
            #expect(try await world.pod("good", good: true).status == 201)
            let debug = try await world.send(
                "PUT", "/api/v1/namespaces/shop/pods/good/ephemeralcontainers",
                #"{"apiVersion":"v1","kind":"EphemeralContainers","metadata":{"name":"good"},"ephemeralContainers":[{"name":"d","image":"x","imagePullPolicy":"Always","terminationMessagePolicy":"File"}]}"#
            )
            #expect(debug.status == 403 && debug.text.contains("ephemeralContainers[0]"), "\(debug.text)")
            let webhooks = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/bulwark-admission"
            #expect(try await world.send("DELETE", webhooks).status == 200)
            try await AdmissionInstallTests.wait { try await world.send("GET", webhooks).status == 200 }
            try await AdmissionInstallTests.wait {
                let policy = try await world.send("GET", AdmissionWorld.policies + "/restricted")
                return policy.json?["status"]?["observedGeneration"] != nil || policy.json?["status"] != nil
            }
            // Nothing that it asked the API server for was refused.
            let refused = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n").filter {
                $0.contains("system:serviceaccount:bulwark-system:bulwark-admission") && $0.contains(#""code":403"#)
            }
            #expect(refused.isEmpty, "\(refused.joined(separator: "\n"))")
            // And it may do nothing else: neither read other Secrets nor make pods or bindings.
            for (verb, group, resource, namespace) in [
                ("list", "", "secrets", "bulwark-system"), ("get", "", "secrets", "shop"),
                ("create", "", "pods", "shop"),
                ("create", "rbac.authorization.k8s.io", "clusterrolebindings", ""),
                ("delete", "policy.bulwark.dev", "podpolicies", ""),
                ("impersonate", "", "users", ""), ("create", "", "serviceaccounts/token", "bulwark-system"),
            ] {
                let review = try await world.send(
                    "POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews",
                    #"{"apiVersion":"authorization.k8s.io/v1","kind":"SubjectAccessReview","spec":{"user":"system:serviceaccount:bulwark-system:bulwark-admission","groups":["system:serviceaccounts"],"resourceAttributes":{"verb":"\#(verb)","group":"\#(group)","resource":"\#(resource)","namespace":"\#(namespace)"}}}"#
                )
                #expect(review.json?["status"]?["allowed"]?.bool != true, "\(verb) \(resource)")
            }
        }
    }

    /// Failing open is chosen, and ends with the failure.
    @Test func ignoreAdmitsOnlyWhileNobodyAnswers() async throws {
        try await AdmissionWorld.run { world in
            var replicas = try await world.ready { _ in ["--install", "--failure-policy", "Ignore"] }
            defer { for replica in replicas { replica.end(SIGKILL) } }
            let configuration = try await world.send(
                "GET", "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/bulwark-admission")
            #expect(configuration.text.contains(#""failurePolicy":"Ignore""#))
            #expect(try await world.pod("bad", good: false).status == 403)
            for replica in replicas { replica.end(SIGKILL) }
            #expect(try await world.pod("open", good: false).status == 201)
            replicas = [try await world.replica(["--install", "--failure-policy", "Ignore"])]
            world.balancer.set(replicas.map(\.port))
            try await AdmissionInstallTests.wait {
                try await world.pod("again", good: false, query: "?dryRun=All").status == 403
            }
            for _ in 0..<20 {
                #expect(try await world.pod("again", good: false, query: "?dryRun=All").status == 403)
            }
            // A replica that is restarted while requests come: none is answered wrongly once it is there again.
            replicas[0].end(SIGTERM)
            replicas = [try await world.replica(["--install", "--failure-policy", "Ignore"])]
            world.balancer.set(replicas.map(\.port))
            try await AdmissionInstallTests.wait {
                try await world.pod("again", good: false, query: "?dryRun=All").status == 403
            }
        }
    }
}

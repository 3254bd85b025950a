// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings
import Testing

@testable import ClusterImages
@testable import Kubernetes

private let digest = "sha256:" + String(repeating: "ab", count: 32)
private let other = "sha256:" + String(repeating: "cd", count: 32)

private func node(_ text: String) throws -> Node {
    try JSONReader.read(Array(text.utf8), source: "test").root
}

@Suite struct PodContainerTests {
    @Test(
        arguments: [
            ("docker-pullable://registry.example.com/shop/cart@\(digest)", digest),
            ("registry.example.com/shop/cart@\(digest)", digest),
            ("registry.example.com:5000/shop/cart:1.2@\(digest)", digest),
            ("docker://\(digest)", nil), (digest, nil), ("", nil), ("a@", nil), ("a@sha256:12", nil),
            ("a@\(digest)'; --", nil), (String(repeating: "a", count: 5_000) + "@" + digest, nil),
        ] as [(String, String?)]) func digests(imageID: String, expected: String?)
    {
        #expect(PodContainer.digest(imageID: imageID) == expected)
    }

    @Test func readsAllKindsOfContainers() throws {
        let pod = try node(
            """
            {"spec": {"containers": [{"name": "web", "image": "nginx"}, {"name": "side", "image": "a.example/x@\(other)"},
               {"name": "odd", "image": "UPPER/..:"}, {"name": "none"}, 3],
              "initContainers": [{"name": "init", "image": "A.example:443/b:1"}],
              "ephemeralContainers": [{"name": "debug", "image": "busybox:1"}]},
             "status": {"phase": "Running", "containerStatuses": [{"name": "web", "imageID": "docker-pullable://nginx@\(digest)"}, null],
              "initContainerStatuses": [{"name": "init", "imageID": "\(digest)"}],
              "ephemeralContainerStatuses": [{"name": "debug", "imageID": "docker.io/library/busybox@\(other)"}]}}
            """)
        #expect(
            PodContainer.all(of: pod) == [
                PodContainer(name: "web", reference: "docker.io/library/nginx:latest", digest: digest),
                PodContainer(name: "side", reference: "a.example/x@\(other)", digest: other),
                PodContainer(name: "odd", reference: "UPPER/..:", digest: ""),
                PodContainer(name: "init", reference: "a.example/b:1", digest: ""),
                PodContainer(name: "debug", reference: "docker.io/library/busybox:1", digest: other),
            ])
    }

    @Test(arguments: ["Succeeded", "Failed"]) func whatHasEndedRunsNothing(phase: String) throws {
        let pod = try node(
            #"{"spec": {"containers": [{"name": "web", "image": "nginx"}]}, "status": {"phase": "\#(phase)"}}"#)
        #expect(PodContainer.all(of: pod).isEmpty)
    }
}

@Suite struct RunningImagesTests {
    private let running = RunningImages(cluster: "c1", kinds: ["Pod", "ReplicaSet"])

    private func tell(_ kind: String, _ text: String, delete: Bool = false) async throws {
        let resource = APIResource(
            group: kind == "Pod" ? "" : "apps", version: "v1", plural: "x", kind: kind, namespaced: true)
        let object = try APIObject(try node(text), of: resource)
        try await running.reader(of: kind)(delete ? .delete(object.identity) : .upsert(object, replaces: nil))
    }

    private func pod(_ name: String, owner: String = "", imageID: String = "", phase: String = "Running") -> String {
        let owners =
            owner.isEmpty
            ? ""
            : #", "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "\#(owner)", "uid": "u-\#(owner)", "controller": true}]"#
        return #"""
            {"metadata": {"name": "\#(name)", "namespace": "shop", "uid": "u-\#(name)"\#(owners)},
             "spec": {"containers": [{"name": "web", "image": "nginx:1"}]},
             "status": {"phase": "\#(phase)", "containerStatuses": [{"name": "web", "imageID": "\#(imageID)"}]}}
            """#
    }

    private func set(_ name: String, of deployment: String) -> String {
        #"{"metadata": {"name": "\#(name)", "namespace": "shop", "uid": "u-\#(name)", "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "\#(deployment)", "uid": "d", "controller": true}]}}"#
    }

    private func uses() -> [String] {
        running.uses(in: "shop").flatMap { workload, uses in
            uses.map { "\(workload.kind)/\(workload.name) \($0.container) \($0.digest.suffix(2)) \($0.pods)" }
        }.sorted()
    }

    @Test func belongsToWhatAUserMade() async throws {
        // Pods may be told before what controls them.
        try await tell("Pod", pod("a-1", owner: "a", imageID: "nginx@\(digest)"))
        #expect(uses() == ["ReplicaSet/a web ab 1"])
        #expect(running.takeDirty() == ["shop"] && running.takeDirty().isEmpty)
        try await tell("ReplicaSet", set("a", of: "cart"))
        #expect(running.takeDirty() == ["shop"])
        try await tell("Pod", pod("a-2", owner: "a", imageID: "docker-pullable://nginx@\(digest)"))
        try await tell("Pod", pod("alone", imageID: "nginx@\(other)"))
        #expect(uses() == ["Deployment/cart web ab 2", "Pod/alone web cd 1"])
        let subject = try #require(running.uses(in: "shop").keys.first { $0.kind == "Deployment" })
        #expect(
            subject
                == Subject(cluster: "c1", apiVersion: "apps/v1", kind: "Deployment", namespace: "shop", name: "cart"))

        // A rollout shows two images for a while.
        try await tell("ReplicaSet", set("b", of: "cart"))
        try await tell("Pod", pod("b-1", owner: "b", imageID: "nginx@\(other)"))
        #expect(uses() == ["Deployment/cart web ab 2", "Deployment/cart web cd 1", "Pod/alone web cd 1"])
        try await tell("Pod", pod("a-1", owner: "a"), delete: true)
        try await tell("Pod", pod("a-2", owner: "a", imageID: "nginx@\(digest)", phase: "Succeeded"))
        #expect(uses() == ["Deployment/cart web cd 1", "Pod/alone web cd 1"])
        _ = running.takeDirty()
        // What changes nothing about images is no change.
        try await tell("Pod", pod("b-1", owner: "b", imageID: "docker.io/library/nginx@\(other)"))
        #expect(running.takeDirty().isEmpty)
    }

    @Test func learnsWhatTagsMean() async throws {
        try await tell("Pod", pod("early"))
        #expect(uses() == ["Pod/early web  1"])
        #expect(running.unknownReferences() == ["docker.io/library/nginx:1"])
        _ = running.takeDirty()
        running.learn("docker.io/library/nginx:1", means: digest)
        #expect(running.takeDirty() == ["shop"] && running.unknownReferences().isEmpty)
        #expect(uses() == ["Pod/early web ab 1"])
        // The pod's own word counts more, and what was learnt is forgotten.
        try await tell("Pod", pod("early", imageID: "nginx@\(other)"))
        #expect(uses() == ["Pod/early web cd 1"])
        #expect(running.unknownReferences().isEmpty)
        #expect(running.references(limit: 10) == ["docker.io/library/nginx:1": other])
        try await tell("Pod", pod("late"))
        #expect(running.unknownReferences() == ["docker.io/library/nginx:1"])
    }

    @Test func knowsWhenAllIsRead() async throws {
        #expect(!running.isSynced)
        try await running.reader(of: "Pod")(.synced)
        #expect(!running.isSynced)
        try await running.reader(of: "ReplicaSet")(.synced)
        #expect(running.isSynced)
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import AccessControl
import Documents
import Foundation
import Logging
import Rego
import Synchronization
import TestSupport
import Testing

@testable import Kubernetes

@Suite struct ClusterSyncTests {
    private static let template = """
        {"metadata":{"name":"nohost","uid":"1","resourceVersion":"1"},"spec":{"crd":{"spec":{"names":{"kind":"NoHost"}}},\
        "targets":[{"target":"admission.k8s.gatekeeper.sh","rego":"package nohost\\nviolation[{\\"msg\\": \\"no\\"}] { input.review.object.spec.hostNetwork }"}]}}
        """
    private static let config = """
        {"metadata":{"name":"config","namespace":"gatekeeper-system","uid":"2","resourceVersion":"1"},\
        "spec":{"sync":{"syncOnly":[{"group":"","version":"v1","kind":"Service"}]}}}
        """

    private static func named(_ name: String, _ namespace: String = "") -> String {
        #"{"metadata":{"name":"\#(name)","namespace":"\#(namespace)","uid":"\#(name)","resourceVersion":"1"}}"#
    }

    private static func resource(_ plural: String, _ kind: String, _ namespaced: Bool = false) -> String {
        #"{"name":"\#(plural)","kind":"\#(kind)","namespaced":\#(namespaced),"verbs":["list","watch"]}"#
    }

    /// A cluster by paths; what it has can change.
    private static func reply(_ path: String, _ hasConstraints: Bool) -> FakeAPIServer.Reply {
        func list(_ items: String...) -> FakeAPIServer.Reply {
            .json(#"{"metadata":{"resourceVersion":"5"},"items":[\#(items.joined(separator: ","))]}"#)
        }
        func group(_ name: String, _ version: String) -> String {
            #"{"name":"\#(name)","versions":[{"groupVersion":"\#(name)/\#(version)","version":"\#(version)"}],"#
                + #""preferredVersion":{"groupVersion":"\#(name)/\#(version)","version":"\#(version)"}}"#
        }
        switch path {
        case "/version": return .json(#"{"gitVersion":"v1.30.0"}"#)
        case "/api": return .json(#"{"versions":["v1"]}"#)
        case "/api/v1":
            return .json(
                #"{"resources":[\#(resource("services", "Service", true)),\#(resource("namespaces", "Namespace"))]}"#)
        case "/apis":
            var groups = [group("templates.gatekeeper.sh", "v1"), group("config.gatekeeper.sh", "v1alpha1")]
            if hasConstraints { groups.append(group("constraints.gatekeeper.sh", "v1beta1")) }
            return .json(#"{"groups":[\#(groups.joined(separator: ","))]}"#)
        case "/apis/templates.gatekeeper.sh/v1":
            return .json(#"{"resources":[\#(resource("constrainttemplates", "ConstraintTemplate"))]}"#)
        case "/apis/config.gatekeeper.sh/v1alpha1":
            return .json(#"{"resources":[\#(resource("configs", "Config", true))]}"#)
        case "/apis/constraints.gatekeeper.sh/v1beta1":
            return .json(#"{"resources":[\#(resource("nohost", "NoHost"))]}"#)
        case "/apis/templates.gatekeeper.sh/v1/constrainttemplates": return list(template)
        case "/apis/config.gatekeeper.sh/v1alpha1/configs": return list(config)
        case "/apis/constraints.gatekeeper.sh/v1beta1/nohost": return list(named("c"))
        case "/api/v1/namespaces": return list(named("shop"))
        case "/api/v1/services": return list(named("web", "shop"))
        default: return .status(404, "nothing at \(path)")
        }
    }

    @Test func theIndexFollowsTheClusterAndItsNewKinds() async throws {
        let hasConstraints = Mutex(false)
        let server = try await FakeAPIServer { request in
            request.query["watch"] == "true"
                ? .stream(lines: [], next: .hang) : Self.reply(request.path, hasConstraints.withLock { $0 })
        }
        let connection = ClusterConnection(
            cluster: "fake", context: "", server: server.url, namespace: "default", user: "eve",
            credentials: .init(.token(Secret("sesame-4711-sesame"))))
        let index = GatekeeperIndex()
        let sync = ClusterSync(
            index, try APIClient(connection, options: APIClientOptions()), interval: .milliseconds(50),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        #expect(index.waitsFor != nil)
        func wait(_ what: String, _ done: () -> Bool) async throws {
            let deadline = ContinuousClock.now + .seconds(180)
            while !done(), ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(10)) }
            #expect(done(), "\(what): \(index.waitsFor ?? ""), \(index.problems)")
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await sync.run() }
            try await wait("template") { index.moment(namespace: "").constraints.hasTemplate(for: "NoHost") }
            try await wait("namespace") { index.moment(namespace: "shop").namespace != nil }
            try await wait("inventory") {
                index.moment(namespace: "").inventory.members?["namespace"]?.members?["shop"]?.members?["v1"]?
                    .members?["Service"]?.members?["web"] != nil
            }
            #expect(index.moment(namespace: "").constraints.isEmpty)
            hasConstraints.withLock { $0 = true }
            try await wait("constraint") { !index.moment(namespace: "").constraints.isEmpty }
            try await wait("ready") { index.waitsFor == nil }
            hasConstraints.withLock { $0 = false }
            try await wait("gone") { index.moment(namespace: "").constraints.isEmpty }
            group.cancelAll()
        }
        try await server.stop()
    }
}

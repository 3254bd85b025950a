// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings
import Foundation
import Kubernetes
import Logging
import PodSecurity
import Store
import TestSupport
import Testing

@testable import Commands

/// What goes back into a real cluster: reports, Events, and mended manifests.
@Suite(.enabled(if: TestCluster.isAvailable)) struct WriteBackTests {
    /// The definitions of the two report APIs, as wide as writing needs.
    private func install(_ group: String, _ version: String, _ kind: String, namespaced: Bool, _ client: APIClient)
        async throws
    {
        let plural = kind.lowercased() + "s"
        let definition = """
            {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"\(plural).\(group)",
            "annotations":{"api-approved.kubernetes.io":"unapproved, for a test"}},
            "spec":{"group":"\(group)","names":{"kind":"\(kind)","listKind":"\(kind)List","plural":"\(plural)","singular":"\(kind.lowercased())"},
            "scope":"\(namespaced ? "Namespaced" : "Cluster")","versions":[{"name":"\(version)","served":true,"storage":true,
            "schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}}
            """
        _ = try await client.create(.customResourceDefinitions, namespace: nil, .json(definition))
    }

    private func pod(_ privileged: Bool) -> String {
        """
        {"metadata":{"name":"web"},"spec":{"containers":[{"name":"app","image":"registry.example.com/web:1",
        "securityContext":{"privileged":\(privileged)}}]}}
        """
    }

    @Test(.timeLimit(.minutes(3))) func reportsAndEventsFollowTheFindings() async throws {
        let cluster = try await TestCluster.start()
        do {
            try await reportsAndEvents(cluster)
        } catch {
            try await cluster.down()
            throw error
        }
        try await cluster.down()
    }

    private func reportsAndEvents(_ cluster: TestCluster) async throws {
        let client = try cluster.client()
        for (group, version, kind, namespaced) in [
            ("wgpolicyk8s.io", "v1alpha2", "PolicyReport", true),
            ("wgpolicyk8s.io", "v1alpha2", "ClusterPolicyReport", false),
            ("openreports.io", "v1alpha1", "Report", true), ("openreports.io", "v1alpha1", "ClusterReport", false),
        ] {
            try await install(group, version, kind, namespaced: namespaced, client)
        }
        let namespace = try await client.makeNamespace("back")
        _ = try await client.create(.pods, namespace: namespace, .json(pod(true)))
        let folder = try ScratchFolder()
        let store = try Store.open(path: folder.path + "/bulwark.sqlite")
        var settings = try await store.settings()
        (settings.writePolicyReports, settings.writeOpenReports, settings.writeEvents) = (true, true, true)
        try await store.update(settings)
        let catalogue = try Catalogue.embedded().selecting(["privileged"])
        let back = WriteBack(
            client: client, store: store, checks: catalogue.checks.map(\.check), logger: Logger(label: "test"))
        func inspect() async throws -> Int64 {
            let report = try await store.ledger.beginReport(cluster: client.connection.cluster, trigger: .demand)
            await back.started(report: report)
            var objects: [Subject: [CheckResult]] = [:]
            var inspection = LiveInspection(
                client: client, kinds: try await ClusterKinds.discover(client), inspector: Inspector(catalogue))
            let tally = try await inspection.run { _, _ in
            } emit: {
                objects[$0.subject, default: []].append($0)
            }
            try await store.ledger.record(
                objects.map { InspectedObject(subject: $0.key, results: $0.value) }, report: report)
            try await store.ledger.finishReport(report, summary: tally.summary)
            await back.finished(report: report, summary: tally.summary)
            return report
        }
        let first = try await inspect()
        let resources = try await client.discover(groups: ["wgpolicyk8s.io", "openreports.io"])
        for (apiVersion, kind) in [("wgpolicyk8s.io/v1alpha2", "PolicyReport"), ("openreports.io/v1alpha1", "Report")] {
            let resource = try #require(resources.resource(apiVersion: apiVersion, kind: kind))
            let report = try await client.get(resource, namespace: namespace, name: "bulwark-inspection")
            #expect(report.node["summary"]?["fail"]?.int == 1)
            #expect(report.node["results"]?[0]?["result"]?.string == "fail")
        }
        var reasons: [String: Int] = [:]
        for try await page in try client.list(.events) {
            for event in page.objects where event.node["source"]?["component"]?.string == "bulwark" {
                reasons[event.node["reason"]?.string ?? "", default: 0] += 1
            }
        }
        #expect(reasons == ["InspectionStarted": 1, "InspectionFinished": 1, "InspectionHighRiskFound": 1])
        #expect(first > 0)
        // Nothing is wrong any more: no report stays behind.
        try await client.delete(.pods, namespace: namespace, name: "web", graceSeconds: 0)
        _ = try await inspect()
        let resource = try #require(resources.resource(apiVersion: "wgpolicyk8s.io/v1alpha2", kind: "PolicyReport"))
        let gone = await #expect(throws: KubernetesError.self) {
            _ = try await client.get(resource, namespace: namespace, name: "bulwark-inspection")
        }
        #expect(gone?.code == .notFound)
        try store.close()
    }

    /// What `--fix` makes of every failing example and of the shop is what an API server takes.
    @Test(.timeLimit(.minutes(3))) func mendedManifestsAreAccepted() async throws {
        let client = try await TestCluster.shared().client()
        let served = try await client.discover()
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        var files = try FileManager.default.contentsOfDirectory(
            at: root.appending(path: "examples/shop"), includingPropertiesForKeys: nil)
        let inspector = Inspector(try Catalogue.embedded())
        for entry in inspector.checks where entry.check.fixable {
            let folder = root.appending(path: "checks/\(entry.check.area)/\(entry.check.slug)/examples/fail")
            files += try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        }
        let namespace = try await client.makeNamespace("mended")
        var tried = 0
        for file in files where file.pathExtension == "yaml" {
            let old = Array(try Data(contentsOf: file))
            let new = FileFixer(inspector: inspector) { _ in true }.fix(old, file: file.path) { Issue.record("\($0)") }
            for result in DocumentReader.documents(in: new, source: file.path) {
                let document = try result.get()
                guard let kind = document.root["kind"]?.string, let version = document.root["apiVersion"]?.string,
                    let resource = served.resource(apiVersion: version, kind: kind), resource.namespaced
                else { continue }
                var editor = DocumentEditor(Array(document.root.json().utf8), source: file.path)
                try editor.set(["metadata", "namespace"], to: .string(namespace))
                do {
                    _ = try await client.create(
                        resource, namespace: namespace, .json(editor.text), options: WriteOptions(dryRun: true))
                    tried += 1
                } catch let error as KubernetesError {
                    Issue.record("\(file.lastPathComponent): \(error.message)")
                }
            }
        }
        #expect(tried > 30)
    }
}

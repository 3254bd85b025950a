// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import Kubernetes
import TestSupport
import Testing

/// The table of odd YAML against a real API server: each row goes there as it is, in a server-side dry run, and what
/// comes back is what the table says and what we read.
@Suite(.enabled(if: TestCluster.isAvailable)) struct OddScalarsLiveTests {
    @Test(.timeLimit(.minutes(5))) func theAPIServerReadsThemAsWeDo() async throws {
        let client = try await TestCluster.shared().client()
        let odd = try await makeResource(client)
        #expect(OddScalars.table.count >= 200)
        for (yaml, json) in OddScalars.table {
            let expected = try JSONReader.read(Array(json.utf8), source: "table").root
            let body = try await dryRun(yaml, of: odd, client).node
            let answered = try #require(body["spec"], "\(yaml): \(body.json(limit: 400))")
            #expect(
                OddScalars.same(answered, expected), "\(yaml): the server says \(answered.json()), the table \(json)")
            let ours = try DocumentReader.documents(in: Array(yaml.utf8), source: "table").first?.get().root
            #expect(ours.map { OddScalars.same($0, answered) } == true, "\(yaml): we read \(ours?.json() ?? "nothing")")
        }
        try await remove(odd, client)
    }

    @Test(.timeLimit(.minutes(5))) func theAPIServerRefusesWhatWeRefuse() async throws {
        let client = try await TestCluster.shared().client()
        let odd = try await makeResource(client)
        for yaml in OddScalars.refused {
            let error = await #expect(throws: KubernetesError.self, "\(yaml)") {
                try await dryRun(yaml, of: odd, client)
            }
            #expect(error?.code == .invalid || error?.code == .server, "\(yaml): \(error?.message ?? "")")
        }
        // The same object without oddities is accepted, so the rows are what was refused.
        #expect(try await dryRun("v: 1", of: odd, client).node["spec"]?["v"]?.int == 1)
        try await remove(odd, client)
    }

    @discardableResult
    private func dryRun(_ yaml: String, of odd: APIResource, _ client: APIClient) async throws -> APIObject {
        let lines = yaml.split(separator: "\n", omittingEmptySubsequences: false)
        let spec = lines.map { $0.isEmpty ? "" : "  \($0)" }.joined(separator: "\n")
        // kubectl reads line by line and ends what it reads with a line end more, which `|+` keeps; so do we.
        let text = "apiVersion: \(odd.apiVersion)\nkind: \(odd.kind)\nmetadata: {name: odd}\nspec:\n\(spec)\n"
        return try await client.create(odd, namespace: nil, .yaml(text), options: .init(dryRun: true))
    }

    /// A resource that keeps whatever stands under `spec`.
    private func makeResource(_ client: APIClient) async throws -> APIResource {
        let group = "odd-\(UUID().uuidString.prefix(8).lowercased()).bulwark.test"
        let odd = APIResource(group: group, version: "v1", plural: "odds", kind: "Odd", namespaced: false)
        _ = try await client.create(
            .customResourceDefinitions, namespace: nil,
            .yaml(
                """
                apiVersion: apiextensions.k8s.io/v1
                kind: CustomResourceDefinition
                metadata: {name: odds.\(group)}
                spec:
                  group: \(group)
                  scope: Cluster
                  names: {plural: odds, singular: odd, kind: Odd}
                  versions:
                  - name: v1
                    served: true
                    storage: true
                    schema:
                      openAPIV3Schema:
                        type: object
                        properties: {spec: {type: object, x-kubernetes-preserve-unknown-fields: true}}
                """))
        // Served a moment after it is made.
        let deadline = ContinuousClock.now + .seconds(30)
        while true {
            do {
                try await dryRun("v: 1", of: odd, client)
                return odd
            } catch let error as KubernetesError where error.code == .notFound && ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    private func remove(_ odd: APIResource, _ client: APIClient) async throws {
        try await client.delete(.customResourceDefinitions, namespace: nil, name: "odds.\(odd.group)")
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import TestSupport
import Testing

/// Decisions on their way from stateless replicas to the one server, with processes that die in between.
@Suite(.serialized, .enabled(if: TestCluster.isAvailable)) struct AdmissionRecordsTests {
    @Test func everyRefusalIsRecordedOnce() async throws {
        try await AdmissionWorld.run { world in
            let folder = try ScratchFolder()
            let port = Int.random(in: 24_000..<32_000)
            func more(_ index: Int) -> [String] {
                ["--install", "--spool", "\(folder.path)/spool-\(index)", "--records", "https://127.0.0.1:\(port)"]
            }
            let replicas = try await world.ready(more)
            defer { for replica in replicas { replica.end(SIGKILL) } }
            let arguments = [
                "--kubeconfig", world.cluster.kubeconfig, "--records-address", "127.0.0.1", "--records-port",
                String(port), "--schedule", "",
            ]
            let state = folder.path + "/state"
            let first = try await ServeProcess(arguments, state: state)
            let password = try #require(first.password)
            var names: Set<String> = []
            func refuse(_ count: Int) async throws {
                for _ in 0..<count {
                    let name = "refused-\(names.count)"
                    #expect(try await world.pod(name, good: false).status == 403)
                    names.insert(name)
                }
            }
            try await refuse(20)
            // What was decided within the last quarter of a second may still be in memory.
            try await Task.sleep(for: .milliseconds(600))
            replicas[0].end(SIGKILL)
            world.balancer.set([replicas[1].port])
            _ = try await first.end(SIGKILL)
            // Nobody takes records now.
            try await refuse(20)
            let second = try await ServeProcess(arguments, state: state)
            try await refuse(10)
            // A dead replica's spool is handed over by whoever comes after it with the same folder.
            let heir = try await world.replica(more(0))
            defer { heir.end(SIGKILL) }
            let token = try await second.token(password: password)
            var seen: [String] = []
            try await second.wait("all \(names.count) refusals are recorded", seconds: 60) {
                let page = try await second.get("decisions?action=deny&limit=200&since=all", token)
                seen = page["items"].map { $0.elements.compactMap { $0["subject"]?["name"]?.string } } ?? []
                return Set(seen).isSuperset(of: names)
            }
            #expect(seen.filter { names.contains($0) }.count == names.count, "each once: \(seen.sorted())")
            // They are findings too.
            let findings = try await second.get("findings?check=BW-ADM-001&limit=5", token)
            #expect((findings["total"]?.int ?? 0) > 0, "\(findings.json(limit: 500))")
            #expect(try await second.end(SIGTERM).status == 0)
        }
    }
}

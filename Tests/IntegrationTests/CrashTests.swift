// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings
import Foundation
import Kubernetes
import Store
import TestSupport
import Testing

/// `kill -9` at any moment of an inspection loses nothing that was stored and leaves no half report shown as whole.
@Suite(.enabled(if: TestCluster.isAvailable), .serialized) struct CrashTests {
    @Test(.timeLimit(.minutes(10))) func killedDuringInspections() async throws {
        let cluster = try await TestCluster.start()
        let bench = try await LiveBench(cluster)
        let world = try await LiveWorld(bench.direct, namespaces: 10)
        try await world.populate(pods: 300, seed: 3)
        let folder = try ScratchFolder()
        let arguments = ["--kubeconfig", cluster.kubeconfig, "--schedule", ""]
        var random = SeededGenerator(seed: UInt64(Date().timeIntervalSince1970))
        var token: String?
        /// Fingerprints that some reader saw or the file held, with when they were first seen.
        var known: [String: Int64] = [:]
        var interrupted = 0
        for round in 0..<10 {
            let server = try await ServeProcess(arguments, state: folder.path)
            if token == nil { token = try await server.token(password: try #require(server.password)) }
            let key = try #require(token)
            let fraction = Double(Int.random(in: 0...105, using: &random)) / 100
            var phase = ""
            var report: Int64?
            try await server.wait("the moment to kill in") {
                let now = try await server.get("inspections", key)
                let (done, total) = (now["done"]?.int ?? 0, max(1, now["total"]?.int ?? 1))
                phase = now["phase"]?.string ?? ""
                report = now["report"]?.int.map { Int64($0) }
                if phase == "finished" { return true }
                return phase == "judging" && Double(done) / Double(total) >= fraction
            }
            // What the API says of findings is acknowledged.
            for item in try await server.get("findings?state=all&sort=newest&limit=200", key)["items"]?.elements
                .map({ $0 }) ?? []
            {
                if let fingerprint = item["fingerprint"]?.string { known[fingerprint] = known[fingerprint] ?? -1 }
            }
            let end = try await server.end(SIGKILL)
            #expect(end.wasKilled)
            let kept = try await look(folder.path, report: report, known: &known)
            if kept == .failed { interrupted += 1 }
            print(
                "crash \(round): killed at \(Int(fraction * 100)) % (\(phase)), report \(kept?.rawValue ?? "none"), "
                    + "\(known.count) findings known")
            // Things change while nobody watches.
            if round % 3 == 2 { try await world.churn(80, seed: UInt64(500 + round)) }
        }
        #expect(interrupted > 0, "some inspections were cut off")

        // In the end a whole run makes it equal to a fresh inspection.
        let server = try await ServeProcess(arguments, state: folder.path)
        #expect(try await server.inspected(try #require(token)) == "finished")
        #expect(try await server.end(SIGTERM).status == 0)
        let store = try Store.open(path: folder.path + "/bulwark.sqlite")
        let remembered = try await LiveBench.remembered(store).map { LiveBench.withoutValue($0) }
        let fresh = try await bench.fresh().problems.map { LiveBench.withoutValue($0) }
        #expect(Set(remembered) == Set(fresh))
        try store.close()
        try await bench.proxy.stop()
        try bench.store.close()
        try await cluster.down()
    }

    /// Opens the file as the next start does, and looks for what must be there. Returns how `report` ended.
    private func look(
        _ folder: String, report: Int64?, known: inout [String: Int64]
    ) async throws -> Report.State? {
        let store = try Store.open(path: folder + "/bulwark.sqlite")
        var found: [String: Int64] = [:]
        var offset = 0
        while true {
            let page = try await store.ledger.findings(sort: .oldest, limit: 1000, offset: offset)
            for finding in page.findings { found["\(finding.fingerprint)"] = finding.firstSeen }
            offset += page.findings.count
            if page.findings.isEmpty || offset >= page.total { break }
        }
        let lost = known.filter { found[$0.key] == nil || ($0.value >= 0 && found[$0.key] != $0.value) }
        #expect(lost.isEmpty, "\(lost.count) of \(known.count) findings are lost or changed: \(lost.prefix(3))")
        known = found
        for report in try await store.ledger.reports() {
            switch report.state {
            case .running: Issue.record("report \(report.id) still runs")
            case .failed:
                #expect(report.message == "interrupted")
                #expect(report.summary == Summary())
                await #expect(throws: StoreError.self) { _ = try await store.ledger.problems(in: report.id) }
            case .complete:
                var shown = 0
                while true {
                    let page = try await store.ledger.problems(in: report.id, limit: 1000, offset: shown)
                    if page.isEmpty { break }
                    shown += page.count
                }
                let problems = Outcome.allCases.filter(\.isProblem).reduce(0) { $0 + report.summary.count($1) }
                #expect(shown == problems, "report \(report.id) shows all that it counted")
            }
        }
        guard let report else {
            try store.close()
            return nil
        }
        let state = try await store.ledger.report(report)?.state
        try store.close()
        return state
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation
import Testing
import TestSupport

/// What other tools say about the same input, run with the built command.
@Suite(.serialized) struct ConformanceTests {
    /// The folder of fixtures and manifests; nil, loudly, when it is not there.
    static let data: String? = {
        let given = ProcessInfo.processInfo.environment["BULWARK_DATA"].flatMap { $0.isEmpty ? nil : $0 }
        let path = (given ?? TestCluster.root + "/../shared/data") + "/policy"
        if FileManager.default.fileExists(atPath: path + "/fixture-map.tsv") { return path }
        print("CONFORMANCE TESTS SKIPPED: no data at \(path); set BULWARK_DATA to a folder that holds policy/.")
        return nil
    }()

    private func script(_ name: String, _ arguments: [String]) async throws -> CommandRun {
        try await CommandRun.run(
            TestCluster.root + "/scripts/" + name, arguments, environment: ["BULWARK_BINARY": CommandRun.bulwark],
            folder: TestCluster.root, limit: .seconds(900))
    }

    @Test(.enabled(if: data != nil)) func fixturesOfOtherToolsAgree() async throws {
        let run = try await script("conformance", ["inspection", try #require(Self.data)])
        #expect(run.status == 0, "\(run.output.suffix(4000))\(run.errors)")
        let last = run.output.split(separator: "\n").last ?? ""
        print("conformance: \(last)")
        let counts = last.split(separator: " ").compactMap { Int($0) }
        try #require(counts.count == 3, "\(last)")
        #expect(counts[0] >= 450 && counts[1] == 0, "\(last)")
        #expect(counts.reduce(0, +) >= 500, "\(last)")
    }

    @Test(.enabled(if: data != nil)) func podSecurityStandardsAgree() async throws {
        let run = try await script("conformance", ["psa", try #require(Self.data) + "/psa-fixtures"])
        #expect(run.status == 0, "\(run.output.suffix(4000))\(run.errors)")
        let last = run.output.split(separator: "\n").last ?? ""
        print("conformance: \(last)")
        let counts = last.split(separator: " ").compactMap { Int($0) }
        try #require(counts.count == 3, "\(last)")
        #expect(counts[0] > 1000 && counts[1] == 0 && counts[2] == 0, "\(last)")
    }

    /// An explanation that explains nothing any more makes the script fail as well: the page cannot go stale.
    @Test(.enabled(if: data != nil)) func failuresAgreeWithCheckov() async throws {
        let run = try await script("agreement", [try #require(Self.data)])
        #expect(run.status == 0, "\(run.output.suffix(6000))\(run.errors)")
        let last = run.output.split(separator: "\n").last { $0.hasPrefix("after explained") } ?? ""
        print("agreement: \(last)")
        let shares = last.split(whereSeparator: { " ,".contains($0) }).filter { $0.hasSuffix("%") }.compactMap {
            Double($0.dropLast())
        }
        try #require(shares.count == 2, "\(last)")
        #expect(shares.allSatisfy { $0 >= 99 }, "\(last)")
    }

    @Test(.enabled(if: data != nil)) func realManifestsAreJudgedWithoutAnError() async throws {
        let folder = try #require(Self.data) + "/manifests"
        let run = try await CommandRun.bulwark(["inspect", folder, "--output", "json"])
        // The three files are unreadable input, everything else is judged.
        #expect(run.status == 2)
        let refused = run.errors.split(separator: "\n").map(String.init)
        #expect(refused.count == 3, "\(run.errors)")
        for (name, line) in zip(["etcd-controller", "etcd-discovery-controller", "openshift-controller"], refused) {
            #expect(line.contains("examples/_archived/openshift-origin/\(name).yaml:12:3: key \"selector\""), "\(line)")
        }
        let report = try JSONReader.read(Array(run.output.utf8), source: "report").root
        #expect(report["results"]?.elements.contains { $0["outcome"]?.equals("error") == true } == false)
        #expect((report["summary"]?["objects"]?.int ?? 0) > 600)
        #expect((report["results"]?.count ?? 0) > 7000)
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
@testable import Advisories
import Foundation
import Synchronization
import Testing

/// EPSS scores and the list of exploited vulnerabilities by URL.
@Suite struct ScoresUpdateTests {
    private static let csv = """
        #model_version:v2026.03.14,score_date:2026-11-28T00:00:00Z
        cve,epss,percentile
        CVE-2021-44228,0.94358,0.99966
        CVE-2026-0001,0.00042,0.12345

        """
    private static let kev =
        #"{"catalogVersion":"1","vulnerabilities":[{"cveID":"CVE-2021-44228"},{"cveID":"CVE-1999-0001"}]}"#

    private static func gzip(_ text: String) throws -> [UInt8] {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/gzip")
        process.arguments = ["-c"]
        let (input, output) = (Pipe(), Pipe())
        (process.standardInput, process.standardOutput) = (input, output)
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data(text.utf8))
        try input.fileHandleForWriting.close()
        return [UInt8](try #require(try output.fileHandleForReading.readToEnd()))
    }

    private static func updater(
        _ fixture: AdvisoryFixture, _ failures: @escaping @Sendable (AdvisoryUpdater.Event) -> Void = { _ in }
    ) -> AdvisoryUpdater {
        var options = AdvisoryUpdater.Options()
        (options.delay, options.longestDelay) = (.milliseconds(5), .milliseconds(20))
        (options.silence, options.attempts) = (.seconds(5), 2)
        return AdvisoryUpdater(database: fixture.database, options: options, report: failures)
    }

    private static func scores(_ fixture: AdvisoryFixture) throws -> VulnerabilityScores {
        try #require(try VulnerabilityScores(path: fixture.database + "/" + VulnerabilityScores.fileName))
    }

    @Test func fetchesListsAndWhatChangedAlone() async throws {
        let fixture = try AdvisoryFixture()
        let csv = try Self.gzip(Self.csv)
        let server = try await RawServer.start { request, _ in
            if request.headers["if-none-match"] == "\"a\"" { return RawServer.answer("304 Not Modified") }
            if request.path == "/scores.csv.gz" {
                return RawServer.answer("302 Found", ["Location: /today.csv.gz"])
            }
            if request.path == "/today.csv.gz" { return RawServer.answer("200 OK", ["ETag: \"a\""], body: csv) }
            return RawServer.answer("200 OK", body: Array(Self.kev.utf8))
        }
        let base = "http://127.0.0.1:\(server.port)"
        let updater = Self.updater(fixture)
        #expect(try await updater.updateScores(epss: base + "/scores.csv.gz", exploited: base + "/kev.json") == 3)
        var scores = try Self.scores(fixture)
        #expect(scores["CVE-2021-44228"]?.probability == 0.94358 && scores["CVE-2021-44228"]?.isExploited == true)
        #expect(scores["CVE-1999-0001"]?.probability == nil && scores["CVE-1999-0001"]?.isExploited == true)
        #expect(scores["CVE-2026-0001"]?.isExploited == false)
        let requests = server.requests.count
        #expect(try await updater.updateScores(epss: base + "/scores.csv.gz", exploited: nil) == 3)
        // The redirect was answered by 304 at once: the tag goes with the first question.
        #expect(server.requests.count == requests + 1)
        scores = try Self.scores(fixture)
        #expect(scores.entries == 3)
        // Scores that are gone are fetched anew, whatever tag there was.
        unlink(fixture.database + "/" + VulnerabilityScores.fileName)
        #expect(try await updater.updateScores(epss: base + "/scores.csv.gz", exploited: nil) == 2)
        #expect(try FileManager.default.contentsOfDirectory(atPath: fixture.database + "/.downloads") == ["EPSS.known"])
        try await server.stop()
    }

    /// The one that fails keeps what it had; the other is taken.
    @Test(arguments: [
        RawServer.answer("500 Internal Server Error"), RawServer.answer("404 Not Found"),
        RawServer.answer("200 OK", body: Array("<html>".utf8)), RawServer.answer("200 OK", body: Array("[]".utf8)),
        RawServer.answer("200 OK", body: Array(Self.kev.utf8), cut: 20),
        RawServer.answer("200 OK", body: Array(Self.kev.utf8), length: 1 << 40),
    ])
    func keepsWhatItHad(_ bad: [UInt8]) async throws {
        let fixture = try AdvisoryFixture()
        let files = fixture.folder
        try Self.kev.write(toFile: files + "/kev.json", atomically: true, encoding: .utf8)
        let failed = Mutex<[String]>([])
        let updater = Self.updater(fixture) { event in
            if case .failed(let name, _) = event { failed.withLock { $0.append(name) } }
        }
        #expect(try await updater.updateScores(epss: nil, exploited: files + "/kev.json") == 2)
        let server = try await RawServer.start { request, _ in
            request.path == "/kev" ? bad : RawServer.answer("200 OK", body: Array(Self.csv.utf8))
        }
        let base = "http://127.0.0.1:\(server.port)"
        await #expect(throws: AdvisoryError.self) {
            try await updater.updateScores(epss: base + "/epss", exploited: base + "/kev")
        }
        #expect(failed.withLock { $0 } == ["KEV"])
        let scores = try Self.scores(fixture)
        #expect(scores["CVE-1999-0001"]?.isExploited == true && scores["CVE-2026-0001"]?.probability == 0.00042)
        try await server.stop()
    }

    @Test func refusesBombs() async throws {
        let fixture = try AdvisoryFixture()
        let line = "CVE-2026-0001,0.1,0.1\n"
        let bomb = try Self.gzip(
            "cve,epss,percentile\n" + String(repeating: line, count: 10) + String(repeating: "0", count: 5_000))
        let server = try await RawServer.start { _, _ in RawServer.answer("200 OK", body: bomb) }
        await #expect(throws: AdvisoryError.self) {
            try await Self.updater(fixture).updateScores(
                epss: "http://127.0.0.1:\(server.port)/", exploited: nil)
        }
        #expect(access(fixture.database + "/" + VulnerabilityScores.fileName, F_OK) != 0)
        try await server.stop()
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
@testable import Advisories
import Foundation
import Testing

@Suite struct StoreTests {
    private static let all = "[" + AdvisoryFixture.range("ECOSYSTEM", "introduced 0,fixed 9") + "]"

    @Test func namesWhatCannotBeRead() throws {
        let fixture = try AdvisoryFixture()
        let outcome = try fixture.load(
            "PyPI",
            [
                AdvisoryFixture.record("P-1", "PyPI", "a", ranges: Self.all), "{", "[]", "{\"id\":1}",
                AdvisoryFixture.record(
                    "P-2", "PyPI", "a", ranges: "[{\"type\":\"SEMVER\",\"events\":[{\"fixed\":3}]}]"),
                AdvisoryFixture.record(
                    "P-3", "PyPI", "a", ranges: "[{\"type\":\"SEMVER\",\"events\":[{\"since\":\"3\"}]}]"),
            ])
        #expect(outcome.records == 1 && outcome.refused == 5 && outcome.problems.count == 5)
        let status = AdvisoryStatus(path: fixture.database, verifying: true)
        #expect(status.ecosystems.map(\.name) == ["PyPI"])
        #expect(status.ecosystems.map(\.refused) == [5] && status.ecosystems.map(\.problem) == [""])
        #expect(throws: AdvisoryError.self) { try fixture.load("npm", ["{", "}"]) }
        #expect(throws: AdvisoryError.self) {
            try fixture.load("../x", [AdvisoryFixture.record("P-1", "../x", "a", ranges: Self.all)])
        }
        #expect(throws: AdvisoryError.self) { try AdvisoryDatabase(path: fixture.folder) }
    }

    /// Whatever stands in a file, looking a package up ends in an answer or an error.
    @Test func survivesDamage() throws {
        let fixture = try AdvisoryFixture()
        try fixture.load(
            "PyPI",
            (0..<40).map {
                AdvisoryFixture.record("P-\($0)", "PyPI", "a\($0 % 7)", ranges: Self.all, versions: ["1", "2"])
            })
        let path = fixture.database + "/PyPI.advisories"
        let sound = try Data(contentsOf: URL(filePath: path))
        var state: UInt64 = 99
        func random(_ below: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(below))
        }
        var errors = 0
        for round in 0..<1500 {
            var bytes = [UInt8](sound)
            if round % 5 == 0 {
                bytes = Array(bytes.prefix(random(bytes.count)))
            } else {
                for _ in 0...random(20) {
                    let at = round % 2 == 0 ? random(bytes.count) : 512 + random(bytes.count - 512)
                    bytes[at] = random(3) == 0 ? 0xFF : UInt8(random(256))
                }
                // The header's own check must not hide what lies behind it.
                if round % 3 == 0 {
                    let check = AdvisoryFormat.check(Array(bytes.prefix(512)))
                    withUnsafeBytes(of: check) { bytes.replaceSubrange(12..<16, with: $0) }
                }
            }
            try Data(bytes).write(to: URL(filePath: path))
            do {
                for name in 0..<7 { _ = try fixture.matches("PyPI", "a\(name)", "1") }
            } catch is AdvisoryError {
                errors += 1
            }
            if bytes != [UInt8](sound) {
                #expect(AdvisoryStatus(path: fixture.database, verifying: true).ecosystems.first?.problem != "")
            }
        }
        #expect(errors > 300)
    }

    @Test func keepsSecondWritersOut() throws {
        let fixture = try AdvisoryFixture()
        let lock = try FolderLock(folder: fixture.database)
        #expect(throws: AdvisoryError.self) {
            try fixture.load("PyPI", [AdvisoryFixture.record("P-1", "PyPI", "a", ranges: Self.all)])
        }
        withExtendedLifetime(lock) {}
    }

    @Test func refusesPartsOfArchives() throws {
        let fixture = try AdvisoryFixture()
        let zip = fixture.folder + "/all.zip"
        try Self.zip(zip, ["P-1.json": AdvisoryFixture.record("P-1", "PyPI", "a", ranges: Self.all)])
        let importer = AdvisoryImporter(database: fixture.database)
        #expect(try importer.load(zip).map(\.ecosystem) == ["PyPI"])
        let whole = try Data(contentsOf: URL(filePath: zip))
        try whole.dropLast(10).write(to: URL(filePath: zip))
        #expect(throws: AdvisoryError.self) { try importer.load(zip) }
        #expect(try fixture.matches("PyPI", "a", "1").count == 1)
        try Data("no zip".utf8).write(to: URL(filePath: zip))
        #expect(throws: AdvisoryError.self) { try importer.load(zip) }
    }

    static func zip(_ path: String, _ files: [String: String]) throws {
        let folder = path + ".files"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for (name, text) in files { try Data(text.utf8).write(to: URL(filePath: folder + "/" + name)) }
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/python3")
        process.arguments = ["-m", "zipfile", "-c", path] + files.keys.sorted().map { folder + "/" + $0 }
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
    }

    @Test func mergesScores() throws {
        let fixture = try AdvisoryFixture()
        try fixture.load(
            "PyPI",
            [AdvisoryFixture.record("P-1", "PyPI", "a", ranges: Self.all, more: "\"aliases\":[\"CVE-2021-44228\"]")])
        let (epss, kev) = (fixture.folder + "/epss.csv", fixture.folder + "/kev.json")
        try Data(
            "#model_version:v1\ncve,epss,percentile\nCVE-2021-44228,0.94358,0.99962\r\nCVE-1999-0001,0.01,0.5\n".utf8
        ).write(to: URL(filePath: epss))
        try Data(#"{"vulnerabilities":[{"cveID":"CVE-2021-44228"}]}"#.utf8).write(to: URL(filePath: kev))
        let importer = AdvisoryImporter(database: fixture.database)
        #expect(try importer.load(epss: epss, exploited: nil) == 2)
        #expect(try fixture.matches("PyPI", "a", "1").first?.isExploited == false)
        #expect(try importer.load(epss: nil, exploited: kev) == 2)
        let match = try #require(try fixture.matches("PyPI", "a", "1").first)
        #expect(match.isExploited && abs((match.exploitProbability ?? 0) - 0.94358) < 1e-6)
        #expect(abs((match.exploitPercentile ?? 0) - 0.99962) < 1e-6)
        try Data("cve,epss,percentile\nCVE-1,2\n".utf8).write(to: URL(filePath: epss))
        #expect(throws: AdvisoryError.self) { try importer.load(epss: epss, exploited: nil) }
        #expect(AdvisoryStatus(path: fixture.database).scores == 2)
    }

    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2024-02-29T12:34:56Z", 1_709_210_096),
        ("2026-08-21T10:00:00.123456+02:00", 1_787_299_200),
        ("0001-01-01T00:00:00Z", 0), ("2024-01-11", 1_704_931_200), ("nonsense", 0), ("2024-13-01T00:00:00Z", 0),
    ]) func readsTimes(_ text: String, _ seconds: Int64) {
        #expect(RecordTime.seconds(text) == seconds)
        if text.hasSuffix("Z"), seconds > 0 { #expect(RecordTime.text(seconds) == text) }
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Advisories
import Findings
import Foundation
import Testing

@Suite struct MatchingTests {
    /// Ranges, listed versions, the installed version, whether it is affected, and the fix.
    static let evaluations: [([String], [String], String, Bool?, String)] = [
        (["introduced 0,fixed 1.2"], [], "1.1", true, "1.2"), (["introduced 0,fixed 1.2"], [], "1.2", false, ""),
        (["introduced 0,fixed 1.2"], [], "0", true, "1.2"), (["introduced 1.0"], [], "0.9", false, ""),
        (["introduced 1.0"], [], "99", true, ""), (["introduced 0,last_affected 1.2"], [], "1.2", true, ""),
        (["introduced 0,last_affected 1.2"], [], "1.2.1", false, ""),
        (["introduced 1.0,fixed 1.2,introduced 2.0,fixed 2.2"], [], "1.5", false, ""),
        (["introduced 1.0,fixed 1.2,introduced 2.0,fixed 2.2"], [], "2.1", true, "2.2"),
        (["fixed 2.2,introduced 2.0,fixed 1.2,introduced 1.0"], [], "1.1", true, "1.2"),
        (["introduced 1.0,fixed 1.2", "introduced 1.1,fixed 3.0"], [], "1.1", true, "1.2"),
        (["introduced 1.0,fixed 1.2", "introduced 1.1,fixed 3.0"], [], "2.0", true, "3.0"),
        (["introduced 0,limit 2.0"], [], "1.9", true, ""), (["introduced 0,limit 2.0"], [], "2.0", false, ""),
        (["introduced 0,limit 1.0,limit 3.0"], [], "2.0", true, ""), (["introduced 0,limit *"], [], "2.0", true, ""),
        ([], ["1.0", "1.2", "1.10"], "1.10", true, ""), ([], ["1.0", "1.2"], "1.0.0", true, ""),
        ([], ["1.0", "1.2"], "1.1", false, ""), (["introduced 3.0"], ["1.0"], "1.0", true, ""),
        (["introduced 1.0,fixed 1.0.a.b.c!"], [], "1.1", nil, ""),
        (["introduced 0,fixed 2"], [], "not a version", nil, ""),
        (["introduced 1.0,fixed 1.2"], ["weird version"], "weird version", true, ""),
        (["introduced 0"], [], "weird", true, ""),
    ]

    @Test(arguments: evaluations.indices) func evaluates(_ at: Int) throws {
        let (ranges, versions, installed, expected, fix) = Self.evaluations[at]
        let fixture = try AdvisoryFixture()
        let list = "[" + ranges.map { AdvisoryFixture.range("ECOSYSTEM", $0) }.joined(separator: ",") + "]"
        try fixture.load(
            "RubyGems", [AdvisoryFixture.record("X-1", "RubyGems", "a", ranges: list, versions: versions)])
        let found = try fixture.matches("RubyGems", "a", installed)
        if expected == nil {
            #expect(found.count == 1 && found[0].isError, "\(found)")
        } else {
            #expect(found.map(\.isError) == (expected == true ? [false] : []), "\(found)")
            if let only = found.first {
                #expect(only.fixedVersion == fix && only.status == (fix.isEmpty ? .affected : .fixed))
            }
        }
    }

    @Test func normalizesNames() throws {
        let fixture = try AdvisoryFixture()
        let all = "[" + AdvisoryFixture.range("ECOSYSTEM", "introduced 0") + "]"
        try fixture.load("PyPI", [AdvisoryFixture.record("P-1", "PyPI", "Zope.Interface__x", ranges: all)])
        #expect(try fixture.matches("PyPI", "zope-interface-X", "1").map(\.package) == ["Zope.Interface__x"])
        try fixture.load("npm", [AdvisoryFixture.record("N-1", "npm", "JSONStream", ranges: all)])
        #expect(try fixture.matches("npm", "jsonstream", "1").isEmpty)
        #expect(try fixture.matches("../npm", "JSONStream", "1").isEmpty)
        #expect(try fixture.matches("Nowhere", "JSONStream", "1").isEmpty)
        #expect(try AdvisoryDatabase(path: fixture.database).covers("npm"))
        #expect(try !AdvisoryDatabase(path: fixture.database).covers("Nowhere:1"))
    }

    @Test func speaksOfSourcesForDebian() throws {
        let fixture = try AdvisoryFixture()
        let fixed = "[" + AdvisoryFixture.range("ECOSYSTEM", "introduced 0,fixed 1.0.9-2+deb12u1") + "]"
        try fixture.load(
            "Debian",
            [
                AdvisoryFixture.record(
                    "DSA-1-1", "Debian:12", "brotli", ranges: fixed,
                    more: "\"upstream\":[\"CVE-2020-1\",\"CVE-2020-2\"],\"related\":[\"CVE-2020-1\"]"),
                AdvisoryFixture.record(
                    "DEBIAN-CVE-2020-2", "Debian:12", "brotli", ranges: fixed, more: "\"upstream\":[\"CVE-2020-2\"]"),
                AdvisoryFixture.record(
                    "DEBIAN-CVE-2020-3", "Debian:11", "brotli", ranges: fixed, more: "\"upstream\":[\"CVE-2020-3\"]"),
            ])
        let query = AdvisoryQuery(
            ecosystem: "Debian:12", name: "libbrotli1", version: "1.0.9-2+b6", source: "brotli",
            sourceVersion: "1.0.9-2")
        let found = try fixture.matches(query)
        #expect(found.map(\.id) == ["CVE-2020-1", "CVE-2020-2"])
        #expect(found.map { Set($0.records) } == [["DSA-1-1"], ["DSA-1-1", "DEBIAN-CVE-2020-2"]])
        #expect(
            found.allSatisfy {
                $0.fixedVersion == "1.0.9-2+deb12u1" && $0.package == "brotli" && $0.version == "1.0.9-2"
            })
        #expect(try fixture.matches("Debian:12", "libbrotli1", "1.0.9-2").isEmpty)
    }

    @Test func mergesRecordsOfOneVulnerability() throws {
        let fixture = try AdvisoryFixture()
        func record(_ id: String, _ aliases: [String], _ events: String, _ more: String = "") -> String {
            let names = aliases.map { "\"\($0)\"" }.joined(separator: ",")
            return AdvisoryFixture.record(
                id, "npm", "a", ranges: "[\(AdvisoryFixture.range("ECOSYSTEM", events))]",
                more: "\"aliases\":[\(names)]\(more)")
        }
        try fixture.load(
            "npm",
            [
                record("PYSEC-1", ["GHSA-1"], "introduced 0"),
                record(
                    "GHSA-1", ["CVE-2021-9"], "introduced 0,fixed 2.0", ",\"database_specific\":{\"severity\":\"HIGH\"}"
                ),
                record("GHSA-2", [], "introduced 0,fixed 3.0", ",\"withdrawn\":\"2026-01-01T00:00:00Z\""),
                record("GHSA-3", ["CVE-2021-8"], "introduced 0,fixed latest"),
            ])
        let found = try fixture.matches("npm", "a", "1.0")
        try #require(found.map(\.id) == ["CVE-2021-8", "CVE-2021-9"])
        #expect(found.map(\.isError) == [true, false])
        #expect(Set(found[1].records) == ["PYSEC-1", "GHSA-1"] && found[1].fixedVersion == "2.0")
        #expect(found[1].severity.severity == .high && found[1].severity.source == "GitHub")
        #expect(found[1].aliases == ["GHSA-1", "PYSEC-1"])
    }

    @Test func keepsModulesApart() throws {
        let fixture = try AdvisoryFixture()
        func record(_ id: String, _ summary: String, _ fixed: String) -> String {
            AdvisoryFixture.record(
                id, "AlmaLinux:8", "nodejs",
                ranges: "[\(AdvisoryFixture.range("ECOSYSTEM", "introduced 0,fixed \(fixed)"))]",
                more: "\"related\":[\"CVE-2024-\(id.suffix(1))\"],\"summary\":\"\(summary)\"")
        }
        try fixture.load(
            "AlmaLinux",
            [
                record("ALSA-2024:1", "Important: nodejs:18 security update", "1:18.20-1.module_el8.9.0+1+a"),
                record("ALSA-2024:2", "Low: nodejs:20 security update", "1:20.12-1.module_el8.9.0+1+a"),
                record("ALSA-2024:3", "Low: nodejs security update", "1:22.1-1.el8"),
                AdvisoryFixture.record(
                    "ALBA-2024:4", "AlmaLinux:8", "nodejs",
                    ranges: "[\(AdvisoryFixture.range("ECOSYSTEM", "introduced 0"))]"),
            ])
        func ids(_ version: String, _ module: String) throws -> [String] {
            try fixture.matches(
                AdvisoryQuery(ecosystem: "AlmaLinux:8", name: "nodejs", version: version, module: module)
            ).map(\.id)
        }
        #expect(try ids("1:18.1-1.module_el8.7.0+1+a", "nodejs:18") == ["CVE-2024-1"])
        #expect(try ids("1:18.1-1.module_el8.7.0+1+a", "") == ["CVE-2024-1", "CVE-2024-2"])
        #expect(try ids("1:18.1-1.el8", "") == ["CVE-2024-3"])
        #expect(
            try fixture.matches(AdvisoryQuery(ecosystem: "AlmaLinux:8", name: "nodejs", version: "1:18.1-1.el8")).first?
                .severity.severity == .low)
    }

    @Test func tellsWhatWillNotBeFixed() throws {
        let fixture = try AdvisoryFixture()
        let record = """
            {"id":"DEBIAN-CVE-2020-7","modified":"2026-01-01T00:00:00Z","upstream":["CVE-2020-7"],"details":"Long.","affected":[{\
            "package":{"ecosystem":"Debian:12","name":"a"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}],\
            "ecosystem_specific":{"urgency":"unimportant"}}]}
            """
        try fixture.load("Debian", [record])
        let found = try fixture.matches("Debian:12", "a", "1")
        #expect(found.map(\.status) == [.willNotFix] && found.map(\.severity.source) == ["Debian"])
        #expect(try found.first?.details() == "Long.")
    }
}

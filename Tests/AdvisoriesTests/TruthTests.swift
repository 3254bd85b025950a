// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Advisories
import Foundation
import Testing

/// What other scanners and dpkg itself find with the advisories of `BULWARK_DATA/images`.
@Suite struct TruthTests {
    static let data = (ProcessInfo.processInfo.environment["BULWARK_DATA"] ?? "../shared/data") + "/images"

    private static func rows(_ path: String) -> [[String]] {
        let text = (try? String(contentsOfFile: data + "/" + path, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").filter { !$0.hasPrefix("#") }
            .map { $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init) }
    }

    @Test func agreesWithOthers() throws {
        guard FileManager.default.fileExists(atPath: Self.data + "/osv") else {
            print("SKIPPED: there are no advisories in \(Self.data)/osv")
            return
        }
        let fixture = try AdvisoryFixture()
        let outcomes = try AdvisoryImporter(database: fixture.database).load(Self.data + "/osv")
        #expect(outcomes.count == 16 && outcomes.allSatisfy { $0.refused == 0 })
        let database = try AdvisoryDatabase(path: fixture.database)
        try image(database)
        try fixtures(database)
        try speed(database)
    }

    private func find(_ database: AdvisoryDatabase, _ query: AdvisoryQuery) throws -> [AdvisoryMatch] {
        var matches: [AdvisoryMatch] = []
        try database.matches(query, into: &matches)
        return matches
    }

    private static func queries() -> [(kind: String, query: AdvisoryQuery)] {
        rows("expected/app.syft.packages.tsv").compactMap { row in
            let upstream =
                row[3].components(separatedBy: "upstream=").dropFirst().first?.components(separatedBy: "&")[0] ?? ""
            let parts = (upstream.removingPercentEncoding ?? "").split(separator: "@").map(String.init)
            let ecosystems = [
                "deb": "Debian:12", "python": "PyPI", "go-module": "Go", "rust-crate": "crates.io", "gem": "RubyGems",
                "npm": "npm",
                "php-composer": "Packagist", "java-archive": "Maven",
            ]
            guard let ecosystem = ecosystems[row[0]] else { return nil }
            return (
                row[0],
                AdvisoryQuery(
                    ecosystem: ecosystem, name: row[1], version: row[2], source: parts.first ?? "",
                    sourceVersion: parts.count > 1 ? parts[1] : "")
            )
        }
    }

    private func image(_ database: AdvisoryDatabase) throws {
        let kinds = ["deb": "debian", "python": "python-pkg", "go-module": "gobinary"]
        var found: Set<String> = [], sources: Set<String> = []
        var fixes: [String: String] = [:]
        for (kind, query) in Self.queries() {
            for match in try find(database, query) {
                #expect(!match.isError, "\(match.id) \(query.name)")
                guard let type = kinds[kind] else { continue }
                let version = query.version.drop { $0 == "v" || $0 == "g" || $0 == "o" }
                let key = [type, match.id, query.name.lowercased(), String(version)].joined(separator: " ")
                found.insert(key)
                fixes[key] = match.fixedVersion
                if kind == "deb" { sources.insert(match.package + " " + match.id) }
            }
        }
        var expected: Set<String> = []
        for row in Self.rows("expected/app.trivy.vulns.tsv") {
            let key = [row[0], row[1], row[2].lowercased(), String(row[3].drop { $0 == "v" })].joined(separator: " ")
            expected.insert(key)
            #expect(row[4].components(separatedBy: ", ").contains(fixes[key] ?? "?"), "\(key)")
        }
        #expect(found.subtracting(expected).isEmpty && expected.subtracting(found).isEmpty && expected.count == 371)
        #expect(sources == Set(Self.rows("expected/app.debian.truth.tsv").map { $0[0] + " " + $0[1] }))
    }

    /// The distribution's later erratum for the same vulnerability asks for a later version than the first one: we name the one
    /// that satisfies both, the other scanner the one that it read last.
    static let laterErrata: Set<String> = [
        "CVE-2023-38545 curl", "CVE-2023-38546 curl", "CVE-2024-8176 expat", "CVE-2024-6232 python3",
        "CVE-2026-4786 python3",
        "CVE-2026-6100 python3", "CVE-2025-6965 sqlite-libs", "CVE-2026-29111 systemd",
    ]

    private func fixtures(_ database: AdvisoryDatabase) throws {
        let known = [
            "dpkg-texlive": "Debian:11", "rpm-sqlite-alma9": "AlmaLinux:9", "apk-scalibr": "Alpine:v3.18",
            "rpm-sqlite-mariner2": "Azure Linux:2", "rpm-bdb-libuuid": "Red Hat:7",
        ]
        for (name, ecosystem) in known {
            let sources = name == "dpkg-texlive" ? Self.sources("fixtures/\(name)/var/lib/dpkg/status") : [:]
            var found: [String: String] = [:]
            for row in Self.rows("fixtures/\(name)/expected.packages.tsv") {
                let source = sources[row[0]] ?? ("", "")
                let query = AdvisoryQuery(
                    ecosystem: ecosystem, name: row[0], version: row[1], source: source.0, sourceVersion: source.1)
                for match in try find(database, query) { found[match.id + " " + row[0]] = match.fixedVersion }
            }
            let expected = Self.rows("fixtures/\(name)/expected.vulns.tsv")
            #expect(Set(found.keys) == Set(expected.map { $0[0] + " " + $0[1] }), "\(name)")
            for row in expected where found[row[0] + " " + row[1]] != row[3] {
                #expect(Self.laterErrata.contains(row[0] + " " + row[1]), "\(row)")
            }
        }
    }

    private static func sources(_ path: String) -> [String: (String, String)] {
        var found: [String: (String, String)] = [:]
        let text = (try? String(contentsOfFile: data + "/" + path, encoding: .utf8)) ?? ""
        for block in text.components(separatedBy: "\n\n") {
            let lines = block.split(separator: "\n")
            guard let name = lines.first(where: { $0.hasPrefix("Package: ") })?.dropFirst(9) else { continue }
            guard let source = lines.first(where: { $0.hasPrefix("Source: ") })?.dropFirst(8) else { continue }
            let parts = source.split(separator: " ")
            found[String(name)] = (
                String(parts[0]), parts.count > 1 ? parts[1].trimmingCharacters(in: ["(", ")"]) : ""
            )
        }
        return found
    }

    /// 10,000 packages against everything; the limit is for release builds on a quiet machine.
    private func speed(_ database: AdvisoryDatabase) throws {
        let queries = Self.queries().map(\.query)
        let clock = ContinuousClock()
        var count = 0
        var matches: [AdvisoryMatch] = []
        let took = try clock.measure {
            while count < 10_000 {
                for query in queries where count < 10_000 {
                    matches.removeAll(keepingCapacity: true)
                    try database.matches(query, into: &matches)
                    count += 1
                }
            }
        }
        let opening = try clock.measure { _ = try AdvisoryDatabase(path: database.path).covers("Debian:12") }
        print("10,000 packages matched in \(took), opened in \(opening)")
        #expect(took < .seconds(20))
    }
}

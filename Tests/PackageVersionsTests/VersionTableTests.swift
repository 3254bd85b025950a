// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import PackageVersions
import Testing

/// The tables of `BULWARK_DATA/images/versions`.
@Suite struct VersionTableTests {
    static let folder =
        (ProcessInfo.processInfo.environment["BULWARK_DATA"] ?? "../shared/data") + "/images/versions"

    /// Regular expressions over `scheme a op b source`, tab-separated, of rows that contradict a packaging system.
    static func exceptions() throws -> [Regex<AnyRegexOutput>] {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(
            contentsOf: root.appending(path: "scripts/conformance-versions.exceptions"), encoding: .utf8)
        return try text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map {
            try Regex(String($0.split(separator: "\t")[0]))
        }
    }

    @Test func followsTables() throws {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: Self.folder)) ?? []
        guard !files.isEmpty else {
            print("SKIPPED: there are no tables of versions in \(Self.folder)")
            return
        }
        let exceptions = try Self.exceptions()
        var (rows, excused) = (0, 0)
        for file in files where file.hasSuffix(".tsv") {
            let text = try String(contentsOfFile: Self.folder + "/" + file, encoding: .utf8)
            let isConstraints = file.hasPrefix("constraints-")
            let name = String(file.dropLast(4).dropFirst(isConstraints ? 12 : 0))
            let scheme = try #require(VersionScheme(rawValue: name), "\(name)")
            for line in text.split(separator: "\n") where !line.hasPrefix("#") {
                let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
                rows += 1
                let isRight =
                    isConstraints ? Self.holds(scheme, fields) : Self.compares(scheme, fields)
                if isRight { continue }
                let row = (isConstraints ? "constraints-" : "") + name + "\t" + line
                if exceptions.contains(where: { row.contains($0) }) {
                    excused += 1
                } else {
                    Issue.record("\(row)")
                }
            }
        }
        #expect(rows > 1000 && excused < 30)
    }

    private static func holds(_ scheme: VersionScheme, _ row: [String]) -> Bool {
        (try? VersionConstraint(row[0], scheme).contains(row[1])) == (row[2] == "true")
    }

    private static func compares(_ scheme: VersionScheme, _ row: [String]) -> Bool {
        let expected: VersionOrder = row[1] == "<" ? .less : row[1] == ">" ? .greater : .equal
        return (try? scheme.compare(row[0], row[2])) == expected
            && (try? scheme.compare(row[2], row[0])) == expected.reversed
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Glibc
import PackageVersions
import Synchronization

/// The advisories of a folder: a file for each ecosystem, opened when it is first asked for.
package final class AdvisoryDatabase: Sendable {
    package let path: String
    private let files = Mutex<[String: AdvisoryFile?]>([:])
    private let scores: VulnerabilityScores?

    /// - Throws: `noDatabase` where the folder holds no advisories, `malformed` for scores that are damaged.
    package init(path: String) throws(AdvisoryError) {
        self.path = path
        guard !Self.bases(path).isEmpty else {
            throw AdvisoryError(.noDatabase, "\(path) holds no advisories; run bulwark advisories update or import")
        }
        scores = try VulnerabilityScores(path: path + "/" + VulnerabilityScores.fileName)
    }

    static let suffix = ".advisories"

    /// The ecosystems of a folder, without their releases.
    static func bases(_ path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var found: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(suffix), !name.hasPrefix(".") { found.append(String(name.dropLast(suffix.utf8.count))) }
        }
        return found.sorted()
    }

    /// The file of an ecosystem; nil where there is none.
    func file(_ base: String) throws(AdvisoryError) -> AdvisoryFile? {
        if let known = files.withLock({ $0[base] }) { return known }
        // Ecosystem names come from images.
        guard Self.isName(base) else { return nil }
        let file: AdvisoryFile?
        do throws(AdvisoryError) { file = try AdvisoryFile(path: path + "/" + base + Self.suffix) } catch {
            guard error.code == .noDatabase else { throw error }
            file = nil
        }
        files.withLock { known in known[base] = .some(file) }
        return file
    }

    static func isName(_ base: String) -> Bool {
        !base.isEmpty && base.utf8.count <= 100 && !base.hasPrefix(".")
            && !base.utf8.contains { $0 == 0x2F || $0 < 0x20 }
    }

    /// Whether there are advisories for an ecosystem at all: a package of another is not "not affected".
    package func covers(_ ecosystem: String) -> Bool {
        ((try? file(AdvisoryEcosystem(ecosystem).base)) ?? nil) != nil
    }

    /// Adds what is known of a package, one match for each vulnerability, in the order of their ids.
    /// - Throws: `malformed` for a damaged file.
    package func matches(
        ecosystem: String, package: String, version: String, into matches: inout [AdvisoryMatch]
    ) throws(AdvisoryError) {
        try self.matches(AdvisoryQuery(ecosystem: ecosystem, name: package, version: version), into: &matches)
    }

    /// Adds what is known of a package, one match for each vulnerability, in the order of their ids.
    /// - Throws: `malformed` for a damaged file.
    package func matches(_ query: AdvisoryQuery, into matches: inout [AdvisoryMatch]) throws(AdvisoryError) {
        guard let file = try file(query.ecosystem.base) else { return }
        var merger = MatchMerger(query, file)
        let names =
            query.ecosystem.name == query.ecosystem.base
            ? [query.ecosystem.name] : [query.ecosystem.name, query.ecosystem.base]
        for name in names { try merger.look(in: name) }
        for var match in merger.found {
            if let scores, match.id.hasPrefix("CVE-") || match.aliases.contains(where: { $0.hasPrefix("CVE-") }) {
                try scores.apply(to: &match)
            }
            matches.append(match)
        }
    }
}

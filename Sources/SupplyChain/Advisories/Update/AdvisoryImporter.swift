// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Archives
import Glibc

/// Turns OSV's files into files of advisories. The old file of an ecosystem stays until the new one is whole.
package struct AdvisoryImporter: Sendable {
    package let database: String
    /// Seconds since 1970.
    package var now: @Sendable () -> Int64 = { Int64(time(nil)) }
    /// Told every few thousand records: the ecosystem, and how many were read.
    package var progress: @Sendable (String, Int) -> Void = { _, _ in }

    package init(database: String) { self.database = database }

    /// What an import did.
    package struct Outcome: Sendable {
        package var ecosystem: String
        package var records = 0
        package var withdrawn = 0
        /// Errata about bugs alone.
        package var harmless = 0
        /// Records that name no package of this ecosystem, or commits alone.
        package var unusable = 0
        /// Records that could not be read, and why; at most 20 are named.
        package var refused = 0
        package var problems: [String] = []
    }

    /// A folder laid out as OSV's bucket (`<Ecosystem>/all.zip`), a folder of an ecosystem's JSON files, or a zip of them.
    /// - Throws: the first error that hit a whole ecosystem, after the others were done.
    package func load(
        _ path: String, ecosystems: [String] = []
    ) throws(AdvisoryError) -> [Outcome] {
        let lock = try FolderLock(folder: database)
        defer { withExtendedLifetime(lock) {} }
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw AdvisoryError(.unreadable, "\(path): \(String(cString: strerror(errno)))")
        }
        if status.st_mode & S_IFMT != S_IFDIR {
            return [try store(zip: path, ecosystem: ecosystems.count == 1 ? ecosystems[0] : nil, source: path, tag: "")]
        }
        var outcomes: [Outcome] = []
        var failure: AdvisoryError?
        var isBucket = false
        for name in try Self.names(path) {
            let zip = "\(path)/\(name)/all.zip"
            guard access(zip, R_OK) == 0 else { continue }
            isBucket = true
            guard ecosystems.isEmpty || ecosystems.contains(name) else { continue }
            do throws(AdvisoryError) {
                outcomes.append(try store(zip: zip, ecosystem: name, source: zip, tag: ""))
            } catch {
                failure = failure ?? error
            }
        }
        if !isBucket { return [try store(folder: path, ecosystem: ecosystems.count == 1 ? ecosystems[0] : nil)] }
        if let failure { throw failure }
        for wanted in ecosystems where !outcomes.contains(where: { $0.ecosystem == wanted }) {
            throw AdvisoryError(.unreadable, "\(path)/\(wanted)/all.zip: there is no such file")
        }
        return outcomes
    }

    /// Merges EPSS scores (CSV, also compressed) and CISA's list of exploited vulnerabilities into what is there.
    /// - Returns: how many CVEs have a score or are exploited.
    package func load(epss: String?, exploited: String?) throws(AdvisoryError) -> Int {
        let lock = try FolderLock(folder: database)
        defer { withExtendedLifetime(lock) {} }
        return try merge(epss: epss, exploited: exploited)
    }

    /// The same for who holds the lock. Without a list, what is there counts as new.
    func merge(epss: String?, exploited: String?) throws(AdvisoryError) -> Int {
        let path = database + "/" + VulnerabilityScores.fileName
        var entries = (try? VulnerabilityScores(path: path))??.all() ?? [:]
        if let epss {
            let scores = try ScoreLists.epss(try Self.decompressed(epss), name: epss)
            for key in entries.keys {
                entries[key]?.probability = nil
                entries[key]?.percentile = nil
            }
            for (key, score) in scores {
                entries[key, default: .init(isExploited: false)].probability = score.0
                entries[key]?.percentile = score.1
            }
        }
        if let exploited {
            let keys = try ScoreLists.exploited(try Self.contents(exploited, limit: 256 << 20), name: exploited)
            for key in entries.keys { entries[key]?.isExploited = false }
            for key in keys { entries[key, default: .init(isExploited: true)].isExploited = true }
        }
        entries = entries.filter { $0.value.probability != nil || $0.value.isExploited }
        try VulnerabilityScores.write(entries, to: path, imported: now())
        return entries.count
    }

    private static func decompressed(_ path: String) throws(AdvisoryError) -> Decompressor {
        do throws(ArchiveError) {
            return try Decompressor(SequentialReader(try FileRange(path: path)), limits: ArchiveLimits(bytes: 1 << 30))
        } catch { throw AdvisoryError(.unreadable, path, cause: error) }
    }

    static func contents(_ path: String, limit: Int) throws(AdvisoryError) -> [UInt8] {
        do throws(ArchiveError) {
            let range = try FileRange(path: path)
            guard range.size <= Int64(limit) else {
                throw ArchiveError(.tooLarge, "\(path) has more than \(limit) bytes")
            }
            let reader = SequentialReader(range)
            var bytes: [UInt8] = []
            bytes.reserveCapacity(Int(range.size))
            while true {
                let piece = try reader.next()
                if piece.isEmpty { return bytes }
                bytes += piece
            }
        } catch { throw AdvisoryError(error.code == .tooLarge ? .tooLarge : .unreadable, path, cause: error) }
    }

    /// Names in a folder, sorted.
    static func names(_ folder: String) throws(AdvisoryError) -> [String] {
        guard let handle = opendir(folder) else {
            throw AdvisoryError(.unreadable, "\(folder): \(String(cString: strerror(errno)))")
        }
        defer { closedir(handle) }
        var names: [String] = []
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
            guard names.count <= 2_000_000 else { throw AdvisoryError(.tooLarge, "\(folder) holds too many files") }
        }
        return names.sorted()
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Archives
import Glibc

extension AdvisoryImporter {
    /// Reads a zip of OSV records into the file of its ecosystem. The lock is held by the caller.
    func store(zip: String, ecosystem: String?, source: String, tag: String) throws(AdvisoryError) -> Outcome {
        let archive: Archive
        let isCompleteZip: Bool
        do throws(ArchiveError) {
            let range = try FileRange(path: zip)
            isCompleteZip = try ZipEnd.isThere(range)
            archive = try Archive(range, .zip, limits: ArchiveLimits(entries: 2_000_000, bytes: 32 << 30))
        } catch { throw AdvisoryError(.unreadable, zip, cause: error) }
        guard isCompleteZip else { throw AdvisoryError(.malformed, "\(zip) is no whole zip archive") }
        return try store(ecosystem: ecosystem, source: source, tag: tag) {
            () throws(AdvisoryError) -> (String, [UInt8])? in
            do throws(ArchiveError) {
                while let entry = try archive.next() {
                    guard entry.kind == .file, entry.path.hasSuffix(".json") else { continue }
                    return (entry.path, try archive.contents(limit: OSVRecord.Limits.bytes))
                }
                return nil
            } catch { throw AdvisoryError(error.code == .tooLarge ? .tooLarge : .malformed, zip, cause: error) }
        }
    }

    func store(folder: String, ecosystem: String?) throws(AdvisoryError) -> Outcome {
        var names = try Self.names(folder).filter { $0.hasSuffix(".json") }.makeIterator()
        return try store(ecosystem: ecosystem, source: folder, tag: "") {
            () throws(AdvisoryError) -> (String, [UInt8])? in
            guard let name = names.next() else { return nil }
            return (name, try Self.contents("\(folder)/\(name)", limit: OSVRecord.Limits.bytes))
        }
    }

    private func store(
        ecosystem: String?, source: String, tag: String, _ next: () throws(AdvisoryError) -> (String, [UInt8])?
    ) throws(AdvisoryError) -> Outcome {
        var outcome = Outcome(ecosystem: ecosystem ?? "")
        if let ecosystem, !AdvisoryDatabase.isName(ecosystem) {
            throw AdvisoryError(.malformed, "\(ecosystem.debugDescription) is no name of an ecosystem")
        }
        // The name is known from the first record where the caller does not give it.
        let temporary = "\(database)/.import"
        let writer = try AdvisoryFileWriter(path: temporary)
        var read = 0
        while let (name, bytes) = try next() {
            read += 1
            if read % 2000 == 0 { progress(outcome.ecosystem, read) }
            do throws(AdvisoryError) {
                var record = try OSVRecord(json: bytes, source: name)
                if outcome.ecosystem.isEmpty, let base = record.affected.first?.ecosystem.base {
                    outcome.ecosystem = base
                }
                // Records may speak of several ecosystems; each has a file of its own in the bucket.
                record.affected.removeAll {
                    $0.ecosystem.base != outcome.ecosystem && !Self.isKin($0.ecosystem.base, outcome.ecosystem)
                }
                try writer.add(record)
            } catch {
                outcome.refused += 1
                if outcome.problems.count < 20 { outcome.problems.append("\(name): \(error)") }
            }
        }
        guard read > 0 else { throw AdvisoryError(.malformed, "\(source) holds no OSV records") }
        guard writer.count + writer.withdrawn + writer.harmless > 0 || outcome.refused == 0 else {
            throw AdvisoryError(
                .malformed, "\(source): no record could be read; the first: \(outcome.problems.first ?? "")")
        }
        guard AdvisoryDatabase.isName(outcome.ecosystem) else {
            throw AdvisoryError(.malformed, "\(source) names no ecosystem")
        }
        (outcome.records, outcome.withdrawn, outcome.harmless) = (writer.count, writer.withdrawn, writer.harmless)
        outcome.unusable = read - outcome.refused - writer.count - writer.withdrawn - writer.harmless
        try writer.finish(
            ecosystem: outcome.ecosystem, source: source, tag: tag, imported: now(), refused: outcome.refused)
        let path = "\(database)/\(outcome.ecosystem)\(AdvisoryDatabase.suffix)"
        guard rename(temporary, path) == 0 else {
            throw AdvisoryError(.unreadable, "\(path): \(String(cString: strerror(errno)))")
        }
        progress(outcome.ecosystem, read)
        return outcome
    }

    /// Some feeds write their ecosystem in another way than their folder is called.
    private static func isKin(_ base: String, _ folder: String) -> Bool {
        base.lowercased() == folder.lowercased()
    }
}

/// A zip ends with its directory: without it, it is a part of one.
enum ZipEnd {
    static func isThere(_ range: FileRange) throws(ArchiveError) -> Bool {
        let size = Int(min(range.size, 65_557))
        guard size >= 22 else { return false }
        var tail = [UInt8](repeating: 0, count: size)
        var failure: ArchiveError?
        let read = tail.withUnsafeMutableBytes { buffer -> Int in
            do throws(ArchiveError) { return try range.read(into: buffer, at: range.size - Int64(size)) } catch {
                failure = error
                return 0
            }
        }
        if let failure { throw failure }
        guard read == size else { return false }
        var at = size - 22
        while at >= 0 {
            if tail[at] == 0x50, tail[at + 1] == 0x4B, tail[at + 2] == 5, tail[at + 3] == 6 {
                return at + 22 + Int(tail[at + 20]) + Int(tail[at + 21]) << 8 == size
            }
            at -= 1
        }
        return false
    }
}

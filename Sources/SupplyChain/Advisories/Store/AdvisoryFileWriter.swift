// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Crypto
import Glibc
import PackageVersions

/// Builds a file of advisories. Texts go to the disk as they come, the tables stay in memory (about 100 bytes a package of a
/// record); the file takes its name only when it is whole and on the disk.
final class AdvisoryFileWriter {
    private let temporary: String
    private let path: String
    private let output: OutputFile
    private var strings: [UInt64: [(check: UInt64, reference: UInt32)]] = [:]
    private var stringBytes = 0
    private var records: [UInt32] = [], rows: [UInt32] = [], events: [UInt32] = [], references: [UInt32] = []
    private var hashes: [UInt64] = []
    private(set) var withdrawn = 0
    /// Records about bugs alone, without a vulnerability.
    private(set) var harmless = 0
    private var newest: Int64 = 0
    private var isFinished = false

    /// The file that takes `path` in the end.
    init(path: String) throws(AdvisoryError) {
        self.path = path
        temporary = "\(path).\(getpid()).new"
        output = try OutputFile(path: temporary)
        try output.write([UInt8](repeating: 0, count: AdvisoryFormat.headerSize), isDigested: false)
        // Reference 0 is the empty text.
        _ = try append([])
    }

    deinit { if !isFinished { unlink(temporary) } }

    var count: Int { records.count / AdvisoryFormat.Record.words }

    func add(_ record: OSVRecord) throws(AdvisoryError) {
        if record.isWithdrawn {
            withdrawn += 1
            return
        }
        newest = max(newest, record.modified)
        if record.isHarmless {
            harmless += 1
            return
        }
        guard !record.affected.isEmpty else { return }
        guard rows.count < 1 << 28, events.count < 1 << 29, references.count < 1 << 29 else {
            throw AdvisoryError(.tooLarge, "there are too many advisories for one file")
        }
        let index = UInt32(count)
        var words = [UInt32](repeating: 0, count: AdvisoryFormat.Record.words)
        words[AdvisoryFormat.Record.id] = try intern(record.id)
        words[AdvisoryFormat.Record.summary] = try intern(record.summary)
        words[AdvisoryFormat.Record.details] = try intern(record.details)
        for (place, time) in [
            (AdvisoryFormat.Record.published, record.published), (AdvisoryFormat.Record.modified, record.modified),
        ] {
            words[place] = UInt32(truncatingIfNeeded: time)
            words[place + 1] = UInt32(truncatingIfNeeded: time >> 32)
        }
        for (place, names) in [
            (AdvisoryFormat.Record.aliases, record.aliases), (AdvisoryFormat.Record.upstream, record.upstream),
            (AdvisoryFormat.Record.related, record.related), (AdvisoryFormat.Record.references, record.references),
        ] {
            words[place] = UInt32(references.count)
            words[place + 1] = UInt32(names.count)
            for name in names { references.append(try intern(name)) }
        }
        words[AdvisoryFormat.Record.cvss2] = try intern(record.severity.cvss2)
        words[AdvisoryFormat.Record.cvss3] = try intern(record.severity.cvss3)
        words[AdvisoryFormat.Record.cvss4] = try intern(record.severity.cvss4)
        words[AdvisoryFormat.Record.rating] = try intern(record.rating)
        records += words
        for affected in record.affected { try add(affected, record, index) }
    }

    private func add(_ affected: OSVRecord.Affected, _ record: OSVRecord, _ index: UInt32) throws(AdvisoryError) {
        let name = affected.ecosystem.normalized(affected.name)
        var words = [UInt32](repeating: 0, count: AdvisoryFormat.Row.words)
        words[AdvisoryFormat.Row.ecosystem] = try intern(affected.ecosystem.name)
        words[AdvisoryFormat.Row.name] = try intern(name)
        words[AdvisoryFormat.Row.written] = try intern(affected.name)
        words[AdvisoryFormat.Row.record] = index
        words[AdvisoryFormat.Row.events] = UInt32(events.count / 2)
        var count: UInt32 = 0
        for range in affected.ranges {
            let (sorted, isOrdered) = range.sorted(affected.ecosystem)
            var bits: UInt32 =
                AdvisoryFormat.Event.startsRange | (range.isSemantic ? AdvisoryFormat.Event.semantic : 0)
                | (isOrdered ? 0 : AdvisoryFormat.Event.unordered)
            for event in sorted {
                events.append(event.kind.rawValue | bits)
                events.append(try intern(event.version))
                count += 1
                bits = 0
            }
        }
        words[AdvisoryFormat.Row.events + 1] = count
        words[AdvisoryFormat.Row.versions] = UInt32(references.count)
        words[AdvisoryFormat.Row.versions + 1] = UInt32(affected.versions.count)
        for version in affected.versions.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
            references.append(try intern(version))
        }
        words[AdvisoryFormat.Row.cvss2] = try intern(affected.severity.cvss2)
        words[AdvisoryFormat.Row.cvss3] = try intern(affected.severity.cvss3)
        words[AdvisoryFormat.Row.cvss4] = try intern(affected.severity.cvss4)
        words[AdvisoryFormat.Row.rating] = try intern(affected.severity.rating)
        var flags: UInt32 = affected.isWontFix ? AdvisoryFormat.Flag.wontFix : 0
        if affected.ecosystem.scheme == .rpm {
            let fixes = affected.ranges.flatMap(\.events).filter { $0.kind == .fixed }
            if !fixes.isEmpty {
                let isModule = fixes.allSatisfy { ModuleBuild.isModule($0.version) }
                flags |= isModule ? AdvisoryFormat.Flag.moduleBuild : AdvisoryFormat.Flag.plainBuild
                if isModule {
                    words[AdvisoryFormat.Row.module] = try intern(
                        ModuleBuild.streams(record.summary).joined(separator: " "))
                }
            }
        }
        words[AdvisoryFormat.Row.flags] = flags
        rows += words
        hashes.append(AdvisoryFormat.hash(affected.ecosystem.name, name))
    }

    /// Writes the tables and puts the file in its place.
    func finish(
        ecosystem: String, source: String, tag: String, imported: Int64, refused: Int
    ) throws(AdvisoryError) {
        let texts = [try intern(ecosystem), try intern(tag), try intern(source)]
        var header = [UInt8](repeating: 0, count: AdvisoryFormat.headerSize)
        func put<T: FixedWidthInteger>(_ value: T, _ at: Int) {
            withUnsafeBytes(of: value.littleEndian) {
                for (offset, byte) in $0.enumerated() { header[at + offset] = byte }
            }
        }
        var offset = AdvisoryFormat.headerSize
        func place(_ section: AdvisoryFormat.Section, _ length: Int) {
            put(UInt64(offset), AdvisoryFormat.Header.sections + section.rawValue * 16)
            put(UInt64(length), AdvisoryFormat.Header.sections + section.rawValue * 16 + 8)
            offset += length
        }
        place(.strings, stringBytes)
        let (sorted, index) = indexed()
        for (section, words) in [
            (AdvisoryFormat.Section.records, records), (.affected, sorted), (.events, events),
            (.references, references),
            (.index, index),
        ] {
            place(section, words.count * 4)
            try output.write(words)
        }
        header.replaceSubrange(0..<8, with: AdvisoryFormat.magic)
        put(AdvisoryFormat.version, AdvisoryFormat.Header.version)
        put(UInt64(offset), AdvisoryFormat.Header.size)
        put(imported, AdvisoryFormat.Header.imported)
        put(newest, AdvisoryFormat.Header.newest)
        put(UInt32(count), AdvisoryFormat.Header.records)
        put(UInt32(withdrawn), AdvisoryFormat.Header.withdrawn)
        put(UInt32(rows.count / AdvisoryFormat.Row.words), AdvisoryFormat.Header.rows)
        put(UInt32(clamping: refused), AdvisoryFormat.Header.refused)
        put(texts[0], AdvisoryFormat.Header.ecosystem)
        put(texts[1], AdvisoryFormat.Header.tag)
        put(texts[2], AdvisoryFormat.Header.source)
        header.replaceSubrange(
            AdvisoryFormat.Header.digest..<AdvisoryFormat.Header.digest + 32, with: try output.digest())
        put(AdvisoryFormat.check(header), AdvisoryFormat.Header.check)
        try output.finish(header: header, path: path)
        isFinished = true
    }

    /// The rows in the order of their hashes, and the table of buckets.
    private func indexed() -> (rows: [UInt32], index: [UInt32]) {
        let order = hashes.indices.sorted { hashes[$0] == hashes[$1] ? $0 < $1 : hashes[$0] < hashes[$1] }
        var sorted: [UInt32] = []
        sorted.reserveCapacity(rows.count)
        var groups: [(hash: UInt64, first: Int, count: Int)] = []
        for (at, row) in order.enumerated() {
            let start = row * AdvisoryFormat.Row.words
            sorted += rows[start..<start + AdvisoryFormat.Row.words]
            if groups.last?.hash == hashes[row] {
                groups[groups.count - 1].count += 1
            } else {
                groups.append((hashes[row], at, 1))
            }
        }
        var buckets = 16
        while buckets < groups.count * 2 { buckets *= 2 }
        var index = [UInt32](repeating: 0, count: buckets * 4)
        for group in groups {
            var at = Int(truncatingIfNeeded: group.hash) & (buckets - 1)
            while index[at * 4] != 0 || index[at * 4 + 1] != 0 { at = (at + 1) & (buckets - 1) }
            index[at * 4] = UInt32(truncatingIfNeeded: group.hash)
            index[at * 4 + 1] = UInt32(truncatingIfNeeded: group.hash >> 32)
            index[at * 4 + 2] = UInt32(group.first)
            index[at * 4 + 3] = UInt32(group.count)
        }
        return (sorted, index)
    }

    /// The place of a text, written once if it is short.
    private func intern(_ text: String) throws(AdvisoryError) -> UInt32 {
        if text.isEmpty { return 0 }
        let bytes = Array(text.utf8)
        guard bytes.count <= 256 else { return try append(bytes) }
        // Two keyed hashes of 64 bits tell texts apart without holding them; the keys change with every run.
        var (first, second) = (Hasher(), Hasher())
        first.combine(text)
        second.combine(0x5EED)
        second.combine(text)
        let (key, check) = (UInt64(bitPattern: Int64(first.finalize())), UInt64(bitPattern: Int64(second.finalize())))
        if let known = strings[key]?.first(where: { $0.check == check }) { return known.reference }
        let reference = try append(bytes)
        strings[key, default: []].append((check, reference))
        return reference
    }

    private func append(_ bytes: [UInt8]) throws(AdvisoryError) -> UInt32 {
        guard let reference = UInt32(exactly: stringBytes), bytes.count < 1 << 30 else {
            throw AdvisoryError(.tooLarge, "the texts of the advisories exceed 4 GiB")
        }
        try output.write([UInt32(bytes.count)])
        try output.write(bytes, isDigested: true)
        stringBytes += 4 + bytes.count
        return reference
    }
}

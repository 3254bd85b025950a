// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Crypto
import Glibc

/// A file of advisories of one ecosystem, mapped into memory. Every place in it is checked before it is read, so that a file
/// that was damaged or made to harm gives errors. It must be replaced by renaming, never written in place.
final class AdvisoryFile: @unchecked Sendable {
    // Nothing changes after init, and the mapping is read-only and private: any thread may read.
    private let base: UnsafeRawPointer
    private let size: Int
    private let sections: [(offset: Int, length: Int)]
    let path: String
    /// When it was last found to be current, in seconds since 1970.
    let checked: Int64

    /// - Throws: `noDatabase` where there is no file, `unreadable`, or `malformed`.
    init(path: String) throws(AdvisoryError) {
        self.path = path
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw AdvisoryError(
                errno == ENOENT ? .noDatabase : .unreadable, "\(path): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            status.st_size >= AdvisoryFormat.headerSize
        else { throw AdvisoryError(.malformed, "\(path) is no file of advisories") }
        let count = Int(status.st_size)
        checked = Int64(status.st_mtim.tv_sec)
        guard let mapping = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0), mapping != MAP_FAILED else {
            throw AdvisoryError(.unreadable, "\(path): \(String(cString: strerror(errno)))")
        }
        base = UnsafeRawPointer(mapping)
        size = count
        let header = Array(UnsafeRawBufferPointer(start: base, count: AdvisoryFormat.headerSize))
        func word(_ at: Int) -> UInt32 {
            header.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: at, as: UInt32.self) }
        }
        func long(_ at: Int) -> UInt64 {
            header.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: at, as: UInt64.self) }
        }
        var found: [(offset: Int, length: Int)] = []
        var problem = ""
        if Array(header.prefix(8)) != AdvisoryFormat.magic {
            problem = "is no file of advisories"
        } else if word(AdvisoryFormat.Header.version) != AdvisoryFormat.version {
            problem = "was written by another version of this program; import or update again"
        } else if word(AdvisoryFormat.Header.check) != AdvisoryFormat.check(header)
            || long(AdvisoryFormat.Header.size) != UInt64(count)
        {
            problem = "is damaged; import or update again"
        }
        for section in AdvisoryFormat.Section.allCases {
            let at = AdvisoryFormat.Header.sections + section.rawValue * 16
            let (offset, length) = (long(at), long(at + 8))
            if offset > UInt64(count) || length > UInt64(count) - offset, problem.isEmpty { problem = "is damaged" }
            found.append(problem.isEmpty ? (Int(offset), Int(length)) : (0, 0))
        }
        sections = found
        if !problem.isEmpty {
            munmap(mapping, count)
            throw AdvisoryError(.malformed, "\(path) \(problem)")
        }
    }

    deinit { munmap(UnsafeMutableRawPointer(mutating: base), size) }

    func damaged() -> AdvisoryError { AdvisoryError(.malformed, "\(path) is damaged; import or update again") }

    /// Reads everything and holds it against the digest of the header.
    func verify() throws(AdvisoryError) {
        var hash = SHA256()
        hash.update(
            bufferPointer: UnsafeRawBufferPointer(
                start: base + AdvisoryFormat.headerSize, count: size - AdvisoryFormat.headerSize))
        let stored = UnsafeRawBufferPointer(start: base + AdvisoryFormat.Header.digest, count: 32)
        guard hash.finalize().elementsEqual(stored) else {
            throw AdvisoryError(.wrongDigest, "\(path) is damaged; import or update again")
        }
    }

    func headerWord(_ at: Int) -> UInt32 {
        at >= 0 && at + 4 <= AdvisoryFormat.headerSize ? base.loadUnaligned(fromByteOffset: at, as: UInt32.self) : 0
    }

    func headerLong(_ at: Int) -> UInt64 {
        at >= 0 && at + 8 <= AdvisoryFormat.headerSize ? base.loadUnaligned(fromByteOffset: at, as: UInt64.self) : 0
    }

    /// How many elements of so many words a section holds.
    func count(_ section: AdvisoryFormat.Section, words: Int) -> Int { sections[section.rawValue].length / (words * 4) }

    func word(_ section: AdvisoryFormat.Section, _ at: Int) throws(AdvisoryError) -> UInt32 {
        let (offset, length) = sections[section.rawValue]
        guard at >= 0, at < length / 4 else { throw damaged() }
        return base.loadUnaligned(fromByteOffset: offset + at * 4, as: UInt32.self)
    }

    func bytes(_ reference: UInt32) throws(AdvisoryError) -> UnsafeBufferPointer<UInt8> {
        let (offset, length) = sections[AdvisoryFormat.Section.strings.rawValue]
        let at = Int(reference)
        guard at + 4 <= length else { throw damaged() }
        let count = Int(base.loadUnaligned(fromByteOffset: offset + at, as: UInt32.self))
        guard count <= length - at - 4 else { throw damaged() }
        return UnsafeBufferPointer(
            start: (base + offset + at + 4).assumingMemoryBound(to: UInt8.self), count: count)
    }

    func string(_ reference: UInt32) throws(AdvisoryError) -> String {
        reference == 0 ? "" : String(decoding: try bytes(reference), as: UTF8.self)
    }

    func strings(start: UInt32, count: UInt32) throws(AdvisoryError) -> [String] {
        guard count > 0 else { return [] }
        guard Int(start) + Int(count) <= self.count(.references, words: 1) else { throw damaged() }
        var found: [String] = []
        found.reserveCapacity(Int(count))
        for at in 0..<Int(count) { found.append(try string(try word(.references, Int(start) + at))) }
        return found
    }

    /// The rows of a package; empty where the ecosystem has no advisory for it.
    func rows(_ ecosystem: String, _ name: String) throws(AdvisoryError) -> Range<Int> {
        let buckets = count(.index, words: 4)
        guard buckets > 0 else { return 0..<0 }
        guard buckets & (buckets - 1) == 0 else { throw damaged() }
        let hash = AdvisoryFormat.hash(ecosystem, name)
        var at = Int(truncatingIfNeeded: hash) & (buckets - 1)
        for _ in 0..<min(buckets, 1 << 20) {
            let low = UInt64(try word(.index, at * 4)), high = UInt64(try word(.index, at * 4 + 1))
            let found = high << 32 | low
            if found == 0 { return 0..<0 }
            if found == hash {
                let first = Int(try word(.index, at * 4 + 2)), count = Int(try word(.index, at * 4 + 3))
                guard first + count <= self.count(.affected, words: AdvisoryFormat.Row.words) else { throw damaged() }
                return first..<first + count
            }
            at = (at + 1) & (buckets - 1)
        }
        throw damaged()
    }

    func row(_ row: Int, _ field: Int) throws(AdvisoryError) -> UInt32 {
        try word(.affected, row * AdvisoryFormat.Row.words + field)
    }

    func record(_ record: Int, _ field: Int) throws(AdvisoryError) -> UInt32 {
        try word(.records, record * AdvisoryFormat.Record.words + field)
    }

    func recordLong(_ record: Int, _ field: Int) throws(AdvisoryError) -> Int64 {
        let low = UInt64(try self.record(record, field)), high = UInt64(try self.record(record, field + 1))
        return Int64(bitPattern: high << 32 | low)
    }
}

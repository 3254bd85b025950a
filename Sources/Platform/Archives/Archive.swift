// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CArchive
import Glibc

/// A tar or zip archive, read entry by entry by libarchive.
///
/// ```swift
/// let archive = try Archive(tar: SequentialReader(file))
/// while let entry = try archive.next() {
///     if entry.path == "etc/os-release" { bytes = try archive.contents(limit: 1 << 20) }
/// }
/// ```
package final class Archive {
    package struct Format: OptionSet, Sendable {
        package let rawValue: Int
        package init(rawValue: Int) { self.rawValue = rawValue }
        package static let tar = Format(rawValue: 1)
        package static let zip = Format(rawValue: 2)
        /// A single compressed file without names.
        static let raw = Format(rawValue: 4)
    }

    private let handle: OpaquePointer
    private let input: Input
    private let limits: ArchiveLimits
    private var entries = 0
    private var given: Int64 = 0
    private var current: OpaquePointer?

    /// A tar in its order of bytes, compressed by gzip, zstd, xz, bzip2 or not at all.
    package convenience init(tar source: any ByteSource, limits: ArchiveLimits = ArchiveLimits()) throws(ArchiveError) {
        try self.init(Input(source: source, range: nil), .tar, limits)
    }

    /// An archive at any place of which may be read: what is not asked for is skipped without being read.
    package convenience init(
        _ range: any RandomAccess, _ formats: Format, limits: ArchiveLimits = ArchiveLimits()
    ) throws(ArchiveError) {
        try self.init(Input(source: nil, range: range), formats, limits)
    }

    init(_ input: Input, _ formats: Format, _ limits: ArchiveLimits) throws(ArchiveError) {
        if let problem = bulwark_archive_problem() { throw ArchiveError(.unreadable, String(cString: problem)) }
        guard let handle = archive_read_new() else { throw ArchiveError(.unreadable, "no memory") }
        self.handle = handle
        self.input = input
        self.limits = limits
        if formats.contains(.tar) {
            archive_read_support_format_tar(handle)
            archive_read_support_format_empty(handle)
        }
        if formats.contains(.zip) { archive_read_support_format_zip(handle) }
        if formats.contains(.raw) {
            archive_read_support_format_raw(handle)
            archive_read_support_format_empty(handle)
        }
        if formats != .zip {
            archive_read_support_filter_gzip(handle)
            archive_read_support_filter_zstd(handle)
            archive_read_support_filter_xz(handle)
            archive_read_support_filter_bzip2(handle)
        }
        archive_read_set_read_callback(handle) { Input.at($1)?.read($2) ?? -1 }
        if input.range != nil {
            archive_read_set_skip_callback(handle) { Input.at($1)?.skip($2) ?? 0 }
            archive_read_set_seek_callback(handle) { Input.at($1)?.seek($2, $3) ?? Int64(ARCHIVE_FATAL) }
        }
        archive_read_set_callback_data(handle, Unmanaged.passUnretained(input).toOpaque())
        guard archive_read_open1(handle) == ARCHIVE_OK else { throw failure() }
    }

    deinit { archive_read_free(handle) }

    /// The next entry; nil at the end. What was not read of the last one is skipped.
    package func next() throws(ArchiveError) -> ArchiveEntry? {
        current = nil
        var entry: OpaquePointer?
        let status = archive_read_next_header(handle, &entry)
        if status == ARCHIVE_EOF { return nil }
        guard status == ARCHIVE_OK || status == ARCHIVE_WARN, let entry else { throw failure() }
        entries += 1
        guard entries <= limits.entries else {
            throw ArchiveError(.tooLarge, "the archive has more than \(limits.entries) entries")
        }
        try checkBytes()
        current = entry
        return try ArchiveEntry(entry, limits)
    }

    /// Where the contents of the current entry of a tar begin: a number of bytes after decompression.
    /// In a plain tar they stand there in one piece, unless the entry is sparse.
    package var position: Int64 { archive_filter_bytes(handle, 0) }

    /// The next bytes of the current entry, holes of sparse files filled with zeros; 0 at its end.
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        let count = archive_read_data(handle, buffer.baseAddress, buffer.count)
        guard count >= 0 else { throw failure() }
        given += Int64(count)
        try checkBytes()
        return count
    }

    /// All bytes of the current entry.
    /// - Throws: `tooLarge` for more than `limit` bytes.
    package func contents(limit: Int) throws(ArchiveError) -> [UInt8] {
        let declared = current.map { archive_entry_size_is_set($0) != 0 ? archive_entry_size($0) : 0 } ?? 0
        guard declared <= Int64(limit) else {
            throw ArchiveError(.tooLarge, "has \(declared) bytes; at most \(limit) are read")
        }
        var bytes: [UInt8] = []
        var capacity = Int(clamping: max(declared, 0)) + 1
        while true {
            let start = bytes.count
            var failure: ArchiveError?
            var count = 0
            let piece = [UInt8](unsafeUninitializedCapacity: min(capacity, 1 << 20)) { buffer, filled in
                do throws(ArchiveError) {
                    while filled < buffer.count {
                        count = try read(
                            into: UnsafeMutableRawBufferPointer(
                                rebasing: UnsafeMutableRawBufferPointer(buffer)[filled...]))
                        if count == 0 { return }
                        filled += count
                    }
                } catch { failure = error }
            }
            if let failure { throw failure }
            if start == 0 { bytes = piece } else { bytes += piece }
            guard bytes.count <= limit else { throw ArchiveError(.tooLarge, "has more than \(limit) bytes") }
            if count == 0 { return bytes }
            capacity = 1 << 20
        }
    }

    private func checkBytes() throws(ArchiveError) {
        guard archive_filter_bytes(handle, 0) <= limits.bytes, given <= limits.bytes else {
            throw ArchiveError(.tooLarge, "the archive unpacks to more than \(limits.bytes) bytes")
        }
    }

    private func failure() -> ArchiveError {
        if let error = input.failure { return error }
        let reason = archive_error_string(handle).map { String(cString: $0) } ?? "it cannot be read"
        return ArchiveError(.malformed, reason)
    }
}

/// Feeds libarchive.
final class Input {
    private let source: (any ByteSource)?
    let range: (any RandomAccess)?
    private var buffer = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private var offset: Int64 = 0
    private(set) var failure: ArchiveError?

    init(source: (any ByteSource)?, range: (any RandomAccess)?) {
        self.source = source
        self.range = range
        if let range {
            buffer = .allocate(byteCount: Int(min(max(range.size, 512), 128 << 10)), alignment: 64)
        }
    }

    deinit { buffer.deallocate() }

    static func at(_ context: UnsafeMutableRawPointer?) -> Input? {
        context.map { Unmanaged<Input>.fromOpaque($0).takeUnretainedValue() }
    }

    func read(_ start: UnsafeMutablePointer<UnsafeRawPointer?>?) -> Int {
        do throws(ArchiveError) {
            if let source {
                let bytes = try source.next()
                start?.pointee = bytes.baseAddress
                return bytes.count
            }
            let count = try range?.read(into: buffer, at: offset) ?? 0
            offset += Int64(count)
            start?.pointee = UnsafeRawPointer(buffer.baseAddress)
            return count
        } catch {
            failure = error
            return -1
        }
    }

    func skip(_ request: Int64) -> Int64 {
        let skipped = min(max(request, 0), (range?.size ?? 0) - offset)
        guard skipped > 0 else { return 0 }
        offset += skipped
        return skipped
    }

    func seek(_ distance: Int64, _ whence: Int32) -> Int64 {
        let size = range?.size ?? 0
        let base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? offset : size
        let (place, overflow) = base.addingReportingOverflow(distance)
        guard !overflow, place >= 0 else { return Int64(ARCHIVE_FATAL) }
        offset = min(place, size)
        return offset
    }
}

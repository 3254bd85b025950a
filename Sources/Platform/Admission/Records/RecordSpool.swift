// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings
import Foundation
import Glibc

/// Records that wait on the disk of a replica: append-only files of JSON lines, each named by its first record's number.
/// What was appended survives the end of the process; of a line that was cut off by it only that line is lost. Full,
/// it drops its oldest file, and counts what was in it.
package actor RecordSpool {
    package struct Counts: Sendable, Equatable {
        /// Records that wait to be taken.
        package var waiting = 0
        package var bytes = 0
        /// Records that were dropped for want of room, or could not be read back, since the spool was opened.
        package var dropped = 0

        package init(waiting: Int = 0, bytes: Int = 0, dropped: Int = 0) {
            self.waiting = waiting
            self.bytes = bytes
            self.dropped = dropped
        }
    }

    /// Lines to send: `count` records, of which the first has the number `first`.
    package struct Lines: Sendable, Equatable {
        package var sender: String
        package var first: Int64
        package var count: Int
        package var bytes: [UInt8]
    }

    private struct Segment {
        var path: String
        var first: Int64
        var count: Int
        var bytes: Int
        var end: Int64 { first + Int64(count) }
    }

    /// A longer record is not kept. The bounds of `AdmissionDecision.bounded` keep real ones below.
    static let maxLine = 1 << 20
    static let maxLines = 2_000
    private static let suffix = ".records"

    package nonisolated let sender: String
    private let folder: String
    private let limit: Int
    private let segmentSize: Int
    private let lock: Int32
    private var segments: [Segment] = []
    private var output: Int32 = -1
    /// The number of the next record to be sent, and where it stands in the first segment.
    private var next: Int64 = 0
    private var offset = 0
    private var dropped = 0

    /// Opens or makes a spool. One process at a time has it.
    /// - Parameters:
    ///   - limit: bytes of all files together, at most.
    /// - Throws: `spool` when the folder cannot be used, or another process has it.
    package init(folder: String, limit: Int = 64 << 20) throws {
        self.folder = folder
        self.limit = max(limit, 64 << 10)
        segmentSize = min(1 << 20, self.limit / 8)
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw AdmissionError(.spool, "the spool's folder \(folder) cannot be made", cause: error)
        }
        lock = open(folder + "/sender", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else { throw Self.failure("\(folder)/sender cannot be opened") }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            close(lock)
            throw AdmissionError(.spool, "another process has the spool \(folder)")
        }
        do {
            segments = try Self.segments(in: folder)
            // Numbers go on where they ended. Without any record left nobody knows where that was, and the server must
            // not take new records for old ones: then it is another sender.
            sender = try Self.name(lock, isFresh: segments.isEmpty)
        } catch {
            close(lock)
            throw error
        }
        next = segments.first?.first ?? 1
    }

    /// The sender's name as it stands in the file, or a new one.
    private static func name(_ file: Int32, isFresh: Bool) throws -> String {
        var known = [UInt8](repeating: 0, count: 64)
        let size = pread(file, &known, known.count, 0)
        let name = String(decoding: known.prefix(max(0, size)), as: UTF8.self)
        if !isFresh, name.utf8.count == 32 { return name }
        var generator = SystemRandomNumberGenerator()
        let fresh = (0..<2).map { _ in
            let digits = String(generator.next(), radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
        let bytes = Array(fresh.utf8)
        guard ftruncate(file, 0) == 0, pwrite(file, bytes, bytes.count, 0) == bytes.count, fsync(file) == 0 else {
            throw failure("the spool's sender cannot be written")
        }
        return fresh
    }

    deinit {
        if output >= 0 { close(output) }
        close(lock)
    }

    package var counts: Counts {
        let end = segments.last?.end ?? next
        return Counts(
            waiting: Int(max(0, end - next)), bytes: segments.reduce(0) { $0 + $1.bytes }, dropped: dropped)
    }

    /// Appends records; they are on the disk when it returns, all of them by one flush.
    package func append(_ records: [AdmissionRecord]) throws {
        var start = 0
        while start < records.count {
            var block: [UInt8] = []
            var count = 0
            while start < records.count, block.count < segmentSize / 2 {
                let line = records[start].json
                start += 1
                guard line.count <= min(Self.maxLine, segmentSize) else {
                    dropped += 1
                    continue
                }
                block += line
                block.append(UInt8(ascii: "\n"))
                count += 1
            }
            if count > 0 { try write(block, count) }
        }
        try flush()
    }

    private func flush() throws {
        guard output >= 0, fdatasync(output) != 0, errno != EINVAL else { return }
        throw Self.failure("the spool \(folder) cannot be flushed")
    }

    private func write(_ block: [UInt8], _ count: Int) throws {
        if output < 0 || (segments.last?.bytes ?? 0) + block.count > segmentSize { try begin() }
        while segments.count > 1, segments.reduce(block.count, { $0 + $1.bytes }) > limit { dropOldest() }
        guard let last = segments.indices.last else { return }
        var done = 0
        while done < block.count {
            let size = block.withUnsafeBytes { bytes in
                Glibc.write(output, bytes.baseAddress.map { $0 + done }, block.count - done)
            }
            if size < 0, errno == EINTR { continue }
            guard size > 0 else {
                let failure = Self.failure("the spool \(folder) cannot be written")
                // What was written of the block goes, so that no line is cut and none comes twice.
                ftruncate(output, off_t(segments[last].bytes))
                throw failure
            }
            done += size
        }
        segments[last].bytes += block.count
        segments[last].count += count
    }

    private func begin() throws {
        try flush()
        if output >= 0 { close(output) }
        output = -1
        let first = max(segments.last?.end ?? next, next)
        let path = "\(folder)/\(String(repeating: "0", count: 20 - String(first).count))\(first)\(Self.suffix)"
        output = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0o600)
        guard output >= 0 else { throw Self.failure("\(path) cannot be made") }
        if segments.last?.path == path { segments.removeLast() }
        segments.append(Segment(path: path, first: first, count: 0, bytes: 0))
        // So that the new file's name outlives a power cut too.
        let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if directory >= 0 {
            fsync(directory)
            close(directory)
        }
    }

    private func dropOldest() {
        let oldest = segments.removeFirst()
        unlink(oldest.path)
        dropped += Int(max(0, oldest.end - max(next, oldest.first)))
        next = max(next, segments.first?.first ?? oldest.end)
        offset = 0
    }

    /// The oldest lines that were not acknowledged, nil when there are none.
    package func lines() throws -> Lines? {
        while let segment = segments.first {
            if next >= segment.end {
                guard segments.count > 1 else { return nil }
                finishFirst()
                continue
            }
            let bytes = try Self.read(segment.path, from: offset, upTo: min(segment.bytes - offset, 2 * Self.maxLine))
            var (end, count) = (0, 0)
            for (index, byte) in bytes.enumerated() where byte == UInt8(ascii: "\n") {
                (end, count) = (index + 1, count + 1)
                if count == Self.maxLines { break }
            }
            if count > 0 {
                return Lines(sender: sender, first: next, count: count, bytes: Array(bytes.prefix(end)))
            }
            // Shorter than it was: somebody else was here. What is missing is lost.
            dropped += Int(segment.end - next)
            next = segment.end
        }
        return nil
    }

    /// Forgets lines that are kept elsewhere now.
    package func acknowledge(_ lines: Lines) {
        // They may have been dropped meanwhile.
        guard lines.first == next, let segment = segments.first else { return }
        next += Int64(lines.count)
        offset += lines.bytes.count
        if next >= segment.end { finishFirst() }
    }

    /// Removes the first file, all of which was sent.
    private func finishFirst() {
        let segment = segments.removeFirst()
        unlink(segment.path)
        offset = 0
        next = max(next, segments.first?.first ?? segment.end)
        if segments.isEmpty, output >= 0 {
            close(output)
            output = -1
        }
    }

    private static func segments(in folder: String) throws -> [Segment] {
        let names: [String]
        do { names = try FileManager.default.contentsOfDirectory(atPath: folder) } catch {
            throw AdmissionError(.spool, "the spool \(folder) cannot be read", cause: error)
        }
        return try names.filter { $0.hasSuffix(suffix) }.sorted().compactMap { name in
            let path = "\(folder)/\(name)"
            guard let first = Int64(name.dropLast(suffix.utf8.count)) else { return nil }
            let bytes = try read(path, from: 0, upTo: .max)
            // Without the line that was cut off.
            let end = bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
            let count = bytes.prefix(end).count { $0 == UInt8(ascii: "\n") }
            guard count > 0 else {
                unlink(path)
                return nil
            }
            return Segment(path: path, first: first, count: count, bytes: end)
        }
    }

    private static func read(_ path: String, from offset: Int, upTo size: Int) throws -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw failure("\(path) cannot be opened") }
        defer { close(file) }
        guard let status = FileStatus(descriptor: file) else { throw failure("\(path) cannot be read") }
        let count = max(0, min(size, status.size - offset))
        var done = 0
        var bytes = [UInt8](repeating: 0, count: count)
        while done < count {
            let got = bytes.withUnsafeMutableBytes { buffer in
                pread(file, buffer.baseAddress.map { $0 + done }, count - done, off_t(offset + done))
            }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw failure("\(path) cannot be read") }
            if got == 0 { break }
            done += got
        }
        return Array(bytes.prefix(done))
    }

    private static func failure(_ message: String) -> AdmissionError {
        AdmissionError(.spool, "\(message): \(String(cString: strerror(errno)))")
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Archives

/// The contents of one file while it comes by: its beginning may be looked at before the rest is asked for.
final class FileStream {
    private let source: (UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int
    private var start: [UInt8] = []
    private var isAtEnd = false
    /// Bytes of `start` that `next` gave.
    private var given = 0
    /// Whether reading ended by an error, which was told then.
    private(set) var hasFailed = false
    /// Bytes that the archive or file system declares.
    let size: Int64

    init(size: Int64, _ source: @escaping (UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int) {
        self.size = size
        self.source = source
    }

    /// At most the first `count` bytes.
    func beginning(_ count: Int) throws(ArchiveError) -> ArraySlice<UInt8> {
        if start.count < count { start += try read(count - start.count) }
        return start.prefix(count)
    }

    /// Everything.
    /// - Throws: `tooLarge` for more than `limit` bytes.
    func all(limit: Int) throws(ArchiveError) -> [UInt8] {
        guard size <= Int64(limit) else {
            hasFailed = true
            throw ArchiveError(.tooLarge, "has \(size) bytes; at most \(limit) are read")
        }
        // One more than declared, so that the end shows.
        start += try read(Int(size) - start.count + 1)
        while !isAtEnd, start.count <= limit { start += try read(1 << 20) }
        guard start.count <= limit else {
            hasFailed = true
            throw ArchiveError(.tooLarge, "has more than \(limit) bytes")
        }
        return start
    }

    /// The next bytes from the beginning on, for what is too large to be held as a whole; 0 at the end.
    func next(into buffer: UnsafeMutableRawBufferPointer) throws(ArchiveError) -> Int {
        if given < start.count {
            let count = min(buffer.count, start.count - given)
            start.withUnsafeBytes { buffer.copyMemory(from: .init(rebasing: $0[given..<given + count])) }
            given += count
            return count
        }
        if isAtEnd { return 0 }
        do throws(ArchiveError) { return try source(buffer) } catch {
            hasFailed = true
            throw error
        }
    }

    private func read(_ count: Int) throws(ArchiveError) -> [UInt8] {
        guard count > 0, !isAtEnd else { return [] }
        var failure: ArchiveError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            do throws(ArchiveError) {
                while filled < count {
                    let rest = UnsafeMutableRawBufferPointer(buffer)[filled..<count]
                    let more = try source(UnsafeMutableRawBufferPointer(rebasing: rest))
                    guard more > 0 else {
                        isAtEnd = true
                        break
                    }
                    filled += more
                }
            } catch { failure = error }
        }
        if let failure {
            hasFailed = true
            throw failure
        }
        return bytes
    }
}

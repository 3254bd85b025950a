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
        try fill(to: count)
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
        try fill(to: Int(size) + 1)
        while !isAtEnd, start.count <= limit { try fill(to: start.count + (1 << 20)) }
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

    /// Reads until `start` has so many bytes, or all. What is there is copied once, into room for the whole.
    private func fill(to count: Int) throws(ArchiveError) {
        guard count > start.count, !isAtEnd else { return }
        var failure: ArchiveError?
        let known = start
        start = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            let room = UnsafeMutableRawBufferPointer(buffer)
            known.withUnsafeBytes { room.copyMemory(from: $0) }
            filled = known.count
            do throws(ArchiveError) {
                while filled < count {
                    let more = try source(UnsafeMutableRawBufferPointer(rebasing: room[filled..<count]))
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
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Glibc

/// Bytes one after the other.
package protocol ByteSource: AnyObject {
    /// The next bytes, valid until the next call; empty at the end.
    func next() throws(ArchiveError) -> UnsafeRawBufferPointer
}

/// Bytes at any place: a file, or memory.
package protocol RandomAccess {
    var size: Int64 { get }
    /// Fills the buffer from an offset on, as far as there are bytes.
    /// - Returns: the bytes read; 0 at the end.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(ArchiveError) -> Int
}

/// A range of an open file, which stays open as long as this lives.
package final class FileRange: RandomAccess, Sendable {
    package let path: String
    package let offset: Int64
    package let size: Int64
    private let descriptor: Int32
    private let owner: FileRange?

    /// The whole file.
    /// - Throws: `ArchiveError` `unreadable` with the system's reason, also for what is no regular file.
    package convenience init(path: String) throws(ArchiveError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw ArchiveError(.unreadable, "\(path): \(String(cString: strerror(errno)))") }
        try self.init(descriptor: descriptor, path: path)
    }

    /// The whole of an open file, which is closed with this, or at once when it is no regular file.
    package init(descriptor: Int32, path: String) throws(ArchiveError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw ArchiveError(.unreadable, "\(path) is no regular file")
        }
        self.path = path
        self.descriptor = descriptor
        offset = 0
        size = Int64(status.st_size)
        owner = nil
    }

    /// A part of another range, cut at its end.
    package init(_ whole: FileRange, offset: Int64, size: Int64) {
        path = whole.path
        descriptor = whole.descriptor
        let start = min(max(offset, 0), whole.size)
        self.offset = whole.offset + start
        self.size = min(max(size, 0), whole.size - start)
        owner = whole
    }

    deinit { if owner == nil { close(descriptor) } }

    package func read(into buffer: UnsafeMutableRawBufferPointer, at place: Int64) throws(ArchiveError) -> Int {
        guard place >= 0, place < size else { return 0 }
        let wanted = Int(min(Int64(buffer.count), size - place))
        var done = 0
        while done < wanted {
            let count = pread(
                descriptor, buffer.baseAddress?.advanced(by: done), wanted - done, Int(offset + place) + done)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw ArchiveError(.unreadable, "\(path): \(String(cString: strerror(errno)))") }
            guard count > 0 else { break }
            done += count
        }
        return done
    }
}

/// Bytes in memory.
package struct MemoryRange: RandomAccess {
    private let bytes: [UInt8]

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package var size: Int64 { Int64(bytes.count) }

    package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) -> Int {
        guard offset >= 0, offset < Int64(bytes.count) else { return 0 }
        let count = min(buffer.count, bytes.count - Int(offset))
        bytes.withUnsafeBytes { buffer.copyMemory(from: .init(rebasing: $0[Int(offset)..<Int(offset) + count])) }
        return count
    }
}

/// Reads a range from its beginning to its end.
package final class SequentialReader: ByteSource {
    private let range: any RandomAccess
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 64)
    private var offset: Int64 = 0

    package init(_ range: any RandomAccess) { self.range = range }
    deinit { buffer.deallocate() }

    package func next() throws(ArchiveError) -> UnsafeRawBufferPointer {
        let count = try range.read(into: buffer, at: offset)
        offset += Int64(count)
        return UnsafeRawBufferPointer(rebasing: buffer[..<count])
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Crypto
import Glibc

/// A new file, written in pieces and hashed on the way, that takes its name when it is whole.
final class OutputFile {
    private let path: String
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var hash = SHA256()

    init(path: String) throws(AdvisoryError) {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard descriptor >= 0 else { throw AdvisoryError(.unreadable, "\(path): \(String(cString: strerror(errno)))") }
        buffer.reserveCapacity(1 << 20)
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    func write(_ bytes: [UInt8], isDigested: Bool) throws(AdvisoryError) {
        if isDigested { hash.update(data: bytes) }
        buffer += bytes
        if buffer.count >= 1 << 20 { try flush() }
    }

    /// Little-endian words.
    func write(_ words: [UInt32]) throws(AdvisoryError) {
        words.withUnsafeBytes {
            hash.update(bufferPointer: $0)
            buffer.append(contentsOf: $0)
        }
        if buffer.count >= 1 << 20 { try flush() }
    }

    func flush() throws(AdvisoryError) {
        var done = 0
        while done < buffer.count {
            let count = buffer.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress?.advanced(by: done), $0.count - done)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw AdvisoryError(.unreadable, "\(path): \(String(cString: strerror(errno)))") }
            done += count
        }
        buffer.removeAll(keepingCapacity: true)
    }

    func digest() throws(AdvisoryError) -> [UInt8] {
        try flush()
        return Array(hash.finalize())
    }

    /// Writes the header, waits for the disk, and renames: who looks sees the old file or the whole new one.
    func finish(header: [UInt8], path: String) throws(AdvisoryError) {
        try flush()
        let count = header.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
        guard count == header.count, fsync(descriptor) == 0, rename(self.path, path) == 0 else {
            throw AdvisoryError(.unreadable, "\(path): \(String(cString: strerror(errno)))")
        }
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let handle = open(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if handle >= 0 {
            fsync(handle)
            close(handle)
        }
    }
}

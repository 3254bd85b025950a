// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Glibc

/// A temporary file that nobody else can open and that is gone with its last range, whatever becomes of this process.
package final class PrivateFile {
    private let descriptor: Int32
    private let folder: String
    private var isTaken = false
    /// Where it can still be found; nil once it has no name.
    private var name: [CChar]?
    /// Bytes written so far.
    package private(set) var size: Int64 = 0

    /// Where such files are made: `TMPDIR`, else `/var/tmp`, which is on a disk where `/tmp` may be memory.
    package static var standardFolder: String {
        if let folder = getenv("TMPDIR").map({ String(cString: $0) }), !folder.isEmpty { return folder }
        return access("/var/tmp", W_OK) == 0 ? "/var/tmp" : "/tmp"
    }

    /// - Parameter isKept: whether it may be given a name in the end, see `keep`.
    /// - Throws: `unreadable` with the system's reason.
    package init(in folder: String = PrivateFile.standardFolder, isKept: Bool = false) throws(ArchiveError) {
        self.folder = folder
        // Not O_TMPFILE: not every file system has it, and this is as private.
        let random =
            String(UInt64.random(in: 0...UInt64.max), radix: 36) + String(UInt64.random(in: 0...UInt64.max), radix: 36)
        let template = Array("\(folder)/.bulwark-\(random)".utf8CString)
        descriptor = open(template, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw ArchiveError(.unreadable, "no temporary file in \(folder): \(String(cString: strerror(errno)))")
        }
        if isKept { name = template } else { unlink(template) }
    }

    deinit {
        if let name { unlink(name) }
        if !isTaken { close(descriptor) }
    }

    package func write(_ bytes: UnsafeRawBufferPointer) throws(ArchiveError) {
        var done = 0
        while done < bytes.count {
            let count = Glibc.write(descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                throw ArchiveError(
                    .unreadable, "a temporary file in \(folder) cannot be written: \(String(cString: strerror(errno)))")
            }
            done += count
        }
        size += Int64(bytes.count)
    }

    /// All bytes of a source.
    /// - Throws: `tooLarge` for more than `limit` bytes.
    package func write(contentsOf source: any ByteSource, limit: Int64) throws(ArchiveError) {
        while true {
            let bytes = try source.next()
            if bytes.isEmpty { return }
            guard Int64(bytes.count) <= limit - size else {
                throw ArchiveError(.tooLarge, "it unpacks to more than \(limit) bytes")
            }
            try write(bytes)
        }
    }

    /// Forgets what was written.
    package func clear() throws(ArchiveError) {
        guard ftruncate(descriptor, 0) == 0, lseek(descriptor, 0, SEEK_SET) == 0 else {
            throw ArchiveError(.unreadable, "a temporary file in \(folder): \(String(cString: strerror(errno)))")
        }
        size = 0
    }

    /// Gives a file that is to be kept the name by which it is found later, in the same folder.
    package func keep(as path: String) throws(ArchiveError) {
        guard let name, rename(name, path) == 0 else {
            throw ArchiveError(.unreadable, "\(path) cannot be made: \(String(cString: strerror(errno)))")
        }
        self.name = nil
    }

    /// What was written, under a name for messages. Nothing can be written afterwards.
    package func range(named name: String) throws(ArchiveError) -> FileRange {
        isTaken = true
        return try FileRange(descriptor: descriptor, path: name)
    }
}

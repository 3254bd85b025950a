// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Glibc

/// The file on disk: made private, and held by one process at a time.
///
/// The lock is `flock` on `PATH.lock`, which the kernel drops when the process ends in any way; a second open in the
/// same process fails too.
final class StoreFile: Sendable {
    private let descriptor: Int32

    /// Makes the folder (0700) and the file (0600) where they are missing, and takes the lock.
    init(path: String) throws(StoreError) {
        try Self.makeFolder(of: path)
        let lock = path + ".lock"
        let held = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard held >= 0 else {
            throw StoreError(.unreadable, "\(lock) cannot be opened: \(Self.reason(errno))")
        }
        guard flock(held, LOCK_EX | LOCK_NB) == 0 else {
            let reason = errno
            defer { close(held) }
            guard reason == EWOULDBLOCK else {
                throw StoreError(.unreadable, "\(lock) cannot be locked: \(Self.reason(reason))")
            }
            let owner = Self.owner(held)
            let process = owner.isEmpty ? "" : " (process \(owner))"
            throw StoreError(
                .locked, "\(path) is in use by another Bulwark server\(process): stop it or choose another file")
        }
        ftruncate(held, 0)
        let owner = "\(getpid())\n"
        _ = owner.withCString { pwrite(held, $0, strlen($0), 0) }
        do throws(StoreError) {
            try Self.makeFile(path)
        } catch {
            close(held)
            throw error
        }
        descriptor = held
    }

    deinit {
        // Said, not only closed: a child that is being started may hold the descriptor for another moment.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    /// Takes the file from everybody else, once it is known to be ours.
    static func makePrivate(_ path: String) throws(StoreError) {
        for file in [path, path + "-wal", path + "-shm"] {
            if chmod(file, 0o600) != 0, errno != ENOENT {
                throw StoreError(.unreadable, "\(file) cannot be made private: \(reason(errno))")
            }
        }
    }

    private static func makeFolder(of path: String) throws(StoreError) {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return }
        var made = path.first == "/" ? "/" : ""
        for part in path[..<slash].split(separator: "/") {
            made += part
            if mkdir(made, 0o700) != 0, errno != EEXIST, errno != EISDIR {
                throw StoreError(.unreadable, "the folder \(made) cannot be made: \(reason(errno))")
            }
            made += "/"
        }
    }

    /// A file that is there must be empty or begin as SQLite's do.
    private static func makeFile(_ path: String) throws(StoreError) {
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw StoreError(.unreadable, "\(path) cannot be opened: \(reason(errno))") }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw StoreError(.unreadable, "\(path) is not a regular file")
        }
        guard status.st_size > 0 else { return }
        let magic: StaticString = "SQLite format 3\0"
        var head = [UInt8](repeating: 0, count: magic.utf8CodeUnitCount)
        let count = head.withUnsafeMutableBytes { pread(file, $0.baseAddress, $0.count, 0) }
        let same = magic.withUTF8Buffer { $0.elementsEqual(head) }
        guard count == head.count, same else {
            throw StoreError(.notAStore, "\(path) is not a Bulwark store: it does not begin like a SQLite database")
        }
    }

    private static func owner(_ descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 16)
        let count = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
        let digits = bytes.prefix(max(0, count)).prefix { (48...57).contains($0) }
        return String(decoding: digits, as: UTF8.self)
    }

    private static func reason(_ code: Int32) -> String { String(cString: strerror(code)) }
}

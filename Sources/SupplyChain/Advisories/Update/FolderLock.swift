// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Glibc

/// Keeps a second writer out of a folder of advisories. The system lets go of it when the process ends, however it ends.
final class FolderLock: Sendable {
    private let descriptor: Int32

    /// Makes the folder where there is none.
    /// - Throws: `unreadable` when another process holds the lock, or the folder cannot be written.
    init(folder: String) throws(AdvisoryError) {
        try Self.make(folder)
        let path = folder + "/.lock"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard descriptor >= 0 else { throw AdvisoryError(.unreadable, "\(path): \(String(cString: strerror(errno)))") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw AdvisoryError(.unreadable, "\(folder): another process is writing advisories there")
        }
        Self.sweep(folder)
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    static func make(_ folder: String) throws(AdvisoryError) {
        var path = folder.hasPrefix("/") ? "" : "."
        for part in folder.split(separator: "/") {
            path += "/" + part
            guard mkdir(path, 0o755) == 0 || errno == EEXIST || errno == EISDIR || errno == EROFS else {
                throw AdvisoryError(.unreadable, "\(path): \(String(cString: strerror(errno)))")
            }
        }
    }

    /// Removes what writers left that did not live to finish.
    private static func sweep(_ folder: String) {
        guard let handle = opendir(folder) else { return }
        defer { closedir(handle) }
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(".new") { unlink(folder + "/" + name) }
        }
    }
}

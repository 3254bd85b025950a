// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Archives
import Glibc
import Inventory

/// Reads a folder as if it were the only layer of an image. Links are never followed, so that nothing outside is read.
package struct FolderScanner: Sendable {
    package var readers = PackageReaders.standard
    package var evidence = Evidence.installed
    package var content = ContentScanners.none
    package var maxEntries = 4_000_000
    package var maxDepth = 256
    package var deadline = ScanDeadline.none

    private static let kernelFolders: Set<String> = ["proc", "sys", "dev"]

    package init() {}

    package func scan(_ root: String) throws(ScanError) -> LayerRecord {
        var collector = FileCollector(readers, evidence, content)
        guard let top = Folder(root) else {
            throw ScanError(.unreadable, "\(root): \(String(cString: strerror(errno)))")
        }
        let device = top.status(of: ".")?.st_dev
        var open: [(folder: Folder, path: String)] = [(top, "")]
        var count = 0
        while let (folder, path) = open.last {
            if deadline.isOver {
                collector.record.problems.add(deadline.problem)
                break
            }
            guard let name = folder.next() else {
                open.removeLast()
                continue
            }
            count += 1
            guard count <= maxEntries else {
                collector.record.problems.add(
                    ScanProblem("there are more than \(maxEntries) files; the rest is left out"))
                break
            }
            let own = path.isEmpty ? name : path + "/" + name
            guard let status = folder.status(of: name) else {
                collector.record.problems.add(ScanProblem(String(cString: strerror(errno)), path: own))
                continue
            }
            switch status.st_mode & S_IFMT {
            case S_IFDIR:
                // The kernel's own, when this machine itself is looked at.
                if Self.kernelFolders.contains(own), status.st_dev != device { continue }
                guard open.count < maxDepth else {
                    collector.record.problems.add(ScanProblem("it is more than \(maxDepth) folders deep", path: own))
                    continue
                }
                guard let inner = folder.folder(name) else {
                    collector.record.problems.add(ScanProblem(String(cString: strerror(errno)), path: own))
                    continue
                }
                open.append((inner, own))
                collector.add(
                    other: ImageFile(
                        path: own, kind: .folder, mode: UInt32(status.st_mode & 0o7777), user: Int64(status.st_uid)))
            case S_IFREG: read(folder, name, own, status, &collector)
            default: continue
            }
        }
        collector.record.shadow.seal()
        return collector.record
    }

    private func read(
        _ folder: Folder, _ name: String, _ path: String, _ status: stat, _ collector: inout FileCollector
    ) {
        var descriptor: Int32 = -1
        defer { if descriptor >= 0 { close(descriptor) } }
        let stream = FileStream(size: Int64(status.st_size)) { buffer throws(ArchiveError) in
            if descriptor < 0 { descriptor = folder.file(name) }
            guard descriptor >= 0 else { throw ArchiveError(.unreadable, String(cString: strerror(errno))) }
            try deadline.check()
            while true {
                let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
                if count >= 0 { return count }
                if errno != EINTR { throw ArchiveError(.unreadable, String(cString: strerror(errno))) }
            }
        }
        collector.add(
            path, mode: UInt32(status.st_mode & 0o7777), user: Int64(status.st_uid), size: Int64(status.st_size), stream
        )
    }
}

/// An open folder.
private final class Folder {
    private let handle: OpaquePointer
    private var descriptor: Int32 { dirfd(handle) }

    convenience init?(_ path: String) { self.init(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) }

    private init?(_ descriptor: Int32) {
        guard descriptor >= 0 else { return nil }
        guard let handle = fdopendir(descriptor) else {
            close(descriptor)
            return nil
        }
        self.handle = handle
    }

    deinit { closedir(handle) }

    /// The next name; nil at the end.
    func next() -> String? {
        while let entry = readdir(handle) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { return name }
        }
        return nil
    }

    func status(of name: String) -> stat? {
        var status = stat()
        return fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 ? status : nil
    }

    func folder(_ name: String) -> Folder? {
        Folder(openat(descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC))
    }

    func file(_ name: String) -> Int32 { openat(descriptor, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK) }
}

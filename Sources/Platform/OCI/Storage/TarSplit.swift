// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Archives
import Documents
import Foundation

/// Puts the tar of a layer together again, byte for byte, from its unpacked files and what stood between them.
///
/// The format is vbatts/tar-split's: gzip of a JSON object a line, `{"type":2,"payload":base64}` for bytes of the tar
/// itself and `{"type":1,"name":…,"size":…}` for the contents of a file.
enum TarSplit {
    private static let maxLine = 32 << 20
    /// Bytes of such a file unpacked: some 3 KB for each entry of the tar.
    private static let maxText: Int64 = 16 << 30

    static func assemble(
        _ path: String, files: String, name: String, limit: Int64, in temporary: String
    ) throws(OCIError) -> FileRange {
        guard access(path, F_OK) == 0 || errno != ENOENT else {
            throw OCIError(
                .unsupported, "\(name): the storage kept no \(path.plain()), without which its tar cannot be made")
        }
        let stored = try FileRange.opened(path)
        let root = try FilesBelow(files)
        do throws(ArchiveError) {
            let tar = try PrivateFile(in: temporary)
            let source = try Decompressor(SequentialReader(stored), limits: ArchiveLimits(bytes: maxText))
            var rest: [UInt8] = []
            while true {
                let piece = try source.next()
                if piece.isEmpty { break }
                rest += piece
                guard var start = rest.firstIndex(of: 0x0A).map({ _ in rest.startIndex }) else {
                    guard rest.count <= maxLine else { throw ArchiveError(.tooLarge, "a line of \(path) is too long") }
                    continue
                }
                while let end = rest[start...].firstIndex(of: 0x0A) {
                    try add(Array(rest[start..<end]), to: tar, root, limit, path)
                    start = end + 1
                }
                rest.removeSubrange(..<start)
            }
            if !rest.isEmpty { try add(rest, to: tar, root, limit, path) }
            return try tar.range(named: name)
        } catch { throw OCIError(error, name) }
    }

    private static func add(
        _ line: [UInt8], to tar: PrivateFile, _ root: FilesBelow, _ limit: Int64, _ path: String
    ) throws(ArchiveError) {
        if line.isEmpty { return }
        func wrong(_ why: String) -> ArchiveError { ArchiveError(.malformed, "\(path): \(why)") }
        guard let entry = try? JSONReader.read(line, source: path).root, let type = entry["type"]?.int else {
            throw wrong("a line is no entry of tar-split")
        }
        guard type == 1 else {
            guard type == 2, let bytes = Data(base64Encoded: entry["payload"]?.string ?? "") else {
                throw wrong("an entry is neither a file nor bytes")
            }
            guard Int64(bytes.count) <= limit - tar.size else {
                throw ArchiveError(.tooLarge, "it has more than \(limit) bytes")
            }
            var failure: ArchiveError?
            bytes.withUnsafeBytes { buffer in
                do throws(ArchiveError) { try tar.write(buffer) } catch { failure = error }
            }
            if let failure { throw failure }
            return
        }
        let size = Int64(entry["size"]?.int ?? 0)
        guard size > 0 else { return }
        var name = Array((entry["name"]?.string ?? "").utf8)
        if let raw = entry["name_raw"]?.string {
            guard let data = Data(base64Encoded: raw) else { throw wrong("a name is no base64") }
            name = Array(data)
        }
        let file = try root.file(name)
        guard file.size == size, size <= limit - tar.size else {
            throw wrong("\(String(decoding: name, as: UTF8.self).excerpt()) has \(file.size) bytes instead of \(size)")
        }
        try tar.write(contentsOf: SequentialReader(file), limit: limit)
    }
}

/// Opens files below a folder. Links are followed as if the folder were the root of everything.
final class FilesBelow {
    private let root: Int32
    private let path: String

    private static let maxLinks = 64

    init(_ path: String) throws(OCIError) {
        self.path = path
        root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard root >= 0 else { throw OCIError(.unreadable, "\(path.plain()): \(String(cString: strerror(errno)))") }
    }

    deinit { close(root) }

    /// - Parameter name: bytes of a path, which need not be UTF-8.
    func file(_ name: [UInt8]) throws(ArchiveError) -> FileRange {
        let shown = "\(path)/\(String(decoding: name, as: UTF8.self))".plain()
        func failure(_ code: Int32) -> ArchiveError {
            ArchiveError(.unreadable, "\(shown): \(String(cString: strerror(code)))")
        }
        guard name.count <= 16_384, !name.contains(0) else { throw ArchiveError(.malformed, "\(shown) is no path") }
        // Names still to be walked, the next one last, and the folders that were walked.
        var names = Self.parts(name[...])
        var folders: [Int32] = []
        defer { for folder in folders { close(folder) } }
        var links = 0
        while let part = names.popLast() {
            if part == [0x2E, 0x2E] {
                if let folder = folders.popLast() { close(folder) }
                continue
            }
            let at = folders.last ?? root
            let next = openat(
                at, part.map { CChar(bitPattern: $0) } + [0], O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
            if next >= 0 {
                if names.isEmpty { return try FileRange(descriptor: next, path: shown) }
                folders.append(next)
                guard folders.count <= 256 else { throw failure(ENAMETOOLONG) }
                continue
            }
            guard errno == ELOOP else { throw failure(errno) }
            links += 1
            guard links <= Self.maxLinks else { throw failure(ELOOP) }
            var target = [UInt8](repeating: 0, count: 4096)
            let count = target.withUnsafeMutableBytes { buffer in
                readlinkat(
                    at, part.map { CChar(bitPattern: $0) } + [0],
                    buffer.baseAddress?.assumingMemoryBound(to: CChar.self) ?? .allocate(capacity: 1), buffer.count)
            }
            guard count > 0 else { throw failure(errno) }
            if target[0] == UInt8(ascii: "/") {
                for folder in folders { close(folder) }
                folders = []
            }
            names += Self.parts(target[..<count])
        }
        throw ArchiveError(.unreadable, "\(shown) is no regular file")
    }

    private static func parts(_ path: ArraySlice<UInt8>) -> [[UInt8]] {
        path.split(separator: UInt8(ascii: "/")).filter { $0 != [0x2E] }.map(Array.init).reversed()
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Crypto
import Glibc

/// A download under way: `PATH.part`, and beside it in `PATH.tag` the server's tag for the whole file.
final class PartialFile: Sendable {
    private let path: String
    private var part: String { path + ".part" }

    init(path: String) { self.path = path }

    /// Bytes that are there.
    var size: Int64 {
        var status = stat()
        return lstat(part, &status) == 0 && status.st_mode & S_IFMT == S_IFREG ? Int64(status.st_size) : 0
    }

    var tag: String {
        ((try? AdvisoryImporter.contents(path + ".tag", limit: 1024)).map { String(decoding: $0, as: UTF8.self) }) ?? ""
    }

    /// Bytes to go on from; 0 where the server gave nothing to tell its file by.
    var resumable: Int64 { tag.isEmpty ? 0 : size }

    /// Begins anew.
    func start(tag: String) throws(AdvisoryError) {
        unlink(part)
        unlink(path + ".tag")
        if !tag.isEmpty {
            let output = try OutputFile(path: path + ".tag")
            try output.write(Array(tag.utf8), isDigested: false)
            try output.flush()
        }
    }

    func append(_ bytes: UnsafeRawBufferPointer) throws(AdvisoryError) {
        let descriptor = open(part, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard descriptor >= 0 else { throw AdvisoryError(.unreadable, "\(part): \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        var done = 0
        while done < bytes.count {
            let count = write(descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw AdvisoryError(.unreadable, "\(part): \(String(cString: strerror(errno)))") }
            done += count
        }
    }

    func discard() {
        unlink(part)
        unlink(path + ".tag")
    }

    /// Holds the file against `md5=BASE64` of Google's buckets.
    /// - Returns: what does not fit; nil where it fits, or the server said nothing.
    func mismatch(_ hashes: [String]) throws(AdvisoryError) -> String? {
        guard let stated = hashes.first(where: { $0.hasPrefix("md5=") })?.dropFirst(4) else { return nil }
        var hash = Insecure.MD5()
        let descriptor = open(part, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw AdvisoryError(.unreadable, "\(part): \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = buffer.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw AdvisoryError(.unreadable, "\(part): \(String(cString: strerror(errno)))") }
            if count == 0 { break }
            hash.update(data: buffer[..<count])
        }
        return Base64.text(Array(hash.finalize())) == stated
            ? nil : "its bytes do not fit the digest that the server states"
    }

    /// Gives the file its name.
    func finish() throws(AdvisoryError) {
        if size == 0 { try append(UnsafeRawBufferPointer(start: nil, count: 0)) }
        guard rename(part, path) == 0 else {
            throw AdvisoryError(.unreadable, "\(path): \(String(cString: strerror(errno)))")
        }
        unlink(path + ".tag")
    }
}

enum Base64 {
    static func text(_ bytes: [UInt8]) -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let rest = bytes[start..<min(start + 3, bytes.count)]
            var group: UInt32 = 0
            for offset in 0..<3 { group = group << 8 | (offset < rest.count ? UInt32(rest[start + offset]) : 0) }
            for offset in 0..<4 {
                text.append(offset <= rest.count ? letters[Int(group >> UInt32(18 - 6 * offset)) & 63] : 0x3D)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Archives

/// The tar of a layer: unpacks its stored bytes and holds both what is stored and what comes out against their digests.
///
/// ```swift
/// let stream = try LayerStream(layer, try await layer.fetch())
/// let archive = try Archive(tar: stream)
/// while let entry = try archive.next() { … }
/// try stream.finish()
/// ```
package final class LayerStream: ByteSource {
    private let stored: HashingSource
    private let unpacked: Decompressor?
    private let name: String
    private let digest: Digest?
    private let diffID: Digest?
    private var hasher: Digest.Hasher?
    private var isAtEnd = false
    /// Bytes of the tar given so far.
    package private(set) var count: Int64 = 0

    /// - Throws: `malformed` for digests that are none; `unreadable`.
    package init(
        _ layer: Image.Layer, _ range: any RandomAccess, limits: ArchiveLimits = ArchiveLimits()
    ) throws(OCIError) {
        digest = layer.digest.isEmpty ? nil : try Digest(layer.digest)
        diffID = layer.diffID.isEmpty ? nil : try Digest(layer.diffID)
        name = "layer \(layer.digest.isEmpty ? layer.diffID : layer.digest)"
        do throws(ArchiveError) {
            let isCompressed = try Self.isCompressed(range)
            // Without compression both are the same bytes, and one hash serves.
            let hashesStored = !layer.isChecked && digest != nil && (isCompressed || digest != diffID)
            stored = HashingSource(
                SequentialReader(range), hashesStored ? digest.map { Digest.Hasher($0.algorithm) } : nil)
            unpacked = isCompressed ? try Decompressor(stored, limits: limits) : nil
        } catch { throw OCIError(error, name) }
        hasher = diffID.map { Digest.Hasher($0.algorithm) }
    }

    package func next() throws(ArchiveError) -> UnsafeRawBufferPointer {
        guard !isAtEnd else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        let bytes = if let unpacked { try unpacked.next() } else { try stored.next() }
        if bytes.isEmpty { isAtEnd = true }
        hasher?.update(bytes)
        count &+= Int64(bytes.count)
        return bytes
    }

    /// Reads what is left and checks both digests.
    /// - Throws: `wrongDigest` with what was expected and what came; `malformed`, `tooLarge`, `unreadable`.
    package func finish() throws(OCIError) {
        do throws(ArchiveError) {
            while !isAtEnd { _ = try next() }
            // What stands behind the compressed part is content too.
            while try !stored.next().isEmpty {}
        } catch { throw OCIError(error, name) }
        if let digest, let hasher = stored.hasher {
            let came = hasher.finish()
            guard came == digest else { throw .wrong("\(name) as stored", expected: digest, came: came) }
        }
        if let diffID, let hasher {
            let came = hasher.finish()
            guard came == diffID else { throw .wrong("\(name) unpacked", expected: diffID, came: came) }
        }
    }

    private static func isCompressed(_ range: any RandomAccess) throws(ArchiveError) -> Bool {
        try CompressionMagic.isCompressed(range)
    }
}

/// Tells by the first bytes whether a file is packed by gzip, zstd, xz or bzip2.
enum CompressionMagic {
    static func isCompressed(_ range: any RandomAccess) throws(ArchiveError) -> Bool {
        var failure: ArchiveError?
        let head = [UInt8](unsafeUninitializedCapacity: 6) { buffer, count in
            do throws(ArchiveError) { count = try range.read(into: UnsafeMutableRawBufferPointer(buffer), at: 0) } catch
            {
                failure = error
            }
        }
        if let failure { throw failure }
        if head.count > 3, head[1...3] == [0x2A, 0x4D, 0x18], head[0] & 0xF0 == 0x50 { return true }
        let magics: [[UInt8]] = [
            [0x1F, 0x8B], [0x28, 0xB5, 0x2F, 0xFD], [0xFD, 0x37, 0x7A, 0x58, 0x5A], [0x42, 0x5A, 0x68],
        ]
        return magics.contains { head.starts(with: $0) }
    }
}

/// Passes bytes on and hashes them.
final class HashingSource: ByteSource {
    private let source: any ByteSource
    private(set) var hasher: Digest.Hasher?

    init(_ source: any ByteSource, _ hasher: Digest.Hasher?) {
        self.source = source
        self.hasher = hasher
    }

    func next() throws(ArchiveError) -> UnsafeRawBufferPointer {
        let bytes = try source.next()
        hasher?.update(bytes)
        return bytes
    }
}

extension OCIError {
    static func wrong(_ what: String, expected: Digest, came: Digest) -> OCIError {
        OCIError(.wrongDigest, "\(what) is not what its digest says: expected \(expected), but it is \(came)")
    }

    /// An error of an archive in our words.
    package init(_ error: ArchiveError, _ name: String) {
        let code: Code =
            switch error.code {
            case .malformed: .malformed
            case .tooLarge: .tooLarge
            case .unreadable: .unreadable
            case .unsupported: .unsupported
            }
        let place = name.plain()
        self.init(code, error.message.hasPrefix(place) ? error.message : "\(place): \(error.message)")
    }
}

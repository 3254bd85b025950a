// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// The bytes of another source after decompression by gzip, zstd, xz or bzip2; what is not compressed passes as it is.
/// For who needs the bytes of a tar themselves, to hash them, and not only its entries.
package final class Decompressor: ByteSource {
    private let archive: Archive
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 64)
    private var isOpen: Bool

    package init(_ source: any ByteSource, limits: ArchiveLimits = ArchiveLimits()) throws(ArchiveError) {
        archive = try Archive(Input(source: source, range: nil), .raw, limits)
        isOpen = try archive.next() != nil
    }

    deinit { buffer.deallocate() }

    package func next() throws(ArchiveError) -> UnsafeRawBufferPointer {
        guard isOpen else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        let count = try archive.read(into: buffer)
        return UnsafeRawBufferPointer(rebasing: buffer[..<count])
    }
}

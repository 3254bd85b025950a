// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CArchive
import Glibc

/// What an archive says of one of its files. Nothing in it can be trusted: paths may be absolute or climb.
package struct ArchiveEntry: Sendable {
    package enum Kind: Sendable, Hashable { case file, folder, symbolicLink, hardLink, device, pipe, socket, other }

    /// As it stands in the archive. Bytes that are not UTF-8 became U+FFFD, see `isPathExact`.
    package let path: String
    package let isPathExact: Bool
    package let kind: Kind
    /// Bytes; 0 where the archive does not say.
    package let size: Int64
    /// Permissions with the bits for setuid (0o4000), setgid and sticky.
    package let mode: UInt32
    package let user: Int64
    package let group: Int64
    /// Where a symbolic or hard link points; empty for others.
    package let target: String
    /// Seconds since 1970.
    package let modified: Int64
    /// For character and block devices: major and minor number.
    package let device: (major: UInt64, minor: UInt64)
    /// Whether the archive leaves out holes of its contents.
    package let isSparse: Bool
    /// The extended attribute `security.capability`: a program's own rights; empty without one.
    package let capabilities: [UInt8]
    /// Whether its contents are encrypted and cannot be read.
    package let isEncrypted: Bool

    init(_ entry: OpaquePointer, _ limits: ArchiveLimits) throws(ArchiveError) {
        func text(_ own: UnsafePointer<CChar>?, _ utf8: () -> UnsafePointer<CChar>?) -> (String, Bool)? {
            // In a plain locale libarchive cannot turn what is marked as UTF-8 into the locale's own text.
            guard let pointer = own ?? utf8() else { return nil }
            if let exact = String(validatingCString: pointer) { return (exact, true) }
            return (String(cString: pointer), false)
        }
        guard let (path, isExact) = text(archive_entry_pathname(entry), { archive_entry_pathname_utf8(entry) }) else {
            throw ArchiveError(.malformed, "an entry has no name that can be read")
        }
        guard path.utf8.count <= limits.path else {
            throw ArchiveError(.tooLarge, "a path has more than \(limits.path) bytes")
        }
        self.path = path
        isPathExact = isExact
        if let (link, _) = text(archive_entry_hardlink(entry), { archive_entry_hardlink_utf8(entry) }) {
            kind = .hardLink
            target = link
        } else {
            switch Int32(bitPattern: UInt32(archive_entry_filetype(entry))) {
            case 0o100000: kind = .file
            case 0o040000: kind = .folder
            case 0o120000: kind = .symbolicLink
            case 0o020000, 0o060000: kind = .device
            case 0o010000: kind = .pipe
            case 0o140000: kind = .socket
            // Zips made on other systems carry no type.
            case 0: kind = path.hasSuffix("/") ? .folder : .file
            default: kind = .other
            }
            target =
                kind == .symbolicLink
                ? text(archive_entry_symlink(entry), { archive_entry_symlink_utf8(entry) })?.0 ?? "" : ""
        }
        size = archive_entry_size_is_set(entry) != 0 ? max(archive_entry_size(entry), 0) : 0
        mode = UInt32(archive_entry_perm(entry))
        user = archive_entry_uid(entry)
        group = archive_entry_gid(entry)
        modified = Int64(archive_entry_mtime(entry))
        device =
            kind == .device
            ? (UInt64(archive_entry_rdevmajor(entry)), UInt64(archive_entry_rdevminor(entry))) : (0, 0)
        isSparse = archive_entry_sparse_count(entry) > 0
        capabilities = archive_entry_xattr_count(entry) > 0 ? Self.capabilities(entry) : []
        isEncrypted = archive_entry_is_data_encrypted(entry) != 0
    }

    private static func capabilities(_ entry: OpaquePointer) -> [UInt8] {
        archive_entry_xattr_reset(entry)
        var (name, value, size): (UnsafePointer<CChar>?, UnsafeRawPointer?, Int) = (nil, nil, 0)
        while archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK {
            guard let name, strcmp(name, "security.capability") == 0 else { continue }
            return value.map { Array(UnsafeRawBufferPointer(start: $0, count: min(size, 64))) } ?? []
        }
        return []
    }
}

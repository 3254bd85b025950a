// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// A file of an image as `ImageBehaviour` sees it.
package struct ImageFile {
    package enum Kind: Sendable, Hashable { case file, folder, device, other }

    /// From the image's root, without a slash before it: `usr/bin/sudo`.
    package var path: String
    package var kind: Kind
    /// Permissions with the bits for setuid (0o4000), setgid and sticky.
    package var mode: UInt32
    package var user: Int64
    package var size: Int64
    /// Of a device.
    package var major: UInt64
    package var minor: UInt64
    /// The value of the extended attribute `security.capability`; empty without one.
    package var capabilities: [UInt8]
    /// Whether a package of the distribution brought it.
    package var isPackaged: Bool
    /// Its bytes, where `ImageBehaviour.wants` asked for them.
    package var contents: [UInt8]?

    package init(
        path: String, kind: Kind, mode: UInt32, user: Int64 = 0, size: Int64 = 0, major: UInt64 = 0, minor: UInt64 = 0,
        capabilities: [UInt8] = [], isPackaged: Bool = false, contents: [UInt8]? = nil
    ) {
        self.path = path
        self.kind = kind
        self.mode = mode
        self.user = user
        self.size = size
        self.major = major
        self.minor = minor
        self.capabilities = capabilities
        self.isPackaged = isPackaged
        self.contents = contents
    }
}

/// The capabilities of a program (`struct vfs_cap_data` of Linux' capability.h): a word of revision and flags, then pairs
/// of 32 bits, permitted and inheritable, low words first.
enum FileCapabilities {
    /// Those with which a container can be left or another's files taken.
    private static let dangerous: [(bit: Int, name: String)] = [
        (0, "chown"), (1, "dac_override"), (2, "dac_read_search"), (3, "fowner"), (6, "setgid"), (7, "setuid"),
        (8, "setpcap"), (12, "net_admin"), (16, "sys_module"), (17, "sys_rawio"), (18, "sys_chroot"),
        (19, "sys_ptrace"),
        (21, "sys_admin"), (22, "sys_boot"), (27, "mknod"), (31, "setfcap"), (33, "mac_admin"), (38, "perfmon"),
        (39, "bpf"), (40, "checkpoint_restore"),
    ]

    /// The names of the dangerous ones that it gets; nil for bytes that are no such value.
    static func dangerousNames(_ bytes: [UInt8]) -> [String]? {
        guard bytes.count >= 12 else { return nil }
        func word(_ index: Int) -> UInt64 {
            (0..<4).reduce(UInt64(0)) { $0 | UInt64(bytes[4 * index + $1]) << UInt64(8 * $1) }
        }
        let revision = word(0) >> 24
        guard (1...3).contains(revision), revision == 1 || bytes.count >= 20 else { return nil }
        var permitted = word(1)
        if revision > 1 { permitted |= word(3) << 32 }
        return dangerous.filter { permitted >> UInt64($0.bit) & 1 == 1 }.map { "cap_\($0.name)" }
    }
}

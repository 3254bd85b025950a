// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// The files that belong to packages of the distribution.
package enum OwnedFiles {
    /// So many bytes are read at most of a list that is not a package database as well.
    package static let limit = 64 << 20

    /// Whether a path is a list of owned files: `var/lib/dpkg/info/*.list` and the like. Package databases that hold
    /// such lists as well (apk, rpm) are among them.
    package static func isList(_ path: String) -> Bool {
        path.utf8.withContiguousStorageIfAvailable { isList($0) } ?? Array(path.utf8).withUnsafeBufferPointer(isList)
    }

    static func isList(_ path: UnsafeBufferPointer<UInt8>) -> Bool { false }

    /// Hands over every owned file: its path without a leading slash, valid during the call, and its owner as
    /// `FoundPackage.owner` has it (`deb:python3-requests`). Folders may be among them.
    package static func read(
        _ file: InventoryFile, _ body: (_ path: UnsafeBufferPointer<UInt8>, _ owner: String) -> Void
    ) throws(InventoryError) {
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// The database of dpkg, and of opkg, which has the same form.
enum Dpkg {
    static func read(_ file: InventoryFile) throws(InventoryError) -> [FoundPackage] {
        throw file.unsupported("this build does not read it yet")
    }
}

/// `var/lib/dpkg/status.d`, where distroless images have one stanza a file.
enum DpkgStatusFolder {
    static func holds(_ path: UnsafeBufferPointer<UInt8>, nameStart: Int) -> Bool {
        let folder = UnsafeBufferPointer(rebasing: path[..<(nameStart - 1)])
        return folder.hasSuffix("var/lib/dpkg/status.d") && nameStart < path.count && !path.hasSuffix(".md5sums")
    }
}

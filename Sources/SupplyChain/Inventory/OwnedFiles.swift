// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// The files that belong to packages of the distribution.
package enum OwnedFiles {
    /// So many bytes are read at most of a list that is not a package database as well.
    package static let limit = 64 << 20

    /// Whether a path is a list of owned files: `var/lib/dpkg/info/*.list` and the like. Package databases that hold
    /// such lists as well (apk, rpm) are among them.
    package static func isList(_ path: String) -> Bool {
        path.utf8.withContiguousStorageIfAvailable { kind($0) != nil }
            ?? Array(path.utf8).withUnsafeBufferPointer { kind($0) != nil }
    }

    private enum Kind { case dpkgList, dpkgSums, apk, rpm }

    private static func kind(_ path: UnsafeBufferPointer<UInt8>) -> Kind? {
        // The last letter and a look at the end decide nearly always.
        switch path.last {
        case 0x74:  // t
            guard path.hasSuffix(".list") else { return nil }
            return isIn(path, "var/lib/dpkg/info") || isIn(path, "lib/opkg/info") ? .dpkgList : nil
        case 0x73:  // s
            if path.hasSuffix(".md5sums") { return isIn(path, "var/lib/dpkg/status.d") ? .dpkgSums : nil }
            return path.hasSuffix("rpm/Packages") && Rpm.isDatabase(path) ? .rpm : nil
        case 0x64:  // d
            return path.hasSuffix("lib/apk/db/installed") ? .apk : nil
        case 0x62:  // b
            return path.hasSuffix("rpm/Packages.db") && Rpm.isDatabase(path) ? .rpm : nil
        case 0x65:  // e
            return path.hasSuffix("rpm/rpmdb.sqlite") && Rpm.isDatabase(path) ? .rpm : nil
        default: return nil
        }
    }

    private static func isIn(_ path: UnsafeBufferPointer<UInt8>, _ folder: String) -> Bool {
        guard let slash = path.lastIndex(of: 0x2F) else { return false }
        return UnsafeBufferPointer(rebasing: path[..<slash]).hasSuffix(folder)
    }

    /// Hands over every owned file: its path without a leading slash, valid during the call, and its owner as
    /// `FoundPackage.owner` has it (`deb:python3-requests`). Folders may be among them.
    package static func read(
        _ file: InventoryFile, _ body: (_ path: UnsafeBufferPointer<UInt8>, _ owner: String) -> Void
    ) throws(InventoryError) {
        guard let kind = Array(file.path.utf8).withUnsafeBufferPointer(kind) else {
            throw file.unsupported("this is no list of a package's files")
        }
        switch kind {
        case .dpkgList:
            // `libc6:amd64.list`; one absolute path a line.
            let name = file.fileName.dropLast(5)
            let owner = "deb:" + (name.cut(":")?.before ?? name)
            try file.withText { (text) throws(InventoryError) in
                for line in Lines(text) where line.count > 1 {
                    body(line.first == 0x2F ? line.dropping(1) : line, owner)
                }
            }
        case .dpkgSums:
            // 32 hexadecimal digits, two spaces, a path.
            let owner = "deb:" + file.fileName.dropLast(8)
            try file.withText { (text) throws(InventoryError) in
                for line in Lines(text) where line.count > 34 {
                    let path = line.dropping(34)
                    body(path.starts(with: "./") ? path.dropping(2) : path, owner)
                }
            }
        case .apk: try file.withText { (text) throws(InventoryError) in Apk.owned(text, body) }
        case .rpm: try Rpm.owned(file, body)
        }
    }
}

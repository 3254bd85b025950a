// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Where an entry of a layer belongs: its path below the image's root, or what it removes.
package enum LayerPath: Sendable, Hashable {
    case entry(String)
    case removes(String)
    case empties(String)
    /// The root itself, or notes of the storage driver.
    case nothing
    /// It climbs above the root. Such an entry is not looked at.
    case escapes

    /// - Parameter path: as it stands in the archive: `./usr/bin/../bin/x`, `/etc/passwd`.
    package init(_ path: String) {
        if Self.isPlain(path) {
            self = Self.meaning(of: path)
            return
        }
        var parts: [Substring] = []
        for part in path.split(separator: "/", omittingEmptySubsequences: true) where part != "." {
            if part == ".." {
                // What climbs within the root is legal, what climbs out of it never is.
                guard parts.popLast() != nil else {
                    self = .escapes
                    return
                }
            } else {
                parts.append(part)
            }
        }
        self = parts.isEmpty ? .nothing : Self.meaning(of: parts.joined(separator: "/"))
    }

    /// Whether no part is empty, `.` or `..`: nearly all are so, and need no taking apart.
    private static func isPlain(_ path: String) -> Bool {
        var (length, dots) = (0, 0)
        for byte in path.utf8 {
            if byte == UInt8(ascii: "/") {
                if length == 0 || (length == dots && length <= 2) { return false }
                (length, dots) = (0, 0)
            } else {
                length += 1
                if byte == UInt8(ascii: ".") { dots += 1 }
            }
        }
        return !(length == 0 || (length == dots && length <= 2))
    }

    private static func meaning(of path: String) -> LayerPath {
        let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
        let name = slash.map { path[path.utf8.index(after: $0)...] } ?? path[...]
        guard name.utf8.first == UInt8(ascii: "."), name.utf8.starts(with: ".wh.".utf8) else { return .entry(path) }
        let folder = slash.map { String(path[..<$0]) } ?? ""
        if name == ".wh..wh..opq" { return .empties(folder) }
        // `.wh..wh.plnk` and others are notes of the driver aufs.
        if name.utf8.starts(with: ".wh..wh.".utf8) || name.utf8.count == 4 { return .nothing }
        let removed = name.dropFirst(4)
        return .removes(folder.isEmpty ? String(removed) : folder + "/" + removed)
    }
}

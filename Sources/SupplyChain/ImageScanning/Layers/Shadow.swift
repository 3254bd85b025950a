// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// What a layer covers of those below it: every path that it brings or removes, eight bytes each.
package struct Shadow: Sendable {
    package enum Mark: UInt64, Sendable {
        case folder = 0
        /// A file, a link, a device: nothing of what was below that path is left.
        case file = 1
        /// `.wh.NAME`
        case removed = 2
        /// `.wh..wh..opq`: the folder's earlier contents are gone.
        case emptied = 3
    }

    /// What became of a path of a lower layer.
    package enum Fate: Sendable, Hashable { case visible, replaced, deleted }

    package let hash: PathHash
    /// Ascending after `seal()`.
    package internal(set) var entries: [UInt64] = []

    package init(hash: PathHash = PathHash(), entries: [UInt64] = []) {
        self.hash = hash
        self.entries = entries
    }

    mutating func add(_ path: String, _ mark: Mark) { entries.append(hash(path) | mark.rawValue) }

    mutating func seal() { entries.sort() }

    /// What this layer does to a path of a lower one.
    package func fate(of path: String) -> Fate {
        if entries.isEmpty { return .visible }
        var path = path
        return path.withUTF8 { text in
            let bytes = UnsafeRawBufferPointer(text)
            let own = hash(bytes)
            if contains(own | Mark.removed.rawValue) { return .deleted }
            if contains(own | Mark.file.rawValue) || contains(own | Mark.folder.rawValue) { return .replaced }
            if contains(hash(UnsafeRawBufferPointer(start: nil, count: 0)) | Mark.emptied.rawValue) { return .deleted }
            for index in bytes.indices where bytes[index] == UInt8(ascii: "/") {
                let folder = hash(UnsafeRawBufferPointer(rebasing: bytes[..<index]))
                if contains(folder | Mark.removed.rawValue) || contains(folder | Mark.emptied.rawValue)
                    || contains(folder | Mark.file.rawValue)
                {
                    return .deleted
                }
            }
            return .visible
        }
    }

    func contains(_ entry: UInt64) -> Bool {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            if entries[middle] < entry { low = middle + 1 } else { high = middle }
        }
        return low < entries.count && entries[low] == entry
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// One header of rpm's database: an index of 16-byte entries and a store of data, numbers with the high byte first
/// (rpm's manual, "RPM v4 package format", without the leading magic).
struct RpmHeader {
    private let bytes: UnsafeBufferPointer<UInt8>
    private let count: Int
    private var store: Int { 8 + count * 16 }

    enum Tag {
        static let name: UInt32 = 1000
        static let version: UInt32 = 1001
        static let release: UInt32 = 1002
        static let epoch: UInt32 = 1003
        static let license: UInt32 = 1014
        static let architecture: UInt32 = 1022
        static let oldFileNames: UInt32 = 1027
        static let sourceRpm: UInt32 = 1044
        static let folderIndexes: UInt32 = 1116
        static let baseNames: UInt32 = 1117
        static let folderNames: UInt32 = 1118
        static let moduleLabel: UInt32 = 5096
    }

    /// Nil where the bytes are no header: its two lengths must fill them.
    init?(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard bytes.count >= 8 else { return nil }
        self.bytes = bytes
        let entries = Self.number(bytes, 0)
        let size = Self.number(bytes, 4)
        // rpm's own limits.
        guard entries > 0, entries <= 0xFFFF, size <= 0x0FFF_FFFF, 8 + Int(entries) * 16 + Int(size) <= bytes.count
        else { return nil }
        count = Int(entries)
    }

    private static func number(_ bytes: UnsafeBufferPointer<UInt8>, _ at: Int) -> UInt32 {
        UInt32(bytes[at]) << 24 | UInt32(bytes[at + 1]) << 16 | UInt32(bytes[at + 2]) << 8 | UInt32(bytes[at + 3])
    }

    /// Where the data of a tag begins, and how many values it has.
    private func find(_ tag: UInt32, types: ClosedRange<UInt32>) -> (start: Int, values: Int)? {
        for entry in 0..<count where Self.number(bytes, 8 + entry * 16) == tag {
            let at = 8 + entry * 16
            let offset = Int(Self.number(bytes, at + 8))
            guard types.contains(Self.number(bytes, at + 4)), offset < bytes.count - store else { return nil }
            return (store + offset, Int(Self.number(bytes, at + 12)))
        }
        return nil
    }

    /// The text of a tag; nil where it is missing or runs out of the header.
    func text(_ tag: UInt32) -> String? {
        guard let (start, _) = find(tag, types: 6...9), let end = bytes.index(of: 0, from: start) else { return nil }
        return UnsafeBufferPointer(rebasing: bytes[start..<end]).string
    }

    /// The first 32-bit number of a tag.
    func number(_ tag: UInt32) -> UInt32? {
        guard let (start, values) = find(tag, types: 4...4), values > 0, start + 4 <= bytes.count else { return nil }
        return Self.number(bytes, start)
    }

    private func texts(_ tag: UInt32) -> [UnsafeBufferPointer<UInt8>] {
        guard let (start, values) = find(tag, types: 6...9) else { return [] }
        var out: [UnsafeBufferPointer<UInt8>] = []
        var at = start
        while out.count < values, let end = bytes.index(of: 0, from: at) {
            out.append(UnsafeBufferPointer(rebasing: bytes[at..<end]))
            at = end + 1
        }
        return out
    }

    /// Hands over the path of every file, without a leading slash.
    func files(_ body: (UnsafeBufferPointer<UInt8>) -> Void) {
        let folders = texts(Tag.folderNames)
        let names = texts(Tag.baseNames)
        if names.isEmpty {
            for path in texts(Tag.oldFileNames) { body(path.first == 0x2F ? path.dropping(1) : path) }
            return
        }
        guard let (start, values) = find(Tag.folderIndexes, types: 4...4) else { return }
        var path: [UInt8] = []
        for (index, name) in names.enumerated() where index < values {
            let at = start + index * 4
            guard at + 4 <= bytes.count else { return }
            let folder = Int(Self.number(bytes, at))
            guard folder < folders.count else { continue }
            path.removeAll(keepingCapacity: true)
            path.append(contentsOf: folders[folder].first == 0x2F ? folders[folder].dropping(1) : folders[folder])
            path.append(contentsOf: name)
            path.withUnsafeBufferPointer(body)
        }
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// The layout of a file of advisories; Advisories.md draws it.
enum AdvisoryFormat {
    static let magic: [UInt8] = Array("BWADVIS\n".utf8)
    static let version: UInt32 = 1
    static let headerSize = 512

    enum Section: Int, CaseIterable { case strings, records, affected, events, references, index }

    /// Places in the header.
    enum Header {
        static let version = 8, check = 12, size = 16, digest = 24, imported = 56, newest = 64, records = 72,
            withdrawn = 76, rows = 80, refused = 84, sections = 96, ecosystem = 192, tag = 196, source = 200,
            notes = 204
    }

    /// Words of a record.
    enum Record {
        static let words = 20
        static let id = 0, summary = 1, details = 2, published = 3, modified = 5, aliases = 7, upstream = 9,
            related = 11,
            references = 13, cvss2 = 15, cvss3 = 16, cvss4 = 17, rating = 18
    }

    /// Words of a package that a record is about.
    enum Row {
        static let words = 14
        static let ecosystem = 0, name = 1, record = 2, events = 3, versions = 5, cvss2 = 7, cvss3 = 8, cvss4 = 9,
            rating = 10,
            module = 11, flags = 12, written = 13
    }

    enum Flag {
        static let wontFix: UInt32 = 1
        /// Its fixed versions are builds of an rpm module, or are not.
        static let moduleBuild: UInt32 = 2, plainBuild: UInt32 = 4
    }

    /// Bits of an event beside its kind.
    enum Event {
        static let startsRange: UInt32 = 0x100
        static let semantic: UInt32 = 0x200
        /// The events of this range could not be put in order.
        static let unordered: UInt32 = 0x400
        static let kinds: UInt32 = 0xFF
    }

    /// FNV-1a over ecosystem, a zero and the normalised name; never 0, which marks an empty bucket.
    static func hash(_ ecosystem: String, _ name: String) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in ecosystem.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        hash = hash &* 0x100_0000_01B3
        for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return hash == 0 ? 1 : hash
    }

    /// Of the header, with zeros in the place of the check itself.
    static func check(_ header: [UInt8]) -> UInt32 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for (at, byte) in header.enumerated() {
            let byte = at >= Header.check && at < Header.check + 4 ? 0 : byte
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3
        }
        return UInt32(truncatingIfNeeded: hash ^ (hash >> 32))
    }
}

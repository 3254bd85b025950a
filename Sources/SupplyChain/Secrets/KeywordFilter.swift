// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Finds keywords in any case, one step a byte: four bytes at a place, folded and hashed, are looked up in a bit map of
/// 8 KB. Only where the bit is set is the text compared with keywords. Of each keyword the four bytes are asked for that
/// are the rarest in text, since `pass` and `toke` are everywhere.
struct KeywordFilter: Sendable {
    static let window = 4
    private static let factor: UInt32 = 0x9E37_79B1

    struct Entry: Sendable {
        /// Folded: letters in lower case.
        var bytes: [UInt8]
        /// Where the window begins in the keyword.
        var offset: Int
        var rules: [Int]
    }

    private var bits = [UInt64](repeating: 0, count: 1 << 10)
    /// By hash: the first entry of its chain, or -1.
    private var heads = [Int16](repeating: -1, count: 1 << 16)
    private var links: [Int16] = []
    private(set) var entries: [Entry] = []

    /// - Parameter keywords: with the places of the rules that they belong to; four bytes or more each.
    init(_ keywords: [(text: String, rules: [Int])]) {
        for (text, rules) in keywords {
            let bytes = text.utf8.map(Self.lower)
            guard bytes.count >= Self.window, entries.count < Int(Int16.max) else { continue }
            let offset = Self.rarest(bytes)
            let hash = Self.hash(
                (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[offset + $1]) << UInt32(8 * $1) } | 0x2020_2020)
            bits[hash >> 6] |= 1 << UInt64(hash & 63)
            links.append(heads[hash])
            heads[hash] = Int16(entries.count)
            entries.append(Entry(bytes: bytes, offset: offset, rules: rules))
        }
    }

    /// Calls the body with the place of each keyword in the text and with its number among `entries`.
    @inline(__always)
    func scan(_ text: UnsafeRawBufferPointer, _ body: (Int, Int) -> Void) {
        guard text.count >= Self.window, let base = text.baseAddress else { return }
        let last = text.count - Self.window
        bits.withUnsafeBufferPointer { bits in
            guard let bits = bits.baseAddress else { return }
            var at = 0
            while at <= last {
                let word = base.loadUnaligned(fromByteOffset: at, as: UInt32.self) | 0x2020_2020
                let hash = Self.hash(word)
                if bits[hash >> 6] >> UInt64(truncatingIfNeeded: hash & 63) & 1 != 0 { look(text, at, hash, body) }
                at &+= 1
            }
        }
    }

    @inline(never)
    private func look(_ text: UnsafeRawBufferPointer, _ at: Int, _ hash: Int, _ body: (Int, Int) -> Void) {
        var next = Int(heads[hash])
        while next >= 0 {
            let start = at - entries[next].offset
            if start >= 0, start + entries[next].bytes.count <= text.count, stands(next, text, start) {
                body(start, next)
            }
            next = Int(links[next])
        }
    }

    private func stands(_ entry: Int, _ text: UnsafeRawBufferPointer, _ start: Int) -> Bool {
        for index in entries[entry].bytes.indices
        where Self.lower(text[start + index]) != entries[entry].bytes[index] { return false }
        return true
    }

    @inline(__always)
    private static func hash(_ word: UInt32) -> Int { Int(truncatingIfNeeded: (word &* factor) >> 16) }

    private static func lower(_ byte: UInt8) -> UInt8 {
        byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
    }

    /// Letters by how often English text and code have them; what is no letter is rarer than all.
    private static func rarest(_ bytes: [UInt8]) -> Int {
        let common = Array("etaoinsrlcdhupmfgybwvkxjqz".utf8)
        func weight(_ byte: UInt8) -> Int { common.firstIndex(of: byte).map { 26 - $0 } ?? 2 }
        var best = (offset: 0, weight: Int.max)
        for offset in 0...(bytes.count - window) {
            let sum = bytes[offset..<offset + window].reduce(0) { $0 + weight($1) }
            if sum < best.weight { best = (offset, sum) }
        }
        return best.offset
    }
}

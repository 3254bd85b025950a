// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Reads the values of a hash database of Berkeley DB (versions 4 to 6), without asking for any key.
///
/// Pages are of one size, 512 to 65536 bytes; the numbers in them have the order of the machine that wrote them. What
/// does not fit into a page lies on a chain of overflow pages.
struct BerkeleyHash {
    private let bytes: UnsafeBufferPointer<UInt8>
    private let file: InventoryFile
    private let isSwapped: Bool
    private let pageSize: Int
    private let pages: Int

    private enum PageType {
        static let unsortedHash: UInt8 = 2
        static let overflow: UInt8 = 7
        static let hashMeta: UInt8 = 8
        static let hash: UInt8 = 13
    }

    private enum ItemType {
        static let inPlace: UInt8 = 1
        static let offPage: UInt8 = 3
    }

    private static let pageHeader = 26
    private static let magic = 0x061561

    /// Nil where the bytes are no hash database.
    init?(_ bytes: UnsafeBufferPointer<UInt8>, _ file: InventoryFile) throws(InventoryError) {
        guard bytes.count >= 512 else { return nil }
        self.bytes = bytes
        self.file = file
        if Self.word(bytes, 12, false) == Self.magic {
            isSwapped = false
        } else if Self.word(bytes, 12, true) == Self.magic {
            isSwapped = true
        } else {
            return nil
        }
        pageSize = Self.word(bytes, 20, isSwapped)
        guard bytes[25] == PageType.hashMeta else { return nil }
        guard pageSize >= 512, pageSize <= 65_536, pageSize & (pageSize - 1) == 0 else {
            throw file.malformed("the database's pages have \(pageSize) bytes")
        }
        guard bytes[24] == 0 else { throw file.unsupported("an encrypted database") }
        guard bytes[26] & 1 == 0 else { throw file.unsupported("a database with checksums of pages") }
        let last = Self.word(bytes, 32, isSwapped)
        guard last < Int(UInt32.max), bytes.count / pageSize >= last + 1 else {
            throw file.malformed("the database says that it has \(last + 1) pages, but breaks off before")
        }
        pages = last + 1
    }

    private static func word(_ bytes: UnsafeBufferPointer<UInt8>, _ at: Int, _ isSwapped: Bool) -> Int {
        let (a, b, c, d) = (Int(bytes[at]), Int(bytes[at + 1]), Int(bytes[at + 2]), Int(bytes[at + 3]))
        return isSwapped ? a << 24 | b << 16 | c << 8 | d : d << 24 | c << 16 | b << 8 | a
    }

    private func word(_ at: Int) -> Int { Self.word(bytes, at, isSwapped) }

    private func half(_ at: Int) -> Int {
        let (a, b) = (Int(bytes[at]), Int(bytes[at + 1]))
        return isSwapped ? a << 8 | b : b << 8 | a
    }

    /// Hands over every value.
    func values(_ body: (UnsafeBufferPointer<UInt8>) -> Void) throws(InventoryError) {
        // An overflow page belongs to one value: a second visit is a loop, or two values that share pages.
        var visited = [Bool](repeating: false, count: pages)
        for number in 1..<max(pages, 1) {
            let page = number * pageSize
            let type = bytes[page + 25]
            guard type == PageType.hash || type == PageType.unsortedHash else { continue }
            let entries = half(page + 20)
            guard Self.pageHeader + entries * 2 <= pageSize, entries % 2 == 0 else {
                throw file.malformed("page \(number) says that it has \(entries) entries")
            }
            for pair in stride(from: 0, to: entries, by: 2) {
                let key = try item(page, pair, number)
                let value = try item(page, pair + 1, number)
                switch bytes[value.start] {
                case ItemType.inPlace:
                    // Under key 0 stands the number of the last package.
                    let isCounter = key.count == 5 && bytes[(key.start + 1)..<key.end].allSatisfy { $0 == 0 }
                    if isCounter { continue }
                    body(UnsafeBufferPointer(rebasing: bytes[(value.start + 1)..<value.end]))
                case ItemType.offPage:
                    guard value.count >= 12 else { throw file.malformed("page \(number) has an entry cut short") }
                    let whole = try chain(word(value.start + 4), length: word(value.start + 8), &visited)
                    whole.withUnsafeBufferPointer(body)
                default: throw file.malformed("page \(number) has an entry of type \(bytes[value.start])")
                }
            }
        }
    }

    private struct Item {
        var start: Int
        var end: Int
        var count: Int { end - start }
    }

    /// Items fill a page from its end; each ends where the one before it begins.
    private func item(_ page: Int, _ index: Int, _ number: Int) throws(InventoryError) -> Item {
        let table = page + Self.pageHeader
        let start = half(table + index * 2)
        let end = index == 0 ? pageSize : half(table + (index - 1) * 2)
        guard start >= Self.pageHeader, start < end, end <= pageSize else {
            throw file.malformed("page \(number) has an entry that is not inside of it")
        }
        return Item(start: page + start, end: page + end)
    }

    private func chain(_ first: Int, length: Int, _ visited: inout [Bool]) throws(InventoryError) -> [UInt8] {
        guard length <= bytes.count else { throw file.malformed("a value says that it has \(length) bytes") }
        var out: [UInt8] = []
        out.reserveCapacity(length)
        var number = first
        while out.count < length {
            guard number > 0, number < pages, !visited[number] else {
                throw file.malformed("a value of \(length) bytes goes on at page \(number), which cannot be")
            }
            visited[number] = true
            let page = number * pageSize
            guard bytes[page + 25] == PageType.overflow else {
                throw file.malformed("page \(number) belongs to a value, but is no overflow page")
            }
            let used = half(page + 22)
            guard used > 0, used <= pageSize - Self.pageHeader, out.count + used <= length else {
                throw file.malformed("page \(number) says that it holds \(used) bytes")
            }
            out.append(contentsOf: bytes[(page + Self.pageHeader)..<(page + Self.pageHeader + used)])
            number = word(page + 16)
        }
        return out
    }
}

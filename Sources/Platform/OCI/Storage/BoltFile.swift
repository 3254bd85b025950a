// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Archives

/// Reads a bbolt database: a file of pages that form a B+ tree of keys, values and buckets (bbolt, page.go and bucket.go).
///
/// Only reads, and takes no lock: what a committed state refers to is not written over before the writer's next but one.
struct BoltFile {
    private static let magic: UInt32 = 0xED0C_DAED
    private static let maxDepth = 32
    private static let maxPages = 200_000
    private static let maxPageBytes = 64 << 20
    private static let maxBytes = 1 << 30

    private let file: FileRange
    private let pageSize: Int64
    private let rootPage: UInt64

    /// - Throws: `malformed`, `unsupported`, `unreadable`
    init(_ file: FileRange) throws(OCIError) {
        self.file = file
        // One of the two first pages tells of the last committed state; the other, of the one before.
        var best: (transaction: UInt64, root: UInt64, pageSize: Int64)?
        let first = try Self.bytes(file, at: 0, count: 80)
        var sizes: [Int64] = [4096, 16_384, 65_536, 8192, 32_768]
        if let size = Self.meta(first)?.pageSize { sizes = [size] }
        for place in [0] + sizes {
            guard file.size >= place + 80 else { continue }
            guard let meta = Self.meta(try Self.bytes(file, at: place, count: 80)) else { continue }
            if best.map({ meta.transaction > $0.transaction }) ?? true { best = meta }
        }
        guard let best else { throw OCIError(.malformed, "\(file.path.plain()) is no bolt database") }
        pageSize = best.pageSize
        rootPage = best.root
    }

    private static func meta(_ bytes: [UInt8]) -> (transaction: UInt64, root: UInt64, pageSize: Int64)? {
        // A page header of 16 bytes, then magic, version, page size, flags, root, sequence, free list, pages, transaction, sum.
        guard number(bytes, 16, 4) == UInt64(magic), number(bytes, 20, 4) == 2, let size = number(bytes, 24, 4),
            size >= 512, size <= 1 << 20, size & (size - 1) == 0, let root = number(bytes, 32, 8),
            let transaction = number(bytes, 64, 8), let sum = number(bytes, 72, 8)
        else { return nil }
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes[16..<72] { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return hash == sum ? (transaction, root, Int64(size)) : nil
    }

    var root: Bucket { Bucket(file: self, page: rootPage, inline: nil) }

    struct Bucket {
        fileprivate let file: BoltFile
        fileprivate let page: UInt64
        /// A small bucket is a page inside the value of its parent.
        fileprivate let inline: [UInt8]?

        func keys() throws(OCIError) -> [[UInt8]] {
            var keys: [[UInt8]] = []
            try walk { key, _, _ in keys.append(key) }
            return keys
        }

        func bucket(_ name: String) throws(OCIError) -> Bucket? { try bucket(Array(name.utf8)) }

        func bucket(_ name: [UInt8]) throws(OCIError) -> Bucket? {
            var found: [UInt8]?
            try walk { key, value, isBucket in if isBucket, key == name { found = value } }
            guard let found else { return nil }
            guard let page = BoltFile.number(found, 0, 8) else { throw file.wrong("a bucket has no root") }
            return Bucket(file: file, page: page, inline: page == 0 ? Array(found.dropFirst(16)) : nil)
        }

        /// Empty where there is none.
        func value(_ name: String) throws(OCIError) -> [UInt8] {
            let name = Array(name.utf8)
            var found: [UInt8] = []
            try walk { key, value, isBucket in if !isBucket, key == name { found = value } }
            return found
        }

        func text(_ name: String) throws(OCIError) -> String { String(decoding: try value(name), as: UTF8.self) }

        private func walk(_ body: ([UInt8], [UInt8], Bool) -> Void) throws(OCIError) {
            var pages: [(page: UInt64, depth: Int)] = [(page, 0)]
            var seen = 0
            var total = 0
            while let (number, depth) = pages.popLast() {
                seen += 1
                guard depth <= BoltFile.maxDepth, seen <= BoltFile.maxPages else {
                    throw file.wrong("its pages form a circle")
                }
                let bytes = if let inline { inline } else { try file.page(number) }
                total += bytes.count
                guard total <= BoltFile.maxBytes else {
                    throw OCIError(
                        .tooLarge, "\(file.file.path.plain()): a bucket has more than \(BoltFile.maxBytes) bytes")
                }
                try file.elements(of: bytes, body) { pages.append(($0, depth + 1)) }
                if inline != nil { return }
            }
        }
    }

    private func elements(
        of page: [UInt8], _ leaf: ([UInt8], [UInt8], Bool) -> Void, _ branch: (UInt64) -> Void
    ) throws(OCIError) {
        guard let flags = Self.number(page, 8, 2), let count = Self.number(page, 10, 2) else {
            throw wrong("a page is cut off")
        }
        for index in 0..<Int(count) {
            let at = 16 + index * 16
            guard at + 16 <= page.count else { throw wrong("a page is cut off") }
            if flags & 1 != 0 {
                branch(Self.number(page, at + 8, 8) ?? 0)
                continue
            }
            guard flags & 2 != 0 else { throw wrong("a page is neither branch nor leaf") }
            let isBucket = (Self.number(page, at, 4) ?? 0) & 1 != 0
            let start = at + Int(Self.number(page, at + 4, 4) ?? 0)
            let keySize = Int(Self.number(page, at + 8, 4) ?? 0)
            let valueSize = Int(Self.number(page, at + 12, 4) ?? 0)
            guard start + keySize + valueSize <= page.count else { throw wrong("an entry is outside of its page") }
            leaf(
                Array(page[start..<start + keySize]), Array(page[start + keySize..<start + keySize + valueSize]),
                isBucket)
        }
    }

    private func page(_ number: UInt64) throws(OCIError) -> [UInt8] {
        guard number <= UInt64(file.size / pageSize) else {
            throw wrong("it refers to page \(number), which it does not have")
        }
        let offset = Int64(number) * pageSize
        let head = try Self.bytes(file, at: offset, count: 16)
        let more = Int64(Self.number(head, 12, 4) ?? 0)
        guard Self.number(head, 0, 8) == number, (more + 1) * pageSize <= Int64(Self.maxPageBytes) else {
            throw wrong("page \(number) is damaged")
        }
        return try Self.bytes(file, at: offset, count: Int((more + 1) * pageSize))
    }

    private func wrong(_ why: String) -> OCIError { OCIError(.malformed, "\(file.path.plain()): \(why)") }

    private static func bytes(_ file: FileRange, at offset: Int64, count: Int) throws(OCIError) -> [UInt8] {
        try FileRange(file, offset: offset, size: Int64(count)).contents(limit: count, name: file.path)
    }

    /// A number in little endian; nil beyond the end.
    fileprivate static func number(_ bytes: [UInt8], _ at: Int, _ count: Int) -> UInt64? {
        guard at >= 0, at + count <= bytes.count else { return nil }
        var value: UInt64 = 0
        for index in (0..<count).reversed() { value = value << 8 | UInt64(bytes[at + index]) }
        return value
    }
}

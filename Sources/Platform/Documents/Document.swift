// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CSimdjson
import Foundation
import Synchronization

/// One parsed JSON or YAML document: a flat array of entries in source order beside one pool of text bytes.
///
/// Nothing changes after the readers made it, so it is shared between threads freely. It frees its memory with the last
/// `Node` that points into it.
public final class Document: @unchecked Sendable {
    // @unchecked: `entries` and `pool` are written before init and only read until deinit; `lines` is behind a lock.

    /// The file's name, or whatever the caller called the text.
    public let source: String
    /// Number of values in the tree.
    public let nodeCount: Int
    @usableFromInline let entries: UnsafePointer<BulwarkEntry>
    @usableFromInline let pool: UnsafePointer<UInt8>
    private let positions: Positions
    private let lines = Mutex<LineIndex?>(nil)

    /// What `BulwarkEntry.at` means.
    enum Positions: Sendable {
        /// A byte offset into the first `length` bytes of the pool, which are the source's own text; the text begins at
        /// line `line`, column `column` of the file.
        case offsets(length: Int, line: Int, column: Int)
        /// The line itself.
        case lines
    }

    /// Takes over both buffers, which `malloc` made.
    init(
        source: String, entries: UnsafeMutablePointer<BulwarkEntry>, count: Int, pool: UnsafeMutablePointer<UInt8>,
        positions: Positions
    ) {
        self.source = source
        self.entries = UnsafePointer(entries)
        self.nodeCount = count
        self.pool = UnsafePointer(pool)
        self.positions = positions
    }

    deinit {
        free(UnsafeMutablePointer(mutating: entries))
        free(UnsafeMutablePointer(mutating: pool))
    }

    /// The outermost value.
    public var root: Node { Node(document: self, index: 0) }

    /// The member of an object by its key; -1 when it is absent or there is no object at `index`.
    @usableFromInline
    func member(of index: Int32, _ key: UnsafePointer<UInt8>, _ length: Int) -> Int32 {
        let entries = entries
        let pool = pool
        let own = entries + Int(index)
        guard own.pointee.keyLengthKind & 15 == UInt32(BULWARK_OBJECT) else { return -1 }
        var next = Int(index) + 1
        for _ in 0..<own.pointee.length {
            let entry = entries + next
            if Int(entry.pointee.keyLengthKind >> 4) == length,
                Self.isSame(pool + Int(entry.pointee.keyOffset), key, length)
            {
                return Int32(truncatingIfNeeded: next)
            }
            next = Int(entry.pointee.next)
        }
        return -1
    }

    /// Whether two texts of `length` bytes are the same. Keys are short: two words that overlap tell most of them apart, or all
    /// there is to tell, for less than a call costs.
    @inline(__always)
    static func isSame(_ one: UnsafePointer<UInt8>, _ two: UnsafePointer<UInt8>, _ length: Int) -> Bool {
        let (first, second) = (UnsafeRawPointer(one), UnsafeRawPointer(two))
        if length >= 8 {
            guard first.loadUnaligned(as: UInt64.self) == second.loadUnaligned(as: UInt64.self) else { return false }
            let last = length - 8
            guard
                first.loadUnaligned(fromByteOffset: last, as: UInt64.self)
                    == second.loadUnaligned(fromByteOffset: last, as: UInt64.self)
            else { return false }
            return length <= 16 || memcmp(one + 8, two + 8, length - 16) == 0
        }
        if length >= 4 {
            let last = length - 4
            return first.loadUnaligned(as: UInt32.self) == second.loadUnaligned(as: UInt32.self)
                && first.loadUnaligned(fromByteOffset: last, as: UInt32.self)
                    == second.loadUnaligned(fromByteOffset: last, as: UInt32.self)
        }
        for at in 0..<length where one[at] != two[at] { return false }
        return true
    }

    /// Whether both hold the same tree: members in the same order, texts byte for byte. Lines may differ.
    public func hasSameContent(as other: Document) -> Bool {
        guard nodeCount == other.nodeCount else { return false }
        for index in 0..<nodeCount {
            let one = entries[index]
            let two = other.entries[index]
            guard one.keyLengthKind == two.keyLengthKind, one.length == two.length, one.next == two.next,
                memcmp(pool + Int(one.keyOffset), other.pool + Int(two.keyOffset), Int(one.keyLengthKind >> 4)) == 0
            else { return false }
            let kind = Int(one.keyLengthKind & 15)
            guard kind == BULWARK_NUMBER || kind == BULWARK_STRING else { continue }
            if memcmp(pool + Int(one.offset), other.pool + Int(two.offset), Int(one.length)) != 0 { return false }
        }
        return true
    }

    /// The 1-based line of an entry.
    func line(of entry: Int) -> Int {
        let at = Int(entries[entry].at)
        guard case .offsets(let length, let line, _) = positions else { return at }
        let text = UnsafeBufferPointer(start: pool, count: length)
        return lines.withLock { index in
            if index == nil { index = LineIndex(text) }
            return line + (index?.newlines(before: at) ?? 0)
        }
    }
}

/// Where the line feeds of a text stand, to turn byte offsets into lines.
struct LineIndex: Sendable {
    private var feeds: ContiguousArray<UInt32> = []

    init(_ text: UnsafeBufferPointer<UInt8>) {
        guard let start = text.baseAddress else { return }
        var at = 0
        while at < text.count, let feed = memchr(start + at, 0x0A, text.count - at) {
            let offset = UnsafeRawPointer(feed) - UnsafeRawPointer(start)
            feeds.append(UInt32(truncatingIfNeeded: offset))
            at = offset + 1
        }
    }

    /// How many line feeds stand before `offset`.
    func newlines(before offset: Int) -> Int {
        var low = 0
        var high = feeds.count
        while low < high {
            let middle = (low + high) / 2
            if Int(feeds[middle]) < offset { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The 1-based line and column (in bytes) of an offset, counted without an index.
    static func position(of offset: Int, in text: UnsafeRawBufferPointer) -> (line: Int, column: Int) {
        var line = 1
        var start = 0
        for index in 0..<min(offset, text.count) where text[index] == 0x0A {
            line += 1
            start = index + 1
        }
        return (line, offset - start + 1)
    }
}

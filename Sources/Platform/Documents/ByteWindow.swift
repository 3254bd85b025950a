// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CSimdjson
import Foundation

/// A text seen through a window: bytes come in pieces and leave when they are used, so that a text of any size takes
/// only the memory of its largest value.
struct ByteWindow: ~Copyable {
    /// Fills a buffer and returns how many bytes came; 0 at the end.
    typealias Fill = (UnsafeMutableRawBufferPointer) throws(DocumentError) -> Int

    private var memory: UnsafeMutableRawPointer?
    private var base: UnsafeRawPointer?
    private var start = 0
    private var end: Int
    private var capacity = 0
    private var fill: Fill?
    private var firstCapacity = usualCapacity
    /// The place of the window's first byte in the text.
    private(set) var line = 1
    private(set) var column = 1
    private(set) var offset = 0

    /// A text that is in memory already and stays there.
    init(_ bytes: UnsafeRawBufferPointer) {
        base = bytes.baseAddress
        end = bytes.count
    }

    static let usualCapacity = 256 << 10

    /// A text that comes in pieces. The window begins with room for `capacity` bytes, at most its usual size: memory that
    /// is taken for many small files one after the other has to be found, and cleared, for each.
    init(capacity: Int = usualCapacity, fill: @escaping Fill) {
        self.fill = fill
        firstCapacity = min(max(capacity, 1), Self.usualCapacity)
        end = 0
    }

    deinit { memory?.deallocate() }

    /// What is in the window.
    var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: base.map { $0 + start }, count: end - start)
    }

    /// Gets more bytes behind those in the window; false at the end of the text.
    mutating func grow() throws(DocumentError) -> Bool {
        guard let fill else { return false }
        if start > 0, start == end || capacity == end {
            memory.map { _ = memmove($0, $0 + start, end - start) }
            end -= start
            start = 0
        }
        if end == capacity {
            let larger = capacity == 0 ? firstCapacity : max(capacity * 2, Self.usualCapacity)
            let new = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 64)
            if let memory {
                new.copyMemory(from: memory, byteCount: end)
                memory.deallocate()
            }
            memory = new
            base = UnsafeRawPointer(new)
            capacity = larger
        }
        let count = try fill(UnsafeMutableRawBufferPointer(start: memory.map { $0 + end }, count: capacity - end))
        if count == 0 { self.fill = nil }
        end += count
        return count > 0
    }

    /// Lets the first `count` bytes go.
    mutating func drop(_ count: Int) {
        guard count > 0, let first = base.map({ $0 + start }) else { return }
        let last = first + count
        var at = first
        while let feed = memchr(at, 0x0A, last - at) {
            line += 1
            column = 1
            at = UnsafeRawPointer(feed) + 1
        }
        column += last - at
        offset += count
        start += count
    }

    /// Passes over white space and returns the byte behind it; nil at the end of the text.
    mutating func next() throws(DocumentError) -> UInt8? {
        while true {
            let space = bytes.prefix { $0 == 0x20 || $0 == 0x0A || $0 == 0x0D || $0 == 0x09 }.count
            drop(space)
            if let first = bytes.first { return first }
            if try !grow() { return nil }
        }
    }

    /// The length of the value at the window's first byte, all of it in the window. A value over `limit` bytes is
    /// dropped, and nil returned.
    mutating func value(limit: Int) throws(DocumentError) -> Int? {
        var scan = BulwarkScan()
        var length = 0
        var tooLong = false
        while true {
            var done: Int32 = 0
            let piece = UnsafeRawBufferPointer(rebasing: bytes[length...])
            length += bulwark_json_skip(
                piece.baseAddress?.assumingMemoryBound(to: UInt8.self), piece.count, &scan, &done)
            if length > limit { tooLong = true }
            if tooLong {
                drop(length)
                length = 0
            }
            if done != 0 { break }
            if try !grow() { break }
        }
        return tooLong ? nil : length
    }
}

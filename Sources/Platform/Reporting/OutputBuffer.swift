// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Bytes on their way out. With a sink it hands over a block whenever 256 KB are full, so a report of any length needs
/// the memory of one block; without a sink it keeps everything. It is a handle: copies share what was appended.
package struct OutputBuffer {
    /// Takes a block; the pointer is valid during the call only. A sink that cannot write remembers why itself.
    package typealias Sink = (UnsafeRawBufferPointer) -> Void

    static let blockSize = 262_144

    /// Memory that is written through a pointer: millions of small appends to an array cost more than their bytes.
    private final class Block {
        var base: UnsafeMutablePointer<UInt8>
        var count = 0
        var capacity: Int
        let sink: Sink?

        init(sink: Sink?) {
            self.sink = sink
            capacity = sink == nil ? 256 : OutputBuffer.blockSize + 8192
            base = .allocate(capacity: capacity)
        }

        deinit { base.deallocate() }

        func flush() {
            guard let sink, count > 0 else { return }
            sink(UnsafeRawBufferPointer(start: base, count: count))
            count = 0
        }

        func makeRoom(_ wanted: Int) {
            if count >= OutputBuffer.blockSize { flush() }
            guard capacity - count < wanted else { return }
            let larger = max(count + wanted, 2 * capacity)
            let next = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
            next.update(from: base, count: count)
            base.deallocate()
            (base, capacity) = (next, larger)
        }
    }

    private let block: Block

    package init(sink: Sink? = nil) { block = Block(sink: sink) }

    /// What was not handed to the sink yet.
    package var bytes: [UInt8] { [UInt8](UnsafeBufferPointer(start: block.base, count: block.count)) }

    /// The number of bytes not handed to the sink yet.
    package var count: Int { block.count }

    /// The kept bytes as text; for buffers without a sink.
    package var text: String {
        String(decoding: UnsafeBufferPointer(start: block.base, count: block.count), as: UTF8.self)
    }

    /// Hands what is held to the sink.
    package mutating func flush() { block.flush() }

    /// A place for `wanted` more bytes; the caller adds to `block.count` what it wrote.
    @inline(__always)
    private func room(_ wanted: Int) -> UnsafeMutablePointer<UInt8> {
        if block.count >= Self.blockSize || block.capacity - block.count < wanted { block.makeRoom(wanted) }
        return block.base + block.count
    }

    @inline(__always)
    private func write(_ source: UnsafeBufferPointer<UInt8>) {
        guard let start = source.baseAddress else { return }
        room(source.count).update(from: start, count: source.count)
        block.count += source.count
        if block.count >= Self.blockSize { block.makeRoom(0) }
    }

    package mutating func append(byte: UInt8) {
        room(1).pointee = byte
        block.count += 1
    }

    package mutating func append(_ text: StaticString) {
        write(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    @_disfavoredOverload
    package mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { write($0) }
    }

    package mutating func append(_ raw: [UInt8]) {
        raw.withUnsafeBufferPointer { write($0) }
    }

    mutating func append(_ raw: UnsafeBufferPointer<UInt8>) { write(raw) }

    package mutating func append(_ other: OutputBuffer) {
        write(UnsafeBufferPointer(start: other.block.base, count: other.block.count))
    }

    package mutating func append(spaces count: Int) {
        guard count > 0 else { return }
        room(count).update(repeating: UInt8(ascii: " "), count: count)
        block.count += count
    }

    package mutating func append(integer value: Int64) {
        let start = room(20)
        var at = start
        if value < 0 {
            at.pointee = UInt8(ascii: "-")
            at += 1
        }
        let first = at
        var rest = value.magnitude
        repeat {
            at.pointee = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
            at += 1
        } while rest > 0
        var digits = UnsafeMutableBufferPointer(start: first, count: at - first)
        digits.reverse()
        block.count += at - start
    }

    mutating func appendHex(_ value: some BinaryInteger, digits: Int) {
        let start = room(digits)
        for digit in 0..<digits {
            start[digit] = Self.hexDigit(Int(truncatingIfNeeded: value >> (4 * (digits - 1 - digit))))
        }
        block.count += digits
    }

    /// The digits of 32 bits as the bytes of a word, the first digit at the lowest address.
    @inline(__always)
    fileprivate static func digits(_ value: UInt64) -> UInt64 {
        var spread = (value | value << 16) & 0x0000_ffff_0000_ffff
        spread = (spread | spread << 8) & 0x00ff_00ff_00ff_00ff
        spread = (spread | spread << 4) & 0x0f0f_0f0f_0f0f_0f0f
        let letters = (spread &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
        return (spread &+ 0x3030_3030_3030_3030 &+ letters &* 39).bigEndian
    }

    @inline(__always)
    private static func hexDigit(_ value: Int) -> UInt8 {
        let digit = UInt8(truncatingIfNeeded: value & 15)
        return digit < 10 ? 48 + digit : 87 + digit
    }
}

// MARK: JSON

/// A place in a buffer where what comes next has room, whatever has to be escaped in it: millions of short texts cost less
/// when none of them asks for room.
struct OutputCursor {
    fileprivate(set) var at: UnsafeMutablePointer<UInt8>

    /// The room that texts of `bytes` bytes need at most, escaped and in quotes.
    static func room(_ bytes: Int, texts: Int) -> Int { 6 * bytes + 16 * texts }

    @inline(__always)
    mutating func write(_ text: StaticString) {
        at.update(from: text.utf8Start, count: text.utf8CodeUnitCount)
        at += text.utf8CodeUnitCount
    }

    @inline(__always)
    mutating func write(byte: UInt8) {
        at.pointee = byte
        at += 1
    }

    /// What another buffer holds.
    @inline(__always)
    mutating func write(_ other: OutputBuffer) {
        other.bytes { bytes in
            guard let start = bytes.baseAddress else { return }
            at.update(from: start, count: bytes.count)
            at += bytes.count
        }
    }

    /// What stands between the quotes of a JSON string.
    @inline(__always)
    mutating func write(escaped text: String) {
        if text.utf8.withContiguousStorageIfAvailable({ at = OutputBuffer.escape($0, to: at) }) == nil {
            var text = text
            text.withUTF8 { at = OutputBuffer.escape($0, to: at) }
        }
    }

    /// A number that is not negative.
    @inline(__always)
    mutating func write(count value: Int) {
        if value < 10 { return write(byte: UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value)) }
        var (rest, digits) = (value, 0)
        while rest > 0 { (rest, digits) = (rest / 10, digits + 1) }
        (rest, at) = (value, at + digits)
        for back in 1...digits {
            (at - back).pointee = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
    }

    /// Sixteen hexadecimal digits.
    @inline(__always)
    mutating func write(hex value: UInt64) {
        let start = UnsafeMutableRawPointer(at)
        start.storeBytes(of: OutputBuffer.digits(value >> 32), as: UInt64.self)
        start.storeBytes(of: OutputBuffer.digits(value & 0xffff_ffff), toByteOffset: 8, as: UInt64.self)
        at += 16
    }
}

extension OutputBuffer {
    /// Lets `body` write up to `wanted` bytes.
    @inline(__always)
    mutating func write(room wanted: Int, _ body: (inout OutputCursor) -> Void) {
        let start = room(wanted)
        var cursor = OutputCursor(at: start)
        body(&cursor)
        block.count += cursor.at - start
    }

    @inline(__always)
    fileprivate func bytes(_ body: (UnsafeBufferPointer<UInt8>) -> Void) {
        body(UnsafeBufferPointer(start: block.base, count: block.count))
    }

    /// Writes well-formed UTF-8, escaped; there is room for six times as much and eight bytes. Returns where it ends.
    fileprivate static func escape(
        _ text: UnsafeBufferPointer<UInt8>, to target: UnsafeMutablePointer<UInt8>
    ) -> UnsafeMutablePointer<UInt8> {
        guard let source = text.baseAddress else { return target }
        if copyPlain(source, text.count, to: target) { return target + text.count }
        return target + escape(source, from: 0, to: text.count, into: target)
    }
    /// Text longer than this is escaped in parts, so that the room for the worst case stays small.
    private static let part = 4096

    /// A JSON string with its quotes. Beside what JSON demands, it escapes DEL, C1 controls, U+2028, U+2029, U+FEFF and
    /// U+FFFE/F, so that the text is safe in JavaScript, YAML and a terminal.
    package mutating func append(json text: String) {
        room(1).pointee = UInt8(ascii: "\"")
        block.count += 1
        bytes(of: text) { escape($0) }
        room(1).pointee = UInt8(ascii: "\"")
        block.count += 1
    }

    /// The bytes where they stand; `withUTF8` would take hold of the string first.
    @inline(__always)
    private func bytes(of text: String, _ body: (UnsafeBufferPointer<UInt8>) -> Void) {
        if text.utf8.withContiguousStorageIfAvailable(body) == nil {
            var text = text
            text.withUTF8(body)
        }
    }

    /// A JSON string of bytes that need not be UTF-8: what is not becomes U+FFFD.
    package mutating func append(json raw: UnsafeBufferPointer<UInt8>) {
        append(json: String(decoding: raw, as: UTF8.self))
    }

    /// `"name":"text"`, after a comma when one is due: the most frequent thing in a report, in one go.
    mutating func append(member name: StaticString, _ text: String, comma: Bool) {
        memberName(name, comma: comma)
        append(json: text)
    }

    /// `"name":`, after a comma when one is due.
    mutating func memberName(_ name: StaticString, comma: Bool) {
        let length = name.utf8CodeUnitCount
        var at = room(length + 4)
        if comma {
            at.pointee = UInt8(ascii: ",")
            at += 1
        }
        at.pointee = UInt8(ascii: "\"")
        (at + 1).update(from: name.utf8Start, count: length)
        at[length + 1] = UInt8(ascii: "\"")
        at[length + 2] = UInt8(ascii: ":")
        block.count += length + (comma ? 4 : 3)
    }

    /// Well-formed UTF-8, escaped.
    private func escape(_ text: UnsafeBufferPointer<UInt8>) {
        guard let source = text.baseAddress else { return }
        if text.count <= Self.part, Self.copyPlain(source, text.count, to: room(text.count)) {
            block.count += text.count
            return
        }
        var index = 0
        while index < text.count {
            // A part ends before a scalar, never inside one.
            var end = min(index + Self.part, text.count)
            while end < text.count, source[end] & 0xc0 == 0x80 { end += 1 }
            // Six bytes for each byte, and eight that the last word may overshoot.
            let start = room(6 * (end - index) + 8)
            block.count += Self.escape(source, from: index, to: end, into: start)
            index = end
        }
    }

    /// Copies a text in which nothing has to be escaped, as most have none; false when something has to, and then what was
    /// written does not count. The last piece overlaps the one before: every piece lies within the `count` bytes of both.
    @inline(__always)
    private static func copyPlain(
        _ source: UnsafePointer<UInt8>, _ count: Int, to target: UnsafeMutablePointer<UInt8>
    ) -> Bool {
        let (source, target) = (UnsafeRawPointer(source), UnsafeMutableRawPointer(target))
        if count >= 8 {
            var (at, special): (Int, UInt64) = (0, 0)
            while at < count - 8 {
                let word = source.loadUnaligned(fromByteOffset: at, as: UInt64.self)
                target.storeBytes(of: word, toByteOffset: at, as: UInt64.self)
                special |= specialBits(word)
                at += 8
            }
            let last = source.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
            target.storeBytes(of: last, toByteOffset: count - 8, as: UInt64.self)
            return (special | specialBits(last)) & 0x8080_8080_8080_8080 == 0
        }
        if count >= 4 {
            let first = source.loadUnaligned(as: UInt32.self)
            let last = source.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self)
            target.storeBytes(of: first, as: UInt32.self)
            target.storeBytes(of: last, toByteOffset: count - 4, as: UInt32.self)
            return !needsLook(UInt64(first) << 32 | UInt64(last))
        }
        var isPlain = true
        for at in 0..<count {
            let byte = source.load(fromByteOffset: at, as: UInt8.self)
            target.storeBytes(of: byte, toByteOffset: at, as: UInt8.self)
            isPlain = isPlain && byte >= 0x20 && byte < 0x7f && byte != 0x22 && byte != 0x5c
        }
        return isPlain
    }

    private static func escape(
        _ source: UnsafePointer<UInt8>, from: Int, to end: Int, into start: UnsafeMutablePointer<UInt8>
    ) -> Int {
        var index = from
        var target = start
        while index < end {
            // Eight bytes at a time while none of them needs a look.
            while index + 8 <= end {
                let word = UnsafeRawPointer(source + index).loadUnaligned(as: UInt64.self)
                if needsLook(word) { break }
                UnsafeMutableRawPointer(target).storeBytes(of: word, as: UInt64.self)
                index += 8
                target += 8
            }
            guard index < end else { break }
            let byte = source[index]
            if byte >= 0x20, byte < 0x7f, byte != 0x22, byte != 0x5c {
                target.pointee = byte
                index += 1
                target += 1
                continue
            }
            let (scalar, length) = escaped(source, at: index, end: end)
            if length == 0 {
                // A scalar that may stand: its bytes follow one by one.
                repeat {
                    target.pointee = source[index]
                    index += 1
                    target += 1
                } while index < end && source[index] & 0xc0 == 0x80
            } else {
                target += write(escape: scalar, to: target)
                index += length
            }
        }
        return target - start
    }

    /// Whether one of eight bytes is a control, a quote, a backslash, DEL, or not ASCII.
    @inline(__always)
    private static func needsLook(_ word: UInt64) -> Bool { specialBits(word) & 0x8080_8080_8080_8080 != 0 }

    /// A word of which the highest bit of some byte is set when one of the eight is special.
    @inline(__always)
    private static func specialBits(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let controls = (word &- (0x20 * ones)) & ~word
        let quotes = word ^ (0x22 * ones)
        let slashes = word ^ (0x5c * ones)
        return controls | ((quotes &- ones) & ~quotes) | ((slashes &- ones) & ~slashes) | (word &+ ones) | word
    }

    /// The scalar at `index` and its length when it must be escaped; a length of 0 otherwise.
    private static func escaped(_ text: UnsafePointer<UInt8>, at index: Int, end: Int) -> (UInt16, Int) {
        let byte = text[index]
        if byte < 0x80 { return (UInt16(byte), 1) }
        let next = index + 1 < end ? text[index + 1] : 0
        let last = index + 2 < end ? text[index + 2] : 0
        switch byte {
        case 0xc2 where next < 0xa0:
            return (UInt16(next), 2)
        case 0xe2 where next == 0x80 && (last & 0xfe) == 0xa8:
            return (0x2000 | UInt16(last & 0x3f), 3)
        case 0xef where next == 0xbb && last == 0xbf:
            return (0xfeff, 3)
        case 0xef where next == 0xbf && last >= 0xbe:
            return (0xffc0 | UInt16(last), 3)
        default:
            return (0, 0)
        }
    }

    private static func write(escape scalar: UInt16, to target: UnsafeMutablePointer<UInt8>) -> Int {
        target[0] = UInt8(ascii: "\\")
        let letter: UInt8
        switch scalar {
        case 0x22, 0x5c: letter = UInt8(scalar)
        case 0x08: letter = UInt8(ascii: "b")
        case 0x09: letter = UInt8(ascii: "t")
        case 0x0a: letter = UInt8(ascii: "n")
        case 0x0c: letter = UInt8(ascii: "f")
        case 0x0d: letter = UInt8(ascii: "r")
        default:
            let value = Int(scalar)
            target[1] = UInt8(ascii: "u")
            for digit in 0..<4 { target[2 + digit] = hexDigit(value >> (12 - 4 * digit)) }
            return 6
        }
        target[1] = letter
        return 2
    }
}

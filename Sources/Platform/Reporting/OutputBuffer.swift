// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Bytes on their way out. With a sink it hands over a block whenever 64 KB are full, so a report of any length needs
/// the memory of one block; without a sink it keeps everything in `bytes`.
package struct OutputBuffer {
    /// Takes a block; the pointer is valid during the call only. A sink that cannot write remembers why itself.
    package typealias Sink = (UnsafeRawBufferPointer) -> Void

    static let blockSize = 65_536

    /// What was not handed to the sink yet.
    package private(set) var bytes: [UInt8] = []
    private let sink: Sink?

    package init(sink: Sink? = nil) {
        self.sink = sink
        if sink != nil { bytes.reserveCapacity(Self.blockSize + 4096) }
    }

    /// The kept bytes as text; for buffers without a sink.
    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Hands what is held to the sink.
    package mutating func flush() {
        guard let sink, !bytes.isEmpty else { return }
        bytes.withUnsafeBytes { sink($0) }
        bytes.removeAll(keepingCapacity: true)
    }

    @inline(__always)
    private mutating func flushIfFull() {
        if bytes.count >= Self.blockSize, sink != nil { flush() }
    }

    package mutating func append(byte: UInt8) {
        bytes.append(byte)
        flushIfFull()
    }

    package mutating func append(_ text: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
        flushIfFull()
    }

    @_disfavoredOverload
    package mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { bytes.append(contentsOf: $0) }
        flushIfFull()
    }

    package mutating func append(_ raw: some Collection<UInt8>) {
        bytes.append(contentsOf: raw)
        flushIfFull()
    }

    package mutating func append(spaces count: Int) {
        if count > 0 { bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: count)) }
    }

    package mutating func append(integer value: Int64) {
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        var rest = value.magnitude
        let start = bytes.count
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        } while rest > 0
        bytes[start...].reverse()
        flushIfFull()
    }

    // MARK: JSON

    /// A JSON string with its quotes. Beside what JSON demands, it escapes DEL, C1 controls, U+2028, U+2029, U+FEFF and
    /// U+FFFE/F, so that the text is safe in JavaScript, YAML and a terminal.
    package mutating func append(json text: String) {
        var text = text
        text.withUTF8 { append(wellFormed: $0) }
        flushIfFull()
    }

    /// A JSON string of bytes that need not be UTF-8: what is not becomes U+FFFD.
    package mutating func append(json raw: UnsafeBufferPointer<UInt8>) {
        append(json: String(decoding: raw, as: UTF8.self))
    }

    private mutating func append(wellFormed text: UnsafeBufferPointer<UInt8>) {
        bytes.append(UInt8(ascii: "\""))
        var start = 0
        var index = 0
        let count = text.count
        while index < count {
            let byte = text[index]
            // Everything that may need an escape; the common bytes leave here after four comparisons.
            if byte >= 0x20, byte != 0x22, byte != 0x5c, byte < 0x7f {
                index += 1
                continue
            }
            let (scalar, length) = Self.escaped(text, at: index)
            guard length > 0 else {
                index += 1
                continue
            }
            bytes.append(contentsOf: text[start..<index])
            append(escape: scalar)
            index += length
            start = index
        }
        bytes.append(contentsOf: text[start..<count])
        bytes.append(UInt8(ascii: "\""))
    }

    /// The scalar at `index` and its length when it must be escaped; a length of 0 otherwise.
    private static func escaped(_ text: UnsafeBufferPointer<UInt8>, at index: Int) -> (UInt16, Int) {
        let byte = text[index]
        if byte < 0x80 { return (UInt16(byte), 1) }
        let next = index + 1 < text.count ? text[index + 1] : 0
        switch byte {
        case 0xc2 where next < 0xa0:
            return (UInt16(next), 2)
        case 0xe2 where next == 0x80 && index + 2 < text.count && (text[index + 2] & 0xfe) == 0xa8:
            return (0x2000 | UInt16(text[index + 2] & 0x3f), 3)
        case 0xef where index + 2 < text.count:
            let last = text[index + 2]
            if next == 0xbb, last == 0xbf { return (0xfeff, 3) }
            if next == 0xbf, last >= 0xbe { return (0xff00 | UInt16(last & 0x3f) | 0xc0, 3) }
            return (0, 0)
        default:
            return (0, 0)
        }
    }

    private mutating func append(escape scalar: UInt16) {
        bytes.append(UInt8(ascii: "\\"))
        switch scalar {
        case 0x22, 0x5c: bytes.append(UInt8(scalar))
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case 0x0a: bytes.append(UInt8(ascii: "n"))
        case 0x0c: bytes.append(UInt8(ascii: "f"))
        case 0x0d: bytes.append(UInt8(ascii: "r"))
        default:
            bytes.append(UInt8(ascii: "u"))
            appendHex(scalar, digits: 4)
        }
    }

    mutating func appendHex(_ value: some BinaryInteger, digits: Int) {
        let alphabet: StaticString = "0123456789abcdef"
        for digit in (0..<digits).reversed() {
            bytes.append(alphabet.utf8Start[Int(truncatingIfNeeded: value >> (4 * digit)) & 15])
        }
    }
}

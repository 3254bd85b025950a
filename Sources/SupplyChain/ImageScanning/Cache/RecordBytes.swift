// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Writes numbers and texts one after the other, little-endian, lengths in front.
struct RecordWriter {
    private(set) var bytes: [UInt8] = []

    mutating func integer(_ value: UInt64) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func integer(_ value: Int) { integer(UInt64(bitPattern: Int64(value))) }

    mutating func text(_ value: String) {
        integer(value.utf8.count)
        bytes.append(contentsOf: value.utf8)
    }

    mutating func data(_ value: [UInt8]) {
        integer(value.count)
        bytes.append(contentsOf: value)
    }

    mutating func integers(_ values: [UInt64]) {
        integer(values.count)
        values.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }

    mutating func list<Element>(_ values: [Element], _ body: (inout RecordWriter, Element) -> Void) {
        integer(values.count)
        for value in values { body(&self, value) }
    }
}

/// Reads what a `RecordWriter` wrote. Whatever the bytes are, it reads within them.
struct RecordReader {
    struct Broken: Error {}

    private let bytes: UnsafeRawBufferPointer
    private var at = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var isAtEnd: Bool { at == bytes.count }

    mutating func integer() throws(Broken) -> UInt64 {
        guard bytes.count - at >= 8 else { throw Broken() }
        defer { at += 8 }
        return UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self))
    }

    mutating func int() throws(Broken) -> Int { Int(truncatingIfNeeded: try integer()) }

    /// A count of things that take at least `size` bytes each.
    mutating func count(of size: Int) throws(Broken) -> Int {
        let count = try integer()
        guard count <= UInt64((bytes.count - at) / size) else { throw Broken() }
        return Int(count)
    }

    mutating func text() throws(Broken) -> String { String(decoding: try slice(), as: UTF8.self) }

    mutating func data() throws(Broken) -> [UInt8] { Array(try slice()) }

    private mutating func slice() throws(Broken) -> UnsafeRawBufferPointer {
        let count = try count(of: 1)
        defer { at += count }
        return UnsafeRawBufferPointer(rebasing: bytes[at..<at + count])
    }

    mutating func integers() throws(Broken) -> [UInt64] {
        let count = try count(of: 8)
        defer { at += count * 8 }
        return [UInt64](unsafeUninitializedCapacity: count) { buffer, filled in
            UnsafeMutableRawBufferPointer(buffer).copyMemory(
                from: UnsafeRawBufferPointer(rebasing: bytes[at..<at + count * 8]))
            filled = count
        }
    }

    mutating func list<Element>(
        _ size: Int, _ body: (inout RecordReader) throws(Broken) -> Element
    ) throws(Broken) -> [Element] {
        let count = try count(of: size)
        var values: [Element] = []
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(try body(&self)) }
        return values
    }
}

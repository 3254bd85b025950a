// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CSimdjson
import Foundation

/// A cheap handle on one value of a `Document`. Lookups compare bytes in place and allocate nothing.
///
/// It is public, like all that judging asks of it: the compiler works nothing into other modules that is not, and a call costs
/// more than what most of this does.
public struct Node: Sendable {
    /// What a value can be.
    public enum Kind: UInt8, Sendable { case null, bool, number, string, array, object }

    /// The document this value stands in.
    public let document: Document
    @usableFromInline let index: Int32

    @inlinable @inline(__always)
    init(document: Document, index: Int32) {
        self.document = document
        self.index = index
    }

    @inlinable @inline(__always)
    var entry: UnsafePointer<BulwarkEntry> { document.entries + Int(index) }

    @inlinable @inline(__always)
    var rawKind: UInt32 { entry.pointee.keyLengthKind & 15 }

    /// What kind of value this is.
    @inlinable @inline(__always)
    public var kind: Kind { Self.kind(rawKind) }

    @inlinable @inline(__always)
    static func kind(_ raw: UInt32) -> Kind {
        switch raw {
        case UInt32(BULWARK_NULL): .null
        case UInt32(BULWARK_FALSE), UInt32(BULWARK_TRUE): .bool
        case UInt32(BULWARK_NUMBER): .number
        case UInt32(BULWARK_STRING): .string
        case UInt32(BULWARK_ARRAY): .array
        default: .object
        }
    }

    /// Whether this is null.
    @inlinable @inline(__always)
    public var isNull: Bool { rawKind == UInt32(BULWARK_NULL) }
    /// Whether this is an object.
    @inlinable @inline(__always)
    public var isObject: Bool { rawKind == UInt32(BULWARK_OBJECT) }
    /// Whether this is an array.
    @inlinable @inline(__always)
    public var isArray: Bool { rawKind == UInt32(BULWARK_ARRAY) }

    /// The text of a string or number; empty for the rest.
    @inlinable @inline(__always)
    var bytes: UnsafeBufferPointer<UInt8> {
        let kind = rawKind
        guard kind == UInt32(BULWARK_STRING) || kind == UInt32(BULWARK_NUMBER) else {
            return UnsafeBufferPointer(start: nil, count: 0)
        }
        return UnsafeBufferPointer(start: document.pool + Int(entry.pointee.offset), count: Int(entry.pointee.length))
    }

    /// The string, or nil when this is none.
    public var string: String? {
        rawKind == UInt32(BULWARK_STRING) ? String(decoding: bytes, as: UTF8.self) : nil
    }

    /// The boolean, or nil when this is none.
    @inlinable public var bool: Bool? {
        let kind = rawKind
        if kind == UInt32(BULWARK_TRUE) { return true }
        return kind == UInt32(BULWARK_FALSE) ? false : nil
    }

    /// The number's text: as it stands in JSON; as Go writes it to JSON for YAML. Nil when this is none.
    public var number: String? {
        rawKind == UInt32(BULWARK_NUMBER) ? String(decoding: bytes, as: UTF8.self) : nil
    }

    /// The number when it is whole and fits 64 bits (`1e3` and `2.0` are whole).
    public var int: Int? {
        guard rawKind == UInt32(BULWARK_NUMBER) else { return nil }
        var value = 0
        let text = bytes
        let negative = text.first == 0x2D
        for byte in text.dropFirst(negative ? 1 : 0) {
            guard byte >= 0x30, byte <= 0x39 else { return wholeDouble }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let digit = Int(byte - 0x30)
            let (sum, overflow2) =
                negative ? product.subtractingReportingOverflow(digit) : product.addingReportingOverflow(digit)
            if overflow || overflow2 { return nil }
            value = sum
        }
        return value
    }

    private var wholeDouble: Int? {
        guard let value = double, abs(value) <= 9_007_199_254_740_992 else { return nil }
        return Int(exactly: value)
    }

    /// The number as the nearest double; infinite beyond its range.
    public var double: Double? {
        guard let text = number else { return nil }
        return strtod(text, nil)
    }

    /// Members of an object, elements of an array, 0 for a scalar.
    @inlinable @inline(__always)
    public var count: Int { rawKind >= UInt32(BULWARK_ARRAY) ? Int(entry.pointee.length) : 0 }

    /// The member of an object by its key; nil when absent or when this is no object.
    @inlinable @inline(__always)
    public subscript(key: StaticString) -> Node? {
        let at = document.member(of: index, key.utf8Start, key.utf8CodeUnitCount)
        return at < 0 ? nil : Node(document: document, index: at)
    }

    /// The member of an object by a key known at run time.
    public subscript(dynamic key: String) -> Node? {
        var key = key
        return key.withUTF8 { text in
            let empty: StaticString = ""
            let at = document.member(of: index, text.baseAddress ?? empty.utf8Start, text.count)
            return at < 0 ? nil : Node(document: document, index: at)
        }
    }

    /// The element of an array; nil out of range or when this is no array. Walks, so iterate `elements` instead.
    public subscript(index: Int) -> Node? {
        guard isArray, index >= 0, index < count else { return nil }
        var next = Int(self.index) + 1
        for _ in 0..<index { next = Int(document.entries[next].next) }
        return Node(document: document, index: Int32(truncatingIfNeeded: next))
    }

    /// True for a string with exactly these bytes.
    @inlinable public func equals(_ text: StaticString) -> Bool {
        let length = text.utf8CodeUnitCount
        guard rawKind == UInt32(BULWARK_STRING), Int(entry.pointee.length) == length else { return false }
        return memcmp(document.pool + Int(entry.pointee.offset), text.utf8Start, length) == 0
    }

    /// The bytes of a string or a number's text, in place; nil for the other kinds.
    @inlinable public func withUTF8<R>(_ body: (UnsafeBufferPointer<UInt8>) throws -> R) rethrows -> R? {
        // Inlined into other modules: what they do with the bytes is often less than a call costs.
        guard let bytes = textBytes else { return nil }
        return try withExtendedLifetime(self) { try body(bytes) }
    }

    /// The bytes of a string or a number's text where they stand; nil for the other kinds.
    @inlinable public var textBytes: UnsafeBufferPointer<UInt8>? {
        let kind = rawKind
        return kind == UInt32(BULWARK_STRING) || kind == UInt32(BULWARK_NUMBER) ? bytes : nil
    }

    /// Whether this is a string of no bytes.
    @inlinable public var isEmptyText: Bool { rawKind == UInt32(BULWARK_STRING) && entry.pointee.length == 0 }

    /// A number made of a text's length, its first and its last eight bytes: texts with different ones differ.
    public var textMark: UInt64 {
        let text = UnsafeRawBufferPointer(bytes)
        var (first, last): (UInt64, UInt64) = (0, 0)
        if text.count >= 8 {
            first = text.loadUnaligned(as: UInt64.self)
            last = text.loadUnaligned(fromByteOffset: text.count - 8, as: UInt64.self)
        } else {
            for byte in text { first = first << 8 | UInt64(byte) }
        }
        return (first &* 0x9E37_79B9_7F4A_7C15 ^ last) &* 0xD6E8_FEB8_6659_FD93 ^ UInt64(text.count)
    }

    /// A number that each value of a document has of its own, the same whenever the document is read.
    public var place: Int { Int(index) }

    /// Whether this is the very same place of the same document.
    public func isSame(as other: Node) -> Bool { document === other.document && index == other.index }

    /// The 1-based line of the source where this stands; for a member, where its key stands.
    public var line: Int { document.line(of: Int(index)) }
}

/// Keys that lead from an object through objects to a field, e.g. `resources`, `limits`, `cpu`.
public struct FieldKeys: Sendable {
    let bytes: [UInt8]
    let ends: [Int]

    /// Takes the keys in the order in which they lead down.
    public init(_ keys: [String]) {
        var (bytes, ends): ([UInt8], [Int]) = ([], [])
        for key in keys {
            bytes += key.utf8
            ends.append(bytes.count)
        }
        (self.bytes, self.ends) = (bytes, ends)
    }
}

extension Node {
    /// Where keys lead.
    public enum Descent {
        /// A value that is not null.
        case found(Node)
        /// A member on the way is missing or null.
        case absent
        /// What stands after so many keys has members to none: it is neither an object nor null.
        case blocked(Node, after: Int)
    }

    /// Follows keys without taking hold of what lies between.
    public func descend(_ keys: FieldKeys) -> Descent {
        let entries = document.entries
        let pool = document.pool
        var at = Int(index)
        var start = 0
        return keys.bytes.withUnsafeBufferPointer { bytes in
            // Keys of no bytes have no address, and compare equal to nothing but themselves.
            let empty: StaticString = ""
            let base = bytes.baseAddress ?? empty.utf8Start
            for (step, end) in keys.ends.enumerated() {
                let kind = entries[at].keyLengthKind & 15
                if kind == UInt32(BULWARK_NULL) { return .absent }
                guard kind == UInt32(BULWARK_OBJECT) else {
                    return .blocked(Node(document: document, index: Int32(truncatingIfNeeded: at)), after: step)
                }
                var left = entries[at].length
                at += 1
                while left > 0 {
                    let entry = entries + at
                    if Int(entry.pointee.keyLengthKind >> 4) == end - start,
                        Document.isSame(pool + Int(entry.pointee.keyOffset), base + start, end - start)
                    {
                        break
                    }
                    at = Int(entry.pointee.next)
                    left -= 1
                }
                if left == 0 { return .absent }
                start = end
            }
            if entries[at].keyLengthKind & 15 == UInt32(BULWARK_NULL) { return .absent }
            return .found(Node(document: document, index: Int32(truncatingIfNeeded: at)))
        }
    }

    /// Whether both are strings, or both numbers, of the same bytes.
    public func hasSameText(as other: Node) -> Bool {
        let (mine, theirs) = (bytes, other.bytes)
        guard rawKind == other.rawKind, mine.count == theirs.count, let one = mine.baseAddress,
            let two = theirs.baseAddress
        else { return false }
        return memcmp(one, two, mine.count) == 0
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CSimdjson
import Foundation

extension Node {
    /// The elements of an array in order; empty when this is no array.
    @inlinable public var elements: Elements {
        Elements(document: document, first: index + 1, left: isArray ? entry.pointee.length : 0)
    }

    /// The members of an object in source order; empty when this is no object.
    @inlinable public var members: Members {
        Members(document: document, first: index + 1, left: isObject ? entry.pointee.length : 0)
    }

    /// Walks the elements of an array without allocation.
    public struct Elements: Sequence, IteratorProtocol, Sendable {
        @usableFromInline let document: Document
        @usableFromInline var first: Int32
        @usableFromInline var left: UInt32

        @inlinable @inline(__always)
        init(document: Document, first: Int32, left: UInt32) {
            self.document = document
            self.first = first
            self.left = left
        }

        /// How many are left.
        public var underestimatedCount: Int { Int(left) }
        /// Whether none is left.
        @inlinable public var isEmpty: Bool { left == 0 }

        /// The next one; nil behind the last.
        @inlinable @inline(__always)
        public mutating func next() -> Node? {
            guard left > 0 else { return nil }
            left -= 1
            defer { first = Int32(truncatingIfNeeded: document.entries[Int(first)].next) }
            return Node(document: document, index: first)
        }
    }

    /// Walks the members of an object without allocation.
    public struct Members: Sequence, IteratorProtocol, Sendable {
        @usableFromInline let document: Document
        @usableFromInline var first: Int32
        @usableFromInline var left: UInt32

        @inlinable @inline(__always)
        init(document: Document, first: Int32, left: UInt32) {
            self.document = document
            self.first = first
            self.left = left
        }

        /// How many are left.
        public var underestimatedCount: Int { Int(left) }
        /// Whether none is left.
        @inlinable public var isEmpty: Bool { left == 0 }

        /// The next one; nil behind the last.
        @inlinable @inline(__always)
        public mutating func next() -> (key: Key, value: Node)? {
            guard left > 0 else { return nil }
            left -= 1
            let node = Node(document: document, index: first)
            first = Int32(truncatingIfNeeded: document.entries[Int(first)].next)
            return (Key(member: node), node)
        }
    }

    /// The key this value stands under, or nil when it is an element or the root.
    public var key: Key? {
        // No key stands at the pool's first byte: in JSON that is the brace, and YAML's pool begins with a spare byte.
        entry.pointee.keyOffset == 0 ? nil : Key(member: self)
    }

    /// A member's key, compared in place.
    public struct Key: Sendable, CustomStringConvertible {
        @usableFromInline let member: Node

        @inlinable @inline(__always)
        init(member: Node) { self.member = member }

        @inlinable @inline(__always)
        var bytes: UnsafeBufferPointer<UInt8> {
            let entry = member.entry.pointee
            return UnsafeBufferPointer(
                start: member.document.pool + Int(entry.keyOffset), count: Int(entry.keyLengthKind >> 4))
        }

        /// The key as a text of its own.
        public var string: String { String(decoding: bytes, as: UTF8.self) }
        /// The key as a text of its own.
        public var description: String { string }

        /// The key's bytes in place.
        @inlinable public func withUTF8<R>(_ body: (UnsafeBufferPointer<UInt8>) throws -> R) rethrows -> R {
            let bytes = keyBytes
            return try withExtendedLifetime(self) { try body(bytes) }
        }

        /// The key's bytes where they stand.
        @inlinable public var keyBytes: UnsafeBufferPointer<UInt8> { bytes }

        /// Whether the key has just these bytes.
        public static func == (key: Key, text: StaticString) -> Bool {
            let entry = key.member.entry.pointee
            let length = Int(entry.keyLengthKind >> 4)
            return length == text.utf8CodeUnitCount
                && memcmp(key.member.document.pool + Int(entry.keyOffset), text.utf8Start, length) == 0
        }

        /// Whether the key has other bytes.
        public static func != (key: Key, text: StaticString) -> Bool { !(key == text) }

        /// Lets a `switch` over keys use string literals.
        public static func ~= (text: StaticString, key: Key) -> Bool { key == text }
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CSimdjson
import Foundation

extension Node {
    /// The elements of an array in order; empty when this is no array.
    package var elements: Elements {
        Elements(document: document, first: index + 1, left: isArray ? entry.pointee.length : 0)
    }

    /// The members of an object in source order; empty when this is no object.
    package var members: Members {
        Members(document: document, first: index + 1, left: isObject ? entry.pointee.length : 0)
    }

    /// Walks the elements of an array without allocation.
    package struct Elements: Sequence, IteratorProtocol, Sendable {
        let document: Document
        var first: Int32
        var left: UInt32

        package var underestimatedCount: Int { Int(left) }
        package var isEmpty: Bool { left == 0 }

        package mutating func next() -> Node? {
            guard left > 0 else { return nil }
            left -= 1
            defer { first = Int32(truncatingIfNeeded: document.entries[Int(first)].next) }
            return Node(document: document, index: first)
        }
    }

    /// Walks the members of an object without allocation.
    package struct Members: Sequence, IteratorProtocol, Sendable {
        let document: Document
        var first: Int32
        var left: UInt32

        package var underestimatedCount: Int { Int(left) }
        package var isEmpty: Bool { left == 0 }

        package mutating func next() -> (key: Key, value: Node)? {
            guard left > 0 else { return nil }
            left -= 1
            let node = Node(document: document, index: first)
            first = Int32(truncatingIfNeeded: document.entries[Int(first)].next)
            return (Key(member: node), node)
        }
    }

    /// The key this value stands under, or nil when it is an element or the root.
    package var key: Key? {
        // No key stands at the pool's first byte: in JSON that is the brace, and YAML's pool begins with a spare byte.
        entry.pointee.keyOffset == 0 ? nil : Key(member: self)
    }

    /// A member's key, compared in place.
    package struct Key: Sendable, CustomStringConvertible {
        let member: Node

        @inline(__always)
        var bytes: UnsafeBufferPointer<UInt8> {
            let entry = member.entry.pointee
            return UnsafeBufferPointer(
                start: member.document.pool + Int(entry.keyOffset), count: Int(entry.keyLengthKind >> 4))
        }

        package var string: String { String(decoding: bytes, as: UTF8.self) }
        package var description: String { string }

        /// The key's bytes in place.
        @inlinable package func withUTF8<R>(_ body: (UnsafeBufferPointer<UInt8>) throws -> R) rethrows -> R {
            let bytes = keyBytes
            return try withExtendedLifetime(self) { try body(bytes) }
        }

        @usableFromInline package var keyBytes: UnsafeBufferPointer<UInt8> { bytes }

        package static func == (key: Key, text: StaticString) -> Bool {
            let entry = key.member.entry.pointee
            let length = Int(entry.keyLengthKind >> 4)
            return length == text.utf8CodeUnitCount
                && memcmp(key.member.document.pool + Int(entry.keyOffset), text.utf8Start, length) == 0
        }

        package static func != (key: Key, text: StaticString) -> Bool { !(key == text) }

        /// Lets a `switch` over keys use string literals.
        package static func ~= (text: StaticString, key: Key) -> Bool { key == text }
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CSimdjson
import Foundation

/// A growing flat tree: what `YAMLReader` writes and a `Document` takes over.
struct TreeBuilder: ~Copyable {
    private(set) var entries: UnsafeMutablePointer<BulwarkEntry>
    private(set) var count = 0
    private(set) var pool: UnsafeMutablePointer<UInt8>
    private(set) var poolCount: Int
    private var capacity: Int
    private var poolCapacity: Int

    init() {
        capacity = 256
        poolCapacity = 8 << 10
        entries = Self.grown(nil, to: capacity)
        pool = Self.grown(nil, to: poolCapacity)
        pool[0] = 0  // a spare byte, so that no key stands at offset 0
        poolCount = 1
    }

    deinit {
        free(entries)
        free(pool)
    }

    private static func grown<T>(_ old: UnsafeMutablePointer<T>?, to count: Int) -> UnsafeMutablePointer<T> {
        guard let memory = realloc(old, count * MemoryLayout<T>.stride) else {
            // The limits bound every request, so only a machine without memory gets here, where Swift itself stops.
            preconditionFailure("out of memory")
        }
        return memory.assumingMemoryBound(to: T.self)
    }

    @inline(__always)
    mutating func append(_ entry: BulwarkEntry) {
        if count == capacity {
            capacity *= 2
            entries = Self.grown(entries, to: capacity)
        }
        entries[count] = entry
        count += 1
    }

    /// Puts text in the pool and says where.
    @inline(__always)
    mutating func append(text: UnsafeBufferPointer<UInt8>) -> UInt32 {
        let offset = poolCount
        if poolCount + text.count > poolCapacity {
            poolCapacity = max(poolCapacity * 2, poolCount + text.count)
            pool = Self.grown(pool, to: poolCapacity)
        }
        if let start = text.baseAddress { memcpy(pool + offset, start, text.count) }
        poolCount += text.count
        return UInt32(truncatingIfNeeded: offset)
    }

    mutating func append(text: [UInt8]) -> UInt32 {
        text.withUnsafeBufferPointer { append(text: $0) }
    }

    @inline(__always)
    mutating func close(_ index: Int, children: Int) {
        entries[index].length = UInt32(truncatingIfNeeded: children)
        entries[index].next = UInt32(truncatingIfNeeded: count)
    }

    mutating func truncate(to count: Int) { self.count = count }

    /// Makes the document and leaves this empty.
    consuming func document(source: String) -> Document {
        let entries = Self.grown(self.entries, to: max(count, 1))
        let pool = Self.grown(self.pool, to: poolCount)
        let document = Document(source: source, entries: entries, count: count, pool: pool, positions: .lines)
        discard self
        return document
    }
}

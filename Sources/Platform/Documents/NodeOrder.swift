// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CSimdjson
import Foundation

extension Node {
    /// A total order of values: null, booleans, numbers, strings by bytes, arrays by elements, objects by their keys in
    /// order and then their values. Negative, 0 or positive. Nothing is copied.
    /// - Parameter numbers: orders two numbers whose texts differ.
    package func order(_ other: Node, numbers: @escaping (Node, Node) -> Int) -> Int {
        if index == other.index, document === other.document { return 0 }
        return withExtendedLifetime((document, other.document)) {
            NodeOrder(one: self, two: other, numbers: numbers).compare(Int(index), Int(other.index))
        }
    }
}

/// Compares by entry numbers, which costs no counting of references.
private struct NodeOrder {
    let one: Node
    let two: Node
    let numbers: (Node, Node) -> Int
    private let a: UnsafePointer<BulwarkEntry>
    private let b: UnsafePointer<BulwarkEntry>
    private let aPool: UnsafePointer<UInt8>
    private let bPool: UnsafePointer<UInt8>

    init(one: Node, two: Node, numbers: @escaping (Node, Node) -> Int) {
        (self.one, self.two, self.numbers) = (one, two, numbers)
        (a, b) = (one.document.entries, two.document.entries)
        (aPool, bPool) = (one.document.pool, two.document.pool)
    }

    func compare(_ x: Int, _ y: Int) -> Int {
        let kind = Int(a[x].keyLengthKind & 15)
        let other = Int(b[y].keyLengthKind & 15)
        if kind != other { return kind - other }
        switch kind {
        case BULWARK_NUMBER:
            if bytes(aPool, a[x].offset, a[x].length, bPool, b[y].offset, b[y].length) == 0 { return 0 }
            return numbers(
                Node(document: one.document, index: Int32(truncatingIfNeeded: x)),
                Node(document: two.document, index: Int32(truncatingIfNeeded: y)))
        case BULWARK_STRING: return bytes(aPool, a[x].offset, a[x].length, bPool, b[y].offset, b[y].length)
        case BULWARK_ARRAY: return elements(x, y)
        case BULWARK_OBJECT: return members(x, y)
        default: return 0
        }
    }

    private func bytes(
        _ aPool: UnsafePointer<UInt8>, _ aOffset: UInt32, _ aLength: UInt32, _ bPool: UnsafePointer<UInt8>,
        _ bOffset: UInt32, _ bLength: UInt32
    ) -> Int {
        let order = memcmp(aPool + Int(aOffset), bPool + Int(bOffset), Int(min(aLength, bLength)))
        return order != 0 ? Int(order) : Int(aLength) - Int(bLength)
    }

    private func elements(_ x: Int, _ y: Int) -> Int {
        let (count, others) = (Int(a[x].length), Int(b[y].length))
        var (i, j) = (x + 1, y + 1)
        for _ in 0..<min(count, others) {
            let order = compare(i, j)
            if order != 0 { return order }
            (i, j) = (Int(a[i].next), Int(b[j].next))
        }
        return count - others
    }

    /// Keys come in no order: in small objects the next one is searched out each time, since a few of them nearly always
    /// decide; large ones are sorted.
    private func members(_ x: Int, _ y: Int) -> Int {
        let (count, others) = (Int(a[x].length), Int(b[y].length))
        let sorted = count > 24 ? Self.sorted(a, aPool, x) : []
        let otherSorted = others > 24 ? Self.sorted(b, bPool, y) : []
        var (i, j) = (-1, -1)
        for position in 0..<min(count, others) {
            i = sorted.isEmpty ? Self.next(a, aPool, x, after: i) : sorted[position]
            j = otherSorted.isEmpty ? Self.next(b, bPool, y, after: j) : otherSorted[position]
            let keys = bytes(
                aPool, a[i].keyOffset, a[i].keyLengthKind >> 4, bPool, b[j].keyOffset, b[j].keyLengthKind >> 4)
            if keys != 0 { return keys }
            let values = compare(i, j)
            if values != 0 { return values }
        }
        return count - others
    }

    private static func keys(
        _ entries: UnsafePointer<BulwarkEntry>, _ pool: UnsafePointer<UInt8>, _ i: Int, _ j: Int
    ) -> Int {
        let (one, two) = (entries[i].keyLengthKind >> 4, entries[j].keyLengthKind >> 4)
        let order = memcmp(pool + Int(entries[i].keyOffset), pool + Int(entries[j].keyOffset), Int(min(one, two)))
        return order != 0 ? Int(order) : Int(one) - Int(two)
    }

    private static func next(
        _ entries: UnsafePointer<BulwarkEntry>, _ pool: UnsafePointer<UInt8>, _ object: Int, after last: Int
    ) -> Int {
        var best = -1
        var at = object + 1
        for _ in 0..<entries[object].length {
            if at != last, last < 0 || keys(entries, pool, at, last) > 0, best < 0 || keys(entries, pool, at, best) < 0
            {
                best = at
            }
            at = Int(entries[at].next)
        }
        return best < 0 ? object + 1 : best
    }

    private static func sorted(
        _ entries: UnsafePointer<BulwarkEntry>, _ pool: UnsafePointer<UInt8>, _ object: Int
    ) -> [Int] {
        var found: [Int] = []
        found.reserveCapacity(Int(entries[object].length))
        var at = object + 1
        for _ in 0..<entries[object].length {
            found.append(at)
            at = Int(entries[at].next)
        }
        return found.sorted { keys(entries, pool, $0, $1) < 0 }
    }
}

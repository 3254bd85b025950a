// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CSimdjson
import Foundation

extension Node {
    /// Compact JSON text in source order. Text over `limit` bytes is cut at a character and ends with `…`.
    package func json(limit: Int = .max) -> String {
        if let text = scalarJSON(limit) { return text }
        var writer = JSONText(limit: limit)
        writer.write(self)
        return writer.finish()
    }

    /// The JSON of a short scalar that needs no escape, which most evidence is; nil for the rest.
    private func scalarJSON(_ limit: Int) -> String? {
        switch kind {
        case .null: return limit >= 4 ? "null" : nil
        case .bool: return limit >= 5 ? (bool == true ? "true" : "false") : nil
        case .number: return bytes.count <= limit ? number : nil
        case .array, .object: return nil
        case .string:
            let text = bytes
            guard text.count <= limit - 2, text.allSatisfy({ $0 >= 0x20 && $0 != 0x22 && $0 != 0x5C }) else {
                return nil
            }
            return String(unsafeUninitializedCapacity: text.count + 2) { buffer in
                buffer[0] = 0x22
                for index in 0..<text.count { buffer[index + 1] = text[index] }
                buffer[text.count + 1] = 0x22
                return text.count + 2
            }
        }
    }

    /// Whether both hold the same value: members in the same order, texts byte for byte. The keys they stand under may
    /// differ.
    package func hasSameContent(as other: Node) -> Bool {
        let (mine, theirs) = (document.entries + Int(index), other.document.entries + Int(other.index))
        let count = Int(mine.pointee.next) - Int(index)
        guard count == Int(theirs.pointee.next) - Int(other.index) else { return false }
        let (pool, otherPool) = (document.pool, other.document.pool)
        for step in 0..<count {
            let (one, two) = (mine[step], theirs[step])
            let kind = Int(one.keyLengthKind & 15)
            guard kind == Int(two.keyLengthKind & 15), one.length == two.length else { return false }
            if step > 0 {
                guard one.keyLengthKind == two.keyLengthKind,
                    memcmp(pool + Int(one.keyOffset), otherPool + Int(two.keyOffset), Int(one.keyLengthKind >> 4)) == 0
                else { return false }
            }
            guard kind == BULWARK_NUMBER || kind == BULWARK_STRING else { continue }
            if memcmp(pool + Int(one.offset), otherPool + Int(two.offset), Int(one.length)) != 0 { return false }
        }
        return true
    }
}

/// Writes a tree as JSON without recursion, so that a deep document cannot exhaust the stack.
private struct JSONText {
    private var out: [UInt8] = []
    private let limit: Int

    init(limit: Int) {
        self.limit = max(limit, 0)
        out.reserveCapacity(min(self.limit, 248))
    }

    mutating func write(_ root: Node) {
        let entries = root.document.entries
        var open: [(left: UInt32, close: UInt8, isObject: Bool)] = []
        var index = Int(root.index)
        var first = true  // no sibling stands before the value that comes next
        while out.count <= limit {
            let entry = entries[index]
            if let top = open.last {
                if !first { out.append(0x2C) }
                if top.isObject {
                    quote(root.document, entry.keyOffset, entry.keyLengthKind >> 4)
                    out.append(0x3A)
                }
            }
            first = false
            switch Int(entry.keyLengthKind & 15) {
            case BULWARK_NULL: out.append(contentsOf: "null".utf8)
            case BULWARK_FALSE: out.append(contentsOf: "false".utf8)
            case BULWARK_TRUE: out.append(contentsOf: "true".utf8)
            case BULWARK_NUMBER:
                out.append(
                    contentsOf: UnsafeBufferPointer(
                        start: root.document.pool + Int(entry.offset), count: Int(entry.length)))
            case BULWARK_STRING: quote(root.document, entry.offset, entry.length)
            case BULWARK_ARRAY:
                out.append(0x5B)
                open.append((entry.length, 0x5D, false))
                first = true
            default:
                out.append(0x7B)
                open.append((entry.length, 0x7D, true))
                first = true
            }
            index += 1
            while let top = open.last {
                if top.left > 0 {
                    open[open.count - 1].left -= 1
                    break
                }
                out.append(top.close)
                open.removeLast()
                first = false
            }
            if open.isEmpty { return }
        }
    }

    private mutating func quote(_ document: Document, _ offset: UInt32, _ length: UInt32) {
        out.append(0x22)
        let text = UnsafeBufferPointer(start: document.pool + Int(offset), count: Int(length))
        var at = 0
        while at < text.count {
            guard out.count <= limit else { return }
            // As far as nothing has to be escaped, and no further than one byte over the limit.
            let left = limit - out.count
            let stop = left < text.count - at ? at + left + 1 : text.count
            var end = at
            while end < stop, text[end] >= 0x20, text[end] != 0x22, text[end] != 0x5C { end += 1 }
            out.append(contentsOf: UnsafeBufferPointer(rebasing: text[at..<end]))
            at = end
            if at < stop {
                escape(text[at])
                at += 1
            }
        }
        out.append(0x22)
    }

    private mutating func escape(_ byte: UInt8) {
        out.append(0x5C)
        switch byte {
        case 0x22, 0x5C: out.append(byte)
        case 0x0A: out.append(UInt8(ascii: "n"))
        case 0x0D: out.append(UInt8(ascii: "r"))
        case 0x09: out.append(UInt8(ascii: "t"))
        default:
            out.append(contentsOf: "u00".utf8)
            out.append(0x30 + byte >> 4)
            out.append(byte & 15 < 10 ? 0x30 + byte & 15 : 0x57 + byte & 15)
        }
    }

    func finish() -> String {
        guard out.count > limit else { return String(decoding: out, as: UTF8.self) }
        var end = limit
        while end > 0, out[end] & 0xC0 == 0x80 { end -= 1 }
        return String(decoding: out[..<end], as: UTF8.self) + "…"
    }
}

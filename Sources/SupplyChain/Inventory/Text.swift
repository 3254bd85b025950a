// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Walks the lines of a text in place, without their ends.
struct Lines: Sequence, IteratorProtocol {
    private let bytes: UnsafeBufferPointer<UInt8>
    private(set) var at = 0

    init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    mutating func next() -> UnsafeBufferPointer<UInt8>? {
        guard at < bytes.count else { return nil }
        let start = at
        while at < bytes.count, bytes[at] != 0x0A { at += 1 }
        var end = at
        at += 1
        if end > start, bytes[end - 1] == 0x0D { end -= 1 }
        return UnsafeBufferPointer(rebasing: bytes[start..<end])
    }
}

extension UnsafeBufferPointer<UInt8> {
    var string: String { String(decoding: self, as: UTF8.self) }

    /// Without spaces and tabs at both ends.
    var trimmed: UnsafeBufferPointer<UInt8> {
        var (start, end) = (0, count)
        while start < end, self[start] == 0x20 || self[start] == 0x09 || self[start] == 0x0D { start += 1 }
        while end > start, self[end - 1] == 0x20 || self[end - 1] == 0x09 || self[end - 1] == 0x0D { end -= 1 }
        return UnsafeBufferPointer(rebasing: self[start..<end])
    }

    func equals(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        for index in 0..<count where self[index] != text.utf8Start[index] { return false }
        return true
    }

    func starts(with text: StaticString) -> Bool {
        let length = text.utf8CodeUnitCount
        return count >= length && UnsafeBufferPointer(rebasing: self[..<length]).equals(text)
    }

    func dropping(_ length: Int) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(rebasing: self[Swift.min(length, count)...])
    }

    func prefixing(_ length: Int) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(rebasing: self[..<Swift.min(Swift.max(length, 0), count)])
    }

    func index(of byte: UInt8, from start: Int = 0) -> Int? {
        var at = start
        while at < count {
            if self[at] == byte { return at }
            at += 1
        }
        return nil
    }
}

extension InventoryFile {
    /// Runs a function over the bytes in place.
    func withText<R>(
        _ body: (UnsafeBufferPointer<UInt8>) throws(InventoryError) -> R
    ) throws(InventoryError) -> R {
        let result = bytes.withUnsafeBufferPointer { text in
            Result { () throws(InventoryError) -> R in try body(text) }
        }
        return try result.get()
    }
}

extension StringProtocol {
    /// Without spaces, tabs and line ends at both ends.
    var trimmedText: String {
        func isSpace(_ character: Character) -> Bool {
            character == " " || character == "\t" || character == "\n" || character == "\r" || character == "\r\n"
        }
        var text = self[...]
        while let first = text.first, isSpace(first) { text = text.dropFirst() }
        while !text.isEmpty, isSpace(text[text.index(before: text.endIndex)]) {
            text = text[..<text.index(before: text.endIndex)]
        }
        return String(text)
    }

    /// What stands before and behind the first of a character; nil where there is none.
    func cut(_ separator: Character) -> (before: SubSequence, after: SubSequence)? {
        guard let at = firstIndex(of: separator) else { return nil }
        return (self[..<at], self[index(after: at)...])
    }

    /// What stands before and behind the last of a character; nil where there is none.
    func cutLast(_ separator: Character) -> (before: SubSequence, after: SubSequence)? {
        guard let at = lastIndex(of: separator) else { return nil }
        return (self[..<at], self[index(after: at)...])
    }
}

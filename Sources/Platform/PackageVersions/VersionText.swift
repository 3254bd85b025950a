// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// A version's bytes, or a part of them. Reading past an end gives 0, which no version holds.
struct VersionText {
    private let base: UnsafePointer<UInt8>?
    var start: Int
    var end: Int

    /// Blanks around a version are no part of it.
    init(checking bytes: UnsafeBufferPointer<UInt8>) throws(VersionError) {
        base = bytes.baseAddress
        start = 0
        end = bytes.count
        guard end <= VersionScheme.longest else {
            throw VersionError(.tooLong, "a version has \(end) bytes; at most \(VersionScheme.longest) are compared")
        }
        while start < end, self[start].isBlank { start += 1 }
        while start < end, self[end - 1].isBlank { end -= 1 }
        guard start < end else { throw VersionError(.malformedVersion, "a version is empty") }
        for at in start..<end where self[at] < 0x20 || self[at] == 0x7F {
            throw VersionError(.malformedVersion, "a version holds a control character")
        }
    }

    @inline(__always) subscript(at: Int) -> UInt8 {
        guard let base, at >= start, at < end else { return 0 }
        return base[at]
    }

    var count: Int { max(end - start, 0) }
    var isEmpty: Bool { start >= end }
    var first: UInt8 { self[start] }

    func part(_ from: Int, _ to: Int) -> VersionText {
        var part = self
        part.start = max(from, start)
        part.end = max(min(to, end), part.start)
        return part
    }

    func dropping(_ count: Int) -> VersionText { part(start + count, end) }

    func firstIndex(of byte: UInt8) -> Int? {
        var at = start
        while at < end {
            if self[at] == byte { return at }
            at += 1
        }
        return nil
    }

    func lastIndex(of byte: UInt8) -> Int? {
        var at = end - 1
        while at >= start {
            if self[at] == byte { return at }
            at -= 1
        }
        return nil
    }

    /// The index of the first byte from `at` on that is no digit.
    func endOfDigits(_ at: Int) -> Int {
        var at = at
        while self[at].isDigit { at += 1 }
        return at
    }

    /// Whether all bytes are digits, and there is one.
    var isNumber: Bool { !isEmpty && endOfDigits(start) == end }

    /// Whether `word`, which is in lower case, stands at `at` in any case.
    func has(_ word: StaticString, at: Int) -> Bool {
        for offset in 0..<word.utf8CodeUnitCount where self[at + offset].lowered != word.utf8Start[offset] {
            return false
        }
        return true
    }

    func equals(_ word: StaticString) -> Bool { count == word.utf8CodeUnitCount && has(word, at: start) }

    /// Both are digits only, of any length. Nothing counts as 0.
    func numericOrder(_ other: VersionText) -> VersionOrder {
        var (a, b) = (self, other)
        while a.first == 0x30 { a.start += 1 }
        while b.first == 0x30 { b.start += 1 }
        return a.count == b.count ? a.byteOrder(b) : VersionOrder(a.count, b.count)
    }

    var isZero: Bool {
        for at in start..<max(start, end) where self[at] != 0x30 { return false }
        return true
    }

    func byteOrder(_ other: VersionText, ignoringCase: Bool = false) -> VersionOrder {
        for offset in 0..<min(count, other.count) {
            var (a, b) = (self[start + offset], other[other.start + offset])
            if ignoringCase { (a, b) = (a.lowered, b.lowered) }
            if a != b { return VersionOrder(a, b) }
        }
        return VersionOrder(count, other.count)
    }

    var string: String {
        String(decoding: UnsafeBufferPointer(start: base.map { $0 + start }, count: count), as: UTF8.self)
    }

    func refused(_ reason: String) -> VersionError {
        VersionError(.malformedVersion, "\(string.debugDescription) \(reason)")
    }
}

extension UInt8 {
    @inline(__always) var isDigit: Bool { self &- 0x30 < 10 }
    @inline(__always) var isLower: Bool { self &- 0x61 < 26 }
    @inline(__always) var isLetter: Bool { (self | 0x20) &- 0x61 < 26 }
    @inline(__always) var isAlphanumeric: Bool { isDigit || isLetter }
    @inline(__always) var isBlank: Bool { self == 0x20 || self &- 9 < 5 }
    @inline(__always) var lowered: UInt8 { self &- 0x41 < 26 ? self | 0x20 : self }
}

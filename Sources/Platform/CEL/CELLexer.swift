// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Cuts an expression into tokens.
struct CELLexer {
    enum Token: Equatable {
        case end
        case identifier(String)
        /// A field's name between backticks.
        case quoted(String)
        case int(UInt64)
        case uint(UInt)
        case double(Double)
        case string(String)
        case bytes([UInt8])
        case symbol(String)
    }

    private let source: [UInt8]
    private var at = 0

    init(_ text: String) { source = Array(text.utf8) }

    /// All tokens with the byte where each begins.
    static func tokens(_ text: String) throws(CELError) -> [(token: Token, offset: Int)] {
        var lexer = CELLexer(text)
        var found: [(Token, Int)] = []
        while true {
            lexer.skipSpace()
            let start = lexer.at
            let token = try lexer.next()
            found.append((token, start))
            if token == .end { return found }
        }
    }

    private mutating func skipSpace() {
        while at < source.count {
            if [0x20, 0x09, 0x0A, 0x0D, 0x0C].contains(source[at]) {
                at += 1
            } else if source[at...].starts(with: "//".utf8) {
                while at < source.count, source[at] != 0x0A { at += 1 }
            } else {
                return
            }
        }
    }

    private func fail(_ message: String) -> CELError {
        let before = source[..<min(at, source.count)]
        let line = before.reduce(1) { $1 == 0x0A ? $0 + 1 : $0 }
        let column = before.count - (before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0) + 1
        return CELError(.syntax, message, line: line, column: column)
    }

    private func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
    private func isLetter(_ byte: UInt8) -> Bool { (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A || byte == 0x5F }
    private func peek(_ ahead: Int = 0) -> UInt8 { at + ahead < source.count ? source[at + ahead] : 0 }

    private mutating func next() throws(CELError) -> Token {
        guard at < source.count else { return .end }
        let byte = source[at]
        if byte == 0x22 || byte == 0x27 { return try text(isRaw: false, isBytes: false) }
        if isLetter(byte) {
            if let token = try prefixed() { return token }
            let start = at
            while at < source.count, isLetter(source[at]) || isDigit(source[at]) { at += 1 }
            return .identifier(String(decoding: source[start..<at], as: UTF8.self))
        }
        if isDigit(byte) || byte == 0x2E && isDigit(peek(1)) { return try number() }
        if byte == 0x60 {
            at += 1
            let start = at
            while at < source.count, source[at] != 0x60 { at += 1 }
            guard at < source.count, at > start else { throw fail("a quoted field has no end") }
            at += 1
            return .quoted(String(decoding: source[start..<(at - 1)], as: UTF8.self))
        }
        for symbol in ["&&", "||", "==", "!=", "<=", ">="] where source[at...].starts(with: symbol.utf8) {
            at += 2
            return .symbol(symbol)
        }
        guard "+-*/%!?:.,()[]{}<>".utf8.contains(byte) else { throw fail("unexpected character") }
        at += 1
        return .symbol(String(decoding: [byte], as: UTF8.self))
    }

    /// Strings behind `r`, `b` or both.
    private mutating func prefixed() throws(CELError) -> Token? {
        var (raw, bytes) = (false, false)
        var length = 0
        while length < 2 {
            let letter = peek(length) | 0x20
            if letter == 0x72, !raw { raw = true } else if letter == 0x62, !bytes { bytes = true } else { break }
            length += 1
        }
        guard length > 0, peek(length) == 0x22 || peek(length) == 0x27 else { return nil }
        at += length
        return try text(isRaw: raw, isBytes: bytes)
    }

    private mutating func number() throws(CELError) -> Token {
        let start = at
        if peek() == 0x30, peek(1) | 0x20 == 0x78 {
            at += 2
            let digits = at
            while Character(Unicode.Scalar(peek())).isHexDigit { at += 1 }
            guard let value = UInt64(String(decoding: source[digits..<at], as: UTF8.self), radix: 16) else {
                throw fail("a number is too large")
            }
            return take(unsigned: value)
        }
        while isDigit(peek()) { at += 1 }
        var isDouble = false
        if peek() == 0x2E, isDigit(peek(1)) {
            isDouble = true
            at += 1
            while isDigit(peek()) { at += 1 }
        }
        if peek() | 0x20 == 0x65 {
            let sign = peek(1) == 0x2B || peek(1) == 0x2D ? 1 : 0
            if isDigit(peek(1 + sign)) {
                isDouble = true
                at += 1 + sign
                while isDigit(peek()) { at += 1 }
            }
        }
        let text = String(decoding: source[start..<at], as: UTF8.self)
        if isDouble {
            guard let value = Double(text.hasPrefix(".") ? "0" + text : text) else { throw fail("not a number") }
            return .double(value)
        }
        guard let value = UInt64(text) else { throw fail("a number is too large") }
        return take(unsigned: value)
    }

    private mutating func take(unsigned value: UInt64) -> Token {
        guard peek() | 0x20 == 0x75 else { return .int(value) }
        at += 1
        return .uint(UInt(value))
    }

    private mutating func text(isRaw: Bool, isBytes: Bool) throws(CELError) -> Token {
        let quote = source[at]
        let isTriple = peek(1) == quote && peek(2) == quote
        at += isTriple ? 3 : 1
        var bytes: [UInt8] = []
        while true {
            guard at < source.count else { throw fail("a string has no end") }
            let byte = source[at]
            if byte == quote, !isTriple || peek(1) == quote && peek(2) == quote {
                at += isTriple ? 3 : 1
                break
            }
            if byte == 0x0A || byte == 0x0D, !isTriple { throw fail("a string has no end on its line") }
            if byte == 0x5C, !isRaw {
                try escape(&bytes, isBytes: isBytes)
            } else {
                bytes.append(byte)
                at += 1
            }
        }
        return isBytes ? .bytes(bytes) : .string(String(decoding: bytes, as: UTF8.self))
    }

    private mutating func escape(_ bytes: inout [UInt8], isBytes: Bool) throws(CELError) {
        at += 1
        let letter = peek()
        at += 1
        let plain: [UInt8: UInt8] = [
            0x61: 7, 0x62: 8, 0x66: 12, 0x6E: 10, 0x72: 13, 0x74: 9, 0x76: 11, 0x5C: 0x5C, 0x3F: 0x3F, 0x22: 0x22,
            0x27: 0x27, 0x60: 0x60,
        ]
        if let value = plain[letter] {
            bytes.append(value)
            return
        }
        let (count, radix): (Int, Int)
        switch letter {
        case 0x78, 0x58: (count, radix) = (2, 16)
        case 0x75 where !isBytes: (count, radix) = (4, 16)
        case 0x55 where !isBytes: (count, radix) = (8, 16)
        case 0x30...0x33:
            at -= 1
            (count, radix) = (3, 8)
        default: throw fail("unknown escape sequence")
        }
        guard at + count <= source.count,
            let value = UInt32(String(decoding: source[at..<(at + count)], as: UTF8.self), radix: radix)
        else { throw fail("unknown escape sequence") }
        at += count
        if isBytes {
            bytes.append(UInt8(truncatingIfNeeded: value))
        } else {
            guard let scalar = Unicode.Scalar(value) else { throw fail("an escape sequence names no character") }
            bytes += Array(String(Character(scalar)).utf8)
        }
    }
}

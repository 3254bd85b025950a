// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CSimdjson
import Foundation

extension YAMLDirectReader {
    // MARK: Plain

    /// Whether a plain scalar begins here.
    func startsPlain() -> Bool {
        switch text[at] {
        case 0x2D:  // -
            return !isBlankOrEnd(at &+ 1)
        // tab ! " # % & ' * , : > ? @ [ ] ` { | }
        case 0x09, 0x21, 0x22, 0x23, 0x25, 0x26, 0x27, 0x2A, 0x2C, 0x3A, 0x3E, 0x3F, 0x40, 0x5B, 0x5D, 0x60, 0x7B,
            0x7C, 0x7D:
            return false
        default: return true
        }
    }

    /// Reads a plain scalar up to the end of its line, a comment or the colon behind a key, where `at` then stands.
    /// Returns its length without blanks at its end; nil where a tab stands in it.
    mutating func scanPlain() -> Int? {
        let start = at
        var index = at
        var last = at
        while index < end {
            let byte = text[index]
            if byte > 0x3A {
                index &+= 1
                last = index
                continue
            }
            switch byte {
            case 0x0A:
                at = index
                return last &- start
            case 0x20: index &+= 1
            case 0x09: return nil
            case 0x3A where isBlankOrEnd(index &+ 1):
                // Blanks between a key and its colon are left to libyaml.
                guard last == index else { return nil }
                at = index
                return last &- start
            case 0x23 where index > last:
                at = index
                return last &- start
            default:
                index &+= 1
                last = index
            }
        }
        at = end
        return last &- start
    }

    /// Reads the lines on which a plain scalar goes on, and the end of its last one. Returns the length of the whole.
    mutating func continuePlain(_ start: Int, _ length: Int) -> Int? {
        var length = length
        while true {
            if at == end { return length }
            if text[at] == 0x23 {
                skipLine()
                return length
            }
            guard text[at] == 0x0A else { return nil }
            at &+= 1
            line &+= 1
            var (index, breaks, begin) = (at, 0, at)
            while index < end {
                if text[index] == 0x0A {
                    breaks &+= 1
                    begin = index &+ 1
                } else if text[index] != 0x20 {
                    break
                }
                index &+= 1
            }
            if index == end || index &- begin <= top.indent || text[index] == 0x23 { return length }
            if text[index] == 0x09 { return nil }
            line &+= UInt32(truncatingIfNeeded: breaks)
            at = index
            guard let more = scanPlain(), byte(at) != 0x3A, more > 0 else { return nil }
            let target = pool + (start &+ 1)
            if breaks == 0 {
                target[length] = 0x20
                length &+= 1
            } else {
                memset(target + length, 0x0A, breaks)
                length &+= breaks
            }
            memcpy(target + length, text + index, more)
            length &+= more
        }
    }

    /// Adds a plain scalar as what it means.
    mutating func addPlain(_ start: Int, _ length: Int, _ line: UInt32) -> Bool {
        let scalar = UnsafeBufferPointer(start: UnsafePointer(pool + (start &+ 1)), count: length)
        func add(_ digits: [UInt8]) -> Bool {
            guard digits.count <= length else { return false }
            for (index, digit) in digits.enumerated() { pool[start &+ 1 &+ index] = digit }
            return self.add(BULWARK_NUMBER, start &+ 1, digits.count, line)
        }
        switch YAMLScalar.implicit(scalar) {
        case .text: return self.add(BULWARK_STRING, start &+ 1, length, line)
        case .integer: return self.add(BULWARK_NUMBER, start &+ 1, length, line)
        case .null: return self.add(BULWARK_NULL, 0, 0, line)
        case .bool(let value): return self.add(value ? BULWARK_TRUE : BULWARK_FALSE, 0, 0, line)
        case .integerText(let digits): return add(digits)
        case .float(let value):
            guard let digits = GoNumber.json(value) else { return false }
            return add(digits)
        case .bytes: return false
        }
    }

    /// Whether a plain key stands for its own text, and is no merge key.
    func isTextKey(_ start: Int, _ length: Int) -> Bool {
        if length == 0 || length == 2 && text[start] == 0x3C && text[start &+ 1] == 0x3C { return false }
        switch YAMLScalar.implicit(UnsafeBufferPointer(start: text + start, count: length)) {
        case .text, .integer: return true
        default: return false
        }
    }

    // MARK: Quoted

    /// Reads a quoted scalar, which may go over several lines, and leaves `at` behind it. Its text stands in the pool where
    /// it is written, behind the quote. Returns the length.
    mutating func readQuoted() -> Int? {
        let quote = text[at]
        at &+= 1
        let first = at
        // Most are of one line and without anything to replace.
        var index = at
        while index < end, text[index] != quote, text[index] != 0x0A, text[index] != 0x5C { index &+= 1 }
        if index < end, text[index] == quote, !(quote == 0x27 && byte(index &+ 1) == 0x27) {
            at = index &+ 1
            return index &- first
        }
        var target = first &+ 1
        while true {
            let run = at
            while at < end, text[at] != quote, text[at] != 0x0A, text[at] != 0x5C || quote == 0x27 { at &+= 1 }
            guard at < end else { return nil }
            var length = at &- run
            if text[at] == 0x0A {
                // What stands around a line end goes.
                while length > 0, text[run &+ length &- 1] == 0x20 || text[run &+ length &- 1] == 0x09 { length &-= 1 }
            }
            memcpy(pool + target, text + run, length)
            target &+= length
            switch text[at] {
            case 0x0A:
                guard fold(&target) else { return nil }
            case 0x5C where quote == 0x22:
                guard unescape(&target) else { return nil }
            default:
                if quote == 0x22 || byte(at &+ 1) != 0x27 {
                    at &+= 1
                    return target &- first &- 1
                }
                pool[target] = 0x27
                target &+= 1
                at &+= 2
            }
        }
    }

    /// Passes over the line ends here in a quoted scalar: one becomes a space, and empty lines stay.
    private mutating func fold(_ target: inout Int) -> Bool {
        let breaks = skipBreaks()
        guard !isAtDocumentMark() else { return false }
        if breaks == 1 {
            pool[target] = 0x20
            target &+= 1
        } else {
            memset(pool + target, 0x0A, breaks &- 1)
            target &+= breaks &- 1
        }
        return true
    }

    /// Passes over blanks and line ends and returns how many line ends there were.
    private mutating func skipBreaks() -> Int {
        var breaks = 0
        while at < end {
            if text[at] == 0x0A {
                breaks &+= 1
            } else if text[at] != 0x20, text[at] != 0x09 {
                break
            }
            at &+= 1
        }
        line &+= UInt32(truncatingIfNeeded: breaks)
        return breaks
    }

    /// Whether a mark of the document's end or of the next one's start stands here, in the first column.
    private func isAtDocumentMark() -> Bool {
        at > 0 && text[at &- 1] == 0x0A && (isDocumentMark(0x2D) || isDocumentMark(0x2E))
    }

    private mutating func unescape(_ target: inout Int) -> Bool {
        let letter = byte(at &+ 1)
        at &+= 2
        guard at <= end else { return false }
        let plain: UInt8
        switch letter {
        case 0x22, 0x5C: plain = letter
        case 0x6E: plain = 0x0A
        case 0x74: plain = 0x09
        case 0x72: plain = 0x0D
        case 0x20: plain = 0x20
        case 0x78: return unescape(digits: 2, &target)
        case 0x75: return unescape(digits: 4, &target)
        case 0x55: return unescape(digits: 8, &target)
        case 0x0A:
            // The line goes on without a space; empty lines stay.
            line &+= 1
            let breaks = skipBreaks()
            guard !isAtDocumentMark() else { return false }
            memset(pool + target, 0x0A, breaks)
            target &+= breaks
            return true
        default: return false
        }
        pool[target] = plain
        target &+= 1
        return true
    }

    private mutating func unescape(digits: Int, _ target: inout Int) -> Bool {
        guard at &+ digits <= end else { return false }
        var value: UInt32 = 0
        for _ in 0..<digits {
            guard let digit = GoNumber.hexValue(text[at]) else { return false }
            value = value << 4 | UInt32(digit)
            at &+= 1
        }
        guard let scalar = UnicodeScalar(value) else { return false }
        for byte in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter {
            pool[target] = byte
            target &+= 1
        }
        return true
    }

    // MARK: Block

    /// Reads a literal or folded scalar from its `|` or `>` to the line behind it. Its text then stands in the pool from
    /// there on. Returns the length.
    mutating func readBlock() -> Int? {
        let isLiteral = text[at] == 0x7C
        let first = at &+ 1
        at &+= 1
        var (keepsLast, keepsAll) = (true, false)
        if byte(at) == 0x2D || byte(at) == 0x2B {
            keepsLast = text[at] == 0x2B
            keepsAll = keepsLast
            at &+= 1
        }
        guard at < end, endLine() else { return nil }
        guard var (indent, breaks) = skipEmptyLines(indent: nil) else { return nil }
        indent = max(indent, top.indent &+ 1, 1)
        var target = first
        var (leadingBreak, leadingBlank) = (false, false)
        while startsWithSpaces(indent) {
            let begin = at &+ indent
            let blank = text[begin] == 0x20 || text[begin] == 0x09
            if !isLiteral, leadingBreak, !leadingBlank, !blank {
                if breaks == 0 {
                    pool[target] = 0x20
                    target &+= 1
                }
            } else if leadingBreak {
                pool[target] = 0x0A
                target &+= 1
            }
            memset(pool + target, 0x0A, breaks)
            target &+= breaks
            leadingBlank = blank
            let feed = memchr(text + begin, 0x0A, end &- begin).map { UnsafeRawPointer($0) - UnsafeRawPointer(text) }
            let stop = feed ?? end
            memcpy(pool + target, text + begin, stop &- begin)
            target &+= stop &- begin
            leadingBreak = feed != nil
            at = stop
            if leadingBreak {
                at &+= 1
                line &+= 1
            }
            guard let (_, more) = skipEmptyLines(indent: indent) else { return nil }
            breaks = more
        }
        if keepsLast, leadingBreak {
            pool[target] = 0x0A
            target &+= 1
        }
        if keepsAll {
            memset(pool + target, 0x0A, breaks)
            target &+= breaks
        }
        return target &- first
    }

    /// Whether so many spaces and something else than the text's end stand here.
    private func startsWithSpaces(_ count: Int) -> Bool {
        guard at &+ count < end else { return false }
        for index in at..<(at &+ count) where text[index] != 0x20 { return false }
        return true
    }

    /// Passes over the lines of a block scalar that hold nothing but (up to `indent`) spaces. Returns the most spaces seen
    /// on one, or before what follows, and how many lines there were; nil where a tab stands among the spaces.
    private mutating func skipEmptyLines(indent: Int?) -> (indent: Int, breaks: Int)? {
        var (most, breaks) = (0, 0)
        while true {
            var index = at
            while index < end, text[index] == 0x20, indent.map({ index &- at < $0 }) ?? true { index &+= 1 }
            let column = index &- at
            most = max(most, column)
            guard index < end else { return (most, breaks) }
            if text[index] == 0x09, indent.map({ column < $0 }) ?? true { return nil }
            guard text[index] == 0x0A else { return (most, breaks) }
            breaks &+= 1
            at = index &+ 1
            line &+= 1
        }
    }
}

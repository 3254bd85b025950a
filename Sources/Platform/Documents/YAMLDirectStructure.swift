// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CSimdjson

/// How lines, by the columns in which they begin, make mappings and sequences.
extension YAMLDirectReader {
    mutating func readDocument() -> Bool {
        if isDocumentMark(0x2D) {
            at = 3
            guard endLine() else { return false }
        }
        while at < end {
            let start = at
            skipSpaces()
            if at == end { break }
            switch text[at] {
            case 0x0A:
                at &+= 1
                line &+= 1
            case 0x23: skipLine()
            default:
                let column = at &- start
                if column == 0, isDocumentMark(0x2E) {
                    guard skipRest() else { return false }
                } else if !readLine(column) {
                    return false
                }
            }
        }
        while depth > 0 {
            if !close() { return false }
        }
        return true
    }

    /// Passes over the `...` behind a collection, and empty lines and comments behind that. False for anything else.
    private mutating func skipRest() -> Bool {
        guard depth > 0 else { return false }
        at &+= 3
        guard endLine() else { return false }
        while at < end {
            skipSpaces()
            if byte(at) != 0x0A, text[at] != 0x23 { return false }
            skipLine()
        }
        return true
    }

    /// Reads from the first character of a line, which is neither empty nor a comment.
    private mutating func readLine(_ column: Int) -> Bool {
        let isDash = text[at] == 0x2D && isBlankOrEnd(at &+ 1)
        while top.indent > column {
            if !close() { return false }
        }
        if top.indent == column {
            // A sequence may stand in the column of the mapping whose value it is, and ends with the next key.
            if !isDash, top.kind == .sequence {
                if !close() { return false }
                guard top.kind == .mapping, top.indent == column else { return false }
            }
            if top.kind == .mapping {
                if isDash {
                    guard top.isDue, open(.sequence, indent: column, line: line) else { return false }
                    return readDash(column)
                }
                if top.isDue, !add(BULWARK_NULL, 0, 0, top.line) { return false }
                return readKey()
            }
            if top.isDue, !add(BULWARK_NULL, 0, 0, top.line) { return false }
            return readDash(column)
        }
        guard top.isDue else { return false }
        if isDash {
            guard open(.sequence, indent: column, line: line) else { return false }
            return readDash(column)
        }
        return readValue(column, mayBeKey: true)
    }

    /// Reads from a dash of the sequence on top.
    private mutating func readDash(_ column: Int) -> Bool {
        var column = column
        while true {
            top.isDue = true
            top.line = line
            let start = at
            at &+= 1
            skipSpaces()
            let next = byte(at)
            if next == 0x0A || next == 0x23 { return endLine(after: start) }
            column &+= at &- start
            guard next == 0x2D, isBlankOrEnd(at &+ 1) else { return readValue(column, mayBeKey: true) }
            guard open(.sequence, indent: column, line: line) else { return false }
        }
    }

    /// The end of a line on which nothing but a dash or a key stands.
    private mutating func endLine(after start: Int) -> Bool {
        if byte(at) == 0x23, text[at &- 1] != 0x20 { return false }
        skipLine()
        return true
    }

    /// Reads the next key of the mapping on top, and what follows it on the line.
    private mutating func readKey() -> Bool {
        let start = at
        let first = text[at]
        if first == 0x22 || first == 0x27 {
            let begun = line
            guard let length = readQuoted(), line == begun, byte(at) == 0x3A, isBlankOrEnd(at &+ 1),
                at &- start <= Self.maxKeyBytes
            else { return false }
            return setKey(start &+ 2, length, line) && readAfterKey()
        }
        guard startsPlain(), let length = scanPlain(), byte(at) == 0x3A, isTextKey(start, length) else { return false }
        return setKey(start &+ 1, length, line) && readAfterKey()
    }

    /// Reads from the colon behind a key.
    private mutating func readAfterKey() -> Bool {
        let start = at
        at &+= 1
        skipSpaces()
        let next = byte(at)
        if next == 0x0A || next == 0x23 { return endLine(after: start) }
        if next == 0x2D, isBlankOrEnd(at &+ 1) { return false }
        return readValue(0, mayBeKey: false)
    }

    /// Reads a value that begins here, or the first key of a mapping in this column.
    private mutating func readValue(_ column: Int, mayBeKey: Bool) -> Bool {
        let (start, begun) = (at, line)
        switch text[at] {
        case 0x22, 0x27:
            guard let length = readQuoted() else { return false }
            if byte(at) == 0x3A {
                guard mayBeKey, line == begun, isBlankOrEnd(at &+ 1), at &- start <= Self.maxKeyBytes,
                    open(.mapping, indent: column, line: line)
                else { return false }
                return setKey(start &+ 2, length, line) && readAfterKey()
            }
            return add(BULWARK_STRING, start &+ 2, length, begun) && endLine()
        case 0x7C, 0x3E:
            guard let length = readBlock() else { return false }
            return add(BULWARK_STRING, start &+ 1, length, begun)
        case 0x5B, 0x7B:
            return readFlow(0) && endLine()
        default:
            guard startsPlain(), let length = scanPlain() else { return false }
            if byte(at) == 0x3A {
                guard mayBeKey, isTextKey(start, length), open(.mapping, indent: column, line: line) else {
                    return false
                }
                return setKey(start &+ 1, length, line) && readAfterKey()
            }
            // A document that is one plain scalar is no manifest.
            guard depth > 0, let whole = continuePlain(start, length) else { return false }
            return addPlain(start, whole, begun)
        }
    }
}

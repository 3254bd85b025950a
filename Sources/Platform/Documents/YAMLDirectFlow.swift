// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CSimdjson

extension YAMLDirectReader {
    private static let maxFlowDepth = 16

    /// Reads `[…]` or `{…}` from its bracket, over several lines too.
    mutating func readFlow(_ level: Int) -> Bool {
        let isMapping = text[at] == 0x7B
        guard level < Self.maxFlowDepth, open(isMapping ? .flowMapping : .flowSequence, indent: 0, line: line) else {
            return false
        }
        at &+= 1
        while true {
            guard skipFlowSpace() else { return false }
            if text[at] == (isMapping ? 0x7D : 0x5D) { break }
            if isMapping {
                guard readFlowKey() else { return false }
            } else {
                top.isDue = true
            }
            guard readFlowValue(level), skipFlowSpace() else { return false }
            if text[at] == 0x2C {
                at &+= 1
            } else if text[at] != (isMapping ? 0x7D : 0x5D) {
                return false
            }
        }
        at &+= 1
        return close()
    }

    /// Passes over spaces and line ends; false at a comment, a tab or the text's end.
    private mutating func skipFlowSpace() -> Bool {
        while at < end {
            switch text[at] {
            case 0x20: break
            case 0x0A:
                line &+= 1
                if at &+ 1 < end, text[at &+ 1] == 0x2E || text[at &+ 1] == 0x2D { return false }
            case 0x23, 0x09: return false
            default: return true
            }
            at &+= 1
        }
        return false
    }

    private mutating func readFlowKey() -> Bool {
        let (start, begun) = (at, line)
        if text[at] == 0x22 || text[at] == 0x27 {
            guard let length = readQuoted(), line == begun, byte(at) == 0x3A, isBlankOrEnd(at &+ 1),
                at &- start <= Self.maxKeyBytes, setKey(start &+ 2, length, line)
            else { return false }
        } else {
            guard let length = scanFlowPlain(), byte(at) == 0x3A, isTextKey(start, length),
                setKey(start &+ 1, length, line)
            else { return false }
        }
        at &+= 1
        return skipFlowSpace()
    }

    private mutating func readFlowValue(_ level: Int) -> Bool {
        let (start, begun) = (at, line)
        switch text[at] {
        case 0x22, 0x27:
            guard let length = readQuoted() else { return false }
            return add(BULWARK_STRING, start &+ 2, length, begun)
        case 0x5B, 0x7B:
            return readFlow(level + 1)
        default:
            guard let length = scanFlowPlain(), byte(at) != 0x3A, length > 0 else { return false }
            return addPlain(start, length, begun)
        }
    }

    /// Reads a plain scalar of one line, up to what ends it in a flow collection. Only what can mean nothing else.
    private mutating func scanFlowPlain() -> Int? {
        guard startsPlain() else { return nil }
        let start = at
        if text[at] == 0x2D, !Self.isWordByte(byte(at &+ 1)), byte(at &+ 1) != 0x2D { return nil }
        var last = at
        while at < end {
            switch text[at] {
            case 0x2C, 0x5B, 0x5D, 0x7B, 0x7D, 0x0A: return last &- start
            case 0x20: at &+= 1
            case 0x3A where isBlankOrEnd(at &+ 1):
                return last == at ? last &- start : nil
            case 0x3A where !Self.isWordByte(byte(at &+ 1)) && byte(at &+ 1) != 0x2F: return nil
            case 0x09, 0x23, 0x3F: return nil
            default:
                at &+= 1
                last = at
            }
        }
        return nil
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        byte >= 0x30 && byte <= 0x39 || byte >= 0x41 && byte <= 0x5A || byte >= 0x61 && byte <= 0x7A
    }
}

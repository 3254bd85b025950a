// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Cuts a policy's text into tokens, one at a time.
struct Lexer {
    let source: [UInt8]
    let file: String
    private(set) var at: Int
    private(set) var row: Int
    private var lineStart: Int
    /// All comments seen, in order.
    private(set) var comments: [Comment] = []

    init(source: [UInt8], file: String, at: Int = 0, row: Int = 1, lineStart: Int = 0) {
        self.source = source
        self.file = file
        self.at = at
        self.row = row
        self.lineStart = lineStart
    }

    static let reserved: Set<String> = [
        "package", "import", "as", "default", "else", "not", "some", "with", "null", "true", "false",
    ]

    func location(_ offset: Int) -> Location { Location(file: file, row: row, column: offset - lineStart + 1) }

    mutating func next() throws(RegoError) -> Token {
        var space = false
        var line = false
        scan: while at < source.count {
            switch source[at] {
            case 0x20, 0x09, 0x0D:
                space = true
                at += 1
            case 0x0A:
                space = true
                line = true
                at += 1
                row += 1
                lineStart = at
            case 0x23:
                space = true
                comment()
            default: break scan
            }
        }
        let start = at
        var token = Token(
            kind: .end, text: "", start: start, end: start, row: row, column: start - lineStart + 1, spaceBefore: space,
            lineBefore: line)
        guard at < source.count else { return token }
        let byte = source[at]
        if isLetter(byte) {
            while at < source.count, isLetter(source[at]) || isDigit(source[at]) { at += 1 }
            token.text = String(decoding: source[start..<at], as: UTF8.self)
            token.kind = Lexer.reserved.contains(token.text) ? .keyword : .identifier
        } else if isDigit(byte)
            || (byte == 0x2E && at + 1 < source.count && isDigit(source[at + 1]) && !followsTerm(start))
        {
            token.text = try number()
            token.kind = .number
        } else if byte == 0x22 {
            token.text = try quoted()
            token.kind = .string
        } else if byte == 0x60 {
            token.text = try raw()
            token.kind = .string
        } else if byte == 0x24, at + 1 < source.count, source[at + 1] == 0x22 || source[at + 1] == 0x60 {
            token.template = try template()
            token.kind = .template
        } else {
            token.text = try symbol()
            token.kind = .symbol
        }
        token.end = at
        return token
    }

    private func isLetter(_ byte: UInt8) -> Bool {
        (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7A || byte == 0x5F
    }

    private func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }

    /// A dot behind a term is a reference's, not a fraction's.
    private func followsTerm(_ start: Int) -> Bool {
        guard start > 0 else { return false }
        let before = source[start - 1]
        return isLetter(before) || isDigit(before) || before == 0x5D || before == 0x29 || before == 0x7D
            || before == 0x22
    }

    private mutating func comment() {
        let start = at
        while at < source.count, source[at] != 0x0A { at += 1 }
        var end = at
        if end > start, source[end - 1] == 0x0D { end -= 1 }
        let alone = source[lineStart..<start].allSatisfy { $0 == 0x20 || $0 == 0x09 }
        comments.append(
            Comment(
                text: String(decoding: source[(start + 1)..<end], as: UTF8.self), row: row,
                column: start - lineStart + 1, isAlone: alone))
    }

    private mutating func number() throws(RegoError) -> String {
        let start = at
        while at < source.count, isDigit(source[at]) { at += 1 }
        if at - start > 1, source[start] == 0x30 {
            throw RegoError(.parse, "expected number without a leading 0", at: location(start))
        }
        if at < source.count, source[at] == 0x2E {
            at += 1
            let digits = at
            while at < source.count, isDigit(source[at]) { at += 1 }
            if at == digits { throw RegoError(.parse, "expected fraction", at: location(start)) }
        }
        if at < source.count, source[at] | 0x20 == 0x65 {
            at += 1
            if at < source.count, source[at] == 0x2B || source[at] == 0x2D { at += 1 }
            let digits = at
            while at < source.count, isDigit(source[at]) { at += 1 }
            if at == digits { throw RegoError(.parse, "expected exponent", at: location(start)) }
        }
        if at < source.count, isLetter(source[at]) {
            throw RegoError(.parse, "illegal number format", at: location(start))
        }
        let text = String(decoding: source[start..<at], as: UTF8.self)
        return text.hasPrefix(".") ? "0" + text : text
    }

    private mutating func quoted() throws(RegoError) -> String {
        let start = at
        at += 1
        var bytes: [UInt8] = []
        while true {
            guard at < source.count, source[at] != 0x0A else {
                throw RegoError(.parse, "non-terminated string", at: location(start))
            }
            let byte = source[at]
            if byte == 0x22 {
                at += 1
                break
            }
            if byte == 0x5C {
                try escape(&bytes)
            } else {
                bytes.append(byte)
                at += 1
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Takes an escape sequence of JSON, the backslash first.
    private mutating func escape(_ bytes: inout [UInt8], inTemplate: Bool = false) throws(RegoError) {
        let start = at
        at += 1
        guard at < source.count else { throw RegoError(.parse, "non-terminated string", at: location(start)) }
        let byte = source[at]
        at += 1
        switch byte {
        case 0x22, 0x5C, 0x2F: bytes.append(byte)
        case 0x7B where inTemplate, 0x7D where inTemplate: bytes.append(byte)
        case 0x62: bytes.append(0x08)
        case 0x66: bytes.append(0x0C)
        case 0x6E: bytes.append(0x0A)
        case 0x72: bytes.append(0x0D)
        case 0x74: bytes.append(0x09)
        case 0x75:
            var unit = try hex(start)
            if (0xD800..<0xDC00).contains(unit), at + 1 < source.count, source[at] == 0x5C, source[at + 1] == 0x75 {
                let back = at
                at += 2
                let low = try hex(start)
                if (0xDC00..<0xE000).contains(low) {
                    unit = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
                } else {
                    at = back
                }
            }
            let scalar = Unicode.Scalar(unit) ?? "\u{FFFD}"
            bytes += Array(String(Character(scalar)).utf8)
        default: throw RegoError(.parse, "illegal escape sequence", at: location(start))
        }
    }

    private mutating func hex(_ start: Int) throws(RegoError) -> UInt32 {
        guard at + 4 <= source.count,
            let unit = UInt32(String(decoding: source[at..<(at + 4)], as: UTF8.self), radix: 16)
        else { throw RegoError(.parse, "illegal escape sequence", at: location(start)) }
        at += 4
        return unit
    }

    private mutating func raw() throws(RegoError) -> String {
        let start = at
        let place = location(start)
        at += 1
        let from = at
        while at < source.count, source[at] != 0x60 {
            if source[at] == 0x0A {
                row += 1
                lineStart = at + 1
            }
            at += 1
        }
        guard at < source.count else { throw RegoError(.parse, "non-terminated string", at: place) }
        at += 1
        // As Go reads raw strings: without carriage returns.
        return String(decoding: source[from..<(at - 1)].filter { $0 != 0x0D }, as: UTF8.self)
    }

    /// The pieces of a template string. Expressions are passed over by counting braces outside their own strings; the
    /// parser reads them from their place.
    private mutating func template() throws(RegoError) -> [TemplatePiece] {
        let place = location(at)
        let quote = source[at + 1]
        at += 2
        var pieces: [TemplatePiece] = []
        var bytes: [UInt8] = []
        while true {
            guard at < source.count, quote == 0x60 || source[at] != 0x0A else {
                throw RegoError(.parse, "non-terminated string", at: place)
            }
            let byte = source[at]
            if byte == quote {
                at += 1
                break
            }
            switch byte {
            case 0x5C where quote == 0x22: try escape(&bytes, inTemplate: true)
            case 0x5C where at + 1 < source.count && source[at + 1] == 0x7B:
                bytes.append(0x7B)
                at += 2
            case 0x7B:
                if !bytes.isEmpty { pieces.append(.text(String(decoding: bytes, as: UTF8.self))) }
                bytes = []
                at += 1
                pieces.append(.expression(start: at, row: row, column: at - lineStart + 1))
                try skipExpression(place)
            default:
                if byte == 0x0A {
                    row += 1
                    lineStart = at + 1
                }
                bytes.append(byte)
                at += 1
            }
        }
        if !bytes.isEmpty || pieces.isEmpty { pieces.append(.text(String(decoding: bytes, as: UTF8.self))) }
        return pieces
    }

    private mutating func skipExpression(_ place: Location) throws(RegoError) {
        var depth = 1
        while true {
            let token = try next()
            if token.kind == .end { throw RegoError(.parse, "non-terminated template expression", at: place) }
            if token.isSymbol("{") { depth += 1 }
            if token.isSymbol("}") {
                depth -= 1
                if depth == 0 { return }
            }
        }
    }

    private mutating func symbol() throws(RegoError) -> String {
        let start = at
        let byte = source[at]
        let following = at + 1 < source.count ? source[at + 1] : 0
        let isDouble =
            following == 0x3D && (byte == 0x3A || byte == 0x3D || byte == 0x21 || byte == 0x3C || byte == 0x3E)
        if isDouble {
            at += 2
            return String(decoding: source[start..<at], as: UTF8.self)
        }
        let known = "+-*/%&|=<>.,:;()[]{}"
        guard known.utf8.contains(byte) else {
            throw RegoError(.parse, "illegal character \(printable(start))", at: location(start))
        }
        at += 1
        return String(decoding: [byte], as: UTF8.self)
    }

    private func printable(_ start: Int) -> String {
        let text = String(decoding: source[start..<min(start + 4, source.count)], as: UTF8.self)
        return text.first.map { "'\($0)'" } ?? "?"
    }
}

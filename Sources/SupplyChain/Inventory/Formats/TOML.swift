// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// A reader of TOML 1.0 for lock files. Texts, tables and arrays keep their values; numbers and dates keep their text.
///
/// Bounded: 64 MiB, nested at most 64 deep, two million values. A key that stands twice is an error, as TOML says.
enum TOML {
    enum Value {
        case text(String)
        case bool(Bool)
        /// Integers, floats, dates and times, as they are written.
        case literal(String)
        case array([Value])
        /// `[[name]]`, one table after the other.
        case tables(TableList)
        case table(Table)

        var text: String? { if case .text(let text) = self { text } else { nil } }
        var table: Table? { if case .table(let table) = self { table } else { nil } }
        var elements: [Value] {
            switch self {
            case .array(let values): values
            case .tables(let list): list.tables.map { .table($0) }
            default: []
            }
        }
    }

    /// Grows in place: an array in an enum would be copied for every table that a hostile text adds.
    final class TableList {
        fileprivate(set) var tables: [Table] = []
    }

    /// One table, made while the text is read and not changed after.
    final class Table {
        fileprivate(set) var members: [String: Value] = [:]
        /// Keys in the order of the text.
        fileprivate(set) var keys: [String] = []
        /// It had a header of its own, or was written in braces: it takes no second one.
        fileprivate var isDefined = false
        fileprivate var isClosed = false

        subscript(key: String) -> Value? { members[key] }

        func text(_ key: String) -> String? { members[key]?.text }
        func table(_ key: String) -> Table? { members[key]?.table }
        func elements(_ key: String) -> [Value] { members[key]?.elements ?? [] }

        /// The tables of an array of tables.
        func tables(_ key: String) -> [Table] { elements(key).compactMap(\.table) }

        fileprivate func set(_ key: String, _ value: Value) {
            if members.updateValue(value, forKey: key) == nil { keys.append(key) }
        }
    }

    struct Failure: Error {
        let line: Int
        let message: String
    }

    static func read(_ text: UnsafeBufferPointer<UInt8>) throws(Failure) -> Table {
        var parser = TOMLParser(text)
        return try parser.document()
    }
}

extension InventoryFile {
    func toml() throws(InventoryError) -> TOML.Table {
        try withText { (text) throws(InventoryError) in
            let start = text.starts(with: "\u{FEFF}") ? text.dropping(3) : text
            do throws(TOML.Failure) { return try TOML.read(start) } catch {
                throw malformed("line \(error.line): \(error.message)")
            }
        }
    }
}

struct TOMLParser {
    private let text: UnsafeBufferPointer<UInt8>
    private var at = 0
    private var values = 0
    private static let maxDepth = 64
    private static let maxValues = 2_000_000

    init(_ text: UnsafeBufferPointer<UInt8>) { self.text = text }

    private func failure(_ message: String) -> TOML.Failure {
        TOML.Failure(line: 1 + text[..<min(at, text.count)].count { $0 == 0x0A }, message: message)
    }

    private var byte: UInt8? { at < text.count ? text[at] : nil }
    private func byte(_ ahead: Int) -> UInt8? { at + ahead < text.count ? text[at + ahead] : nil }

    mutating func document() throws(TOML.Failure) -> TOML.Table {
        let root = TOML.Table()
        var current = root
        while true {
            skipBlank()
            guard let first = byte else { return root }
            if first == 0x5B {
                let isArray = byte(1) == 0x5B
                at += isArray ? 2 : 1
                let path = try keyPath()
                try expect(0x5D, "']' behind a table's name")
                if isArray { try expect(0x5D, "']]' behind the name of an array of tables") }
                current = try isArray ? openElement(path, root) : openTable(path, root)
            } else {
                let path = try keyPath()
                try expect(0x3D, "'=' behind a key")
                skipSpaces()
                try assign(try value(0), path, current)
            }
            try endOfLine()
        }
    }

    // MARK: Tables

    private mutating func assign(
        _ value: TOML.Value, _ path: [String], _ table: TOML.Table
    ) throws(TOML.Failure) {
        var table = table
        for key in path.dropLast() {
            guard let next = table[key] else {
                let made = TOML.Table()
                table.set(key, .table(made))
                table = made
                continue
            }
            guard let inner = next.table, !inner.isClosed, !inner.isDefined else {
                throw failure("\(key) has a value already")
            }
            table = inner
        }
        guard let last = path.last else { throw failure("a key is missing") }
        guard table[last] == nil else { throw failure("\(last) has a value already") }
        table.set(last, value)
    }

    private func descend(_ path: ArraySlice<String>, _ root: TOML.Table) throws(TOML.Failure) -> TOML.Table {
        var table = root
        for key in path {
            switch table[key] {
            case nil:
                let made = TOML.Table()
                table.set(key, .table(made))
                table = made
            case .table(let inner) where !inner.isClosed: table = inner
            case .tables(let list):
                guard let inner = list.tables.last else { throw failure("\(key) is no table") }
                table = inner
            default: throw failure("\(key) is no table")
            }
        }
        return table
    }

    private mutating func openTable(_ path: [String], _ root: TOML.Table) throws(TOML.Failure) -> TOML.Table {
        let parent = try descend(path.dropLast(), root)
        guard let last = path.last else { throw failure("a table's name is missing") }
        guard let existing = parent[last] else {
            let made = TOML.Table()
            made.isDefined = true
            try count()
            parent.set(last, .table(made))
            return made
        }
        guard let inner = existing.table, !inner.isDefined, !inner.isClosed else {
            throw failure("the table \(last) stands here a second time")
        }
        inner.isDefined = true
        return inner
    }

    private mutating func openElement(_ path: [String], _ root: TOML.Table) throws(TOML.Failure) -> TOML.Table {
        let parent = try descend(path.dropLast(), root)
        guard let last = path.last else { throw failure("a table's name is missing") }
        let made = TOML.Table()
        made.isDefined = true
        try count()
        switch parent[last] {
        case nil:
            let list = TOML.TableList()
            list.tables.append(made)
            parent.set(last, .tables(list))
        case .tables(let list): list.tables.append(made)
        case .array: throw failure("\(last) is an array with an end")
        default: throw failure("\(last) is no array of tables")
        }
        return made
    }

    private mutating func count() throws(TOML.Failure) {
        values += 1
        if values > Self.maxValues { throw failure("more than \(Self.maxValues) values") }
    }

    // MARK: Keys

    private mutating func keyPath() throws(TOML.Failure) -> [String] {
        var path: [String] = []
        while true {
            skipSpaces()
            path.append(try key())
            guard path.count <= Self.maxDepth else { throw failure("a key of more than \(Self.maxDepth) parts") }
            skipSpaces()
            guard byte == 0x2E else { return path }
            at += 1
        }
    }

    private mutating func key() throws(TOML.Failure) -> String {
        if byte == 0x22 { return try basicText() }
        if byte == 0x27 { return try literalText() }
        let start = at
        scan: while let next = byte {
            switch next {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F: at += 1
            default: break scan
            }
        }
        guard at > start else { throw failure("expected a key") }
        return UnsafeBufferPointer(rebasing: text[start..<at]).string
    }

    // MARK: Values

    private mutating func value(_ depth: Int) throws(TOML.Failure) -> TOML.Value {
        guard depth < Self.maxDepth else { throw failure("nested deeper than \(Self.maxDepth)") }
        try count()
        switch byte {
        case 0x22:
            if byte(1) == 0x22, byte(2) == 0x22 { return .text(try longText(0x22)) }
            return .text(try basicText())
        case 0x27:
            if byte(1) == 0x27, byte(2) == 0x27 { return .text(try longText(0x27)) }
            return .text(try literalText())
        case 0x5B: return .array(try array(depth))
        case 0x7B: return .table(try inlineTable(depth))
        default:
            let start = at
            while let next = byte, next != 0x2C, next != 0x5D, next != 0x7D, next != 0x23, next != 0x0A, next != 0x0D {
                at += 1
            }
            let literal = UnsafeBufferPointer(rebasing: text[start..<at]).trimmed
            switch literal.string {
            case "": throw failure("expected a value")
            case "true": return .bool(true)
            case "false": return .bool(false)
            default:
                // inf, nan, numbers and dates.
                for (index, character) in literal.enumerated() {
                    switch character {
                    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2B, 0x2D, 0x2E, 0x3A, 0x5F: break
                    // A space may part a date from a time.
                    case 0x20 where index == 10 && literal[4] == 0x2D: break
                    default: throw failure("this is no value of TOML")
                    }
                }
                return .literal(literal.string)
            }
        }
    }

    private mutating func array(_ depth: Int) throws(TOML.Failure) -> [TOML.Value] {
        at += 1
        var elements: [TOML.Value] = []
        while true {
            skipBlank()
            if byte == 0x5D { break }
            elements.append(try value(depth + 1))
            skipBlank()
            if byte == 0x2C { at += 1 } else if byte != 0x5D { throw failure("expected ',' or ']' in an array") }
        }
        at += 1
        return elements
    }

    private mutating func inlineTable(_ depth: Int) throws(TOML.Failure) -> TOML.Table {
        at += 1
        let table = TOML.Table()
        while true {
            skipBlank()
            if byte == 0x7D { break }
            let path = try keyPath()
            try expect(0x3D, "'=' behind a key")
            skipSpaces()
            try assign(try value(depth + 1), path, table)
            skipBlank()
            if byte == 0x2C { at += 1 } else if byte != 0x7D { throw failure("expected ',' or '}' in a table") }
        }
        at += 1
        table.isClosed = true
        return table
    }

    // MARK: Texts

    private mutating func literalText() throws(TOML.Failure) -> String {
        let start = at + 1
        at = start
        while let next = byte, next != 0x27 {
            if next == 0x0A { throw failure("a text must end in its line") }
            at += 1
        }
        guard at < text.count else { throw failure("a text has no closing quote") }
        at += 1
        return UnsafeBufferPointer(rebasing: text[start..<(at - 1)]).string
    }

    private mutating func basicText() throws(TOML.Failure) -> String {
        at += 1
        var out: [UInt8] = []
        while let next = byte {
            at += 1
            switch next {
            case 0x22: return String(decoding: out, as: UTF8.self)
            case 0x5C: try escape(&out)
            case 0x0A: throw failure("a text must end in its line")
            default: out.append(next)
            }
        }
        throw failure("a text has no closing quote")
    }

    private mutating func longText(_ quote: UInt8) throws(TOML.Failure) -> String {
        at += 3
        if byte == 0x0D, byte(1) == 0x0A { at += 2 } else if byte == 0x0A { at += 1 }
        var out: [UInt8] = []
        while let next = byte {
            if next == quote, byte(1) == quote, byte(2) == quote {
                at += 3
                // Up to two quotes may stand right before the closing three.
                while byte == quote, out.count < text.count {
                    out.append(quote)
                    at += 1
                }
                return String(decoding: out, as: UTF8.self)
            }
            at += 1
            guard next == 0x5C, quote == 0x22 else {
                out.append(next)
                continue
            }
            // A backslash at the end of a line takes the white space behind it away.
            var ahead = at
            while ahead < text.count, text[ahead] == 0x20 || text[ahead] == 0x09 || text[ahead] == 0x0D { ahead += 1 }
            if ahead < text.count, text[ahead] == 0x0A {
                at = ahead
                while let space = byte, space == 0x20 || space == 0x09 || space == 0x0A || space == 0x0D { at += 1 }
            } else {
                try escape(&out)
            }
        }
        throw failure("a text has no closing quotes")
    }

    private mutating func escape(_ out: inout [UInt8]) throws(TOML.Failure) {
        guard let kind = byte else { throw failure("a text has no closing quote") }
        at += 1
        var digits = 0
        switch kind {
        case 0x62: out.append(0x08)
        case 0x74: out.append(0x09)
        case 0x6E: out.append(0x0A)
        case 0x66: out.append(0x0C)
        case 0x72: out.append(0x0D)
        case 0x65: out.append(0x1B)
        case 0x22, 0x5C: out.append(kind)
        case 0x78: digits = 2
        case 0x75: digits = 4
        case 0x55: digits = 8
        default: throw failure("this escape in a text is not known")
        }
        guard digits > 0 else { return }
        guard at + digits <= text.count,
            let number = UInt32(UnsafeBufferPointer(rebasing: text[at..<(at + digits)]).string, radix: 16),
            let scalar = Unicode.Scalar(number)
        else { throw failure("this escape in a text names no character") }
        at += digits
        out.append(contentsOf: String(scalar).utf8)
    }

    // MARK: Space

    private mutating func skipSpaces() {
        while let next = byte, next == 0x20 || next == 0x09 { at += 1 }
    }

    /// Spaces, ends of lines and comments.
    private mutating func skipBlank() {
        while let next = byte {
            switch next {
            case 0x20, 0x09, 0x0A, 0x0D: at += 1
            case 0x23: while let other = byte, other != 0x0A { at += 1 }
            default: return
            }
        }
    }

    private mutating func expect(_ wanted: UInt8, _ what: String) throws(TOML.Failure) {
        skipSpaces()
        guard byte == wanted else { throw failure("expected \(what)") }
        at += 1
    }

    private mutating func endOfLine() throws(TOML.Failure) {
        skipSpaces()
        if byte == 0x23 { while let next = byte, next != 0x0A { at += 1 } }
        if byte == 0x0D { at += 1 }
        guard byte == nil || byte == 0x0A else { throw failure("expected the end of the line") }
    }
}

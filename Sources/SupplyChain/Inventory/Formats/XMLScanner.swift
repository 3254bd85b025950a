// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Walks the tags and texts of an XML file. It knows no document types: what a DTD declares is passed over, so nothing
/// expands. Prefixes of names are dropped.
struct XMLScanner {
    enum Event {
        case open(name: String, attributes: [String: String])
        case close(name: String)
        case text(String)
    }

    struct Failure: Error {
        let line: Int
        let message: String
    }

    private let text: UnsafeBufferPointer<UInt8>
    private var at = 0
    private var open: [String] = []
    /// The close of an element without content, `<a/>`.
    private var pendingClose: String?
    private static let maxDepth = 256

    init(_ text: UnsafeBufferPointer<UInt8>) {
        self.text = text
        if text.starts(with: "\u{FEFF}") { at = 3 }
    }

    private func failure(_ message: String) -> Failure {
        Failure(line: 1 + text[..<min(at, text.count)].count { $0 == 0x0A }, message: message)
    }

    /// Nil at the end.
    mutating func next() throws(Failure) -> Event? {
        if let name = pendingClose {
            pendingClose = nil
            return .close(name: name)
        }
        while at < text.count {
            let rest = text.dropping(at)
            if rest[0] != 0x3C {
                let end = rest.index(of: 0x3C) ?? rest.count
                at += end
                return .text(Self.decoded(rest.prefixing(end)))
            }
            if rest.starts(with: "<!--") {
                try skip(past: "-->", "a comment")
            } else if rest.starts(with: "<![CDATA[") {
                let start = at + 9
                try skip(past: "]]>", "a CDATA section")
                return .text(UnsafeBufferPointer(rebasing: text[min(start, at - 3)..<(at - 3)]).string)
            } else if rest.starts(with: "<?") {
                try skip(past: "?>", "a processing instruction")
            } else if rest.starts(with: "<!") {
                try skipDeclaration()
            } else if rest.starts(with: "</") {
                guard let end = rest.index(of: 0x3E) else { throw failure("a tag has no end") }
                let name = Self.localName(UnsafeBufferPointer(rebasing: rest[2..<end]).trimmed)
                guard open.popLast() == name else { throw failure("</\(name.prefix(64))> closes what is not open") }
                at += end + 1
                return .close(name: name)
            } else {
                return try openTag()
            }
        }
        guard open.isEmpty else { throw failure("the file ends inside of <\(open.last ?? "")>") }
        return nil
    }

    private mutating func openTag() throws(Failure) -> Event {
        at += 1
        let name = Self.localName(word())
        guard !name.isEmpty else { throw failure("expected the name of a tag") }
        var attributes: [String: String] = [:]
        while true {
            skipSpace()
            guard at < text.count else { throw failure("the tag <\(name.prefix(64))> has no end") }
            if text[at] == 0x3E {
                at += 1
                break
            }
            if text[at] == 0x2F {
                at += 1
                guard at < text.count, text[at] == 0x3E else { throw failure("expected '>' behind '/'") }
                at += 1
                pendingClose = name
                return .open(name: name, attributes: attributes)
            }
            let key = Self.localName(word())
            skipSpace()
            guard !key.isEmpty, at < text.count, text[at] == 0x3D else { throw failure("expected an attribute") }
            at += 1
            skipSpace()
            guard at < text.count, text[at] == 0x22 || text[at] == 0x27,
                let end = text.index(of: text[at], from: at + 1)
            else { throw failure("expected a value in quotes") }
            attributes[key] = Self.decoded(UnsafeBufferPointer(rebasing: text[(at + 1)..<end]))
            at = end + 1
        }
        guard open.count < Self.maxDepth else { throw failure("nested deeper than \(Self.maxDepth)") }
        open.append(name)
        return .open(name: name, attributes: attributes)
    }

    private mutating func word() -> UnsafeBufferPointer<UInt8> {
        let start = at
        scan: while at < text.count {
            switch text[at] {
            case 0x20, 0x09, 0x0A, 0x0D, 0x2F, 0x3E, 0x3D, 0x3C, 0x22, 0x27: break scan
            default: at += 1
            }
        }
        return UnsafeBufferPointer(rebasing: text[start..<at])
    }

    private mutating func skipSpace() {
        while at < text.count, text[at] == 0x20 || text[at] == 0x09 || text[at] == 0x0A || text[at] == 0x0D { at += 1 }
    }

    private mutating func skip(past end: StaticString, _ what: String) throws(Failure) {
        let start = at
        at += 2
        while at < text.count {
            if text.dropping(at).starts(with: end) {
                at += end.utf8CodeUnitCount
                return
            }
            at += 1
        }
        at = start
        throw failure("\(what) has no end")
    }

    /// `<!DOCTYPE … [ … ]>`
    private mutating func skipDeclaration() throws(Failure) {
        let start = at
        var depth = 0
        while at < text.count {
            switch text[at] {
            case 0x3C, 0x5B: depth += 1
            case 0x3E, 0x5D:
                depth -= 1
                if depth == 0 {
                    at += 1
                    return
                }
            default: break
            }
            at += 1
        }
        at = start
        throw failure("a declaration has no end")
    }

    private static func localName(_ name: UnsafeBufferPointer<UInt8>) -> String {
        name.index(of: 0x3A).map { name.dropping($0 + 1).string } ?? name.string
    }

    /// With the five entities of XML and those that name a character by its number.
    private static func decoded(_ text: UnsafeBufferPointer<UInt8>) -> String {
        guard text.index(of: 0x26) != nil else { return text.string }
        var out: [UInt8] = []
        var at = 0
        while at < text.count {
            guard text[at] == 0x26, let end = text.prefixing(at + 12).index(of: 0x3B, from: at),
                let scalar = character(UnsafeBufferPointer(rebasing: text[(at + 1)..<end]).string)
            else {
                out.append(text[at])
                at += 1
                continue
            }
            out.append(contentsOf: String(scalar).utf8)
            at = end + 1
        }
        return String(decoding: out, as: UTF8.self)
    }

    private static func character(_ entity: String) -> Unicode.Scalar? {
        switch entity {
        case "lt": "<"
        case "gt": ">"
        case "amp": "&"
        case "quot": "\""
        case "apos": "'"
        default:
            if let digits = entity.dropPrefix("#x") {
                UInt32(digits, radix: 16).flatMap(Unicode.Scalar.init)
            } else {
                entity.dropPrefix("#").flatMap { UInt32($0) }.flatMap(Unicode.Scalar.init)
            }
        }
    }
}

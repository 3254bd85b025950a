// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Text armour around bytes (RFC 7468, with the headers of RFC 1421 passed over).
enum PEMText {
    struct Block {
        let type: String
        let bytes: [UInt8]
    }

    /// The next whole block; broken ones are passed over. Nil, and `text` as it was, when there is none.
    static func next(_ text: inout Substring) -> Block? {
        var rest = text
        while let begin = rest.firstRange(of: "-----BEGIN ") {
            let startsLine = begin.lowerBound == text.startIndex || text[text.index(before: begin.lowerBound)].isNewline
            let line = rest[begin.upperBound...].prefix { !$0.isNewline }
            rest = rest[line.endIndex...]
            let head = line.reversed().drop { $0 == " " || $0 == "\t" }.reversed()
            guard startsLine, String(head).hasSuffix("-----") else { continue }
            let type = String(String(head).dropLast(5))
            guard
                let end = rest.firstRange(of: "\n-----END \(type)-----")
                    ?? rest.firstRange(of: "\r\n-----END \(type)-----")
            else { continue }
            var body = rest[..<end.lowerBound]
            body = body.drop { $0.isNewline }
            if let blank = body.firstRange(of: "\n\n") ?? body.firstRange(of: "\r\n\r\n"),
                body[..<blank.lowerBound].contains(":")
            {
                body = body[blank.upperBound...]
            }
            let base = String(body.filter { !$0.isWhitespace })
            guard let bytes = try? Base64.decode(base, url: false) else { continue }
            var after = rest[end.upperBound...].drop { $0 == " " || $0 == "\t" }
            if let newline = after.first, newline.isNewline { after = after.dropFirst() }
            text = after
            return Block(type: type, bytes: bytes)
        }
        return nil
    }

    static func blocks(_ text: String) -> [Block] {
        var rest = text[...]
        var found: [Block] = []
        while let block = next(&rest) { found.append(block) }
        return found
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Text armour around bytes (RFC 7468, with the headers of RFC 1421 passed over), read line by line.
struct PEMText {
    struct Block {
        let type: String
        let bytes: [UInt8]
    }

    private var rest: ArraySlice<UInt8>

    init(_ text: String) { rest = Array(text.utf8)[...] }

    /// Nothing stands after the blocks that were read.
    var isAtEnd: Bool { rest.isEmpty }

    static func blocks(_ text: String) -> [Block] {
        var reader = PEMText(text)
        var found: [Block] = []
        while let block = reader.next() { found.append(block) }
        return found
    }

    /// The next whole block; broken ones are passed over. Nil when there is none.
    mutating func next() -> Block? {
        var type: String?
        var body: [UInt8] = []
        while !rest.isEmpty {
            let line = PEMText.trimmed(rest.prefix { $0 != 0x0A })
            rest = rest[(rest.firstIndex(of: 0x0A).map { $0 + 1 } ?? rest.endIndex)...]
            if let name = PEMText.name(line, "-----BEGIN ") {
                // One that has no end is given up for the one that begins here.
                type = name
                body = []
            } else if let name = PEMText.name(line, "-----END ") {
                if name == type, let bytes = try? Base64.decode(String(decoding: body, as: UTF8.self), url: false) {
                    return Block(type: name, bytes: bytes)
                }
                type = nil
            } else if type != nil, !line.contains(0x3A) {
                body += line.filter { $0 != 0x20 && $0 != 0x09 }
            }
        }
        return nil
    }

    private static func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var line = line
        while let last = line.last, last == 0x20 || last == 0x09 || last == 0x0D { line.removeLast() }
        return line
    }

    private static func name(_ line: ArraySlice<UInt8>, _ start: String) -> String? {
        guard line.starts(with: start.utf8), line.count >= start.utf8.count + 5,
            line.suffix(5).allSatisfy({ $0 == 0x2D })
        else { return nil }
        return String(decoding: line.dropFirst(start.utf8.count).dropLast(5), as: UTF8.self)
    }
}

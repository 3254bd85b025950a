// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// The fields of a query or of a form (`application/x-www-form-urlencoded`), in order, bounded in number.
package struct Fields: Sendable, Equatable {
    static let maxFields = 200

    package private(set) var pairs: [(name: String, value: String)] = []

    package init() {}

    /// Text that is not UTF-8 is repaired; what is beyond the bound is ignored.
    package init(encoded text: some StringProtocol) {
        for part in text.utf8.split(separator: UInt8(ascii: "&")).prefix(Self.maxFields) {
            let equals = part.firstIndex(of: UInt8(ascii: "="))
            let name = part[..<(equals ?? part.endIndex)]
            let value = equals.map { part[part.index(after: $0)...] } ?? part[part.endIndex...]
            pairs.append((Self.decode(name, plus: true), Self.decode(value, plus: true)))
        }
    }

    /// The first value without surrounding white space, nil when it is empty or missing.
    package subscript(name: String) -> String? {
        guard let value = pairs.first(where: { $0.name == name })?.value else { return nil }
        let trimmed = Self.trim(value)
        return trimmed.isEmpty ? nil : trimmed
    }

    /// The first value as it was sent, empty when missing: for passwords.
    package func exact(_ name: String) -> String { pairs.first { $0.name == name }?.value ?? "" }

    package func all(_ name: String) -> [String] {
        pairs.filter { $0.name == name }.map { Self.trim($0.value) }.filter { !$0.isEmpty }
    }

    package mutating func add(_ name: String, _ value: String) { pairs.append((name, value)) }

    /// The query text for a link.
    package var encoded: String {
        pairs.map { "\(Self.encode($0.name))=\(Self.encode($0.value))" }.joined(separator: "&")
    }

    package static func == (left: Fields, right: Fields) -> Bool {
        left.pairs.elementsEqual(right.pairs) { $0 == $1 }
    }

    /// Percent decoding; a percent sign without two digits stands for itself.
    static func decode(_ text: some Collection<UInt8>, plus: Bool) -> String {
        var bytes: [UInt8] = []
        var iterator = text.makeIterator()
        var pending: [UInt8] = []
        while let byte = pending.isEmpty ? iterator.next() : pending.removeFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(plus && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
                continue
            }
            while pending.count < 2, let next = iterator.next() { pending.append(next) }
            if pending.count == 2, let decoded = Secrets.bytes(hex: String(decoding: pending, as: UTF8.self)) {
                bytes += decoded
                pending.removeAll()
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Percent encoding of everything but the unreserved characters of RFC 3986.
    static func encode(_ text: String) -> String {
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                bytes.append(byte)
            default:
                bytes.append(UInt8(ascii: "%"))
                bytes += Array(Secrets.hex([byte]).uppercased().utf8)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func trim(_ text: String) -> String {
        let scalars = text.unicodeScalars
        guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
            let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
        else { return "" }
        return String(scalars[first...last])
    }
}

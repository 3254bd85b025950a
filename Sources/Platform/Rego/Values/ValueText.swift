// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

extension Value {
    /// The value as Rego writes it: what `%v` of a composite prints, and how terms stand in messages.
    package var regoText: String {
        var text: [UInt8] = []
        writeRego(to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// The same, as bytes.
    func writeRego(to text: inout [UInt8]) {
        switch self {
        case .null: text.append("null")
        case .bool(let bool): text.append(bool ? "true" : "false")
        case .int, .number: text.append(numberText)
        case .string(let string): JSONEscape.write(string, to: &text, html: false)
        case .array(let elements):
            text.append(0x5B)
            for (index, element) in elements.enumerated() {
                if index > 0 { text.append(", ") }
                element.writeRego(to: &text)
            }
            text.append(0x5D)
        case .set(let set):
            if set.isEmpty {
                text.append("set()")
                return
            }
            text.append(0x7B)
            for (index, member) in set.members.enumerated() {
                if index > 0 { text.append(", ") }
                member.writeRego(to: &text)
            }
            text.append(0x7D)
        case .object(let object):
            text.append(0x7B)
            for (index, key) in object.keys.enumerated() {
                if index > 0 { text.append(", ") }
                key.writeRego(to: &text)
                text.append(": ")
                object.values[index].writeRego(to: &text)
            }
            text.append(0x7D)
        case .node(let node): Value.writeRego(node, to: &text)
        }
    }

    private static func writeRego(_ node: Node, to text: inout [UInt8]) {
        switch node.kind {
        case .null: text.append("null")
        case .bool: text.append(node.bool == true ? "true" : "false")
        case .number: node.withUTF8 { text.append(contentsOf: $0) }
        case .string: node.withUTF8 { JSONEscape.write($0, to: &text, html: false) }
        case .array:
            text.append(0x5B)
            var isFirst = true
            for element in node.elements {
                if !isFirst { text.append(", ") }
                isFirst = false
                writeRego(element, to: &text)
            }
            text.append(0x5D)
        case .object:
            text.append(0x7B)
            var isFirst = true
            for (key, value) in node.sortedMembers {
                if !isFirst { text.append(", ") }
                isFirst = false
                JSONEscape.write(key, to: &text, html: false)
                text.append(": ")
                writeRego(value, to: &text)
            }
            text.append(0x7D)
        }
    }

    /// A number as it was written or computed; empty for the rest.
    package var numberText: String {
        switch self {
        case .int(let int): "\(int)"
        case .number(let number): number.text
        case .node(let node): node.number ?? ""
        default: ""
        }
    }
}

extension [UInt8] {
    @inline(__always)
    mutating func append(_ text: String) { append(contentsOf: text.utf8) }
}

/// Text as a JSON string.
enum JSONEscape {
    /// `html`: also escape what Go's encoder escapes for browsers.
    static func write(_ string: String, to text: inout String, html: Bool) {
        var bytes: [UInt8] = []
        write(string, to: &bytes, html: html)
        text += String(decoding: bytes, as: UTF8.self)
    }

    static func write(_ string: String, to text: inout [UInt8], html: Bool) {
        var string = string
        string.withUTF8 { write($0, to: &text, html: html) }
    }

    static func write(_ string: UnsafeBufferPointer<UInt8>, to text: inout [UInt8], html: Bool) {
        text.append(0x22)
        var plain = 0
        var index = 0
        while index < string.count {
            let byte = string[index]
            if byte >= 0x20, byte != 0x22, byte != 0x5C, !html || !isSpecial(byte) {
                index += 1
                continue
            }
            var length = 1
            let escape: String?
            switch byte {
            case 0x22: escape = "\\\""
            case 0x5C: escape = "\\\\"
            case 0x0A: escape = "\\n"
            case 0x0D: escape = "\\r"
            case 0x09: escape = "\\t"
            case 0x08: escape = "\\b"
            case 0x0C: escape = "\\f"
            case 0xE2:
                // U+2028 and U+2029, which end a line in scripts.
                let isSeparator =
                    index + 2 < string.count && string[index + 1] == 0x80 && string[index + 2] & 0xFE == 0xA8
                if isSeparator { length = 3 }
                escape = isSeparator ? unicode(0x2000 + Int(string[index + 2]) - 0x80) : nil
            default: escape = unicode(Int(byte))
            }
            if let escape {
                text.append(contentsOf: string[plain..<index])
                text.append(escape)
                plain = index + length
            }
            index += length
        }
        text.append(contentsOf: string[plain...])
        text.append(0x22)
    }

    /// What only `html` escapes, or may.
    @inline(__always)
    private static func isSpecial(_ byte: UInt8) -> Bool {
        byte == 0x3C || byte == 0x3E || byte == 0x26 || byte == 0xE2
    }

    private static func unicode(_ scalar: Int) -> String {
        let digits = String(scalar, radix: 16)
        return "\\u" + String(repeating: "0", count: max(4 - digits.count, 0)) + digits
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

extension Value {
    /// The value as Rego writes it: what `%v` of a composite prints, and how terms stand in messages.
    package var regoText: String {
        var text = ""
        writeRego(to: &text)
        return text
    }

    private func writeRego(to text: inout String) {
        switch kind {
        case .null: text += "null"
        case .bool: text += isFalse ? "false" : "true"
        case .number: text += numberText
        case .string: JSONEscape.write(self.text ?? "", to: &text, html: false)
        case .array:
            text += "["
            for (index, element) in (elements ?? []).enumerated() {
                if index > 0 { text += ", " }
                element.writeRego(to: &text)
            }
            text += "]"
        case .set:
            let members = setMembers?.members ?? []
            if members.isEmpty {
                text += "set()"
                return
            }
            text += "{"
            for (index, member) in members.enumerated() {
                if index > 0 { text += ", " }
                member.writeRego(to: &text)
            }
            text += "}"
        case .object:
            let object = members ?? ObjectValue()
            text += "{"
            for (index, key) in object.keys.enumerated() {
                if index > 0 { text += ", " }
                key.writeRego(to: &text)
                text += ": "
                object.values[index].writeRego(to: &text)
            }
            text += "}"
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

/// Text as a JSON string.
enum JSONEscape {
    /// `html`: also escape what Go's encoder escapes for browsers.
    static func write(_ string: String, to text: inout String, html: Bool) {
        text += "\""
        var plain = string.unicodeScalars.startIndex
        let scalars = string.unicodeScalars
        var index = plain
        while index < scalars.endIndex {
            let scalar = scalars[index]
            let escape: String?
            switch scalar {
            case "\"": escape = "\\\""
            case "\\": escape = "\\\\"
            case "\n": escape = "\\n"
            case "\r": escape = "\\r"
            case "\t": escape = "\\t"
            case "\u{8}": escape = html ? "\\b" : "\\b"
            case "\u{C}": escape = "\\f"
            case "<", ">", "&": escape = html ? unicode(scalar) : nil
            case "\u{2028}", "\u{2029}": escape = html ? unicode(scalar) : nil
            default: escape = scalar.value < 0x20 ? unicode(scalar) : nil
            }
            let next = scalars.index(after: index)
            if let escape {
                text.unicodeScalars.append(contentsOf: scalars[plain..<index])
                text += escape
                plain = next
            }
            index = next
        }
        text.unicodeScalars.append(contentsOf: scalars[plain...])
        text += "\""
    }

    private static func unicode(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16)
        return "\\u" + String(repeating: "0", count: max(4 - digits.count, 0)) + digits
    }
}

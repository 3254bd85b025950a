// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// The text of a value that stands as evidence in a result.
///
/// Checks about credentials mask their whole value. The values of other checks are shown, but people keep credentials in places
/// that are not meant for them, so whatever looks like one is masked wherever it stands: a well-known form, an entry whose name
/// says so, or an address with a password in it.
enum Evidence {
    /// Bytes of a value that are shown.
    private static let limit = 200
    private static let depth = 6

    static func text(_ node: Node, _ masking: Masking) -> String {
        let json = node.json(limit: limit)
        switch node.kind {
        case .null, .bool, .number: return json
        case .string, .array, .object: if !isSuspicious(json) { return json }
        }
        var text = ""
        write(node, masking, &text, depth)
        guard text.utf8.count > limit else { return text }
        return String(decoding: text.utf8.prefix(limit), as: UTF8.self) + "…"
    }

    /// Whether a text has to be looked at closely. Nearly all evidence has none of these beginnings, and for 50,000 pods the
    /// question has to be cheap: the last four bytes as one number, letters in lower case.
    private static func isSuspicious(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { bytes in
            var window: UInt32 = 0
            for byte in bytes {
                let isUpper = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
                window = window << 8 | UInt32(isUpper ? byte | 0x20 : byte)
                switch window {
                // pass, secr, toke, cred, gith, glpa, xoxb, sk_l, four dashes
                case 0x7061_7373, 0x7365_6372, 0x746F_6B65, 0x6372_6564, 0x6769_7468, 0x676C_7061, 0x786F_7862,
                    0x736B_5F6C, 0x2D2D_2D2D:
                    return true
                // akia, asia, aiza, ghp_, gho_
                case 0x616B_6961, 0x6173_6961, 0x6169_7A61, 0x6768_705F, 0x6768_6F5F: return true
                default: break
                }
                switch window & 0xFF_FFFF {
                // key, pwd, ://
                case 0x6B_6579, 0x70_7764, 0x3A_2F2F: return true
                default: break
                }
            }
            return false
        }
    }

    private static func write(_ node: Node, _ masking: Masking, _ text: inout String, _ depth: Int) {
        guard text.utf8.count <= limit else { return }
        switch node.kind {
        case .string:
            let value = node.string ?? ""
            text += givesAway(value) ? masking.mask(node) : node.json(limit: limit)
        case .array:
            guard depth > 0 else { return text += "[…]" }
            text += "["
            var isFirst = true
            for element in node.elements {
                if !isFirst { text += "," }
                isFirst = false
                write(element, masking, &text, depth - 1)
            }
            text += "]"
        case .object:
            guard depth > 0 else { return text += "{…}" }
            text += "{"
            var isFirst = true
            for (key, value) in node.members {
                let name = key.string
                if !isFirst { text += "," }
                isFirst = false
                text += quoted(name) + ":"
                if let string = value.string, Credentials.isCredential(name: name, value: string) {
                    text += masking.mask(value)
                } else {
                    write(value, masking, &text, depth - 1)
                }
            }
            text += "}"
        case .null, .bool, .number:
            text += node.json(limit: limit)
        }
    }

    /// A well-known form of a credential, or an address that holds one: `https://name:password@host`.
    private static func givesAway(_ value: String) -> Bool {
        if Credentials.holdsKey(value) { return true }
        guard let at = value.firstIndex(of: "@"), let colons = value.firstRange(of: "://"), colons.upperBound < at
        else {
            return false
        }
        return true
    }

    private static func quoted(_ key: String) -> String {
        var text = "\""
        for character in key.unicodeScalars {
            switch character {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\u{0}"..."\u{1F}": text += " "
            default: text.unicodeScalars.append(character)
            }
        }
        return text + "\""
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Text for terminals: what a manifest says is shown, never obeyed, and takes the columns we think it takes.
package enum DisplayText {
    /// The text with every control, bidirectional override, invisible or line-separating character replaced by a visible
    /// escape such as `\x1b` or `\u{202e}`.
    package static func safe(_ text: String) -> String {
        if isPlain(text) { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            if let escape = escape(scalar) { result += escape } else { result.unicodeScalars.append(scalar) }
        }
        return result
    }

    /// Whether the text is printable ASCII alone, as nearly all of it is: a byte is a column then.
    static func isPlain(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { source in
            var others: UInt8 = 0
            // Without a way out the loop becomes a few vector instructions.
            for byte in source { others |= (byte &- 0x20) < 0x5f ? 0 : 1 }
            return others == 0
        }
    }

    /// How a scalar is made visible; nil when it may be shown as it is.
    static func escape(_ scalar: Unicode.Scalar) -> String? {
        switch scalar.value {
        case 0x0a: return "\\n"
        case 0x0d: return "\\r"
        case 0x09: return "\\t"
        case 0x00..<0x20, 0x7f..<0xa0:
            return scalar.value < 0x10 ? "\\x0\(hex(scalar))" : "\\x\(hex(scalar))"
        case 0x20..<0x7f: return nil
        case 0x200d: return nil  // joins emoji; harmless by itself
        default:
            switch scalar.properties.generalCategory {
            case .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse: return "\\u{\(hex(scalar))}"
            case .unassigned where scalar.properties.isNoncharacterCodePoint: return "\\u{\(hex(scalar))}"
            default: return nil
            }
        }
    }

    private static func hex(_ scalar: Unicode.Scalar) -> String { String(scalar.value, radix: 16) }

    // MARK: Width

    /// The columns a terminal gives the text.
    package static func width(_ text: String) -> Int {
        if isPlain(text) { return text.utf8.count }
        return text.reduce(0) { $0 + width($1) }
    }

    static func width(_ character: Character) -> Int {
        if character.isASCII { return character == "\r\n" ? 2 : 1 }
        var widest = 0
        for scalar in character.unicodeScalars {
            // A variation selector 16 asks for the wide, coloured form.
            if scalar.value == 0xfe0f { widest = max(widest, 2) }
            widest = max(widest, width(scalar))
        }
        return widest
    }

    private static func width(_ scalar: Unicode.Scalar) -> Int {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: break
        }
        if scalar.properties.isEmojiPresentation { return 2 }
        return isWide(scalar.value) ? 2 : 1
    }

    /// The blocks whose characters Unicode's EastAsianWidth calls wide or full-width (UAX 11).
    private static func isWide(_ value: UInt32) -> Bool {
        guard value >= 0x1100 else { return false }
        switch value {
        case 0x1100...0x115f, 0x2e80...0x303e, 0x3041...0x33ff, 0x3400...0x4dbf, 0x4e00...0x9fff, 0xa000...0xa4cf,
            0xa960...0xa97f, 0xac00...0xd7a3, 0xf900...0xfaff, 0xfe10...0xfe19, 0xfe30...0xfe6f, 0xff01...0xff60,
            0xffe0...0xffe6, 0x16fe0...0x18aff, 0x1aff0...0x1b2ff, 0x1f200...0x1f2ff, 0x20000...0x3fffd:
            return true
        default: return false
        }
    }

    // MARK: Fitting

    /// The text in at most `columns`, cut with `…` at its end.
    package static func cut(_ text: String, to columns: Int) -> String {
        if text.utf8.count <= columns || width(text) <= columns { return text }
        guard columns > 0 else { return "" }
        if isPlain(text) { return String(decoding: text.utf8.prefix(columns - 1), as: UTF8.self) + "…" }
        var (result, used) = ("", 0)
        for character in text {
            let next = width(character)
            if used + next > columns - 1 { break }
            result.append(character)
            used += next
        }
        return result + "…"
    }

    /// As `cut`, at its start: of long paths the end tells more.
    package static func cutStart(_ text: String, to columns: Int) -> String {
        if text.utf8.count <= columns || width(text) <= columns { return text }
        guard columns > 0 else { return "" }
        if isPlain(text) { return "…" + String(decoding: text.utf8.suffix(columns - 1), as: UTF8.self) }
        var (kept, used) = ([Character](), 0)
        for character in text.reversed() {
            let next = width(character)
            if used + next > columns - 1 { break }
            kept.append(character)
            used += next
        }
        return "…" + String(kept.reversed())
    }

    /// Breaks text at its spaces into lines of at most `columns`; a longer word is broken where it must be.
    package static func wrap(_ text: String, to columns: Int) -> [String] {
        let columns = max(columns, 2)
        if text.utf8.count <= columns { return [text] }
        var lines: [String] = []
        var (line, used) = ("", 0)
        for word in text.split(separator: " ") {
            let length = width(String(word))
            if used > 0, used + 1 + length <= columns {
                line += " " + word
                used += 1 + length
                continue
            }
            if used > 0 { lines.append(line) }
            (line, used) = ("", 0)
            if length <= columns {
                (line, used) = (String(word), length)
                continue
            }
            for character in word {
                let next = width(character)
                if used + next > columns {
                    lines.append(line)
                    (line, used) = ("", 0)
                }
                line.append(character)
                used += next
            }
        }
        if used > 0 || lines.isEmpty { lines.append(line) }
        return lines
    }

    /// The text followed by spaces up to `columns`, or after them when it is aligned to the right.
    package static func pad(_ text: String, to columns: Int, right: Bool = false) -> String {
        let gap = String(repeating: " ", count: max(0, columns - width(text)))
        return right ? gap + text : text + gap
    }
}

/// Terminal colours; without colour every style leaves the text alone. Style only text that is already safe and fitted.
package struct TerminalStyle: Sendable {
    package enum Ink: String, Sendable {
        case bold = "1"
        case faint = "2"
        case critical = "1;31"
        case high = "31"
        case medium = "33"
        case low = "36"
        case pass = "32"
        case error = "1;35"
        case plain = ""
    }

    package let isOn: Bool

    package init(isOn: Bool) { self.isOn = isOn }

    package func apply(_ ink: Ink, _ text: String) -> String {
        isOn && ink != .plain && !text.isEmpty ? "\u{1b}[\(ink.rawValue)m\(text)\u{1b}[0m" : text
    }
}

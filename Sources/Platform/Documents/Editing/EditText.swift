// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Writes values as text in the style of their surroundings.
struct EditText {
    /// JSON's syntax for keys and strings everywhere.
    var isJSON: Bool
    var newline: String
    /// Columns by which a nested collection stands deeper.
    var unit: Int
    /// Whether a sequence stands deeper than the key it belongs to.
    var indentsSequences: Bool
    /// No space behind `:` and `,` in flow style.
    var isCompact = false

    // MARK: Scalars

    func key(_ key: String, quoted: Bool) -> String {
        !isJSON && !quoted && Self.isPlain(key) ? key : Self.quoted(key)
    }

    func scalar(_ value: EditValue, style: Outline.Style = .plain) -> String {
        switch value {
        case .null: return "null"
        case .bool(let value): return value ? "true" : "false"
        case .number(let text): return text
        case .array: return "[]"
        case .object: return "{}"
        case .string(let text):
            if isJSON || style == .double { return Self.quoted(text) }
            let printable = text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value < 0x7F }
            if style == .single, printable { return "'" + text.replacing("'", with: "''") + "'" }
            return Self.isPlain(text) ? text : Self.quoted(text)
        }
    }

    /// Whether a text can stand without quotes and means itself to every reader of YAML 1.1 and 1.2.
    static func isPlain(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, let last = bytes.last, bytes.count <= 120, last != 0x3A else { return false }
        func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte & 0xDF) }
        func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
        guard isLetter(first) || first == 0x2F || first == 0x5F else { return false }
        guard bytes.allSatisfy({ isLetter($0) || isDigit($0) || "_./:@+-".utf8.contains($0) }) else { return false }
        return bytes.withUnsafeBufferPointer { if case .text = YAMLScalar.implicit($0) { true } else { false } }
    }

    /// A string in JSON's double quotes, which YAML reads alike.
    static func quoted(_ text: String) -> String {
        var out = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": out += "\\\""
            case "\\": out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            case _
            where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) || scalar.value == 0xFEFF
                || scalar.value == 0x2028 || scalar.value == 0x2029:
                let digits = String(scalar.value, radix: 16)
                out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out + "\""
    }

    // MARK: Flow style

    /// A value in flow style. With `indent`, collections are spread over lines that start with it.
    func flow(_ value: EditValue, quotesKeys: Bool = false, indent: String? = nil, step: String = "") -> String {
        let parts: [String]
        let braces: (String, String)
        let deeper = indent.map { $0 + step }
        switch value {
        case .array(let elements) where !elements.isEmpty:
            braces = ("[", "]")
            parts = elements.map { flow($0, quotesKeys: quotesKeys, indent: deeper, step: step) }
        case .object(let members) where !members.isEmpty:
            braces = ("{", "}")
            parts = members.map { member($0.key, $0.value, quotesKeys: quotesKeys, indent: deeper, step: step) }
        default: return scalar(value)
        }
        if let indent, let deeper {
            return braces.0 + newline + deeper + parts.joined(separator: "," + newline + deeper) + newline + indent
                + braces.1
        }
        return braces.0 + parts.joined(separator: isCompact ? "," : ", ") + braces.1
    }

    func member(
        _ key: String, _ value: EditValue, quotesKeys: Bool, indent: String? = nil, step: String = ""
    ) -> String {
        let value = flow(value, quotesKeys: quotesKeys, indent: indent, step: step)
        // Without the space YAML needs quotes before the colon.
        let quotes = quotesKeys || isCompact
        return self.key(key, quoted: quotes) + (isCompact ? ":" : ": ") + value
    }

    // MARK: Block style

    /// `key: value` whose key stands in `column`; more lines follow where the value is a collection.
    func lines(_ key: String, _ value: EditValue, quotesKeys: Bool, column: Int) -> [String] {
        let name = pad(column) + self.key(key, quoted: quotesKeys) + ":"
        guard value.isCollection else { return [name + " " + scalar(value)] }
        return [name] + lines(value, under: column, quotesKeys: quotesKeys)
    }

    /// A collection below a key in `column`.
    func lines(_ value: EditValue, under column: Int, quotesKeys: Bool) -> [String] {
        if case .array = value {
            return lines(value, column: column + (indentsSequences ? unit : 0), quotesKeys: quotesKeys)
        }
        return lines(value, column: column + unit, quotesKeys: quotesKeys)
    }

    /// A collection whose keys or dashes stand in `column`.
    func lines(_ value: EditValue, column: Int, quotesKeys: Bool) -> [String] {
        switch value {
        case .object(let members) where !members.isEmpty:
            return members.flatMap { lines($0.key, $0.value, quotesKeys: quotesKeys, column: column) }
        case .array(let elements) where !elements.isEmpty:
            return elements.flatMap { item($0, column: column, quotesKeys: quotesKeys) }
        default: return [pad(column) + scalar(value)]
        }
    }

    /// `- value` whose dash stands in `column`.
    func item(_ value: EditValue, column: Int, quotesKeys: Bool) -> [String] {
        var lines = self.lines(value, column: column + 2, quotesKeys: quotesKeys)
        lines[0] = pad(column) + "- " + lines[0].dropFirst(column + 2)
        return lines
    }

    func pad(_ column: Int) -> String { String(repeating: " ", count: column) }
}

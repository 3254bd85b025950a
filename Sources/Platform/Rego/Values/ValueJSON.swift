// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

extension Value {
    /// Compact JSON, keys in order; sets are arrays, keys that are no strings their own text.
    package var json: String {
        var text = ""
        JSONLayout().write(self, to: &text, depth: 0)
        return text
    }

    /// JSON with two spaces for each level.
    package var prettyJSON: String {
        var text = ""
        JSONLayout(indent: "  ").write(self, to: &text, depth: 0)
        return text
    }
}

/// How JSON is laid out.
struct JSONLayout {
    /// Nil is all on one line.
    var indent: String?
    var prefix = ""
    /// Escape `<`, `>` and `&`, as Go's encoder does.
    var html = false

    func write(_ value: Value, to text: inout String, depth: Int) {
        switch value.kind {
        case .null: text += "null"
        case .bool: text += value.isFalse ? "false" : "true"
        case .number: text += value.numberText
        case .string: JSONEscape.write(value.text ?? "", to: &text, html: html)
        case .array: sequence(value.elements ?? [], &text, depth)
        case .set: sequence(value.setMembers?.members ?? [], &text, depth)
        case .object:
            let object = value.members ?? ObjectValue()
            if object.isEmpty {
                text += "{}"
                return
            }
            text += "{"
            for (index, key) in object.keys.enumerated() {
                if index > 0 { text += "," }
                line(&text, depth + 1)
                JSONEscape.write(key.text ?? key.json, to: &text, html: html)
                text += indent == nil ? ":" : ": "
                write(object.values[index], to: &text, depth: depth + 1)
            }
            line(&text, depth)
            text += "}"
        }
    }

    private func sequence(_ elements: [Value], _ text: inout String, _ depth: Int) {
        if elements.isEmpty {
            text += "[]"
            return
        }
        text += "["
        for (index, element) in elements.enumerated() {
            if index > 0 { text += "," }
            line(&text, depth + 1)
            write(element, to: &text, depth: depth + 1)
        }
        line(&text, depth)
        text += "]"
    }

    private func line(_ text: inout String, _ depth: Int) {
        guard let indent else { return }
        text += "\n" + prefix + String(repeating: indent, count: depth)
    }
}

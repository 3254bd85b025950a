// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

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
        var bytes: [UInt8] = []
        write(value, to: &bytes, depth: depth)
        text += String(decoding: bytes, as: UTF8.self)
    }

    private func write(_ value: Value, to text: inout [UInt8], depth: Int) {
        switch value {
        case .null: text.append("null")
        case .bool(let bool): text.append(bool ? "true" : "false")
        case .int, .number: text.append(value.numberText)
        case .string(let string): JSONEscape.write(string, to: &text, html: html)
        case .array(let elements): sequence(elements, &text, depth)
        case .set(let set): sequence(set.members, &text, depth)
        case .object(let object):
            if object.isEmpty {
                text.append("{}")
                return
            }
            text.append(0x7B)
            for (index, key) in object.keys.enumerated() {
                if index > 0 { text.append(0x2C) }
                line(&text, depth + 1)
                JSONEscape.write(key.text ?? key.json, to: &text, html: html)
                text.append(indent == nil ? ":" : ": ")
                write(object.values[index], to: &text, depth: depth + 1)
            }
            line(&text, depth)
            text.append(0x7D)
        case .node(let node): write(node, to: &text, depth: depth)
        }
    }

    private func write(_ node: Node, to text: inout [UInt8], depth: Int) {
        switch node.kind {
        case .null: text.append("null")
        case .bool: text.append(node.bool == true ? "true" : "false")
        case .number: node.withUTF8 { text.append(contentsOf: $0) }
        case .string: node.withUTF8 { JSONEscape.write($0, to: &text, html: html) }
        case .array:
            text.append(0x5B)
            var isFirst = true
            for element in node.elements {
                if !isFirst { text.append(0x2C) }
                isFirst = false
                line(&text, depth + 1)
                write(element, to: &text, depth: depth + 1)
            }
            if !isFirst { line(&text, depth) }
            text.append(0x5D)
        case .object:
            text.append(0x7B)
            var isFirst = true
            for (key, value) in node.sortedMembers {
                if !isFirst { text.append(0x2C) }
                isFirst = false
                line(&text, depth + 1)
                JSONEscape.write(key, to: &text, html: html)
                text.append(indent == nil ? ":" : ": ")
                write(value, to: &text, depth: depth + 1)
            }
            if !isFirst { line(&text, depth) }
            text.append(0x7D)
        }
    }

    private func sequence(_ elements: [Value], _ text: inout [UInt8], _ depth: Int) {
        text.append(0x5B)
        for (index, element) in elements.enumerated() {
            if index > 0 { text.append(0x2C) }
            line(&text, depth + 1)
            write(element, to: &text, depth: depth + 1)
        }
        if !elements.isEmpty { line(&text, depth) }
        text.append(0x5D)
    }

    private func line(_ text: inout [UInt8], _ depth: Int) {
        guard let indent else { return }
        text.append("\n" + prefix + String(repeating: indent, count: depth))
    }
}

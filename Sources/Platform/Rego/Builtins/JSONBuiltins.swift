// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

extension BuiltinTable {
    mutating func addJSON() {
        one("json.marshal") { value, context in
            var text = ""
            JSONLayout(html: true).write(value, to: &text, depth: 0)
            try context.spend(text.utf8.count)
            return .string(text)
        }
        two("json.marshal_with_options", [], [.object]) { value, options, context in
            let options = try options.object(2)
            var layout = JSONLayout(indent: "\t", html: true)
            var isPretty: Bool?
            for (key, option) in zip(options.keys, options.values) {
                switch key.text {
                case "pretty": isPretty = try option.boolean(2)
                case "indent": layout.indent = try option.string(2)
                case "prefix": layout.prefix = try option.string(2)
                default:
                    throw BuiltinError(.type, "object contained unknown key \(key.regoText)")
                }
            }
            let isAsked = options["indent"] != nil || options["prefix"] != nil
            if !(isPretty ?? isAsked) { layout = JSONLayout(html: true) }
            var text = layout.indent == nil ? "" : layout.prefix
            layout.write(value, to: &text, depth: 0)
            try context.spend(text.utf8.count)
            return .string(text)
        }
        one("json.unmarshal", [.string]) { value, context in
            try Texts.document(try value.string(1), json: true, context)
        }
        one("json.is_valid") { value, context in
            guard let text = value.text else { return .bool(false) }
            return .bool((try? Texts.document(text, json: true, context)) != nil)
        }
        one("yaml.unmarshal", [.string]) { value, context in
            try Texts.document(try value.string(1), json: false, context)
        }
        one("yaml.is_valid") { value, context in
            guard let text = value.text else { return .bool(false) }
            return .bool((try? Texts.document(text, json: false, context)) != nil)
        }
        one("yaml.marshal") { value, context in
            var writer = YAMLWriter()
            writer.write(value, depth: 0)
            try context.spend(writer.text.utf8.count)
            return .string(writer.text)
        }
    }
}

extension Texts {
    /// A document that stands in a string. Of equal keys the last counts, as in Go.
    static func document(_ text: String, json: Bool, _ context: BuiltinContext) throws -> Value {
        try context.spend(text.utf8.count * 4)
        let limits = DocumentLimits(maxBytes: 16 << 20)
        let bytes = Array(text.utf8)
        do throws(DocumentError) {
            if json {
                return .node(try JSONReader.read(bytes, source: "string", limits: limits, duplicateKeys: .last).root)
            }
            var reader = YAMLReader(bytes, source: "yaml", limits: limits)
            guard let first = reader.next() else { return .null }
            return .node(try first.get().root)
        } catch {
            let place = json ? "" : "yaml: line \(error.line): "
            throw BuiltinError(.builtin, place + error.message)
        }
    }
}

/// Block style YAML with keys in order.
struct YAMLWriter {
    private(set) var text = ""

    mutating func write(_ value: Value, depth: Int, inSequence: Bool = false) {
        if let elements = value.elements ?? value.setMembers?.members {
            if elements.isEmpty {
                text += "[]\n"
                return
            }
            for (index, element) in elements.enumerated() {
                if index > 0 || !inSequence { indent(depth) }
                text += "- "
                write(element, depth: depth + 1, inSequence: true)
            }
        } else if let object = value.members {
            if object.isEmpty {
                text += "{}\n"
                return
            }
            for (index, key) in object.keys.enumerated() {
                if index > 0 || !inSequence { indent(depth) }
                text += scalar(.string(key.text ?? key.json)) + ":"
                let member = object.values[index]
                let isNested = (member.count ?? 0) > 0 && member.kind != .string
                if !isNested {
                    text += " "
                    write(member, depth: depth)
                } else {
                    text += "\n"
                    // A list stands below its key without further indentation.
                    write(member, depth: member.kind == .object ? depth + 1 : depth)
                }
            }
        } else {
            text += scalar(value) + "\n"
        }
    }

    private mutating func indent(_ depth: Int) { text += String(repeating: "  ", count: depth) }

    private func scalar(_ value: Value) -> String {
        guard let string = value.text else { return value.json }
        if YAMLWriter.isPlain(string) { return string }
        if string.unicodeScalars.contains(where: { $0.value < 0x20 }) {
            var quoted = ""
            JSONEscape.write(string, to: &quoted, html: false)
            return quoted
        }
        // Read as another kind of value without quotes.
        return "\"" + string.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }

    /// Reads back as the same string without quotes.
    private static func isPlain(_ text: String) -> Bool {
        guard !text.isEmpty, !text.contains(": "), !text.contains(" #"), !text.hasSuffix(":"), !text.hasSuffix(" "),
            !text.hasPrefix(" "), let first = text.unicodeScalars.first,
            !"!&*-?|>@`%{}[],#:'\"=~<.0123456789+".unicodeScalars.contains(first)
        else { return false }
        let words: Set<String> = [
            "true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf",
        ]
        return !words.contains(text.lowercased()) && !text.unicodeScalars.contains { $0.value < 0x20 }
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Rego

/// Values as YAML in blocks. Texts are quoted as in JSON, which YAML reads the same, so nothing becomes what it was not.
enum YAMLText {
    static func text(_ value: Value) -> String {
        var text = ""
        write(value, "", to: &text)
        return text
    }

    private static func write(_ value: Value, _ indent: String, to text: inout String) {
        if let object = value.members, !object.isEmpty {
            for (index, (key, member)) in zip(object.keys, object.values).enumerated() {
                if index > 0 { text += indent }
                text += key.json + ":"
                writeBelow(member, indent, to: &text)
            }
        } else if let elements = value.elements ?? value.setMembers?.members, !elements.isEmpty {
            for (index, element) in elements.enumerated() {
                if index > 0 { text += indent }
                text += "- "
                write(element, indent + "  ", to: &text)
            }
        } else {
            text += value.json + "\n"
        }
    }

    private static func writeBelow(_ member: Value, _ indent: String, to text: inout String) {
        let isBlock =
            member.members?.isEmpty == false || (member.elements ?? member.setMembers?.members)?.isEmpty == false
        text += isBlock ? "\n\(indent)  " : " "
        write(member, indent + "  ", to: &text)
    }
}

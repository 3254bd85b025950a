// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import NIOCore

/// A part of a Kubernetes object that we write: in order, as JSON for a server or as YAML for a person.
package indirect enum ManifestValue: Sendable, Equatable, ExpressibleByStringLiteral, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral
{
    case string(String)
    case int(Int)
    case bool(Bool)
    case array([ManifestValue])
    case object([(key: String, value: ManifestValue)])
    /// What somebody else wrote, as it is.
    case node(Node)

    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int) { self = .int(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(arrayLiteral elements: ManifestValue...) { self = .array(elements) }
    package init(dictionaryLiteral elements: (String, ManifestValue)...) {
        self = .object(elements.map { ($0.0, $0.1) })
    }

    package static func strings(_ texts: [String]) -> ManifestValue { .array(texts.map { .string($0) }) }

    package static func == (left: ManifestValue, right: ManifestValue) -> Bool { left.json == right.json }

    /// The member of an object.
    package subscript(key: String) -> ManifestValue? {
        get { if case .object(let members) = self { members.first { $0.key == key }?.value } else { nil } }
        set {
            guard case .object(var members) = self else { return }
            members.removeAll { $0.key == key }
            if let newValue { members.append((key, newValue)) }
            self = .object(members)
        }
    }

    package var json: String {
        var buffer = ByteBuffer()
        writeJSON(to: &buffer)
        return String(buffer: buffer)
    }

    private func writeJSON(to buffer: inout ByteBuffer) {
        switch self {
        case .string(let text): ReviewWriter.quote(text, to: &buffer)
        case .int(let value): buffer.writeString(String(value))
        case .bool(let value): buffer.writeString(value ? "true" : "false")
        case .array(let elements):
            buffer.writeString("[")
            for (index, element) in elements.enumerated() {
                if index > 0 { buffer.writeString(",") }
                element.writeJSON(to: &buffer)
            }
            buffer.writeString("]")
        case .object(let members):
            buffer.writeString("{")
            for (index, member) in members.enumerated() {
                if index > 0 { buffer.writeString(",") }
                ReviewWriter.quote(member.key, to: &buffer)
                buffer.writeString(":")
                member.value.writeJSON(to: &buffer)
            }
            buffer.writeString("}")
        case .node(let node): buffer.writeString(node.json())
        }
    }

    /// Block style, each line with its end.
    package var yaml: String { yaml(indent: 0) }

    private func yaml(indent: Int) -> String {
        let space = String(repeating: " ", count: indent)
        switch self {
        case .object(let members) where !members.isEmpty:
            return members.map { key, value in
                "\(space)\(Self.scalar(key)):\(value.after(indent))"
            }.joined()
        case .array(let elements) where !elements.isEmpty:
            return elements.map { element in
                switch element {
                case .object(let members) where !members.isEmpty:
                    // The first member stands on the line of the dash.
                    return "\(space)- " + element.yaml(indent: indent + 2).dropFirst(indent + 2)
                case .array(let elements) where !elements.isEmpty:
                    return "\(space)-\n" + element.yaml(indent: indent + 2)
                default: return "\(space)-\(element.after(indent))"
                }
            }.joined()
        default: return "\(space)\(flow)\n"
        }
    }

    /// What stands behind a key's colon.
    private func after(_ indent: Int) -> String {
        switch self {
        case .object(let members) where !members.isEmpty: "\n" + yaml(indent: indent + 2)
        case .array(let elements) where !elements.isEmpty: "\n" + yaml(indent: indent)
        default: " \(flow)\n"
        }
    }

    private var flow: String {
        switch self {
        case .string(let text): Self.scalar(text)
        case .array: "[]"
        case .object: "{}"
        default: json
        }
    }

    /// Plain where no reader could take it for anything but this string, as JSON otherwise.
    private static func scalar(_ text: String) -> String {
        let isPlain =
            text.utf8.first.map { ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7a } == true
            && text.utf8.allSatisfy { byte in
                (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a || byte >= 0x30 && byte <= 0x39
                    || [0x2d, 0x2e, 0x2f, 0x5f].contains(byte)
            }
        let words = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
        return isPlain && !words.contains(text.lowercased()) ? text : ManifestValue.string(text).json
    }

    /// Whether a server's object says exactly this: the same keys in any order, the same elements in the same order.
    package func matches(_ node: Node?) -> Bool {
        guard let node else { return false }
        switch self {
        case .string(let text): return node.string == text
        case .int(let value): return node.int == value
        case .bool(let value): return node.bool == value
        case .array(let elements):
            guard node.isArray, node.count == elements.count else { return false }
            return zip(elements, node.elements).allSatisfy { $0.matches($1) }
        case .object(let members):
            guard node.isObject, node.count == members.count else { return false }
            return members.allSatisfy { $0.value.matches(node[dynamic: $0.key]) }
        case .node(let wanted): return wanted.json() == node.json()
        }
    }
}

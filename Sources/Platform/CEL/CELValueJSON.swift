// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

extension CELValue {
    /// JSON for people and programs: bytes as base64, times and the other kinds as their text.
    package var json: String {
        switch resolved {
        case .null: return "null"
        case .bool, .int, .uint: return CELText.plain(self)
        case .double(let double): return double.isFinite ? CELText.number(double) : quoted(CELText.number(double))
        case .bytes(let bytes): return quoted(CELBase64.encode(bytes))
        case .list(let elements): return "[" + elements.map(\.json).joined(separator: ",") + "]"
        case .map(let map):
            return "{" + map.entries.map { "\(quoted(CELText.plain($0.key))):\($0.value.json)" }.joined(separator: ",")
                + "}"
        case .optional(let inner): return inner?.json ?? "null"
        default: return quoted(CELText.plain(self))
        }
    }

    private func quoted(_ text: String) -> String { EditValue.string(text).json }

    /// `{"int": "5"}`, `{"list": […]}`: JSON that keeps the types apart.
    package var taggedJSON: String {
        func tagged(_ name: String, _ text: String) -> String { "{\"\(name)\":\(quoted(text))}" }
        switch resolved {
        case .null: return "{\"null\":null}"
        case .bool(let bool): return "{\"bool\":\(bool)}"
        case .int(let int): return tagged("int", "\(int)")
        case .uint(let uint): return tagged("uint", "\(uint)")
        case .double(let double):
            return tagged(
                "double", double.isNaN ? "nan" : double.isInfinite ? (double < 0 ? "-inf" : "inf") : "\(double)")
        case .string(let text): return tagged("string", text)
        case .bytes(let bytes): return tagged("bytes", CELBase64.encode(bytes))
        case .list(let elements): return "{\"list\":[\(elements.map(\.taggedJSON).joined(separator: ","))]}"
        case .map(let map):
            let entries = map.entries.map { "[\($0.key.taggedJSON),\($0.value.taggedJSON)]" }
            return "{\"map\":[\(entries.joined(separator: ","))]}"
        case .timestamp(let time): return "{\"timestamp\":[\(time.seconds),\(time.nanoseconds)]}"
        case .duration(let span): return "{\"duration\":[\(span.seconds),\(span.nanoseconds)]}"
        case .type(let name): return tagged("type", name)
        case .optional(let inner): return "{\"optional\":\(inner?.taggedJSON ?? "null")}"
        default: return tagged(typeName, CELText.plain(self))
        }
    }

    /// Reads what `taggedJSON` writes.
    package init(tagged node: Node) throws(CELError) {
        guard node.isObject, node.count == 1, let member = node.members.first(where: { _ in true }) else {
            throw CELError(.syntax, "a value is an object with one member that names its type")
        }
        let value = member.value
        let text = value.string ?? ""
        func time() -> CELTime {
            CELTime(seconds: value[0]?.int ?? 0, nanoseconds: value[1]?.int ?? 0)
        }
        switch member.key.string {
        case "null": self = .null
        case "bool": self = .bool(value.bool == true)
        case "int": self = .int(Int(text) ?? 0)
        case "uint": self = .uint(UInt(text) ?? 0)
        case "double": self = .double(Double(text) ?? .nan)
        case "string": self = .string(text)
        case "bytes": self = .bytes(CELBase64.decode(text) ?? [])
        case "timestamp": self = .timestamp(time())
        case "duration": self = .duration(time())
        case "type": self = .type(text)
        case "list":
            var elements: [CELValue] = []
            for element in value.elements { elements.append(try CELValue(tagged: element)) }
            self = .list(elements)
        case "map":
            var entries: [(CELValue, CELValue)] = []
            for entry in value.elements {
                guard let key = entry[0], let value = entry[1] else {
                    throw CELError(.syntax, "an entry is a key and a value")
                }
                entries.append((try CELValue(tagged: key), try CELValue(tagged: value)))
            }
            self = .map(CELMap(entries))
        case let other: throw CELError(.syntax, "there is no type \(other)")
        }
    }
}

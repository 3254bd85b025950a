// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// What is known of a value before it is there.
package indirect enum CELType: Sendable, Hashable {
    /// Anything: known only at evaluation.
    case dyn
    /// Of an expression with an error that was told already.
    case unknown
    case null
    case bool, int, uint, double, string, bytes
    case timestamp, duration
    case list(CELType)
    case map(CELType, CELType)
    /// The type of a type: `int` itself is `type(int)`.
    case type(CELType)
    /// A scalar or null.
    case wrapper(CELType)
    /// A type of a library by its name: `net.IP`, `optional_type`.
    case opaque(String, [CELType])
    /// An object whose fields are declared, by its name.
    case object(String)
    /// A type that a function's other arguments decide.
    case parameter(String)

    package static func optional(_ type: CELType) -> CELType { .opaque("optional_type", [type]) }

    var isDyn: Bool { self == .dyn }

    /// As messages write it: `list(string)`.
    package var name: String {
        func all(_ types: [CELType]) -> String { "(" + types.map(\.name).joined(separator: ", ") + ")" }
        switch self {
        case .dyn: return "dyn"
        case .unknown: return "!error!"
        case .null: return "null"
        case .bool: return "bool"
        case .int: return "int"
        case .uint: return "uint"
        case .double: return "double"
        case .string: return "string"
        case .bytes: return "bytes"
        case .timestamp: return "google.protobuf.Timestamp"
        case .duration: return "google.protobuf.Duration"
        case .list(let element): return "list(\(element.name))"
        case .map(let key, let value): return "map" + all([key, value])
        case .type(let type): return type.isDyn ? "type" : "type(\(type.name))"
        case .wrapper(let type): return "wrapper(\(type.name))"
        case .opaque(let name, let types): return types.isEmpty ? name : name + all(types)
        case .object(let name): return name
        case .parameter(let name): return name
        }
    }

    /// The optional's inner type, or nil when this is none.
    var unwrapped: CELType? {
        if case .opaque("optional_type", let types) = self { return types.first }
        return nil
    }

    /// Reads what `name` writes, with `timestamp` and `duration` for short; single capital letters are parameters.
    package init?(_ text: some StringProtocol) {
        let text = text.split(separator: " ").joined()
        guard let open = text.firstIndex(of: "(") else {
            self.init(simple: text)
            return
        }
        guard text.last == ")" else { return nil }
        var parts: [CELType] = []
        var depth = 0
        var part = ""
        for character in text[text.index(after: open)...].dropLast() {
            if character == ",", depth == 0 {
                guard let type = CELType(part) else { return nil }
                parts.append(type)
                part = ""
                continue
            }
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            part.append(character)
        }
        guard depth == 0, let last = CELType(part) else { return nil }
        parts.append(last)
        switch (text[..<open], parts.count) {
        case ("list", 1): self = .list(parts[0])
        case ("map", 2): self = .map(parts[0], parts[1])
        case ("type", 1): self = .type(parts[0])
        case ("wrapper", 1): self = .wrapper(parts[0])
        case ("optional", 1), ("optional_type", 1): self = .optional(parts[0])
        case let (name, _): self = .opaque(String(name), parts)
        }
    }

    private init?(simple text: String) {
        switch text {
        case "": return nil
        case "dyn": self = .dyn
        case "null": self = .null
        case "bool": self = .bool
        case "int": self = .int
        case "uint": self = .uint
        case "double": self = .double
        case "string": self = .string
        case "bytes": self = .bytes
        case "list": self = .list(.dyn)
        case "map": self = .map(.dyn, .dyn)
        case "type": self = .type(.dyn)
        case "timestamp", "google.protobuf.Timestamp": self = .timestamp
        case "duration", "google.protobuf.Duration": self = .duration
        case "any", "google.protobuf.Any": self = .dyn
        default:
            if text.utf8.count == 1, text.first?.isUppercase == true {
                self = .parameter(text)
            } else if CELDeclarations.opaque.contains(text) {
                self = .opaque(text, [])
            } else {
                self = .object(text)
            }
        }
    }

    /// Whether a parameter stands anywhere in it.
    var hasParameters: Bool {
        switch self {
        case .parameter: true
        case .list(let type), .type(let type), .wrapper(let type): type.hasParameters
        case .map(let key, let value): key.hasParameters || value.hasParameters
        case .opaque(_, let types): types.contains(where: \.hasParameters)
        default: false
        }
    }
}

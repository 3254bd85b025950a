// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// A compiled expression, ready for any number of evaluations on any thread.
package final class CELProgram: Sendable {
    let expression: CELExpression
    let slotCount: Int
    /// Names are also looked up below this one: `a.b`.
    let container: String
    package let text: String

    /// Steps that one evaluation may take.
    package static let defaultSteps = 1_000_000

    package init(_ text: String, container: String = "") throws(CELError) {
        var parser = try CELParser(text)
        expression = try parser.parse()
        slotCount = parser.slotCount
        self.container = container
        self.text = text
    }

    /// Evaluates with variables that are looked up when the expression comes to them.
    package func evaluate(
        steps: Int = defaultSteps, variables: @escaping (String) throws(CELError) -> CELValue?
    ) throws(CELError) -> CELValue {
        let evaluator = CELEvaluator(self, steps: steps, variables: variables)
        return try evaluator.evaluate(expression)
    }

    package func evaluate(_ variables: [String: CELValue] = [:]) throws(CELError) -> CELValue {
        try evaluate { variables[$0] }
    }

    // MARK: Names

    /// What a name may mean in a container, the longest first.
    static func candidates(_ name: String, _ container: String) -> [String] {
        if container.isEmpty { return [name] }
        var found: [String] = []
        var parts = container.split(separator: ".")
        while !parts.isEmpty {
            found.append((parts + [Substring(name)]).joined(separator: "."))
            parts.removeLast()
        }
        return found + [name]
    }

    private static let types: [String: String] = {
        var found: [String: String] = [:]
        for name in [
            "bool", "int", "uint", "double", "string", "bytes", "list", "map", "null_type", "type", "optional_type",
            "google.protobuf.Timestamp", "google.protobuf.Duration", "net.IP", "net.CIDR", "kubernetes.Quantity",
            "kubernetes.URL",
        ] { found[name] = name }
        return found
    }()

    static func typeName(_ name: String, _ container: String) -> String? {
        let plain = name.hasPrefix(".") ? String(name.dropFirst()) : name
        for candidate in candidates(plain, container) { if let type = types[candidate] { return type } }
        return nil
    }
}

/// Messages of protobuf that stand for plain values.
enum CELWrappers {
    static func value(_ name: String, _ fields: [String: CELValue]) throws(CELError) -> CELValue? {
        let prefix = "google.protobuf."
        guard name.hasPrefix(prefix) else { return nil }
        let value = fields["value"]
        switch name.dropFirst(prefix.count) {
        case "BoolValue": return value ?? .bool(false)
        case "Int64Value", "Int32Value":
            guard case .int(let int)? = value else { return .int(0) }
            if name.hasSuffix("Int32Value"), Int32(exactly: int) == nil { throw CELEvaluator.error("range error") }
            return .int(int)
        case "UInt64Value", "UInt32Value":
            guard case .uint(let uint)? = value else { return .uint(0) }
            if name.hasSuffix("UInt32Value"), UInt32(exactly: uint) == nil { throw CELEvaluator.error("range error") }
            return .uint(uint)
        case "DoubleValue": return value ?? .double(0)
        case "FloatValue":
            guard case .double(let double)? = value else { return .double(0) }
            return .double(Double(Float(double)))
        case "StringValue": return value ?? .string("")
        case "BytesValue": return value ?? .bytes([])
        case "Timestamp", "Duration":
            func number(_ name: String) -> Int { if case .int(let int)? = fields[name] { int } else { 0 } }
            let time = CELTime(seconds: number("seconds"), nanoseconds: number("nanos"))
            return name.hasSuffix("Timestamp") ? .timestamp(time) : .duration(time)
        case "Struct": return fields["fields"] ?? .map(CELMap())
        case "ListValue": return fields["values"] ?? .list([])
        case "Value":
            if fields["null_value"] != nil || fields.isEmpty { return .null }
            return fields["bool_value"] ?? fields["number_value"] ?? fields["string_value"] ?? fields["struct_value"]
                ?? fields["list_value"]
        default: return nil
        }
    }
}

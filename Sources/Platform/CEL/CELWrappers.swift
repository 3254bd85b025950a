// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

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

    /// What such a message is for the checker.
    static func type(_ name: String) -> CELType? {
        switch name {
        case "google.protobuf.BoolValue": .wrapper(.bool)
        case "google.protobuf.Int64Value", "google.protobuf.Int32Value": .wrapper(.int)
        case "google.protobuf.UInt64Value", "google.protobuf.UInt32Value": .wrapper(.uint)
        case "google.protobuf.DoubleValue", "google.protobuf.FloatValue": .wrapper(.double)
        case "google.protobuf.StringValue": .wrapper(.string)
        case "google.protobuf.BytesValue": .wrapper(.bytes)
        case "google.protobuf.Timestamp": .timestamp
        case "google.protobuf.Duration": .duration
        case "google.protobuf.Struct": .map(.string, .dyn)
        case "google.protobuf.ListValue": .list(.dyn)
        case "google.protobuf.Value": .dyn
        default: nil
        }
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// `sprintf` where it has nothing to do but to put values between texts, which is nearly always.
enum PlainFormat {
    /// The text; nil when a directive or an argument needs Go's rules.
    static func text(_ format: Value, _ arguments: Value, _ context: BuiltinContext) throws -> String? {
        guard case .array(let values) = arguments, case .string(var format) = format else { return nil }
        var text: [UInt8] = []
        var made = 0
        let isPlain = format.withUTF8 { write($0, values, to: &text, made: &made) }
        guard isPlain else { return nil }
        try context.spend(made)
        return String(decoding: text, as: UTF8.self)
    }

    private static func write(
        _ format: UnsafeBufferPointer<UInt8>, _ values: [Value], to text: inout [UInt8], made: inout Int
    ) -> Bool {
        text.reserveCapacity(format.count + 32 * values.count)
        var next = 0
        var at = 0
        while at < format.count {
            let start = at
            while at < format.count, format[at] != 0x25 { at += 1 }
            text.append(contentsOf: format[start..<at])
            if at == format.count { break }
            guard at + 1 < format.count, next < values.count else { return false }
            let before = text.count
            guard write(values[next], format[at + 1], to: &text) else { return false }
            made += text.count - before
            next += 1
            at += 2
        }
        return next == values.count
    }

    private static func write(_ value: Value, _ verb: UInt8, to text: inout [UInt8]) -> Bool {
        let isValue = verb == 0x76  // v
        switch value.kind {
        case .number:
            let number = value.resolved
            if case .int(let int) = number, isValue || verb == 0x64 {  // d
                text.append("\(int)")
            } else {
                guard isValue else { return false }
                text.append(GoFormatter.format(GoFormatter.Argument(number), "v", GoFormatter.Flags()))
            }
        case .string:
            guard isValue || verb == 0x73 else { return false }  // s
            switch value {
            case .node(let node): node.withUTF8 { text.append(contentsOf: $0) }
            default: text.append(value.text ?? "")
            }
        default:
            guard isValue || verb == 0x73 else { return false }
            value.writeRego(to: &text)
        }
        return true
    }
}

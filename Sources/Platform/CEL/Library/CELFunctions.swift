// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// The functions of the language and of the libraries that Kubernetes enables, by name; a method's first argument is what
/// it is called on.
enum CELFunctions {
    typealias Body = @Sendable ([CELValue], CELEvaluator) throws -> CELValue

    private static let functions: [String: Body] = {
        var table: [String: Body] = [:]
        addOperators(&table)
        addConversions(&table)
        addOptionals(&table)
        addMath(&table)
        addCollections(&table)
        addNetworks(&table)
        addKubernetes(&table)
        addFormats(&table)
        return table
    }()

    private static let methods: [String: Body] = {
        var table: [String: Body] = [:]
        addStringMethods(&table)
        addTimeMethods(&table)
        addCollectionMethods(&table)
        addOptionalMethods(&table)
        addNetworkMethods(&table)
        addKubernetesMethods(&table)
        addFormatMethods(&table)
        addAuthorizerMethods(&table)
        return table
    }()

    static func isKnown(_ name: String) -> Bool { functions[name] != nil }

    static func function(_ name: String) -> Body? { functions[name] }

    static func method(_ name: String) -> Body? { methods[name] }

    /// The functions and the methods that there are.
    static var known: (functions: [String], methods: [String]) { (functions.keys.sorted(), methods.keys.sorted()) }

    static func noOverload(_ name: String, _ arguments: [CELValue]) -> CELError {
        CELEvaluator.error(
            "found no matching overload for '\(name)' applied to '(\(arguments.map(\.typeName).joined(separator: ", ")))'"
        )
    }

    /// Places of values in order; throws where they have none.
    static func sorted(_ values: [CELValue]) throws(CELError) -> [Int] {
        for value in values.dropFirst()
        where CELValue.compare(values[0], value) == nil || values[0].typeName != value.typeName {
            throw CELEvaluator.error("list elements must have the same type and an order")
        }
        if let only = values.first, values.count == 1, CELValue.compare(only, only) == nil {
            throw CELEvaluator.error("list elements must be comparable")
        }
        return values.indices.sorted { one, two in
            let order = CELValue.compare(values[one], values[two]) ?? 0
            return order == 0 ? one < two : order < 0
        }
    }

    // MARK: Operators

    private static func addOperators(_ table: inout [String: Body]) {
        table["-_"] = { arguments, _ in
            switch arguments[0].resolved {
            case .int(let int):
                if int == .min { throw CELEvaluator.error("integer overflow") }
                return .int(-int)
            case .double(let double): return .double(-double)
            case .duration(let span): return .duration(CELTime(seconds: -span.seconds, nanoseconds: -span.nanoseconds))
            default: throw noOverload("-_", arguments)
            }
        }
        let orders: [(String, @Sendable (Int) -> Bool)] = [
            ("_<_", { $0 < 0 }), ("_<=_", { $0 <= 0 }), ("_>_", { $0 > 0 }), ("_>=_", { $0 >= 0 }),
        ]
        for (name, test) in orders {
            table[name] = { arguments, _ in
                let (one, two) = (arguments[0].resolved, arguments[1].resolved)
                guard let order = CELValue.compare(one, two) else {
                    if case .double = one, isNumber(two) { return .bool(false) }
                    if case .double = two, isNumber(one) { return .bool(false) }
                    throw noOverload(name, arguments)
                }
                return .bool(test(order))
            }
        }
        for name in ["_+_", "_-_", "_*_", "_/_", "_%_"] {
            table[name] = { arguments, evaluator in try arithmetic(name, arguments, evaluator) }
        }
    }

    private static func isNumber(_ value: CELValue) -> Bool {
        switch value {
        case .int, .uint, .double: true
        default: false
        }
    }

    static func arithmetic(
        _ name: String, _ arguments: [CELValue], _ evaluator: CELEvaluator
    ) throws(CELError) -> CELValue {
        func checked<T>(_ result: (partialValue: T, overflow: Bool)) throws(CELError) -> T {
            if result.overflow { throw CELEvaluator.error("integer overflow") }
            return result.partialValue
        }
        switch (arguments[0].resolved, arguments[1].resolved) {
        case (.int(let a), .int(let b)):
            switch name {
            case "_+_": return .int(try checked(a.addingReportingOverflow(b)))
            case "_-_": return .int(try checked(a.subtractingReportingOverflow(b)))
            case "_*_": return .int(try checked(a.multipliedReportingOverflow(by: b)))
            default:
                if b == 0 { throw CELEvaluator.error(name == "_/_" ? "divide by zero" : "modulus by zero") }
                return .int(
                    try checked(
                        name == "_/_" ? a.dividedReportingOverflow(by: b) : a.remainderReportingOverflow(dividingBy: b))
                )
            }
        case (.uint(let a), .uint(let b)):
            switch name {
            case "_+_": return .uint(try checked(a.addingReportingOverflow(b)))
            case "_-_": return .uint(try checked(a.subtractingReportingOverflow(b)))
            case "_*_": return .uint(try checked(a.multipliedReportingOverflow(by: b)))
            default:
                if b == 0 { throw CELEvaluator.error(name == "_/_" ? "divide by zero" : "modulus by zero") }
                return .uint(name == "_/_" ? a / b : a % b)
            }
        case (.double(let a), .double(let b)):
            switch name {
            case "_+_": return .double(a + b)
            case "_-_": return .double(a - b)
            case "_*_": return .double(a * b)
            case "_/_": return .double(a / b)
            default: throw noOverload(name, arguments)
            }
        case (.string(let a), .string(let b)) where name == "_+_":
            try evaluator.spend(a.utf8.count + b.utf8.count)
            return .string(a + b)
        case (.bytes(let a), .bytes(let b)) where name == "_+_":
            try evaluator.spend(a.count + b.count)
            return .bytes(a + b)
        case (.list(let a), .list(let b)) where name == "_+_":
            try evaluator.spend((a.count + b.count) * 16)
            return .list(a + b)
        case (.timestamp(let a), .duration(let b)) where name == "_+_" || name == "_-_":
            return .timestamp(try moment(name == "_+_" ? a + b : a - b))
        case (.duration(let a), .timestamp(let b)) where name == "_+_": return .timestamp(try moment(a + b))
        case (.timestamp(let a), .timestamp(let b)) where name == "_-_": return .duration(try span(a - b))
        case (.duration(let a), .duration(let b)) where name == "_+_": return .duration(try span(a + b))
        case (.duration(let a), .duration(let b)) where name == "_-_": return .duration(try span(a - b))
        default: throw noOverload(name, arguments)
        }
    }

    private static func moment(_ time: CELTime) throws(CELError) -> CELTime {
        if !time.isMoment { throw CELEvaluator.error("timestamp out of range") }
        return time
    }

    private static func span(_ time: CELTime) throws(CELError) -> CELTime {
        if !time.isSpan { throw CELEvaluator.error("duration out of range") }
        return time
    }

    // MARK: Conversions

    private static func addConversions(_ table: inout [String: Body]) {
        @Sendable func range() -> CELError { CELEvaluator.error("range error") }
        table["dyn"] = { arguments, _ in arguments[0] }
        table["type"] = { arguments, _ in .type(arguments[0].typeName) }
        table["size"] = { arguments, _ in try size(arguments) }
        table["matches"] = { arguments, _ in try CELText.matches(arguments) }
        table["bool"] = { arguments, _ in
            switch arguments[0].resolved {
            case .bool(let bool): return .bool(bool)
            case .string(let text):
                if ["1", "t", "T", "true", "TRUE", "True"].contains(text) { return .bool(true) }
                if ["0", "f", "F", "false", "FALSE", "False"].contains(text) { return .bool(false) }
                throw CELEvaluator.error("Type conversion error from 'string' to 'bool'")
            default: throw noOverload("bool", arguments)
            }
        }
        table["int"] = { arguments, _ in
            switch arguments[0].resolved {
            case .int(let int): return .int(int)
            case .uint(let uint):
                guard let int = Int(exactly: uint) else { throw range() }
                return .int(int)
            case .double(let double):
                guard double > -9_223_372_036_854_775_808, double < 9_223_372_036_854_775_808 else { throw range() }
                return .int(Int(double))
            case .string(let text):
                guard let int = Int(text) else { throw CELEvaluator.error("cannot convert '\(text)' to int") }
                return .int(int)
            case .timestamp(let time): return .int(time.seconds)
            case .duration(let span):
                guard let nanoseconds = span.totalNanoseconds else { throw range() }
                return .int(nanoseconds)
            default: throw noOverload("int", arguments)
            }
        }
        table["uint"] = { arguments, _ in
            switch arguments[0].resolved {
            case .uint(let uint): return .uint(uint)
            case .int(let int):
                guard let uint = UInt(exactly: int) else { throw range() }
                return .uint(uint)
            case .double(let double):
                guard double > -1, double < 18_446_744_073_709_551_616 else { throw range() }
                return .uint(UInt(double))
            case .string(let text):
                guard let uint = UInt(text) else { throw CELEvaluator.error("cannot convert '\(text)' to uint") }
                return .uint(uint)
            default: throw noOverload("uint", arguments)
            }
        }
        table["double"] = { arguments, _ in
            switch arguments[0].resolved {
            case .double(let double): return .double(double)
            case .int(let int): return .double(Double(int))
            case .uint(let uint): return .double(Double(uint))
            case .string(let text):
                guard let double = Double(text) else { throw CELEvaluator.error("cannot convert '\(text)' to double") }
                return .double(double)
            default: throw noOverload("double", arguments)
            }
        }
        table["string"] = { arguments, _ in
            if case .node(let node)? = arguments.first, node.kind == .string { return arguments[0] }
            switch arguments[0].resolved {
            case .string, .int, .uint, .double, .bool, .timestamp, .duration, .network, .url, .quantity, .version:
                return .string(CELText.plain(arguments[0]))
            case .bytes(let bytes):
                guard let text = String(validating: bytes, as: UTF8.self) else {
                    throw CELEvaluator.error("invalid UTF-8 in bytes, cannot convert to string")
                }
                return .string(text)
            default: throw noOverload("string", arguments)
            }
        }
        table["bytes"] = { arguments, _ in
            switch arguments[0].resolved {
            case .bytes(let bytes): return .bytes(bytes)
            case .string(let text): return .bytes(Array(text.utf8))
            default: throw noOverload("bytes", arguments)
            }
        }
        table["timestamp"] = { arguments, _ in
            switch arguments[0].resolved {
            case .timestamp(let time): return .timestamp(time)
            case .int(let seconds): return .timestamp(try moment(CELTime(seconds: seconds)))
            case .string(let text):
                guard let time = CELTime.moment(text) else {
                    throw CELEvaluator.error("cannot convert '\(text)' to timestamp")
                }
                return .timestamp(time)
            default: throw noOverload("timestamp", arguments)
            }
        }
        table["duration"] = { arguments, _ in
            switch arguments[0].resolved {
            case .duration(let span): return .duration(span)
            case .int(let nanoseconds): return .duration(CELTime(seconds: 0, nanoseconds: nanoseconds))
            case .string(let text):
                guard let time = CELTime.span(text), time.isSpan else {
                    throw CELEvaluator.error("cannot convert '\(text)' to duration")
                }
                return .duration(time)
            default: throw noOverload("duration", arguments)
            }
        }
    }

    static func size(_ arguments: [CELValue]) throws(CELError) -> CELValue {
        if case .node(let node)? = arguments.first {
            switch node.kind {
            case .array, .object, .string: return .int(CELCost.size(.node(node)))
            default: throw noOverload("size", arguments)
            }
        }
        switch arguments.first?.resolved {
        case .string(let text): return .int(text.unicodeScalars.count)
        case .bytes(let bytes): return .int(bytes.count)
        case .list(let elements): return .int(elements.count)
        case .map(let map): return .int(map.count)
        default: throw noOverload("size", arguments)
        }
    }

    // MARK: Optionals

    private static func addOptionals(_ table: inout [String: Body]) {
        table["optional.of"] = { arguments, _ in .optional(arguments[0]) }
        table["optional.none"] = { _, _ in .optional(nil) }
        table["optional.ofNonZeroValue"] = { arguments, _ in .optional(isZero(arguments[0]) ? nil : arguments[0]) }
        table["optional.unwrap"] = { arguments, _ in try unwrap(arguments) }
    }

    private static func unwrap(_ arguments: [CELValue]) throws(CELError) -> CELValue {
        guard case .list(let elements) = arguments[0].resolved else { throw noOverload("optional.unwrap", arguments) }
        return .list(elements.compactMap { if case .optional(let inner) = $0 { inner } else { nil } })
    }

    private static func isZero(_ value: CELValue) -> Bool {
        switch value.resolved {
        case .null: true
        case .bool(let bool): !bool
        case .int(let int): int == 0
        case .uint(let uint): uint == 0
        case .double(let double): double == 0
        case .string(let text): text.isEmpty
        case .bytes(let bytes): bytes.isEmpty
        case .list(let elements): elements.isEmpty
        case .map(let map): map.count == 0
        case .duration(let span): span == CELTime(seconds: 0)
        case .timestamp(let time): time == CELTime(seconds: 0)
        default: false
        }
    }

    private static func addOptionalMethods(_ table: inout [String: Body]) {
        table["hasValue"] = { arguments, _ in
            guard case .optional(let inner) = arguments[0] else { throw noOverload("hasValue", arguments) }
            return .bool(inner != nil)
        }
        table["value"] = { arguments, _ in
            guard case .optional(let inner) = arguments[0] else { throw noOverload("value", arguments) }
            guard let inner else { throw CELEvaluator.error("optional.none() dereference") }
            return inner
        }
        table["unwrapOpt"] = { arguments, _ in try unwrap(arguments) }
    }
}

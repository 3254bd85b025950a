// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// What an evaluation may use. Cost is counted in the units of Kubernetes' runtime cost: the same expression on the same
/// values always costs the same.
package struct CELLimits: Sendable {
    /// Of one expression.
    package var expression: Int
    /// Of all expressions of one evaluator together.
    package var budget: Int

    package init(expression: Int = 1_000_000, budget: Int = .max) {
        (self.expression, self.budget) = (expression, budget)
    }

    /// One expression on its own.
    package static let standard = CELLimits()
    /// The validations of one policy under one binding.
    package static let admission = CELLimits(budget: 10_000_000)
    /// The match conditions of one policy under one binding.
    package static let conditions = CELLimits(budget: 2_500_000)
}

/// How a call's cost follows from its arguments (k8s.io/apiserver pkg/cel/library and cel-go's runtime cost).
enum CELCost: Sendable {
    case one
    /// A tenth of the first argument's length.
    case traverse
    case traverseTwice
    case concatenate
    /// The first argument's length times the second's, a tenth of each.
    case search
    case regex
    /// The second argument's elements.
    case members
    /// What it takes to look at everything in the first argument.
    case everything
    /// Each element of one list against each of the other.
    case pairs
    case square
    case elements
    case check
    case selector
    case format

    private static let table: [String: CELCost] = {
        var table: [String: CELCost] = [:]
        for name in [
            "startsWith", "endsWith", "bytes", "string", "strings.quote", "format", "url", "isURL", "lowerAscii",
            "upperAscii", "substring", "trim", "cidr", "isIP", "isCIDR", "ip", "quantity", "isQuantity", "semver",
            "isSemver", "charAt", "base64.encode", "base64.decode",
        ] { table[name] = .traverse }
        for name in ["replace", "split", "join", "ip.isCanonical"] { table[name] = .traverseTwice }
        for name in ["matches", "find", "findAll"] { table[name] = .regex }
        for name in ["isSorted", "sum", "max", "min", "indexOf", "lastIndexOf"] { table[name] = .everything }
        for name in ["sets.contains", "sets.intersects", "sets.equivalent"] { table[name] = .pairs }
        for name in ["distinct", "sort"] { table[name] = .square }
        for name in ["flatten", "reverse", "slice", "math.greatest", "math.least"] { table[name] = .elements }
        for name in ["fieldSelector", "labelSelector"] { table[name] = .selector }
        table["contains"] = .search
        table["_in_"] = .members
        table["_+_"] = .concatenate
        table["check"] = .check
        table["validate"] = .format
        return table
    }()

    init(_ name: String) { self = CELCost.table[name] ?? .one }

    func units(_ arguments: [CELValue]) -> Int {
        func size(_ index: Int) -> Int { index < arguments.count ? CELCost.size(arguments[index]) : 1 }
        switch self {
        case .one: return 1
        case .traverse: return arguments.first.map { CELCost.tenth(of: $0) } ?? 1
        case .traverseTwice: return CELCost.tenth(2 * size(0))
        case .concatenate:
            guard arguments.count == 2, CELCost.isText(arguments[0]) else { return 1 }
            return CELCost.tenth(size(0) + size(1))
        case .search: return CELCost.tenth(size(0)) * CELCost.tenth(size(1))
        case .regex: return CELCost.tenth(1 + size(0)) * ((size(1) + 3) / 4)
        case .members: return size(1)
        case .everything: return arguments.first.map { CELCost.traversal($0) } ?? 1
        case .pairs: return 1 + size(0) * size(1)
        case .square: return 1 + size(0) * size(0)
        case .elements: return 1 + size(0)
        case .check: return 350_000
        case .selector: return 10 + CELCost.tenth(size(1)) + (size(1) + 1) / 2 * 50
        case .format: return CELCost.tenth(1 + size(1)) * 15
        }
    }

    static func tenth(_ size: Int) -> Int { (size + 9) / 10 }

    static func equality(_ one: CELValue, _ two: CELValue) -> Int {
        // Of short texts no character need be counted.
        if let a = bytes(one), let b = bytes(two), min(a, b) > 0, min(a, b) <= 10 { return 1 }
        return tenth(min(size(one), size(two)))
    }

    /// Bytes of a text, which are as many as its characters or more; nil for what is none.
    private static func bytes(_ value: CELValue) -> Int? {
        switch value {
        case .string(let text): text.utf8.count
        case .node(let node): node.kind == .string ? node.withUTF8 { $0.count } : nil
        default: nil
        }
    }

    /// A tenth of the length.
    static func tenth(of value: CELValue) -> Int {
        if let count = bytes(value), count > 0, count <= 10 { return 1 }
        return tenth(size(value))
    }

    private static func isText(_ value: CELValue) -> Bool {
        switch value {
        case .string, .bytes: true
        case .node(let node): node.kind == .string
        default: false
        }
    }

    /// Characters, bytes, elements, entries; 1 for the rest.
    static func size(_ value: CELValue) -> Int {
        switch value {
        case .string(var text): return text.withUTF8 { characters(in: $0) }
        case .bytes(let bytes): return bytes.count
        case .list(let elements): return elements.count
        case .map(let map): return map.count
        case .node(let node):
            switch node.kind {
            case .array, .object: return node.count
            case .string: return node.withUTF8 { characters(in: $0) } ?? 0
            default: return 1
            }
        default: return 1
        }
    }

    private static func characters(in bytes: UnsafeBufferPointer<UInt8>) -> Int {
        var count = 0
        for byte in bytes { count &+= byte & 0xC0 == 0x80 ? 0 : 1 }
        return count
    }

    private static func traversal(_ value: CELValue) -> Int {
        switch value.resolved {
        case .string(let text): return tenth(text.utf8.count)
        case .bytes(let bytes): return tenth(bytes.count)
        case .list(let elements): return elements.reduce(0) { $0 + traversal($1) }
        case .map(let map): return map.entries.reduce(0) { $0 + traversal($1.key) + traversal($1.value) }
        default: return 1
        }
    }
}

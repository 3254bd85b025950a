// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Foundation

/// A value of the expression language.
package enum CELValue: Sendable {
    case null
    case bool(Bool)
    case int(Int)
    case uint(UInt)
    case double(Double)
    case string(String)
    case bytes([UInt8])
    case list([CELValue])
    case map(CELMap)
    case timestamp(CELTime)
    case duration(CELTime)
    case type(String)
    indirect case optional(CELValue?)
    /// Kubernetes' `ip` and `cidr`; without a prefix it is an address.
    indirect case network(CELNetwork)
    indirect case quantity(CELQuantity)
    indirect case url(CELURL)
    indirect case version(CELVersion)
    /// A named format of Kubernetes.
    case format(CELFormat)
    /// A part of a question about rights.
    indirect case authority(CELAuthority)
    /// A place in a document, taken apart where it is needed.
    case node(Node)

    /// One level of a document's value taken out of it.
    var resolved: CELValue {
        guard case .node(let node) = self else { return self }
        switch node.kind {
        case .null: return .null
        case .bool: return .bool(node.bool == true)
        case .string: return .string(node.string ?? "")
        case .number:
            let text = node.number ?? "0"
            return Int(text).map { .int($0) } ?? .double(node.double ?? 0)
        case .array: return .list(node.elements.map { .node($0) })
        case .object: return .map(CELMap(node.members.map { (.string($0.key.string), .node($0.value)) }))
        }
    }

    package var isNull: Bool {
        if case .null = resolved { return true }
        return false
    }

    /// The boolean, or nil when this is none.
    package var bool: Bool? {
        switch self {
        case .bool(let bool): bool
        case .node(let node): node.bool
        default: nil
        }
    }

    /// The string, or nil when this is none.
    package var text: String? {
        if case .string(let text) = resolved { return text }
        return nil
    }

    var typeName: String {
        switch resolved {
        case .null: "null_type"
        case .bool: "bool"
        case .int: "int"
        case .uint: "uint"
        case .double: "double"
        case .string: "string"
        case .bytes: "bytes"
        case .list: "list"
        case .map: "map"
        case .timestamp: "google.protobuf.Timestamp"
        case .duration: "google.protobuf.Duration"
        case .type: "type"
        case .optional: "optional_type"
        case .network(let network): network.prefix == nil ? "net.IP" : "net.CIDR"
        case .quantity: "kubernetes.Quantity"
        case .url: "kubernetes.URL"
        case .version: "kubernetes.Semver"
        case .format: "kubernetes.NamedFormat"
        case .authority(let authority): authority.typeName
        case .node: "dyn"
        }
    }

    /// The bytes of a text where they stand; nil when this is none.
    func withBytes<R>(_ body: (UnsafeBufferPointer<UInt8>) -> R) -> R? {
        switch self {
        case .string(var text): text.withUTF8(body)
        case .node(let node): node.kind == .string ? node.withUTF8(body) : nil
        default: nil
        }
    }

    /// Equality of the language: numbers by value across their types, texts by their bytes; values of other types differ.
    static func equal(_ one: CELValue, _ two: CELValue) -> Bool {
        switch (one, two) {
        case (.node(let a), .string(let b)), (.string(let b), .node(let a)):
            guard a.kind == .string else { return false }
            var b = b
            return a.withUTF8 { bytes in b.withUTF8 { isSame(bytes, $0) } } ?? false
        case (.node(let a), .node(let b)) where a.kind == .string && b.kind == .string: return a.hasSameText(as: b)
        case (.string(var a), .string(var b)): return a.withUTF8 { bytes in b.withUTF8 { isSame(bytes, $0) } }
        default: return equalParts(one, two)
        }
    }

    private static func isSame(_ one: UnsafeBufferPointer<UInt8>, _ two: UnsafeBufferPointer<UInt8>) -> Bool {
        guard one.count == two.count else { return false }
        guard let a = one.baseAddress, let b = two.baseAddress else { return one.isEmpty }
        return memcmp(a, b, one.count) == 0
    }

    private static func equalParts(_ one: CELValue, _ two: CELValue) -> Bool {
        let (one, two) = (one.resolved, two.resolved)
        switch (one, two) {
        case (.null, .null): return true
        case (.bool(let a), .bool(let b)): return a == b
        case (.string(let a), .string(let b)): return a.utf8.elementsEqual(b.utf8)
        case (.bytes(let a), .bytes(let b)): return a == b
        case (.list(let a), .list(let b)):
            return a.count == b.count && zip(a, b).allSatisfy { equal($0, $1) }
        case (.map(let a), .map(let b)):
            return a.count == b.count
                && a.entries.allSatisfy { entry in b[entry.key].map { equal($0, entry.value) } ?? false }
        case (.timestamp(let a), .timestamp(let b)), (.duration(let a), .duration(let b)): return a == b
        case (.type(let a), .type(let b)): return a == b
        case (.optional(let a), .optional(let b)):
            guard let a, let b else { return a == nil && b == nil }
            return equal(a, b)
        case (.network(let a), .network(let b)): return a == b
        case (.quantity(let a), .quantity(let b)): return CELQuantity.compare(a, b) == 0
        case (.url(let a), .url(let b)): return a.text == b.text
        case (.version(let a), .version(let b)): return CELVersion.compare(a, b) == 0
        case (.format(let a), .format(let b)): return a == b
        case (.authority(let a), .authority(let b)): return a == b
        default: return compareNumbers(one, two) == 0
        }
    }

    /// Orders numbers of any types; nil where one is none or not a number.
    static func compareNumbers(_ one: CELValue, _ two: CELValue) -> Int? {
        func order<T: Comparable>(_ a: T, _ b: T) -> Int { a < b ? -1 : a == b ? 0 : 1 }
        switch (one, two) {
        case (.int(let a), .int(let b)): return order(a, b)
        case (.uint(let a), .uint(let b)): return order(a, b)
        case (.double(let a), .double(let b)): return a.isNaN || b.isNaN ? nil : order(a, b)
        case (.int(let a), .uint(let b)): return a < 0 ? -1 : order(UInt(a), b)
        case (.uint, .int): return compareNumbers(two, one).map { -$0 }
        case (.int(let a), .double(let b)):
            if b.isNaN { return nil }
            if b >= 9_223_372_036_854_775_808 { return -1 }
            if b < -9_223_372_036_854_775_808 { return 1 }
            let whole = Int(b)
            if a != whole { return order(a, whole) }
            return order(0, b - b.rounded(.towardZero))
        case (.uint(let a), .double(let b)):
            if b.isNaN { return nil }
            if b < 0 { return 1 }
            if b >= 18_446_744_073_709_551_616 { return -1 }
            let whole = UInt(b)
            if a != whole { return order(a, whole) }
            return order(0, b - b.rounded(.towardZero))
        case (.double, .int), (.double, .uint): return compareNumbers(two, one).map { -$0 }
        default: return nil
        }
    }

    /// Orders two values of one type; nil where there is no order.
    static func compare(_ one: CELValue, _ two: CELValue) -> Int? {
        let (one, two) = (one.resolved, two.resolved)
        switch (one, two) {
        case (.bool(let a), .bool(let b)): return (a ? 1 : 0) - (b ? 1 : 0)
        case (.string(let a), .string(let b)): return compareBytes(Array(a.utf8), Array(b.utf8))
        case (.bytes(let a), .bytes(let b)): return compareBytes(a, b)
        case (.timestamp(let a), .timestamp(let b)), (.duration(let a), .duration(let b)):
            return a < b ? -1 : a == b ? 0 : 1
        case (.quantity(let a), .quantity(let b)): return CELQuantity.compare(a, b)
        case (.version(let a), .version(let b)): return CELVersion.compare(a, b)
        default: return compareNumbers(one, two)
        }
    }

    private static func compareBytes(_ a: [UInt8], _ b: [UInt8]) -> Int {
        if a == b { return 0 }
        return a.lexicographicallyPrecedes(b) ? -1 : 1
    }
}

/// A map; few entries are searched, many are found by their hash.
package struct CELMap: Sendable {
    package private(set) var entries: [(key: CELValue, value: CELValue)]
    private var index: [Key: Int] = [:]

    /// What keys that are equal share.
    private enum Key: Hashable, Sendable {
        case number(Int)
        case large(UInt)
        case bool(Bool)
        case text([UInt8])

        init?(_ value: CELValue) {
            switch value.resolved {
            case .int(let int): self = .number(int)
            case .uint(let uint): self = Int(exactly: uint).map { .number($0) } ?? .large(uint)
            case .double(let double):
                guard let int = Int(exactly: double) else { return nil }
                self = .number(int)
            case .bool(let bool): self = .bool(bool)
            case .string(let text): self = .text(Array(text.utf8))
            default: return nil
            }
        }
    }

    package init(_ entries: [(CELValue, CELValue)] = []) {
        self.entries = entries.map { (key: $0.0, value: $0.1) }
        guard entries.count > 8 else { return }
        for (place, entry) in entries.enumerated() { if let key = Key(entry.0) { index[key] = place } }
    }

    var count: Int { entries.count }

    subscript(text key: String) -> CELValue? {
        if !index.isEmpty { return index[.text(Array(key.utf8))].map { entries[$0].value } }
        return entries.first { CELValue.equal($0.key, .string(key)) }?.value
    }

    subscript(key: CELValue) -> CELValue? {
        if !index.isEmpty { return Key(key).flatMap { index[$0] }.map { entries[$0].value } }
        return entries.first { CELValue.equal($0.key, key) }?.value
    }
}

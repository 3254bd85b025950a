// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// A value of the policy language: what JSON has, and sets.
///
/// Input stays where it was parsed: a `.node` is a place in a `Document`, never copied. Whoever takes a value apart uses
/// `kind` and the views (`elements`, `members`, `text`), which see through it.
package enum Value: Sendable {
    case null
    case bool(Bool)
    /// A whole number that fits 64 bits.
    case int(Int)
    /// Any other number, by its exact text.
    case number(Number)
    case string(String)
    case array([Value])
    case object(ObjectValue)
    case set(SetValue)
    /// A value of a parsed document, of any kind but set.
    case node(Node)

    /// In the order of OPA's comparison between values of different kinds.
    package enum Kind: UInt8, Sendable, Comparable {
        case null, bool, number, string, array, object, set

        package static func < (one: Kind, two: Kind) -> Bool { one.rawValue < two.rawValue }

        /// What `type_name` and error texts say.
        package var name: String {
            switch self {
            case .null: "null"
            case .bool: "boolean"
            case .number: "number"
            case .string: "string"
            case .array: "array"
            case .object: "object"
            case .set: "set"
            }
        }
    }

    package var kind: Kind {
        switch self {
        case .null: .null
        case .bool: .bool
        case .int, .number: .number
        case .string: .string
        case .array: .array
        case .object: .object
        case .set: .set
        case .node(let node):
            switch node.kind {
            case .null: .null
            case .bool: .bool
            case .number: .number
            case .string: .string
            case .array: .array
            case .object: .object
            }
        }
    }

    /// The same value with a scalar of a document taken out of it; arrays and objects stay in theirs.
    package var resolved: Value {
        guard case .node(let node) = self else { return self }
        switch node.kind {
        case .null: return .null
        case .bool: return .bool(node.bool == true)
        case .number: return node.number.map(Value.init(numberText:)) ?? .null
        case .string: return .string(node.string ?? "")
        case .array, .object: return self
        }
    }

    /// The number that a JSON text is: `.int` when it is written whole and fits.
    package init(numberText text: String) {
        if let int = Int(text), text != "-0" { self = .int(int) } else { self = .number(Number(text)) }
    }

    /// False and undefined do not hold; all else does.
    @inline(__always)
    package var isFalse: Bool {
        switch self {
        case .bool(let bool): !bool
        case .node(let node): node.bool == false
        default: false
        }
    }

    /// The string, or nil when this is none.
    package var text: String? {
        switch self {
        case .string(let text): text
        case .node(let node): node.string
        default: nil
        }
    }

    /// The elements of an array in order; nil when this is none.
    package var elements: [Value]? {
        switch self {
        case .array(let elements): elements
        case .node(let node) where node.isArray: node.elements.map { .node($0) }
        default: nil
        }
    }

    /// An object with its keys in order; nil when this is none.
    package var members: ObjectValue? {
        switch self {
        case .object(let object): object
        case .node(let node) where node.isObject: ObjectValue(node)
        default: nil
        }
    }

    package var setMembers: SetValue? {
        if case .set(let set) = self { return set }
        return nil
    }

    /// The number of elements, members or Unicode code points; nil for scalars without any.
    package var count: Int? {
        switch self {
        case .string(let text): text.unicodeScalars.count
        case .array(let elements): elements.count
        case .object(let object): object.count
        case .set(let set): set.count
        case .node(let node):
            node.kind == .string ? node.string?.unicodeScalars.count : node.isArray || node.isObject ? node.count : nil
        default: nil
        }
    }

    package static let emptyObject = Value.object(ObjectValue())
    package static let emptySet = Value.set(SetValue())
}

/// The text of a number that is no 64-bit whole number, as it was written or computed: never rounded on the way.
package struct Number: Sendable, Hashable {
    package let text: String

    package init(_ text: String) { self.text = text }
}

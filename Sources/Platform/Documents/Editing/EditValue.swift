// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// One step from an object or array to what it holds.
package enum PathComponent: Sendable, Hashable, CustomStringConvertible {
    case key(String)
    case index(Int)

    package var description: String {
        switch self {
        case .key(let key): key
        case .index(let index): "[\(index)]"
        }
    }
}

extension PathComponent: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    package init(stringLiteral value: String) { self = .key(value) }
    package init(integerLiteral value: Int) { self = .index(value) }
}

extension Node {
    /// The value at the end of a path; nil when a step leads nowhere.
    package func at(_ path: [PathComponent]) -> Node? {
        var node = self
        for component in path {
            let next: Node?
            switch component {
            case .key(let key): next = node[dynamic: key]
            case .index(let index): next = node[index]
            }
            guard let next else { return nil }
            node = next
        }
        return node
    }
}

/// A value to put into a document.
package indirect enum EditValue: Sendable {
    case null
    case bool(Bool)
    /// A JSON number's text.
    case number(String)
    case string(String)
    case array([EditValue])
    /// Members in the order in which they are to be written.
    case object([(key: String, value: EditValue)])

    package init(_ node: Node) {
        switch node.kind {
        case .null: self = .null
        case .bool: self = .bool(node.bool ?? false)
        case .number: self = .number(node.number ?? "0")
        case .string: self = .string(node.string ?? "")
        case .array: self = .array(node.elements.map { EditValue($0) })
        case .object: self = .object(node.members.map { ($0.key.string, EditValue($0.value)) })
        }
    }

    var isCollection: Bool {
        switch self {
        case .array(let elements): !elements.isEmpty
        case .object(let members): !members.isEmpty
        default: false
        }
    }
}

extension EditValue: Equatable {
    /// Members compare in any order, numbers by their text.
    package static func == (one: EditValue, other: EditValue) -> Bool {
        switch (one, other) {
        case (.null, .null): return true
        case (.bool(let one), .bool(let other)): return one == other
        case (.number(let one), .number(let other)): return one == other
        case (.string(let one), .string(let other)): return one == other
        case (.array(let one), .array(let other)): return one == other
        case (.object(let one), .object(let other)):
            guard one.count == other.count else { return false }
            // Mostly the order is the same.
            if zip(one, other).allSatisfy({ $0.key == $1.key }) {
                return zip(one, other).allSatisfy { $0.value == $1.value }
            }
            let known = Dictionary(other.map { ($0.key, $0.value) }) { first, _ in first }
            return one.allSatisfy { member in known[member.key].map { $0 == member.value } ?? false }
        default: return false
        }
    }
}

extension EditValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(integerLiteral value: Int) { self = .number(String(value)) }
    package init(arrayLiteral elements: EditValue...) { self = .array(elements) }
    package init(dictionaryLiteral elements: (String, EditValue)...) { self = .object(elements.map { ($0, $1) }) }
    package init(nilLiteral: ()) { self = .null }
}

/// A change of one document's tree.
enum Edit {
    case set(EditValue)
    case remove
    case append(EditValue)

    /// What the change makes of a value.
    func applied(to value: EditValue, _ path: ArraySlice<PathComponent>) throws(EditProblem) -> EditValue? {
        guard let component = path.first else {
            switch self {
            case .set(let new): return new
            case .remove: return nil
            case .append(let new):
                switch value {
                case .null: return .array([new])
                case .array(let elements): return .array(elements + [new])
                default: throw EditProblem("is not an array")
                }
            }
        }
        let rest = path.dropFirst()
        switch (component, value) {
        case (.key(let key), .null): return try applied(to: .object([]), [.key(key)] + rest)
        case (.key(let key), .object(var members)):
            if let index = members.firstIndex(where: { $0.key == key }) {
                if let new = try applied(to: members[index].value, rest) {
                    members[index].value = new
                } else {
                    members.remove(at: index)
                }
            } else {
                if case .remove = self { throw EditProblem("is not there") }
                members.append((key, try applied(to: .null, rest) ?? .null))
            }
            return .object(members)
        case (.index(let index), .null): return try applied(to: .array([]), [.index(index)] + rest)
        case (.index(let index), .array(var elements)):
            if elements.indices.contains(index) {
                if let new = try applied(to: elements[index], rest) {
                    elements[index] = new
                } else {
                    elements.remove(at: index)
                }
            } else {
                if case .remove = self { throw EditProblem("is not there") }
                guard index == elements.count else { throw EditProblem("leaves a gap in the array") }
                elements.append(try applied(to: .null, rest) ?? .null)
            }
            return .array(elements)
        case (.key, _): throw EditProblem("does not lead through an object")
        case (.index, _): throw EditProblem("does not lead through an array")
        }
    }
}

struct EditProblem: Error {
    var message: String

    init(_ message: String) { self.message = message }
}

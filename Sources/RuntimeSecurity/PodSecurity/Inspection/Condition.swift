// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// A condition of a declarative check: whether a field of what is judged holds something.
///
/// An absent field is `absent`, and it differs from every value (`is-not`), but it is in no list and above or below no number. A
/// path with `[]` holds when it holds for any element. A value of another type than the condition compares with cannot be
/// judged: `UnreadableField`.
indirect enum Condition: Sendable {
    case any([Condition])
    case all([Condition])
    case field(FieldCondition)

    /// Where it holds, or nil.
    func match(_ node: Node, pod: Node?) throws(UnreadableField) -> Match? {
        switch self {
        case .any(let conditions):
            for condition in conditions {
                if let match = try condition.match(node, pod: pod) { return match }
            }
            return nil
        case .all(let conditions):
            var first: Match?
            for condition in conditions {
                guard let match = try condition.match(node, pod: pod) else { return nil }
                if first == nil || (first?.value == nil && match.value != nil) { first = match }
            }
            return first
        case .field(let field):
            return try field.match(node, pod: pod)
        }
    }

    struct Match {
        let path: FieldPath
        let value: Node?
    }
}

final class FieldCondition: Sendable {
    enum Step: Sendable {
        case key(String)
        case each
    }

    enum Test: Sendable {
        /// What is there has to be of the shape, where one is named.
        case absent(Shape?)
        case present
        case isBool(Bool, negated: Bool)
        case isText(String, negated: Bool)
        case isNumber(Int, negated: Bool)
        case inTexts([String], negated: Bool)
        case prefix(String)
        case above(Int)
        case below(Int)
    }

    /// What Kubernetes takes in a field.
    enum Shape: String, Sendable {
        case string, object, list, quantity

        var described: String {
            switch self {
            case .string: "a string"
            case .object: "an object"
            case .list: "a list"
            case .quantity: "a quantity"
            }
        }

        func fits(_ node: Node) -> Bool {
            switch self {
            case .string: node.kind == .string
            case .object: node.kind == .object
            case .list: node.kind == .array
            case .quantity: node.isQuantity
            }
        }
    }

    let path: String
    let steps: [Step]
    let test: Test
    /// The container takes the field over from the pod when it has none of its own.
    let inherits: Bool
    /// The path as written in results when it leads through no list, so that it is the same for all.
    private let plainPath: String?
    /// The keys of such a path.
    private let keys: FieldKeys?
    /// The keys that lead to a list and those from its elements on, when the path leads through one.
    private let listKeys: (before: FieldKeys, after: FieldKeys, count: Int)?

    init(path: String, steps: [Step], test: Test, inherits: Bool) {
        (self.path, self.steps, self.test, self.inherits) = (path, steps, test, inherits)
        let names = steps.compactMap { if case .key(let key) = $0 { key } else { nil } }
        let isPlain = names.count == steps.count
        plainPath = isPlain ? Self.text(steps[...], []) : nil
        keys = isPlain ? FieldKeys(names) : nil
        var listKeys: (FieldKeys, FieldKeys, Int)?
        if names.count == steps.count - 1, !inherits, let list = steps.firstIndex(where: \.isEach) {
            listKeys = (FieldKeys(Array(names[..<list])), FieldKeys(Array(names[list...])), list)
        }
        self.listKeys = listKeys
    }

    func match(_ node: Node, pod: Node?) throws(UnreadableField) -> Condition.Match? {
        if let keys, let plainPath { return try match(node, pod, keys, plainPath) }
        if let listKeys { return try match(node, listKeys.before, listKeys.after, listKeys.count) }
        if inherits, let pod, try !has(node, 0), try has(pod, 0) {
            guard let found = try search(pod, 0) else { return nil }
            return Condition.Match(path: .pod(text(found.indices)), value: found.value)
        }
        guard let found = try search(node, 0) else { return nil }
        return Condition.Match(path: .relative(text(found.indices)), value: found.value)
    }

    private func match(
        _ node: Node, _ pod: Node?, _ keys: FieldKeys, _ path: String
    ) throws(UnreadableField) -> Condition.Match? {
        if let value = try value(node, keys) {
            return try holds(value) ? Condition.Match(path: .relative(path), value: value) : nil
        }
        if inherits, let pod, let value = try value(pod, keys) {
            return try holds(value) ? Condition.Match(path: .pod(path), value: value) : nil
        }
        return holdsWhenAbsent ? Condition.Match(path: .relative(path), value: nil) : nil
    }

    /// `search` for a path through one list, which most of the others are, without taking hold of what lies between.
    private func match(
        _ node: Node, _ before: FieldKeys, _ after: FieldKeys, _ list: Int
    ) throws(UnreadableField) -> Condition.Match? {
        guard let holder = try value(node, before) else { return nil }
        guard holder.kind == .array else { throw noList(holder) }
        var index = 0
        for element in holder.elements {
            switch element.descend(after) {
            case .found(let value):
                if try holds(value) { return Condition.Match(path: .relative(text([index])), value: value) }
            case .absent:
                if holdsWhenAbsent { return Condition.Match(path: .relative(text([index])), value: nil) }
            case .blocked(let holder, let step): throw noObject(holder, list + 1 + step)
            }
            index += 1
        }
        return nil
    }

    private func value(_ node: Node, _ keys: FieldKeys) throws(UnreadableField) -> Node? {
        switch node.descend(keys) {
        case .found(let value): return value
        case .absent: return nil
        case .blocked(let holder, let step): throw noObject(holder, step)
        }
    }

    private func text(_ indices: [Int]) -> String { plainPath ?? Self.text(steps[...], indices) }

    private struct Found {
        var value: Node?
        var indices: [Int] = []
    }

    private func has(_ node: Node, _ step: Int) throws(UnreadableField) -> Bool {
        guard step < steps.count else { return !node.isNull }
        guard case .key(let key) = steps[step], let next = try member(node, key, step) else { return false }
        return try has(next, step + 1)
    }

    private func search(_ node: Node?, _ step: Int) throws(UnreadableField) -> Found? {
        guard let node, !node.isNull else {
            // Beyond an absent list there is no element to judge.
            return !steps[step...].contains(where: \.isEach) && holdsWhenAbsent ? Found(value: nil) : nil
        }
        guard step < steps.count else { return try holds(node) ? Found(value: node) : nil }
        switch steps[step] {
        case .key(let key):
            return try search(try member(node, key, step), step + 1)
        case .each:
            guard node.kind == .array else {
                throw noList(node)
            }
            var index = 0
            for element in node.elements {
                if var found = try search(element, step + 1) {
                    found.indices.insert(index, at: 0)
                    return found
                }
                index += 1
            }
            return nil
        }
    }

    private func member(_ node: Node, _ key: String, _ step: Int) throws(UnreadableField) -> Node? {
        guard node.kind == .object else {
            if node.isNull { return nil }
            throw noObject(node, step)
        }
        return node[dynamic: key]
    }

    private func noList(_ node: Node) -> UnreadableField {
        UnreadableField(message: "\(path) should be a list, not \(node.described)", path: path)
    }

    private func noObject(_ node: Node, _ step: Int) -> UnreadableField {
        let parent = Self.text(steps[..<step], [])
        return UnreadableField(
            message: "\(parent.isEmpty ? "this" : parent) should be an object, not \(node.described)", path: parent)
    }

    private var holdsWhenAbsent: Bool {
        switch test {
        case .absent: true
        case .isBool(_, let negated), .isText(_, let negated), .isNumber(_, let negated): negated
        default: false
        }
    }

    private func holds(_ node: Node) throws(UnreadableField) -> Bool {
        switch test {
        case .absent(let shape):
            if let shape, !shape.fits(node) { throw wrong(node, shape.described) }
            return false
        case .present: return true
        case .isBool(let wanted, let negated):
            guard let value = node.bool else { throw wrong(node, "true or false") }
            return (value == wanted) != negated
        case .isText(let wanted, let negated):
            guard node.kind == .string else { throw wrong(node, "a string") }
            return (node.string == wanted) != negated
        case .inTexts(let wanted, let negated):
            guard let text = node.string else { throw wrong(node, "a string") }
            return wanted.contains(text) != negated
        case .prefix(let wanted):
            guard let text = node.string else { throw wrong(node, "a string") }
            return text.hasPrefix(wanted)
        case .isNumber(let wanted, let negated):
            guard let value = node.int else { throw wrong(node, "a whole number") }
            return (value == wanted) != negated
        case .above(let bound):
            guard let value = node.int else { throw wrong(node, "a whole number") }
            return value > bound
        case .below(let bound):
            guard let value = node.int else { throw wrong(node, "a whole number") }
            return value < bound
        }
    }

    private func wrong(_ node: Node, _ expected: String) -> UnreadableField {
        UnreadableField(message: "\(path) should be \(expected), not \(node.described)", path: path)
    }

    /// The path with the indices of the elements that matched.
    private static func text(_ steps: ArraySlice<Step>, _ indices: [Int]) -> String {
        var text = ""
        var used = 0
        for step in steps {
            switch step {
            case .key(let key):
                // Keys with dots or slashes, such as annotations, are bracketed.
                if key.utf8.contains(where: { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "/") }) {
                    text += "[\(key)]"
                } else {
                    text += text.isEmpty ? key : ".\(key)"
                }
            case .each:
                text += used < indices.count ? "[\(indices[used])]" : "[]"
                used += 1
            }
        }
        return text
    }
}

extension Node {
    /// Whether it can be a quantity, e.g. `250m` or `2`: a number or a text that begins like one.
    var isQuantity: Bool {
        if kind == .number { return true }
        guard let first = string?.utf8.first else { return false }
        return first >= UInt8(ascii: "0") && first <= UInt8(ascii: "9") || "+-.".utf8.contains(first)
    }
}

extension FieldCondition.Step {
    var isEach: Bool {
        if case .each = self { return true }
        return false
    }
}

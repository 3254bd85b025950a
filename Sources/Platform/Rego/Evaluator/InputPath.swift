// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// A place in `input` that rules name by constant keys: looked up once for an evaluation, however many lines name it.
final class InputPath {
    /// Where what was found is kept.
    let number: Int
    /// Nil for `input` itself, which the program keeps, and with it all below.
    unowned(unsafe) let parent: InputPath?
    let key: Value
    private(set) var children: [InputPath] = []
    private let length: Int
    /// Some line goes through all members. While compiling only.
    var isIterated = false
    /// The lookup of a path calls that of its parent.
    private static let maxLength = 8

    init(number: Int = 0, parent: InputPath? = nil, key: Value = .null) {
        (self.number, self.parent, self.key) = (number, parent, key)
        length = parent.map { $0.length + 1 } ?? 0
    }

    /// The place below this one; nil when that is too deep. While compiling only.
    func descend(_ key: Value, _ program: Program) -> InputPath? {
        if let known = children.first(where: { equal($0.key, key) }) { return known }
        guard length < InputPath.maxLength else { return nil }
        let child = InputPath(number: program.reserveMemo(), parent: self, key: key)
        children.append(child)
        return child
    }
}

extension InputPath {
    /// The numbers of all places at and below a member of `input`.
    func memos(below name: String) -> [Int] {
        var found: [Int] = []
        var waiting = children.filter { $0.key.text == name }
        while let path = waiting.popLast() {
            found.append(path.number)
            waiting += path.children
        }
        return found
    }
}

/// What does not change during an evaluation, once it is known.
enum Memo {
    case unknown
    case undefined
    case value(Value)
}

extension Machine {
    /// What stands at a place of `input`; nil is undefined.
    func document(_ path: InputPath) -> Value? {
        if path.number == 0 { return input }
        switch memos[path.number] {
        case .value(let value): return value
        case .undefined: return nil
        case .unknown: break
        }
        guard let parent = path.parent, let above = document(parent), let value = lookup(above, path.key) else {
            memos[path.number] = .undefined
            return nil
        }
        // Its members are put in order once.
        if path.isIterated, case .node(let node) = value, node.isObject {
            let object = Value.object(ObjectValue(node))
            memos[path.number] = .value(object)
            return object
        }
        memos[path.number] = .value(value)
        return value
    }
}

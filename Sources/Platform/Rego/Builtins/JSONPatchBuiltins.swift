// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

extension BuiltinTable {
    mutating func addJSONPatch() {
        two("json.filter", [.object], [.array, .set]) { value, paths, _ in
            let object = try value.object(1)
            let tree = PathTree()
            for path in try PathTree.paths(paths) { tree.add(path[...]) }
            return tree.filter(.object(object)) ?? .emptyObject
        }
        two("json.remove", [.object], [.array, .set]) { value, paths, _ in
            let object = try value.object(1)
            let tree = PathTree()
            for path in try PathTree.paths(paths) { tree.add(path[...]) }
            return tree.remove(from: .object(object)) ?? .emptyObject
        }
        two("json.patch", [.array, .object, .set], [.array]) { value, operations, context in
            var document = value
            for operation in try operations.array(2) {
                try context.checkpoint()
                guard try JSONPatch.apply(operation, to: &document) else { return nil }
            }
            return document
        }
    }
}

/// Paths gathered into a tree; an end of a path covers all below it.
private final class PathTree {
    private var children: [Value: PathTree] = [:]
    private var isEnd = false

    static func paths(_ value: Value) throws -> [[Value]] {
        guard let elements = value.elements ?? value.setMembers?.members else {
            throw BuiltinError.operand(2, mustBe: "one of {set, array}", butGot: value)
        }
        return try elements.map { element in
            if let text = element.text { return pointer(text) }
            guard let path = element.elements else {
                throw BuiltinError(
                    .type,
                    "operand 2 must be one of {set, array} containing string paths or array of path segments but got "
                        + element.kind.name)
            }
            return path
        }
    }

    /// A path of RFC 6901, whose leading slash may be left out.
    static func pointer(_ text: String) -> [Value] {
        if text.isEmpty { return [] }
        var parts = Texts.split(text, "/")
        if parts.first == "" { parts.removeFirst() }
        return parts.map { .string($0.replacing("~1", with: "/").replacing("~0", with: "~")) }
    }

    func add(_ path: ArraySlice<Value>) {
        guard let key = path.first else {
            isEnd = true
            return
        }
        let tree = children[key] ?? PathTree()
        children[key] = tree
        tree.add(path.dropFirst())
    }

    private func child(_ key: Value) -> PathTree? { children[key] }

    private func child(at index: Int) -> PathTree? { child(.string("\(index)")) ?? child(.int(index)) }

    func filter(_ value: Value) -> Value? {
        if isEnd { return value }
        if let object = value.members {
            var members: [(Value, Value)] = []
            for (key, member) in zip(object.keys, object.values) {
                if let kept = child(key)?.filter(member) { members.append((key, kept)) }
            }
            return .object(ObjectValue(members))
        }
        if let elements = value.elements {
            return .array(elements.enumerated().compactMap { child(at: $0.offset)?.filter($0.element) })
        }
        if let set = value.setMembers {
            return .set(SetValue(set.members.compactMap { child($0)?.filter($0) }))
        }
        return nil
    }

    func remove(from value: Value) -> Value? {
        if isEnd { return nil }
        if let object = value.members {
            var members: [(Value, Value)] = []
            for (key, member) in zip(object.keys, object.values) {
                guard let tree = child(key) else {
                    members.append((key, member))
                    continue
                }
                if let kept = tree.remove(from: member) { members.append((key, kept)) }
            }
            return .object(ObjectValue(members))
        }
        if let elements = value.elements {
            return .array(
                elements.enumerated().compactMap { index, element in
                    child(at: index).map { $0.remove(from: element) } ?? element
                })
        }
        if let set = value.setMembers {
            return .set(
                SetValue(set.members.compactMap { member in child(member).map { $0.remove(from: member) } ?? member }))
        }
        return value
    }
}

/// RFC 6902 over values, in place; sets are changed by their members. False: the patch does not fit, and the document is
/// of no more use.
private enum JSONPatch {
    static func apply(_ operation: Value, to document: inout Value) throws -> Bool {
        guard let fields = operation.members else {
            throw BuiltinError(
                .type, "operand 2 must be array of objects but got array containing \(operation.kind.name)")
        }
        func path(_ name: String) throws -> [Value] {
            guard let field = fields[name] else {
                throw BuiltinError(.builtin, "missing '\(name)' attribute")
            }
            if let text = field.text { return PathTree.pointer(text) }
            guard let elements = field.elements else {
                throw BuiltinError(
                    .type, "attribute '\(name)' must be one of {string, array} but got \(field.kind.name)")
            }
            return elements
        }
        guard let name = fields["op"] else { throw BuiltinError(.builtin, "missing 'op' attribute") }
        guard let verb = name.text else {
            throw BuiltinError(.type, "attribute 'op' must be string but got \(name.kind.name)")
        }
        func value() throws -> Value {
            guard let value = fields["value"] else { throw BuiltinError(.builtin, "missing 'value' attribute") }
            return value
        }
        let target = try path("path")
        switch verb {
        case "add": return add(try value(), target[...], &document)
        case "remove": return remove(target[...], &document) != nil
        case "replace":
            let new = try value()
            return change(&document, target[...]) { place in
                place = new
                return true
            }
        case "move":
            guard let moved = remove(try path("from")[...], &document) else { return false }
            return add(moved, target[...], &document)
        case "copy":
            guard let found = find(try path("from")[...], document) else { return false }
            return add(found, target[...], &document)
        case "test":
            guard let found = find(target[...], document) else { return false }
            return equal(found, try value())
        default: throw BuiltinError(.builtin, "unrecognized op '\(verb)'")
        }
    }

    private static func index(_ key: Value, _ count: Int) -> Int? {
        if let text = key.text {
            guard !text.isEmpty, text == "0" || !text.hasPrefix("0"), text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 })
            else { return nil }
            return Int(text).flatMap { $0 < count ? $0 : nil }
        }
        guard case .int(let index) = key.resolved, index >= 0, index < count else { return nil }
        return index
    }

    static func find(_ path: ArraySlice<Value>, _ value: Value) -> Value? {
        guard let key = path.first else { return value }
        return child(key, value).flatMap { find(path.dropFirst(), $0) }
    }

    private static func child(_ key: Value, _ value: Value) -> Value? {
        if let object = value.members { return object[key] }
        if let elements = value.elements { return index(key, elements.count).map { elements[$0] } }
        if let set = value.setMembers { return set.contains(key) ? key : nil }
        return nil
    }

    /// Changes what stands at a path. The value is taken out while it is changed, so that nothing around it is copied.
    private static func change(_ value: inout Value, _ path: ArraySlice<Value>, _ body: (inout Value) -> Bool) -> Bool {
        guard let key = path.first else { return body(&value) }
        if var object = value.members {
            value = .null
            let (place, isFound) = object.place(of: key)
            guard isFound else { return false }
            var inner = object.values[place]
            object.replace(at: place, with: .null)
            guard change(&inner, path.dropFirst(), body) else { return false }
            object.replace(at: place, with: inner)
            value = .object(object)
            return true
        }
        if var elements = value.elements {
            value = .null
            guard let place = index(key, elements.count) else { return false }
            var inner = elements[place]
            elements[place] = .null
            guard change(&inner, path.dropFirst(), body) else { return false }
            elements[place] = inner
            value = .array(elements)
            return true
        }
        if let set = value.setMembers, set.contains(key) {
            var inner = key
            guard change(&inner, path.dropFirst(), body) else { return false }
            value = .set(SetValue(set.members.filter { !equal($0, key) } + [inner]))
            return true
        }
        return false
    }

    private static func add(_ new: Value, _ path: ArraySlice<Value>, _ document: inout Value) -> Bool {
        guard let key = path.last else {
            document = new
            return true
        }
        return change(&document, path.dropLast()) { value in
            if var object = value.members {
                value = .null
                object.set(key, new)
                value = .object(object)
                return true
            }
            if var elements = value.elements {
                value = .null
                if key.text == "-" {
                    elements.append(new)
                } else {
                    guard let place = index(key, elements.count + 1) else { return false }
                    elements.insert(new, at: place)
                }
                value = .array(elements)
                return true
            }
            if var set = value.setMembers {
                guard equal(key, new) else { return false }
                value = .null
                set.insert(new)
                value = .set(set)
                return true
            }
            return false
        }
    }

    /// What was removed; nil when nothing stands there. The document itself cannot be removed.
    private static func remove(_ path: ArraySlice<Value>, _ document: inout Value) -> Value? {
        guard let key = path.last else { return nil }
        var removed: Value?
        let isDone = change(&document, path.dropLast()) { value in
            removed = child(key, value)
            guard removed != nil else { return false }
            if var object = value.members {
                value = .null
                object.remove(key)
                value = .object(object)
            } else if var elements = value.elements, let place = index(key, elements.count) {
                value = .null
                elements.remove(at: place)
                value = .array(elements)
            } else if let set = value.setMembers {
                value = .set(SetValue(set.members.filter { !equal($0, key) }))
            }
            return true
        }
        return isDone ? removed : nil
    }
}

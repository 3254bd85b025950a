// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

extension BuiltinTable {
    mutating func addObjects() {
        many("object.get", [[.object], [], []]) { arguments, _ in
            guard arguments[0].kind == .object else {
                throw BuiltinError.operand(1, mustBe: "object", butGot: arguments[0])
            }
            guard let path = arguments[1].elements else { return lookup(arguments[0], arguments[1]) ?? arguments[2] }
            var value = arguments[0]
            for key in path {
                guard let next = lookup(value, key) else { return arguments[2] }
                value = next
            }
            return value
        }
        one("object.keys", [.object]) { value, _ in .set(SetValue(sorted: try value.object(1).keys)) }
        two("object.remove", [.object], [.array, .object, .set]) { value, keys, _ in
            let object = try value.object(1)
            let gone = SetValue(try keyList(keys))
            let kept = object.keys.indices.filter { !gone.contains(object.keys[$0]) }
            return .object(
                ObjectValue(sortedKeys: kept.map { object.keys[$0] }, values: kept.map { object.values[$0] }))
        }
        two("object.filter", [.object], [.array, .object, .set]) { value, keys, _ in
            let object = try value.object(1)
            return .object(ObjectValue(try keyList(keys).compactMap { key in object[key].map { (key, $0) } }))
        }
        two("object.union", [.object], [.object]) { a, b, _ in
            .object(try united(try a.object(1), try b.object(2)))
        }
        one("object.union_n", [.array]) { value, context in
            var objects: [ObjectValue] = []
            for element in try value.array(1) {
                guard let object = element.members else {
                    throw BuiltinError(
                        .type, "operand 1 must be array of objects but got array containing \(element.kind.name)")
                }
                objects.append(object)
            }
            return .object(try united(objects[...], context))
        }
        two("object.subset", [.object, .set, .array], [.object, .set, .array]) { a, b, _ in
            .bool(try isSubset(b, of: a))
        }
    }
}

private func keyList(_ keys: Value) throws -> [Value] {
    if let elements = keys.elements { return elements }
    if let set = keys.setMembers { return set.members }
    if let object = keys.members { return object.keys }
    throw BuiltinError.operand(2, mustBe: "one of {array, object, set}", butGot: keys)
}

/// Later ones win. Half by half, so that no member is copied more often than it has to be.
private func united(_ objects: ArraySlice<ObjectValue>, _ context: BuiltinContext) throws -> ObjectValue {
    if objects.count <= 1 { return objects.first ?? ObjectValue() }
    try context.checkpoint()
    let middle = objects.startIndex + objects.count / 2
    return try united(try united(objects[..<middle], context), try united(objects[middle...], context))
}

/// The second's members win; objects in both are united in turn.
private func united(_ one: ObjectValue, _ two: ObjectValue) throws -> ObjectValue {
    var (keys, values): ([Value], [Value]) = ([], [])
    keys.reserveCapacity(one.count + two.count)
    values.reserveCapacity(one.count + two.count)
    var (i, j) = (0, 0)
    while i < one.count || j < two.count {
        let order = i == one.count ? 1 : j == two.count ? -1 : compare(one.keys[i], two.keys[j])
        keys.append(order < 0 ? one.keys[i] : two.keys[j])
        if order == 0, let old = one.values[i].members, let new = two.values[j].members {
            values.append(.object(try united(old, new)))
        } else {
            values.append(order < 0 ? one.values[i] : two.values[j])
        }
        if order <= 0 { i += 1 }
        if order >= 0 { j += 1 }
    }
    return ObjectValue(sortedKeys: keys, values: values)
}

private func isSubset(_ part: Value, of whole: Value) throws -> Bool {
    if let object = part.members {
        guard let other = whole.members else { return try mixed(part, whole) }
        for (key, value) in zip(object.keys, object.values) {
            guard let theirs = other[key] else { return false }
            if value.kind == theirs.kind, value.kind == .object || value.kind == .set || value.kind == .array {
                if try !isSubset(value, of: theirs) { return false }
            } else if !equal(value, theirs) {
                return false
            }
        }
        return true
    }
    if let set = part.setMembers {
        if let other = whole.setMembers { return set.members.allSatisfy { other.contains($0) } }
        if let elements = whole.elements {
            let other = SetValue(elements)
            return set.members.allSatisfy { other.contains($0) }
        }
        return try mixed(part, whole)
    }
    if let elements = part.elements {
        guard let other = whole.elements else { return try mixed(part, whole) }
        // One run of the other's elements.
        if elements.isEmpty { return true }
        guard other.count >= elements.count else { return false }
        for start in 0...(other.count - elements.count)
        where zip(elements, other[start...]).allSatisfy({ equal($0, $1) }) { return true }
        return false
    }
    return try mixed(part, whole)
}

private func mixed(_ part: Value, _ whole: Value) throws -> Bool {
    throw BuiltinError(.type, "both arguments object.subset must be of the same type or array and set")
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// What rules with variables in their path give: values under keys as deep as their paths go.
final class Members {
    private var children: [(key: Value, place: Members)] = []
    private var index: [Value: Int] = [:]
    /// A value that a rule gives here.
    private var leaf: Value?
    /// Members of a set that rules give here.
    private var set: [Value]?

    var keys: [Value] { children.map(\.key) }

    func child(_ key: Value) -> Members? {
        if let leaf { return lookup(leaf, key).map { Members(leaf: $0) } }
        return index[key].map { children[$0].place }
    }

    init() {}

    private init(leaf: Value) { self.leaf = leaf }

    /// What the rules of one place give.
    init(_ value: Value, isSet: Bool) {
        if isSet { set = value.setMembers?.members } else { leaf = value }
    }

    /// Holds one value, which nothing may add to.
    var isLeaf: Bool { leaf != nil }

    static let conflict = RegoError(.evalConflict, "object keys must be unique")

    func descend(_ key: Value) throws -> Members {
        if leaf != nil || set != nil { throw Members.conflict }
        if let known = index[key] { return children[known].place }
        let place = Members()
        index[key] = children.count
        children.append((key, place))
        return place
    }

    func put(_ value: Value, isMember: Bool) throws {
        if !children.isEmpty { throw Members.conflict }
        if isMember {
            if leaf != nil { throw Members.conflict }
            set = (set ?? []) + [value]
            return
        }
        if set != nil { throw Members.conflict }
        if let leaf, !equal(leaf, value) { throw Members.conflict }
        leaf = value
    }

    func add(_ other: Members) throws {
        if let value = other.leaf { try put(value, isMember: false) }
        for value in other.set ?? [] { try put(value, isMember: true) }
        for (key, place) in other.children { try descend(key).add(place) }
    }

    var value: Value {
        if let leaf { return leaf }
        if let set { return .set(SetValue(set)) }
        return .object(ObjectValue(children.map { ($0.key, $0.place.value) }))
    }
}

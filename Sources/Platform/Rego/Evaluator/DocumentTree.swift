// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Places that rules make: packages, rules, and plain documents between them.
///
/// `above` is what rules with variables in their path, of places above, have to say about a place.
extension Machine {
    /// Follows a reference's keys from a node of the rule tree; `base` is the plain document of the same place.
    func follow(_ node: RuleNode, _ base: Value?, _ at: Int, _ step: RefStep, above: [Members] = []) throws -> Bool {
        if !overridden.isEmpty, isOverridden(node.path) {
            guard let base else { return true }
            return try step.follow(base, at, self)
        }
        if !node.rules.isEmpty {
            if node.isFunction { return true }
            guard let value = try extent(node, base, above: above) else { return true }
            return try step.follow(value, at, self)
        }
        if at == step.keys.count {
            guard let value = try extent(node, base, above: above) else { return true }
            return try step.arrive(value, self)
        }
        let members = try members(node, above)
        switch step.keys[at] {
        case .name(let name): return try enter(.string(name), node, base, members, at, step)
        case .known(let operand): return try enter(operand.value(self), node, base, members, at, step)
        case .open(let pattern):
            var keys = node.documentKeys.map { Value.string($0) } + members.flatMap(\.keys)
            if let object = base?.members {
                keys += object.keys
            } else if let elements = base?.elements {
                keys += elements.indices.map { .int($0) }
            }
            for key in SetValue(keys).members {
                try tick()
                if pattern.matches(key, self), try !enter(key, node, base, members, at, step) { return false }
            }
            return true
        }
    }

    /// Goes on below one key of a node.
    private func enter(
        _ key: Value, _ node: RuleNode, _ base: Value?, _ members: [Members], _ at: Int, _ step: RefStep
    ) throws -> Bool {
        let below = base.flatMap { lookup($0, key) ?? PlainDocuments.member($0, key) }
        let made = members.compactMap { $0.child(key) }
        if let name = key.text, let child = node.child(name), child.hasDocument {
            return try follow(child, below, at + 1, step, above: made)
        }
        if let value = try combined(made) {
            return try step.follow(below.map { over($0, value) } ?? value, at + 1, self)
        }
        guard let below else { return true }
        return try step.follow(below, at + 1, self)
    }

    /// The whole document of a place; nil when undefined.
    func extent(_ node: RuleNode, _ base: Value?, above: [Members] = []) throws -> Value? {
        if !overridden.isEmpty, isOverridden(node.path) { return base }
        let members = try members(node, above)
        if !node.rules.isEmpty, !node.isFunction {
            let own = try answer(node.ruleSet)
            guard !members.isEmpty, let own else { return try combined(members) ?? own }
            let isSet = program.sets[node.ruleSet].kind == .set
            return try combined(members + [Members(own, isSet: isSet)])
        }
        let known = base?.members
        if base != nil, known == nil, node.documentKeys.isEmpty, members.isEmpty { return base }
        var result = known ?? ObjectValue()
        var keys = SetValue(members.flatMap(\.keys))
        for name in node.documentKeys { keys.insert(.string(name)) }
        for key in keys.members {
            let made = members.compactMap { $0.child(key) }
            let value: Value?
            if let name = key.text, let child = node.child(name), child.hasDocument {
                let below = result[key]
                value = try extent(child, below, above: made).map { made in below.map { over(made, $0) } ?? made }
                if value != nil, members.contains(where: \.isLeaf) { throw Members.conflict }
            } else {
                value = try combined(made).map { value in result[key].map { over($0, value) } ?? value }
            }
            if let value { result.set(key, value) } else { result.remove(key) }
        }
        return .object(result)
    }

    /// What rules with variables in their path say about a node.
    private func members(_ node: RuleNode, _ above: [Members]) throws -> [Members] {
        guard !node.general.isEmpty, let own = try generalMembers(node.generalSet) else { return above }
        return above + [own]
    }

    private func isOverridden(_ path: [String]) -> Bool {
        overridden.contains { $0.count <= path.count && path.starts(with: $0) }
    }

    /// What several say about one place; nil when none does.
    private func combined(_ members: [Members]) throws -> Value? {
        guard let first = members.first else { return nil }
        if members.count == 1 { return first.value }
        let all = Members()
        for one in members { try all.add(one) }
        return all.value
    }

    /// One document over another: the second's members win.
    private func over(_ base: Value, _ made: Value) -> Value {
        guard var members = base.members, let others = made.members else { return made }
        for (key, value) in zip(others.keys, others.values) {
            members.set(key, members[key].map { over($0, value) } ?? value)
        }
        return .object(members)
    }
}

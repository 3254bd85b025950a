// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

extension Planner {
    mutating func unifyReference(
        _ head: ResolvedTerm, _ keys: [ResolvedTerm], _ other: ResolvedTerm, _ bound: inout Set<Int>
    ) -> Make? {
        if case .ref(let otherHead, let otherKeys) = other {
            // Both are looked up, one after the other; either may go first.
            for (first, second) in [((head, keys), (otherHead, otherKeys)), ((otherHead, otherKeys), (head, keys))] {
                let slot = temporary()
                var inner = bound
                guard let one = reference(first.0, first.1, result: .bind(slot), &inner) else { continue }
                guard let two = reference(second.0, second.1, result: .check(.slot(slot)), &inner) else { continue }
                bound = inner
                return { one(two($0)) }
            }
            return nil
        }
        var inner = bound
        // Keys are bound before the value is held against the pattern.
        guard let keyPatterns = self.keys(keys, head, &inner), let pattern = pattern(other, &inner) else { return nil }
        guard let make = reference(head, keyPatterns, keys, result: pattern, bound) else { return nil }
        bound = inner
        if case .bind(let slot) = pattern, isConstant(head), keys.allSatisfy(\.isConstant) { constant.insert(slot) }
        return make
    }

    func isConstant(_ head: ResolvedTerm) -> Bool {
        switch head {
        case .input: true
        case .local(let slot): constant.contains(slot)
        default: false
        }
    }

    mutating func reference(
        _ head: ResolvedTerm, _ keys: [ResolvedTerm], result: Matcher?, _ bound: inout Set<Int>
    ) -> Make? {
        var inner = bound
        guard let patterns = self.keys(keys, head, &inner) else { return nil }
        guard let make = reference(head, patterns, keys, result: result, bound) else { return nil }
        bound = inner
        return make
    }

    func keys(_ keys: [ResolvedTerm], _ head: ResolvedTerm, _ bound: inout Set<Int>) -> [RefStep.Key]? {
        if case .local(let slot) = head, !bound.contains(slot) { return nil }
        if !isRoot(head), !areBound(head, bound) { return nil }
        var made: [RefStep.Key] = []
        for key in keys {
            if areBound(key, bound) {
                made.append(.known(operand(key)))
            } else {
                guard let pattern = pattern(key, &bound) else { return nil }
                made.append(.open(pattern))
            }
        }
        return made
    }

    func isRoot(_ head: ResolvedTerm) -> Bool {
        switch head {
        case .input, .data: true
        default: false
        }
    }

    mutating func reference(
        _ head: ResolvedTerm, _ patterns: [RefStep.Key], _ keys: [ResolvedTerm], result: Matcher?, _ bound: Set<Int>
    ) -> Make? {
        let isTest = result == nil
        let result = result ?? .any
        switch head {
        case .input:
            if case .constant(let key)? = keys.first, let name = key.text {
                inputUse.keys.insert(name)
            } else {
                inputUse.isAny = true
            }
            var path = program.input
            var count = 0
            while isKept, count < keys.count, case .constant(let key) = keys[count],
                let below = path.descend(key, program)
            {
                path = below
                count += 1
            }
            let rest = Array(patterns.dropFirst(count))
            if isKept, case .open? = rest.first { path.isIterated = true }
            return { InputStep(path, rest, result: result, isTest: isTest, next: $0) }
        case .data:
            // Down the rule tree as far as keys are fixed and nothing above has a say.
            var node = program.root
            var count = 0
            while count < keys.count, node.rules.isEmpty, node.general.isEmpty,
                case .constant(.string(let name)) = keys[count], let child = node.child(name), child.hasDocument
            {
                node = child
                count += 1
            }
            var place = node.path
            for key in keys.dropFirst(count) {
                if case .constant(.int(let number)) = key {
                    place.append("\(number)")
                } else {
                    guard case .constant(.string(let name)) = key else { break }
                    place.append(name)
                }
            }
            if node.rules.isEmpty, node.general.isEmpty, count < keys.count,
                case .constant(.string(let name)) = keys[count], node.child(name)?.hasDocument != true
            {
                return { DataStep(patterns, result: result, isTest: isTest, next: $0) }
            }
            dependencies.append(.place(place))
            return {
                TreeStep(node, Array(patterns.dropFirst(count)), result: result, isTest: isTest, next: $0)
            }
        default:
            let operand = operand(head)
            if case .slot(let slot) = operand, case .known(.constant(.string(let name)))? = patterns.first {
                let rest = Array(patterns.dropFirst())
                return { MemberStep(slot, name, rest, result: result, isTest: isTest, next: $0) }
            }
            return { TermRefStep(operand, patterns, result: result, isTest: isTest, next: $0) }
        }
    }
}

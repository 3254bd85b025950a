// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Rego

/// One change at one place of an object.
struct PathEdit {
    enum Change: Sendable {
        case set(Value)
        /// Adds to a list what it does not hold.
        case merge([Value])
        /// Takes from a list.
        case prune([Value])
        case image(ImageParts)
        /// Puts there what a provider says.
        case external(ExternalSource, user: String)
    }

    let path: MutationPath
    /// By depth: whether what stands there must exist or must not.
    let mustExist: [Int: Bool]
    let change: Change

    /// The object after it; nil where a condition does not hold.
    func applied(to object: Value) throws(GatekeeperError) -> Value? { try edited(object, 0) }

    private func mayExist(_ depth: Int) -> Bool { mustExist[depth] ?? true }
    private func mayMiss(_ depth: Int) -> Bool { !(mustExist[depth] ?? false) }

    private func edited(_ current: Value, _ depth: Int) throws(GatekeeperError) -> Value? {
        switch path.steps[depth] {
        case .member(let name): try member(name, of: current, depth)
        case .element(let field, let key): try element(field, key, of: current, depth)
        }
    }

    private func member(_ name: String, of current: Value, _ depth: Int) throws(GatekeeperError) -> Value? {
        guard var object = current.members else { throw mismatch(depth, "an object", current) }
        let old = object[name]
        guard old == nil ? mayMiss(depth) : mayExist(depth) else { return nil }
        let new: Value?
        if depth == path.steps.count - 1 {
            new = try changed(old)
        } else {
            new = try edited(old ?? missing(after: depth), depth + 1)
            if new == nil { return nil }
        }
        if let new { object.set(.string(name), new) }
        return .object(object)
    }

    private func element(
        _ field: String, _ key: MutationPath.Key?, of current: Value, _ depth: Int
    ) throws(GatekeeperError) -> Value? {
        guard var list = current.elements else { throw mismatch(depth, "a list", current) }
        let isLast = depth == path.steps.count - 1
        // Every element cannot be asked not to be.
        if key == nil, !mayExist(depth) { return nil }
        var (isFound, isChanged) = (false, false)
        for (index, element) in list.enumerated() {
            if let key {
                guard let own = element.members?[field], equal(own, key.value) else { continue }
                if !mayExist(depth) { return nil }
            }
            isFound = true
            if isLast {
                list[index] = try newElement()
                return .array(list)
            }
            if let new = try edited(element, depth + 1) {
                list[index] = new
                isChanged = true
            }
        }
        if let key, !isFound {
            guard mayMiss(depth) else { return nil }
            if isLast {
                list.append(try newElement())
                return .array(list)
            }
            let fresh = Value.object(ObjectValue([(.string(field), key.value)]))
            guard let new = try edited(fresh, depth + 1) else { return nil }
            list.append(new)
            isChanged = true
        }
        return isChanged ? .array(list) : nil
    }

    /// What a whole element becomes. That its key stays was seen when the mutator was read.
    private func newElement() throws(GatekeeperError) -> Value {
        guard case .set(let value) = change, value.kind == .object else {
            throw GatekeeperError(.evaluation, "\(path): only an object can be an element of a keyed list")
        }
        return value
    }

    private func missing(after depth: Int) -> Value { path.steps[depth + 1].isElement ? .array([]) : .emptyObject }

    /// Nil leaves the member absent.
    private func changed(_ old: Value?) throws(GatekeeperError) -> Value? {
        func list(_ old: Value) throws(GatekeeperError) -> [Value] {
            guard let list = old.elements else {
                throw GatekeeperError(.evaluation, "\(path) is \(old.kind.name), no list that can be a set")
            }
            return list
        }
        switch change {
        case .set(let value): return value
        case .merge(let values):
            guard let old else { return .array(values) }
            var found = try list(old)
            for value in values where !found.contains(where: { equal($0, value) }) { found.append(value) }
            return .array(found)
        case .prune(let values):
            guard let old else { return nil }
            return .array(try list(old).filter { one in !values.contains { equal($0, one) } })
        case .image(let parts):
            guard let old else { return .string(parts.applied(to: "")) }
            guard let text = old.text else {
                throw GatekeeperError(.evaluation, "\(path) is \(old.kind.name), no text that can be an image")
            }
            return .string(parts.applied(to: text))
        case .external(let source, let user):
            return try source.value(for: old, user: user, at: path.description)
        }
    }

    private func mismatch(_ depth: Int, _ wanted: String, _ found: Value) -> GatekeeperError {
        GatekeeperError(.evaluation, "\(path): step \(depth + 1) needs \(wanted), found \(found.kind.name)")
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// What type parameters were found to stand for. Assigning a type to another may bind parameters on either side, as
/// cel-spec's type inference says.
struct CELTypeMapping {
    private var bound: [String: CELType] = [:]

    /// Replaces parameters by what they stand for; those that stand for nothing become `dyn` where asked.
    func substitute(_ type: CELType, freeAreDyn: Bool = false) -> CELType {
        switch type {
        case .parameter(let name):
            if let found = bound[name] { return substitute(found, freeAreDyn: freeAreDyn) }
            return freeAreDyn ? .dyn : type
        case .list(let element): return .list(substitute(element, freeAreDyn: freeAreDyn))
        case .map(let key, let value):
            return .map(substitute(key, freeAreDyn: freeAreDyn), substitute(value, freeAreDyn: freeAreDyn))
        case .type(let inner): return .type(substitute(inner, freeAreDyn: freeAreDyn))
        case .opaque(let name, let types):
            return .opaque(name, types.map { substitute($0, freeAreDyn: freeAreDyn) })
        default: return type
        }
    }

    /// Whether each value may stand where the other list says; binds parameters only when all may.
    mutating func assign(_ values: [CELType], to wanted: [CELType]) -> Bool {
        guard values.count == wanted.count else { return false }
        var next = self
        for (value, want) in zip(values, wanted) where !next.isAssignable(value, want) { return false }
        self = next
        return true
    }

    private mutating func isAssignable(_ one: CELType, _ two: CELType) -> Bool {
        if case .parameter(let name) = two {
            let (isValid, isBound) = binds(name, to: one)
            if isValid { return true }
            if isBound { return false }
        }
        if case .parameter(let name) = one { return binds(name, to: two).isValid }
        switch (one, two) {
        case (.dyn, _), (_, .dyn), (.unknown, _), (_, .unknown): return true
        case (.null, .wrapper), (.null, .opaque), (.null, .object), (.null, .timestamp), (.null, .duration): return true
        case (.wrapper(let a), .wrapper(let b)), (.wrapper(let a), let b): return a == b
        case (let a, .wrapper(let b)): return a == b
        case (.list(let a), .list(let b)): return isAssignable(a, b)
        case (.map(let a, let b), .map(let c, let d)): return isAssignable(a, c) && isAssignable(b, d)
        case (.opaque(let a, let types), .opaque(let b, let others)):
            guard a == b, types.count == others.count else { return false }
            for (x, y) in zip(types, others) where !isAssignable(x, y) { return false }
            return true
        case (.type, .type): return true
        default: return one == two
        }
    }

    private mutating func binds(_ name: String, to type: CELType) -> (isValid: Bool, isBound: Bool) {
        if let known = bound[name] {
            if known == type { return (true, true) }
            if isAssignable(type, known) {
                bound[name] = CELTypeMapping.mostGeneral(type, known)
                return (true, true)
            }
            return (false, true)
        }
        guard !occurs(name, in: type) else { return (type == .parameter(name), false) }
        bound[name] = type
        return (true, false)
    }

    private func occurs(_ name: String, in type: CELType) -> Bool {
        switch type {
        case .parameter(let other):
            if name == other { return true }
            return bound[other].map { occurs(name, in: $0) } ?? false
        case .list(let inner), .type(let inner), .wrapper(let inner): return occurs(name, in: inner)
        case .map(let key, let value): return occurs(name, in: key) || occurs(name, in: value)
        case .opaque(_, let types): return types.contains { occurs(name, in: $0) }
        default: return false
        }
    }

    /// The type that holds both; nil where none does but `dyn`.
    mutating func join(_ one: CELType, _ two: CELType) -> CELType? {
        if one == .null, two != .null, assign([one], to: [two]) { return two }
        if two == .null, one != .null, assign([two], to: [one]) { return one }
        return assign([one], to: [two]) ? CELTypeMapping.mostGeneral(one, two) : nil
    }

    static func mostGeneral(_ one: CELType, _ two: CELType) -> CELType { isEqualOrLessSpecific(one, two) ? one : two }

    private static func isEqualOrLessSpecific(_ one: CELType, _ two: CELType) -> Bool {
        switch (one, two) {
        case (.dyn, _), (.parameter, _): return true
        case (_, .dyn), (_, .parameter): return false
        case (.wrapper(let a), .wrapper(let b)), (.wrapper(let a), let b): return a == b
        case (.list(let a), .list(let b)): return isEqualOrLessSpecific(a, b)
        case (.map(let a, let b), .map(let c, let d)):
            return isEqualOrLessSpecific(a, c) && isEqualOrLessSpecific(b, d)
        case (.opaque(let a, let types), .opaque(let b, let others)):
            return a == b && types.count == others.count && zip(types, others).allSatisfy(isEqualOrLessSpecific)
        case (.type, .type): return true
        default: return one == two
        }
    }
}

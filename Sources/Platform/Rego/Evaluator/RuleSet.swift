// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// The compiled rules of one place.
final class RuleSet {
    enum Kind {
        case value
        case set
        case function
        /// Members with further keys: `p[x].q := v`.
        case general
    }

    struct Clause {
        let frameSize: Int
        let arguments: [Matcher]
        /// The body, and those of `else` in order.
        let bodies: [Step]
        let location: Location
        /// For `general`: how many keys lead to the value, and whether that is a set's member.
        let depth: Int
        let isMember: Bool
    }

    let path: [String]
    let kind: Kind
    var clauses: [Clause] = []
    /// For when no clause gives a value.
    var fallback: Clause?
    let arity: Int

    init(path: [String], kind: Kind, arity: Int) { (self.path, self.kind, self.arity) = (path, kind, arity) }

    var name: String { (["data"] + path).joined(separator: ".") }
}

/// Modules compiled together.
final class Program: @unchecked Sendable {
    // @unchecked: filled by the compiler and only read after.
    let root: RuleNode
    var sets: [RuleSet] = []
    let modules: [Module]
    let builtins: [String: Builtin]

    init(root: RuleNode, modules: [Module], builtins: [String: Builtin]) {
        (self.root, self.modules, self.builtins) = (root, modules, builtins)
    }
}

extension Machine {
    /// What the rules of a set give: computed once.
    func answer(_ number: Int) throws -> Value? {
        switch cache[number] {
        case .value(let value): return value
        case .undefined, .members: return nil
        case .running:
            throw RegoError(.recursion, "rule \(program.sets[number].name) is recursive")
        case .unknown: break
        }
        cache[number] = .running
        let set = program.sets[number]
        let value: Value?
        do {
            value = try compute(set)
        } catch {
            cache[number] = .unknown
            throw named(error, set)
        }
        cache[number] = value.map { .value($0) } ?? .undefined
        return value
    }

    /// Errors say which rule they came up in.
    private func named(_ error: any Error, _ set: RuleSet) -> any Error {
        guard var error = error as? RegoError, error.location == nil else { return error }
        error.location = set.clauses.first?.location
        if error.code == .limit { error.message += ", in rule \(set.name)" }
        return error
    }

    private func compute(_ set: RuleSet) throws -> Value? {
        switch set.kind {
        case .value: return try single(set, [])
        case .set:
            var found: [Value] = []
            for clause in set.clauses { found += try gather(clause) }
            return .set(SetValue(found))
        case .general, .function: return nil
        }
    }

    /// The one value of a complete rule or a function's call.
    private func single(_ set: RuleSet, _ arguments: [Value]) throws -> Value? {
        let saved = returned
        returned = nil
        defer { returned = saved }
        for clause in set.clauses where try !run(clause, arguments) { break }
        if returned == nil, let fallback = set.fallback { _ = try run(fallback, arguments) }
        return returned
    }

    /// Runs the first body that gives a value. False: no other clause need be asked.
    private func run(_ clause: RuleSet.Clause, _ arguments: [Value]) throws -> Bool {
        try withFrame(clause.frameSize) {
            for (pattern, argument) in zip(clause.arguments, arguments) where !pattern.matches(argument, self) {
                return true
            }
            if clause.bodies.count == 1 { return try clause.bodies[0].run(self) }
            let before = returned
            returned = nil
            var goesOn = true
            for body in clause.bodies {
                goesOn = try body.run(self)
                if returned != nil { break }
            }
            if let before {
                if let value = returned, !equal(before, value) {
                    throw RegoError(
                        .evalConflict,
                        arguments.isEmpty
                            ? "complete rules must not produce multiple outputs"
                            : "functions must not produce multiple outputs for same inputs")
                }
                returned = before
            }
            return goesOn
        }
    }

    private func gather(_ clause: RuleSet.Clause) throws -> [Value] {
        try withFrame(clause.frameSize) {
            for body in clause.bodies {
                let found = try collect(body)
                if !found.isEmpty || clause.bodies.count == 1 { return found }
            }
            return []
        }
    }

    /// What a set of general rules gives: computed once.
    func generalMembers(_ number: Int) throws -> Members? {
        switch cache[number] {
        case .members(let members): return members
        case .running: throw RegoError(.recursion, "rule \(program.sets[number].name) is recursive")
        default: break
        }
        cache[number] = .running
        do {
            let members = try general(program.sets[number])
            cache[number] = .members(members)
            return members
        } catch {
            cache[number] = .unknown
            throw named(error, program.sets[number])
        }
    }

    private func general(_ set: RuleSet) throws -> Members {
        let tree = Members()
        for clause in set.clauses {
            let found = try gather(clause)
            let width = clause.depth + 1
            for start in stride(from: 0, to: found.count, by: width) {
                var place = tree
                for key in found[start..<(start + clause.depth)] { place = try place.descend(key) }
                try place.put(found[start + clause.depth], isMember: clause.isMember)
            }
        }
        return tree
    }

    /// Calls a function of the policy.
    func call(_ number: Int, _ arguments: [Value]) throws -> Value? {
        try single(program.sets[number], arguments)
    }
}

extension Value: Hashable {
    package static func == (one: Value, two: Value) -> Bool { equal(one, two) }

    /// Equal values have equal hashes: numbers hash by their nearest float, texts by their bytes.
    package func hash(into hasher: inout Hasher) {
        switch kind {
        case .null: hasher.combine(0)
        case .bool: hasher.combine(isFalse ? 1 : 2)
        case .number: hasher.combine(Double(wide ?? 0))
        case .string:
            hasher.combine(3)
            for byte in (text ?? "").utf8 { hasher.combine(byte) }
        case .array: for element in elements ?? [] { hasher.combine(element) }
        case .object:
            guard let members else { return }
            for (key, value) in zip(members.keys, members.values) {
                hasher.combine(key)
                hasher.combine(value)
            }
        case .set: for member in setMembers?.members ?? [] { hasher.combine(member) }
        }
    }
}

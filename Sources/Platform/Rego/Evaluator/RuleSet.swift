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

    final class Clause {
        let frameSize: Int
        /// What the arguments, which are the first slots of the frame, are held against.
        let arguments: [Matcher]
        let hasPatterns: Bool
        /// The body, and those of `else` in order.
        let bodies: [Step]
        /// The body, where there is no `else`.
        let onlyBody: Step?
        let location: Location
        /// For `general`: how many keys lead to the value, and whether that is a set's member.
        let depth: Int
        let isMember: Bool

        init(
            frameSize: Int, arguments: [Matcher], bodies: [Step], location: Location, depth: Int, isMember: Bool
        ) {
            (self.frameSize, self.arguments, self.bodies, self.location, self.depth, self.isMember) =
                (frameSize, arguments, bodies, location, depth, isMember)
            hasPatterns = !arguments.allSatisfy(\.isAny)
            onlyBody = bodies.count == 1 ? bodies[0] : nil
        }
    }

    /// Its place in the program.
    let number: Int
    let path: [String]
    let kind: Kind
    private(set) var clauses: [Clause] = []
    /// The same, to be read without counting references: a set changes only while it is compiled.
    private var places: UnsafeMutablePointer<Unmanaged<Clause>>?
    private(set) var clauseCount = 0
    /// For when no clause gives a value.
    var fallback: Clause?
    let arity: Int
    let name: String
    /// Calls with the same arguments are worth looking up: there are several, and each gives the same.
    var isShared = false
    /// It gives the same each time, and nobody hears of it.
    var isPure = false
    /// Which members of `input` its own bodies look at, the other sets that they look at, and where calls in them keep
    /// their answers.
    var inputUse = InputUse()
    var needs: [Int] = []
    var memos: [Int] = []

    init(number: Int, path: [String], kind: Kind, arity: Int) {
        (self.number, self.path, self.kind, self.arity) = (number, path, kind, arity)
        name = (["data"] + path).joined(separator: ".")
    }

    deinit { places?.deallocate() }

    @inline(__always)
    func clause(_ number: Int) -> Unmanaged<Clause> {
        assert(number >= 0 && number < clauseCount)
        return places.unsafelyUnwrapped[number]
    }

    func clear() {
        setClauses([])
        fallback = nil
    }

    /// While compiling only.
    func setClauses(_ clauses: [Clause]) {
        self.clauses = clauses
        clauseCount = clauses.count
        places?.deallocate()
        places = UnsafeMutablePointer<Unmanaged<Clause>>.allocate(capacity: clauses.count)
        for (index, clause) in clauses.enumerated() { places?[index] = Unmanaged.passUnretained(clause) }
    }
}

/// Modules compiled together.
final class Program: @unchecked Sendable {
    // @unchecked: filled by the compiler and only read after.
    let root: RuleNode
    var sets: [RuleSet] = []
    let modules: [Module]
    let builtins: [String: Builtin]
    let input = InputPath()
    /// How many memos an evaluation keeps. The first is that of `input` itself, which needs none.
    private(set) var memoCount = 1

    /// While compiling only.
    func reserveMemo() -> Int {
        memoCount += 1
        return memoCount - 1
    }

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
        case .value: try single(set)
        case .set: .set(SetValue(try gather(set, 0..<set.clauseCount)))
        case .general, .function: nil
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
        for (number, clause) in set.clauses.enumerated() {
            let found = try gather(set, number..<(number + 1))
            let width = clause.depth + 1
            for start in stride(from: 0, to: found.count, by: width) {
                var place = tree
                for key in found[start..<(start + clause.depth)] { place = try place.descend(key) }
                try place.put(found[start + clause.depth], isMember: clause.isMember)
            }
        }
        return tree
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
            var text = text ?? ""
            text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
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

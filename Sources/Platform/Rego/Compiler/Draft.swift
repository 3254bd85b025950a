// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// A body before its steps are tied together. Bodies of one set that begin with the same lines, as those of policies often
/// do, run them once.
struct Draft {
    /// The first goals, in the order in which they run.
    let leading: [Goal]
    /// Of all goals, those of `leading` first.
    let makers: [Planner.Make]
    let last: Step

    /// The same clauses, with neighbours that begin alike as one.
    static func merged(_ clauses: [RuleSet.Clause], _ drafts: [Draft?]) -> [RuleSet.Clause] {
        var found: [RuleSet.Clause] = []
        var place = 0
        while place < clauses.count {
            var end = place + 1
            var shared = drafts[place]?.leading.count ?? 0
            while end < clauses.count, let first = drafts[place], let other = drafts[end] {
                let count = zip(first.leading.prefix(shared), other.leading).prefix { isSame($0, $1) }.count
                if count == 0 { break }
                shared = count
                end += 1
            }
            let group = drafts[place..<end].compactMap { $0 }
            if group.count > 1 {
                let frame = clauses[place..<end].map(\.frameSize).max() ?? 0
                found.append(clause(group, shared, frame, like: clauses[place]))
            } else {
                found.append(clauses[place])
            }
            place = end
        }
        return found
    }

    private static func clause(
        _ group: [Draft], _ shared: Int, _ frameSize: Int, like first: RuleSet.Clause
    ) -> RuleSet.Clause {
        let rests = group.map { draft in
            draft.makers.dropFirst(shared).reversed().reduce(draft.last) { step, make in make(step) }
        }
        let body = group[0].makers.prefix(shared).reversed().reduce(ForkStep(rests)) { step, make in make(step) }
        return RuleSet.Clause(
            frameSize: frameSize, arguments: [], bodies: [body], location: first.location, depth: first.depth,
            isMember: first.isMember)
    }

    // MARK: Comparison

    /// Whether two goals do the same to the same slots. Closures are taken to differ.
    private static func isSame(_ one: Goal, _ two: Goal) -> Bool {
        switch (one, two) {
        case (.test(let a), .test(let b)): return isSame(a, b)
        case (.unify(let a, let c), .unify(let b, let d)): return isSame(a, b) && isSame(c, d)
        case (.call(let a, let mine, let result, _), .call(let b, let theirs, let other, _)):
            guard a.name == b.name, isSame(mine, theirs) else { return false }
            guard let result, let other else { return result == nil && other == nil }
            return isSame(result, other)
        case (.not(let a, let mine), .not(let b, let theirs)):
            return mine == theirs && a.count == b.count && zip(a, b).allSatisfy { isSame($0, $1) }
        default: return false
        }
    }

    private static func isSame(_ one: [ResolvedTerm], _ two: [ResolvedTerm]) -> Bool {
        one.count == two.count && zip(one, two).allSatisfy { isSame($0, $1) }
    }

    private static func isSame(_ one: ResolvedTerm, _ two: ResolvedTerm) -> Bool {
        switch (one, two) {
        case (.constant(let a), .constant(let b)): a.kind == b.kind && a.json == b.json
        case (.local(let a), .local(let b)): a == b
        case (.input, .input), (.data, .data): true
        case (.ref(let a, let mine), .ref(let b, let theirs)): isSame(a, b) && isSame(mine, theirs)
        case (.array(let a), .array(let b)), (.set(let a), .set(let b)): isSame(a, b)
        case (.object(let a), .object(let b)):
            isSame(a.map(\.key), b.map(\.key)) && isSame(a.map(\.value), b.map(\.value))
        default: false
        }
    }
}

/// Goes on in several ways, one after the other: what they collect comes together.
final class ForkStep: Step {
    private let ways: [Step]

    init(_ ways: [Step]) { self.ways = ways }

    override func run(_ machine: Machine) throws -> Bool {
        try machine.tick()
        for way in ways where try !way.run(machine) { return false }
        return true
    }
}

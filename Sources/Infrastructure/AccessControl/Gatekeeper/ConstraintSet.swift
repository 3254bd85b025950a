// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Rego

/// Templates and their constraints, ready to judge. A value: whoever judges holds one that does not change under them.
package struct ConstraintSet: Sendable {
    /// What one object's judgement came to.
    package struct Judgement: Sendable {
        package var violations: [ConstraintViolation] = []
        /// Constraints that could not be evaluated: never a pass.
        package var errors: [Failure] = []
        /// How many constraints meant the object.
        package var count = 0
    }

    /// A constraint that could not be evaluated.
    package struct Failure: Sendable {
        /// `KIND/NAME`, or `expansion`.
        package let constraint: String
        package let error: GatekeeperError
        /// What a violation would have led to.
        package let actions: [EnforcementAction]
    }

    private var programs: [String: TemplateProgram] = [:]
    private var byKind: [String: [String: Constraint]] = [:]
    /// Sorted by kind and name, so that answers come in one order.
    private var order: [Entry] = []

    private final class Entry: Sendable {
        let constraint: Constraint
        let program: TemplateProgram
        /// The place of the first constraint with the same code and equal parameters, whose reasons are this one's too.
        let first: Int
        /// The place of the first constraint that means the same objects.
        let firstMatch: Int

        init(_ constraint: Constraint, _ program: TemplateProgram, first: Int, firstMatch: Int) {
            (self.constraint, self.program, self.first, self.firstMatch) = (constraint, program, first, firstMatch)
        }
    }

    package init() {}

    package var isEmpty: Bool { order.isEmpty }
    package var kinds: [String] { programs.keys.sorted() }
    /// By kind and name.
    package var constraints: [Constraint] { order.map(\.constraint) }
    package func template(for kind: String) -> ConstraintTemplate? { programs[kind]?.template }
    package func hasTemplate(for kind: String) -> Bool { programs[kind] != nil }

    /// Adds or replaces a template; its constraints are read anew against its schema.
    package mutating func add(template node: Node) throws(GatekeeperError) {
        let program = try TemplateProgram(try ConstraintTemplate(node))
        programs[program.template.kind] = program
        for constraint in (byKind[program.template.kind] ?? [:]).values { try add(constraint: constraint.object) }
    }

    func constraints(of kind: String) -> [Constraint] { Array((byKind[kind] ?? [:]).values) }

    package mutating func remove(templateKind kind: String) {
        programs[kind] = nil
        byKind[kind] = nil
        sort()
    }

    package mutating func add(constraint node: Node) throws(GatekeeperError) {
        let kind = node["kind"]?.string ?? ""
        guard let program = programs[kind] else {
            throw GatekeeperError(.invalid, "there is no template for constraints of kind \(kind)")
        }
        let constraint = try Constraint(node, schema: program.template.schema)
        byKind[kind, default: [:]][constraint.name] = constraint
        sort()
    }

    package mutating func remove(constraintKind kind: String, name: String) {
        byKind[kind]?[name] = nil
        sort()
    }

    private mutating func sort() {
        order = []
        // By the text of their `match`.
        var matches: [String: Int] = [:]
        for kind in byKind.keys.sorted() {
            guard let program = programs[kind] else { continue }
            for constraint in (byKind[kind] ?? [:]).values.sorted(by: { $0.name < $1.name }) {
                let first = order.lastIndex { entry in
                    program.isByParameters && entry.program === program
                        && equal(entry.constraint.parameters, constraint.parameters)
                }
                let place = first.map { order[$0].first } ?? order.count
                let text = constraint.object["spec"]?["match"]?.json() ?? ""
                let match = matches[text] ?? order.count
                matches[text] = match
                order.append(Entry(constraint, program, first: place, firstMatch: match))
            }
        }
    }

    /// Judges by every constraint that means the object and counts at an enforcement point.
    package func judge(
        _ review: ReviewInput, inventory: Value, point: String, isGenerated: Bool = false,
        limits: EvaluationLimits = .standard
    ) -> Judgement {
        var judgement = Judgement()
        // By the places of the first constraints with them.
        var known: [[TemplateProgram.Reason]?] = Array(repeating: nil, count: order.count)
        var meant: [Bool?] = Array(repeating: nil, count: order.count)
        let views = ReviewViews(review.review)
        // Constraints of one template follow each other.
        var judging: (program: TemplateProgram, review: TemplateReview)?
        for entry in order {
            guard entry.constraint.counts(at: point) else { continue }
            do throws(GatekeeperError) {
                if meant[entry.firstMatch] == nil {
                    meant[entry.firstMatch] = try review.isMeant(
                        by: entry.constraint.match, isGenerated: isGenerated)
                }
                guard meant[entry.firstMatch] == true else { continue }
                judgement.count += 1
                if known[entry.first] == nil {
                    if judging?.program !== entry.program {
                        let own = TemplateReview(review.review, views, inventory: inventory, limits: limits)
                        judging = (entry.program, own)
                    }
                    if let judging {
                        known[entry.first] = try entry.program.reasons(judging.review, under: entry.constraint)
                    }
                }
                let reasons = known[entry.first] ?? []
                if !reasons.isEmpty { judgement.add(reasons, of: entry.constraint, at: point) }
            } catch {
                judgement.errors.append(
                    Failure(
                        constraint: "\(entry.constraint.kind)/\(entry.constraint.name)", error: error,
                        actions: entry.constraint.actions(at: point)))
            }
        }
        return judgement
    }
}

extension ConstraintSet.Judgement {
    fileprivate mutating func add(_ reasons: [TemplateProgram.Reason], of constraint: Constraint, at point: String) {
        let actions = constraint.actions(at: point)
        for reason in reasons {
            violations.append(
                ConstraintViolation(
                    constraintKind: constraint.kind, constraint: constraint.name, message: reason.message,
                    details: reason.details, actions: actions))
        }
    }
}

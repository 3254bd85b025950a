// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import RegularExpressions

/// What became of one case of a suite.
package struct GatorOutcome: Sendable {
    package enum Result: Sendable {
        case passed, skipped
        /// What was expected and what was found.
        case failed(String)
        case error(String)
    }
    package let suite: String
    package let test: String
    package let name: String
    package let result: Result
}

/// Runs suites.
package struct GatorRun {
    /// The documents of a file.
    private let read: (String) throws -> [Node]
    private let isWanted: (String) -> Bool

    package init(read: @escaping (String) throws -> [Node], isWanted: @escaping (String) -> Bool = { _ in true }) {
        (self.read, self.isWanted) = (read, isWanted)
    }

    /// The outcome of each case of a suite that lies in a folder.
    package func outcomes(of suite: GatorSuite, file: String, folder: String) -> [GatorOutcome] {
        suite.tests.flatMap { outcomes(of: $0, file: file, folder: folder) }
    }

    private func outcomes(of test: GatorSuite.Test, file: String, folder: String) -> [GatorOutcome] {
        func all(_ result: GatorOutcome.Result) -> [GatorOutcome] {
            let names = test.cases.isEmpty ? [""] : test.cases.map(\.name)
            return names.map { GatorOutcome(suite: file, test: test.name, name: $0, result: result) }
        }
        if test.isSkipped { return all(.skipped) }
        var set = ConstraintSet()
        var expansions = ExpansionSet()
        var mutators = MutatorSet()
        do {
            guard let template = try read(folder + "/" + test.template).first else {
                throw GatekeeperError(.invalid, "\(test.template) holds no template")
            }
            try set.add(template: template)
            if !test.expansion.isEmpty {
                for object in try read(folder + "/" + test.expansion) {
                    if object["apiVersion"]?.string?.hasPrefix(Mutator.group + "/") == true {
                        try mutators.add(object)
                    } else {
                        try expansions.add(object)
                    }
                }
            }
            guard let object = try read(folder + "/" + test.constraint).first else {
                throw GatekeeperError(.invalid, "\(test.constraint) holds no constraint")
            }
            do throws(GatekeeperError) {
                try set.add(constraint: object)
            } catch {
                return all(test.isInvalid ? .passed : .error("\(error)"))
            }
        } catch {
            return all(.error("\(error)"))
        }
        if test.isInvalid { return all(.failed("expected the constraint to be refused, it was accepted")) }
        return test.cases.filter { isWanted("\(test.name)/\($0.name)") }.map { example in
            GatorOutcome(
                suite: file, test: test.name, name: example.name,
                result: run(example, set, expansions, mutators, folder))
        }
    }

    private func run(
        _ example: GatorSuite.Case, _ set: ConstraintSet, _ expansions: ExpansionSet, _ mutators: MutatorSet,
        _ folder: String
    ) -> GatorOutcome.Result {
        if example.isSkipped { return .skipped }
        do {
            let objects = try read(folder + "/" + example.object)
            guard objects.count == 1, let object = objects.first else {
                throw GatekeeperError(.invalid, "\(example.object) must hold one object, not \(objects.count)")
            }
            var inventory = Inventory()
            for file in example.inventory { for object in try read(folder + "/" + file) { try inventory.add(object) } }
            let review = try ReviewInput(object) { inventory.namespace($0) }
            let judgement = set.judge(
                review, inventory: inventory.value, point: "gator.gatekeeper.sh", expansions: expansions,
                mutators: mutators)
            if let failure = judgement.errors.first { throw failure.error }
            let violations = judgement.violations
            for assertion in example.assertions {
                let count = violations.filter { violation in assertion.message?.matches(violation.message) ?? true }
                    .count
                let holds =
                    switch assertion.count {
                    case .some: count > 0
                    case .none: count == 0
                    case .exactly(let wanted): count == wanted
                    }
                if !holds {
                    let found = violations.isEmpty ? "none" : violations.map(\.message).joined(separator: "; ")
                    return .failed("expected \(assertion.text), found \(found)")
                }
            }
            return .passed
        } catch {
            return .error("\(error)")
        }
    }
}

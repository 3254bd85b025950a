// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import RegularExpressions

/// A `Suite` of test.gatekeeper.sh: templates and constraints on objects with expected violations. Paths are relative to
/// the suite's own file.
package struct GatorSuite: Sendable {
    package struct Test: Sendable {
        package let name: String
        package let template: String
        package let constraint: String
        /// Expansion templates and mutators, by which the objects are judged with what they make; empty is none.
        package let expansion: String
        /// The constraint must be refused.
        package let isInvalid: Bool
        package let isSkipped: Bool
        package let cases: [Case]
    }

    package struct Case: Sendable {
        package let name: String
        package let object: String
        package let inventory: [String]
        package let assertions: [Assertion]
        package let isSkipped: Bool
    }

    package struct Assertion: Sendable {
        package enum Count: Sendable {
            case some, none
            case exactly(Int)
        }
        package let count: Count
        /// Counts only violations whose message it matches.
        package let message: Pattern?
        package let text: String
    }

    package let name: String
    package let tests: [Test]

    package static func isSuite(_ node: Node) -> Bool {
        node["kind"]?.string == "Suite" && node["apiVersion"]?.string?.hasPrefix("test.gatekeeper.sh/") == true
    }

    package init(_ node: Node) throws(GatekeeperError) {
        guard GatorSuite.isSuite(node) else { throw GatekeeperError(.invalid, "not a Suite of test.gatekeeper.sh") }
        name = node["metadata"]?["name"]?.string ?? ""
        var tests: [Test] = []
        for test in node["tests"]?.elements.map({ $0 }) ?? [] { tests.append(try GatorSuite.test(test)) }
        self.tests = tests
    }

    private static func test(_ node: Node) throws(GatekeeperError) -> Test {
        let name = node["name"]?.string ?? ""
        var cases: [Case] = []
        for entry in node["cases"]?.elements.map({ $0 }) ?? [] {
            let caseName = entry["name"]?.string ?? ""
            guard let object = entry["object"]?.string else {
                throw GatekeeperError(.invalid, "case \(caseName) of \(name) names no object")
            }
            var assertions: [Assertion] = []
            for assertion in entry["assertions"]?.elements.map({ $0 }) ?? [] {
                assertions.append(try self.assertion(assertion, caseName))
            }
            cases.append(
                Case(
                    name: caseName, object: object, inventory: entry["inventory"]?.elements.compactMap(\.string) ?? [],
                    assertions: assertions, isSkipped: entry["skip"]?.bool ?? false))
        }
        guard let template = node["template"]?.string else {
            throw GatekeeperError(.invalid, "test \(name) names no template")
        }
        guard let constraint = node["constraint"]?.string else {
            throw GatekeeperError(.invalid, "test \(name) names no constraint")
        }
        return Test(
            name: name, template: template, constraint: constraint, expansion: node["expansion"]?.string ?? "",
            isInvalid: node["invalid"]?.bool ?? false,
            isSkipped: node["skip"]?.bool ?? false, cases: cases)
    }

    private static func assertion(_ node: Node, _ caseName: String) throws(GatekeeperError) -> Assertion {
        let count: Assertion.Count
        var text = "some violations"
        if let number = node["violations"]?.int {
            count = .exactly(number)
            text = "\(number) violations"
        } else {
            // A bare yes or no is a boolean by the time it is read.
            let word = node["violations"]?.bool.map { $0 ? "yes" : "no" } ?? node["violations"]?.string ?? "yes"
            switch word {
            case "yes": count = .some
            case "no":
                count = .none
                text = "no violations"
            default:
                throw GatekeeperError(.invalid, "case \(caseName): violations must be yes, no or a number, not \(word)")
            }
        }
        guard let message = node["message"]?.string else { return Assertion(count: count, message: nil, text: text) }
        do throws(PatternError) {
            return Assertion(
                count: count, message: try Pattern(message), text: text + " with a message like \(message)")
        } catch {
            throw GatekeeperError(.invalid, "case \(caseName): message: \(error)")
        }
    }
}

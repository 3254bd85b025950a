// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Rego

/// One reason why an object violates a constraint.
package struct ConstraintViolation: Sendable {
    package let constraintKind: String
    package let constraint: String
    package let message: String
    /// What the template adds; nil where it adds nothing.
    package let details: Value?
    package let actions: [EnforcementAction]
}

/// A template's code, compiled once and shared by its constraints.
package final class TemplateProgram: Sendable {
    package let template: ConstraintTemplate
    private enum Engine: Sendable {
        case rego(SteadyQuery)
        case native(NativeValidation)
    }

    private let engine: Engine

    /// Throws what is wrong with the code.
    package init(_ template: ConstraintTemplate) throws(GatekeeperError) {
        self.template = template
        // As in Gatekeeper, a template with both is judged by its expressions.
        if let native = template.cel {
            do throws(GatekeeperError) {
                engine = .native(try NativeValidation(native))
            } catch {
                throw GatekeeperError(error.code, "template \(template.name): \(error)")
            }
            return
        }
        guard let source = template.rego else {
            throw GatekeeperError(.code, "template \(template.name) has no code")
        }
        do throws(RegoErrors) {
            var modules = [
                try Module.parse(
                    ModuleSource(name: "\(template.name).rego", text: source.main), version: source.version)
            ]
            for (index, text) in source.libraries.enumerated() {
                let name = "\(template.name)-lib-\(index).rego"
                let module = try Module.parse(ModuleSource(name: name, text: text), version: source.version)
                guard module.package.first == "lib" else {
                    throw RegoErrors([
                        RegoError(
                            .compile, "libs must be packages below lib, not \(module.package.joined(separator: "."))",
                            at: module.packageLocation)
                    ])
                }
                modules.append(module)
            }
            let main = modules[0]
            guard main.rules.contains(where: { $0.name == "violation" }) else {
                throw RegoErrors([RegoError(.compile, "the template has no rule violation", at: main.packageLocation)])
            }
            let policy = try RegoPolicy(modules: modules, builtins: Builtins.withExternalData)
            let path = (["data"] + main.package + ["violation"]).enumerated().map { index, name in
                index == 0 ? name : "[\(Value.string(name).json)]"
            }
            let query = try policy.prepare(path.joined(), version: source.version)
            engine = .rego(SteadyQuery(query, changing: TemplateReview.parameters))
        } catch {
            throw GatekeeperError(.code, "template \(template.name): \(error)")
        }
    }

    /// One reason that the code gives.
    struct Reason: Sendable {
        let message: String
        /// What the template adds; nil where it adds nothing.
        let details: Value?
    }

    /// Whether all that it says follows from the review, the inventory and the parameters, so that constraints with equal
    /// parameters get one answer.
    var isByParameters: Bool { if case .rego = engine { true } else { false } }

    /// Judges a review under a constraint.
    /// - Parameter review: of this template alone.
    func reasons(
        _ review: TemplateReview, under constraint: Constraint
    ) throws(GatekeeperError) -> [Reason] {
        let query: SteadyQuery
        switch engine {
        case .rego(let prepared): query = prepared
        case .native(let validation):
            do throws(GatekeeperError) {
                return try validation.messages(of: review, under: constraint)
                    .map { Reason(message: $0, details: nil) }
            } catch {
                throw GatekeeperError(error.code, "template \(template.name), constraint \(constraint.name): \(error)")
            }
        }
        let found: Value?
        do throws(RegoError) {
            found = try review.evaluate(query, parameters: constraint.parameters)
        } catch {
            throw GatekeeperError(.evaluation, "template \(template.name), constraint \(constraint.name): \(error)")
        }
        guard let found else { return [] }
        let members = found.setMembers?.members ?? found.elements ?? []
        var reasons: [Reason] = []
        for member in members {
            guard let message = member.members?["msg"]?.text else {
                throw GatekeeperError(
                    .evaluation, "template \(template.name): a violation has no text msg: \(member.json.prefix(200))")
            }
            reasons.append(Reason(message: message, details: member.members?["details"]))
        }
        return reasons
    }
}

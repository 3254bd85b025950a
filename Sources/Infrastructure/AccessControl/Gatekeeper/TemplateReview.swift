// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import CEL
import Documents
import Rego

/// One review before one template: what its code makes of the review alone is made once, however many constraints there
/// are. Used by one thread.
final class TemplateReview {
    /// The member of `input` that differs from one constraint to the next.
    static let parameters = "parameters"

    /// `input.review`.
    let review: Value
    private let inventory: Value
    private let limits: EvaluationLimits
    private var evaluation: SteadyEvaluation?

    // MARK: What expressions see
    private(set) lazy var object = member("object")
    private(set) lazy var oldObject = member("oldObject")
    /// What variables gave that see nothing but the review.
    var values = KeptValues()

    /// - Parameter inventory: `data.inventory`.
    init(_ review: Value, inventory: Value, limits: EvaluationLimits) {
        (self.review, self.inventory, self.limits) = (review, inventory, limits)
    }

    private func member(_ name: String) -> CELValue { review.members?[name].map { CELValue($0) } ?? .null }

    func evaluate(_ query: SteadyQuery, parameters: Value) throws(RegoError) -> Value? {
        let input = Value.object(
            ObjectValue(sortedKeys: [.string(Self.parameters), .string("review")], values: [parameters, review]))
        if let evaluation { return try evaluation.evaluate(input: input) }
        let data = Value.object(ObjectValue(sortedKeys: [.string("inventory")], values: [inventory]))
        let new = SteadyEvaluation(query, data: data, context: { .current() }, limits: limits)
        evaluation = new
        return try new.evaluate(input: input)
    }
}

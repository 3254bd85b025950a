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
    /// The same as expressions see it.
    let views: ReviewViews
    private let inventory: Value
    private let limits: EvaluationLimits
    private var evaluation: SteadyEvaluation?

    /// What variables of expressions gave that see nothing but the review.
    var values = KeptValues()

    /// - Parameter inventory: `data.inventory`.
    init(_ review: Value, _ views: ReviewViews, inventory: Value, limits: EvaluationLimits) {
        (self.review, self.views, self.inventory, self.limits) = (review, views, inventory, limits)
    }

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

/// One review as expressions see it, made once for all templates. Used by one thread.
final class ReviewViews {
    private let review: Value
    private(set) lazy var request = CELValue(review)
    private(set) lazy var object = member("object")
    private(set) lazy var oldObject = member("oldObject")
    private(set) lazy var namespaceObject =
        review.members?["_unstable"]?.members?["namespace"].map { CELValue($0) } ?? .null

    init(_ review: Value) { self.review = review }

    private func member(_ name: String) -> CELValue { review.members?[name].map { CELValue($0) } ?? .null }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// A parsed expression; macros are expanded.
struct CELExpression: Sendable {
    let form: CELForm
    /// The byte of the text where it stands: for an operator its sign, for a field its name.
    let offset: Int

    init(_ form: CELForm, _ offset: Int) { (self.form, self.offset) = (form, offset) }

    /// `a.b.c` of names alone.
    var qualifiedName: String? {
        switch form {
        case .identifier(let name, let isAbsolute): (isAbsolute ? "." : "") + name
        case .select(let target, let field, false): target.qualifiedName.map { "\($0).\(field)" }
        default: nil
        }
    }
}

indirect enum CELForm: Sendable {
    case literal(CELValue)
    /// A name; one with a leading dot is looked up without the container.
    case identifier(String, isAbsolute: Bool)
    /// A variable of a macro, by its slot.
    case local(Int)
    case select(CELExpression, String, isOptional: Bool)
    /// `has(a.b)`
    case present(CELExpression, String)
    case index(CELExpression, CELExpression, isOptional: Bool)
    case list([(value: CELExpression, isOptional: Bool)])
    case map([(key: CELExpression, value: CELExpression, isOptional: Bool)])
    case message(String, [(name: String, value: CELExpression, isOptional: Bool)])
    /// A function, or a method of `target`.
    case call(String, target: CELExpression?, [CELExpression])
    case and(CELExpression, CELExpression)
    case or(CELExpression, CELExpression)
    case conditional(CELExpression, CELExpression, CELExpression)
    /// A fold over a list or a map.
    case comprehension(CELComprehension)
    /// `cel.bind(x, value, body)`
    case bind(slot: Int, CELExpression, CELExpression)
    /// `cel.block([a, b], body)`: its parts are evaluated when they are first asked for.
    case block(slots: [Int], [CELExpression], CELExpression)
}

final class CELComprehension: Sendable {
    enum Kind: String, Sendable {
        case all, exists, existsOne, map, filter, transformList, transformMap
        case transformEntry = "transformMapEntry"
        case sortBy
    }

    let kind: Kind
    let range: CELExpression
    /// Over a map or with two variables: the key or index.
    let keySlot: Int?
    let valueSlot: Int
    let condition: CELExpression?
    let body: CELExpression?

    init(
        _ kind: Kind, range: CELExpression, keySlot: Int?, valueSlot: Int, condition: CELExpression?,
        body: CELExpression?
    ) {
        (self.kind, self.range, self.keySlot, self.valueSlot, self.condition, self.body) =
            (kind, range, keySlot, valueSlot, condition, body)
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// The two dialects: v1 has `if` and `contains` always, v0 by `import future.keywords` or `import rego.v1`.
package enum RegoVersion: String, Sendable, CaseIterable { case v0, v1 }

/// A policy's text and what to call it.
package struct ModuleSource: Sendable {
    package let name: String
    package let text: String

    package init(name: String, text: String) {
        self.name = name
        self.text = text
    }
}

package struct Import: Sendable {
    /// From `data` or `input`, or a feature's path.
    package let path: [String]
    package let alias: String?
    package let location: Location

    /// The name it goes by.
    package var name: String { alias ?? path.last ?? "" }
}

package struct Rule: Sendable {
    package enum Kind: Sendable {
        /// `p := v`, also at a path with variables: `p[x].q := v`.
        case single
        /// `p contains v`
        case multiple
        case function([Term])
    }

    /// Name and what follows: `p.q[x]`.
    package let reference: [Term]
    package let kind: Kind
    /// What it gives: the value, or the member of a set.
    package let value: Term
    package let body: [Expr]
    /// Further answers for when the body does not hold, in order.
    package let alternatives: [Alternative]
    package let isDefault: Bool
    package let location: Location
    /// Was written with nothing but a head.
    package let isConstant: Bool
    package var annotations: [Annotations] = []

    package struct Alternative: Sendable {
        package let value: Term
        package let body: [Expr]
        package let location: Location
    }

    package var name: String { reference.first?.variableName ?? "" }
}

/// One parsed text.
package struct Module: Sendable {
    package let name: String
    package let version: RegoVersion
    package let package: [String]
    package let packageLocation: Location
    package var imports: [Import]
    package var rules: [Rule]
    package var comments: [Comment]
    package var annotations: [Annotations] = []
    /// Strict about what v1 refuses: it imports `rego.v1` or is of that dialect.
    package let isStrict: Bool
}

/// A metadata block: what its YAML says, and where it stands.
package struct Annotations: Sendable {
    package let value: Value
    package let scope: String
    package let location: Location
}

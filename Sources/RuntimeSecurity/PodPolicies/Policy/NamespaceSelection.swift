// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Which namespaces a binding reaches: those named, and those whose labels match. Whoever may label a namespace can
/// steer what a selector reaches; names cannot be steered.
package struct NamespaceSelection: Sendable, Equatable {
    package struct Requirement: Sendable, Equatable {
        package enum Operator: String, Sendable {
            case isIn = "In", notIn = "NotIn", exists = "Exists", doesNotExist = "DoesNotExist"
        }

        package var key: String
        package var `operator`: Operator
        package var values: [String]

        package init(key: String, operator: Operator, values: [String] = []) {
            self.key = key
            self.operator = `operator`
            self.values = values
        }
    }

    package var names: [String]
    /// All must hold. Nil without a selector; empty selects every namespace.
    package var selector: [Requirement]?

    package init(names: [String] = [], selector: [Requirement]? = nil) {
        self.names = names
        self.selector = selector
    }
}

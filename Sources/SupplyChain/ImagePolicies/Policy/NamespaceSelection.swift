// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Which namespaces a policy reaches: those named, and those whose labels match. Whoever may label a namespace can steer
/// what a selector reaches; names cannot be steered.
package struct NamespaceSelection: Sendable, Equatable {
    package struct Requirement: Sendable, Equatable {
        package enum Operator: String, Sendable, CaseIterable {
            case isIn = "In", notIn = "NotIn", exists = "Exists", doesNotExist = "DoesNotExist"
        }

        package var key: String
        package var `operator`: Operator
        package var values: [String]

        package init(key: String, operator: Operator, values: [String] = []) {
            (self.key, self.operator, self.values) = (key, `operator`, values)
        }

        /// As Kubernetes has it: `NotIn` holds too where the label is absent.
        func holds(for labels: [String: String]) -> Bool {
            switch self.operator {
            case .isIn: labels[key].map { values.contains($0) } ?? false
            case .notIn: labels[key].map { !values.contains($0) } ?? true
            case .exists: labels[key] != nil
            case .doesNotExist: labels[key] == nil
            }
        }
    }

    package var names: [String] = []
    /// All must hold. Nil without a selector; empty selects every namespace.
    package var selector: [Requirement]?

    package init(names: [String] = [], selector: [Requirement]? = nil) {
        (self.names, self.selector) = (names, selector)
    }

    func reaches(_ namespace: String, labels: [String: String]) -> Bool {
        names.contains(namespace) || (selector?.allSatisfy { $0.holds(for: labels) } ?? false)
    }
}

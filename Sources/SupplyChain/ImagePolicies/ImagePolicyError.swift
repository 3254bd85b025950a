// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Why an image could not be judged. The message is for people.
package struct ImagePolicyError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// No reference to an image.
        case reference
        /// An ImagePolicy that says something else than it may.
        case policy
        /// An ImageScan that says something else than it may.
        case scan
        /// A request without images where there should be some.
        case request
    }

    package var code: Code
    /// Begins with the field, where there is one: `spec.rules.vulnerabilities[0].severity is "hihg", must be one of …`.
    package var message: String

    package init(_ code: Code, _ message: String) { (self.code, self.message) = (code, message) }

    package var description: String { message }
}

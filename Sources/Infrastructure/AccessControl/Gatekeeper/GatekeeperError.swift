// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Why an object of Gatekeeper's kinds cannot be used, or an object could not be judged.
package struct GatekeeperError: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        /// A template, constraint, mutator or other object of these kinds is malformed. The message names the field.
        case invalid
        /// The template's code does not compile.
        case code
        /// The code could not be evaluated on an object.
        case evaluation
    }

    package var code: Code
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Why a question about an object could not be answered: a known field has a shape that Kubernetes would refuse.
struct UnreadableField: Error {
    let message: String
    let path: String
}

/// What stops an inspection as a whole.
package struct InspectionError: Error, Sendable, CustomStringConvertible {
    package enum Code: Sendable {
        /// The check catalogue does not hold together.
        case catalogue
        /// A check was asked for that does not exist.
        case unknownCheck
    }

    package let code: Code
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}

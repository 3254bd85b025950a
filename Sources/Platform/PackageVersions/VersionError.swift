// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// A version or a constraint that its scheme does not know.
package struct VersionError: Error, Sendable, CustomStringConvertible {
    package enum Code: Sendable, Hashable { case malformedVersion, malformedConstraint, tooLong }

    package let code: Code
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Advisories that could not be had, read or stored.
package struct AdvisoryError: Error, Sendable, CustomStringConvertible {
    package enum Code: Sendable, Hashable { case malformed, tooLarge, unreadable, network, noDatabase, wrongDigest }

    package let code: Code
    package let message: String
    package let cause: (any Error)?

    package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    package var description: String { cause.map { "\(message): \($0)" } ?? message }
}

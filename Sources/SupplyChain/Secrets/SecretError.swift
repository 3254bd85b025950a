// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Why rules cannot be used.
package struct SecretError: Error, Sendable, CustomStringConvertible {
    package enum Code: Sendable, Hashable {
        /// The message begins with `file:line:` where the rule comes from a file, and names the rule.
        case rule
    }

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

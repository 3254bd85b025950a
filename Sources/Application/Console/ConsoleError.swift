// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Why the console refused or could not answer. The message is shown to whoever asked; the cause is only logged.
package struct ConsoleError: Error, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        /// What was sent does not make sense; the message says what was expected.
        case invalid
        case unauthenticated
        /// The role does not allow it.
        case forbidden
        /// The form's or the header's token is missing or belongs to another session.
        case staleForm
        case notFound
        case methodNotAllowed
        /// It contradicts what is there already.
        case conflict
        case tooLarge
        case unsupportedMedia
        case tooManyAttempts
        case timeout
        /// A part that the answer needs does not work now.
        case unavailable
        case `internal`
    }

    package var code: Code
    package var message: String
    package var cause: (any Error)?
    /// Seconds to wait before another attempt; nil when waiting does not help.
    package var retryAfter: Int64?

    package init(_ code: Code, _ message: String, cause: (any Error)? = nil, retryAfter: Int64? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
        self.retryAfter = retryAfter
    }

    package var description: String {
        guard let cause else { return "\(code.rawValue): \(message)" }
        return "\(code.rawValue): \(message) (\(cause))"
    }
}

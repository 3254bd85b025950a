// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Why something in admission could not be done. The message is for people and holds no key and no credential.
package struct AdmissionError: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// 400: the body is no AdmissionReview of version v1.
        case malformed
        /// 413: the body is larger than `ReviewReader.maxBytes`.
        case tooLarge
        /// 408: the body took too long to arrive.
        case slow
        /// 415: the body is not JSON.
        case unsupportedMedia
        /// A reviewer did not answer before the deadline.
        case timeout
        /// A reviewer cannot judge yet.
        case notReady
        /// Too many reviews run and wait already.
        case overloaded
        /// Certificates that cannot be used, made or kept.
        case certificate
        /// A description of webhooks that makes no sense.
        case invalid
        /// Somebody else changed it at the same time.
        case conflict
        /// The spool of records cannot be read or written.
        case spool
        /// Records could not be handed over.
        case handOver
    }

    package var code: Code
    package var message: String
    package var cause: (any Error)?

    package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    package var description: String { cause.map { "\(message) (\($0))" } ?? message }
}

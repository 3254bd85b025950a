// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Why an image, or a part of one, could not be had.
package struct OCIError: Error, Sendable, CustomStringConvertible {
    package enum Code: Sendable, Hashable {
        /// Not a reference, digest or manifest as the specifications have them.
        case malformed
        /// There is no such image, manifest, blob or platform.
        case notFound
        /// Several images, of which none was named.
        case ambiguous
        /// The registry asks for credentials, or does not accept ours.
        case unauthorized
        /// The registry wants fewer requests.
        case tooManyRequests
        /// What came is not what its digest says.
        case wrongDigest
        /// More than what a manifest or configuration may have.
        case tooLarge
        /// A file or socket could not be read or written.
        case unreadable
        /// The registry does not answer, or answers what nobody understands.
        case server
        /// The task was cancelled.
        case cancelled
        /// A kind of image that this build does not know.
        case unsupported
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

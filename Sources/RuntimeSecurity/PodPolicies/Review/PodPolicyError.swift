// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// Why a question about policies could not be answered.
package struct PodPolicyError: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// A request without a pod that can be judged.
        case unreadablePod
        /// Labels decide, and they cannot be had.
        case unknownNamespace
        /// The API server did not say whether somebody may use a policy.
        case accessReview
        /// An object that a preview needs cannot be read.
        case unreadableObject
    }

    package var code: Code
    package var message: String
    package var cause: (any Error)?

    package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    package var description: String { message }
}

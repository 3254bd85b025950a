// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// What the API server is told about one request: the reviews of all reviewers merged.
package struct ReviewAnswer: Sendable, Equatable {
    package var uid: String
    package var allowed: Bool
    /// HTTP status of a refusal, 400 and above.
    package var code: Int
    /// What the user is told about a refusal.
    package var message: String
    package var warnings: [String]
    package var auditAnnotations: [String: String]
    package var patch: [JSONPatchOperation]

    package init(
        uid: String, allowed: Bool = true, code: Int = 200, message: String = "", warnings: [String] = [],
        auditAnnotations: [String: String] = [:], patch: [JSONPatchOperation] = []
    ) {
        self.uid = uid
        self.allowed = allowed
        self.code = code
        self.message = message
        self.warnings = warnings
        self.auditAnnotations = auditAnnotations
        self.patch = patch
    }

    /// The reason that belongs to the status (metav1.StatusReason); empty where there is none.
    package var reason: String {
        switch code {
        case 400: "BadRequest"
        case 403: "Forbidden"
        case 404: "NotFound"
        case 409: "Conflict"
        case 422: "Invalid"
        case 429: "TooManyRequests"
        case 500: "InternalError"
        case 503: "ServiceUnavailable"
        case 504: "Timeout"
        default: ""
        }
    }
}

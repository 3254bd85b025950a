// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import HTTPTypes
import Hummingbird

/// What every answer tells the browser to refuse.
enum SecurityHeaders {
    static let all: [(name: HTTPField.Name, value: String)] = [
        (
            .contentSecurityPolicy,
            "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
                + "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
        ),
        (.strictTransportSecurity, "max-age=31536000"),
        (.xContentTypeOptions, "nosniff"),
        (name("X-Frame-Options"), "DENY"),
        (name("Referrer-Policy"), "same-origin"),
        (name("Cross-Origin-Opener-Policy"), "same-origin"),
        (name("Cross-Origin-Resource-Policy"), "same-origin"),
        (name("Permissions-Policy"), "camera=(), geolocation=(), microphone=()"),
    ]

    /// Sets them, and that nothing is kept by caches unless the answer said otherwise.
    static func apply(to response: inout Response) {
        for (name, value) in all { response.headers[name] = value }
        if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
    }

    static func name(_ text: String) -> HTTPField.Name { HTTPField.Name(text) ?? .server }
}

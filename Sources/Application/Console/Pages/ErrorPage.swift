// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Hummingbird

/// What went wrong, and where to go from there.
enum ErrorPage {
    static func render(_ problem: ConsoleError, _ call: Call, _ parts: ConsoleParts) -> Response {
        let (title, hint) = words(problem.code)
        return parts.pages.page(
            "error", title: title, call, parts, status: Reply.status(problem.code),
            ["message": .text(problem.message), "hint": .text(hint), "code": .text(problem.code.rawValue)])
    }

    private static func words(_ code: ConsoleError.Code) -> (title: String, hint: String) {
        switch code {
        case .invalid: ("That cannot be done", "Go back, change what the message names, and try again.")
        case .unauthenticated: ("Log in first", "")
        case .forbidden: ("Not allowed", "Ask an administrator to do it, or to give your account that role.")
        case .staleForm: ("The form is too old", "Go back, reload the page, and send the form again.")
        case .notFound: ("Nothing here", "It may have been removed, or its retention may have ended.")
        case .methodNotAllowed: ("Nothing here", "")
        case .conflict: ("That contradicts what is there", "Go back and look at what is there now.")
        case .tooLarge, .unsupportedMedia, .timeout: ("The request cannot be taken", "")
        case .tooManyAttempts: ("Too many attempts", "")
        case .unavailable: ("Not available now", "Try again shortly. /readyz says what is missing.")
        case .internal: ("Something went wrong", "Try again. If it stays, the server's log says why.")
        }
    }
}

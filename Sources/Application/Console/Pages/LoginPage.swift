// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import HTTPTypes
import Hummingbird
import Logging

/// Logging in and out.
enum LoginPage {
    /// Holds a secret for the form's token while nobody is logged in.
    static let cookieName = "__Host-bulwark-login"

    static let routes = [
        Route(.get, "/login", .open) { call, parts in
            let next = safePath(call.query["next"])
            if call.identity != nil { return Reply.redirect(next) }
            return form(call, parts, next: next)
        },
        Route(.post, "/login", .open) { call, parts in try await logIn(call, parts) },
        Route(.post, "/logout", .own) { call, parts in
            if case .session(let hash, _) = try call.person.means { try await parts.sessions.end(hash: hash) }
            var response = Reply.redirect("/login")
            response.headers.append(cookie(Sessions.cookieName, "", seconds: 0))
            return response
        },
    ]

    private static func logIn(_ call: Call, _ parts: ConsoleParts) async throws -> Response {
        let next = safePath(call.form["next"])
        guard let secret = call.cookie(cookieName),
            Secrets.equal(call.form[Gate.formTokenField] ?? "", Secrets.formToken(secret))
        else {
            return form(
                call, parts, next: next, status: .forbidden,
                message: "The form was too old, or the browser keeps no cookies. Try again.")
        }
        let name = call.form["name"] ?? ""
        if let wait = parts.guardian.begin(account: name, address: call.address, now: call.now) {
            var response = form(
                call, parts, next: next, status: .tooManyRequests, name: name,
                message: "Too many attempts. Wait \(wait) second\(wait == 1 ? "" : "s"), then try again.")
            response.headers[.retryAfter] = String(wait)
            return response
        }
        guard
            let account = try await parts.accounts.authenticate(
                name: name, password: call.form.exact("password"), now: call.now)
        else {
            parts.metrics.loginFailed()
            // The name is not logged: people type passwords there by mistake.
            parts.logger.notice("A log-in was refused", metadata: ["address": "\(call.address)"])
            return form(
                call, parts, next: next, status: .unauthorized, name: name,
                message: "The name or the password is wrong.")
        }
        parts.guardian.succeeded(account: name, address: call.address)
        // A new secret at every log-in: what somebody may have planted before is worth nothing.
        if case .session(let old, _) = call.identity?.means { try await parts.sessions.end(hash: old) }
        let session = try await parts.sessions.begin(account, now: call.now)
        parts.logger.info("Logged in", metadata: ["account": "\(account.name)", "address": "\(call.address)"])
        var response = Reply.redirect(next)
        response.headers.append(cookie(Sessions.cookieName, session, seconds: parts.sessions.lifetime))
        response.headers.append(cookie(cookieName, "", seconds: 0))
        return response
    }

    private static func form(
        _ call: Call, _ parts: ConsoleParts, next: String, status: HTTPResponse.Status = .ok, name: String = "",
        message: String = ""
    ) -> Response {
        let kept = call.cookie(cookieName).flatMap { $0.utf8.count == 64 ? $0 : nil }
        let secret = kept ?? Secrets.token()
        var response = parts.pages.page(
            "login", title: "Log in", call, parts, status: status,
            [
                "next": .text(next), "csrf": .text(Secrets.formToken(secret)), "name": .text(name),
                "message": .text(message),
            ])
        response.headers.append(cookie(cookieName, secret, seconds: 3600))
        return response
    }

    private static func cookie(_ name: String, _ value: String, seconds: Int64) -> HTTPField {
        HTTPField(
            name: .setCookie,
            value: "\(name)=\(value); Path=/; Max-Age=\(seconds); Secure; HttpOnly; SameSite=Strict")
    }

    /// A path of this console, whatever was sent: another site's address would make the log-in a trap.
    static func safePath(_ path: String?) -> String {
        guard let path, path.hasPrefix("/"), !path.hasPrefix("//"), !path.hasPrefix("/login"),
            path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\\") })
        else { return "/" }
        return path
    }
}

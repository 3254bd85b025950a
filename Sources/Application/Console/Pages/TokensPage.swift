// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Hummingbird

/// Tokens for programs. A new one's text stands on the page that answers the form, and nowhere after that.
enum TokensPage {
    static let routes = [
        Route(.get, "/tokens", .administrator) { call, parts in try await list(call, parts) },
        Route(.post, "/tokens", .administrator) { call, parts in
            let made: (token: APIToken, secret: String)
            do {
                guard let days = Int(call.form["days"] ?? "") else {
                    throw ConsoleError(.invalid, "Say for how many days the token is good.")
                }
                made = try await parts.tokens.make(
                    name: call.form["name"] ?? "", role: try AccountsPage.role(call.form["role"]), days: days,
                    by: try call.person.account, now: call.now)
            } catch {
                return try await list(call, parts, problem: Frame.problem(error))
            }
            parts.log("Made an API token", call, ["token": "\(made.token.id)", "role": "\(made.token.role.rawValue)"])
            return try await list(call, parts, made: made)
        },
        Route(.post, "/tokens/{id}/revoke", .administrator) { call, parts in
            try await parts.tokens.revoke(try call.number("id"), now: call.now)
            parts.log("Revoked an API token", call, ["token": "\(try call.number("id"))"])
            return Reply.redirect("/tokens?done=revoked")
        },
    ]

    private static func list(
        _ call: Call, _ parts: ConsoleParts, made: (token: APIToken, secret: String)? = nil,
        problem: ConsoleError? = nil
    ) async throws -> Response {
        let tokens = try await parts.tokens.list()
        return parts.pages.page(
            "tokens", title: "API tokens", call, parts,
            status: problem.map { Reply.status($0.code) } ?? .ok,
            [
                "problem": .text(problem?.message ?? ""), "secret": .text(made?.secret ?? ""),
                "made": .text(made?.token.name ?? ""),
                "any": .flag(!tokens.isEmpty),
                "tokens": .list(tokens.map { row($0, now: call.now) }),
            ])
    }

    private static func row(_ token: APIToken, now: Int64) -> PageValue {
        let state = token.revoked != nil ? "revoked" : token.expires <= now ? "expired" : "good"
        return [
            "id": .number(token.id), "token": .text(token.name), "role": .text(token.role.rawValue),
            "owner": .text(token.owner), "created": Words.time(token.created, now: now),
            "expires": Words.time(token.expires, now: now), "used": Words.time(token.lastUsed, now: now),
            "state": .text(state), "good": .flag(state == "good"),
        ]
    }
}

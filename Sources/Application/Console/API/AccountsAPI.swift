// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Hummingbird

enum AccountsAPI {
    static let routes = [
        Route(
            .get, "/api/v1/accounts", .administrator,
            Operation(id: "listAccounts", summary: "All accounts", tag: "Access", answer: "AccountList")
        ) { _, parts in Reply.json(.list(try await parts.accounts.list().map { .account($0) })) },
        Route(
            .post, "/api/v1/accounts", .administrator,
            Operation(
                id: "addAccount", summary: "Add an account", tag: "Access", body: "AccountDraft", status: 201,
                answer: "Account")
        ) { call, parts in
            let body = try JSONBody(call, allowed: ["name", "role", "password"])
            let account = try await parts.accounts.add(
                name: try body.requiredText("name"), role: try AccountsPage.role(try body.text("role")),
                password: try body.requiredText("password"), now: call.now)
            parts.log("Added an account", call, ["added": "\(account.name)", "role": "\(account.role.rawValue)"])
            return Reply.json(.account(account), status: .created)
        },
        Route(
            .patch, "/api/v1/accounts/{id}", .administrator,
            Operation(
                id: "changeAccount", summary: "Change an account's role or password, which logs it out everywhere",
                tag: "Access", body: "AccountChange", answer: "Account")
        ) { call, parts in
            let body = try JSONBody(call, allowed: ["role", "password"])
            let id = try call.number("id")
            guard body.has("role") || body.has("password") else {
                throw ConsoleError(.invalid, "Send role, password, or both.")
            }
            if body.has("password") {
                try await parts.accounts.setPassword(id, to: try body.requiredText("password"))
            }
            if body.has("role") {
                try await parts.accounts.setRole(id, to: try AccountsPage.role(try body.text("role")))
            }
            parts.log("Changed an account", call, ["id": "\(id)"])
            guard let account = try await parts.accounts.list().first(where: { $0.id == id }) else {
                throw ConsoleError(.notFound, "There is no such account.")
            }
            return Reply.json(.account(account))
        },
        Route(
            .delete, "/api/v1/accounts/{id}", .administrator,
            Operation(
                id: "removeAccount", summary: "Remove an account with its sessions and tokens", tag: "Access",
                status: 204)
        ) { call, parts in
            try await parts.accounts.remove(try call.number("id"))
            parts.log("Removed an account", call, ["id": "\(try call.number("id"))"])
            return Reply.empty
        },
    ]
}

enum TokensAPI {
    static let routes = [
        Route(
            .get, "/api/v1/tokens", .administrator,
            Operation(
                id: "listTokens", summary: "All API tokens, without their secrets", tag: "Access",
                answer: "TokenList")
        ) { _, parts in Reply.json(.list(try await parts.tokens.list().map { .token($0) })) },
        Route(
            .post, "/api/v1/tokens", .administrator,
            Operation(
                id: "makeToken", summary: "Make an API token, whose secret is in this answer and nowhere else",
                tag: "Access", body: "TokenDraft", status: 201, answer: "NewToken")
        ) { call, parts in
            let body = try JSONBody(call, allowed: ["name", "role", "days"])
            let role = try AccountsPage.role(try body.text("role"))
            let person = try call.person
            guard role <= person.role else {
                throw ConsoleError(.forbidden, "A token cannot do more than the one that makes it.")
            }
            let made = try await parts.tokens.make(
                name: try body.requiredText("name"), role: role, days: try body.number("days"), by: person.account,
                now: call.now)
            parts.log("Made an API token", call, ["token": "\(made.token.id)", "role": "\(role.rawValue)"])
            return Reply.json(["token": .token(made.token), "secret": .string(made.secret)], status: .created)
        },
        Route(
            .delete, "/api/v1/tokens/{id}", .administrator,
            Operation(id: "revokeToken", summary: "Revoke an API token", tag: "Access", status: 204)
        ) { call, parts in
            try await parts.tokens.revoke(try call.number("id"), now: call.now)
            parts.log("Revoked an API token", call, ["token": "\(try call.number("id"))"])
            return Reply.empty
        },
    ]
}

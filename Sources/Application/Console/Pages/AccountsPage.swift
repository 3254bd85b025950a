// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Hummingbird

/// People's accounts, for administrators; and everybody's own password.
enum AccountsPage {
    static let routes = [
        Route(.get, "/accounts", .administrator) { call, parts in try await list(call, parts) },
        Route(.post, "/accounts", .administrator) { call, parts in
            let role = try role(call.form["role"])
            do {
                let account = try await parts.accounts.add(
                    name: call.form["name"] ?? "", role: role, password: call.form.exact("password"), now: call.now)
                parts.log("Added an account", call, ["added": "\(account.name)", "role": "\(role.rawValue)"])
            } catch {
                return try await list(call, parts, problem: Frame.problem(error))
            }
            return Reply.redirect("/accounts?done=accountAdded")
        },
        Route(.get, "/accounts/{id}", .administrator) { call, parts in
            try await show(call, parts)
        },
        Route(.post, "/accounts/{id}/role", .administrator) { call, parts in
            let role = try role(call.form["role"])
            try await parts.accounts.setRole(try call.number("id"), to: role)
            parts.log(
                "Changed an account's role", call, ["id": "\(try call.number("id"))", "role": "\(role.rawValue)"])
            return Reply.redirect("/accounts?done=accountChanged")
        },
        Route(.post, "/accounts/{id}/password", .administrator) { call, parts in
            do {
                try await parts.accounts.setPassword(try call.number("id"), to: call.form.exact("password"))
            } catch {
                return try await show(call, parts, problem: Frame.problem(error))
            }
            parts.log("Set an account's password", call, ["id": "\(try call.number("id"))"])
            return Reply.redirect("/accounts?done=accountChanged")
        },
        Route(.post, "/accounts/{id}/remove", .administrator) { call, parts in
            try await parts.accounts.remove(try call.number("id"))
            parts.log("Removed an account", call, ["id": "\(try call.number("id"))"])
            return Reply.redirect("/accounts?done=accountRemoved")
        },
        Route(.get, "/account", .viewer) { call, parts in own(call, parts) },
        Route(.post, "/account/password", .own) { call, parts in try await changeOwn(call, parts) },
    ]

    private static func list(_ call: Call, _ parts: ConsoleParts, problem: ConsoleError? = nil) async throws
        -> Response
    {
        let accounts = try await parts.accounts.list()
        return parts.pages.page(
            "accounts", title: "Accounts", call, parts,
            status: problem.map { Reply.status($0.code) } ?? .ok,
            [
                "problem": .text(problem?.message ?? ""), "name": .text(call.form["name"] ?? ""),
                "accounts": .list(
                    accounts.map { account in
                        [
                            "id": .number(account.id), "account": .text(account.name),
                            "role": .text(account.role.rawValue),
                            "created": Words.time(account.created, now: call.now),
                            "login": Words.time(account.lastLogin, now: call.now),
                            "self": .flag(account.id == call.identity?.account.id),
                        ]
                    }),
            ])
    }

    private static func show(_ call: Call, _ parts: ConsoleParts, problem: ConsoleError? = nil) async throws
        -> Response
    {
        let id = try call.number("id")
        guard let account = try await parts.accounts.list().first(where: { $0.id == id }) else {
            throw ConsoleError(.notFound, "There is no such account.")
        }
        return parts.pages.page(
            "account-edit", title: "Account \(account.name)", call, parts,
            status: problem.map { Reply.status($0.code) } ?? .ok,
            [
                "id": .number(id), "account": .text(account.name), "problem": .text(problem?.message ?? ""),
                "roles": Words.options(Role.allCases.map { ($0.rawValue, $0.rawValue) }, chosen: account.role.rawValue),
                "self": .flag(id == call.identity?.account.id),
            ])
    }

    private static func own(_ call: Call, _ parts: ConsoleParts, problem: ConsoleError? = nil) -> Response {
        parts.pages.page(
            "account", title: "Your account", call, parts, status: problem.map { Reply.status($0.code) } ?? .ok,
            ["problem": .text(problem?.message ?? "")])
    }

    private static func changeOwn(_ call: Call, _ parts: ConsoleParts) async throws -> Response {
        let person = try call.person
        // The same brake as for logging in: a session that was left open must not serve to guess the password.
        if let wait = parts.guardian.begin(account: person.account.name, address: call.address, now: call.now) {
            return own(
                call, parts,
                problem: ConsoleError(.tooManyAttempts, "Too many attempts. Wait \(wait) s.", retryAfter: wait))
        }
        let right = try await parts.accounts.authenticate(
            name: person.account.name, password: call.form.exact("old"), now: call.now)
        guard right != nil else {
            return own(call, parts, problem: ConsoleError(.invalid, "The old password is wrong."))
        }
        parts.guardian.succeeded(account: person.account.name, address: call.address)
        guard call.form.exact("password") == call.form.exact("again") else {
            return own(call, parts, problem: ConsoleError(.invalid, "The two new passwords differ."))
        }
        var kept: [UInt8]?
        if case .session(let hash, _) = person.means { kept = hash }
        do {
            try await parts.accounts.setPassword(person.account.id, to: call.form.exact("password"), keeping: kept)
        } catch {
            return own(call, parts, problem: Frame.problem(error))
        }
        parts.log("Changed their password", call)
        return Reply.redirect("/account?done=password")
    }

    static func role(_ text: String?) throws -> Role {
        guard let role = text.flatMap(Role.init(rawValue:)) else {
            throw ConsoleError(.invalid, "A role is viewer or administrator.")
        }
        return role
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB
import Store

/// A token for programs. Times are seconds since 1970.
package struct APIToken: Sendable {
    package var id: Int64
    package var name: String
    package var role: Role
    /// Who made it; it never may more than they do.
    package var owner: String
    package var created: Int64
    package var expires: Int64
    package var lastUsed: Int64?
    package var revoked: Int64?
}

/// Tokens for programs: shown once when made, of which only the SHA-256 stays.
package struct Tokens: Sendable {
    static let prefix = "bwt_"
    static let longestDays = 366
    static let nameLength = 1...80

    let store: Store

    /// Makes a token and returns it with its text, which cannot be had again.
    func make(
        name: String, role: Role, days: Int, by account: Account, now: Int64
    ) async throws -> (token: APIToken, secret: String) {
        guard Self.nameLength.contains(name.count) else {
            throw ConsoleError(.invalid, "A token's name has 1 to 80 characters.")
        }
        guard (1...Self.longestDays).contains(days) else {
            throw ConsoleError(.invalid, "A token is good for 1 to \(Self.longestDays) days.")
        }
        guard role <= account.role else {
            throw ConsoleError(.forbidden, "A token cannot do more than the account that makes it.")
        }
        let secret = Self.prefix + Secrets.token()
        let expires = now + Int64(days) * 86_400
        let id = try await store.write { db in
            try db.execute(
                sql: """
                    INSERT INTO access_token (hash, account, name, role, created, expires) VALUES (?, ?, ?, ?, ?, ?)
                    """,
                arguments: [Data(Secrets.hash(secret)), account.id, name, role.rawValue, now, expires])
            return db.lastInsertedRowID
        }
        return (
            APIToken(id: id, name: name, role: role, owner: account.name, created: now, expires: expires), secret
        )
    }

    func list() async throws -> [APIToken] {
        try await store.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT access_token.*, access_account.name AS owner FROM access_token
                    JOIN access_account ON access_account.id = access_token.account
                    ORDER BY access_token.created DESC, access_token.id DESC
                    """
            ).compactMap(APIToken.init(row:))
        }
    }

    /// Who holds `secret`, nil when it is unknown, expired or revoked.
    func identity(secret: String, now: Int64) async throws -> Identity? {
        guard secret.hasPrefix(Self.prefix), secret.utf8.count == Self.prefix.utf8.count + 64 else { return nil }
        let hash = Secrets.hash(secret)
        let found = try await store.read { db -> (account: Account, role: Role, id: Int64, used: Int64?)? in
            let row = try Row.fetchOne(
                db,
                sql: """
                    SELECT access_account.*, access_token.id AS token, access_token.role AS token_role,
                        access_token.used AS used
                    FROM access_token JOIN access_account ON access_account.id = access_token.account
                    WHERE access_token.hash = ? AND access_token.expires > ? AND access_token.revoked IS NULL
                    """, arguments: [Data(hash), now])
            guard let row, let account = Account(row: row), let role = Role(rawValue: row["token_role"])
            else { return nil }
            return (account, role, row["token"], row["used"])
        }
        guard let (account, role, id, used) = found else { return nil }
        if now - (used ?? 0) >= Sessions.touchInterval {
            try await store.write { db in
                try db.execute(sql: "UPDATE access_token SET used = ? WHERE id = ?", arguments: [now, id])
            }
        }
        return Identity(account: account, role: min(role, account.role), means: .token(id: id))
    }

    /// Ends a token at once. It stays in the list, so that its use can be explained later.
    func revoke(_ id: Int64, now: Int64) async throws {
        try await store.write { db in
            try db.execute(
                sql: "UPDATE access_token SET revoked = coalesce(revoked, ?) WHERE id = ?", arguments: [now, id])
            guard db.changesCount == 1 else { throw ConsoleError(.notFound, "There is no such token.") }
        }
    }
}

extension APIToken {
    init?(row: Row) {
        guard let role = Role(rawValue: row["role"]) else { return nil }
        self.init(
            id: row["id"], name: row["name"], role: role, owner: row["owner"], created: row["created"],
            expires: row["expires"], lastUsed: row["used"], revoked: row["revoked"])
    }
}

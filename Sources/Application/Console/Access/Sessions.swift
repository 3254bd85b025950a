// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB
import Store

/// Logged-in browsers. The browser holds 256 random bits, the database their SHA-256.
package struct Sessions: Sendable {
    /// `__Host-` makes a browser refuse it without Secure, with a Domain, or with another path.
    static let cookieName = "__Host-bulwark"
    /// Uses are written down once in so many seconds, not at every request.
    static let touchInterval: Int64 = 60

    let store: Store
    /// Seconds without a request after which a session ends.
    let idle: Int64
    /// Seconds after the log-in at which it ends in any case.
    let lifetime: Int64

    /// Begins a session and returns its secret.
    func begin(_ account: Account, now: Int64) async throws -> String {
        let secret = Secrets.token()
        try await store.write { [idle, lifetime] db in
            try db.execute(
                sql: "DELETE FROM access_session WHERE used <= ? OR created <= ?",
                arguments: [now - idle, now - lifetime])
            try db.execute(
                sql: "INSERT INTO access_session (hash, account, created, used) VALUES (?, ?, ?, ?)",
                arguments: [Data(Secrets.hash(secret)), account.id, now, now])
        }
        return secret
    }

    /// Who holds `secret`, nil when no session that is still good does.
    func identity(secret: String, now: Int64) async throws -> Identity? {
        guard secret.utf8.count == 64 else { return nil }
        let hash = Secrets.hash(secret)
        let found = try await store.read { db -> (account: Account, began: Int64, used: Int64)? in
            let row = try Row.fetchOne(
                db,
                sql: """
                    SELECT access_account.*, access_session.created AS began, access_session.used AS used
                    FROM access_session JOIN access_account ON access_account.id = access_session.account
                    WHERE access_session.hash = ?
                    """, arguments: [Data(hash)])
            guard let row, let account = Account(row: row) else { return nil }
            return (account, row["began"], row["used"])
        }
        guard let (account, began, used) = found else { return nil }
        guard now - began < lifetime, now - used < idle else {
            try await end(hash: hash)
            return nil
        }
        if now - used >= Self.touchInterval {
            try await store.write { db in
                try db.execute(
                    sql: "UPDATE access_session SET used = ? WHERE hash = ?", arguments: [now, Data(hash)])
            }
        }
        return Identity(
            account: account, role: account.role,
            means: .session(hash: hash, formToken: Secrets.formToken(secret)))
    }

    func end(hash: [UInt8]) async throws {
        try await store.write { db in
            try db.execute(sql: "DELETE FROM access_session WHERE hash = ?", arguments: [Data(hash)])
        }
    }
}

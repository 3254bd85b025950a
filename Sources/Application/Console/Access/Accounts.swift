// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Foundation
import GRDB
import Store

/// People's accounts. There is always at least one administrator.
package struct Accounts: Sendable {
    static let passwordLength = 12...256
    static let nameLength = 1...64

    let store: Store
    let hasher: PasswordHasher

    package init(store: Store, hasher: PasswordHasher) {
        self.store = store
        self.hasher = hasher
    }

    /// Makes the administrator `admin` with a generated password when there is no account at all, and returns the
    /// password, which is to be shown once and never logged; nil when there are accounts.
    package func makeFirst(now: Int64) async throws -> String? {
        guard try await list().isEmpty else { return nil }
        let password = Secrets.password()
        _ = try await add(name: "admin", role: .administrator, password: password, now: now)
        return password
    }

    package func list() async throws -> [Account] {
        try await store.read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM access_account ORDER BY name").compactMap(Account.init(row:))
        }
    }

    func account(named name: String) async throws -> Account? {
        try await store.read { db in
            try Row.fetchOne(db, sql: "SELECT * FROM access_account WHERE name = ?", arguments: [name])
                .flatMap(Account.init(row:))
        }
    }

    /// The account when the password is right; nil otherwise, after the same time.
    func authenticate(name: String, password: String, now: Int64) async throws -> Account? {
        // A longer password is nobody's; hashing a part of it would be wrong, hashing all of it slow.
        let password = password.utf8.count <= Self.passwordLength.upperBound * 4 ? password : ""
        let (account, stored) = try await store.read { db -> (Account?, String?) in
            let row = try Row.fetchOne(db, sql: "SELECT * FROM access_account WHERE name = ?", arguments: [name])
            return (row.flatMap(Account.init(row:)), row?["password"])
        }
        guard try await hasher.verify(password, stored: stored), let account else { return nil }
        try await store.write { db in
            try db.execute(
                sql: "UPDATE access_account SET last_login = ? WHERE id = ?", arguments: [now, account.id])
        }
        return account
    }

    package func add(name: String, role: Role, password: String, now: Int64) async throws -> Account {
        try Self.check(name: name)
        try Self.check(password: password)
        let hash = try await hasher.hash(password)
        return try await store.write { db in
            let taken = try Row.fetchOne(db, sql: "SELECT 1 FROM access_account WHERE name = ?", arguments: [name])
            guard taken == nil else { throw ConsoleError(.conflict, "There is an account named \(name) already.") }
            try db.execute(
                sql: "INSERT INTO access_account (name, role, password, created) VALUES (?, ?, ?, ?)",
                arguments: [name, role.rawValue, hash, now])
            return Account(id: db.lastInsertedRowID, name: name, role: role, created: now)
        }
    }

    /// Replaces the password and ends every session of the account, but for the one of `keeping`.
    package func setPassword(_ id: Int64, to password: String, keeping session: [UInt8]? = nil) async throws {
        try Self.check(password: password)
        let hash = try await hasher.hash(password)
        try await store.write { db in
            try db.execute(sql: "UPDATE access_account SET password = ? WHERE id = ?", arguments: [hash, id])
            guard db.changesCount == 1 else { throw Self.missing }
            try db.execute(
                sql: "DELETE FROM access_session WHERE account = ? AND hash IS NOT ?",
                arguments: [id, session.map { Data($0) }])
        }
    }

    func setRole(_ id: Int64, to role: Role) async throws {
        try await store.write { db in
            if role != .administrator { try Self.checkAnotherAdministrator(db, than: id) }
            try db.execute(
                sql: "UPDATE access_account SET role = ? WHERE id = ?", arguments: [role.rawValue, id])
            guard db.changesCount == 1 else { throw Self.missing }
            try db.execute(sql: "DELETE FROM access_session WHERE account = ?", arguments: [id])
        }
    }

    /// Removes the account with its sessions and tokens.
    func remove(_ id: Int64) async throws {
        try await store.write { db in
            try Self.checkAnotherAdministrator(db, than: id)
            try db.execute(sql: "DELETE FROM access_account WHERE id = ?", arguments: [id])
            guard db.changesCount == 1 else { throw Self.missing }
        }
    }

    private static let missing = ConsoleError(.notFound, "There is no such account.")

    private static func checkAnotherAdministrator(_ db: Database, than id: Int64) throws {
        let others = try Int.fetchOne(
            db, sql: "SELECT count(*) FROM access_account WHERE role = 'administrator' AND id <> ?", arguments: [id])
        guard let others, others > 0 else {
            throw ConsoleError(.conflict, "This is the only administrator. Make another one first.")
        }
    }

    static func check(name: String) throws {
        let allowed = name.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
                UInt8(ascii: "@"):
                true
            default: false
            }
        }
        guard allowed, nameLength.contains(name.utf8.count) else {
            throw ConsoleError(
                .invalid, "An account's name has 1 to 64 letters, digits, dots, hyphens, underscores or @.")
        }
    }

    static func check(password: String) throws {
        guard passwordLength.contains(password.count), password.utf8.count <= passwordLength.upperBound * 4 else {
            throw ConsoleError(.invalid, "A password has 12 to 256 characters.")
        }
    }
}

extension Account {
    init?(row: Row) {
        guard let role = Role(rawValue: row["role"]) else { return nil }
        self.init(
            id: row["id"], name: row["name"], role: role, created: row["created"], lastLogin: row["last_login"])
    }
}

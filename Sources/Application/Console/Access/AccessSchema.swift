// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import GRDB

/// The tables of accounts, sessions and tokens, beside the ledger's in the same database.
/// Of a secret only its hash is here. Times are seconds since 1970.
enum AccessSchema {
    static let module = "access"

    static let steps: [@Sendable (Database) throws -> Void] = [
        { db in
            try db.execute(
                sql: """
                    CREATE TABLE access_account (
                        id INTEGER PRIMARY KEY AUTOINCREMENT,
                        name TEXT NOT NULL COLLATE NOCASE UNIQUE,
                        role TEXT NOT NULL CHECK (role IN ('viewer', 'administrator')),
                        password TEXT NOT NULL,
                        created INTEGER NOT NULL,
                        last_login INTEGER
                    );
                    CREATE TABLE access_session (
                        hash BLOB PRIMARY KEY,
                        account INTEGER NOT NULL REFERENCES access_account (id) ON DELETE CASCADE,
                        created INTEGER NOT NULL,
                        used INTEGER NOT NULL
                    ) WITHOUT ROWID;
                    CREATE INDEX access_session_account ON access_session (account);
                    CREATE TABLE access_token (
                        id INTEGER PRIMARY KEY AUTOINCREMENT,
                        hash BLOB NOT NULL UNIQUE,
                        account INTEGER NOT NULL REFERENCES access_account (id) ON DELETE CASCADE,
                        name TEXT NOT NULL,
                        role TEXT NOT NULL CHECK (role IN ('viewer', 'administrator')),
                        created INTEGER NOT NULL,
                        expires INTEGER NOT NULL,
                        used INTEGER,
                        revoked INTEGER
                    );
                    CREATE INDEX access_token_account ON access_token (account);
                    """)
        }
    ]
}

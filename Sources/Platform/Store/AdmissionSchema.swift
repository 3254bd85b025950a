// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import GRDB

/// Admission's own tables. A step is never changed once released: a new one is added below it.
enum AdmissionSchema {
    static let module = "admission"
    static let steps: [@Sendable (Database) throws -> Void] = [{ try $0.execute(sql: first) }]

    private static let first = """
        CREATE TABLE admission_rate (
            minute INTEGER NOT NULL, policy TEXT NOT NULL, action TEXT NOT NULL, count INTEGER NOT NULL,
            changed INTEGER NOT NULL, microseconds INTEGER NOT NULL,
            PRIMARY KEY (minute, policy, action)) WITHOUT ROWID;
        -- The number of the last record that was kept of each sender.
        CREATE TABLE admission_sender (
            name TEXT PRIMARY KEY NOT NULL, number INTEGER NOT NULL, seen INTEGER NOT NULL) WITHOUT ROWID;
        """
}

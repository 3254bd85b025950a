// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import GRDB

/// The ledger's tables. A step is never changed once released: a new one is added below it.
///
/// What runs once a result is kept small: names are interned (`cluster`, `scope`, `subject`, `chk`), an unchanged
/// object costs one row of `subject` (when and by which report it was seen) and none of `finding`.
enum Schema {
    static let steps: [@Sendable (Database) throws -> Void] = [{ try $0.execute(sql: first) }]

    private static let first = """
        CREATE TABLE setting (name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) WITHOUT ROWID;

        CREATE TABLE cluster (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
        CREATE TABLE scope (
            id INTEGER PRIMARY KEY, cluster INTEGER NOT NULL, grp TEXT NOT NULL, kind TEXT NOT NULL,
            namespace TEXT NOT NULL);
        CREATE UNIQUE INDEX scope_key ON scope (cluster, namespace, kind, grp);
        -- seen: when it was last recorded. report: the last report that saw it.
        -- live: the report that was running when it was last recorded outside of one.
        CREATE TABLE subject (
            id INTEGER PRIMARY KEY, scope INTEGER NOT NULL, seen INTEGER NOT NULL, report INTEGER NOT NULL,
            live INTEGER NOT NULL, name TEXT NOT NULL, api TEXT NOT NULL);
        CREATE UNIQUE INDEX subject_key ON subject (scope, name);
        CREATE TABLE chk (
            id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, slug TEXT NOT NULL, title TEXT NOT NULL,
            aliases TEXT NOT NULL);

        -- since: the first report of the unbroken run that shows it as it is now; NULL when the last did not.
        -- last_seen counts when it is resolved; before, the subject's "seen" does.
        CREATE TABLE finding (
            id INTEGER PRIMARY KEY, subject INTEGER NOT NULL, cluster INTEGER NOT NULL, high INTEGER NOT NULL,
            low INTEGER NOT NULL, chk INTEGER NOT NULL, severity INTEGER NOT NULL, outcome INTEGER NOT NULL,
            status INTEGER NOT NULL, claimed INTEGER NOT NULL, exemption INTEGER, since INTEGER,
            reopened INTEGER NOT NULL, first_seen INTEGER NOT NULL, last_seen INTEGER NOT NULL,
            resolved_at INTEGER, digest INTEGER NOT NULL, container TEXT NOT NULL, message TEXT NOT NULL,
            path TEXT NOT NULL, value TEXT NOT NULL);
        CREATE INDEX finding_subject ON finding (subject);
        CREATE INDEX finding_fingerprint ON finding (high);
        CREATE INDEX finding_order ON finding (severity DESC, chk, status);
        CREATE INDEX finding_since ON finding (cluster, since, status) WHERE since IS NOT NULL;
        CREATE INDEX finding_exemption ON finding (exemption) WHERE exemption IS NOT NULL;
        CREATE INDEX finding_resolved ON finding (resolved_at) WHERE resolved_at IS NOT NULL;

        -- The runs of reports that showed a finding and have ended: first and last report, both included.
        CREATE TABLE presence (
            finding INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, cluster INTEGER NOT NULL,
            severity INTEGER NOT NULL, outcome INTEGER NOT NULL, exempt INTEGER NOT NULL,
            PRIMARY KEY (finding, first)) WITHOUT ROWID;
        CREATE INDEX presence_last ON presence (cluster, last);

        -- How many findings there are of each sort: kept with every change, so that counting costs nothing.
        CREATE TABLE tally (
            scope INTEGER NOT NULL, chk INTEGER NOT NULL, severity INTEGER NOT NULL, status INTEGER NOT NULL,
            outcome INTEGER NOT NULL, count INTEGER NOT NULL,
            PRIMARY KEY (scope, chk, severity, status, outcome)) WITHOUT ROWID;

        CREATE TABLE report (
            id INTEGER PRIMARY KEY AUTOINCREMENT, cluster INTEGER NOT NULL, trigger TEXT NOT NULL,
            state TEXT NOT NULL, started INTEGER NOT NULL, finished INTEGER, objects INTEGER NOT NULL,
            subjects INTEGER NOT NULL, counts TEXT NOT NULL, message TEXT NOT NULL);
        CREATE INDEX report_cluster ON report (cluster, id);

        -- state: 0 in force, 1 expired, 2 removed. foreign_: from the caller's own file, not made here.
        CREATE TABLE exemption (
            id INTEGER PRIMARY KEY AUTOINCREMENT, code TEXT NOT NULL UNIQUE, state INTEGER NOT NULL,
            foreign_ INTEGER NOT NULL, owner TEXT NOT NULL, reason TEXT NOT NULL, expiry INTEGER,
            checks TEXT NOT NULL, cluster TEXT NOT NULL, namespace TEXT NOT NULL, kind TEXT NOT NULL,
            name TEXT NOT NULL, container TEXT NOT NULL);

        CREATE TABLE stream (
            id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, days INTEGER NOT NULL, rows INTEGER NOT NULL);
        CREATE TABLE log (
            id INTEGER PRIMARY KEY, stream INTEGER NOT NULL, time INTEGER NOT NULL, event TEXT NOT NULL,
            severity INTEGER, outcome INTEGER, chk TEXT NOT NULL, cluster TEXT NOT NULL, api TEXT NOT NULL,
            kind TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, raw TEXT NOT NULL);
        CREATE INDEX log_time ON log (stream, time);
        """
}

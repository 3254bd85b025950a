// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import GRDB

/// The tables of images. A step is never changed once released: a new one is added below it.
///
/// Whatever a page sorts or filters by is a number that every change keeps up to date, so that no page counts rows.
enum ImageSchema {
    static let module = "images"
    static let steps: [@Sendable (Database) throws -> Void] = [{ try $0.execute(sql: first) }]

    private static let first = """
        -- refs: what pods call it, a line each, the most used first. state: 0 no report, 1 complete, 2 incomplete.
        -- wanted: a scan that somebody asked for. coding: form of the content; another one is read anew.
        -- generation: of the advisories that it was judged by; NULL to judge it again.
        -- subject: the name under which findings speak of it; shown: `=CLUSTER`, a line each, where they are open.
        -- used: when it was last seen to run; asked: when somebody other than a cluster last asked about it.
        -- c0 to c5: vulnerabilities that count, by severity; f0 to f5: those that an upgrade mends.
        -- advice: the upgrades that mend the worst, in words. problem: the first of what could not be read or judged.
        CREATE TABLE image_record (
            id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, refs TEXT NOT NULL, state INTEGER NOT NULL DEFAULT 0,
            containers INTEGER NOT NULL DEFAULT 0, workloads INTEGER NOT NULL DEFAULT 0,
            first_seen INTEGER NOT NULL, used INTEGER NOT NULL, asked INTEGER,
            wanted INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0, next INTEGER,
            failure TEXT NOT NULL DEFAULT '', scanned INTEGER, judged INTEGER, advisories INTEGER, generation INTEGER,
            coding INTEGER, subject TEXT NOT NULL DEFAULT '', shown TEXT NOT NULL DEFAULT '',
            platform TEXT NOT NULL DEFAULT '', distribution TEXT NOT NULL DEFAULT '',
            created TEXT NOT NULL DEFAULT '', size INTEGER NOT NULL DEFAULT 0, packages INTEGER NOT NULL DEFAULT 0,
            c0 INTEGER NOT NULL DEFAULT 0, c1 INTEGER NOT NULL DEFAULT 0, c2 INTEGER NOT NULL DEFAULT 0,
            c3 INTEGER NOT NULL DEFAULT 0, c4 INTEGER NOT NULL DEFAULT 0, c5 INTEGER NOT NULL DEFAULT 0,
            f0 INTEGER NOT NULL DEFAULT 0, f1 INTEGER NOT NULL DEFAULT 0, f2 INTEGER NOT NULL DEFAULT 0,
            f3 INTEGER NOT NULL DEFAULT 0, f4 INTEGER NOT NULL DEFAULT 0, f5 INTEGER NOT NULL DEFAULT 0,
            malware INTEGER NOT NULL DEFAULT 0, secrets INTEGER NOT NULL DEFAULT 0,
            misconfigurations INTEGER NOT NULL DEFAULT 0, errors INTEGER NOT NULL DEFAULT 0,
            worst_malware INTEGER NOT NULL DEFAULT 0, worst_secret INTEGER NOT NULL DEFAULT 0,
            advice TEXT NOT NULL DEFAULT '', problem TEXT NOT NULL DEFAULT '');
        -- What was read of it, before it was judged (see StoredContent), apart because it is large. length: before it
        -- was compressed; 0 when it is too large to be kept.
        -- problems: what could not be read or judged, path and message in turn, each ended by a zero byte.
        CREATE TABLE image_content (
            image INTEGER PRIMARY KEY, length INTEGER NOT NULL, content BLOB NOT NULL, problems BLOB NOT NULL);

        -- n0 to n5: images that run and have it, by its worst severity there; images: their sum; fixable: of these.
        -- packages: names, a line each, for searching.
        CREATE TABLE image_vulnerability (
            id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, title TEXT NOT NULL, aliases TEXT NOT NULL,
            packages TEXT NOT NULL, score REAL, probability REAL, exploited INTEGER NOT NULL,
            published INTEGER NOT NULL, modified INTEGER NOT NULL,
            n0 INTEGER NOT NULL DEFAULT 0, n1 INTEGER NOT NULL DEFAULT 0, n2 INTEGER NOT NULL DEFAULT 0,
            n3 INTEGER NOT NULL DEFAULT 0, n4 INTEGER NOT NULL DEFAULT 0, n5 INTEGER NOT NULL DEFAULT 0,
            severity INTEGER NOT NULL DEFAULT 0, images INTEGER NOT NULL DEFAULT 0,
            fixable INTEGER NOT NULL DEFAULT 0);
        CREATE INDEX image_vulnerability_order ON image_vulnerability (severity DESC, images DESC, code)
            WHERE images > 0;
        CREATE TABLE image_vulnerability_text (
            vulnerability INTEGER PRIMARY KEY, vector TEXT NOT NULL, links TEXT NOT NULL, details TEXT NOT NULL);
        -- A vulnerability of a package at a place of an image. counts: neither excepted nor in doubt.
        CREATE TABLE image_occurrence (
            id INTEGER PRIMARY KEY, image INTEGER NOT NULL, vulnerability INTEGER NOT NULL, severity INTEGER NOT NULL,
            status INTEGER NOT NULL, counts INTEGER NOT NULL, score REAL, kind TEXT NOT NULL, package TEXT NOT NULL,
            version TEXT NOT NULL, architecture TEXT NOT NULL, path TEXT NOT NULL, fixed TEXT NOT NULL,
            source TEXT NOT NULL, exception TEXT NOT NULL, message TEXT NOT NULL);
        CREATE INDEX image_occurrence_image ON image_occurrence (image, severity DESC);
        CREATE INDEX image_occurrence_vulnerability ON image_occurrence (vulnerability, image, counts);

        CREATE TABLE image_workload (
            id INTEGER PRIMARY KEY, cluster TEXT NOT NULL, namespace TEXT NOT NULL, kind TEXT NOT NULL,
            name TEXT NOT NULL, grp TEXT NOT NULL, api TEXT NOT NULL);
        CREATE UNIQUE INDEX image_workload_key ON image_workload (cluster, namespace, kind, name, grp);
        CREATE INDEX image_workload_namespace ON image_workload (namespace);
        -- image: 0 as long as the digest is not known.
        CREATE TABLE image_use (
            workload INTEGER NOT NULL, container TEXT NOT NULL, reference TEXT NOT NULL, image INTEGER NOT NULL,
            pods INTEGER NOT NULL, PRIMARY KEY (workload, container, reference, image)) WITHOUT ROWID;
        CREATE INDEX image_use_image ON image_use (image, workload);

        -- day: days since 1970, in UTC.
        CREATE TABLE image_trend (
            day INTEGER PRIMARY KEY, time INTEGER NOT NULL, images INTEGER NOT NULL, c0 INTEGER NOT NULL,
            c1 INTEGER NOT NULL, c2 INTEGER NOT NULL, c3 INTEGER NOT NULL, c4 INTEGER NOT NULL,
            c5 INTEGER NOT NULL, fixable INTEGER NOT NULL);
        """
}

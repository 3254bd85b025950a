// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import GRDB
import Store

extension ImageRecords {
    /// What the containers of a workload run now, in place of what they ran. Nothing is written when that is the same.
    package func setUses(_ uses: [ImageUse], of workload: Subject) async throws {
        try await changeUses { change, touched in try change.setUses(uses, of: workload, &touched) }
    }

    /// Workloads that are gone.
    package func removeUses(of workloads: [Subject]) async throws {
        guard !workloads.isEmpty else { return }
        try await changeUses { change, touched in
            for workload in workloads { try change.setUses([], of: workload, &touched) }
        }
    }

    /// All that runs in a cluster, as a watch knows it that has just begun: what is not among it is gone.
    package func replaceUses(cluster: String, _ uses: [ImageUse]) async throws {
        let byWorkload = Dictionary(grouping: uses, by: \.workload)
        try await changeUses { change, touched in
            for old in try change.workloads(of: cluster) where byWorkload[old] == nil {
                try change.setUses([], of: old, &touched)
            }
            for (workload, uses) in byWorkload { try change.setUses(uses, of: workload, &touched) }
        }
    }

    /// Somebody other than a cluster asks about an image that a reference means: it is scanned, kept and judged anew as
    /// one that runs until nobody has asked for as long as images are kept.
    package func ask(about reference: String, digest: String) async throws {
        guard KeptText.isDigest(digest) else { return }
        try await change { change in
            let image = try change.image(digest, reference: reference)
            try change.db.execute(
                sql: "UPDATE image_record SET asked = ?1 WHERE id = ?2", arguments: [change.now, image])
        }
    }
}

/// What a change of uses leaves to be settled at its end.
struct TouchedImages {
    /// Images whose users are others now, or as many others.
    var images: Set<Int64> = []
    /// Workloads that run other images now.
    var workloads: [Int64: Subject] = [:]
}

extension ImageChange {
    /// Containers of one workload that are remembered.
    private static let useLimit = 1_000

    private struct Use: Hashable {
        var container: String
        var reference: String
        var image: Int64
    }

    func workloads(of cluster: String) throws -> [Subject] {
        try Row.fetchAll(db, sql: "SELECT * FROM image_workload WHERE cluster = ?", arguments: [cluster]).map {
            Subject(workload: $0)
        }
    }

    func setUses(_ uses: [ImageUse], of named: Subject, _ touched: inout TouchedImages) throws {
        let workload = KeptText.clip(named)
        var wanted: [Use: Int] = [:]
        for use in uses.prefix(Self.useLimit) {
            let reference = KeptText.clip(use.reference, 600)
            let image = KeptText.isDigest(use.digest) ? try image(use.digest, reference: reference) : 0
            let key = Use(container: KeptText.clip(use.container, 253), reference: reference, image: image)
            wanted[key, default: 0] += min(max(use.pods, 0), 1_000_000)
        }
        let known = try find(workload)
        if known == nil, wanted.isEmpty { return }
        let id = try known ?? insert(workload)
        var kept: [Use: Int] = [:]
        let rows = try Row.fetchCursor(
            db.cachedStatement(sql: "SELECT container, reference, image, pods FROM image_use WHERE workload = ?"),
            arguments: [id])
        while let row = try rows.next() {
            kept[Use(container: row["container"], reference: row["reference"], image: row["image"])] = row["pods"]
        }
        if kept == wanted { return }
        for (use, pods) in kept where wanted[use] != pods { touched.images.insert(use.image) }
        for (use, pods) in wanted where kept[use] != pods { touched.images.insert(use.image) }
        let isOther = Set(kept.keys) != Set(wanted.keys)
        try db.cachedStatement(sql: "DELETE FROM image_use WHERE workload = ?").execute(arguments: [id])
        guard !wanted.isEmpty else {
            try db.execute(sql: "DELETE FROM image_workload WHERE id = ?", arguments: [id])
            touched.workloads[id] = nil
            return try findings.forget([workload.runningImages])
        }
        let add = try db.cachedStatement(sql: "INSERT INTO image_use VALUES (?, ?, ?, ?, ?)")
        for (use, pods) in wanted {
            try add.execute(arguments: [id, use.container, use.reference, use.image, pods])
        }
        if isOther { touched.workloads[id] = workload }
    }

    /// Brings up to date what follows from who runs what.
    func settle(_ touched: TouchedImages) throws {
        for image in touched.images.sorted() where image != 0 { try refresh(image) }
        for (id, subject) in touched.workloads { try show(workload: id, subject) }
    }

    /// The row of an image, made where it is missing.
    func image(_ digest: String, reference: String) throws -> Int64 {
        let find = try db.cachedStatement(sql: "SELECT id FROM image_record WHERE digest = ?")
        if let known = try Int64.fetchOne(find, arguments: [digest]) { return known }
        try db.execute(
            sql: "INSERT INTO image_record (digest, refs, first_seen, used) VALUES (?1, ?2, ?3, ?3)",
            arguments: [digest, KeptText.lines([reference], 600), now])
        return db.lastInsertedRowID
    }

    private func find(_ workload: Subject) throws -> Int64? {
        let find = try db.cachedStatement(
            sql: """
                SELECT id FROM image_workload
                WHERE cluster = ? AND namespace = ? AND kind = ? AND name = ? AND grp = ?
                """)
        return try Int64.fetchOne(
            find,
            arguments: [
                workload.cluster, workload.namespace, workload.kind, workload.name, String(workload.group),
            ])
    }

    private func insert(_ workload: Subject) throws -> Int64 {
        try db.execute(
            sql: """
                INSERT INTO image_workload (cluster, namespace, kind, name, grp, api) VALUES (?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                workload.cluster, workload.namespace, workload.kind, workload.name, String(workload.group),
                workload.apiVersion,
            ])
        return db.lastInsertedRowID
    }

    /// Counts anew who runs an image. One that begins to run or runs no longer is counted into or out of the
    /// vulnerabilities of what runs.
    private func refresh(_ image: Int64) throws {
        let old = try Row.fetchOne(
            db, sql: "SELECT workloads, refs, shown, state FROM image_record WHERE id = ?", arguments: [image])
        guard let old else { return }
        let uses = try db.cachedStatement(
            sql: """
                SELECT reference, sum(pods) AS pods FROM image_use WHERE image = ?
                GROUP BY reference ORDER BY pods DESC, reference
                """)
        var (references, containers): ([String], Int64) = ([], 0)
        for row in try Row.fetchAll(uses, arguments: [image]) {
            references.append(row["reference"])
            containers &+= row["pods"]
        }
        let workloads =
            try Int64.fetchOne(
                db.cachedStatement(sql: "SELECT count(DISTINCT workload) FROM image_use WHERE image = ?"),
                arguments: [image]) ?? 0
        let (ran, runs) = ((old["workloads"] as Int64) > 0, workloads > 0)
        if ran != runs {
            for (vulnerability, load) in try load(of: image) {
                try count(vulnerability, from: runs ? nil : load, to: runs ? load : nil)
            }
        }
        try db.execute(
            sql: """
                UPDATE image_record SET containers = ?2, workloads = ?3, refs = ?4,
                    used = CASE WHEN ?5 THEN ?6 ELSE used END WHERE id = ?1
                """,
            arguments: [
                image, containers, workloads, references.isEmpty ? old["refs"] : KeptText.lines(references, 8_000),
                ran || runs, now,
            ])
        // Findings on it are made with its next judgement, which needs no more than what is kept.
        guard runs, (old["state"] as Int64) > 0 else { return }
        let shown = Set(KeptText.split(old["shown"]))
        if try clusters(of: image).contains(where: { !shown.contains("=" + $0) }) {
            try db.execute(sql: "UPDATE image_record SET generation = NULL WHERE id = ?", arguments: [image])
        }
    }

    /// Names of the clusters where an image runs.
    func clusters(of image: Int64) throws -> [String] {
        try String.fetchAll(
            db,
            sql: """
                SELECT DISTINCT w.cluster FROM image_use u JOIN image_workload w ON w.id = u.workload
                WHERE u.image = ? ORDER BY w.cluster
                """, arguments: [image])
    }
}

extension Subject {
    init(workload row: Row) {
        self.init(
            cluster: row["cluster"], apiVersion: row["api"], kind: row["kind"], namespace: row["namespace"],
            name: row["name"])
    }
}

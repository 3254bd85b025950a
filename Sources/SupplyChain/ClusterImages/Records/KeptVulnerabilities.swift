// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import GRDB
import ImageScanning
import Inventory

/// The table of vulnerabilities: what is the same for all images that have one is kept once.
extension ImageChange {
    /// Names of packages kept of one vulnerability.
    private static let packageLimit = 20

    /// Adds and updates vulnerabilities; gives their keys by their ids, as these are kept.
    func keep(_ vulnerabilities: [ImageVulnerability]) throws -> [String: Int64] {
        var keys: [String: Int64] = [:]
        var packages: [String: [String]] = [:]
        for item in vulnerabilities {
            let id = KeptText.clip(item.id, 200)
            if packages[id, default: []].count < Self.packageLimit,
                !packages[id, default: []].contains(item.package.name)
            {
                packages[id, default: []].append(item.package.name)
            }
        }
        for item in vulnerabilities {
            let id = KeptText.clip(item.id, 200)
            if keys[id] != nil { continue }
            keys[id] = try keep(item, id, packages[id] ?? [])
        }
        return keys
    }

    private func keep(_ item: ImageVulnerability, _ id: String, _ packages: [String]) throws -> Int64 {
        let find = try db.cachedStatement(
            sql: """
                SELECT id, title, packages, score, probability, exploited, modified FROM image_vulnerability
                WHERE code = ?
                """)
        guard let row = try Row.fetchOne(find, arguments: [id]) else { return try insert(item, id, packages) }
        let key: Int64 = row["id"]
        let (known, names): (String, [String]) = (row["packages"], KeptText.split(row["packages"]))
        let all = names + packages.map { KeptText.clip($0, 300) }.filter { !names.contains($0) }
        let lines = KeptText.lines(all.prefix(Self.packageLimit), 4_000)
        if lines != known {
            try db.cachedStatement(sql: "UPDATE image_vulnerability SET packages = ? WHERE id = ?")
                .execute(arguments: [lines, key])
        }
        let (probability, exploited): (Double?, Bool) = (row["probability"], row["exploited"])
        if probability != item.exploitProbability || exploited != item.isKnownExploited {
            try db.cachedStatement(sql: "UPDATE image_vulnerability SET probability = ?, exploited = ? WHERE id = ?")
                .execute(arguments: [item.exploitProbability, item.isKnownExploited, key])
        }
        // Advisories of several sources speak of one vulnerability: the newest words are kept, and none are lost.
        let (title, modified, score): (String, Int64, Double?) = (row["title"], row["modified"], row["score"])
        if item.modified > modified || title.isEmpty && !item.title.isEmpty {
            try db.cachedStatement(
                sql: """
                    UPDATE image_vulnerability SET title = ?, aliases = ?, score = coalesce(?, score),
                        published = max(published, ?), modified = max(modified, ?) WHERE id = ?
                    """
            ).execute(
                arguments: [
                    item.title.isEmpty ? title : KeptText.clip(item.title, 500), Self.aliases(item), item.score,
                    item.published, item.modified, key,
                ])
            try db.cachedStatement(
                sql: """
                    UPDATE image_vulnerability_text SET vector = CASE WHEN ?1 = '' THEN vector ELSE ?1 END, links = ?2,
                        details = CASE WHEN ?3 = '' THEN details ELSE ?3 END WHERE vulnerability = ?4
                    """
            ).execute(
                arguments: [KeptText.clip(item.vector, 300), Self.links(item), KeptText.clip(item.details, 4_000), key])
        } else if score == nil, let new = item.score {
            try db.cachedStatement(sql: "UPDATE image_vulnerability SET score = ? WHERE id = ?")
                .execute(arguments: [new, key])
        }
        return key
    }

    private func insert(_ item: ImageVulnerability, _ id: String, _ packages: [String]) throws -> Int64 {
        try db.cachedStatement(
            sql: """
                INSERT INTO image_vulnerability (code, title, aliases, packages, score, probability, exploited,
                    published, modified) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """
        ).execute(
            arguments: [
                id, KeptText.clip(item.title, 500), Self.aliases(item),
                KeptText.lines(packages.map { KeptText.clip($0, 300) }, 4_000), item.score, item.exploitProbability,
                item.isKnownExploited, item.published, item.modified,
            ])
        let key = db.lastInsertedRowID
        try db.cachedStatement(sql: "INSERT INTO image_vulnerability_text VALUES (?, ?, ?, ?)").execute(
            arguments: [key, KeptText.clip(item.vector, 300), Self.links(item), KeptText.clip(item.details, 4_000)])
        return key
    }

    private static func aliases(_ item: ImageVulnerability) -> String { KeptText.lines(item.aliases.prefix(30), 2_000) }
    private static func links(_ item: ImageVulnerability) -> String {
        KeptText.lines(item.references.prefix(50), 8_000)
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Findings
import Foundation
import GRDB
import ImageScanning
import Inventory
import Malware
import Secrets
import Store

extension ImageRecords {
    /// Keeps what was found in an image, in place of what was found before, with all findings that follow from it.
    /// - Parameters:
    ///   - report: after it was judged.
    ///   - scan: the same before it was judged, when its layers were read just now; nil when what was kept was judged
    ///     again.
    ///   - digest: as pods name it, which may be that of an index of platforms.
    ///   - size: bytes of all layers as they are stored, where known.
    ///   - generation: names the advisories; see `due`.
    package func record(
        _ report: ImageReport, scan: ImageReport?, of digest: String, size: Int64? = nil, generation: Int64
    ) async throws {
        let content = scan.flatMap { scan -> (length: Int, bytes: [UInt8])? in
            let encoded = scan.encoded
            return StoredContent.compressed(encoded).map { (encoded.count, $0) }
        }
        try await change { change in
            try change.record(
                report, isNew: scan != nil, content: content, of: digest, size: size, generation: generation)
        }
    }

    /// Notes that an image could not be scanned or judged. What was found before is kept.
    /// - Parameter next: when to try again; nil for never, unless somebody asks.
    package func recordFailure(of digest: String, reference: String, message: String, next: Int64?) async throws {
        try await change { change in
            let image = try change.image(digest, reference: reference)
            try change.db.execute(
                sql: "UPDATE image_record SET failure = ?, attempts = attempts + 1, next = ? WHERE id = ?",
                arguments: [KeptText.clip(message.isEmpty ? "it failed" : message, 2_000), next, image])
            try change.showRunners(of: image)
        }
    }

    /// What was read of an image, to be judged again without its layers. Nil when it is not known, was not scanned yet,
    /// or is kept in a form of another version: then its layers are to be read.
    package func content(of digest: String) async throws -> ImageReport? {
        try await store.read { try StoredContent.read($0, of: digest) }
    }
}

extension StoredContent {
    static func read(_ db: Database, of digest: String) throws -> ImageReport? {
        let row = try Row.fetchOne(
            db,
            sql: """
                SELECT c.length, c.content FROM image_record r JOIN image_content c ON c.image = r.id
                WHERE r.digest = ?
                """, arguments: [digest])
        guard let row else { return nil }
        let bytes = try row.withUnsafeData(named: "content") { data in
            data.flatMap { expanded([UInt8]($0), length: row["length"]) }
        }
        return bytes.flatMap { ImageReport(encoded: $0) }
    }
}

extension ImageChange {
    func record(
        _ report: ImageReport, isNew: Bool, content: (length: Int, bytes: [UInt8])?, of digest: String, size: Int64?,
        generation: Int64
    ) throws {
        let image = try image(digest, reference: report.reference)
        var report = report
        report.vulnerabilities = Self.unique(report.vulnerabilities)
        let tally = ImageTally(report)
        // Whatever a registry calls the manifest of one platform, findings and pages use the digest that pods name.
        report.digest = digest
        var problems = report.inventory.problems
        if report.vulnerabilities.count > limits.vulnerabilities {
            let more = report.vulnerabilities.count - limits.vulnerabilities
            report.vulnerabilities = Array(report.vulnerabilities.prefix(limits.vulnerabilities))
            problems.add(ScanProblem("\(more) vulnerabilities more, none of them worse, are counted and not listed"))
        }
        // Shown with the problems, and none of the errors.
        for item in report.unjudged { problems.add(ScanProblem(item.text)) }
        let running =
            try Int64.fetchOne(
                db, sql: "SELECT workloads FROM image_record WHERE id = ?", arguments: [image]) ?? 0
        let before = running > 0 ? try load(of: image) : [:]
        let ids = try keep(report.vulnerabilities)
        try replaceOccurrences(of: image, report.vulnerabilities, ids)
        let after = running > 0 ? try load(of: image) : [:]
        for id in Set(before.keys).union(after.keys) where before[id] != after[id] {
            try count(id, from: before[id], to: after[id])
        }
        if isNew { try keep(report, content, of: image, size: size) }
        try keep(tally, report, problems, of: image, generation: generation, isNew: isNew)
        try showImage(image, report)
        try showRunners(of: image)
    }

    /// A package that is told twice at one place has its vulnerabilities once.
    private static func unique(_ vulnerabilities: [ImageVulnerability]) -> [ImageVulnerability] {
        struct Place: Hashable {
            let id: String
            let package: FoundPackage

            init(_ item: ImageVulnerability) {
                var bare = FoundPackage(
                    item.package.kind, name: item.package.name, version: item.package.version, path: item.package.path)
                (bare.innerPath, bare.architecture) = (item.package.innerPath, item.package.architecture)
                (id, package) = (item.id, bare)
            }
        }
        func counts(_ item: ImageVulnerability) -> Bool { item.exception == nil && item.status != .error }
        var places: [Place: Int] = [:]
        var unique: [ImageVulnerability] = []
        for item in vulnerabilities {
            let place = Place(item)
            guard let known = places[place] else {
                places[place] = unique.count
                unique.append(item)
                continue
            }
            // What speaks for a problem is believed before what speaks against it.
            if counts(item), !counts(unique[known]) { unique[known] = item }
        }
        return unique
    }

    /// What reading the layers told.
    private func keep(
        _ report: ImageReport, _ content: (length: Int, bytes: [UInt8])?, of image: Int64, size: Int64?
    ) throws {
        try db.execute(
            sql: """
                UPDATE image_record SET scanned = ?2, coding = ?3, platform = ?4, distribution = ?5, created = ?6,
                    size = coalesce(?7, size), packages = ?8, wanted = 0 WHERE id = ?1
                """,
            arguments: [
                image, now, ImageReport.codingVersion, KeptText.clip(report.platform, 100),
                KeptText.clip(
                    report.inventory.distribution.map { $0.prettyName.isEmpty ? $0.name : $0.prettyName } ?? "", 200),
                KeptText.clip(report.created, 64),
                size, report.inventory.packages.count,
            ])
        try db.execute(sql: "DELETE FROM image_content WHERE image = ?", arguments: [image])
        try db.execute(
            sql: "INSERT INTO image_content VALUES (?, ?, ?, x'')",
            arguments: [image, content?.length ?? 0, Data(content?.bytes ?? [])])
    }

    /// What judging told.
    private func keep(
        _ tally: ImageTally, _ report: ImageReport, _ problems: ScanProblems, of image: Int64, generation: Int64,
        isNew: Bool
    ) throws {
        let counts = Severity.allCases.map { tally.vulnerabilities[$0] ?? 0 }
        let fixable = Severity.allCases.map { tally.fixable[$0] ?? 0 }
        let numbers = (counts + fixable).map { "\($0)" }
        // Numbers of our own: nothing of them needs to be bound.
        let columns = zip((0...5).map { "c\($0)" } + (0...5).map { "f\($0)" }, numbers).map { "\($0) = \($1)" }
        try db.execute(
            sql: """
                UPDATE image_record SET \(columns.joined(separator: ", ")), malware = ?2, secrets = ?3,
                    misconfigurations = ?4, errors = ?5, worst_malware = ?6, worst_secret = ?7, advice = ?8,
                    problem = ?9, state = ?10, judged = ?11, advisories = ?12, generation = ?13 WHERE id = ?1
                """,
            arguments: [
                image, tally.malware, tally.secrets, tally.misconfigurations, tally.errors,
                (report.inventory.malware.map(\.match.severity).max() ?? .unknown).rawValue,
                (report.inventory.secrets.map(\.match.severity).max() ?? .unknown).rawValue,
                UpgradeAdvice(report.vulnerabilities).text, KeptText.clip(Self.first(problems, report), 500),
                tally.errors > 0 ? 2 : 1, now, report.advisories?.updated, generation,
            ])
        // A judgement ends the failures of judgements; those of a scan that is still wanted go on.
        try db.execute(
            sql: """
                UPDATE image_record SET failure = '', attempts = 0, next = NULL
                WHERE id = ?1 AND attempts > 0 AND wanted = 0
                """, arguments: [image])
        try db.execute(
            sql: "UPDATE image_content SET problems = ? WHERE image = ?",
            arguments: [Data(Self.bytes(problems, report)), image])
    }

    private static func first(_ problems: ScanProblems, _ report: ImageReport) -> String {
        if let problem = problems.list.first {
            return problem.path.isEmpty ? problem.message : "\(problem.path): \(problem.message)"
        }
        guard let doubt = report.vulnerabilities.first(where: { $0.status == .error }) else { return "" }
        return "\(doubt.id) in \(doubt.package.name) \(doubt.package.version): \(doubt.message)"
    }

    private static func bytes(_ problems: ScanProblems, _ report: ImageReport) -> [UInt8] {
        var bytes: [UInt8] = []
        for problem in problems.list {
            for text in [problem.path, problem.message] {
                bytes += KeptText.clip(text, 1_000).utf8
                bytes.append(0)
            }
        }
        return bytes
    }

    static func problems(_ bytes: some Sequence<UInt8>) -> [ScanProblem] {
        let texts = Array(bytes).split(separator: 0, omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
        return stride(from: 0, to: max(texts.count - 2, 0), by: 2).map { ScanProblem(texts[$0 + 1], path: texts[$0]) }
    }
}

extension ImageTally {
    init(_ report: ImageReport) {
        for item in report.vulnerabilities {
            if item.status == .error {
                errors += 1
            } else if item.exception == nil {
                vulnerabilities[item.severity, default: 0] += 1
                if item.status == .fixed { fixable[item.severity, default: 0] += 1 }
            }
        }
        malware = report.inventory.malware.count
        secrets = report.inventory.secrets.count
        misconfigurations = report.inventory.misconfigurations.count
        errors += report.inventory.problems.count
    }
}

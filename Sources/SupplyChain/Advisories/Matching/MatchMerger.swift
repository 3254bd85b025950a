// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import PackageVersions

/// Collects the rows that a package is in, and makes one match of records that speak of the same vulnerability.
struct MatchMerger {
    private let query: AdvisoryQuery
    private let file: AdvisoryFile
    private let name: String
    private let matcher: RangeMatcher
    private var matches: [AdvisoryMatch] = []
    /// Where a name of a vulnerability stands in `matches`.
    private var places: [String: Int] = [:]

    init(_ query: AdvisoryQuery, _ file: AdvisoryFile) {
        self.query = query
        self.file = file
        name = query.advisedName
        matcher = RangeMatcher(file: file, ecosystem: query.ecosystem, version: query.advisedVersion)
    }

    var found: [AdvisoryMatch] { matches.sorted { $0.id < $1.id } }

    mutating func look(in ecosystem: String) throws(AdvisoryError) {
        for row in try file.rows(ecosystem, name) {
            // Another name may have the same hash.
            guard try file.bytes(try file.row(row, AdvisoryFormat.Row.name)).elementsEqual(name.utf8),
                try file.bytes(try file.row(row, AdvisoryFormat.Row.ecosystem)).elementsEqual(ecosystem.utf8),
                try isForThisBuild(row)
            else { continue }
            switch try matcher.answer(row: row) {
            case .notAffected: continue
            case .affected(let fixes): try add(row, fixes, nil)
            case .unknown(let reason): try add(row, [], reason)
            }
        }
    }

    /// An erratum of a module says nothing of the plain build of the same name, nor of another stream.
    private func isForThisBuild(_ row: Int) throws(AdvisoryError) -> Bool {
        let flags = try file.row(row, AdvisoryFormat.Row.flags)
        guard flags & (AdvisoryFormat.Flag.moduleBuild | AdvisoryFormat.Flag.plainBuild) != 0 else { return true }
        let isModule = ModuleBuild.isModule(query.version)
        guard isModule == (flags & AdvisoryFormat.Flag.moduleBuild != 0) else { return false }
        guard isModule, !query.module.isEmpty else { return true }
        let streams = try file.string(try file.row(row, AdvisoryFormat.Row.module)).split(separator: " ")
        let names = streams.map { $0.prefix { $0 != ":" } }
        let module = query.module.split(separator: ":", omittingEmptySubsequences: false)
        // Streams are compared only if the erratum names this module.
        guard module.count >= 2, names.contains(module[0]) else { return true }
        return streams.contains { $0 == "\(module[0]):\(module[1])" }
    }

    private mutating func add(_ row: Int, _ fixes: [String], _ problem: String?) throws(AdvisoryError) {
        let record = Int(try file.row(row, AdvisoryFormat.Row.record))
        guard record < file.count(.records, words: AdvisoryFormat.Record.words) else { throw file.damaged() }
        func names(_ field: Int) throws(AdvisoryError) -> [String] {
            try file.strings(start: try file.record(record, field), count: try file.record(record, field + 1))
        }
        let id = try file.string(try file.record(record, AdvisoryFormat.Record.id))
        var others = try names(AdvisoryFormat.Record.aliases) + names(AdvisoryFormat.Record.upstream)
        let isDistribution = query.ecosystem.isDistribution
        if isDistribution { others += try names(AdvisoryFormat.Record.related) }
        var match = AdvisoryMatch(
            id: id, records: [id], aliases: [], ecosystem: query.ecosystem.name,
            package: try file.string(try file.row(row, AdvisoryFormat.Row.written)), version: query.advisedVersion,
            fixedVersion: RangeMatcher.lowest(fixes, query.ecosystem.scheme), fixedVersions: fixes, status: .affected,
            severity: try severity(row, record, id),
            summary: try file.string(try file.record(record, AdvisoryFormat.Record.summary)),
            references: try names(AdvisoryFormat.Record.references),
            published: try file.recordLong(record, AdvisoryFormat.Record.published),
            modified: try file.recordLong(record, AdvisoryFormat.Record.modified),
            origin: .init(file: file, record: record))
        if !fixes.isEmpty { match.status = .fixed }
        if try file.row(row, AdvisoryFormat.Row.flags) & AdvisoryFormat.Flag.wontFix != 0, fixes.isEmpty {
            match.status = .willNotFix
        }
        if let problem { match.status = .error(problem) }
        let vulnerabilities = (id.hasPrefix("CVE-") ? [id] : []) + others.filter { $0.hasPrefix("CVE-") }
        if isDistribution, !vulnerabilities.isEmpty {
            // An erratum fixes several vulnerabilities: each is a match of its own.
            for vulnerability in Set(vulnerabilities) {
                match.id = vulnerability
                match.aliases = id == vulnerability ? [] : [id]
                merge(match, [vulnerability])
            }
        } else {
            match.id = vulnerabilities.min(by: Self.isOlder) ?? id
            var aliases = Set(others)
            aliases.insert(id)
            aliases.remove(match.id)
            match.aliases = aliases.sorted()
            merge(match, [match.id] + match.aliases)
        }
    }

    /// CVEs by year and number.
    private static func isOlder(_ a: String, _ b: String) -> Bool {
        a.utf8.count == b.utf8.count ? a < b : a.utf8.count < b.utf8.count
    }

    private mutating func merge(_ match: AdvisoryMatch, _ names: [String]) {
        guard let place = names.lazy.compactMap({ [places] in places[$0] }).first else {
            for name in names { places[name] = matches.count }
            matches.append(match)
            return
        }
        for name in names where places[name] == nil { places[name] = place }
        matches[place].merge(match, query.ecosystem)
    }

    private func severity(_ row: Int, _ record: Int, _ id: String) throws(AdvisoryError) -> AdvisorySeverity {
        func text(_ ofRow: Int, _ ofRecord: Int) throws(AdvisoryError) -> String {
            let own = try file.string(try file.row(row, ofRow))
            return own.isEmpty ? try file.string(try file.record(record, ofRecord)) : own
        }
        return AdvisorySeverity(
            cvss2: try text(AdvisoryFormat.Row.cvss2, AdvisoryFormat.Record.cvss2),
            cvss3: try text(AdvisoryFormat.Row.cvss3, AdvisoryFormat.Record.cvss3),
            cvss4: try text(AdvisoryFormat.Row.cvss4, AdvisoryFormat.Record.cvss4),
            rating: try text(AdvisoryFormat.Row.rating, AdvisoryFormat.Record.rating), record: id)
    }
}

extension AdvisoryMatch {
    /// Takes in another record about the same vulnerability of the same package.
    mutating func merge(_ other: AdvisoryMatch, _ ecosystem: AdvisoryEcosystem) {
        // What is known beats what could not be told.
        if isError != other.isError {
            if other.isError { return }
            let (records, aliases) = (records, aliases)
            self = other
            self.aliases = Set(self.aliases + aliases + records).subtracting([id]).sorted()
            return
        }
        let isSameRecord = records.contains(other.records[0])
        if !isSameRecord { records += other.records }
        let id = other.id.hasPrefix("CVE-") && !self.id.hasPrefix("CVE-") ? other.id : self.id
        aliases = Set(aliases + other.aliases + [self.id]).subtracting([id]).sorted()
        self.id = id
        for version in other.fixedVersions where !fixedVersions.contains(version) { fixedVersions.append(version) }
        if fixedVersion.isEmpty || other.fixedVersion.isEmpty {
            if fixedVersion.isEmpty { fixedVersion = other.fixedVersion }
        } else if let order = try? ecosystem.scheme?.compare(other.fixedVersion, fixedVersion) {
            // Alternatives of one record: the lowest will do. Several records: all have to be satisfied.
            if order == (isSameRecord ? .less : .greater) { fixedVersion = other.fixedVersion }
        }
        if !fixedVersion.isEmpty { status = .fixed } else if other.status == .affected { status = .affected }
        severity.merge(other.severity)
        if summary.isEmpty { summary = other.summary }
        for reference in other.references where references.count < 100 && !references.contains(reference) {
            references.append(reference)
        }
        if published == 0 || (other.published != 0 && other.published < published) { published = other.published }
        modified = max(modified, other.modified)
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0

/// A record as it is stored, for people to read.
package struct StoredAdvisory: Sendable {
    package var id: String
    package var aliases: [String]
    package var related: [String]
    package var summary: String
    package var details: String
    package var severity: AdvisorySeverity
    package var published: Int64
    package var modified: Int64
    package var references: [String]
    package var affected: [Package] = []

    package struct Package: Sendable {
        package var ecosystem: String
        package var name: String
        /// `>= 1.0, < 1.2`, alternatives behind `||`; empty where versions are only listed.
        package var ranges: String
        package var versions: [String]
        package var willNotBeFixed: Bool
    }
}

extension AdvisoryDatabase {
    /// All records with an id or another name, read through from beginning to end.
    /// - Parameter limit: records at most.
    package func records(named name: String, limit: Int = 100) throws(AdvisoryError) -> [StoredAdvisory] {
        var found: [StoredAdvisory] = []
        for base in Self.bases(path) {
            guard let file = try file(base) else { continue }
            let isDistribution = AdvisoryEcosystem(base).isDistribution
            var places: [Int: Int] = [:]
            for record in 0..<file.count(.records, words: AdvisoryFormat.Record.words) where found.count < limit {
                if try file.isNamed(record, name, related: isDistribution) {
                    places[record] = found.count
                    found.append(try file.advisory(record))
                }
            }
            if places.isEmpty { continue }
            for row in 0..<file.count(.affected, words: AdvisoryFormat.Row.words) {
                guard let place = places[Int(try file.row(row, AdvisoryFormat.Row.record))] else { continue }
                found[place].affected.append(try file.package(row))
            }
        }
        return found
    }
}

extension AdvisoryFile {
    func isNamed(_ record: Int, _ name: String, related: Bool) throws(AdvisoryError) -> Bool {
        if try bytes(try self.record(record, AdvisoryFormat.Record.id)).elementsEqual(name.utf8) { return true }
        var fields = [AdvisoryFormat.Record.aliases, AdvisoryFormat.Record.upstream]
        if related { fields.append(AdvisoryFormat.Record.related) }
        for field in fields {
            let start = Int(try self.record(record, field))
            for at in 0..<Int(try self.record(record, field + 1))
            where try bytes(try word(.references, start + at)).elementsEqual(name.utf8) {
                return true
            }
        }
        return false
    }

    func advisory(_ record: Int) throws(AdvisoryError) -> StoredAdvisory {
        func text(_ field: Int) throws(AdvisoryError) -> String { try string(try self.record(record, field)) }
        func names(_ field: Int) throws(AdvisoryError) -> [String] {
            try strings(start: try self.record(record, field), count: try self.record(record, field + 1))
        }
        let id = try text(AdvisoryFormat.Record.id)
        let aliases = try names(AdvisoryFormat.Record.aliases) + names(AdvisoryFormat.Record.upstream)
        return StoredAdvisory(
            id: id, aliases: Set(aliases).sorted(),
            related: Set(try names(AdvisoryFormat.Record.related)).subtracting(aliases).sorted(),
            summary: try text(AdvisoryFormat.Record.summary), details: try text(AdvisoryFormat.Record.details),
            severity: AdvisorySeverity(
                cvss2: try text(AdvisoryFormat.Record.cvss2), cvss3: try text(AdvisoryFormat.Record.cvss3),
                cvss4: try text(AdvisoryFormat.Record.cvss4), rating: try text(AdvisoryFormat.Record.rating), record: id
            ),
            published: try recordLong(record, AdvisoryFormat.Record.published),
            modified: try recordLong(record, AdvisoryFormat.Record.modified),
            references: try names(AdvisoryFormat.Record.references))
    }

    func package(_ row: Int) throws(AdvisoryError) -> StoredAdvisory.Package {
        let start = Int(try self.row(row, AdvisoryFormat.Row.events))
        var ranges = ""
        for event in 0..<Int(try self.row(row, AdvisoryFormat.Row.events + 1)) {
            let bits = try word(.events, (start + event) * 2)
            let version = try string(try word(.events, (start + event) * 2 + 1))
            let sign =
                switch OSVRecord.Event.Kind(rawValue: bits & AdvisoryFormat.Event.kinds) {
                case .introduced: ">="
                case .fixed, .limit: "<"
                case .lastAffected: "<="
                case nil: "?"
                }
            let isNew = bits & AdvisoryFormat.Event.startsRange != 0 || sign == ">="
            if !ranges.isEmpty { ranges += isNew ? " || " : ", " }
            ranges += "\(sign) \(version)"
        }
        return StoredAdvisory.Package(
            ecosystem: try string(try self.row(row, AdvisoryFormat.Row.ecosystem)),
            name: try string(try self.row(row, AdvisoryFormat.Row.written)), ranges: ranges,
            versions: try strings(
                start: try self.row(row, AdvisoryFormat.Row.versions),
                count: try self.row(row, AdvisoryFormat.Row.versions + 1)),
            willNotBeFixed: try self.row(row, AdvisoryFormat.Row.flags) & AdvisoryFormat.Flag.wontFix != 0)
    }
}

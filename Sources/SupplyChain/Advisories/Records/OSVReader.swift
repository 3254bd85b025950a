// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

extension OSVRecord {
    /// - Throws: `malformed` for what is no OSV record, `tooLarge` for one that exceeds `Limits`.
    package init(json bytes: [UInt8], source: String) throws(AdvisoryError) {
        let root: Node
        do throws(DocumentError) {
            root = try JSONReader.read(
                bytes, source: source, limits: DocumentLimits(maxBytes: Limits.bytes, maxDepth: 100),
                duplicateKeys: .last
            ).root
        } catch {
            throw AdvisoryError(error.code == .tooLarge ? .tooLarge : .malformed, "no OSV record", cause: error)
        }
        guard root.isObject, let id = root["id"]?.string, !id.isEmpty, id.utf8.count <= 256 else {
            throw AdvisoryError(.malformed, "\(source): an OSV record has an id")
        }
        self.id = id
        aliases = try Self.names(root["aliases"], id)
        upstream = try Self.names(root["upstream"], id)
        related = try Self.names(root["related"], id)
        isWithdrawn = !(root["withdrawn"]?.string ?? "").isEmpty
        published = RecordTime.seconds(root["published"]?.string ?? "")
        modified = RecordTime.seconds(root["modified"]?.string ?? "")
        summary = Self.cut(root["summary"]?.string ?? "", Limits.summary)
        details = Self.cut(root["details"]?.string ?? "", Limits.details)
        for reference in root["references"]?.elements ?? Node.noElements {
            if references.count == Limits.references { break }
            if let url = reference["url"]?.string, url.utf8.count <= 2048 { references.append(url) }
        }
        severity = Scores(root["severity"])
        severity.rating = Self.rating(root, severity.rating)
        guard let entries = root["affected"], entries.isArray else { return }
        guard entries.count <= Limits.affected else {
            throw AdvisoryError(.tooLarge, "\(id) names more than \(Limits.affected) packages")
        }
        var budget = (events: Limits.events, versions: Limits.versions)
        for entry in entries.elements {
            if let found = try Affected(entry, id, &budget) { affected.append(found) }
        }
    }

    static func names(_ node: Node?, _ id: String) throws(AdvisoryError) -> [String] {
        guard let node, node.isArray else { return [] }
        guard node.count <= Limits.names else {
            throw AdvisoryError(.tooLarge, "\(id) has more than \(Limits.names) other names")
        }
        var names: [String] = []
        for element in node.elements {
            if let name = element.string, !name.isEmpty, name.utf8.count <= 256 { names.append(name) }
        }
        return names
    }

    /// At most so many bytes, cut between characters.
    static func cut(_ text: String, _ limit: Int) -> String {
        guard text.utf8.count > limit else { return text }
        var bytes = Array(text.utf8.prefix(limit - 3))
        while let last = bytes.last, last & 0xC0 == 0x80 { bytes.removeLast() }
        if let last = bytes.last, last >= 0xC0 { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self) + "…"
    }

    /// Where publishers put their own word, in the order of preference.
    static func rating(_ node: Node, _ known: String) -> String {
        if !known.isEmpty { return known }
        for place in ["ecosystem_specific", "database_specific"] {
            guard let place = node[dynamic: place], place.isObject else { continue }
            for key in ["severity", "ubuntu_priority", "urgency", "informational"] {
                if let word = place[dynamic: key]?.string, !word.isEmpty { return cut(word, 64) }
            }
        }
        return ""
    }
}

extension OSVRecord.Scores {
    init(_ node: Node?) {
        self.init()
        for entry in node?.elements ?? Node.noElements {
            guard let type = entry["type"]?.string, let score = entry["score"]?.string, score.utf8.count <= 512 else {
                continue
            }
            switch type {
            case "CVSS_V2": cvss2 = score
            case "CVSS_V3": cvss3 = score
            case "CVSS_V4": cvss4 = score
            default: rating = OSVRecord.cut(score, 64)
            }
        }
    }
}

extension OSVRecord.Affected {
    /// nil for an entry that names no package, or is about commits alone.
    fileprivate init?(_ node: Node, _ id: String, _ budget: inout (events: Int, versions: Int)) throws(AdvisoryError) {
        guard let package = node["package"], let ecosystem = package["ecosystem"]?.string,
            let name = package["name"]?.string
        else { return nil }
        guard !ecosystem.isEmpty, !name.isEmpty, ecosystem.utf8.count <= 256, name.utf8.count <= 1024 else {
            throw AdvisoryError(.malformed, "\(id): a package has no name, or one that is too long")
        }
        self.init(ecosystem: AdvisoryEcosystem(ecosystem), name: name)
        for node in node["ranges"]?.elements ?? Node.noElements {
            guard let type = node["type"]?.string, type == "SEMVER" || type == "ECOSYSTEM" else { continue }
            var range = OSVRecord.Range(isSemantic: type == "SEMVER", events: [])
            for event in node["events"]?.elements ?? Node.noElements {
                for member in event.members {
                    guard let version = member.value.string, !version.isEmpty else {
                        throw AdvisoryError(.malformed, "\(id): an event of \(name) has no version")
                    }
                    budget.events -= 1
                    guard budget.events >= 0, version.utf8.count <= 1024 else {
                        throw AdvisoryError(.tooLarge, "\(id) has more than \(OSVRecord.Limits.events) events")
                    }
                    switch member.key {
                    case "introduced": range.events.append(.init(kind: .introduced, version: version))
                    case "fixed": range.events.append(.init(kind: .fixed, version: version))
                    case "last_affected": range.events.append(.init(kind: .lastAffected, version: version))
                    case "limit": range.events.append(.init(kind: .limit, version: version))
                    default: throw AdvisoryError(.malformed, "\(id): an event of \(name) is of an unknown kind")
                    }
                }
            }
            if !range.events.isEmpty { ranges.append(range) }
        }
        for version in node["versions"]?.elements ?? Node.noElements {
            budget.versions -= 1
            guard budget.versions >= 0 else {
                throw AdvisoryError(.tooLarge, "\(id) has more than \(OSVRecord.Limits.versions) versions")
            }
            if let version = version.string, !version.isEmpty, version.utf8.count <= 1024 { versions.append(version) }
        }
        severity = OSVRecord.Scores(node["severity"])
        severity.rating = OSVRecord.rating(node, severity.rating)
        isWontFix = Self.isWontFix(node)
        if ranges.isEmpty, versions.isEmpty { return nil }
    }

    private static func isWontFix(_ node: Node) -> Bool {
        for place in ["ecosystem_specific", "database_specific"] {
            guard let place = node[dynamic: place], place.isObject else { continue }
            for key in ["status", "resolution", "fix_state", "urgency", "availability"] {
                switch place[dynamic: key]?.string?.lowercased() {
                case "wont-fix", "wontfix", "won't fix", "will not fix", "end-of-life", "end_of_life",
                    "out of support scope",
                    "ignored", "unimportant":
                    return true
                default: break
                }
            }
        }
        return false
    }
}

extension Node {
    /// An empty sequence of nodes.
    fileprivate static var noElements: Node.Elements { EmptyDocument.root.elements }
}

private enum EmptyDocument {
    static let root: Node = {
        guard let document = try? JSONReader.read(Array("[]".utf8), source: "empty") else {
            preconditionFailure("an empty array is JSON")
        }
        return document.root
    }()
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings
import Inventory

/// What shall not count, as Trivy's users write it down: `.trivyignore` with an id a line, or `.trivyignore.yaml`.
package struct IgnoreFile: Sendable {
    struct Rule: Sendable, Hashable {
        var id: String
        /// Patterns of paths with `*`; empty for all.
        var paths: [String] = []
        /// Package URLs, where what is left out matches everything; empty for all.
        var urls: [String] = []
        /// `2027-01-31`; from that day on the rule counts no more.
        var expiry = ""
        var statement = ""
    }

    let source: String
    private(set) var rules: [Rule] = []

    private static let maxRules = 100_000

    /// - Throws: `ScanError` `malformed` with file and line.
    package init(_ bytes: [UInt8], source: String) throws(ScanError) {
        self.source = source
        if source.hasSuffix(".yaml") || source.hasSuffix(".yml") {
            try readYAML(bytes)
        } else {
            try readLines(bytes)
        }
    }

    private mutating func readLines(_ bytes: [UInt8]) throws(ScanError) {
        for (number, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            let text = String(decoding: line.prefix { $0 != UInt8(ascii: "#") }, as: UTF8.self)
            let words = text.split(whereSeparator: \.isWhitespace).map(String.init)
            guard let id = words.first else { continue }
            var rule = Rule(id: id)
            for word in words.dropFirst() {
                guard word.hasPrefix("exp:"), Self.isDay(word.dropFirst(4)) else {
                    throw ScanError(
                        .malformed, "\(source):\(number + 1): expected an id, or an id and exp:YYYY-MM-DD, not \(word)")
                }
                rule.expiry = String(word.dropFirst(4))
            }
            try add(rule)
        }
    }

    private mutating func readYAML(_ bytes: [UInt8]) throws(ScanError) {
        var reader = YAMLReader(bytes, source: source)
        guard let result = reader.next() else { return }
        let root: Node
        switch result {
        case .success(let document): root = document.root
        case .failure(let error): throw ScanError(.malformed, "\(error)")
        }
        guard let list = root["vulnerabilities"], !list.isNull else { return }
        guard list.isArray else {
            throw ScanError(.malformed, "\(source):\(list.line): vulnerabilities should be a list")
        }
        for item in list.elements {
            guard let id = item["id"]?.string, !id.isEmpty else {
                throw ScanError(.malformed, "\(source):\(item.line): an entry needs an id")
            }
            var rule = Rule(id: id)
            rule.paths = try texts(item["paths"])
            rule.urls = try texts(item["purls"])
            rule.statement = item["statement"]?.string ?? ""
            if let expiry = item["expired_at"], !expiry.isNull {
                guard let text = expiry.string, Self.isDay(text.prefix(10)) else {
                    throw ScanError(.malformed, "\(source):\(expiry.line): expired_at should be a day like 2027-06-30")
                }
                rule.expiry = String(text.prefix(10))
            }
            try add(rule)
        }
    }

    private func texts(_ node: Node?) throws(ScanError) -> [String] {
        guard let node, !node.isNull else { return [] }
        let texts = node.elements.compactMap(\.string)
        guard node.isArray, texts.count == node.count else {
            throw ScanError(.malformed, "\(source):\(node.line): expected a list of texts")
        }
        return texts
    }

    private mutating func add(_ rule: Rule) throws(ScanError) {
        guard rules.count < Self.maxRules else {
            throw ScanError(.malformed, "\(source): more than \(Self.maxRules) entries")
        }
        rules.append(rule)
    }

    private static func isDay(_ text: Substring) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].count == 4, parts[1].count == 2, parts[2].count == 2 else { return false }
        guard let month = Int(parts[1]), let day = Int(parts[2]), Int(parts[0]) != nil else { return false }
        return (1...12).contains(month) && (1...31).contains(day)
    }

    /// - Parameters:
    ///   - url: the package's URL without its qualifiers.
    ///   - today: `2026-11-28`.
    func exception(
        for item: ImageVulnerability, url: String, today: String
    ) -> ImageVulnerability.Exception? {
        for rule in rules where rule.id == item.id || rule.id == item.advisory || item.aliases.contains(rule.id) {
            if !rule.expiry.isEmpty, rule.expiry <= today { continue }
            if !rule.paths.isEmpty, !rule.paths.contains(where: { Exemption.matches($0, item.package.path) }) {
                continue
            }
            if !rule.urls.isEmpty, !rule.urls.contains(where: { Self.means($0, url) }) { continue }
            let reason = rule.statement.isEmpty ? "left out by \(source)" : rule.statement
            return ImageVulnerability.Exception(source: source, reason: reason)
        }
        return nil
    }

    /// Whether a package URL means another: the same, or without a version every version.
    static func means(_ pattern: String, _ url: String) -> Bool {
        let pattern = pattern.prefix { $0 != "?" && $0 != "#" }
        let url = url.prefix { $0 != "?" && $0 != "#" }
        if pattern == url { return true }
        let name = pattern.split(separator: "/").last ?? ""
        return !name.dropFirst().contains("@") && url.hasPrefix(pattern + "@")
    }
}

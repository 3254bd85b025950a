// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents

/// Statements of whether vulnerabilities matter to a product (OpenVEX 0.2.0, github.com/openvex/spec).
package struct OpenVEX: Sendable {
    enum Status: String, Sendable {
        case notAffected = "not_affected", affected, fixed, investigated = "under_investigation"
    }

    struct Statement: Sendable {
        /// The vulnerability's name and aliases.
        var names: Set<String> = []
        /// Package URLs or other names of products; empty for every product.
        var products: [(name: String, parts: [String])] = []
        var status: Status
        var reason = ""
    }

    let source: String
    /// In the order of their time: the last that matches counts.
    private(set) var statements: [Statement] = []

    private static let maxStatements = 100_000

    /// - Throws: `ScanError` `malformed` that names the statement.
    package init(_ bytes: [UInt8], source: String) throws(ScanError) {
        self.source = source
        let document: Document
        do throws(DocumentError) { document = try JSONReader.read(bytes, source: source) } catch {
            throw ScanError(.malformed, "\(error)")
        }
        let root = document.root
        guard let list = root["statements"], list.isArray, list.count <= Self.maxStatements else {
            throw ScanError(.malformed, "\(source): expected an OpenVEX document with a list of statements")
        }
        var dated: [(time: String, statement: Statement)] = []
        for (index, item) in list.elements.enumerated() {
            let statement = try Self.statement(item, "\(source): statements[\(index)]")
            dated.append((item["timestamp"]?.string ?? root["timestamp"]?.string ?? "", statement))
        }
        // Stable by position where times are equal.
        statements = dated.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }
            .map(\.element.statement)
    }

    private static func statement(_ item: Node, _ place: String) throws(ScanError) -> Statement {
        guard let word = item["status"]?.string, let status = Status(rawValue: word) else {
            throw ScanError(
                .malformed, "\(place).status should be not_affected, affected, fixed or under_investigation")
        }
        var statement = Statement(status: status)
        let vulnerability = item["vulnerability"]
        for name in [vulnerability?.string, vulnerability?["name"]?.string, vulnerability?["@id"]?.string] {
            if let name { statement.names.insert(lastPart(name)) }
        }
        for alias in vulnerability?["aliases"]?.elements.compactMap(\.string) ?? [] { statement.names.insert(alias) }
        guard !statement.names.isEmpty else { throw ScanError(.malformed, "\(place).vulnerability names nothing") }
        for product in item["products"]?.elements.map({ $0 }) ?? [] {
            for name in names(product) {
                let parts = product["subcomponents"]?.elements.flatMap { names($0) } ?? []
                statement.products.append((name, parts))
            }
        }
        let words = [item["justification"]?.string, item["impact_statement"]?.string, item["status_notes"]?.string]
        statement.reason = words.compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: ": ")
        return statement
    }

    private static func names(_ node: Node) -> [String] {
        let identifiers = node["identifiers"]
        return [node.string, node["@id"]?.string, identifiers?["purl"]?.string].compactMap { $0 }
    }

    /// Ids may be written as addresses: `https://nvd.nist.gov/vuln/detail/CVE-2021-44228`.
    private static func lastPart(_ name: String) -> String {
        name.split(separator: "/").last.map(String.init) ?? name
    }

    /// - Parameters:
    ///   - url: of the package, without qualifiers.
    ///   - image: what the image is called: package URL, reference, digests.
    func exception(
        for item: ImageVulnerability, url: String, image: [String]
    ) -> ImageVulnerability.Exception? {
        var found: Statement?
        for statement in statements where !statement.names.isDisjoint(with: [item.id, item.advisory] + item.aliases) {
            let applies =
                statement.products.isEmpty
                || statement.products.contains { product, parts in
                    if IgnoreFile.means(product, url) { return true }
                    guard image.contains(where: { $0 == product || IgnoreFile.means(product, $0) }) else {
                        return false
                    }
                    return parts.isEmpty || parts.contains { IgnoreFile.means($0, url) }
                }
            if applies { found = statement }
        }
        guard let found, found.status == .notAffected || found.status == .fixed else { return nil }
        let reason = found.reason.isEmpty ? found.status.rawValue : "\(found.status.rawValue): \(found.reason)"
        return ImageVulnerability.Exception(source: source, reason: reason)
    }
}

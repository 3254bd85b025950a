// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Advisories
import Documents

/// OpenVEX 0.2.0.
enum OpenVEXReader {
    static func read(_ root: Node, source: String) throws(ScanError) -> [VEXStatement] {
        guard let list = root["statements"], list.isArray, list.count <= VEXDocument.maxStatements else {
            throw ScanError(.malformed, "\(source): expected an OpenVEX document with a list of statements")
        }
        let time = RecordTime.seconds(root["timestamp"]?.string ?? "")
        var found: [VEXStatement] = []
        for (index, item) in list.elements.enumerated() {
            var statement = try statement(item, "\(source): statements[\(index)]")
            let own = item["last_updated"]?.string ?? item["timestamp"]?.string
            statement.time = own.map(RecordTime.seconds) ?? time
            found.append(statement)
        }
        return found
    }

    private static func statement(_ item: Node, _ place: String) throws(ScanError) -> VEXStatement {
        guard let word = item["status"]?.string, let status = VEXStatement.Status(rawValue: word) else {
            throw ScanError(
                .malformed, "\(place).status should be not_affected, affected, fixed or under_investigation")
        }
        var statement = VEXStatement(status: status)
        let vulnerability = item["vulnerability"]
        for name in [vulnerability?.string, vulnerability?["name"]?.string, vulnerability?["@id"]?.string] {
            if let name { statement.names.insert(lastPart(name)) }
        }
        for alias in vulnerability?["aliases"]?.elements.compactMap(\.string) ?? [] { statement.names.insert(alias) }
        guard !statement.names.isEmpty else { throw ScanError(.malformed, "\(place).vulnerability names nothing") }
        for product in item["products"]?.elements.map({ $0 }) ?? [] {
            let parts = product["subcomponents"]?.elements.flatMap { names($0) } ?? []
            statement.products.append(VEXStatement.Product(names: names(product), parts: parts))
        }
        let words = [item["justification"]?.string, item["impact_statement"]?.string, item["status_notes"]?.string]
        statement.reason = words.compactMap { $0 }.filter { !$0.isEmpty }.joined(separator: ": ")
        return statement
    }

    private static func names(_ node: Node) -> [VEXName] {
        let identifiers = node["identifiers"]
        let texts = [
            node.string, node["@id"]?.string, identifiers?["purl"]?.string, identifiers?["cpe22"]?.string,
            identifiers?["cpe23"]?.string,
        ]
        return texts.compactMap { $0 }.filter { !$0.isEmpty }.map { VEXName($0) }
    }

    /// Ids may be written as addresses: `https://nvd.nist.gov/vuln/detail/CVE-2021-44228`.
    private static func lastPart(_ name: String) -> String {
        name.split(separator: "/").last.map(String.init) ?? name
    }
}

// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Advisories
import Documents
import Inventory

/// Statements of whether vulnerabilities matter: OpenVEX 0.2 (github.com/openvex/spec), CycloneDX 1.4 to 1.6 (cyclonedx.org)
/// and CSAF 2.0 and 2.1 (docs.oasis-open.org/csaf), told apart by what they say of themselves.
package struct VEXDocument: Sendable {
    private(set) var statements: [VEXStatement] = []

    static let maxStatements = 100_000
    /// Names of products in all statements.
    static let maxNames = 2_000_000

    /// - Throws: `ScanError` `malformed` that names the place.
    package init(_ bytes: [UInt8], source: String) throws(ScanError) {
        let document: Document
        do throws(DocumentError) { document = try JSONReader.read(bytes, source: source, duplicateKeys: .last) } catch {
            throw ScanError(.malformed, "\(error)")
        }
        let root = document.root
        if root["bomFormat"]?.string == "CycloneDX" {
            statements = try CycloneDXStatements.read(root, source: source)
        } else if root["document"]?["csaf_version"] != nil {
            statements = try CSAFReader(root, source: source).statements()
        } else if root["statements"] != nil {
            statements = try OpenVEXReader.read(root, source: source)
        } else {
            throw ScanError(
                .malformed, "\(source): expected an OpenVEX document with statements, a CycloneDX one, or CSAF")
        }
        for index in statements.indices where statements[index].source.isEmpty { statements[index].source = source }
    }

    package var isEmpty: Bool { statements.isEmpty }
}

extension Exceptions {
    /// Where statements contradict, the latest counts; of the same time, the one that was read last.
    func statement(
        for item: ImageVulnerability, _ target: @autoclosure () -> VEXTarget
    ) -> ImageVulnerability.Exception? {
        let names = [item.id, item.advisory] + item.aliases
        var found: (statement: VEXStatement, reason: String)?
        var known: VEXTarget?
        for document in statements {
            for statement in document.statements where !statement.names.isDisjoint(with: names) {
                if let found, found.statement.time > statement.time { continue }
                let package = known ?? target()
                known = package
                if let reason = statement.reason(for: package) { found = (statement, reason) }
            }
        }
        guard let (statement, reason) = found else { return nil }
        let kind: ImageVulnerability.Exception.Kind
        switch statement.status {
        case .notAffected: kind = .notAffected
        case .fixed: kind = .fixed
        case .affected, .investigated:
            guard statement.isAcceptance else { return nil }
            return ImageVulnerability.Exception(source: statement.source, reason: reason)
        }
        let word = statement.status.rawValue
        // A reason of our own bills has the word already.
        let text = reason.isEmpty ? word : reason.hasPrefix(word) ? reason : "\(word): \(reason)"
        return ImageVulnerability.Exception(source: statement.source, reason: text, kind: kind)
    }
}

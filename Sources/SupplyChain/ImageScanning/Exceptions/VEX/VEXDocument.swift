// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Advisories
import Documents
import Inventory

/// Statements of whether vulnerabilities matter: OpenVEX 0.2 (github.com/openvex/spec), CycloneDX 1.4 to 1.6 (cyclonedx.org)
/// and CSAF 2.0 and 2.1 (docs.oasis-open.org/csaf), told apart by what they say of themselves; CycloneDX in XML too.
package struct VEXDocument: Sendable {
    private(set) var statements: [VEXStatement] = []

    static let maxStatements = 100_000
    /// Names of products in all statements.
    static let maxNames = 2_000_000

    /// - Throws: `ScanError` `malformed` that names the place.
    package init(_ bytes: [UInt8], source: String) throws(ScanError) {
        var bytes = bytes
        if Self.isXML(bytes) {
            do throws(InventoryError) { bytes = try CycloneDX.json(ofXML: bytes, source: source) } catch {
                throw ScanError(.malformed, "\(error)")
            }
        }
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

    /// Behind a byte order mark and white space.
    private static func isXML(_ bytes: [UInt8]) -> Bool {
        bytes.prefix(4096).first { $0 != 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D && $0 < 0x80 } == 0x3C
    }

    package var isEmpty: Bool { statements.isEmpty }
}

/// The statements of all documents, by the vulnerabilities that they name.
struct VEXIndex {
    private var statements: [VEXStatement] = []
    private var places: [String: [Int]] = [:]

    init(_ documents: [VEXDocument]) {
        for document in documents {
            for statement in document.statements {
                for name in statement.names { places[name, default: []].append(statements.count) }
                statements.append(statement)
            }
        }
    }

    /// Where statements contradict, the latest counts; of the same time, the one that was read last.
    func exception(
        for item: ImageVulnerability, _ target: @autoclosure () -> VEXTarget
    ) -> ImageVulnerability.Exception? {
        var found: (place: Int, reason: String)?
        var known: VEXTarget?
        for name in Set([item.id, item.advisory] + item.aliases) {
            for place in places[name] ?? [] {
                let statement = statements[place]
                if let found, (statements[found.place].time, found.place) >= (statement.time, place) { continue }
                let package = known ?? target()
                known = package
                if let reason = statement.reason(for: package) { found = (place, reason) }
            }
        }
        guard let found else { return nil }
        return Self.exception(statements[found.place], found.reason)
    }

    private static func exception(_ statement: VEXStatement, _ reason: String) -> ImageVulnerability.Exception? {
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

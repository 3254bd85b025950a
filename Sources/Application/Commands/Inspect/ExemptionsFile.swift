// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings
import Foundation

/// Reads a file of approved exceptions:
///
///     exemptions:
///       - owner: platform team
///         reason: the log agent reads the node's logs
///         expires: 2027-06-30
///         checks: [host-path, BW-VOL-002]
///         namespace: logging
///         kind: DaemonSet
///         name: log-*
enum ExemptionsFile {
    private static let keys: Set<String> = [
        "id", "owner", "reason", "expires", "checks", "cluster", "namespace", "kind", "name", "container",
    ]

    static func read(_ path: String) throws -> [Exemption] {
        let bytes = try InputFile.text(path)
        var reader = YAMLReader(bytes, source: path)
        guard let result = reader.next() else { throw UserError("\(path): the file is empty") }
        let document: Document
        do { document = try result.get() } catch { throw UserError("\(error)") }
        guard let list = document.root["exemptions"], list.kind == .array else {
            throw UserError("\(path): expected a list under the key exemptions")
        }
        return try list.elements.enumerated().map { try exemption($0.element, $0.offset + 1, path) }
    }

    private static func exemption(_ node: Node, _ number: Int, _ path: String) throws -> Exemption {
        let place = "\(path):\(node.line): exemption \(number)"
        for (key, _) in node.members where !keys.contains(key.string) {
            throw UserError("\(place): unknown key \(key.string)")
        }
        func text(_ key: String) throws -> String {
            guard let value = node[dynamic: key], !value.isNull else { return "" }
            guard let text = value.string ?? value.number else {
                throw UserError("\(place): \(key) should be a string")
            }
            return text
        }
        let (owner, reason) = (try text("owner"), try text("reason"))
        guard !owner.isEmpty, !reason.isEmpty else { throw UserError("\(place): owner and reason are needed") }
        return Exemption(
            id: try text("id").isEmpty ? "\(path)#\(number)" : try text("id"), owner: owner, reason: reason,
            expiry: try expiry(try text("expires"), place),
            checks: try checks(node["checks"], place),
            cluster: try text("cluster"), namespace: try text("namespace"), kind: try text("kind"),
            name: try text("name"),
            container: try text("container"))
    }

    /// An exemption without checks covers all of them, so nothing that is written there may be read as nothing.
    private static func checks(_ node: Node?, _ place: String) throws -> [String] {
        guard let node, !node.isNull else { return [] }
        let names = node.elements.compactMap(\.string)
        guard node.kind == .array, names.count == node.count, !names.isEmpty else {
            throw UserError("\(place): checks should be a list of ids or slugs")
        }
        return names
    }

    /// A day lasts to its end in UTC.
    private static func expiry(_ text: String, _ place: String) throws -> Int64? {
        if text.isEmpty { return nil }
        let isDay = text.utf8.count == 10
        guard let date = try? Date(isDay ? "\(text)T23:59:59Z" : text, strategy: .iso8601) else {
            throw UserError("\(place): expires should be a day like 2027-06-30, or a time like 2027-06-30T12:00:00Z")
        }
        return Int64(date.timeIntervalSince1970) + (isDay ? 1 : 0)
    }
}

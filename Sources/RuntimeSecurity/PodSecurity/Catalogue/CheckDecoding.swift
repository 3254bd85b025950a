// Copyright (c) the Bulwark authors. SPDX-License-Identifier: Apache-2.0
import Documents
import Findings

/// Reads one `check.yaml`.
enum CheckDecoding {
    static func check(path: String, text: String) throws -> InspectionCheck {
        let folders = path.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
        guard folders.count >= 3 else {
            throw InspectionError(.catalogue, "\(path): expected <area>/<slug>/check.yaml")
        }
        let (area, slug) = (folders[folders.count - 3], folders[folders.count - 2])
        var reader = YAMLReader(Array(text.utf8), source: path)
        guard let document = try reader.next()?.get() else {
            throw InspectionError(.catalogue, "\(path): the file is empty")
        }
        let root = document.root
        func field(_ key: String) throws(InspectionError) -> String {
            guard let value = root[dynamic: key]?.string, !value.isEmpty else {
                throw InspectionError(.catalogue, "\(path): \(key) is missing")
            }
            return value.trimmingNewlines
        }
        guard let severity = Severity(name: try field("severity")) else {
            throw InspectionError(.catalogue, "\(path): unknown severity")
        }
        guard let judge = root["judge"] else { throw InspectionError(.catalogue, "\(path): judge is missing") }
        let fix = try root["fix"].map { node throws(InspectionError) in try Fix(node, slug: slug) }
        let check = Check(
            id: try field("id"), slug: slug, area: area, title: try field("title"), severity: severity,
            why: try field("why"), remediation: try field("remediation"),
            aliases: lists(root["aliases"]).map { (tool: $0, ids: $1) },
            controls: lists(root["controls"]).map { (benchmark: $0, ids: $1) },
            references: root.list("references").compactMap { $0.string },
            sensitive: root["sensitive"]?.bool ?? false, fixable: fix != nil)
        return InspectionCheck(check: check, judge: try JudgeDecoding.judge(judge, slug: slug), fix: fix)
    }

    private static func lists(_ node: Node?) -> [(String, [String])] {
        guard let node else { return [] }
        return node.members.map { key, value in
            (key.string, value.elements.map { $0.string ?? $0.json(limit: 40) })
        }
    }
}

extension String {
    fileprivate var trimmingNewlines: String {
        // The texts are our own: they end with what YAML's blocks leave, and with no other kind of space.
        var text = utf8[...]
        while let last = text.last, last == 0x20 || last == 0x0A { text.removeLast() }
        return String(Substring(text))
    }
}
